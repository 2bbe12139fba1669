//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"strake/e2e/harness"
)

const (
	// reporting is the tenant forecasting with its failed runs reported.
	reporting = "reporting"
	// reportName is the exit handler.
	reportName = "report-failed-run"
	// exitStep is what sends the report, as the controller names it.
	exitStep = "onExit[0].send"
)

// renderReporting renders the platform once more, with a spec that has the failed
// runs of forecasting reported: the platform itself reports none.
func (w *engine) renderReporting(t *testing.T) {
	t.Helper()
	dir, err := shared.rig.Dir("reporting")
	if err != nil {
		t.Fatal(err)
	}
	const contact = "contact: {slack: forecasting-alerts}"
	for path, data := range platform(t) {
		if path == "environments/tenants/forecasting.yaml" {
			if !strings.Contains(data, contact) {
				t.Fatalf("%s does not hold %q", path, contact)
			}
			data = strings.Replace(data, contact, "contact: {slack: forecasting-alerts, failedRuns: {webhook: {secret: forecasting-webhook}, "+
				"image: registry.example.com/curl@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}}", 1)
		}
		full := filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(data), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := strake(dir, nil, "render"); err != nil {
		t.Fatal(err)
	}
	w.rendered[reporting+"-guardrails"] = overlay(t, dir, "staging", "forecasting-guardrails")
	w.rendered[reporting] = overlay(t, dir, "staging", "forecasting")
}

// reports are the scenarios of the exit handler, and what they fail on.
func (w *engine) reports() []*scenario {
	return []*scenario{
		w.on("", reporting, "a failed run is reported by the rendered exit handler, off Spot, within quota and Pod Security; one that succeeds is not", reported, hurried(chart)),
		w.on("no-hook", reporting, "exit handler dropped from the pipeline", reported, hurried(chart), edited("WorkflowTemplate", chart, func(o *unstructured.Unstructured) error {
			unstructured.RemoveNestedField(o.Object, "spec", "hooks")
			return nil
		})).must("no try of " + exitStep + " came"),
		w.on("always", reporting, "condition dropped from the exit handler", reported, hurried(chart), hurried(reportName), reportStep(func(step map[string]any) {
			if steps, ok := step["steps"].([]any); ok {
				delete(steps[0].([]any)[0].(map[string]any), "when")
			}
		})).must(exitStep + " was tried again"),
		w.on("privileged", reporting, "exit handler privileged", reported, hurried(chart), hurried(reportName), reportStep(func(step map[string]any) {
			if container, ok := step["container"].(map[string]any); ok {
				container["securityContext"] = map[string]any{"privileged": true, "allowPrivilegeEscalation": true}
			}
		})).must("no try of "+exitStep+" came", `violates PodSecurity "restricted:v`),
	}
}

// reportStep changes the templates of the exit handler one by one.
func reportStep(change func(step map[string]any)) edit { return steps(reportName, change) }

// reported has a run fail, whose exit handler must send its report, and one
// succeed, whose exit handler must not.
func reported(ctx context.Context, t *tenant) error {
	f, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	pod, err := f.next(ctx, "ingest-data")
	if err != nil {
		return err
	}
	executor, err := f.begins(ctx, pod)
	if err != nil {
		return err
	}
	if err := executor.Finish(ctx); err != nil {
		return err
	}
	if err := t.w.c.EndPod(ctx, pod, harness.Fails(1)); err != nil {
		return err
	}
	sender, err := f.next(ctx, exitStep)
	if err != nil {
		return err
	}
	if err := errors.Join(f.sends(ctx, sender), f.counted(ctx)); err != nil {
		return err
	}
	if err := f.succeeds(ctx, sender); err != nil {
		return err
	}
	if _, err := f.ends(ctx, wfv1.WorkflowFailed); err != nil {
		return err
	}
	well, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	for _, step := range []string{"ingest-data", "train-model"} {
		if _, err := well.passes(ctx, step); err != nil {
			return err
		}
	}
	_, err = well.ends(ctx, wfv1.WorkflowSucceeded)
	return err
}

// sends holds the Pod of a report against what it is to say, to whom, and where
// it runs.
func (f *flow) sends(ctx context.Context, pod *corev1.Pod) error {
	main := containerOf(pod, "main")
	text := fmt.Sprintf(`{"text": ":x: %s/%s in staging: Failed"}`, f.t.namespace, f.name)
	if !slices.Contains(main.Args, text) {
		return fmt.Errorf("Pod %s does not send %s: %v", pod.Name, text, main.Args)
	}
	for _, e := range main.Env {
		if e.Name != "WEBHOOK" || e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
			continue
		}
		secret, err := f.t.w.c.Get(ctx, object("v1", "Secret", f.t.namespace, e.ValueFrom.SecretKeyRef.Name))
		if err != nil {
			return fmt.Errorf("the address of the webhook: %w", err)
		}
		if _, ok, err := unstructured.NestedString(secret.Object, "data", e.ValueFrom.SecretKeyRef.Key); err != nil || !ok {
			return errors.Join(err, fmt.Errorf("the Secret %s has no %s", secret.GetName(), e.ValueFrom.SecretKeyRef.Key))
		}
		_, spot, err := f.t.pool(ctx, pod)
		if err == nil && spot {
			err = fmt.Errorf("Pod %s waits for a Spot node to say that there was none", pod.Name)
		}
		return err
	}
	return fmt.Errorf("Pod %s does not know where to send: %v", pod.Name, main.Env)
}
