package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

func objects(tb testing.TB, text string) []*manifest.Object {
	tb.Helper()
	out, findings := manifest.Split("all.yaml", []byte(text))
	if len(findings) > 0 {
		tb.Fatalf("the test's own YAML: %v", findings)
	}
	return out
}

func lines(findings diag.List) []string {
	var out []string
	for _, d := range findings {
		out = append(out, fmt.Sprintf("%s %s %s %v: %s", d.Severity, d.Rule, d.Range, d.Environments, d.Summary))
	}
	return out
}

func same(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// fake is a check that does what it is told.
type fake struct {
	name  string
	run   func() (diag.List, error)
	depth map[string]check.Depth
}

func (f fake) Name() string { return f.name }
func (f fake) Run(context.Context, *check.Input) (diag.List, error) {
	return f.run()
}
func (f fake) Coverage(_, kind string) check.Depth { return f.depth[kind] }

const three = `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: a, namespace: ml}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: b, namespace: ml}
`

func TestEnvironmentFailsClosed(t *testing.T) {
	t.Parallel()
	finding := func(rule string) diag.List {
		return diag.List{{Rule: rule, Severity: diag.Error, Summary: rule, Range: diag.Range{Path: rule}}}
	}
	checks := []check.Check{
		fake{name: "panics", run: func() (diag.List, error) { panic("boom") }},
		fake{name: "fails", run: func() (diag.List, error) { return finding("half"), errors.New("no luck") }},
		fake{name: "works", run: func() (diag.List, error) { return finding("whole"), nil }, depth: map[string]check.Depth{"Namespace": check.Full}},
	}
	in := check.Input{Environment: "dev", Overlays: []check.Overlay{{Dir: "overlays/dev/a", Objects: objects(t, three)}}}
	findings, summary, err := check.Environment(context.Background(), in, checks)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "findings", []string{
		`error check-failed  [dev]: the check "fails" could not finish: no luck`,
		`error check-failed  [dev]: the check "panics" could not finish: it panicked: boom`,
		`error half half [dev]: half`,
		`error whole whole [dev]: whole`,
	}, lines(findings))
	same(t, "unknown kinds", []string{
		`info api-unknown-kind all.yaml:6:7 [dev]: no check knows example.com/v1 Thing: its fields are not validated`,
	}, lines(check.Fleet([]check.Summary{summary, summary})))
	summary.Unknown = nil
	same(t, "summary", check.Summary{
		Environment: "dev",
		Overlays:    []check.OverlaySummary{{Dir: "overlays/dev/a", Objects: 3}},
		Coverage: []check.KindCoverage{
			{APIVersion: "example.com/v1", Kind: "Thing", Objects: 2, Depth: check.Unknown},
			{APIVersion: "v1", Kind: "Namespace", Objects: 1, Depth: check.Full},
		},
		Guarded: []check.Identity{{Kind: "Namespace", Name: "ml"}},
	}, summary)
}

func TestSharedObjects(t *testing.T) {
	t.Parallel()
	one := check.Overlay{Dir: "overlays/dev/a", Objects: objects(t, three)}
	for _, test := range []struct {
		name     string
		overlays []check.Overlay
		want     []string
	}{
		{"alone", []check.Overlay{one}, nil},
		{"two overlays", []check.Overlay{one, {Dir: "overlays/dev/b", Objects: one.Objects[:1]}}, []string{
			`error object-shared all.yaml:3:18 [dev]: Namespace ml is made by two overlays: overlays/dev/a and overlays/dev/b`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			findings, _, err := check.Environment(context.Background(), check.Input{Environment: "dev", Overlays: test.overlays}, nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "findings", test.want, lines(findings))
		})
	}
}

func TestNothingIsNotClean(t *testing.T) {
	t.Parallel()
	for _, overlays := range [][]check.Overlay{nil, {{Dir: "overlays/dev/a"}}} {
		findings, _, err := check.Environment(context.Background(), check.Input{Environment: "dev", Overlays: overlays}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) != 1 || findings[0].Rule != "nothing-checked" || findings[0].Severity != diag.Error {
			t.Errorf("%v: %v", overlays, lines(findings))
		}
	}
	if findings := check.Fleet(nil); len(findings) != 1 || findings[0].Rule != "nothing-checked" {
		t.Errorf("no environment: %v", lines(findings))
	}
}

func TestCancelledIsNoAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := check.Environment(ctx, check.Input{Environment: "dev"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func archive(environment, host, cluster string, line int) check.Summary {
	return check.Summary{Environment: environment, Archives: []check.Archive{{
		Host: host, Database: "argo", Table: "argo_workflows", ClusterName: cluster,
		Object: "ConfigMap argo/c", Range: diag.Range{Path: environment + ".yaml", Start: diag.Pos{Line: line}},
	}}}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	same(t, "shared", []string{
		`error archive-cluster-name-shared prod.yaml:2 [prod staging]: prod and staging archive to the same database db:5432/argo under the cluster name "default"`,
	}, lines(check.Fleet([]check.Summary{archive("staging", "db:5432", "default", 1), archive("prod", "db:5432", "default", 2), archive("dev", "dev-db:5432", "default", 3)})))
	same(t, "apart", []string(nil), lines(check.Fleet([]check.Summary{archive("staging", "db:5432", "staging", 1), archive("prod", "db:5432", "prod", 2)})))
}

func TestArchivesAreRead(t *testing.T) {
	t.Parallel()
	const config = `apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  persistence: |
    archive: true
    postgresql: {host: HOST, port: 5432, database: argo, tableName: t}
`
	for host, want := range map[string]int{"db.internal": 1, "127.0.0.1": 0} {
		in := check.Input{Environment: "dev", Overlays: []check.Overlay{{Objects: objects(t, strings.ReplaceAll(config, "HOST", host))}}}
		_, summary, err := check.Environment(context.Background(), in, nil)
		if err != nil || len(summary.Archives) != want {
			t.Errorf("%s: %v, %v", host, summary.Archives, err)
		}
	}
}

const guardedObjects = `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ml}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
---
apiVersion: app.k8s.io/v1beta1
kind: Application
metadata: {name: other, namespace: ml}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: loose, namespace: ml}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: store, namespace: ml}
`

func TestRemovals(t *testing.T) {
	t.Parallel()
	before := objects(t, guardedObjects)
	at := func(line int) diag.Range { return diag.Range{Path: "platform.yaml", Start: diag.Pos{Line: line}} }
	declared := []check.Removal{
		{Kind: "PersistentVolumeClaim", Name: "data", Namespace: "ml", Environment: "dev", Until: "2026-12-31", Range: at(1)},
		{Kind: "CustomResourceDefinition", Name: "things.example.com", Environment: "dev", Until: "2026-01-31", Range: at(2)},
		{Kind: "SecretStore", Name: "store", Environment: "prod", Until: "2026-12-31", Range: at(3)},
		{Kind: "PersistentVolumeClaim", Name: "gone", Namespace: "ml", Environment: "dev", Until: "2026-12-31", Range: at(4)},
	}
	tests := map[string]struct {
		after []*manifest.Object
		today string
		want  []string
	}{
		"nothing leaves": {before, "2026-11-20", []string{
			`warning removal-unused platform.yaml:4 [dev]: the declared removal of PersistentVolumeClaim ml/gone matches nothing in dev`,
		}},
		"all leave": {nil, "2026-11-20", []string{
			`error removal-undeclared all.yaml:1:1 [dev]: Namespace ml leaves dev, and every object in it is deleted with it`,
			`error removal-undeclared all.yaml:21:1 [dev]: external-secrets.io/SecretStore ml/store leaves dev, and the Secrets that come from it are no longer refreshed`,
			`error removal-expired platform.yaml:2 [dev]: apiextensions.k8s.io/CustomResourceDefinition things.example.com leaves dev, and every object of that kind, in every namespace, is deleted with it`,
			`warning removal-unused platform.yaml:4 [dev]: the declared removal of PersistentVolumeClaim ml/gone matches nothing in dev`,
		}},
		"the last day counts": {before[:1], "2026-01-31", []string{
			`error removal-undeclared all.yaml:21:1 [dev]: external-secrets.io/SecretStore ml/store leaves dev, and the Secrets that come from it are no longer refreshed`,
			`warning removal-unused platform.yaml:4 [dev]: the declared removal of PersistentVolumeClaim ml/gone matches nothing in dev`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "findings", tt.want, lines(check.Removals(before, tt.after, "dev", declared, tt.today)))
		})
	}
}

func TestUnusedRemovals(t *testing.T) {
	t.Parallel()
	declared := []check.Removal{{Kind: "Namespace", Name: "ml"}, {Kind: "Namespace", Name: "old"}, {Kind: "Namespace", Name: "x", Environment: "dev"}}
	same(t, "findings", []string{`warning removal-unused  []: the declared removal of Namespace old matches nothing in any environment`},
		lines(check.UnusedRemovals(declared, check.Guarded(objects(t, guardedObjects)))))
}

func TestFieldPath(t *testing.T) {
	t.Parallel()
	o := objects(t, `apiVersion: v1
kind: Thing
metadata:
  name: a
  annotations: {a.b/c: x, "k[0]": y}
spec:
  ports: [{name: web, port: 1}]
  verbs: [get, list]
data: {app.conf: x, "0": y}
`)[0]
	for field, want := range map[string]manifest.Path{
		"spec.ports[0].name":                   o.At("spec", "ports", 0, "name"),
		"spec.ports[7].name":                   {{Key: "spec"}, {Key: "ports"}, {Index: 7}, {Key: "name"}},
		"metadata.annotations[a.b/c]":          o.At("metadata", "annotations", "a.b/c"),
		`metadata.annotations["a.b/c"]`:        o.At("metadata", "annotations", "a.b/c"),
		"metadata.annotations[k[0]]":           o.At("metadata", "annotations", "k[0]"),
		"metadata.annotations.a.b/c":           o.At("metadata", "annotations", "a.b/c"),
		"data[app.conf]":                       o.At("data", "app.conf"),
		"data[0]":                              o.At("data", "0"),
		"spec.verbs[list]":                     o.At("spec", "verbs", 1),
		"spec.missing.deep[2].x":               {{Key: "spec"}, {Key: "missing"}, {Key: "deep"}, {Index: 2}, {Key: "x"}},
		"":                                     nil,
		"metadata.annotations[not.there].more": {{Key: "metadata"}, {Key: "annotations"}, {Key: "not.there"}, {Key: "more"}},
	} {
		same(t, field, want, check.FieldPath(o, field))
	}
}

func FuzzFieldPath(f *testing.F) {
	for _, seed := range []string{"spec.ports[0].name", "a[", "]", "..", "a[b]c[", `x["\"]`} {
		f.Add(seed)
	}
	o := &manifest.Object{Fields: map[string]any{"a": []any{map[string]any{"b": "c"}}, "x": map[string]any{"]": 1, "": 2}}}
	f.Fuzz(func(t *testing.T, field string) {
		path := check.FieldPath(o, field)
		if len(path) > len(field)+1 {
			t.Errorf("%q: %d steps", field, len(path))
		}
	})
}

type inner struct {
	Count *int32            `json:"count,omitempty"`
	Tags  map[string]string `json:"tags"`
	Raw   []byte            `json:"raw"`
}

type special struct{ Value string }

func (s *special) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &s.Value); err != nil || s.Value == "bad" {
		return errors.New("not special")
	}
	return nil
}

