package argo_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/argo"
	"strake/generator/diag"
	"strake/generator/manifest"
)

func input(tb testing.TB, text string) *check.Input {
	tb.Helper()
	objects, findings := manifest.Split("all.yaml", []byte(text))
	if len(findings) > 0 {
		tb.Fatalf("the test's own YAML: %v", findings)
	}
	return &check.Input{Environment: "dev", Overlays: []check.Overlay{{Dir: "overlays/dev/app", App: "app", Objects: objects}}}
}

// run returns the findings as "severity rule line field: summary".
func run(tb testing.TB, text string) []string {
	tb.Helper()
	findings, err := argo.New().Run(context.Background(), input(tb, text))
	if err != nil {
		tb.Fatal(err)
	}
	return lines(findings)
}

func lines(findings diag.List) []string {
	var out []string
	for _, d := range findings.Sorted() {
		out = append(out, fmt.Sprintf("%s %s %d %s: %s", d.Severity, d.Rule, d.Range.Start.Line, d.Field, d.Summary))
	}
	return out
}

func diff(tb testing.TB, want, got []string) {
	tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("findings (-want +got):\n%s", d)
	}
}

// good is an environment without a mistake. Each mutant changes one piece of it.
const good = `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: chart-movement
  namespace: ml
spec:
  entrypoint: main
  arguments:
    parameters: [{name: symbol, value: btc}]
  templateDefaults:
    retryStrategy: {limit: "3", retryPolicy: Always}
  templates:
    - name: main
      dag:
        tasks:
          - name: ingest-data
            template: ingest-data
          - name: train-model
            template: train-model
            dependencies: [ingest-data]
            arguments:
              parameters: [{name: rate, value: "0.1"}]
              artifacts:
                - {name: dataset, from: "{{tasks.ingest-data.outputs.artifacts.dataset}}"}
          - name: tell
            template: tell
            dependencies: [train-model]
            arguments:
              parameters: [{name: text, value: "{{tasks.train-model.outputs.parameters.score}}"}]
          - name: notify
            templateRef: {name: shared, template: notify, clusterScope: true}
            dependencies-are: here
    - name: ingest-data
      container:
        image: a
        args: ["{{workflow.parameters.symbol}}"]
      activeDeadlineSeconds: 600
      outputs:
        artifacts: [{name: dataset, path: /tmp/d}]
    - name: train-model
      inputs:
        parameters: [{name: rate}]
        artifacts: [{name: dataset, path: /tmp/d}]
      container:
        image: a
        args: ["{{inputs.parameters.rate}}"]
      outputs:
        parameters: [{name: score, valueFrom: {path: /tmp/s}}]
    - name: tell
      inputs: {parameters: [{name: text}]}
      steps:
        - - name: say
            template: say
            arguments: {parameters: [{name: text, value: "{{inputs.parameters.text}}"}]}
    - name: say
      inputs: {parameters: [{name: text}]}
      script: {image: a, source: "print({{inputs.parameters.text}})"}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata:
  name: nightly
  namespace: ml
spec:
  schedules: ["0 3 * * *"]
  timezone: Asia/Tokyo
  concurrencyPolicy: Forbid
  workflowSpec:
    workflowTemplateRef: {name: chart-movement}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: shared}
spec:
  templates:
    - name: notify
      http: {url: "http://x"}
`

// valid is good without its one line that is not Argo's.
func valid() string { return strings.Replace(good, "            dependencies-are: here\n", "", 1) }

func TestGoodWorkflowsAreSilent(t *testing.T) {
	t.Parallel()
	diff(t, nil, run(t, valid()))
	diff(t, []string{`error argo-decode 36 spec.templates[0].dag.tasks[3].dependencies-are: unknown field "dependencies-are"`}, run(t, good))
}

