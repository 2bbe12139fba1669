package contracts_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/contracts"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

var updateFlag = flag.Bool("update", false, "write what the tests find into testdata")

// files splits a text at its "# file: NAME" lines.
func files(text string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, "# file: ") {
		name, body, found := strings.Cut(part, "\n")
		if found && strings.TrimSpace(body) != "" {
			out[name] = body
		}
	}
	return out
}

// input makes an environment of a text: *.tf are Terraform roots, the persistent
// one's outputs known to the other, and each directory of *.yaml is an overlay.
func input(tb testing.TB, env, text string) *check.Input {
	tb.Helper()
	all := files(text)
	in := &check.Input{Environment: env}
	fsys := fstest.MapFS{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasSuffix(name, ".yaml") {
			fsys[name] = &fstest.MapFile{Data: []byte(all[name])}
			continue
		}
		objects, findings := manifest.Split(name, []byte(all[name]))
		if len(findings) > 0 {
			tb.Fatalf("the test's own YAML: %v\n%s", findings, all[name])
		}
		in.Overlays = append(in.Overlays, check.Overlay{Dir: path.Dir(name), App: path.Base(path.Dir(name)), Objects: objects})
	}
	in.Terraform = roots(tb, fsys)
	return in
}

// roots reads all roots, those that others read the state of first.
func roots(tb testing.TB, fsys fstest.MapFS) []*terraform.Root {
	tb.Helper()
	dirs, _, err := terraform.Find(fsys)
	if err != nil {
		tb.Fatal(err)
	}
	slices.SortFunc(dirs, func(a, b string) int { return strings.Compare(path.Base(b), path.Base(a)) })
	var out []*terraform.Root
	for _, dir := range dirs {
		root, findings := terraform.Read(fsys, dir, terraform.Options{State: func(_ string, config terraform.Value) (map[string]terraform.Value, bool) {
			for _, other := range out {
				if other.Backend == nil || other.Backend.Get("prefix").Display() != config.At("prefix").Display() {
					continue
				}
				outputs := map[string]terraform.Value{}
				for _, o := range other.Outputs {
					outputs[o.Name] = o.Value
				}
				return outputs, true
			}
			return nil, false
		}})
		for _, d := range findings {
			if d.Severity == diag.Error {
				tb.Fatalf("the test's own Terraform: %s: %s", d.Range, d.Summary)
			}
		}
		out = append(out, root)
	}
	return out
}

func judged(tb testing.TB, in *check.Input) diag.List {
	tb.Helper()
	findings, err := contracts.New().Run(context.Background(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return findings.Sorted()
}

// lines writes findings as "severity rule place -> other side: summary".
func lines(findings diag.List) []string {
	out := []string{}
	for _, d := range findings {
		line := fmt.Sprintf("%s %s %s:%d", d.Severity, d.Rule, d.Range.Path, d.Range.Start.Line)
		for _, r := range d.Related {
			line += fmt.Sprintf(" -> %s:%d (%s)", r.Range.Path, r.Range.Start.Line, r.Message)
			break
		}
		out = append(out, line+": "+d.Summary)
	}
	return out
}

func TestGoodEnvironmentIsSilent(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"prod", "dev"} {
		if diff := cmp.Diff([]string{}, lines(judged(t, input(t, env, good)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", env, diff)
		}
	}
}

// TestMutants changes one piece of the good environment at a time. The file
// says what is found, and it is read by people.
func TestMutants(t *testing.T) {
	t.Parallel()
	const file = "testdata/mutants.txt"
	var b strings.Builder
	seen := map[string]bool{}
	for _, m := range mutants() {
		if seen[m.name] {
			t.Fatalf("two mutants are named %q", m.name)
		}
		seen[m.name] = true
		if strings.Count(good, m.old) != 1 {
			t.Fatalf("%s: the text to change stands there %d times", m.name, strings.Count(good, m.old))
		}
		env := m.env
		if env == "" {
			env = "prod"
		}
		found := judged(t, input(t, env, strings.Replace(good, m.old, m.new, 1)))
		rules := map[string]bool{}
		for _, d := range found {
			rules[d.Rule] = true
		}
		switch {
		case m.clean != (len(found) == 0):
			t.Errorf("%s: found %v", m.name, lines(found))
		case !m.clean && len(rules) != 1:
			t.Errorf("%s: one mistake breaks %d rules: %v", m.name, len(rules), lines(found))
		}
		fmt.Fprintf(&b, "== %s\n%s\n", m.name, strings.Join(lines(found), "\n"))
	}
	if *updateFlag {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("go test ./generator/check/contracts -run TestMutants -update (-want +got):\n%s", diff)
	}
}