type outer struct {
	inner   `json:",inline"`
	Name    string  `json:"name"`
	Items   []inner `json:"items"`
	Special special `json:"special"`
	Any     any     `json:"any"`
	Ratio   float64 `json:"ratio"`
	Hidden  string  `json:"-"`
}

func TestShape(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fold bool
		yaml string
		want []string
	}{
		"fits":             {yaml: "{name: a, count: 5, tags: {a: b}, items: [{count: 1}], special: x, any: [1], ratio: 1, raw: YQ==}"},
		"null fits":        {yaml: "{name: null, items: null, count: null}"},
		"unknown":          {yaml: "{nome: a, items: [{}, {cuont: 1}], Hidden: x}", want: []string{"Hidden unknown ", "items[1].cuont unknown count", "nome unknown name"}},
		"types":            {yaml: "{name: 5, count: 99999999999, tags: {a: true}, items: {}, special: bad, ratio: x, raw: '*'}", want: []string{"count want an integer of 32 bits, got a number", "items want a list, got a map", "name want a string, got a number", "ratio want a number, got a string", "raw a string cannot be read: illegal base64 data at input byte 0", "special a string cannot be read: not special", "tags.a want a string, got a boolean"}},
		"case is kept":     {yaml: "{Name: a}", want: []string{"Name unknown name"}},
		"case is folded":   {fold: true, yaml: "{Name: a, COUNT: 1}"},
		"two spellings":    {fold: true, yaml: "{Name: a, name: b}", want: []string{"name twice Name"}},
		"a scalar at root": {yaml: "5", want: []string{" want a map, got a number"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := objects(t, "apiVersion: v1\nkind: T\nmetadata: {name: a}\nvalue: "+tt.yaml+"\n")[0]
			misfits := check.NewShape(tt.fold, nil).Misfits(o.Fields["value"], reflect.TypeFor[outer](), nil)
			var got []string
			for _, m := range misfits {
				switch {
				case m.Unknown:
					got = append(got, m.Path.String()+" unknown "+m.Suggestion())
				case m.Twice != "":
					got = append(got, m.Path.String()+" twice "+m.Twice)
				default:
					got = append(got, m.Path.String()+" "+m.Reason)
				}
			}
			same(t, "misfits", tt.want, got)
			fields, ok := o.Fields["value"].(map[string]any)
			if !ok || tt.fold {
				return
			}
			if again := check.NewShape(false, nil).Misfits(check.Prune(fields, misfits), reflect.TypeFor[outer](), nil); len(again) > 0 {
				t.Errorf("pruned, it still does not fit: %v", again)
			}
		})
	}
}

