//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"strake/e2e/harness"
)

const (
	chart    = "chart-movement" // of forecasting: ingest-data, then train-model
	detector = "train-detector" // of vision, a template of its own: prepare, then train on a GPU
)

// on is a scenario on a tenant's tree, in a namespace of its own.
func (w *engine) on(name, of, proven string, run func(context.Context, *tenant) error, edits ...edit) *scenario {
	namespace := w.namespace(of)
	if name != "" {
		namespace += "-" + name
	}
	return &scenario{
		name: namespace, proven: proven, result: make(chan error, 1),
		run: func(ctx context.Context) error {
			t, err := w.tenant(ctx, of, namespace, edits...)
			if err != nil {
				return err
			}
			return run(ctx, t)
		},
	}
}

// namespace of a tenant, by the spec.
func (w *engine) namespace(tenant string) string {
	for _, t := range w.e.Tenants {
		if t.Name == tenant {
			return t.Namespace
		}
	}
	return tenant
}

// must fail for a reason, each part of which is named.
func (s *scenario) must(reason ...string) *scenario {
	s.reason = reason
	return s
}

func (s *scenario) byItself() *scenario {
	s.alone = true
	return s
}

// runs are the scenarios in which nothing goes wrong.
func (w *engine) runs() []*scenario {
	return []*scenario{
		w.on("", "forecasting", "a member of the tenant submits the reference pipeline: on Spot only, artifact passed on, Succeeded, archived", reference),
		w.on("", "vision", "the user's own template, completed: prepare on Spot, train on a GPU node, artifact passed on, archived", training),
		w.on("limits", "forecasting", "quota, LimitRange and Pod Security hold in a tenant's namespace, and the pipeline's Pods are admitted", guardrails),
		w.on("cron", "forecasting", "the rendered CronWorkflow makes the workflow when it is due (its schedule apart)", scheduled),
		w.on("sold-out", "forecasting", "without Spot capacity the pipeline falls back to the pool that the spec names", soldOut).byItself(),
		w.on("own-repository", "forecasting", "artifacts need nothing but the tenant's ConfigMap", w.withoutOwnRepository(reference)).byItself(),
	}
}

// retries are the scenarios in which a Pod is lost. The first wait of the
// retry strategy is shortened from a minute to a second, and nothing else of it:
// the scenario backoff holds that minute.
func (w *engine) retries() []*scenario {
	again := func(name, proven string, losses ...loss) *scenario {
		return w.on(name, "forecasting", proven, func(ctx context.Context, t *tenant) error { return lost(ctx, t, losses...) }, hurried(chart))
	}
	failed := func(name, proven, message string, end harness.End) *scenario {
		return w.on(name, "forecasting", proven, func(ctx context.Context, t *tenant) error { return deterministic(ctx, t, end, message) }, hurried(chart))
	}
	return []*scenario{
		again("preempted", "a pre-empted Pod is tried again, on another Spot node, and the workflow succeeds", loss{end: harness.Preempted()}),
		again("killed", "Pods ended by SIGTERM and SIGKILL from the outside are tried again", loss{end: harness.Killed(143)}, loss{end: harness.Killed(137)}),
		// Without INFORMER_WRITE_BACK=false every other silent loss waits for twenty minutes.
		again("evicted", "Pods evicted by nodes short of memory, without a last word, are tried again", loss{end: harness.Evicted(), silent: true}, loss{end: harness.Evicted(), silent: true}),
		again("orphaned", "a Pod whose node is gone is tried again", loss{end: harness.Orphaned(), silent: true, collected: true}),
		w.on("deleted", "forecasting", "a Pod that was deleted is tried again", deleted, hurried(chart)),
		w.on("exhausted", "forecasting", "tries end at the rendered limit", exhausted, hurried(chart)),
		w.on("backoff", "forecasting", "a try waits as long as rendered", backoff),
		failed("failing", "a program that fails by itself is not tried again, and the workflow fails", "main: Error (exit code 1)", harness.Fails(1)),
		failed("oom", "a program that takes more memory than its limit is not tried again", "main: OOMKilled (exit code 137)", harness.OutOfMemory()),
	}
}

