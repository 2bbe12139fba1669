package argo_test

import (
	"context"
	"fmt"
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

func TestProbe(t *testing.T) {
	for _, l := range run(t, `apiVersion: argoproj.io/v1alpha1
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
`) {
		t.Log(l)
	}
}
