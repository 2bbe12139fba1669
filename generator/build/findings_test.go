package build_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/build"
	"strake/generator/diag"
)

// deployment is an object that the cases below patch.
const deployment = `
-- app/d.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: main, image: "example/web:1"}
`

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, files string
		want        []string
		detail      string // part of the detail of the first finding
	}{
		{name: "no directory", files: "-- other/x --\n", want: []string{"app error build-missing: there is no directory app"}},
		{name: "no kustomization", files: "-- app/kustomization.yam --\n", want: []string{"app error build-missing: the directory app holds no kustomization"}, detail: "Kustomization, kustomization.yaml or kustomization.yml"},
		{name: "two kustomizations", files: "-- app/kustomization.yaml --\n-- app/Kustomization --\n", want: []string{
			"app error build-failed: the directory app holds more than one kustomization: app/kustomization.yaml, app/Kustomization",
		}},
		{name: "empty kustomization", files: "-- app/kustomization.yaml --\n# nothing\n", want: []string{"app/kustomization.yaml:1:1 error build-failed: the kustomization is empty"}},
		{name: "kustomization with nothing but a kind", files: "-- app/kustomization.yaml --\nkind: Kustomization\n", want: []string{"app/kustomization.yaml:1:1 error build-failed: the kustomization is empty"}},
		{name: "builds nothing", files: "-- app/kustomization.yaml --\nnamespace: a\n", want: []string{"app/kustomization.yaml:1:1 error build-empty: the kustomization builds no objects"}},
		{name: "malformed kustomization", files: "-- app/kustomization.yaml --\nresources:\n- a\n  b: c\n", want: []string{
			"app/kustomization.yaml:3:1 error yaml-syntax: this is not valid YAML: mapping values are not allowed in this context",
		}},
		{name: "unknown fields", files: "-- app/kustomization.yaml --\nresource: [d.yaml]\nresources: [d.yaml]\npatches:\n- taget: {kind: x}\n  patch: x\n" + deployment, want: []string{
			"app/kustomization.yaml:1:1 error kustomization-field: kustomize has no field resource",
			"app/kustomization.yaml:4:3 error kustomization-field: kustomize has no field patches[0].taget",
		}, detail: "Did you mean resources?"},
		{name: "wrong types", files: "-- app/kustomization.yaml --\nnamespace: 12\nresources: d.yaml\nreplicas: [{name: a, count: many}]\nlabels:\n- pairs: {a: true}\n", want: []string{
			"app/kustomization.yaml:1:12 error build-failed: namespace must be a string: put quotes around 12",
			"app/kustomization.yaml:2:12 error build-failed: resources must be a list",
			"app/kustomization.yaml:3:29 error build-failed: replicas[0].count must be a whole number",
			"app/kustomization.yaml:5:14 error build-failed: labels[0].pairs.a must be a string: put quotes around true",
		}},
		{name: "wrong kind and version", files: "-- app/kustomization.yaml --\napiVersion: v1\nkind: Kustomisation\nresources: [d.yaml]\n" + deployment, want: []string{
			"app/kustomization.yaml:1:13 error build-failed: the apiVersion of a Kustomisation is kustomize.config.k8s.io/v1beta1",
			"app/kustomization.yaml:2:7 error build-failed: the kind of a kustomization is Kustomization or Component, not Kustomisation",
		}},
		{name: "missing file", files: "-- app/kustomization.yaml --\nresources:\n- deploymnet.yaml\n-- app/deployment.yaml --\n", want: []string{
			"app/kustomization.yaml:2:3 error build-missing: the resource deploymnet.yaml does not exist",
		}, detail: "Did you mean app/deployment.yaml?"},
		{name: "missing directory", files: "-- app/kustomization.yaml --\nresources: [../bsae/x]\n-- base/x/kustomization.yaml --\n", want: []string{
			"app/kustomization.yaml:1:13 error build-missing: the resource ../bsae/x does not exist",
		}, detail: "Did you mean base?"},
		{name: "every missing file is named", files: "-- app/kustomization.yaml --\nresources: [a.yaml]\ncomponents: [b]\nconfigurations: [c.yaml]\ncrds: [d.yaml]\npatches: [{path: e.yaml}]\nconfigMapGenerator: [{name: x, files: [k=f.txt], envs: [g.env]}]\nreplacements: [{path: h.yaml}]\ntransformers: [i.yaml]\nopenapi: {path: j.json}\npatchesStrategicMerge: [k.yaml]\n", want: []string{
			"app/kustomization.yaml:1:13 error build-missing: the resource a.yaml does not exist",
			"app/kustomization.yaml:2:14 error build-missing: the component b does not exist",
			"app/kustomization.yaml:3:18 error build-missing: the configuration c.yaml does not exist",
			"app/kustomization.yaml:4:8 error build-missing: the CRD schema d.yaml does not exist",
			"app/kustomization.yaml:5:18 error build-missing: the patch e.yaml does not exist",
			"app/kustomization.yaml:6:40 error build-missing: the file f.txt does not exist",
			"app/kustomization.yaml:6:57 error build-missing: the file g.env does not exist",
			"app/kustomization.yaml:7:23 error build-missing: the replacement h.yaml does not exist",
			"app/kustomization.yaml:8:16 error build-missing: the resource i.yaml does not exist",
			"app/kustomization.yaml:9:17 error build-missing: the OpenAPI schema j.json does not exist",
			"app/kustomization.yaml:10:1 warning kustomization-field: patchesStrategicMerge is deprecated in kustomize",
			"app/kustomization.yaml:10:25 error build-missing: the patch k.yaml does not exist",
		}},
		{name: "out of the repository", files: "-- app/kustomization.yaml --\nresources: [../../x, /etc/passwd]\nconfigMapGenerator: [{name: x, files: [../../../etc/passwd]}]\n", want: []string{
			"app/kustomization.yaml:1:13 error build-failed: the path leads out of the repository",
			"app/kustomization.yaml:1:22 error build-failed: an absolute path does not mean the same on another machine",
			"app/kustomization.yaml:2:40 error build-failed: the path leads out of the repository",
		}},
		{name: "file of another directory", files: "-- app/kustomization.yaml --\nresources: [../other/x.yaml]\n-- other/x.yaml --\n", want: []string{
			"app/kustomization.yaml:1:13 error build-failed: the file other/x.yaml stands outside of app",
		}},
		{name: "circle", files: "-- app/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\nresources: [../app, .., .]\n", want: []string{
			"b/kustomization.yaml:1:13 error build-failed: the build goes in a circle: app is or contains app, which is being built",
			"b/kustomization.yaml:1:21 error build-failed: the build goes in a circle: . is or contains b, which is being built",
			"b/kustomization.yaml:1:25 error build-failed: the build goes in a circle: b is or contains b, which is being built",
		}},
		{name: "component in the wrong list", files: "-- app/kustomization.yaml --\nresources: [../c]\ncomponents: [../b, d.yaml]\n-- b/kustomization.yaml --\nnamespace: x\n-- c/kustomization.yaml --\nkind: Component\nnamespace: x\n" + deployment, want: []string{
			"app/kustomization.yaml:1:13 error build-failed: ../c is a Component",
			"app/kustomization.yaml:2:14 error build-failed: ../b is a Kustomization, and components takes only Components",
			"app/kustomization.yaml:2:20 error build-failed: d.yaml is a file, and a component is a directory",
		}},
		{name: "component by itself", files: "-- app/kustomization.yaml --\nkind: Component\nnamespace: x\n", want: []string{"app/kustomization.yaml:1:7 error build-failed: a Component cannot be built by itself"}},
		{name: "kustomization as a file", files: "-- app/kustomization.yaml --\nresources: [sub/kustomization.yaml]\n-- app/sub/kustomization.yaml --\nnamespace: x\n", want: []string{
			"app/kustomization.yaml:1:13 error build-failed: a kustomization is listed by its directory, not by its file",
		}},
		{name: "malformed resource", files: "-- app/kustomization.yaml --\nresources: [x.yaml, y.yaml]\n-- app/x.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: b\n  c: d\n-- app/y.yaml --\n- a\n", want: []string{
			"app/x.yaml:6:1 error yaml-syntax: this is not valid YAML: mapping values are not allowed in this context",
			"app/y.yaml:1:1 error manifest-object: this is not a Kubernetes object",
		}},
		{name: "binary resource", files: "-- app/kustomization.yaml --\nresources: [x.yaml]\n-- app/x.yaml --\n\x7fELF\x00\x01\n", want: []string{"app/x.yaml:1:1 error yaml-syntax: the file is binary, not YAML"}},
		{name: "huge resource", files: "-- app/kustomization.yaml --\nresources: [x.yaml]\n-- app/x.yaml --\n" + strings.Repeat("#23456789\n", 3400000), want: []string{"app/x.yaml:1:1 error build-failed: the file cannot be read: the file is larger than 32 MiB"}},
		{name: "generateName", files: "-- app/kustomization.yaml --\nresources: [x.yaml]\n-- app/x.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: a-}\n", want: []string{
			"app/x.yaml:1:1 error manifest-object: the Workflow has a generateName, which cannot be kept in Git",
		}},
		{name: "duplicate", files: "-- app/kustomization.yaml --\nresources:\n- a.yaml\n- b.yaml\n-- app/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n-- app/b.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", want: []string{
			"app/b.yaml:5:1 error build-failed: the ConfigMap a is in this build twice",
		}},
		{name: "duplicate from two bases", files: "-- app/kustomization.yaml --\nresources: [../a, ../b]\n-- a/kustomization.yaml --\nresources: [x.yaml]\n-- a/x.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n-- b/kustomization.yaml --\nresources: [y.yaml]\n-- b/y.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", want: []string{
			"b/y.yaml:1:1 error build-failed: the ConfigMap a is in this build twice",
		}},
		{name: "patch for nobody", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- path: p.yaml\n-- app/p.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: wbe\n" + deployment, want: []string{
			"app/p.yaml:4:9 error patch-no-match: the patch is for the Deployment wbe, which is not in this build",
		}, detail: "Did you mean the name web?"},
		{name: "inline patch for nobody", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata:\n      name: wbe\n" + deployment, want: []string{
			"app/kustomization.yaml:7:13 error patch-no-match: the patch is for the Deployment wbe, which is not in this build",
		}},
		{name: "legacy patch for nobody", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatchesStrategicMerge: [p.yaml]\n-- app/p.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: wbe\n" + deployment, want: []string{
			"app/kustomization.yaml:2:1 warning kustomization-field: patchesStrategicMerge is deprecated in kustomize",
			"app/p.yaml:4:9 error patch-no-match: the patch is for the Deployment wbe, which is not in this build",
		}},
		{name: "targeted patch for nobody", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- patch: '[{\"op\": \"test\", \"path\": \"/kind\", \"value\": \"Deployment\"}]'\n  target: {kind: Deployment, name: wep}\n" + deployment, want: []string{
			"app/kustomization.yaml:4:3 error patch-no-match: the patch selects no object, so it changes nothing",
		}, detail: "No object matches kind Deployment, name wep. Did you mean the name web?"},
		{name: "operation that does not apply", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: add, path: /metadata/name, value: web}\n    - op: add\n      path: /spec/template/metadata/labels/x\n      value: y\n" + deployment, want: []string{
			"app/kustomization.yaml:7:13 error build-failed: the operation add /spec/template/metadata/labels/x does not apply: there is nothing at that path",
		}},
		{name: "bad operations", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: ad, path: /x}\n    - {op: add, path: x}\n    - {path: x}\n    - {op: add}\n- patch: '[]'\n- path: x\n  patch: why\n- target: {}\n- patch: 'a'\n- target: {kind: x}\n  patch: '{a: b}'\n- target: {kind: x}\n  patch: '[{op: x}]'\n" + deployment, want: []string{
			`app/kustomization.yaml:5:7 error build-failed: there is no operation "ad"`,
			`app/kustomization.yaml:6:7 error build-failed: the path "x" does not start with /`,
			`app/kustomization.yaml:7:7 error build-failed: the operation has no op`,
			`app/kustomization.yaml:8:7 error build-failed: the operation has no path`,
			`app/kustomization.yaml:9:3 error build-failed: a JSON patch needs a target`,
			`app/kustomization.yaml:10:3 error build-failed: the patch has both path and patch`,
			`app/kustomization.yaml:12:3 error build-failed: the patch has neither path nor patch`,
			`app/kustomization.yaml:13:10 error build-failed: this is not a patch: this is not a Kubernetes object`,
			`app/kustomization.yaml:15:10 error build-failed: this is not a patch: the object has no kind`,
			`app/kustomization.yaml:17:10 error build-failed: a patch that starts with [ is read as JSON, and this is not JSON`,
		}},
		{name: "remote", files: "-- app/kustomization.yaml --\nresources:\n- https://example.com/x.yaml\n- github.com/argoproj/argo-workflows//manifests/base?ref=v3.7.1\n- git@github.com:a/b.git\n- ssh://git@host/a/b\n- git::https://u:p@example.com/a/b\n- HTTPS://EXAMPLE.COM/x\n- gitlab.com/a/b\n- ../base?ref=main\ncomponents: [https://example.com/c]\npatches: [{path: 'http://example.com/p'}]\nconfigMapGenerator: [{name: a, files: ['k=https://example.com/f'], envs: ['https://example.com/e']}]\ncrds: ['https://example.com/crd']\nopenapi: {path: 'https://example.com/o'}\nreplacements: [{path: 'https://example.com/r'}]\nconfigurations: ['https://example.com/conf']\n", want: []string{
			"app/kustomization.yaml:2:3 error build-remote: this would be fetched from the network: https://example.com/x.yaml",
			"app/kustomization.yaml:3:3 error build-remote: this would be fetched from the network: github.com/argoproj/argo-workflows//manifests/base?ref=v3.7.1",
			"app/kustomization.yaml:4:3 error build-remote: this would be fetched from the network: git@github.com:a/b.git",
			"app/kustomization.yaml:5:3 error build-remote: this would be fetched from the network: ssh://host/a/b",
			"app/kustomization.yaml:6:3 error build-remote: this would be fetched from the network: git::https://example.com/a/b",
			"app/kustomization.yaml:7:3 error build-remote: this would be fetched from the network: HTTPS://EXAMPLE.COM/x",
			"app/kustomization.yaml:8:3 error build-remote: this would be fetched from the network: gitlab.com/a/b",
			"app/kustomization.yaml:9:3 error build-remote: this would be fetched from the network: ../base?ref=main",
			"app/kustomization.yaml:10:14 error build-remote: this would be fetched from the network: https://example.com/c",
			"app/kustomization.yaml:11:18 error build-remote: this would be fetched from the network: http://example.com/p",
			"app/kustomization.yaml:12:40 error build-remote: this would be fetched from the network: https://example.com/f",
			"app/kustomization.yaml:12:75 error build-remote: this would be fetched from the network: https://example.com/e",
			"app/kustomization.yaml:13:8 error build-remote: this would be fetched from the network: https://example.com/crd",
			"app/kustomization.yaml:14:17 error build-remote: this would be fetched from the network: https://example.com/o",
			"app/kustomization.yaml:15:23 error build-remote: this would be fetched from the network: https://example.com/r",
			"app/kustomization.yaml:16:18 error build-remote: this would be fetched from the network: https://example.com/conf",
		}},
		{name: "remote with a password", files: "-- app/kustomization.yaml --\nresources: ['https://hunter2@example.com/x?token=hunter2', 'https://example.com/x?ref=v1&token=hunter2']\n", want: []string{
			"app/kustomization.yaml:1:13 error build-remote: this would be fetched from the network: https://example.com/x",
			"app/kustomization.yaml:1:60 error build-remote: this would be fetched from the network: https://example.com/x?ref=v1",
		}},
		{name: "remote in plugins", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\ntransformers:\n- t.yaml\n- dir\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: x}\n  path: https://example.com/p\n-- app/t.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: https://example.com/p\n-- app/dir/kustomization.yaml --\nresources: [t.yaml]\npatches:\n- target: {kind: PatchTransformer}\n  patch: |\n    - {op: add, path: /path, value: 'https://example.com/p'}\n-- app/dir/t.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: y}\npatch: x\n" + deployment, want: []string{
			"app/dir/kustomization.yaml:4:10 error build-remote: this could make kustomize fetch from the network",
			"app/kustomization.yaml:5:3 error build-remote: this would be fetched from the network: https://example.com/p",
			"app/t.yaml:4:7 error build-remote: this would be fetched from the network: https://example.com/p",
		}},
		{name: "programs", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\ngenerators: [g.yaml]\ntransformers:\n- |-\n  apiVersion: x/v1\n  kind: Fn\n  metadata:\n    name: f\n    annotations: {config.kubernetes.io/function: 'container: {image: x}'}\nvalidators: [dir]\n-- app/g.yaml --\napiVersion: someteam/v1\nkind: SedTransformer\nmetadata: {name: s}\n-- app/dir/kustomization.yaml --\nresources: [v.yaml]\n-- app/dir/v.yaml --\napiVersion: a/v1\nkind: V\nmetadata: {name: v, annotations: {config.k8s.io/function: 'exec: {path: x}'}}\n" + deployment, want: []string{
			"app/dir/v.yaml:3:35 error build-exec: this function would be run as a program or a container",
			"app/g.yaml:1:13 error build-exec: the plugin SedTransformer would be run as a program",
			"app/kustomization.yaml:4:3 error build-exec: this function would be run as a program or a container",
		}},
		{name: "helm", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\nhelmCharts:\n- {name: x, repo: https://example.com}\nhelmGlobals: {chartHome: x}\nhelmChartInflationGenerator: [{chartName: x}]\ngenerators:\n- |-\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n  metadata: {name: x}\n" + deployment, want: []string{
			"app/kustomization.yaml:2:1 error build-helm: helmCharts would run helm",
			"app/kustomization.yaml:4:1 error build-helm: helmGlobals would run helm",
			"app/kustomization.yaml:5:1 error build-helm: helmChartInflationGenerator would run helm",
			"app/kustomization.yaml:7:3 error build-helm: HelmChartInflationGenerator would run helm",
		}},
		{name: "deprecated fields and selectors", files: "-- app/kustomization.yaml --\nbases: [../b]\ncommonLabels: {a: b}\nlabels:\n- pairs: {c: d}\n  includeSelectors: true\n- pairs: {e: f}\nimageTags: []\nvars: []\n-- b/kustomization.yaml --\nresources: [d.yaml]\n" + strings.Replace(deployment, "app/", "b/", 1), want: []string{
			"app/kustomization.yaml:1:1 warning kustomization-field: bases is deprecated in kustomize",
			"app/kustomization.yaml:2:1 warning kustomization-field: commonLabels is deprecated in kustomize",
			"app/kustomization.yaml:2:1 warning label-selectors: commonLabels writes into selectors",
			"app/kustomization.yaml:5:3 warning label-selectors: labels with includeSelectors writes into selectors",
			"app/kustomization.yaml:7:1 warning kustomization-field: imageTags is deprecated in kustomize",
			"app/kustomization.yaml:8:1 warning kustomization-field: vars is deprecated in kustomize",
		}},
		{name: "images that nobody uses", files: "-- app/kustomization.yaml --\nresources: [d.yaml, w.yaml]\nimages:\n- {name: example/web, newTag: '2'}\n- {name: example/wep, newTag: '2'}\n- {name: steps, newTag: '2'}\n- {name: a, newName: b}\n- {name: b, newTag: '2'}\n-- app/w.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: w}\nspec: {templates: [{name: t, container: {image: steps:1}}]}\n" + deployment, want: []string{
			"app/kustomization.yaml:4:10 warning image-no-match: no object uses the image example/wep, so this changes nothing",
			"app/kustomization.yaml:5:10 warning image-no-match: no object uses the image steps, so this changes nothing",
			"app/kustomization.yaml:6:10 warning image-no-match: no object uses the image a, so this changes nothing",
		}, detail: "Did you mean example/web?"},
		{name: "images that later layers change again", files: "-- app/kustomization.yaml --\nresources: [../base]\nimages: [{name: mirror/web, newTag: '3'}]\n-- base/kustomization.yaml --\nresources: [d.yaml]\nimages: [{name: example/web, newName: mirror/web, newTag: '2'}]\n" + strings.Replace(deployment, "app/", "base/", 1)},
		{name: "replacement for nobody", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements:\n- source: {kind: Deployment, name: web}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.name]\n  - select: {kind: Service, name: web}\n    fieldPaths: [metadata.name]\n" + deployment, want: []string{
			"app/kustomization.yaml:7:5 warning replacement-no-match: the target of the replacement selects no object, so it changes nothing",
		}, detail: "No object matches kind Service, name web. There is a Deployment of that name."},
		{name: "replacement without a source", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\nreplacements:\n- source: {kind: Service, name: web}\n  targets:\n  - select: {kind: Deployment}\n" + deployment, want: []string{
			"app/kustomization.yaml:3:3 error build-failed: kustomize cannot build this: nothing selected by Service.[noVer].[noGrp]/web.[noNs]",
		}},
		{name: "a patched object that is deleted", files: "-- app/kustomization.yaml --\nresources: [d.yaml, c.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: '[{\"op\": \"add\", \"path\": \"/data\", \"value\": {}}]'\n- target: {kind: ConfigMap, name: gone}\n  patch: |\n    $patch: delete\n    kind: ConfigMap\n    metadata: {name: x}\n-- app/c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone}\n" + deployment},
		{name: "a patched object that loses its annotations", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: '[{\"op\": \"add\", \"path\": \"/spec/paused\", \"value\": true}]'\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web, annotations: null}\n" + deployment, want: []string{
			"app/kustomization.yaml:1:1 info build-positions: which patches made apps/Deployment web is not known",
		}},
		{name: "a patched local object", files: "-- app/kustomization.yaml --\nresources: [d.yaml, c.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: '[{\"op\": \"add\", \"path\": \"/data\", \"value\": {}}]'\n-- app/c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: l, annotations: {config.kubernetes.io/local-config: 'true'}}\n" + deployment},
		{name: "a shared component may serve others", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\ncomponents: [../c, mine]\n-- c/kustomization.yaml --\nkind: Component\npatches:\n- target: {kind: Job}\n  patch: '[{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}]'\n-- app/mine/kustomization.yaml --\nkind: Component\npatches:\n- target: {kind: Job}\n  patch: '[{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}]'\n" + deployment, want: []string{
			"app/mine/kustomization.yaml:3:3 error patch-no-match: the patch selects no object, so it changes nothing",
			"c/kustomization.yaml:3:3 warning patch-no-match: the patch selects no object of this overlay",
		}},
		{name: "secret literals stay secret", files: "-- app/kustomization.yaml --\nsecretGenerator:\n- name: s\n  literals: [hunter2]\n- name: t\n  literals: [a=hunter2, a=hunter2]\n- name: u\n  literals: [1234]\n", want: []string{
			"app/kustomization.yaml:7:14 error build-failed: secretGenerator[2].literals[0] has the wrong type",
		}},
		{name: "a generator that cannot work", files: "-- app/kustomization.yaml --\nconfigMapGenerator:\n- name: a\n  literals: [x=1]\n- name: a\n  literals: [x=2]\n- name: b\n  literals: [x=1, x=2]\n", want: []string{
			"app/kustomization.yaml:4:9 error build-failed: the ConfigMap a is there already",
		}},
		{name: "a generator with a key twice", files: "-- app/kustomization.yaml --\nsecretGenerator:\n- name: b\n  literals: [x=hunter2, x=hunter2]\n", want: []string{
			"app/kustomization.yaml:2:9 error build-failed: the Secret b has the key `x` twice",
		}},
		{name: "a generator with nothing to change", files: "-- app/kustomization.yaml --\nconfigMapGenerator:\n- name: b\n  behavior: merge\n  literals: [x=1]\n", want: []string{
			"app/kustomization.yaml:2:9 error build-failed: there is no ConfigMap b that this could change",
		}},
		{name: "merge keys and hidden lists", files: "-- app/kustomization.yaml --\n<<: {resources: ['https://example.com']}\nresources: [d.yaml]\nReSources: ['https://example.com']\ncomponents: [!!binary aHR0cHM6Ly9leGFtcGxlLmNvbQ==]\n" + deployment, want: []string{
			"app/kustomization.yaml:1:1 error build-failed: a kustomization cannot be put together with merge keys here",
			"app/kustomization.yaml:3:1 error build-failed: ReSources stands here twice, in another case",
			"app/kustomization.yaml:4:14 error build-failed: components[0] must be a plain value",
		}},
		{name: "anchors", files: "-- app/kustomization.yaml --\nresources: [&d d.yaml, d2.yaml]\ncomponents: [*d]\nnamePrefix: x-\n" + deployment + "-- app/d2.yaml --\n", want: []string{
			"app/kustomization.yaml:1:13 error build-failed: d.yaml is a file, and a component is a directory",
		}},
		{name: "panic in kustomize", files: "-- app/kustomization.yaml --\nresources: [d.yaml]\ncrds: [empty.json]\n" + deployment + "-- app/empty.json --\n", want: []string{
			"app/kustomization.yaml:2:1 error build-failed: kustomize cannot build this: kustomize panicked: runtime error: index out of range [0] with length 0",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := buildOne(t, repo(test.files), "app")
			if diff := cmp.Diff(test.want, lines(o.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if test.detail != "" && !strings.Contains(o.Findings[0].Detail, test.detail) {
				t.Errorf("the detail is %q, want %q in it", o.Findings[0].Detail, test.detail)
			}
			for _, d := range o.Findings {
				if strings.Contains(d.Summary+d.Detail, "hunter2") {
					t.Errorf("a secret came out: %+v", d)
				}
			}
		})
	}
}