func TestPodTemplates(t *testing.T) {
	t.Parallel()
	list := objects(t, `apiVersion: v1
kind: Pod
metadata: {name: p, labels: {a: b}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: p}
spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: i}], containers: [{name: c, image: i}]}}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w}
spec:
  workflowSpec:
    serviceAccountName: runner
    nodeSelector: {pool: spot}
    podMetadata: {labels: {team: ml}}
    volumes: [{name: v}]
    templateDefaults: {serviceAccountName: default-runner, container: {imagePullPolicy: Always}}
    templates:
      - name: main
        dag: {tasks: [{name: t, inline: {script: {image: s, source: x}}}]}
      - name: run
        podSpecPatch: '{}'
        nodeSelector: {}
        metadata: {labels: {a: b}}
        container: {image: c}
        volumes: [{name: w}]
        sidecars: [{name: side, image: d, mirrorVolumeMounts: true}]
      - name: set
        containerSet: {containers: [{name: a, image: a}, {name: b, image: b}]}
      - name: wait
        suspend: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
`)
	defaults := check.WorkflowDefaults{Known: true, Spec: map[string]any{"tolerations": []any{map[string]any{"key": "spot"}}}, MainContainer: map[string]any{"resources": map[string]any{}}}
	var got []string
	for _, o := range list {
		for _, p := range check.PodTemplates(o, defaults) {
			for _, c := range p.Containers() {
				got = append(got, fmt.Sprintf("%s %s %s %s: %s %s", o.Kind, p.Name, p.Path, c.Name, c.Fields["image"], p.At(append(c.Spec, manifest.Step{Key: "image"})...)))
			}
			if p.Name == "run" {
				same(t, "service account", any("default-runner"), p.Spec["serviceAccountName"])
				same(t, "node selector", any(map[string]any{"pool": "spot"}), p.Spec["nodeSelector"])
				same(t, "its place", "spec.workflowSpec.nodeSelector.pool", p.At(manifest.Step{Key: "nodeSelector"}, manifest.Step{Key: "pool"}).String())
				same(t, "second volume", "spec.workflowSpec.templates[1].volumes[0].name", p.At(manifest.Step{Key: "volumes"}, manifest.Step{Index: 1, Name: "w"}, manifest.Step{Key: "name"}).String())
				same(t, "tolerations", defaults.Spec["tolerations"], p.Spec["tolerations"])
				same(t, "labels", map[string]any{"labels": map[string]any{"team": "ml", "a": "b"}}, p.Metadata)
				same(t, "unknown", 1, len(p.Unknown))
				container, _ := p.Spec["containers"].([]any)[0].(map[string]any)
				same(t, "defaults", any("Always"), container["imagePullPolicy"])
				side, _ := p.Spec["containers"].([]any)[1].(map[string]any)
				if _, there := side["mirrorVolumeMounts"]; there {
					t.Error("a field that pods do not have is left in the sidecar")
				}
			}
		}
	}
	same(t, "containers", []string{
		"Pod   c: i spec.containers[0].image",
		"CronJob  spec.jobTemplate.spec.template i: %!s(<nil>) spec.jobTemplate.spec.template.spec.initContainers[0].image",
		"CronJob  spec.jobTemplate.spec.template c: i spec.jobTemplate.spec.template.spec.containers[0].image",
		"CronWorkflow  spec.workflowSpec.templates[0].dag.tasks[0].inline main: s spec.workflowSpec.templates[0].dag.tasks[0].inline.script.image",
		"CronWorkflow run spec.workflowSpec.templates[1] main: c spec.workflowSpec.templates[1].container.image",
		"CronWorkflow run spec.workflowSpec.templates[1] side: d spec.workflowSpec.templates[1].sidecars[0].image",
		"CronWorkflow set spec.workflowSpec.templates[2] a: a spec.workflowSpec.templates[2].containerSet.containers[0].image",
		"CronWorkflow set spec.workflowSpec.templates[2] b: b spec.workflowSpec.templates[2].containerSet.containers[1].image",
	}, got)
}
