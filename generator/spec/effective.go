package spec

import (
	"maps"
	"reflect"
	"strings"

	"strake/generator/diag"
)

// The labels and taints that GKE's schedulers and users agree on. Spot:
// https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms; GPU:
// https://cloud.google.com/kubernetes-engine/docs/how-to/gpus.
const (
	spotKey      = "cloud.google.com/gke-spot"
	gpuTypeKey   = "cloud.google.com/gke-accelerator"
	gpuTaintKey  = "nvidia.com/gpu"
	gpuTaint     = "present"
	poolKey      = "cloud.google.com/gke-nodepool"
	dedicatedKey = "dedicated"
)

// At is the place where a human wrote the value at a path, or the nearest
// thing around it. Lists of named things go by name, other lists by index:
// tenants[forecasting].pipelines[train].tasks[fit].args[0].
func (e *Effective) At(path string) diag.Range {
	for path != "" {
		if r, ok := e.positions[path]; ok {
			return r
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return e.positions["environment"]
}

// Pool finds a node pool of the cluster.
func (e *Effective) Pool(name string) (NodePool, bool) {
	for _, p := range e.Cluster.NodePools {
		if p.Name == name {
			return p, true
		}
	}
	return NodePool{}, false
}

// JSON is the Effective as policies see it: maps, lists, strings, int64 and
// booleans, with the keys of effective.yaml.
func (e *Effective) JSON() map[string]any {
	m, _ := toPlain(reflect.ValueOf(*e), shapeOf(reflect.TypeFor[Effective]())).(map[string]any)
	return m
}

// toPlain converts a typed value, leaving out what is empty and has no default.
func toPlain(v reflect.Value, sh *shape) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch sh.kind {
	case structure:
		m := map[string]any{}
		for _, f := range sh.fields {
			if x := v.FieldByIndex(f.index); !omitted(x, f.shape, f.tag) {
				m[f.name] = toPlain(x, f.shape)
			}
		}
		return m
	case dictionary:
		m := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			m[key.String()] = toPlain(v.MapIndex(key), sh.elem)
		}
		return m
	case sequence:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = toPlain(v.Index(i), sh.elem)
		}
		return list
	case integer:
		return v.Int()
	case boolean:
		return v.Bool()
	case text:
		return v.String()
	default:
		if !v.IsValid() || v.IsNil() {
			return nil
		}
		return v.Interface()
	}
}

// omitted says which fields the written form leaves out: the empty ones, unless
// reading them back would fill in a default.
func omitted(v reflect.Value, sh *shape, t tag) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0 && !t.hasDefault
	case reflect.Struct:
		for _, f := range sh.fields {
			if !omitted(v.FieldByIndex(f.index), f.shape, f.tag) {
				return false
			}
		}
		return true
	default:
		return v.IsZero() && !t.hasDefault
	}
}

// NodeLabels are the labels of the pool's nodes that a pod may select by.
func (p NodePool) NodeLabels() map[string]string {
	labels := maps.Clone(p.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	if p.Spot {
		labels[spotKey] = "true"
	}
	if p.GPU != nil {
		labels[gpuTypeKey] = p.GPU.Type
	}
	if p.Dedicated != "" {
		labels[dedicatedKey] = p.Dedicated
	}
	return labels
}

// NodeTaints are the taints of the pool's nodes that a pod must tolerate.
func (p NodePool) NodeTaints() []Taint {
	taints := append([]Taint(nil), p.Taints...)
	if p.Spot {
		taints = append(taints, Taint{Key: spotKey, Value: "true", Effect: "NoSchedule"})
	}
	if p.GPU != nil {
		taints = append(taints, Taint{Key: gpuTaintKey, Value: gpuTaint, Effect: "NoSchedule"})
	}
	if p.Dedicated != "" {
		taints = append(taints, Taint{Key: dedicatedKey, Value: p.Dedicated, Effect: "NoSchedule"})
	}
	return taints
}

// Selector is what a pod must select to land on the pool.
func (p NodePool) Selector() map[string]string {
	labels := p.NodeLabels()
	if len(labels) == 0 {
		return map[string]string{poolKey: p.Name}
	}
	return labels
}