// proofs are scenarios on trees that were broken on purpose.
func (w *engine) proofs() []*scenario {
	preempted := func(ctx context.Context, t *tenant) error { return lost(ctx, t, loss{end: harness.Preempted()}) }
	return []*scenario{
		w.on("no-create", "forecasting", "create on workflowtaskresults dropped from the executor's Role", reference,
			withoutVerb("Role", "workflow-executor", "workflowtaskresults", "create")).
			must("workflowtaskresults.argoproj.io is forbidden", "workflow-runner", `cannot create resource "workflowtaskresults"`),
		w.on("no-annotation", "forecasting", "default artifact annotation dropped", reference, withoutDefaultRepository()).
			must("the artifact repository is not the default of the namespace", "the controller's own"),
		w.on("wrong-toleration", "forecasting", "Spot toleration with a wrong value, where there is a fallback", reference,
			tolerating(chart, "cloud.google.com/gke-spot", "yes")).
			must("of the pool ondemand (Spot: false), not on the pool spot"),
		w.on("wrong-toleration", "vision", "Spot toleration with a wrong value, where there is none", training,
			tolerating(detector, "cloud.google.com/gke-spot", "yes")).
			must("Unschedulable", "untolerated taint {cloud.google.com/gke-spot: true}"),
		w.on("no-retry", "forecasting", "retry strategy removed", preempted, unretried(chart)).
			must("no try of ingest-data came", "Failed", "imminent node shutdown"),
		w.on("no-pod-security", "forecasting", "Pod Security label dropped", guardrails, withoutPodSecurity("forecasting-no-pod-security")).
			must("a privileged Pod was admitted"),
		w.on("no-repository", "forecasting", "default artifact annotation dropped, and no repository in the controller's configuration", w.withoutOwnRepository(reference), withoutDefaultRepository()).
			must("has nowhere to save its artifacts").byItself(),
		w.on("no-rights", "forecasting", "create on pods dropped from the controller's ClusterRole", w.withoutPods(reference), hurried(chart)).
			must("pods is forbidden", `"system:serviceaccount:argo:argo" cannot create resource "pods"`).byItself(),
	}
}

// reference is the reference pipeline from its submission to the archive.
func reference(ctx context.Context, t *tenant) error {
	f, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	ingest, err := f.next(ctx, "ingest-data")
	if err != nil {
		return err
	}
	if err := errors.Join(f.onSpot(ctx, ingest), f.saves(ctx, ingest), f.counted(ctx)); err != nil {
		return err
	}
	if err := f.succeeds(ctx, ingest); err != nil {
		return err
	}
	train, err := f.next(ctx, "train-model")
	if err != nil {
		return err
	}
	if err := errors.Join(f.onSpot(ctx, train), f.saves(ctx, train), f.receives(ctx, train, "dataset", ingest)); err != nil {
		return err
	}
	if err := f.succeeds(ctx, train); err != nil {
		return err
	}
	workflow, err := f.ends(ctx, wfv1.WorkflowSucceeded)
	if err != nil {
		return err
	}
	return f.inArchive(ctx, workflow, ingest, "dataset")
}