func TestMutants(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"retry on a task": {
			"            template: ingest-data\n", "            template: ingest-data\n            retryStrategy: {limit: 3}\n",
			[]string{`error argo-decode 22 spec.templates[0].dag.tasks[0].retryStrategy: unknown field "retryStrategy"`},
		},
		"retry on a step": {
			"            template: say\n", "            template: say\n            retryStrategy: {limit: 3}\n",
			[]string{`error argo-decode 57 spec.templates[3].steps[0][0].retryStrategy: unknown field "retryStrategy"`},
		},
		"misspelt field": {
			"activeDeadlineSeconds: 600", "activeDeadlineSecond: 600",
			[]string{`error argo-decode 40 spec.templates[1].activeDeadlineSecond: unknown field "activeDeadlineSecond"`},
		},
		"list for a string": {
			"image: a\n        args: [\"{{work", "image: [a]\n        args: [\"{{work",
			[]string{
				`error argo-decode 38 spec.templates[1].container.image: spec.templates[1].container.image has the wrong type: want a string, got a list`,
				`error argo-lint 38 spec.templates[1].container.image: template "ingest-data": container.image may not be empty`,
			},
		},
		"no such template": {
			"template: train-model\n", "template: train-modell\n",
			[]string{`error argo-lint 23 spec.templates[0].dag.tasks[1].template: there is no template "train-modell"`},
		},
		"no such entrypoint": {
			"entrypoint: main", "entrypoint: mian",
			[]string{`error argo-lint 11 spec.entrypoint: there is no template "mian"`},
		},
		"no such dependency": {
			"dependencies: [ingest-data]", "dependencies: [ingest-data, clean]",
			[]string{`error argo-lint 24 spec.templates[0].dag.tasks[1].dependencies[1]: there is no task "clean" to depend on`},
		},
		"circle": {
			"            template: ingest-data\n", "            template: ingest-data\n            dependencies: [tell]\n",
			[]string{
				`error argo-lint 19 spec.templates[0].dag.tasks: the tasks depend on each other in a circle: ingest-data → tell → train-model → ingest-data`,
			},
		},
		"two ways to wait": {
			"dependencies: [train-model]", "depends: train-model.Succeeded",
			[]string{`error argo-lint 24 spec.templates[0].dag.tasks[1].dependencies: dependencies stands beside the depends of another task`},
		},
		"two tasks of one name": {
			"          - name: tell\n", "          - name: ingest-data\n",
			[]string{`error argo-lint 29 spec.templates[0].dag.tasks[2].name: there are two tasks named "ingest-data"`},
		},
		"no such output": {
			"outputs.artifacts.dataset}}", "outputs.artifacts.datasets}}",
			[]string{`error argo-lint 28 spec.templates[0].dag.tasks[1].arguments.artifacts[0].from: {{tasks.ingest-data.outputs.artifacts.datasets}} refers to nothing`},
		},
		"output of a task that is not waited for": {
			"dependencies: [train-model]", "dependencies: [ingest-data]",
			[]string{`error argo-lint 33 spec.templates[0].dag.tasks[2].arguments.parameters[0].value: it takes its parameter "text" from task "train-model", and does not depend on it`},
		},
		"no such input": {
			"{{inputs.parameters.rate}}", "{{inputs.parameters.rte}}",
			[]string{`error argo-lint 49 spec.templates[2].container.args[0]: {{inputs.parameters.rte}} refers to nothing`},
		},
		"argument that is not passed": {
			"              parameters: [{name: rate, value: \"0.1\"}]\n", "",
			[]string{`error argo-lint 25 spec.templates[0].dag.tasks[1].arguments: it passes no parameter "rate", which the template needs`},
		},
		"no image": {
			"script: {image: a, ", "script: {",
			[]string{`error argo-lint 60 spec.templates[4].script.image: template "say": script.image may not be empty`},
		},
		"two types in one template": {
			"      script: {image: a, ", "      suspend: {}\n      script: {image: a, ",
			[]string{`error argo-lint 58 spec.templates[4]: template "say": multiple template types specified. choose one of: container, containerSet, steps, script, resource, dag, suspend, template, template ref`},
		},
		"retry policy that does not exist": {
			"      activeDeadlineSeconds: 600\n", "      retryStrategy: {retryPolicy: OnFail}\n",
			[]string{`error argo-lint 40 spec.templates[1].retryStrategy.retryPolicy: template "ingest-data": OnFail is not a valid RetryPolicy`},
		},
		"cluster template that does not exist": {
			"{name: shared, template: notify,", "{name: sharde, template: notify,",
			[]string{`error argo-lint 35 spec.templates[0].dag.tasks[3].templateRef.name: there is no ClusterWorkflowTemplate "sharde"`},
		},
		"template that the cluster template does not have": {
			"template: notify, clusterScope", "template: notfy, clusterScope",
			[]string{`error argo-lint 35 spec.templates[0].dag.tasks[3].templateRef.template: ClusterWorkflowTemplate shared has no template "notfy"`},
		},
		"schedule": {
			`"0 3 * * *"`, `"0 25 * * *"`,
			[]string{`error argo-lint 68 spec.schedules[0]: cron schedule 0 25 * * * is malformed: end of range (25) above maximum (23): 25`},
		},
		"time zone": {
			"Asia/Tokyo", "Asia/Tokio",
			[]string{`error argo-lint 69 spec.timezone: invalid timezone "Asia/Tokio": unknown time zone Asia/Tokio`},
		},
		"concurrency policy": {
			"concurrencyPolicy: Forbid", "concurrencyPolicy: Never",
			[]string{`error argo-lint 70 spec.concurrencyPolicy: 'Never' is not a valid concurrencyPolicy`},
		},
		"schedule in the wrong place": {
			"    workflowTemplateRef: {name: chart-movement}", "    workflowTemplateRef: {name: chart-movement}\n    suspend: true\n    timezone: UTC",
			[]string{`error argo-decode 74 spec.workflowSpec.timezone: unknown field "timezone"`},
		},
		"reference to nothing": {
			"workflowTemplateRef: {name: chart-movement}", "workflowTemplateRef: {name: chart-moves}",
			[]string{`error argo-lint 72 spec.workflowSpec.workflowTemplateRef.name: there is no WorkflowTemplate "chart-moves" in namespace ml`},
		},
		"parameter without a value, by those who use it": {
			"{name: symbol, value: btc}", "{name: symbol}",
			[]string{`error argo-lint 71 spec.workflowSpec.arguments: spec.arguments.symbol.value or spec.arguments.symbol.valueFrom is required`},
		},
		"name that no pod can have": {
			"    - name: say\n", "    - name: say_it\n",
			[]string{
				`error argo-lint 56 spec.templates[3].steps[0][0].template: there is no template "say"`,
				`error argo-lint 58 spec.templates[4].name: templates[4].name: 'say_it' is invalid: name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(valid(), tt.old) {
				t.Fatalf("the good objects do not hold %q", tt.old)
			}
			diff(t, tt.want, run(t, strings.Replace(valid(), tt.old, tt.new, 1)))
		})
	}
}

// TestAllMistakesAtOnce holds what Argo's own validation cannot do: it stops at
// the first.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	diff(t, []string{
		`error argo-decode 14 spec.templates[0].dag.tasks[0].retryStrategy: unknown field "retryStrategy"`,
		`error argo-lint 18 spec.templates[0].dag.tasks[1].arguments: it passes no parameter "rate", which the template needs`,
		`error argo-lint 20 spec.templates[0].dag.tasks[1].arguments.artifacts[0].from: {{tasks.ingest.outputs.artifacts.dataset}} refers to nothing`,
		`error argo-lint 22 spec.templates[0].dag.tasks[2].template: there is no template "publsh"`,
		`error argo-lint 23 spec.templates[0].dag.tasks[2].dependencies[0]: there is no task "trian" to depend on`,
		`error argo-lint 27 spec.templates[0].dag.tasks[3].arguments.parameters[0].value: it takes its parameter "text" from task "train", and does not depend on it`,
		`error argo-lint 29 spec.templates[0].dag.tasks[4].templateRef.name: there is no WorkflowTemplate "shared" in namespace ml`,
		`error argo-lint 31 spec.templates[1].container.image: template "ingest": container.image may not be empty`,
		`error argo-lint 32 spec.templates[1].retryStrategy.retryPolicy: template "ingest": Sometimes is not a valid RetryPolicy`,
		`error argo-lint 41 spec.templates[2].container.args[0]: {{inputs.parameters.rte}} refers to nothing`,
		`error argo-lint 41 spec.templates[2].container.args[1]: {{workflow.paramters.x}} refers to nothing`,
		`error argo-lint 46 spec.templates[3]: template "publish": multiple template types specified. choose one of: container, containerSet, steps, script, resource, dag, suspend, template, template ref`,
		`error argo-lint 51 spec.templates[4].activeDeadlineSeconds: template "tell": activeDeadlineSeconds must be a positive integer > 0 or an argo variable`,
	}, run(t, `apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: p
  namespace: ml
spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        tasks:
          - name: ingest
            template: ingest
            retryStrategy: {limit: 3}
          - name: train
            template: train
            dependencies: [ingest]
            arguments:
              artifacts:
                - {name: data, from: "{{tasks.ingest.outputs.artifacts.dataset}}"}
          - name: publish
            template: publsh
            dependencies: [trian]
          - name: tell
            template: tell
            arguments:
              parameters: [{name: text, value: "{{tasks.train.outputs.parameters.score}}"}]
          - name: lib
            templateRef: {name: shared, template: notify}
    - name: ingest
      container: {image: "", command: [x]}
      retryStrategy: {retryPolicy: Sometimes}
      outputs:
        artifacts: [{name: data, path: /tmp/x}]
    - name: train
      inputs:
        artifacts: [{name: data, path: /tmp/d}]
        parameters: [{name: rate}]
      container:
        image: a
        args: ["{{inputs.parameters.rte}}", "{{workflow.paramters.x}}"]
      outputs:
        parameters:
          - name: score
            valueFrom: {path: /x}
    - name: publish
      container: {image: a}
      script: {image: b, source: x}
    - name: tell
      inputs: {parameters: [{name: text}]}
      activeDeadlineSeconds: -5
      container: {image: a, args: ["{{inputs.parameters.text}}"]}
`))
}

func TestReferencesOutOfTheEnvironment(t *testing.T) {
	t.Parallel()
	diff(t, []string{
		`warning argo-unresolved 9 spec.templates[0].dag.tasks[0].templateRef.name: ClusterWorkflowTemplate "shared" is not rendered here: what it is given was not checked`,
		`warning argo-unresolved 10 spec.templates[0].dag.tasks[1].templateRef.name: WorkflowTemplate "local" in namespace ml is not rendered here: what it is given was not checked`,
		`error argo-lint 11 spec.templates[0].dag.tasks[2].template: there is no template "nope"`,
		`info argo-unresolved 12 spec.templates[0].dag.tasks[3].templateRef.name: the reference depends on a variable: what it is given was not checked`,
	}, run(t, `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: p, namespace: ml}
spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        tasks: [{name: a, templateRef: {name: shared, template: x, clusterScope: true}},
          {name: b, templateRef: {name: local, template: x}},
          {name: c, template: nope},
          {name: d, templateRef: {name: "{{workflow.name}}", template: x}}]
`))
}

// TestForeignMistakes: a mistake in a template that others use is reported once,
// where it stands; one that only exists in the using is the user's.
func TestForeignMistakes(t *testing.T) {
	t.Parallel()
	diff(t, []string{
		`error argo-lint 7 spec.templates[0].container.image: template "broken": container.image may not be empty`,
		`error argo-lint 30 spec.templates[0].steps[0][1].templateRef: as used here, argoproj.io/WorkflowTemplate ml/lib fails: failed to resolve {{workflow.parameters.city}}`,
	}, run(t, `apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: bad, namespace: ml}
spec:
  templates:
    - name: broken
      container: {image: ""}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: lib, namespace: ml}
