//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"strake/e2e/harness"
)

// flow is a workflow that was submitted, as a scenario follows it: Pod by Pod,
// each of which must be expected.
type flow struct {
	t              *tenant
	name, pipeline string
	seen           map[types.UID]bool // Pods: a try may come again under its name
}

// into reads an object into its Go type.
func into(o *unstructured.Unstructured, typed any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed); err != nil {
		return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// workflow reads it as the tenant's people do.
func (f *flow) workflow(ctx context.Context) (*wfv1.Workflow, error) {
	o, err := f.t.member.Resource(workflowResource()).Namespace(f.t.namespace).Get(ctx, f.name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var workflow wfv1.Workflow
	return &workflow, into(o, &workflow)
}

// unseen are its Pods that no scenario has had yet.
func (f *flow) unseen(ctx context.Context) ([]corev1.Pod, error) {
	pods, err := f.t.w.c.Clients.CoreV1().Pods(f.t.namespace).List(ctx, metav1.ListOptions{LabelSelector: common.LabelKeyWorkflow + "=" + f.name})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return f.seen[p.UID] }), nil
}

// stepOf is the step of the pipeline that a Pod is a try of.
func (f *flow) stepOf(pod *corev1.Pod) string {
	node := strings.TrimPrefix(pod.Annotations[common.AnnotationKeyNodeName], f.name+".")
	return regexp.MustCompile(`\(\d+\)$`).ReplaceAllString(node, "")
}

// final is an error that no waiting mends.
func final(format string, args ...any) error {
	return harness.Final{Err: fmt.Errorf(format, args...)}
}

