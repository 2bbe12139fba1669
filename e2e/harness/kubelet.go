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