spec:
  templates:
    - name: needy
      container: {image: a, args: ["{{workflow.parameters.city}}"]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - name: a
            templateRef:
              name: bad
              template: broken
          - name: b
            templateRef:
              name: lib
              template: needy
`))
}

func TestHints(t *testing.T) {
	t.Parallel()
	findings, err := argo.New().Run(context.Background(), input(t, `apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w, namespace: ml}
spec:
  schedules: ["0 3 * * *"]
  entrypoint: main
  workflowSpec:
    entrypoint: main
    timezone: UTC
    templates:
      - name: main
        resources: {}
        priorityClass: x
        ttlStrategy: {}
        dag:
          tasks:
            - {name: a, template: b, retryStrategy: {limit: 1}}
            - {name: c, template: b, nodeSelector: {a: b}}
      - {name: b, suspend: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range findings {
		got[d.Field] = d.Detail
	}
	want := map[string]string{
		"spec.entrypoint":                                           "It belongs to spec.workflowSpec. Here, Argo ignores it.",
		"spec.workflowSpec.timezone":                                "It belongs to spec, beside workflowSpec. Here, Argo ignores it.",
		"spec.workflowSpec.templates[0].resources":                  "It belongs to the template's container (or script): one level further in. Here, Argo ignores it.",
		"spec.workflowSpec.templates[0].priorityClass":              "The cluster stores the field, and Argo ignores it.",
		"spec.workflowSpec.templates[0].ttlStrategy":                "It belongs to the workflow's spec, not to a template. Here, Argo ignores it.",
		"spec.workflowSpec.templates[0].dag.tasks[0].retryStrategy": "A task cannot be retried: Argo ignores the field, and nothing is ever retried. Move it to the template that the task runs (b), or to spec.templateDefaults.",
		"spec.workflowSpec.templates[0].dag.tasks[1].nodeSelector":  "It belongs to the template that the task runs (b); on the task, Argo ignores it.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("details (-want +got):\n%s", d)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	in := input(t, strings.Replace(good, "template: train-model\n", "template: train-modell\n", 1))
	want, err := argo.New().Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			got, err := argo.New().Run(context.Background(), in)
			if err != nil {
				t.Error(err)
			}
			diff(t, lines(want), lines(got))
		})
	}
	wait.Wait()
}