// counted waits until the tenant's quota counts the workflow's one Pod.
func (f *flow) counted(ctx context.Context) error {
	return harness.Until(ctx, 10*time.Second, func(ctx context.Context) error {
		quota, err := f.t.w.c.Clients.CoreV1().ResourceQuotas(f.t.namespace).Get(ctx, "tenant-quota", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if pods := quota.Status.Used[corev1.ResourcePods]; pods.Value() != 1 {
			return fmt.Errorf("the quota counts %s Pods, not 1", pods.String())
		}
		return nil
	})
}

// training is the pipeline of the tenant with a template of its own. What the
// user wrote must reach the Pods, and so must what Strake laid over it.
func training(ctx context.Context, t *tenant) error {
	f, err := t.submit(ctx, detector)
	if err != nil {
		return err
	}
	prepare, err := f.next(ctx, "prepare")
	if err != nil {
		return err
	}
	if err := errors.Join(f.onSpot(ctx, prepare), f.saves(ctx, prepare), f.laidOver(prepare)); err != nil {
		return err
	}
	if err := f.succeeds(ctx, prepare); err != nil {
		return err
	}
	train, err := f.next(ctx, "train")
	if err != nil {
		return err
	}
	if err := errors.Join(f.onPool(ctx, train, "gpu", true), f.receives(ctx, train, "shards", prepare), f.laidOver(train)); err != nil {
		return err
	}
	main := containerOf(train, "main")
	if diff := cmp.Diff([]string{"--shards", "/work/shards", "--epochs", "40"}, main.Args); diff != "" {
		return fmt.Errorf("the user's arguments (-want +got):\n%s", diff)
	}
	if gpus := main.Resources.Requests["nvidia.com/gpu"]; gpus.Value() != 1 {
		return fmt.Errorf("Pod %s has %s GPUs", train.Name, gpus.String())
	}
	if err := f.succeeds(ctx, train); err != nil {
		return err
	}
	workflow, err := f.ends(ctx, wfv1.WorkflowSucceeded)
	if err != nil {
		return err
	}
	return f.inArchive(ctx, workflow, prepare, "shards")
}

func containerOf(pod *corev1.Pod, name string) corev1.Container {
	i := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
	if i < 0 {
		return corev1.Container{}
	}
	return pod.Spec.Containers[i]
}

// laidOver is what a Pod has from Strake, and from the user, in a template that
// the user wrote.
func (f *flow) laidOver(pod *corev1.Pod) error {
	main := containerOf(pod, "main")
	mounts := slices.ContainsFunc(main.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "work" && m.MountPath == "/work" })
	home := slices.ContainsFunc(main.Env, func(e corev1.EnvVar) bool { return e.Name == "HOME" && e.Value == "/tmp" })
	context := pod.Spec.SecurityContext
	switch {
	case !mounts:
		return fmt.Errorf("Pod %s has not the volume that the user mounts", pod.Name)
	case !home || pod.Spec.ServiceAccountName != "workflow-runner" || context == nil || context.RunAsNonRoot == nil || !*context.RunAsNonRoot:
		return fmt.Errorf("Pod %s has not what Strake lays over the user's template", pod.Name)
	default:
		return nil
	}
}