// FuzzOverlays: whatever a kustomization says, the answer is objects or
// findings, never a panic, and never both nothing.
func FuzzOverlays(f *testing.F) {
	f.Add("resources: [d.yaml]\npatches: [{path: p.yaml, target: {kind: Deployment}}]\n", "- {op: add, path: /a, value: b}\n")
	f.Add("resources: [d.yaml]\nimages: [{name: a, newTag: b}]\nreplicas: [{name: web, count: 2}]\n", "a: b\n")
	f.Add("resources: [d.yaml, p.yaml]\nnamePrefix: x-\nlabels: [{pairs: {a: b}}]\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	f.Add("resources: [d.yaml]\npatchesStrategicMerge: [p.yaml]\n", "kind: Deployment\nmetadata: {name: web}\n$patch: delete\n")
	f.Add("configMapGenerator: [{name: a, literals: [a=b], files: [p.yaml]}]\nreplacements: [{source: {name: a}, targets: [{select: {}, fieldPaths: [data.x]}]}]\n", "x")
	f.Add("resources: [d.yaml]\ncrds: [p.yaml]\nconfigurations: [p.yaml]\n", "{}")
	f.Fuzz(func(t *testing.T, kustomization, other string) {
		files := repo(deployment)
		files["app/kustomization.yaml"] = &fstest.MapFile{Data: []byte(kustomization)}
		files["app/p.yaml"] = &fstest.MapFile{Data: []byte(other)}
		overlays, err := build.Overlays(t.Context(), files, []string{"app"})
		if err != nil {
			t.Fatal(err)
		}
		if o := overlays[0]; len(o.Objects) == 0 && !o.Findings.AtLeast(diag.Error) {
			t.Errorf("neither objects nor findings: %v", lines(o.Findings))
		}
		for _, d := range overlays[0].Findings {
			if d.Rule == "" || d.Summary == "" || d.Range.Path == "" {
				t.Errorf("an incomplete finding: %+v", d)
			}
		}
	})
}
