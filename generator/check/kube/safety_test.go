package kube_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"strake/generator/check"
	"strake/generator/check/kube"
)

// TestSecretsStaySecret puts a canary wherever a Secret or a password can be
// wrong: no finding may tell it, and each must mask its source line.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry-hunter2"
	findings, err := kube.New().Run(context.Background(), input(t, `apiVersion: v1
kind: Secret
metadata: {name: a, namespace: ml}
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: `+canary+`
stringData:
  pass/word: `+canary+`
  other: [`+canary+`]
pasword: `+canary+`
---
apiVersion: v1
kind: Secret
metadata: {name: b, namespace: ml}
type: kubernetes.io/tls
stringData: {tls.crt: `+canary+`}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: ml}
spec:
  containers:
    - name: p
      image: p
      env:
        - {name: PASSWORD, value: [`+canary+`]}
        - {name: PASSWORD, value: `+canary+`}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) < 6 {
		t.Errorf("only %d findings: %v", len(findings), lines(findings))
	}
	for _, d := range findings {
		text := fmt.Sprintf("%+v", d)
		if strings.Contains(text, canary) {
			t.Errorf("tells the secret: %s", text)
		}
		if strings.Contains(d.Object, "Secret") && !d.Sensitive && d.Rule != "api-namespace" {
			t.Errorf("its source line is shown: %s", text)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	in := input(t, strings.Replace(good, "port: 2746, targetPort", "port: 70000, targetPort", 1))
	c := kube.New()
	want, err := c.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			got, err := c.Run(context.Background(), in)
			if err != nil {
				t.Error(err)
			}
			diff(t, lines(want), lines(got))
		})
	}
	wait.Wait()
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := kube.New().Run(ctx, input(t, good)); err == nil {
		t.Error("a cancelled run gives an answer")
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	c, ok := kube.New().(check.Coverer)
	if !ok {
		t.Fatal("the check does not say what it covers")
	}
	for _, tt := range []struct {
		apiVersion, kind string
		want             check.Depth
	}{
		{"v1", "ConfigMap", check.Full},
		{"apps/v1", "Deployment", check.Full},
		{"apiextensions.k8s.io/v1", "CustomResourceDefinition", check.Full},
		{"v1", "Node", check.Decoded},
		{"v1", "NoSuchThing", check.Decoded},
		{"policy/v1beta1", "PodSecurityPolicy", check.Decoded},
		{"external-secrets.io/v1", "ExternalSecret", check.Unknown},
		{"argoproj.io/v1alpha1", "Workflow", check.Unknown},
		{"networking.gke.io/v1", "ManagedCertificate", check.Unknown},
	} {
		if got := c.Coverage(tt.apiVersion, tt.kind); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.apiVersion, tt.kind, got, tt.want)
		}
	}
}

// TestHostileObjects feeds shapes that no one writes on purpose: the check
// answers with findings, never with a panic.
func TestHostileObjects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: null\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: [1]\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: {a: b}}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [null, 5, {name: 5}]}\n",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: [a]}\nspec: {template: []}\n",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1e99}]}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: workflow-controller-configmap}\ndata: {workflowDefaults: '[', executor: '5'}\n",
		"apiVersion: a/b/c\nkind: Pod\nmetadata: {name: a}\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {versions: [{}]}\n",
	} {
		findings, err := kube.New().Run(context.Background(), input(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, d := range findings {
			if d.Rule == "check-failed" {
				t.Errorf("%s: %s", text, d.Summary)
			}
		}
	}
}

func BenchmarkObjects(b *testing.B) {
	in := input(b, strings.ReplaceAll(good, "kind: Thing\n", "kind: Other\n"))
	c := kube.New()
	b.ResetTimer()
	for b.Loop() {
		if _, err := c.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(in.Objects())), "µs/object")
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		kube.New()
	}
}
