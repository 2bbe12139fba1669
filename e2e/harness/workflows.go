package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"strake/generator/spec"
)

// StartWorkflowController runs the container of a rendered Deployment as a
// process: its command, its arguments, its environment, and the rights of its
// service account, in the place of one of its pods. Environment variables of the
// harness's own are added.
//
// It is up when it leads: leader election is as rendered, so the rights on
// leases are needed too.
func (c *Cluster) StartWorkflowController(ctx context.Context, rendered *unstructured.Unstructured, pod string, env ...string) (*Process, error) {
	var deployment appsv1.Deployment
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(rendered.Object, &deployment); err != nil {
		return nil, fmt.Errorf("deployment %s: %w", rendered.GetName(), err)
	}
	spec := deployment.Spec.Template.Spec
	i := slices.IndexFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == deployment.Name })
	if i < 0 || len(spec.Containers[i].Command) != 1 {
		return nil, fmt.Errorf("deployment %s has no container of its name with a command of one word", deployment.Name)
	}
	container := spec.Containers[i]
	kubeconfig, err := c.TokenKubeconfig(ctx, deployment.Namespace, spec.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	own, err := c.environment(ctx, container, pod, deployment.Namespace)
	if err != nil {
		return nil, fmt.Errorf("deployment %s: %w", deployment.Name, err)
	}
	return c.rig.Start(ctx, Command{
		Name: c.Name + "-" + container.Name, Program: container.Command[0], Args: container.Args,
		Env: slices.Concat([]string{"KUBECONFIG=" + kubeconfig}, own, env),
		Ready: func(ctx context.Context) error {
			lease, err := c.Clients.CoordinationV1().Leases(deployment.Namespace).Get(ctx, "workflow-controller", metav1.GetOptions{})
			if err != nil {
				return err
			}
			if holder := lease.Spec.HolderIdentity; holder == nil || *holder != pod {
				return fmt.Errorf("the lease is not held by %s", pod)
			}
			return Answers("http://127.0.0.1:6060/healthz")(ctx)
		},
	})
}

// MoreNodes adds nodes to a pool, as its autoscaler does.
func (c *Cluster) MoreNodes(ctx context.Context, e *spec.Effective, name string, count int) error {
	pool, ok := e.Pool(name)
	if !ok {
		return fmt.Errorf("no pool %s", name)
	}
	nodes, err := c.Clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "cloud.google.com/gke-nodepool=" + name})
	if err != nil {
		return err
	}
	for i := range count {
		node, err := nodeOf(pool, e.Cluster.Location, len(nodes.Items)+i)
		if err != nil {
			return err
		}
		if err := c.addNode(ctx, node); err != nil {
			return err
		}
	}
	return Until(ctx, 30*time.Second, func(ctx context.Context) error {
		now, err := c.Clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "cloud.google.com/gke-nodepool=" + name})
		if err != nil {
			return err
		}
		for i := range now.Items {
			if !ready(&now.Items[i]) {
				return fmt.Errorf("node %s is not ready", now.Items[i].Name)
			}
		}
		return nil
	})
}

// Secrets makes the Secrets that the ExternalSecrets among objects ask for, as
// External Secrets would, with a value for each key. Secrets of a cluster of
// production are made in no other way, so nothing else is made here.
func (c *Cluster) Secrets(ctx context.Context, objects []*unstructured.Unstructured, value func(key string) string) error {
	for _, o := range objects {
		if o.GetKind() != "ExternalSecret" {
			continue
		}
		data := map[string]any{}
		entries, _, err := unstructured.NestedSlice(o.Object, "spec", "data")
		if err != nil {
			return err
		}
		for _, entry := range entries {
			key, _, err := unstructured.NestedString(entry.(map[string]any), "secretKey")
			if err != nil {
				return err
			}
			data[key] = value(key)
		}
		name, _, err := unstructured.NestedString(o.Object, "spec", "target", "name")
		if err != nil {
			return err
		}
		secret := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": data,
			"metadata": map[string]any{"name": name, "namespace": o.GetNamespace()},
		}}
		if _, err := c.Apply(ctx, secret, false); err != nil {
			return fmt.Errorf("secret %s: %w", name, err)
		}
	}
	return nil
}

// Executor does what argoexec does in the wait container of a workflow's pod,
// with the token of the pod's own service account. It saves nothing: the
// artifacts it reports exist in name only.
type Executor struct {
	Pod *corev1.Pod
	// Template is the one that the pod was handed.
	Template wfv1.Template
	node     string
	client   dynamic.ResourceInterface
}

