package render

import (
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// spotLabel is the label of Spot nodes, and the key of their taint:
// https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
const spotLabel = "cloud.google.com/gke-spot"

// placement says where a pod may run. The zero value is anywhere without a
// taint.
type placement struct {
	selector    m
	affinity    m // nodeAffinity and nothing else
	tolerations list
}

// fields are the keys of a template, in the order in which they are printed.
func (p placement) fields() m {
	var affinity any
	if p.affinity != nil {
		affinity = m{{"nodeAffinity", at("spot.fallback", p.affinity)}}
	}
	return m{
		{"nodeSelector", p.selector},
		{"affinity", affinity},
		{"tolerations", p.tolerations},
	}
}

// poolFor is the pool that the pods of a task run on, and the path of the spec
// that chose it: the innermost that names one. Pass a nil task for a template
// of the user's own.
func poolFor(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline, k *spec.Task) (name, from string) {
	switch {
	case k != nil && k.Pool != "":
		return k.Pool, taskPath(t, p, k) + ".pool"
	case p.Pool != "":
		return p.Pool, pipelinePath(t, p) + ".pool"
	case t.Pool != "":
		return t.Pool, tenantPath(t) + ".pool"
	case e.Spot != nil:
		return e.Spot.Pool, "spot.pool"
	default:
		return "", ""
	}
}

// place puts pods on a pool of the cluster.
//
// A pool's own labels select it and its own taints are tolerated. spot.pool
// with a fallback takes either pool and prefers the Spot one. Autopilot has no
// pools: there the Spot label alone asks for Spot, and GKE adds the toleration.
func place(e *spec.Effective, name, from string) placement {
	if e.Cluster.Mode == "autopilot" {
		if e.Spot == nil || name != "" {
			return placement{}
		}
		return placement{selector: m{{spotLabel, at("spot", "true")}}}
	}
	pool, ok := e.Pool(name)
	if !ok {
		return placement{}
	}
	// Only spot.pool falls back: a pool that somebody named is one that they
	// meant, for its GPU or because it is theirs.
	if e.Spot != nil && pool.Spot && name == e.Spot.Pool {
		if fallback, ok := e.Pool(e.Spot.Fallback); ok && fallback.Name != pool.Name {
			return placement{affinity: either(pool, fallback), tolerations: tolerate(pool, fallback)}
		}
	}
	return placement{selector: mark(from, pool.Selector()), tolerations: tolerate(pool)}
}

// mark makes a map of strings that were all caused by one value of the spec.
func mark(from string, values map[string]string) m {
	out := sorted(values)
	for i := range out {
		out[i].v = at(from, out[i].v)
	}
	return out
}

// either is a node affinity for two pools of which the first is preferred. The
// first term must be the preferred pool: Argo excludes the hosts of failed
// tries in the first term only (workflow/util/retry AddHostnamesToAffinity).
func either(preferred, other spec.NodePool) m {
	return m{
		{"requiredDuringSchedulingIgnoredDuringExecution", m{
			{"nodeSelectorTerms", list{nodeTerm(preferred), nodeTerm(other)}},
		}},
		{"preferredDuringSchedulingIgnoredDuringExecution", list{
			m{{"weight", 100}, {"preference", nodeTerm(preferred)}},
		}},
	}
}

// nodeTerm selects the nodes of a pool.
func nodeTerm(pool spec.NodePool) m {
	var expressions list
	for _, label := range sorted(pool.Selector()) {
		expressions = append(expressions, m{
			{"key", label.k},
			{"operator", "In"},
			{"values", list{label.v}},
		})
	}
	return m{{"matchExpressions", expressions}}
}

// tolerate lists tolerations for all taints of the pools, each once.
func tolerate(pools ...spec.NodePool) list {
	var out list
	var seen []spec.Taint
	for _, pool := range pools {
		for _, taint := range pool.NodeTaints() {
			if slices.Contains(seen, taint) {
				continue
			}
			seen = append(seen, taint)
			operator, value := "Equal", optional(taint.Value)
			if value == nil {
				operator = "Exists"
			}
			out = append(out, at("cluster.nodePools["+pool.Name+"]", m{
				{"key", taint.Key},
				{"operator", operator},
				{"value", value},
				{"effect", optional(taint.Effect)},
			}))
		}
	}
	return out
}

// lostPod matches what Argo says about a pod that was lost from the outside: a
// step that fails by itself, or takes more memory than it asked for, would fail
// again at full cost. The alternatives, in order:
//
//   - the kubelet of a node that is being reclaimed ends its pods, or refuses a
//     new one (pkg/kubelet/nodeshutdown);
//   - the pod is gone before Argo saw its end: drained, preempted by the
//     scheduler, or collected with its node (workflow/controller/operator.go);
//   - a node that came back under its old name refuses the pods that it had
//     (pkg/kubelet canRunPod);
//   - a node short of memory or disk evicts (pkg/kubelet/eviction), or makes
//     room for a critical pod (pkg/kubelet/preemption);
//   - SIGTERM from the outside, where Argo sees the pod before it is gone. A
//     process that ends itself on the signal gives 143. One that the signal kills gives 137, since the emissary that waits for
//     it has no exit code to pass on (cmd/argoexec/commands/emissary.go). Memory
//     is told apart by the reason that stands in front: "OOMKilled (exit code
//     137)" does not match, "Error (exit code 137)" does;
//   - the pod failed while a container was still being set up: its node vanished
//     at the start. An image that cannot be pulled has another reason;
//   - the pod failed and none of its containers did, or it has none: its node
//     vanished (inferFailedReason in workflow/controller/operator.go).
//
// Disk is told apart too: a step that fills its own share is evicted with a
// message of its own, "exceeds the limit", which is why its volumes have one.
//
// Parentheses stand in brackets: a backslash would have to be escaped for the
// expression's own strings.
const lostPod = "imminent node shutdown|node is shutting down" +
	"|pod deleted" +
	"|Pod was rejected" +
	"|node was low on resource|Preempted in order to admit" +
	"|exit code 143|Error [(]exit code 137[)]" +
	"|container starts due to (PodInitializing|ContainerCreating)" +
	"|container did not complete|container completed successfully|find failed message for pod"

// retryFor is the retry that applies to a task, and the path of the spec that
// set it. Pass a nil task for a template of the user's own.
func retryFor(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline, k *spec.Task) (retry spec.Retry, from string) {
	switch {
	case k != nil && k.Retry != nil:
		return *k.Retry, taskPath(t, p, k) + ".retry"
	case p.Retry != nil:
		return *p.Retry, pipelinePath(t, p) + ".retry"
	case e.Spot != nil:
		return e.Spot.Retry, "spot.retry"
	default:
		return spec.Retry{}, ""
	}
}

// retryStrategy tries a lost pod again. It stands on a template that makes a
// pod: a task of a DAG has no such field, and on the DAG it would run all of it
// again. maxDuration is left out because it counts from the first try's start,
// and would end the retries of every step that takes longer.
func retryStrategy(e *spec.Effective, pool string, retry spec.Retry, from string) any {
	if retry.Limit <= 0 {
		return nil
	}
	var backoff, affinity any
	if retry.Backoff.Duration != "" {
		var longest any
		if argoAtLeast(e, 3, 7) {
			longest = at(from+".backoff.cap", optional(argoDuration(retry.Backoff.Cap)))
		}
		backoff = m{
			{"duration", at(from+".backoff.duration", argoDuration(retry.Backoff.Duration))},
			{"factor", at(from+".backoff.factor", strconv.Itoa(max(retry.Backoff.Factor, 1)))},
			{"cap", longest},
		}
	}
	// A reclaimed node comes back under its old name. Where the tries could use
	// up all names of the pool, the last one would wait for ever.
	if nodes, ok := e.Pool(pool); !ok || nodes.Max == 0 || nodes.Max > retry.Limit {
		affinity = m{{"nodeAntiAffinity", m{}}}
	}
	return at(from, m{
		{"limit", at(from+".limit", strconv.Itoa(retry.Limit))},
		// Without Always, either a reclaimed pod (Failed) or a deleted one (Error)
		// would not be tried again. The expression must hold as well.
		{"retryPolicy", "Always"},
		{"expression", "lastRetry.message matches '" + lostPod + "'"},
		{"backoff", backoff},
		{"affinity", affinity},
	})
}

// argoAtLeast compares the minor version of Argo Workflows. A version that is
// not understood counts as new: the spec refuses those it does not know.
func argoAtLeast(e *spec.Effective, major, minor int) bool {
	if e.Workflows == nil {
		return true
	}
	parts := strings.SplitN(strings.TrimPrefix(e.Workflows.Version, "v"), ".", 3)
	if len(parts) < 2 {
		return true
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	if errA != nil || errB != nil {
		return true
	}
	return a > major || a == major && b >= minor
}

// argoDuration writes a duration as Argo and Go read it: they know no days.
func argoDuration(s string) string {
	if !strings.Contains(s, "d") {
		return s
	}
	d, err := spec.ParseDuration(s)
	if err != nil {
		return s
	}
	return d.String()
}

// seconds is a duration as a whole number, or nil where there is none.
func seconds(s string) any {
	d, err := spec.ParseDuration(s)
	if err != nil {
		return nil
	}
	return int(d.Seconds())
}
