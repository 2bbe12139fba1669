package build_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/build"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// repo makes a repository from txtar-like text: lines "-- name --" start files.
func repo(text string) fstest.MapFS {
	files := fstest.MapFS{}
	name := ""
	for _, line := range strings.SplitAfter(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(trimmed, "-- "); ok && strings.HasSuffix(rest, " --") {
			name = strings.TrimSuffix(rest, " --")
			files[name] = &fstest.MapFile{Mode: 0o644}
			continue
		}
		if name != "" {
			files[name].Data = append(files[name].Data, line...)
		}
	}
	return files
}

func buildOne(t *testing.T, files fstest.MapFS, dir string) build.Overlay {
	t.Helper()
	out, err := build.Overlays(t.Context(), files, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// lines writes findings shortly: path:line:col severity rule summary.
func lines(l diag.List) []string {
	var out []string
	for _, d := range l {
		out = append(out, fmt.Sprintf("%s %s %s: %s", d.Range, d.Severity, d.Rule, d.Summary))
	}
	return out
}

func find(t *testing.T, o build.Overlay, kind, name string) *manifest.Object {
	t.Helper()
	for _, object := range o.Objects {
		if object.Kind == kind && object.Name == name {
			return object
		}
	}
	t.Fatalf("no %s %s in %s; findings %v", kind, name, o.Dir, lines(o.Findings))
	return nil
}

const platform = `
-- base/app/kustomization.yaml --
resources:
- deployment.yaml
- all.yaml
-- base/app/deployment.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: main
        image: example/server:1.0
        args: [server, --auth-mode=server]
        ports:
        - containerPort: 2746
          name: web
      - name: proxy
        image: example/proxy:2.0
-- base/app/all.yaml --
# two objects
apiVersion: v1
kind: ServiceAccount
metadata:
  name: server
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: server}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
-- base/app/custom/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: []
configMapGenerator: []
commonAnnotations: {team: platform}
-- overlays/dev/app/kustomization.yaml --
namespace: argo
resources:
- ../../../base/app
components:
- patches
- ../../../base/app/custom
- custom
-- overlays/dev/app/patches/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
configMapGenerator:
- name: settings
  literals:
  - COLOUR=blue
  files: [app.ini]
  options: {disableNameSuffixHash: true}
patches:
- path: server.yaml
- target: {kind: Role}
  patch: |
    - op: add
      path: /rules/-
      value:
        apiGroups: [""]
        resources: [secrets]
        verbs: [list]
-- overlays/dev/app/patches/app.ini --
x = 1
-- overlays/dev/app/patches/server.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: main
        resources:
          requests:
            cpu: 100m
-- overlays/dev/app/custom/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images:
- name: example/server
  newTag: "1.1"
patches:
- target: {kind: Deployment, name: sever}
  patch: |
    - {op: remove, path: /spec/replicas}
`

// TestLocate asks for the line that made a value.
func TestLocate(t *testing.T) {
	t.Parallel()
	o := buildOne(t, repo(platform), "overlays/dev/app")
	if diff := cmp.Diff([]string{
		"overlays/dev/app/custom/kustomization.yaml:7:3 error patch-no-match: the patch selects no object, so it changes nothing",
	}, lines(o.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	container := []any{"spec", "template", "spec", "containers", 0}
	for _, test := range []struct {
		kind, name string
		steps      []any
		want       string
	}{
		{"Deployment", "server", nil, "base/app/deployment.yaml:1:1"},
		{"Deployment", "server", []any{"metadata", "name"}, "base/app/deployment.yaml:4:9"},
		{"Deployment", "server", []any{"metadata", "namespace"}, "overlays/dev/app/kustomization.yaml:1:12"},
		{"Deployment", "server", []any{"metadata", "annotations", "team"}, "base/app/custom/kustomization.yaml:5:27"},
		{"Deployment", "server", []any{"spec"}, "base/app/deployment.yaml:5:1"},
		{"Deployment", "server", []any{"spec", "replicas"}, "overlays/dev/app/patches/server.yaml:6:13"},
		{"Deployment", "server", []any{"spec", "template", "spec", "securityContext"}, "base/app/deployment.yaml:8:5"},
		{"Deployment", "server", container, "base/app/deployment.yaml:10:9"},
		{"Deployment", "server", append(container, "image"), "overlays/dev/app/custom/kustomization.yaml:5:11"},
		{"Deployment", "server", append(container, "args", 1), "base/app/deployment.yaml:12:24"},
		{"Deployment", "server", append(container, "ports", 0, "name"), "base/app/deployment.yaml:15:17"},
		{"Deployment", "server", append(container, "resources", "requests", "cpu"), "overlays/dev/app/patches/server.yaml:13:18"},
		{"Deployment", "server", []any{"spec", "template", "spec", "containers", 1, "image"}, "base/app/deployment.yaml:17:16"},
		{"Role", "server", []any{"rules", 0, "verbs", 0}, "base/app/all.yaml:13:11"},
		{"Role", "server", []any{"rules", 1}, "overlays/dev/app/patches/kustomization.yaml:16:9"},
		{"Role", "server", []any{"rules", 1, "verbs", 0}, "overlays/dev/app/patches/kustomization.yaml:18:17"},
		{"ServiceAccount", "server", nil, "base/app/all.yaml:2:1"},
		{"ConfigMap", "settings", nil, "overlays/dev/app/patches/kustomization.yaml:4:3"},
		{"ConfigMap", "settings", []any{"metadata", "name"}, "overlays/dev/app/patches/kustomization.yaml:4:9"},
		{"ConfigMap", "settings", []any{"data", "COLOUR"}, "overlays/dev/app/patches/kustomization.yaml:6:5"},
		{"ConfigMap", "settings", []any{"data", "app.ini"}, "overlays/dev/app/patches/app.ini:1:1"},
	} {
		object := find(t, o, test.kind, test.name)
		path := object.At(test.steps...)
		t.Run(object.ID()+" "+path.String(), func(t *testing.T) {
			t.Parallel()
			if got, _ := object.Locate(path); got.String() != test.want {
				t.Errorf("is at %s, want %s", got, test.want)
			}
		})
	}
}

// chain writes the layers of an object, without the fields of kustomizations.
func chain(o *manifest.Object) []string {
	var out []string
	for _, l := range o.Layers {
		if l.Role != "transformer" {
			out = append(out, l.Role+" "+l.Range.String())
		}
	}
	return out
}

// TestLayers: exactly the patches that touched an object are its layers, in the
// order in which they were applied, also where one kustomization is built twice.
func TestLayers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		archive, dir, kind, name string
		want                     []string
	}{
		{"patches", "overlay", "Deployment", "web", []string{
			"resource base/objects.yaml:1:1", "patch overlay/several.yaml:1:1", "patch overlay/ops.json:1:1",
			"patch overlay/kustomization.yaml:8:5", "patch overlay/kustomization.yaml:13:5",
		}},
		{"patches", "overlay", "Service", "web", []string{"resource base/objects.yaml:28:1", "patch overlay/several.yaml:18:1"}},
		{"patches", "overlay", "Job", "renamed", []string{"resource base/job.yaml:1:1", "patch overlay/kustomization.yaml:35:5"}},
		{"components", "prod", "ConfigMap", "settings", []string{
			"resource base/cm.yaml:1:1", "patch feature/kustomization.yaml:7:5", "patch prod/kustomization.yaml:7:5",
		}},
		{"components", "twice", "ConfigMap", "right-settings", []string{
			"resource base/cm.yaml:1:1", "patch feature/kustomization.yaml:7:5", "patch right/kustomization.yaml:7:5",
		}},
		{"components", "twice", "ConfigMap", "left-settings", []string{"resource base/cm.yaml:1:1", "patch feature/kustomization.yaml:7:5"}},
		{"components", "twice", "ConfigMap", "left-extra", []string{"resource feature/extra.yaml:1:1"}},
		{"deprecated", "overlay", "ConfigMap", "c", []string{"resource base/d.yaml:6:1", "patch overlay/merge.yaml:6:1", "patch overlay/ops.yaml:1:1"}},
		{"yaml", ".", "ConfigMap", "second", []string{"resource list.yaml:10:5"}},
		{"yaml", ".", "ConfigMap", "anchors", []string{"resource words.yaml:21:1"}},
	} {
		t.Run(test.archive+" "+test.dir+" "+test.name, func(t *testing.T) {
			t.Parallel()
			files, _ := archive(t, "testdata/stock/"+test.archive+".txtar")
			o := find(t, buildOne(t, files, test.dir), test.kind, test.name)
			if diff := cmp.Diff(test.want, chain(o)); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGeneratedLayers(t *testing.T) {
	t.Parallel()
	files, _ := archive(t, "testdata/stock/generators.txtar")
	o := buildOne(t, files, "overlay")
	for _, object := range o.Objects {
		if !strings.HasPrefix(object.Name, "plain-") {
			continue
		}
		want := []string{"generator app/kustomization.yaml:5:3", "generator overlay/kustomization.yaml:3:3"}
		if diff := cmp.Diff(want, chain(object)); diff != "" {
			t.Errorf("layers (-want +got):\n%s", diff)
		}
		for key, want := range map[string]string{"A": "overlay/kustomization.yaml:5:14", "B": "app/kustomization.yaml:6:19"} {
			if got, _ := object.Locate(object.At("data", key)); got.String() != want {
				t.Errorf("%s is at %s, want %s", key, got, want)
			}
		}
	}
	envs := buildOne(t, files, "app")
	for _, object := range envs.Objects {
		if strings.HasPrefix(object.Name, "envs-") {
			if got, _ := object.Locate(object.At("data", "OTHER")); got.String() != "app/app.env:3:1" {
				t.Errorf("OTHER is at %s", got)
			}
		}
	}
}

// TestDegrade: where the marks change the result, positions are those of the
// file, and that is said.
func TestDegrade(t *testing.T) {
	t.Parallel()
	o := buildOne(t, repo("-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- target: {kind: Deployment, annotationSelector: '!internal.config.kubernetes.io/strake-0'}\n  patch: |\n    - {op: add, path: /spec/paused, value: true}\n"+deployment), "app")
	if len(o.Findings) != 1 || o.Findings[0].Rule != build.RulePositions || o.Findings[0].Severity != diag.Info {
		t.Errorf("findings %v, want only that positions are not known", lines(o.Findings))
	}
	web := find(t, o, "Deployment", "web")
	if web.Fields["spec"].(map[string]any)["paused"] != true {
		t.Error("the objects are those of the plain build, patched")
	}
	if r, _ := web.Locate(web.At("spec", "template")); r.String() != "app/d.yaml:5:3" {
		t.Errorf("the template is at %s", r)
	}
}

func TestSymlinks(t *testing.T) {
	t.Parallel()
	dir := onDisk(t, repo("-- app/kustomization.yaml --\nresources: [linked.yaml, out.yaml, far.yaml, loop.yaml, ../also]\n-- app/real.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n-- other/x.yaml --\n-- base/kustomization.yaml --\nresources: [b.yaml]\n-- base/b.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"))
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stolen}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"app/linked.yaml": "real.yaml", "app/out.yaml": outside, "app/far.yaml": "../../../../../../etc/passwd", "app/loop.yaml": "loop.yaml", "also": "base",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	overlays, err := build.Overlays(t.Context(), os.DirFS(dir), []string{"app"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"app/kustomization.yaml:1:26 error build-failed: out.yaml: the path leads out of the repository",
		"app/kustomization.yaml:1:36 error build-failed: far.yaml: the path leads out of the repository",
		"app/kustomization.yaml:1:46 error build-failed: loop.yaml: the symbolic links go round in a circle",
	}, lines(overlays[0].Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "app/kustomization.yaml"), []byte("resources: [linked.yaml, ../also]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	overlays, err = build.Overlays(t.Context(), os.DirFS(dir), []string{"app"})
	if err != nil || len(overlays[0].Objects) != 2 {
		t.Fatalf("links inside of the repository work: %v, %v", err, lines(overlays[0].Findings))
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	roots, findings, err := build.Discover(repo(`
-- overlays/dev/kustomization.yaml --
resources: [../../base]
components: [../../used]
-- overlays/prod/kustomization.yml --
bases: [../../base]
-- base/kustomization.yaml --
-- used/kustomization.yaml --
kind: Component
-- unused/Kustomization --
kind: Component
-- round/a/kustomization.yaml --
resources: [../b]
-- round/b/kustomization.yaml --
resources: [../a]
-- broken/kustomization.yaml --
a: b: c
-- plugin/kustomization.yaml --
transformers: [inner]
-- plugin/inner/kustomization.yaml --
-- .git/kustomization.yaml --
-- node_modules/x/kustomization.yaml --
-- x/vendor/kustomization.yaml --
-- .strake/kustomization.yaml --
-- remote/kustomization.yaml --
resources: [https://example.com/x, ../../../y, .]
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"broken", "overlays/dev", "overlays/prod", "plugin", "remote", "round/a"}, roots); diff != "" {
		t.Errorf("roots (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"unused/Kustomization:1:1 warning build-unreached: no kustomization uses this Component"}, lines(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	root, findings, err := build.Discover(repo("-- kustomization.yaml --\nnamespace: x\n"))
	if err != nil || len(findings) > 0 || !slices.Equal(root, []string{"."}) {
		t.Errorf("at the top: %v %v %v", root, findings, err)
	}
}

// TestConcurrent builds everything at once, several times, those that change
// kustomize's schema among them, and wants the same every time.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/stock/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	var dirs []string
	for _, name := range names {
		files, builds := archive(t, name)
		sub := strings.TrimSuffix(filepath.Base(name), ".txtar")
		for file, data := range files {
			all[sub+"/"+file] = data
		}
		for _, dir := range builds {
			dirs = append(dirs, path.Join(sub, dir))
		}
	}
	say := func() string {
		overlays, err := build.Overlays(t.Context(), all, dirs)
		if err != nil {
			t.Error(err)
		}
		var b strings.Builder
		for _, o := range overlays {
			fmt.Fprintln(&b, o.Dir, string(o.YAML), lines(o.Findings))
			for _, object := range o.Objects {
				fmt.Fprintln(&b, object.ID(), chain(object))
			}
		}
		return b.String()
	}
	want := say()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if diff := cmp.Diff(want, say()); diff != "" {
				t.Errorf("not the same again (-first +now):\n%s", diff)
			}
		})
	}
	group.Wait()
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := build.Overlays(ctx, repo(platform), []string{"overlays/dev/app"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// BenchmarkOverlays builds many overlays that lie on one base.
func BenchmarkOverlays(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		files := repo(platform)
		var dirs []string
		for i := range n {
			dir := fmt.Sprintf("overlays/e%d/app", i)
			dirs = append(dirs, dir)
			for name, file := range repo(platform) {
				if rest, ok := strings.CutPrefix(name, "overlays/dev/app/"); ok {
					files[dir+"/"+rest] = file
				}
			}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				overlays, err := build.Overlays(b.Context(), files, dirs)
				if err != nil || len(overlays[n-1].Objects) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}
