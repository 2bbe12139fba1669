package kube_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/kube"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// input reads a YAML stream as one overlay.
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
	findings, err := kube.New().Run(context.Background(), input(tb, text))
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
	for _, l := range run(t, `apiVersion: v1
kind: Namespace
metadata:
  name: argo
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: argo
spec:
  replicas: "2"
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: webb}
    spec:
      hostNetwork: true
      containers:
        - name: web
          imagee: nginx
          env:
            - {name: A, value: x}
            - {name: A, value: y}
          ports:
            - {name: a-port-name-that-is-too-long, containerPort: 80}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: argo
spec:
  ports:
    - {name: a-port-name-that-is-too-long_, port: 80000}
`) {
		t.Log(l)
	}
}
