package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"strake/generator/diag"
	"strake/generator/render"
	"strake/generator/spec"
)

const ownPath = "environments/pipelines/backtest.yaml"

// ownText is a WorkflowTemplate with each kind of template that is laid over.
const ownText = `# ours
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: something-else
  namespace: somewhere
  resourceVersion: "12"
  labels: {team: quant, app.kubernetes.io/part-of: nobody}
  annotations:
    note: kept
    kubectl.kubernetes.io/last-applied-configuration: "{}"
spec:
  entrypoint: main
  serviceAccountName: default
  podMetadata:
    annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: "true", mine: "1"}
  volumes: &volumes
    - {name: work, emptyDir: {}}
  templates:
    - name: main
      steps:
        - - {name: prepare, template: prepare}
        - - name: run
            inline: {container: {image: x, command: [a]}}
          - {name: score, template: score}
        - - {name: watch, template: watch}
          - {name: apply, template: apply}
          - {name: ask, template: ask}
    - name: prepare
      serviceAccountName: default
      container:
        image: registry/i:1
        command: [a]
        resources: {requests: {memory: 8Gi}}
      volumes: *volumes
    - name: score
      nodeSelector: {pool: ondemand}
      retryStrategy: {limit: 1}
      securityContext: {runAsUser: 2000}
      script:
        image: registry/i:1
        command: [a]
        source: |
          echo one
          echo two
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [NET_RAW]}}
      sidecars: [{name: proxy, image: p}]
      initContainers: [{name: fetch, image: f, command: [b]}]
    - name: watch
      nodeSelector: {kubernetes.io/arch: arm64}
      tolerations: [{key: cloud.google.com/gke-spot, operator: Equal, value: "true", effect: NoSchedule}, {key: arm, operator: Exists}]
      containerSet:
        containers: [{name: main, image: s, command: [c], env: [{name: HOME, value: /mine}]}]
    - name: apply
      resource: {action: create, manifest: "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}"}
    - name: ask
      suspend: {duration: "60"}
`

// own loads the spec with a pipeline of a template of the user's own.
func own(t testing.TB, text string, edits ...edit) *spec.Effective {
	t.Helper()
	edits = append([]edit{{"  pipelines:\n", "  pipelines:\n    - {name: backtest, template: pipelines/backtest.yaml, schedule: \"@daily\"}\n"}}, edits...)
	return environment(t, map[string]string{"pipelines/backtest.yaml": text}, edits...)
}

func ownTemplate(t testing.TB, text string, edits ...edit) *wfv1.WorkflowTemplate {
	t.Helper()
	e := own(t, text, edits...)
	for _, f := range render.Templates(e) {
		t.Fatalf("%s: %s", f.Range, f.Summary)
	}
	return workflowTemplate(t, e, "backtest")
}

//nolint:paralleltest // Argo's lint has a global counter
func TestOwnTemplatePassesArgosLint(t *testing.T) {
	lint(t, own(t, ownText))
}

func TestOwnTemplateIdentity(t *testing.T) {
	t.Parallel()
	w := ownTemplate(t, ownText)
	if w.Name != "backtest" || w.Namespace != "forecasting" || w.ResourceVersion != "" {
		t.Errorf("got %+v", w.ObjectMeta)
	}
	if w.Labels["team"] != "quant" || w.Labels["app.kubernetes.io/part-of"] != "forecasting" {
		t.Errorf("labels %v", w.Labels)
	}
	if diff := cmp.Diff(map[string]string{"note": "kept"}, w.Annotations); diff != "" {
		t.Error(diff)
	}
	if w.Spec.ServiceAccountName != "workflow-runner" {
		t.Errorf("runs as %s", w.Spec.ServiceAccountName)
	}
	for _, x := range w.Spec.Templates {
		if x.ServiceAccountName != "" {
			t.Errorf("%s runs as %s", x.Name, x.ServiceAccountName)
		}
	}
	if w.Spec.TTLStrategy == nil || w.Spec.PodGC == nil || w.Spec.ArchiveLogs == nil || *w.Spec.ActiveDeadlineSeconds != 6*3600 {
		t.Errorf("housekeeping is missing: %+v", w.Spec)
	}
	want := map[string]string{"cluster-autoscaler.kubernetes.io/safe-to-evict": "true", "mine": "1"}
	if diff := cmp.Diff(want, w.Spec.PodMetadata.Annotations); diff != "" {
		t.Error(diff)
	}
}

