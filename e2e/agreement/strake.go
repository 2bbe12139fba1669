package agreement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Opinion is what Strake says of one object.
type Opinion struct {
	// Rules are those with a finding of severity error that is a verdict on the
	// object, and texts what they say.
	Rules []string
	texts []string
}

// Refused reports whether Strake would not let the object pass.
func (o Opinion) Refused() bool { return len(o.Rules) > 0 }

func (o Opinion) String() string {
	if !o.Refused() {
		return "ok"
	}
	return strings.Join(o.Rules, " ")
}

// names reports whether a finding speaks of the server's field. A finding on a
// misspelt field gives only its last part: the rest is the line it points at.
func (o Opinion) names(field string) bool {
	last := field[strings.LastIndex(field, ".")+1:]
	return slices.ContainsFunc(o.texts, func(text string) bool {
		return strings.Contains(text, field) || strings.Contains(text, fmt.Sprintf("%q", last))
	})
}

// OfServer are the rules that say what the API server would say. What is no
// object, or does not build, never gets to the server: that is a refusal too.
func OfServer(rule string) bool {
	return strings.HasPrefix(rule, "api-") || strings.HasPrefix(rule, "build-") || strings.HasPrefix(rule, "yaml-") ||
		slices.Contains([]string{"manifest-object", "pod-security-label", "check-failed", "file-unread", "kustomization-field"}, rule)
}

// OfArgo are the rules that say what Argo Workflows, or a server with its whole
// CRDs, would say.
func OfArgo(rule string) bool {
	return rule == "argo-decode" || rule == "argo-lint" || OfServer(rule)
}

// Strake is the product's binary.
type Strake struct {
	Binary string
	// Counts says which rules are a verdict.
	Counts func(rule string) bool
}

// Opinions lays out a repository in which every case is one kustomization, and
// checks it in one run. An update is checked against the commit before it.
func (s Strake) Opinions(ctx context.Context, dir string, cases []Case) ([]Opinion, error) {
	before := func(c Case) []byte { return c.Before }
	after := func(c Case) []byte { return c.After }
	args := []string{"check", "--format", "json"}
	if slices.ContainsFunc(cases, func(c Case) bool { return c.Before != nil }) {
		if err := layOut(dir, cases, before); err != nil {
			return nil, err
		}
		if err := commit(ctx, dir); err != nil {
			return nil, err
		}
		args = append(args, "--since", "HEAD")
	}
	if err := layOut(dir, cases, after); err != nil {
		return nil, err
	}
	data, err := s.run(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	return s.sort(data, cases)
}

// layOut writes the cases into a directory each.
func layOut(dir string, cases []Case, object func(Case) []byte) error {
	for _, c := range cases {
		resources := []string{"object.yaml"}
		files := map[string][]byte{"object.yaml": object(c)}
		for i, data := range c.Beside {
			name := fmt.Sprintf("beside-%d.yaml", i)
			resources = append(resources, name)
			files[name] = data
		}
		files["kustomization.yaml"] = []byte("resources: [" + strings.Join(resources, ", ") + "]\n")
		at := filepath.Join(dir, c.Dir)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(at, name), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func commit(ctx context.Context, dir string) error {
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "."},
		{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "before"},
	} {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// run runs the binary. Findings are no error.
func (s Strake) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.Binary, append([]string{"-C", dir, "-q"}, args...)...) // #nosec G204 -- the product under test
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("strake %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// Build prints what a case's kustomization builds, after Opinions laid it out.
func (s Strake) Build(ctx context.Context, dir string, c Case) ([]byte, error) {
	return s.run(ctx, dir, "build", c.Dir)
}

// sort gives each finding to its case. One that is of no case is an error: the
// run would not mean what it is taken for.
func (s Strake) sort(data []byte, cases []Case) ([]Opinion, error) {
	var report struct {
		Findings []struct {
			Rule, Severity, Summary, Detail, Path string
			Environments                          []string
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	number := make(map[string]int, len(cases))
	for i, c := range cases {
		number[c.Dir] = i
	}
	out := make([]Opinion, len(cases))
	for _, f := range report.Findings {
		if f.Severity != "error" || !s.Counts(f.Rule) {
			continue
		}
		dir, _, _ := strings.Cut(f.Path, "/")
		i, ok := number[dir]
		if !ok && len(f.Environments) == 1 {
			i, ok = number[f.Environments[0]]
		}
		if !ok {
			return nil, fmt.Errorf("a finding of no case: %+v", f)
		}
		if !slices.Contains(out[i].Rules, f.Rule) {
			out[i].Rules = append(out[i].Rules, f.Rule)
			slices.Sort(out[i].Rules)
		}
		out[i].texts = append(out[i].texts, f.Summary+"\n"+f.Detail)
	}
	return out, nil
}
