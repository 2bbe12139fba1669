package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// End is how a pod ends, in the words of a kubelet.
type End struct {
	Phase corev1.PodPhase
	// Reason and Message of the pod's status.
	Reason, Message string
	// ExitCode of every container that ran; or, where Only names one, of that
	// one, and the others exit with 0.
	ExitCode int32
	Only     string
	// ContainerReason is Completed, Error or OOMKilled.
	ContainerReason string
	// Lost leaves the containers as they were last seen.
	Lost bool
}

// Succeeds is a pod whose containers all exit with 0.
func Succeeds() End {
	return End{Phase: corev1.PodSucceeded, ContainerReason: "Completed"}
}

// Fails is a pod whose program, the container main of a workflow's pod, exits
// with a code of its own.
func Fails(code int32) End {
	return End{Phase: corev1.PodFailed, ExitCode: code, ContainerReason: "Error", Only: "main"}
}

// OutOfMemory is a pod whose program took more memory than its limit.
func OutOfMemory() End {
	return End{Phase: corev1.PodFailed, ExitCode: 137, ContainerReason: "OOMKilled", Only: "main"}
}

// Killed is a pod whose containers a signal ended: 143 is SIGTERM, as a drain
// sends it, and 137 SIGKILL.
func Killed(code int32) End {
	return End{Phase: corev1.PodFailed, ExitCode: code, ContainerReason: "Error"}
}

// Evicted is a pod that its node ends because it is short of memory
// (k8s.io/kubernetes/pkg/kubelet/eviction).
func Evicted() End {
	end := Killed(137)
	end.Reason, end.Message = "Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. "
	return end
}

// Orphaned is a pod whose node is gone, as the pod garbage collector marks it
// before it deletes it: nobody is left to say how its containers ended
// (k8s.io/kubernetes/pkg/controller/podgc).
func Orphaned() End { return End{Phase: corev1.PodFailed, Lost: true} }

// Preempted is a pod that the kubelet's graceful node shutdown ends, as a Spot
// node's does thirty seconds before it is taken away. The words are the
// kubelet's (k8s.io/kubernetes/pkg/kubelet/nodeshutdown).
func Preempted() End {
	return End{
		Phase: corev1.PodFailed, Reason: "Terminated", Message: "Pod was terminated in response to imminent node shutdown.",
		ExitCode: 143, ContainerReason: "Error",
	}
}

// EndPod writes the pod's end into its status, as the kubelet of its node
// would. It does so only to a pod that was placed on a node and runs.
func (c *Cluster) EndPod(ctx context.Context, pod *corev1.Pod, end End) error {
	if pod.Spec.NodeName == "" || pod.Status.Phase != corev1.PodRunning {
		return fmt.Errorf("pod %s is %s on node %q: it does not run", pod.Name, pod.Status.Phase, pod.Spec.NodeName)
	}
	now := metav1.Now()
	terminated := func(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
		for i, status := range statuses {
			if status.State.Running == nil || end.Lost {
				continue
			}
			code, reason := end.ExitCode, end.ContainerReason
			if end.Only != "" && status.Name != end.Only {
				code, reason = 0, "Completed"
			}
			statuses[i].Ready = false
			statuses[i].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: code, Reason: reason, StartedAt: status.State.Running.StartedAt, FinishedAt: now,
			}}
		}
		return statuses
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"phase": end.Phase, "reason": end.Reason, "message": end.Message,
		"containerStatuses":     terminated(pod.Status.ContainerStatuses),
		"initContainerStatuses": terminated(pod.Status.InitContainerStatuses),
	}})
	if err != nil {
		return err
	}
	_, err = c.Clients.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// environment is what a container's process sees of its env in a pod.
func (c *Cluster) environment(ctx context.Context, container corev1.Container, pod, namespace string) ([]string, error) {
	if len(container.EnvFrom) > 0 {
		return nil, fmt.Errorf("container %s: envFrom is not known to the harness", container.Name)
	}
	var env []string
	for _, e := range container.Env {
		value, there := e.Value, true
		if e.ValueFrom != nil {
			var err error
			if value, there, err = c.valueFrom(ctx, e.ValueFrom, pod, namespace); err != nil {
				return nil, fmt.Errorf("container %s: %s: %w", container.Name, e.Name, err)
			}
		}
		if there {
			env = append(env, e.Name+"="+value)
		}
	}
	return env, nil
}

// valueFrom is the value of a variable that is read from elsewhere. One that may
// be missing, and is, is not set.
func (c *Cluster) valueFrom(ctx context.Context, from *corev1.EnvVarSource, pod, namespace string) (value string, there bool, err error) {
	switch {
	case from.FieldRef != nil:
		switch field := from.FieldRef.FieldPath; field {
		case "metadata.name":
			return pod, true, nil
		case "metadata.namespace":
			return namespace, true, nil
		default:
			return "", false, fmt.Errorf("the field %s is not known to the harness", field)
		}
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		cm, err := c.Clients.CoreV1().ConfigMaps(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err == nil {
			value, there = cm.Data[ref.Key]
		}
		return value, there, found(err, there, ref.Optional, ref.Key)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		secret, err := c.Clients.CoreV1().Secrets(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err == nil {
			var data []byte
			data, there = secret.Data[ref.Key]
			value = string(data)
		}
		return value, there, found(err, there, ref.Optional, ref.Key)
	default:
		return "", false, errors.New("its source is not known to the harness")
	}
}

// found is the error of a look-up: what is optional may be missing.
func found(err error, there bool, optional *bool, key string) error {
	missing := optional != nil && *optional
	switch {
	case err != nil && (!missing || !apierrors.IsNotFound(err)):
		return err
	case !there && !missing:
		return fmt.Errorf("there is no key %s", key)
	default:
		return nil
	}
}

// arguments are those of a container's process, with its variables put in, as
// the kubelet does it.
func arguments(args, env []string) []string {
	value := func(name string) string {
		for _, e := range slices.Backward(env) {
			if key, value, _ := strings.Cut(e, "="); key == name {
				return value
			}
		}
		return "$(" + name + ")"
	}
	var out []string
	for _, arg := range args {
		out = append(out, expansion.Expand(arg, value))
	}
	return out
}

// mount writes what a ConfigMap holds into a directory, as a volume of it.
func (c *Cluster) mount(ctx context.Context, namespace, configMap, dir string) error {
	cm, err := c.Clients.CoreV1().ConfigMaps(namespace).Get(ctx, configMap, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for key, data := range cm.Data {
		if err := os.WriteFile(filepath.Join(dir, key), []byte(data), 0o644); err != nil {
			return err
		}
	}
	return nil
}
