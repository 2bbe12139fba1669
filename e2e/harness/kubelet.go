package harness

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// End is how a pod ends, in the words of a kubelet.
type End struct {
	Phase corev1.PodPhase
	// Reason and Message of the pod's status.
	Reason, Message string
	// ExitCode of every container that ran.
	ExitCode int32
	// ContainerReason is Completed, Error or OOMKilled.
	ContainerReason string
}

// Succeeds is a pod whose containers all exit with 0.
func Succeeds() End {
	return End{Phase: corev1.PodSucceeded, ContainerReason: "Completed"}
}

// Fails is a pod whose program exits with a code of its own.
func Fails(code int32) End {
	return End{Phase: corev1.PodFailed, ExitCode: code, ContainerReason: "Error"}
}

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
			if status.State.Running == nil {
				continue
			}
			statuses[i].Ready = false
			statuses[i].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: end.ExitCode, Reason: end.ContainerReason, StartedAt: status.State.Running.StartedAt, FinishedAt: now,
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