// TestOwnTemplateKeepsWhatItSays compares the user's part with what they wrote.
func TestOwnTemplateKeepsWhatItSays(t *testing.T) {
	t.Parallel()
	w := ownTemplate(t, ownText)
	score := templateOf(t, w, "score")
	if score.Script.Source != "echo one\necho two\n" || score.Script.Image != "registry/i:1" {
		t.Errorf("script %+v", score.Script)
	}
	if len(w.Spec.Templates) != 6 || len(templateOf(t, w, "main").Steps) != 3 || len(templateOf(t, w, "prepare").Volumes) != 1 {
		t.Errorf("templates %v", w.Spec.Templates)
	}
	if templateOf(t, w, "ask").Suspend.Duration != "60" {
		t.Error("a text became a number")
	}
}

func TestOwnTemplatePlacement(t *testing.T) {
	t.Parallel()
	spot := map[string]string{"cloud.google.com/gke-spot": "true"}
	w := ownTemplate(t, ownText)
	tests := map[string]struct {
		selector    map[string]string
		tolerations []corev1.Toleration
		retries     string
	}{
		"main":    {},
		"prepare": {spot, []corev1.Toleration{tolerateSpot}, "3"},
		"score":   {map[string]string{"pool": "ondemand"}, nil, "1"},
		"watch": {
			map[string]string{"cloud.google.com/gke-spot": "true", "kubernetes.io/arch": "arm64"},
			[]corev1.Toleration{tolerateSpot, {Key: "arm", Operator: "Exists"}},
			"3",
		},
		"apply": {spot, []corev1.Toleration{tolerateSpot}, ""}, // a second try would make a second object
		"ask":   {},
	}
	for name, test := range tests {
		x := templateOf(t, w, name)
		if diff := cmp.Diff(test.selector, x.NodeSelector); diff != "" {
			t.Errorf("%s: selector (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(test.tolerations, x.Tolerations); diff != "" {
			t.Errorf("%s: tolerations (-want +got):\n%s", name, diff)
		}
		retries := ""
		if x.RetryStrategy != nil {
			retries = x.RetryStrategy.Limit.String()
		}
		if retries != test.retries {
			t.Errorf("%s: retries %q, want %q", name, retries, test.retries)
		}
	}
	inline := templateOf(t, w, "main").Steps[1].Steps[0].Inline
	if inline == nil {
		t.Fatal("no inline template")
	}
	if diff := cmp.Diff(spot, inline.NodeSelector); diff != "" || inline.RetryStrategy == nil {
		t.Errorf("inline: %v, %v", inline.NodeSelector, inline.RetryStrategy)
	}
}

// TestOwnTemplateChoices are the places where a user may choose for many
// templates at once.
func TestOwnTemplateChoices(t *testing.T) {
	t.Parallel()
	const text = `apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: x}
spec:
  entrypoint: main
  %s
  templates:
    - name: main
      dag: {tasks: [{name: a, template: work}, {name: b, template: other}]}
      #main
    - name: work
      container: {image: i, command: [c]}
    - name: other
      container: {image: i, command: [c]}
`
	fallback := edit{"spot: {pool: spot}", "spot: {pool: spot, fallback: ondemand}"}
	tests := map[string]struct {
		spec, main string
		edits      []edit
		placed     bool
		selector   map[string]string
		retried    bool
	}{
		"nothing":                  {placed: true, selector: map[string]string{"cloud.google.com/gke-spot": "true"}, retried: true},
		"the workflow's pool":      {spec: "nodeSelector: {pool: ondemand}", retried: true},
		"the workflow's affinity":  {spec: "affinity: {nodeAffinity: {}}", retried: true},
		"the defaults' pool":       {spec: "templateDefaults: {nodeSelector: {pool: ondemand}}", retried: true},
		"the workflow's processor": {spec: "nodeSelector: {kubernetes.io/arch: arm64}", placed: true, selector: map[string]string{"cloud.google.com/gke-spot": "true", "kubernetes.io/arch": "arm64"}, retried: true},
		"the caller's pool":        {main: "nodeSelector: {pool: ondemand}", retried: true},
		"the workflow's retry":     {spec: "retryStrategy: {limit: 1}", placed: true, selector: map[string]string{"cloud.google.com/gke-spot": "true"}},
		"the defaults' retry":      {spec: "templateDefaults: {retryStrategy: {limit: 1}}", placed: true, selector: map[string]string{"cloud.google.com/gke-spot": "true"}},
		"no retry":                 {edits: []edit{{"spot: {pool: spot}", "spot: {pool: spot, retry: {limit: 0}}"}}, placed: true, selector: map[string]string{"cloud.google.com/gke-spot": "true"}},
		"a fallback keeps their affinity": {
			spec: "affinity: {podAntiAffinity: {}}", edits: []edit{fallback}, placed: true, retried: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ownTemplate(t, strings.NewReplacer("%s", test.spec, "#main", test.main).Replace(text), test.edits...)
			x := templateOf(t, w, "work")
			if placed := len(x.Tolerations) > 0; placed != test.placed {
				t.Errorf("placed: %v, want %v", placed, test.placed)
			}
			if diff := cmp.Diff(test.selector, x.NodeSelector); diff != "" {
				t.Error(diff)
			}
			if retried := x.RetryStrategy != nil; retried != test.retried {
				t.Errorf("retried: %v, want %v", retried, test.retried)
			}
			if slices.Contains(test.edits, fallback) && (x.Affinity == nil || x.Affinity.PodAntiAffinity == nil || x.Affinity.NodeAffinity == nil) {
				t.Errorf("affinity %+v", x.Affinity)
			}
		})
	}
}

