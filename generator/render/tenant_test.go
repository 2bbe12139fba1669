package render_test

import (
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/render"
	"strake/generator/spec"
	"strake/generator/tree"
)

const platformText = `apiVersion: strake/v1alpha1
kind: Platform
metadata: {name: mlops}
spec:
  strake: {version: 0.1.x}
  repository: {url: https://github.com/example/mlops-gitops}
  include: [tenants/*.yaml]
  defaults:
    cloud: {project: mlops-prod, region: asia-northeast1}
    cluster:
      version: "1.33"
      nodePools:
        - {name: system, min: 1, max: 3}
        - {name: ondemand, min: 0, max: 4, labels: {pool: ondemand}, taints: [{key: batch, value: "yes"}]}
        - {name: spot, spot: true, min: 0, max: 9}
        - {name: gpu, spot: true, min: 0, max: 2, gpu: {type: nvidia-l4, count: 1}}
        - {name: mine, dedicated: forecasting, min: 0, max: 2}
    workflows: {version: v3.7.18, activeDeadline: 6h, ttl: {afterSuccess: 1d, afterFailure: 7d}}
    spot: {pool: spot}
    artifacts: {gcs: {bucket: mlops-prod-artifacts}, archiveLogs: true}
    secrets: {gcpSecretManager: {}}
  environments:
    - name: prod
`

const tenantText = `apiVersion: strake/v1alpha1
kind: Tenant
metadata: {name: forecasting}
spec:
  group: forecasting@example.com
  quota: {cpu: 16, memory: 64Gi, pods: 60}
  config: {app-config: {DATASET: btcusd}}
  secrets: {app-secrets: {EXCHANGE_API_KEY: {secret: forecasting-exchange}}}
  pipelines:
    - name: chart-movement
      schedule: "0 3 * * *"
      timezone: Asia/Tokyo
      activeDeadline: 3h
      image: asia-northeast1-docker.pkg.dev/p/r/i@sha256:4e97c560f633f6be3fa0f9555d428af2297ddd2402293c909f006b5422dd278b
      envFrom: [app-config, app-secrets]
      env: {LEVEL: info, REGION: tokyo}
      resources: {requests: {cpu: "1", memory: 4Gi}}
      tasks:
        - name: ingest-data
          command: [python, ingest.py]
          outputs: {dataset: /tmp/dataset.pkl, report: /out/html/report.html}
        - name: train-model
          depends: ingest-data
          inputs: {data: {from: ingest-data, artifact: dataset, path: /tmp/dataset.pkl}, extra: {from: ingest-data, artifact: report, path: /in/report.html}}
          command: [python, train.py]
          env: {LEVEL: debug}
          activeDeadline: 90m
`

// edit replaces text of the spec that must be there.
type edit struct{ old, new string }

