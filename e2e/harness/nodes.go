package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"strake/generator/spec"
)

// managed marks the nodes that kwok keeps alive.
const managed = "type"

func (c *Cluster) startKwok(ctx context.Context) error {
	kubeconfig, err := c.certified("kwok", identity{user: "kwok", groups: []string{"system:masters"}})
	if err != nil {
		return err
	}
	// The stages that are built in are the right ones: nodes become ready, pods
	// placed on them run, only a Job's pods complete by themselves. A workflow's
	// pod ends when a test says so.
	address := fmt.Sprintf("127.0.0.1:%d", 10500+c.number)
	_, err = c.rig.Start(ctx, Command{
		Name: c.Name + "-kwok", Program: "kwok",
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--manage-all-nodes=false", "--manage-nodes-with-label-selector=" + managed + "=kwok",
			"--node-lease-duration-seconds=40", // the default is none: after 50 s every node would be lost, and its pods unready
			"--cidr=10.0.0.1/16", "--node-ip=127.0.0.1", fmt.Sprintf("--node-port=%d", 10500+c.number), "--server-address=" + address,
		},
		Ready: Answers("http://" + address + "/healthz"),
	})
	return err
}

// AddNodes makes the nodes of an environment's pools, as many as a pool has at
// most but two at the most, with the labels and taints that GKE gives them, and
// with the room that GKE leaves to pods.
func (c *Cluster) AddNodes(ctx context.Context, e *spec.Effective) error {
	var names []string
	for _, pool := range e.Cluster.NodePools {
		for i := range min(2, max(1, pool.Max)) {
			node, err := nodeOf(pool, e.Cluster.Location, i)
			if err != nil {
				return err
			}
			if err := c.addNode(ctx, node); err != nil {
				return fmt.Errorf("node %s: %w", node.Name, err)
			}
			names = append(names, node.Name)
		}
	}
	return Until(ctx, 30*time.Second, func(ctx context.Context) error {
		for _, name := range names {
			node, err := c.Clients.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if !ready(node) {
				return fmt.Errorf("node %s is not ready", name)
			}
		}
		return nil
	})
}

func ready(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady {
			return false
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (c *Cluster) addNode(ctx context.Context, node *corev1.Node) error {
	if _, err := c.Clients.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	// A create drops the status.
	status, err := json.Marshal(map[string]any{"status": map[string]any{"allocatable": node.Status.Allocatable, "capacity": node.Status.Capacity}})
	if err != nil {
		return err
	}
	_, err = c.Clients.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, status, metav1.PatchOptions{}, "status")
	return err
}

func nodeOf(pool spec.NodePool, region string, index int) (*corev1.Node, error) {
	room, err := allocatable(pool.MachineType)
	if err != nil {
		return nil, fmt.Errorf("pool %s: %w", pool.Name, err)
	}
	labels := map[string]string{
		managed: "kwok", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"cloud.google.com/gke-nodepool": pool.Name, "node.kubernetes.io/instance-type": pool.MachineType,
		"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": region + "-" + string(rune('a'+index)),
	}
	maps.Copy(labels, pool.NodeLabels())
	if pool.GPU != nil {
		room["nvidia.com/gpu"] = *resource.NewQuantity(int64(pool.GPU.Count), resource.DecimalSI)
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", pool.Name, index), Labels: labels},
		Status:     corev1.NodeStatus{Allocatable: room, Capacity: room},
	}
	node.Labels["kubernetes.io/hostname"] = node.Name
	for _, taint := range pool.NodeTaints() {
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: taint.Key, Value: taint.Value, Effect: corev1.TaintEffect(effect(taint.Effect))})
	}
	return node, nil
}

// effect writes a taint's effect as Kubernetes does.
func effect(e string) string {
	switch e {
	case "NO_SCHEDULE":
		return "NoSchedule"
	case "NO_EXECUTE":
		return "NoExecute"
	case "PREFER_NO_SCHEDULE":
		return "PreferNoSchedule"
	default:
		return e
	}
}

// allocatable is what GKE leaves to pods of a machine: 6 % of the first core,
// 1 % of the second, 0.5 % of the next two and 0.25 % of the others are
// reserved, and 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8,
// 6 % of the next 112 and 2 % of the rest, with 100 MiB for eviction
// (https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes).
func allocatable(machine string) (corev1.ResourceList, error) {
	match := regexp.MustCompile(`^([a-z0-9]+)-(standard|highmem|highcpu)-(\d+)$`).FindStringSubmatch(machine)
	if match == nil {
		return nil, fmt.Errorf("machine type %q: the harness does not know its size", machine)
	}
	cores, err := strconv.Atoi(match[3])
	if err != nil {
		return nil, err
	}
	gib := cores * map[string]int{"standard": 4, "highmem": 8, "highcpu": 1}[match[2]]
	milli := cores * 1000
	for core := range cores {
		switch {
		case core == 0:
			milli -= 60
		case core == 1:
			milli -= 10
		case core < 4:
			milli -= 5
		}
	}
	if cores > 4 {
		milli -= (cores - 4) * 5 / 2
	}
	mib := gib*1024 - 100
	for _, step := range []struct{ size, percent int }{{4, 25}, {4, 20}, {8, 10}, {112, 6}, {gib, 2}} {
		part := min(gib, step.size)
		mib -= part * 1024 * step.percent / 100
		gib -= part
	}
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(int64(milli), resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(int64(mib)<<20, resource.BinarySI),
		corev1.ResourcePods:   *resource.NewQuantity(110, resource.DecimalSI),
	}, nil
}