func TestOwnTemplateSecurity(t *testing.T) {
	t.Parallel()
	w := ownTemplate(t, ownText)
	for _, name := range []string{"prepare", "watch"} {
		if found := restricted(t, podOf(w, templateOf(t, w, name))); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	inline := templateOf(t, w, "main").Steps[1].Steps[0].Inline
	if found := restricted(t, podOf(w, inline)); len(found) > 0 {
		t.Errorf("inline: %v", found)
	}
	score := templateOf(t, w, "score")
	if *score.SecurityContext.RunAsUser != 2000 || !*score.SecurityContext.RunAsNonRoot || score.SecurityContext.SeccompProfile == nil {
		t.Errorf("the template's own security context: %+v", score.SecurityContext)
	}
	// What the user wrote is theirs, and a check's to judge.
	if diff := cmp.Diff([]corev1.Capability{"NET_RAW"}, score.Script.SecurityContext.Capabilities.Drop); diff != "" {
		t.Error(diff)
	}
	for _, c := range []corev1.Container{score.Sidecars[0].Container, score.InitContainers[0].Container} {
		if c.SecurityContext == nil || *c.SecurityContext.AllowPrivilegeEscalation {
			t.Errorf("%s: %+v", c.Name, c.SecurityContext)
		}
	}
	if c := templateOf(t, w, "prepare").Container; c.Resources.Limits.Memory().String() != "8Gi" {
		t.Errorf("limits %v", c.Resources.Limits)
	}
}

// TestOwnTemplateHome gives a home to the user that we chose, and only to them.
func TestOwnTemplateHome(t *testing.T) {
	t.Parallel()
	w := ownTemplate(t, ownText)
	home := func(vars []corev1.EnvVar) string {
		for _, v := range vars {
			if v.Name == "HOME" {
				return v.Value
			}
		}
		return ""
	}
	if got := home(templateOf(t, w, "prepare").Container.Env); got != "/tmp" {
		t.Errorf("prepare: %q", got)
	}
	if got := home(templateOf(t, w, "score").Script.Env); got != "" {
		t.Errorf("score runs as the user's own user, but has %q", got)
	}
	if got := home(templateOf(t, w, "watch").ContainerSet.Containers[0].Env); got != "/mine" {
		t.Errorf("watch: %q", got)
	}
}

// TestOwnTemplateTakesThePipelinesFields fills what the spec says for all tasks
// of a pipeline.
func TestOwnTemplateTakesThePipelinesFields(t *testing.T) {
	t.Parallel()
	const text = `apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: x}
spec:
  entrypoint: main
  activeDeadlineSeconds: 60
  templates:
    - name: main
      container: {command: [c], env: [{name: LEVEL, value: mine}], envFrom: [{configMapRef: {name: app-config}}]}
`
	w := ownTemplate(t, text, edit{
		`template: pipelines/backtest.yaml, schedule: "@daily"}`,
		`template: pipelines/backtest.yaml, activeDeadline: 2h, retry: {limit: 7}, pool: ondemand, image: "r/i@sha256:4e97c560f633f6be3fa0f9555d428af2297ddd2402293c909f006b5422dd278b", envFrom: [app-config, app-secrets], env: {LEVEL: info, MORE: "1"}, resources: {requests: {memory: 1Gi}}}`,
	})
	x := templateOf(t, w, "main")
	if *w.Spec.ActiveDeadlineSeconds != 7200 || x.RetryStrategy.Limit.String() != "7" || x.NodeSelector["pool"] != "ondemand" {
		t.Errorf("deadline %d, retries %s, on %v", *w.Spec.ActiveDeadlineSeconds, x.RetryStrategy.Limit, x.NodeSelector)
	}
	c := x.Container
	if !strings.HasPrefix(c.Image, "r/i@") || c.Resources.Requests.Memory().String() != "1Gi" {
		t.Errorf("image %s, resources %v", c.Image, c.Resources)
	}
	want := []corev1.EnvVar{{Name: "LEVEL", Value: "mine"}, {Name: "MORE", Value: "1"}, {Name: "HOME", Value: "/tmp"}}
	if diff := cmp.Diff(want, c.Env); diff != "" {
		t.Error(diff)
	}
	if len(c.EnvFrom) != 2 || c.EnvFrom[1].SecretRef == nil {
		t.Errorf("envFrom %v", c.EnvFrom)
	}
}

func TestOwnTemplateDeadline(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nspec: {activeDeadlineSeconds: %s, templates: []}\n"
	for own, want := range map[string]int64{"60": 60, "21600": 21600, "86400": 21600, "-1": 21600, "null": 21600} {
		w := ownTemplate(t, strings.Replace(text, "%s", own, 1))
		if got := *w.Spec.ActiveDeadlineSeconds; got != want {
			t.Errorf("theirs is %s: %d, want %d", own, got, want)
		}
	}
}

// TestOwnTemplateOrigins holds copied lines to point into the user's file and
// laid-over lines at the spec.
func TestOwnTemplateOrigins(t *testing.T) {
	t.Parallel()
	e := own(t, ownText)
	f, _ := files(t, e).Get(teamDir + "backtest.workflowtemplate.yaml")
	tests := []struct{ line, path, want string }{
		{"kind: WorkflowTemplate", ownPath, "kind: WorkflowTemplate"},
		{"entrypoint: main", ownPath, "entrypoint: main"},
		{"steps:", ownPath, "- - {name: prepare"},
		{"- name: proxy", ownPath, "sidecars: [{name: proxy"},
		{"echo two", ownPath, "source: |"},
		{"limit: 1", ownPath, "retryStrategy: {limit: 1}"},
		{"- NET_RAW", ownPath, "drop: [NET_RAW]"},
		{"serviceAccountName: workflow-runner", "environments/tenants/forecasting.yaml", ""},
		{"secondsAfterFailure", "environments/platform.yaml", "afterFailure: 7d"},
		{"cloud.google.com/gke-spot: \"true\"", "environments/platform.yaml", "spot: {pool: spot}"},
		{"activeDeadlineSeconds", "environments/platform.yaml", "activeDeadline: 6h"},
		{"allowPrivilegeEscalation", ownPath, ""},
	}
	texts := map[string]string{"environments/platform.yaml": platformText, ownPath: ownText}
	for _, test := range tests {
		from := originOf(t, f, test.line)
		if from.Path != test.path || !strings.Contains(lineOf(texts[from.Path], from.Start.Line), test.want) {
			t.Errorf("%q comes from %s: %s", test.line, from, lineOf(texts[from.Path], from.Start.Line))
		}
	}
	for line := range strings.Count(string(f.Data), "\n") {
		if from, ok := f.OriginOf(line + 1); !ok || from.Start.Line == 0 {
			t.Errorf("line %d has no origin", line+1)
		}
	}
	if strings.Contains(string(f.Data), "# ours") {
		t.Error("a comment of the user's file in a rendered one")
	}
}

func TestTemplateFindings(t *testing.T) {
	t.Parallel()
	good := "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\n"
	tests := map[string]struct {
		text string
		rule string
		line int
		want string
	}{
		"not YAML":              {good + "spec: [\n", "template-syntax", 0, "not YAML"},
		"a tab":                 {good + "spec:\n\ta: 1\n", "template-syntax", 4, "not YAML"},
		"a key twice":           {good + "spec:\n  entrypoint: a\n  entrypoint: b\n", "template-syntax", 5, `"entrypoint" is written twice`},
		"a list as a key":       {good + "spec:\n  ? [a]\n  : b\n", "template-syntax", 4, "key is not a text"},
		"an anchor in itself":   {good + "spec: &a\n  b: *a\n", "template-syntax", 4, "contains itself"},
		"merging a text":        {good + "spec:\n  <<: text\n", "template-syntax", 4, "not a mapping"},
		"deep":                  {good + "spec: " + strings.Repeat("{a: ", 80) + "1" + strings.Repeat("}", 80) + "\n", "template-syntax", 3, "nested"},
		"a bomb":                {good + bomb(), "template-syntax", 0, "aliases"},
		"too large":             {good + "#" + strings.Repeat("x", 1<<20), "template-syntax", 0, "larger than 1 MiB"},
		"empty":                 {"", "template-kind", 0, "no object"},
		"only a comment":        {"# nothing\n---\n", "template-kind", 0, "no object"},
		"a text":                {"hello\n", "template-kind", 1, "not an object"},
		"a Workflow":            {"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {}\n", "template-kind", 2, "is a Workflow"},
		"a Deployment":          {"apiVersion: apps/v1\nkind: Deployment\nspec: {}\n", "template-kind", 2, "not a WorkflowTemplate"},
		"two documents":         {good + "spec: {}\n---\n" + good + "spec: {}\n", "template-kind", 5, "2 documents"},
		"no spec":               {good, "template-kind", 1, "spec is not a mapping"},
		"spec is a list":        {good + "spec: []\n", "template-kind", 3, "spec is not a mapping"},
		"templates is a text":   {good + "spec:\n  templates: x\n", "template-kind", 4, "a list is expected"},
		"a template is a text":  {good + "spec:\n  templates: [x]\n", "template-kind", 4, "a mapping is expected"},
		"a container is a list": {good + "spec:\n  templates:\n  - container: []\n", "template-kind", 5, "a mapping is expected"},
		"an inline is a text":   {good + "spec:\n  templates:\n  - dag: {tasks: [{inline: x}]}\n", "template-kind", 5, "a mapping is expected"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := templateOnly(test.text)
			found := render.Templates(e)
			if len(found) == 0 {
				t.Fatal("no finding")
			}
			f := found[0]
			if f.Rule != test.rule || f.Severity != diag.Error || f.Range.Path != ownPath || !strings.Contains(f.Summary, test.want) {
				t.Errorf("got %+v", f)
			}
			if test.line != 0 && f.Range.Start.Line != test.line {
				t.Errorf("line %d, want %d", f.Range.Start.Line, test.line)
			}
			out, err := render.Environment(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range out.Paths() {
				if strings.Contains(path, "workflowtemplate") || strings.Contains(path, "cronworkflow") {
					t.Errorf("%s was rendered of a template that cannot be read", path)
				}
			}
		})
	}
}

// TestTemplateThatWasNotRead fails closed: a pipeline never vanishes silently.
func TestTemplateThatWasNotRead(t *testing.T) {
	t.Parallel()
	e := templateOnly("")
	e.Templates = nil
	if found := render.Templates(e); len(found) != 1 || found[0].Rule != "template-syntax" {
		t.Errorf("got %v", found)
	}
}

// bomb doubles with every line.
func bomb() string {
	var b strings.Builder
	b.WriteString("x0: &x0 [1]\n")
	for i := range 30 {
		fmt.Fprintf(&b, "x%d: &x%d [*x%d, *x%d]\n", i+1, i+1, i, i)
	}
	return b.String()
}

// TestTemplateMergeKeys reads what kubectl reads: a key of a mapping's own wins,
// and then the first of those that are merged in.
func TestTemplateMergeKeys(t *testing.T) {
	t.Parallel()
	e := templateOnly(`apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
spec:
  templates:
    - name: a
      container: &a {image: a, command: [a]}
    - name: b
      container: &b {<<: *a, image: b}
    - name: c
      container: {<<: [*b, *a], args: [c]}
`)
	if found := render.Templates(e); len(found) > 0 {
		t.Fatal(found)
	}
	w := workflowTemplate(t, e, "backtest")
	for name, image := range map[string]string{"a": "a", "b": "b", "c": "b"} {
		if c := templateOf(t, w, name).Container; c.Image != image || len(c.Command) != 1 || c.Command[0] != "a" {
			t.Errorf("%s: %s %v", name, c.Image, c.Command)
		}
	}
}

// templateOnly is an environment with one pipeline of one template, which has
// not gone through the reader of the spec.
func templateOnly(text string) *spec.Effective {
	return &spec.Effective{
		Environment: "prod", Platform: "mlops",
		Settings: spec.Settings{
			Workflows: &spec.Workflows{Install: "external", Version: "v3.7.18", Namespace: "argo", Helm: &spec.Helm{}},
		},
		Tenants: []spec.Tenant{{
			Name: "forecasting", Namespace: "forecasting",
			ServiceAccount: spec.ServiceAccount{Name: "workflow-runner"},
			Pipelines:      []spec.Pipeline{{Name: "backtest", Template: ownPath, Schedule: "@daily"}},
		}},
		Templates: []spec.Template{{Path: ownPath, Content: text}},
	}
}

// FuzzTemplate holds any text to either be refused or be rendered as a
// WorkflowTemplate that carries the tenant's identity.
func FuzzTemplate(f *testing.F) {
	f.Add(ownText)
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nspec: {templates: [{dag: {tasks: [{inline: {container: {}}}]}}]}\n")
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nspec: {<<: [{a: 1}, {b: 2}], templates: [{<<: {container: [1]}}]}\n")
	f.Add("a: &a [*a]\n")
	f.Add(bomb())
	f.Fuzz(func(t *testing.T, text string) {
		e := templateOnly(text)
		found := render.Templates(e)
		out, err := render.Environment(e)
		if err != nil {
			t.Fatalf("render %q: %v", text, err)
		}
		file, rendered := out.Get(teamDir + "backtest.workflowtemplate.yaml")
		if rendered == found.AtLeast(diag.Error) {
			t.Fatalf("rendered: %v, findings: %v", rendered, found)
		}
		if !rendered {
			return
		}
		again := templateOnly(string(file.Data))
		if found := render.Templates(again); len(found) > 0 {
			t.Fatalf("what was rendered of %q cannot be read: %v\n%s", text, found, file.Data)
		}
		for _, want := range []string{"\n  name: backtest\n", "\n  namespace: forecasting\n", "\n  serviceAccountName: workflow-runner\n"} {
			if !strings.Contains(string(file.Data), want) {
				t.Fatalf("no %q in\n%s", want, file.Data)
			}
		}
	})
}