// Executor reads from a pod what its argoexec would.
func (c *Cluster) Executor(ctx context.Context, pod *corev1.Pod) (*Executor, error) {
	x := &Executor{Pod: pod, node: variable(pod, common.EnvVarNodeID)}
	if x.node == "" {
		return nil, fmt.Errorf("pod %s has no %s", pod.Name, common.EnvVarNodeID)
	}
	if err := json.Unmarshal([]byte(variable(pod, common.EnvVarTemplate)), &x.Template); err != nil {
		return nil, fmt.Errorf("%s of pod %s: %w", common.EnvVarTemplate, pod.Name, err)
	}
	config, err := c.As(ctx, pod.Namespace, pod.Spec.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	results := schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflowtaskresults"}
	x.client = client.Resource(results).Namespace(pod.Namespace)
	return x, nil
}

// variable is the value of an environment variable in the first container that
// has it.
func variable(pod *corev1.Pod, name string) string {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, e := range c.Env {
			if e.Name == name {
				return e.Value
			}
		}
	}
	return ""
}

// Begin makes the result that says that there is none yet.
func (x *Executor) Begin(ctx context.Context) error {
	owners := slices.Clone(x.Pod.OwnerReferences)
	for i := range owners { // the executor writes neither of the two
		owners[i].Controller, owners[i].BlockOwnerDeletion = nil, nil
	}
	result := &wfv1.WorkflowTaskResult{
		TypeMeta: metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "WorkflowTaskResult"},
		ObjectMeta: metav1.ObjectMeta{Name: x.node, OwnerReferences: owners, Labels: map[string]string{
			common.LabelKeyWorkflow: x.Pod.Labels[common.LabelKeyWorkflow], common.LabelKeyReportOutputsCompleted: "false",
		}},
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(result)
	if err != nil {
		return err
	}
	_, err = x.client.Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // of a Pod that was made again, for the same try
		return x.patch(ctx, &wfv1.WorkflowTaskResult{})
	}
	return err
}

// Finish reports the outputs of the template, and its log where logs are
// archived, under the keys that argoexec gives them, and says that this is all.
func (x *Executor) Finish(ctx context.Context) error {
	outputs := x.Template.Outputs.DeepCopy()
	if archive := x.Template.ArchiveLocation; archive != nil && archive.ArchiveLogs != nil && *archive.ArchiveLogs {
		outputs.Artifacts = append(outputs.Artifacts, wfv1.Artifact{Name: "main-logs"})
	}
	for i := range outputs.Artifacts {
		if err := x.place(&outputs.Artifacts[i]); err != nil {
			return fmt.Errorf("artifact %s of pod %s: %w", outputs.Artifacts[i].Name, x.Pod.Name, err)
		}
	}
	if err := x.patch(ctx, &wfv1.WorkflowTaskResult{NodeResult: wfv1.NodeResult{Outputs: outputs}}); err != nil {
		return err
	}
	return x.Stop(ctx)
}

// Stop says that nothing more will be reported. It is the last thing that
// argoexec does, on SIGTERM too, as long as it is given the time.
func (x *Executor) Stop(ctx context.Context) error {
	done := &wfv1.WorkflowTaskResult{}
	done.Labels = map[string]string{common.LabelKeyReportOutputsCompleted: "true"}
	return x.patch(ctx, done)
}

// errNoRepository is a pod with artifacts and no place for them.
var errNoRepository = errors.New("there is no artifact repository to save it in")

// place gives an artifact its type and key (saveArtifactFromFile in
// workflow/executor/executor.go).
func (x *Executor) place(artifact *wfv1.Artifact) error {
	if artifact.HasKey() {
		return nil
	}
	archive := x.Template.ArchiveLocation
	if !archive.HasLocation() {
		return errNoRepository
	}
	key, err := archive.GetKey()
	if err != nil {
		return err
	}
	kind, err := archive.Get()
	if err != nil {
		return err
	}
	if err := artifact.SetType(kind); err != nil {
		return err
	}
	file := artifact.Name + ".tgz"
	if artifact.Name == "main-logs" {
		file = "main.log"
	}
	return artifact.SetKey(path.Join(key, file))
}

func (x *Executor) patch(ctx context.Context, result *wfv1.WorkflowTaskResult) error {
	data, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = x.client.Patch(ctx, x.node, types.MergePatchType, data, metav1.PatchOptions{})
	return err
}