// environment loads the only environment of the spec above, edited, with the
// user's own templates by name.
func environment(t testing.TB, templates map[string]string, edits ...edit) *spec.Effective {
	t.Helper()
	platform, team := platformText, tenantText
	for _, x := range edits {
		if strings.Count(platform, x.old)+strings.Count(team, x.old) != 1 {
			t.Fatalf("edit %q: not found exactly once", x.old)
		}
		platform, team = strings.Replace(platform, x.old, x.new, 1), strings.Replace(team, x.old, x.new, 1)
	}
	fsys := fstest.MapFS{
		"environments/platform.yaml":            {Data: []byte(platform)},
		"environments/tenants/forecasting.yaml": {Data: []byte(team)},
	}
	for name, text := range templates {
		fsys["environments/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, found := spec.Load(fsys, "environments/platform.yaml", "0.1.0")
	for _, f := range found {
		t.Fatalf("%s: %s: %s", f.Range, f.Summary, f.Detail)
	}
	if len(p.Environments) != 1 {
		t.Fatalf("%d environments", len(p.Environments))
	}
	return p.Environments[0]
}

func files(t testing.TB, e *spec.Effective) *tree.Tree {
	t.Helper()
	out, err := render.Environment(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// objectAt decodes a rendered file strictly into the type that reads it.
func objectAt[T any](t testing.TB, e *spec.Effective, file string) T {
	t.Helper()
	return decoded[T](t, files(t, e), file)
}

func decoded[T any](t testing.TB, in *tree.Tree, file string) T {
	t.Helper()
	var out T
	f, ok := in.Get(file)
	if !ok {
		t.Fatalf("no file %s", file)
	}
	if err := yaml.UnmarshalStrict(f.Data, &out); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, f.Data)
	}
	return out
}

const (
	teamDir  = "overlays/prod/forecasting/"
	guardDir = "overlays/prod/forecasting-guardrails/"
)

// names lists the files of a directory.
func names(t testing.TB, e *spec.Effective, dir string) []string {
	t.Helper()
	return namesIn(files(t, e), dir)
}

func namesIn(in *tree.Tree, dir string) []string {
	var out []string
	for _, p := range in.Paths() {
		if path.Dir(p)+"/" == dir {
			out = append(out, path.Base(p))
		}
	}
	return out
}

func TestTenantFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edits []edit
		want  []string
	}{
		"all": {want: []string{
			"app-config.configmap.yaml", "app-secrets.externalsecret.yaml",
			"chart-movement.cronworkflow.yaml", "chart-movement.workflowtemplate.yaml", "kustomization.yaml",
		}},
		"without a schedule": {
			edits: []edit{{`"0 3 * * *"`, "null"}},
			want: []string{
				"app-config.configmap.yaml", "app-secrets.externalsecret.yaml",
				"chart-movement.workflowtemplate.yaml", "kustomization.yaml",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, names(t, environment(t, nil, test.edits...), teamDir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTenantWithoutWorkflows is a platform that has no Argo Workflows at all.
func TestTenantWithoutWorkflows(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	e.Workflows = nil
	want := []string{"app-config.configmap.yaml", "app-secrets.externalsecret.yaml", "kustomization.yaml"}
	if diff := cmp.Diff(want, names(t, e, teamDir)); diff != "" {
		t.Error(diff)
	}
	for f := range files(t, e).All() {
		if strings.Contains(string(f.Data), "argoproj.io") && !strings.HasSuffix(f.Path, "effective.yaml") {
			t.Errorf("%s mentions Argo", f.Path)
		}
	}
}

// TestTenantKindsStandApart holds the two apps of a tenant to their promise: the
// tenant's project may forbid every kind of the guardrails.
func TestTenantKindsStandApart(t *testing.T) {
	t.Parallel()
	kinds := map[string][]string{}
	shared := []string{"ConfigMap", "ExternalSecret"} // the artifact repository's
	for f := range files(t, environment(t, nil)).All() {
		var doc struct{ Kind string }
		if err := yaml.Unmarshal(f.Data, &doc); err != nil {
			t.Fatal(err)
		}
		switch dir := path.Dir(f.Path) + "/"; {
		case path.Base(f.Path) == "kustomization.yaml" || slices.Contains(shared, doc.Kind):
		case dir == teamDir:
			kinds["team"] = append(kinds["team"], doc.Kind)
		case dir == guardDir || strings.HasPrefix(f.Path, "base/tenant-guardrails/"):
			kinds["guard"] = append(kinds["guard"], doc.Kind)
		}
	}
	if len(kinds["team"]) == 0 || len(kinds["guard"]) < 8 {
		t.Fatalf("too few objects: %v", kinds)
	}
	for _, kind := range kinds["team"] {
		if slices.Contains(kinds["guard"], kind) {
			t.Errorf("%s stands in both apps", kind)
		}
	}
}

// TestTenantOrigins holds every line of a tenant's files to name a line that a
// human wrote, and some to name the right one.
func TestTenantOrigins(t *testing.T) {
	t.Parallel()
	out := files(t, environment(t, nil))
	for f := range out.All() {
		if f.Seed || strings.HasSuffix(f.Path, "effective.yaml") || !strings.Contains(f.Path, "forecasting") && !strings.Contains(f.Path, "tenant-guardrails") {
			continue
		}
		for line := range strings.Count(string(f.Data), "\n") {
			if from, ok := f.OriginOf(line + 1); !ok || from.Path == "" || from.Start.Line == 0 {
				t.Errorf("%s:%d has no origin", f.Path, line+1)
			}
		}
	}
	tests := []struct{ file, line, path, want string }{
		{"chart-movement.workflowtemplate.yaml", "activeDeadlineSeconds: 10800", "environments/tenants/forecasting.yaml", "activeDeadline: 3h"},
		{"chart-movement.workflowtemplate.yaml", "activeDeadlineSeconds: 5400", "environments/tenants/forecasting.yaml", "activeDeadline: 90m"},
		{"chart-movement.workflowtemplate.yaml", "secondsAfterFailure: 604800", "environments/platform.yaml", "afterFailure: 7d"},
		{"chart-movement.workflowtemplate.yaml", "value: debug", "environments/tenants/forecasting.yaml", "LEVEL: debug"},
		{"chart-movement.workflowtemplate.yaml", "name: REGION", "environments/tenants/forecasting.yaml", "REGION: tokyo"},
		{"chart-movement.workflowtemplate.yaml", "cloud.google.com/gke-spot: \"true\"", "environments/platform.yaml", "spot: {pool: spot}"},
		{"chart-movement.workflowtemplate.yaml", "- key: cloud.google.com/gke-spot", "environments/platform.yaml", "{name: spot, spot: true"},
		{"chart-movement.cronworkflow.yaml", "timezone: Asia/Tokyo", "environments/tenants/forecasting.yaml", "timezone: Asia/Tokyo"},
		{"app-config.configmap.yaml", "DATASET: btcusd", "environments/tenants/forecasting.yaml", "DATASET: btcusd"},
	}
	texts := map[string]string{"environments/platform.yaml": platformText, "environments/tenants/forecasting.yaml": tenantText}
	for _, test := range tests {
		f, _ := out.Get(teamDir + test.file)
		from := originOf(t, f, test.line)
		if from.Path != test.path || !strings.Contains(lineOf(texts[from.Path], from.Start.Line), test.want) {
			t.Errorf("%s: %q comes from %s: %s", test.file, test.line, from, lineOf(texts[from.Path], from.Start.Line))
		}
	}
}

// originOf is the origin of the first line that holds a text.
func originOf(t testing.TB, f tree.File, text string) diag.Range {
	t.Helper()
	for i, line := range strings.Split(string(f.Data), "\n") {
		if strings.Contains(line, text) {
			from, _ := f.OriginOf(i + 1)
			return from
		}
	}
	t.Fatalf("%s has no line with %q:\n%s", f.Path, text, f.Data)
	return diag.Range{}
}

func lineOf(text string, line int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	return lines[line-1]
}

func TestTenantSameBytes(t *testing.T) {
	t.Parallel()
	first := files(t, environment(t, nil))
	for range 5 {
		again := files(t, environment(t, nil))
		if diff := cmp.Diff(first.Paths(), again.Paths()); diff != "" {
			t.Fatal(diff)
		}
		for f := range first.All() {
			other, _ := again.Get(f.Path)
			if string(f.Data) != string(other.Data) {
				t.Errorf("%s differs between two renders", f.Path)
			}
		}
	}
}

// TestTenantLabelsFit has names that are longer than a label may be.
func TestTenantLabelsFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("settings.", 20) + "x"
	e := environment(t, nil, edit{"{app-config: {DATASET: btcusd}}", "{" + long + ": {DATASET: btcusd}, app-config: {DATASET: btcusd}}"})
	cm := objectAt[struct {
		APIVersion, Kind string
		Metadata         struct {
			Name, Namespace string
			Labels          map[string]string
		}
		Data map[string]string
	}](t, e, teamDir+long+".configmap.yaml")
	if cm.Metadata.Name != long || cm.Data["DATASET"] != "btcusd" {
		t.Errorf("got %+v", cm)
	}
	for key, value := range cm.Metadata.Labels {
		if len(value) > 63 {
			t.Errorf("label %s has %d characters", key, len(value))
		}
	}
	if cm.Metadata.Labels["app.kubernetes.io/part-of"] != "forecasting" {
		t.Errorf("labels %v", cm.Metadata.Labels)
	}
}