// guardrails asks for Pods that the tenant's namespace must refuse or complete.
// Nothing is stored. It asks for a workflow in another tenant's namespace too.
func guardrails(ctx context.Context, t *tenant) error {
	pods := t.w.c.Clients.CoreV1().Pods(t.namespace)
	try := func(change func(*corev1.Pod)) (*corev1.Pod, error) {
		pod := restricted()
		change(pod)
		return pods.Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	}
	small, err := try(func(*corev1.Pod) {})
	if err != nil {
		return fmt.Errorf("a restricted Pod is refused: %w", err)
	}
	limits := small.Spec.Containers[0].Resources
	if limits.Requests.Cpu().IsZero() || limits.Requests.Memory().IsZero() || limits.Limits.Memory().IsZero() {
		return fmt.Errorf("a Pod without resources is not given the defaults of the LimitRange: %v", limits)
	}
	refusals := []struct {
		what, reason string
		change       func(*corev1.Pod)
	}{
		{"a privileged Pod", `violates PodSecurity "restricted:v`, func(p *corev1.Pod) {
			yes := true
			p.Spec.Containers[0].SecurityContext.Privileged, p.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = &yes, &yes
		}},
		{"a Pod of root", `violates PodSecurity "restricted:v`, func(p *corev1.Pod) { p.Spec.SecurityContext = nil }},
		{"a Pod above the quota", "exceeded quota: tenant-quota", func(p *corev1.Pod) { p.Spec.Containers[0].Resources = asking(corev1.ResourceCPU, "17") }},
		{"a Pod with a GPU", "exceeded quota: tenant-quota", func(p *corev1.Pod) { p.Spec.Containers[0].Resources = asking("nvidia.com/gpu", "1") }},
	}
	for _, r := range refusals {
		// The quota counts nothing before its controller has seen it.
		err := harness.Until(ctx, 10*time.Second, func(context.Context) error {
			_, err := try(r.change)
			switch {
			case err == nil:
				return final("%s was admitted", r.what)
			case !strings.Contains(err.Error(), r.reason) && strings.Contains(err.Error(), "status unknown for quota"):
				return err
			case !strings.Contains(err.Error(), r.reason):
				return final("%s is refused, but not for its reason: %w", r.what, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	stranger := *t
	stranger.namespace = t.w.namespace("vision")
	if f, err := stranger.submit(ctx, detector); err == nil || !strings.Contains(err.Error(), "is forbidden") {
		return fmt.Errorf("a member of forecasting submits %v in %s: %w", f, stranger.namespace, err)
	}
	return nil
}

func asking(name corev1.ResourceName, amount string) corev1.ResourceRequirements {
	list := corev1.ResourceList{name: resource.MustParse(amount)}
	return corev1.ResourceRequirements{Requests: list, Limits: list}
}

// restricted is a Pod that Pod Security's profile of this name admits.
func restricted() *corev1.Pod {
	yes, no := true, false
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.example.com/probe:1",
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
}

// scheduled has the rendered CronWorkflow make a workflow. Its schedule is
// weekly: here it is every minute, and the last run was some minutes ago, as
// after a controller that was down for less than the rendered starting deadline.
func scheduled(ctx context.Context, t *tenant) error {
	o, err := harness.Find(t.rendered, "CronWorkflow", chart)
	if err != nil {
		return err
	}
	var rendered wfv1.CronWorkflow
	if err := into(o, &rendered); err != nil {
		return err
	}
	due := o.DeepCopy()
	due.SetName("due")
	due.SetAnnotations(map[string]string{"cronworkflows.argoproj.io/last-used-schedule": "CRON_TZ=" + rendered.Spec.Timezone + " * * * * *"})
	last := metav1.NewTime(time.Now().Add(-3 * time.Minute)).UTC().Format(time.RFC3339)
	if err := errors.Join(
		unstructured.SetNestedStringSlice(due.Object, []string{"* * * * *"}, "spec", "schedules"),
		unstructured.SetNestedField(due.Object, last, "status", "lastScheduledTime"),
	); err != nil {
		return err
	}
	if _, err := t.w.c.Create(ctx, due, false); err != nil {
		return err
	}
	f := &flow{t: t, pipeline: chart, seen: map[types.UID]bool{}}
	err = harness.Until(ctx, 20*time.Second, func(ctx context.Context) error {
		made, err := t.member.Resource(workflowResource()).Namespace(t.namespace).List(ctx, metav1.ListOptions{LabelSelector: "workflows.argoproj.io/cron-workflow=due"})
		if err != nil {
			return err
		}
		if len(made.Items) == 0 {
			return errors.New("the CronWorkflow has made no workflow")
		}
		f.name = made.Items[0].GetName()
		return nil
	})
	if err != nil {
		return err
	}
	workflow, err := f.workflow(ctx)
	if err != nil {
		return err
	}
	if ref := workflow.Spec.WorkflowTemplateRef; ref == nil || ref.Name != chart {
		return fmt.Errorf("%s is not made from the rendered template: %+v", f.name, workflow.Spec)
	}
	for label, value := range rendered.Spec.WorkflowMetadata.Labels {
		if workflow.Labels[label] != value {
			return fmt.Errorf("%s has the label %s=%q, not %q", f.name, label, workflow.Labels[label], value)
		}
	}
	pod, err := f.next(ctx, "ingest-data")
	if err != nil {
		return err
	}
	return errors.Join(f.onSpot(ctx, pod), t.w.c.Delete(ctx, due)) // nobody waits for the next minute
}

// lost loses the first step some times, each time from the outside, and sees it
// tried again on another Spot node; then the workflow succeeds.
func lost(ctx context.Context, t *tenant, losses ...loss) error {
	f, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	var used []string
	for _, how := range losses {
		pod, err := f.next(ctx, "ingest-data")
		if err != nil {
			return err
		}
		if err := errors.Join(f.onSpot(ctx, pod), f.elsewhere(pod, used)); err != nil {
			return err
		}
		used = append(used, pod.Spec.NodeName)
		if err := f.loses(ctx, pod, how); err != nil {
			return err
		}
	}
	pod, err := f.passes(ctx, "ingest-data")
	if err != nil {
		return err
	}
	if err := f.elsewhere(pod, used); err != nil {
		return err
	}
	if _, err := f.passes(ctx, "train-model"); err != nil {
		return err
	}
	_, err = f.ends(ctx, wfv1.WorkflowSucceeded)
	return err
}

// elsewhere holds a try's node against those that lost one. The pool has more
// nodes than a step has tries, so the rendered strategy leaves them out.
func (f *flow) elsewhere(pod *corev1.Pod, used []string) error {
	if slices.Contains(used, pod.Spec.NodeName) {
		return fmt.Errorf("Pod %s was placed on %s, which lost the last one", pod.Name, pod.Spec.NodeName)
	}
	return nil
}

// forget deletes a Pod without asking its node.
func (t *tenant) forget(ctx context.Context, pod *corev1.Pod) error {
	now := int64(0)
	return t.w.c.Clients.CoreV1().Pods(t.namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
}

// deleted deletes a running Pod, which the controller sees go without an end.
// Another one must come: as the next try, or, while the result of this one is
// still waited for, as the same.
func deleted(ctx context.Context, t *tenant) error {
	f, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	pod, err := f.next(ctx, "ingest-data")
	if err != nil {
		return err
	}
	if _, err := f.begins(ctx, pod); err != nil {
		return err
	}
	if err := f.observed(ctx, pod, wfv1.NodeRunning); err != nil {
		return err
	}
	if err := t.forget(ctx, pod); err != nil {
		return err
	}
	for _, step := range []string{"ingest-data", "train-model"} {
		if _, err := f.passes(ctx, step); err != nil {
			return err
		}
	}
	_, err = f.ends(ctx, wfv1.WorkflowSucceeded)
	return err
}

// exhausted loses every try that the rendered strategy allows.
func exhausted(ctx context.Context, t *tenant) error {
	template, err := t.template(chart)
	if err != nil {
		return err
	}
	limit := template.GetTemplateByName("ingest-data").RetryStrategy.Limit.IntValue()
	f, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	for range limit + 1 {
		pod, err := f.next(ctx, "ingest-data")
		if err != nil {
			return err
		}
		if err := f.loses(ctx, pod, loss{end: harness.Preempted()}); err != nil {
			return err
		}
	}
	workflow, err := f.ends(ctx, wfv1.WorkflowFailed)
	if err != nil {
		return err
	}
	if !strings.Contains(told(workflow), "No more retries left") {
		return fmt.Errorf("after %d tries: %w", limit+1, ending(workflow))
	}
	return nil
}

// backoff loses a Pod of the template as rendered and reads how long the
// controller waits; nobody waits for that.
func backoff(ctx context.Context, t *tenant) error {
	template, err := t.template(chart)
	if err != nil {
		return err
	}
	rendered := template.GetTemplateByName("ingest-data").RetryStrategy
	wait, err := wfv1.ParseStringToDuration(rendered.Backoff.Duration)
	if err != nil {
		return err
	}
	f, err := t.submit(ctx, chart)
	if err != nil {
		return err
	}
	pod, err := f.next(ctx, "ingest-data")
	if err != nil {
		return err
	}
	if err := f.loses(ctx, pod, loss{end: harness.Preempted()}); err != nil {
		return err
	}
	want := fmt.Sprintf("Backoff for %d minute", int(wait.Minutes()))
	err = harness.Until(ctx, 20*time.Second, func(ctx context.Context) error {
		workflow, err := f.workflow(ctx)
		if err != nil {
			return err
		}
		if more, err := f.unseen(ctx); err != nil || len(more) > 0 {
			return final("it does not wait: %d Pods more (%w)", len(more), err)
		}
		if said := told(workflow); !strings.Contains(said, want) {
			return fmt.Errorf("no %q: %s", want, said)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.member.Resource(workflowResource()).Namespace(t.namespace).Delete(ctx, f.name, metav1.DeleteOptions{})
}

// deterministic has the first step fail in a way that it would fail again.
func deterministic(ctx context.Context, t *tenant, end harness.End, message string) error {
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
	if err := t.w.c.EndPod(ctx, pod, end); err != nil {
		return err
	}
	workflow, err := f.ends(ctx, wfv1.WorkflowFailed)
	if err != nil {
		return err
	}
	for _, want := range []string{message, "retryStrategy.expression evaluated to false"} {
		if !strings.Contains(told(workflow), want) {
			return fmt.Errorf("not a word of %q: %w", want, ending(workflow))
		}
	}
	return nil
}

// soldOut takes the Spot nodes away from the scheduler: the first step must be
// placed on the fallback of the spec.
func soldOut(ctx context.Context, t *tenant) error {
	cordon := func(closed bool) error {
		nodes := t.w.c.Clients.CoreV1().Nodes()
		list, err := nodes.List(ctx, metav1.ListOptions{LabelSelector: "cloud.google.com/gke-spot=true"})
		if err != nil {
			return err
		}
		for _, node := range list.Items {
			patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, closed)
			if _, err := nodes.Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := cordon(true); err != nil {
		return err
	}
	run := func() error {
		f, err := t.submit(ctx, chart)
		if err != nil {
			return err
		}
		pod, err := f.next(ctx, "ingest-data")
		if err != nil {
			return err
		}
		return f.onPool(ctx, pod, t.w.e.Spot.Fallback, false)
	}
	return errors.Join(run(), cordon(false))
}

// withoutOwnRepository runs a scenario while the controller's own configuration
// names no artifact repository, which the workflows of a namespace without a
// default of its own would get.
func (w *engine) withoutOwnRepository(run func(context.Context, *tenant) error) func(context.Context, *tenant) error {
	return func(ctx context.Context, t *tenant) error {
		err := w.reconfigure(ctx, func(cm *unstructured.Unstructured) {
			unstructured.RemoveNestedField(cm.Object, "data", "artifactRepository")
		})
		if err != nil {
			return err
		}
		return errors.Join(run(ctx, t), w.reconfigure(ctx, func(*unstructured.Unstructured) {}))
	}
}

// withoutPods runs a scenario while the controller may not make Pods.
func (w *engine) withoutPods(run func(context.Context, *tenant) error) func(context.Context, *tenant) error {
	return func(ctx context.Context, t *tenant) error {
		role, err := w.object("ClusterRole", "argo-cluster-role")
		if err != nil {
			return err
		}
		broken := []*unstructured.Unstructured{role.DeepCopy()}
		if err := withoutVerb("ClusterRole", role.GetName(), "pods", "create")(broken); err != nil {
			return err
		}
		if err := w.c.ApplyAll(ctx, broken); err != nil {
			return err
		}
		failure := run(ctx, t)
		_, restored := w.c.Apply(ctx, role, false)
		return errors.Join(failure, restored)
	}
}