// next waits until the next try of a step runs. A workflow that ends, a Pod of
// another step, or one that no node takes, end the wait.
func (f *flow) next(ctx context.Context, step string) (*corev1.Pod, error) {
	var running *corev1.Pod
	err := harness.Until(ctx, 40*time.Second, func(ctx context.Context) error {
		workflow, err := f.workflow(ctx)
		if err != nil {
			return err
		}
		pods, err := f.unseen(ctx)
		if err != nil {
			return err
		}
		for i := range pods {
			pod := &pods[i]
			if got := f.stepOf(pod); got != step {
				return final("Pod %s is a try of %s, not of %s", pod.Name, got, step)
			}
			if at := slices.IndexFunc(pod.Status.Conditions, unschedulable); at >= 0 {
				return final("%s: Pod %s: %s", corev1.PodReasonUnschedulable, pod.Name, pod.Status.Conditions[at].Message)
			}
			if pod.Status.Phase == corev1.PodRunning {
				running = pod
				return nil
			}
		}
		if workflow.Status.Phase.Completed() {
			return final("no try of %s came: %w", step, ending(workflow))
		}
		return fmt.Errorf("no try of %s runs; the workflow is %s: %s", step, workflow.Status.Phase, told(workflow))
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	f.seen[running.UID] = true
	return running, nil
}

func unschedulable(c corev1.PodCondition) bool {
	return c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonUnschedulable
}

// told is what the controller says about the workflow's nodes.
func told(workflow *wfv1.Workflow) string {
	var messages []string
	for _, node := range workflow.Status.Nodes {
		if node.Message != "" {
			messages = append(messages, fmt.Sprintf("%s is %s: %s", node.DisplayName, node.Phase, node.Message))
		}
	}
	slices.Sort(messages)
	return strings.Join(slices.Compact(messages), "; ")
}

// ending is how a workflow ended, as an error.
func ending(workflow *wfv1.Workflow) error {
	return fmt.Errorf("the workflow ended as %s: %s (%s)", workflow.Status.Phase, workflow.Status.Message, told(workflow))
}

// ends waits until the workflow has ended, and has ended so, without a further
// try of anything.
func (f *flow) ends(ctx context.Context, phase wfv1.WorkflowPhase) (*wfv1.Workflow, error) {
	var ended *wfv1.Workflow
	err := harness.Until(ctx, 40*time.Second, func(ctx context.Context) error {
		workflow, err := f.workflow(ctx)
		if err != nil {
			return err
		}
		more, err := f.unseen(ctx)
		if err != nil {
			return err
		}
		switch {
		case len(more) > 0:
			return final("%s was tried again: Pod %s", f.stepOf(&more[0]), more[0].Name)
		case !workflow.Status.Phase.Completed():
			return fmt.Errorf("it is %s: %s", workflow.Status.Phase, told(workflow))
		case workflow.Status.Phase != phase:
			return harness.Final{Err: ending(workflow)}
		}
		ended = workflow
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return ended, nil
}

// begins has the Pod's executor report in.
func (f *flow) begins(ctx context.Context, pod *corev1.Pod) (*harness.Executor, error) {
	executor, err := f.t.w.c.Executor(ctx, pod)
	if err != nil {
		return nil, err
	}
	return executor, executor.Begin(ctx)
}

// succeeds has a Pod report its outputs and end well.
func (f *flow) succeeds(ctx context.Context, pod *corev1.Pod) error {
	executor, err := f.begins(ctx, pod)
	if err != nil {
		return err
	}
	if err := executor.Finish(ctx); err != nil {
		return err
	}
	return f.t.w.c.EndPod(ctx, pod, harness.Succeeds())
}

// loss is how a Pod is lost from the outside.
type loss struct {
	end harness.End
	// silent is an executor that was given no time to say that it has nothing
	// more to report.
	silent bool
	// collected is a Pod that the garbage collector deletes, since its node is gone.
	collected bool
}

// loses has a Pod end so, after its executor has reported in.
func (f *flow) loses(ctx context.Context, pod *corev1.Pod, how loss) error {
	executor, err := f.begins(ctx, pod)
	if err != nil {
		return err
	}
	if err := f.observed(ctx, pod, wfv1.NodeRunning); err != nil {
		return err
	}
	if !how.silent {
		if err := executor.Stop(ctx); err != nil {
			return err
		}
	}
	if err := f.t.w.c.EndPod(ctx, pod, how.end); err != nil || !how.collected {
		return err
	}
	if err := f.observed(ctx, pod, wfv1.NodeFailed); err != nil {
		return err
	}
	return f.t.forget(ctx, pod)
}

// observed waits until the controller has seen a Pod in a phase. What it has not
// seen run when it is gone, it makes again without a word of a retry.
func (f *flow) observed(ctx context.Context, pod *corev1.Pod, phase wfv1.NodePhase) error {
	return harness.Until(ctx, 20*time.Second, func(ctx context.Context) error {
		workflow, err := f.workflow(ctx)
		if err != nil {
			return err
		}
		node, err := workflow.Status.Nodes.Get(pod.Annotations[common.AnnotationKeyNodeID])
		if err != nil {
			return err
		}
		if node.Phase != phase || time.Since(node.StartedAt.Time) < 2*time.Second {
			return fmt.Errorf("%s is %s since %s, not %s: %s", node.DisplayName, node.Phase, node.StartedAt, phase, node.Message)
		}
		return nil
	})
}

// passes takes a step from its next try, which must be on the Spot pool, to its
// success.
func (f *flow) passes(ctx context.Context, step string) (*corev1.Pod, error) {
	pod, err := f.next(ctx, step)
	if err != nil {
		return nil, err
	}
	if err := f.onSpot(ctx, pod); err != nil {
		return nil, err
	}
	return pod, f.succeeds(ctx, pod)
}

// onSpot holds a Pod against the pool of the environment's spec for Spot.
func (f *flow) onSpot(ctx context.Context, pod *corev1.Pod) error {
	return f.onPool(ctx, pod, f.t.w.e.Spot.Pool, true)
}

func (f *flow) onPool(ctx context.Context, pod *corev1.Pod, want string, spot bool) error {
	pool, isSpot, err := f.t.pool(ctx, pod)
	if err != nil {
		return err
	}
	if pool != want || isSpot != spot {
		return fmt.Errorf("Pod %s of %s was placed on node %s of the pool %s (Spot: %t), not on the pool %s", pod.Name, f.stepOf(pod), pod.Spec.NodeName, pool, isSpot, want)
	}
	return nil
}

// repository is the default of the tenant's artifact repositories, as rendered.
func (t *tenant) repository() (*wfv1.ArtifactRepository, string, error) {
	cm, err := harness.Find(t.rendered, "ConfigMap", "artifact-repositories")
	if err != nil {
		return nil, "", err
	}
	key := cm.GetAnnotations()["workflows.argoproj.io/default-artifact-repository"]
	text, ok, err := unstructured.NestedString(cm.Object, "data", key)
	if err != nil || !ok {
		return nil, "", errors.Join(err, fmt.Errorf("ConfigMap artifact-repositories has no default"))
	}
	var repository wfv1.ArtifactRepository
	if err := yaml.UnmarshalStrict([]byte(text), &repository); err != nil {
		return nil, "", err
	}
	if repository.GCS == nil || repository.GCS.KeyFormat == "" {
		return nil, "", fmt.Errorf("the default artifact repository is not a bucket with a key format: %s", text)
	}
	return &repository, key, nil
}

// prefix is what the rendered key format makes of a Pod.
func (f *flow) prefix(repository *wfv1.ArtifactRepository, pod *corev1.Pod) (string, error) {
	key := strings.NewReplacer(
		"{{workflow.namespace}}", pod.Namespace, "{{workflow.name}}", f.name, "{{pod.name}}", pod.Name,
	).Replace(repository.GCS.KeyFormat)
	if strings.Contains(key, "{{") {
		return "", fmt.Errorf("the key format %s has a variable that the test does not know", repository.GCS.KeyFormat)
	}
	return key, nil
}

// saves holds the place where a Pod saves its artifacts against the tenant's
// default repository as rendered.
func (f *flow) saves(ctx context.Context, pod *corev1.Pod) error {
	executor, err := f.t.w.c.Executor(ctx, pod)
	if err != nil {
		return err
	}
	archive := executor.Template.ArchiveLocation
	if !archive.HasLocation() {
		return fmt.Errorf("Pod %s has nowhere to save its artifacts", pod.Name)
	}
	repository, key, err := f.t.repository()
	if err != nil {
		return err
	}
	workflow, err := f.workflow(ctx)
	if err != nil {
		return err
	}
	ref := workflow.Status.ArtifactRepositoryRef
	if ref == nil || ref.Default || ref.Namespace != f.t.namespace || ref.ConfigMap != "artifact-repositories" || ref.Key != key {
		return fmt.Errorf("the artifact repository is not the default of the namespace, %s, but %s", key, repositoryName(ref))
	}
	prefix, err := f.prefix(repository, pod)
	if err != nil {
		return err
	}
	if archive.GCS == nil || archive.GCS.Bucket != repository.GCS.Bucket || archive.GCS.Key != prefix {
		return fmt.Errorf("Pod %s saves to %+v, not to %s under %s", pod.Name, archive.GCS, repository.GCS.Bucket, prefix)
	}
	if !archive.IsArchiveLogs() {
		return fmt.Errorf("Pod %s does not archive its log", pod.Name)
	}
	return nil
}

func repositoryName(ref *wfv1.ArtifactRepositoryRefStatus) string {
	switch {
	case ref == nil:
		return "none"
	case ref.Default:
		return "the controller's own"
	default:
		return fmt.Sprintf("%s of ConfigMap %s in %s", ref.Key, ref.ConfigMap, ref.Namespace)
	}
}

// receives holds the input artifact of a Pod against what another one reported.
func (f *flow) receives(ctx context.Context, pod *corev1.Pod, artifact string, from *corev1.Pod) error {
	executor, err := f.t.w.c.Executor(ctx, pod)
	if err != nil {
		return err
	}
	repository, _, err := f.t.repository()
	if err != nil {
		return err
	}
	prefix, err := f.prefix(repository, from)
	if err != nil {
		return err
	}
	input := executor.Template.Inputs.GetArtifactByName(artifact)
	if input == nil {
		return fmt.Errorf("Pod %s has no input %s", pod.Name, artifact)
	}
	// argoexec completes the location so before it loads (newDriverArt).
	if err := input.Relocate(executor.Template.ArchiveLocation); err != nil {
		return fmt.Errorf("input %s of Pod %s: %w", artifact, pod.Name, err)
	}
	want := prefix + "/" + artifact + ".tgz"
	if input.GCS == nil || input.GCS.Bucket != repository.GCS.Bucket || input.GCS.Key != want {
		return fmt.Errorf("Pod %s loads %s from %+v, not from %s in %s", pod.Name, artifact, input.GCS, want, repository.GCS.Bucket)
	}
	return nil
}

// archived is a row of the archive.
type archived struct {
	Name, Namespace, Phase, ClusterName, InstanceID string
	Workflow                                        wfv1.Workflow
}

// inArchive waits for the workflow's row and holds it against the workflow.
func (f *flow) inArchive(ctx context.Context, workflow *wfv1.Workflow, producer *corev1.Pod, artifact string) error {
	var got archived
	err := harness.Until(ctx, 20*time.Second, func(ctx context.Context) error {
		out, err := f.t.w.database.Query(ctx, fmt.Sprintf(
			`select row_to_json(r) from (select name, namespace, phase, clustername, instanceid, workflow from argo_archived_workflows where uid = '%s') r`, workflow.UID))
		if err != nil {
			return harness.Final{Err: err}
		}
		if strings.TrimSpace(out) == "" {
			return fmt.Errorf("%s is not in the archive", f.name)
		}
		return json.Unmarshal([]byte(out), &got)
	})
	if err != nil {
		return err
	}
	wanted := [...]string{f.name, f.t.namespace, string(workflow.Status.Phase), f.t.w.persistence.ClusterName, ""}
	if row := [...]string{got.Name, got.Namespace, got.Phase, got.ClusterName, got.InstanceID}; row != wanted {
		return fmt.Errorf("the archive has %q, not %q", row, wanted)
	}
	repository, _, err := f.t.repository()
	if err != nil {
		return err
	}
	prefix, err := f.prefix(repository, producer)
	if err != nil {
		return err
	}
	node, err := got.Workflow.Status.Nodes.Get(producer.Annotations[common.AnnotationKeyNodeID])
	if err != nil {
		return fmt.Errorf("the archived workflow: %w", err)
	}
	for name, file := range map[string]string{artifact: artifact + ".tgz", "main-logs": "main.log"} {
		output := node.Outputs.GetArtifactByName(name)
		if output == nil {
			return fmt.Errorf("the archived workflow has no %s of %s", name, node.DisplayName)
		}
		if key, err := output.GetKey(); err != nil || key != prefix+"/"+file {
			return fmt.Errorf("the archived workflow has %s of %s under %q (%w), not under %s/%s", name, node.DisplayName, key, err, prefix, file)
		}
	}
	return nil
}