func TestHostileObjects(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{
		"null", "[]", "{templates: {}}", "{templates: [null, 5]}", "{entrypoint: a, templates: [{name: a, steps: [[null]]}]}",
		"{entrypoint: a, templates: [{name: a, steps: {}}]}", "{entrypoint: a, templates: [{name: a, dag: {tasks: [{name: a, template: a}]}}]}",
		"{entrypoint: a, templates: [{name: a, dag: {tasks: [{name: '', template: ''}]}}]}",
		"{entrypoint: a, templates: [{name: a, dag: {tasks: [{name: 1a, template: a, depends: '('}]}}]}",
		"{entrypoint: a, templates: [{name: '', container: {}}, {name: '', container: {}}]}",
		"{workflowTemplateRef: {}}", "{workflowTemplateRef: {name: w}}", "{templates: [{name: a, inline: {}}]}", "{entrypoint: '{{x}}'}",
		"{entrypoint: a, arguments: {parameters: [{name: a, enum: []}, {name: a}, {}]}, templates: [{name: a, suspend: {}}]}",
		"{entrypoint: a, templates: [{name: a, container: {image: '{{=1+}}'}}]}",
		"{entrypoint: a, templates: [{name: a, containerSet: {containers: []}}]}",
	} {
		for _, kind := range []string{"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"} {
			text := "apiVersion: argoproj.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: w, namespace: ml}\nspec: " + spec + "\n"
			list, _, err := check.Environment(context.Background(), *input(t, text), []check.Check{argo.New()})
			if err != nil {
				t.Errorf("%s %s: %v", kind, spec, err)
			}
			for _, d := range list {
				if d.Rule == "check-failed" || strings.Contains(d.Summary, "__argo") {
					t.Errorf("%s %s: %s", kind, spec, d.Summary)
				}
			}
		}
	}
}

func BenchmarkEnvironment(b *testing.B) {
	in := input(b, good)
	c := argo.New()
	for b.Loop() {
		if _, err := c.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}
