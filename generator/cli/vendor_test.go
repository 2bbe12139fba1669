package cli

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"strake/generator/manifest"
)

// moduleDir is where a Go module that go.mod requires is kept.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("locate %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// editSpec replaces texts in the spec; each must be there.
func editSpec(t *testing.T, dir string, pairs ...string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		edit(t, filepath.Join(dir, filepath.FromSlash(specFile)), pairs[i], pairs[i+1])
	}
}

// done types a command that must succeed, and returns what it printed.
func done(t *testing.T, dir, line string) string {
	t.Helper()
	out, err := typed(t, dir, line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// TestOfficialArgoCD lays the reference platform over the manifests that the Argo
// CD project publishes: everything that a spec can say of a vendored install.
func TestOfficialArgoCD(t *testing.T) {
	t.Parallel()
	manifests := filepath.Join(moduleDir(t, "github.com/argoproj/argo-cd/v2"), "manifests", "install.yaml")
	dir := reference(t)
	editSpec(t, dir,
		"install: external", "install: vendored\n    pool: argocd\n    exposure: {iap: {certificate: argocd}}\n    resources: {argocd-server: {requests: {memory: 1Gi}}}",
		"banner: {text: PRODUCTION}", `banner: {text: PRODUCTION, color: "#b00020"}`,
		"        - {name: spot,", "        - {name: argocd, machineType: e2-standard-4, min: 1, max: 2, dedicated: argocd}\n        - {name: spot,",
	)
	done(t, dir, "strake vendor argocd --from "+manifests)
	done(t, dir, "strake render --force")
	done(t, dir, "strake check --env prod --fail-on warning")
	whole(t, manifests, filepath.Join(dir, "vendor", "argocd"))

	objects, findings := manifest.Split("argocd", []byte(done(t, dir, "strake build overlays/prod/argocd")))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	workloads := map[string]bool{}
	for _, o := range objects {
		cluster := o.Kind == "ClusterRole" || o.Kind == "ClusterRoleBinding" || o.Kind == "Namespace"
		if !cluster && o.Namespace != "argocd" {
			t.Errorf("%s is not in the namespace argocd", o.ID())
		}
		if o.Kind == "Deployment" || o.Kind == "StatefulSet" {
			workloads[o.Name] = true
			placed(t, o)
		}
	}
	if len(workloads) != 7 {
		t.Errorf("workloads: %v", workloads)
	}
	for name, want := range map[string]map[string]string{
		"argocd-cmd-params-cm": {"server.insecure": "true"},
		"argocd-cm":            {"ui.cssurl": "./custom/environment.css", "ui.bannercontent": "PRODUCTION", "admin.enabled": "false"},
		"argocd-styles-cm":     {},
	} {
		data := configMap(t, objects, name)
		for key, value := range want {
			if data[key] != value {
				t.Errorf("%s: %s is %q, want %q", name, key, data[key], value)
			}
		}
	}
	if css := configMap(t, objects, "argocd-styles-cm")["environment.css"]; !strings.Contains(css, ".sidebar { background: #b00020; }") {
		t.Errorf("style sheet: %s", css)
	}
}

// placed wants the pool's label and taint, the version's image, and requests.
func placed(t *testing.T, o *manifest.Object) {
	t.Helper()
	text := string(o.YAML)
	for _, want := range []string{
		`nodeSelector:\n +dedicated: argocd\n +kubernetes.io/os: linux\n`,
		`tolerations:\n +- effect: NoSchedule\n +key: dedicated\n +operator: Equal\n +value: argocd\n`,
		`resources:\n +requests:\n`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s has no %s", o.ID(), want)
		}
	}
	if strings.Contains(text, "gke-nodepool") {
		t.Errorf("%s selects a pool by its name", o.ID())
	}
}

func configMap(t *testing.T, objects []*manifest.Object, name string) map[string]string {
	t.Helper()
	for _, o := range objects {
		if o.Kind == "ConfigMap" && o.Name == name {
			var cm struct {
				Data map[string]string `json:"data"`
			}
			if err := yaml.Unmarshal(o.YAML, &cm); err != nil { // every value is a string
				t.Fatal(err)
			}
			return cm.Data
		}
	}
	t.Fatalf("there is no ConfigMap %s", name)
	return nil
}

// whole wants each object of the official manifests in a file, unchanged.
func whole(t *testing.T, official, vendor string) {
	t.Helper()
	data, err := os.ReadFile(official)
	if err != nil {
		t.Fatal(err)
	}
	published, findings := manifest.Split(official, data)
	if len(findings) > 0 || len(published) == 0 {
		t.Fatalf("%d objects: %v", len(published), findings)
	}
	files := map[string]bool{}
	err = filepath.WalkDir(vendor, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		files[string(text)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range published {
		if !files[string(o.YAML)] {
			t.Errorf("%s is in no file as it was published", o.ID())
		}
	}
	// Two kustomizations, the record and the attributes.
	if want := len(published) + 4; len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
}

// TestOfficialWorkflowDefinitions delivers the full definitions of Argo
// Workflows, and judges by them what is rendered.
func TestOfficialWorkflowDefinitions(t *testing.T) {
	t.Parallel()
	full := filepath.Join(moduleDir(t, "github.com/argoproj/argo-workflows/v3"), "manifests", "base", "crds", "full")
	files, err := filepath.Glob(filepath.Join(full, "argoproj.io_*.yaml"))
	if err != nil || len(files) != 8 {
		t.Fatalf("definitions: %v, %v", files, err)
	}
	dir := reference(t)
	editSpec(t, dir, "      version: v3.7.18\n", "      version: v3.7.18\n      crds: vendored\n")
	line := "strake vendor workflows"
	for _, file := range files {
		line += " --from " + file
	}
	done(t, dir, line)
	done(t, dir, "strake render --force")
	done(t, dir, "strake check --fail-on warning --env dev")
	objects, _ := manifest.Split("crds", []byte(done(t, dir, "strake build overlays/dev/argo-workflows-crds")))
	if len(objects) != 8 {
		t.Errorf("%d definitions", len(objects))
	}
	for _, o := range objects {
		if !strings.Contains(string(o.YAML), "argocd.argoproj.io/sync-options: Prune=confirm,Delete=confirm") {
			t.Errorf("%s would be deleted without a question", o.ID())
		}
	}
	if out, err := typed(t, dir, fmt.Sprintf("strake vendor workflows --from %s", full)); err == nil || !strings.Contains(out, "is a kustomization") {
		t.Errorf("the directory with a kustomization is taken: %v %s", err, out)
	}
}
