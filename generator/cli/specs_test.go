package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestUserSpecs takes the specs that teams of different kinds would write
// (testdata/specs/*.txtar): each renders, builds as stock kustomize does, and
// checks without an error or a warning, and a second render changes nothing.
// Three lines of the comment are read: "vendor: COMPONENT VERSION" takes a
// stand-in for the official manifests first, "official: argocd VERSION" takes
// those that the module in go.mod ships, and "warns: RULE" is a warning that the
// team has earned.
func TestUserSpecs(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/specs/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d specs, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			dir, warns := userSpec(t, name)
			for _, args := range [][]string{{"render"}, {"check"}, {"render", "--check"}} {
				if code, out, talk := run(t, dir, args...); code != exitClean {
					t.Fatalf("strake %s: exit %d\n%s%s", strings.Join(args, " "), code, out, talk)
				}
			}
			if diff := cmp.Diff(warns, warnings(t, dir)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			overlays, err := filepath.Glob(filepath.Join(dir, "overlays", "*", "*"))
			if err != nil || len(overlays) < 2 {
				t.Fatalf("%d overlays, %v", len(overlays), err)
			}
			for _, overlay := range overlays {
				stock(t, dir, overlay)
			}
		})
	}
}

// warnings are the rules that warn in a directory.
func warnings(t *testing.T, dir string) []string {
	t.Helper()
	_, out, talk := run(t, dir, "check", "--format", "json")
	var report struct {
		Findings []struct{ Rule, Severity string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s%s", err, out, talk)
	}
	var rules []string
	for _, f := range report.Findings {
		if f.Severity != "info" && !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// userSpec writes a spec into a directory, with what it vendors, and returns
// the warnings to expect.
func userSpec(t *testing.T, name string) (dir string, warns []string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write := func(file, text string) {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range archive.Files {
		write(filepath.Join(dir, filepath.FromSlash(f.Name)), string(f.Data))
	}
	for line := range strings.Lines(string(archive.Comment)) {
		if rule, found := strings.CutPrefix(line, "warns: "); found {
			warns = append(warns, strings.TrimSpace(rule))
		}
		rest, found := strings.CutPrefix(line, "vendor: ")
		of, official := strings.CutPrefix(line, "official: ")
		if !found && !official {
			continue
		}
		component, version, _ := strings.Cut(strings.TrimSpace(rest), " ")
		source := filepath.Join("testdata", "standin", component+".yaml")
		if official {
			component, version, _ = strings.Cut(strings.TrimSpace(of), " ")
			source = argocdInstall(t, version)
		}
		manifests, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "install.yaml")
		write(file, strings.ReplaceAll(string(manifests), "v2.14.21", version))
		if code, out, talk := run(t, dir, "vendor", component, "--from", file); code != exitClean {
			t.Fatalf("strake vendor %s: exit %d\n%s%s", component, code, out, talk)
		}
	}
	return dir, warns
}

// argocdInstall is the official manifest in the module of Argo CD, which is
// downloaded already: the product is linked with it.
func argocdInstall(t *testing.T, version string) string {
	t.Helper()
	const module = "github.com/argoproj/argo-cd/v2"
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("locate %s: %v", module, err)
	}
	have, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if have != version || dir == "" {
		t.Fatalf("%s is at %s in %q, and the spec wants %s", module, have, dir, version)
	}
	return filepath.Join(dir, "manifests", "install.yaml")
}

// stock compares one overlay with what the kustomize program builds of it.
func stock(t *testing.T, dir, overlay string) {
	t.Helper()
	rel, err := filepath.Rel(dir, overlay)
	if err != nil {
		t.Fatal(err)
	}
	want, err := exec.Command(filepath.Join(repository(t), "bin", "kustomize"), "build", overlay).Output()
	if err != nil {
		t.Fatalf("kustomize build %s: %v", rel, err)
	}
	code, got, talk := run(t, dir, "build", rel)
	if diff := cmp.Diff(string(want), got); diff != "" || code != exitClean {
		t.Errorf("strake build %s: exit %d %s(-kustomize +strake):\n%s", rel, code, talk, diff)
	}
}
