package build_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

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

func TestSmoke(t *testing.T) {
	o := buildOne(t, repo(platform), "overlays/dev/app")
	t.Log(string(o.YAML))
	for _, l := range lines(o.Findings) {
		t.Log(l)
	}
	for _, object := range o.Objects {
		t.Log(object.ID())
		for _, l := range object.Layers {
			t.Log("   ", l.Role, l.Range)
		}
	}
	d := find(t, o, "Deployment", "server")
	for _, p := range []manifest.Path{
		d.At("spec", "replicas"), d.At("spec", "template", "spec", "containers", 0, "image"),
		d.At("spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"),
		d.At("spec", "template", "spec", "containers", 1), d.At("metadata", "namespace"), d.At("metadata", "annotations", "team"), d.At(),
		d.At("spec", "template", "spec", "securityContext"),
	} {
		r, _ := d.Locate(p)
		t.Log(p, r)
	}
	r := find(t, o, "Role", "server")
	rg, _ := r.Locate(r.At("rules", 1, "verbs", 0))
	t.Log(rg)
}
