package contracts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// pod is a pod with what patches say of its place.
type pod struct {
	check.PodTemplate
	selector    map[string]any
	tolerations []any
	affinity    map[string]any
	patched     map[string]manifest.Path // where a podSpecPatch says it: nodeSelector, tolerations, affinity
}

func (r *run) pods() []*pod {
	var out []*pod
	for _, o := range r.objects {
		for _, t := range check.PodTemplates(o, r.defaults) {
			p := &pod{PodTemplate: t, patched: map[string]manifest.Path{}}
			p.selector, p.affinity = mapAt(t.Spec, "nodeSelector"), mapAt(t.Spec, "affinity")
			p.tolerations, _ = t.Spec["tolerations"].([]any)
			for _, at := range t.Unknown {
				r.patch(p, at)
			}
			out = append(out, p)
		}
	}
	return out
}

// patch lays a podSpecPatch over a pod. One that Argo fills in when the
// workflow runs is not known.
func (r *run) patch(p *pod, at manifest.Path) {
	value, _ := check.Value(p.Object.Fields, at)
	source, _ := value.(string)
	var fields map[string]any
	if yaml.Unmarshal([]byte(source), &fields) != nil || strings.Contains(source, "{{") && touchesPlace(source) {
		if key := "patch " + p.Object.ID() + at.String(); !r.said[key] {
			r.said[key] = true
			r.finding("contract-unknown", diag.Info, p.Object, at,
				"where the pod goes is not known: podSpecPatch is filled in when the workflow runs",
				"It was held against the node pools without the patch. Write nodeSelector, affinity and tolerations in the template.", r.poolSide()...)
		}
		return
	}
	if m := mapAt(fields, "nodeSelector"); m != nil {
		merged := map[string]any{}
		for _, from := range []map[string]any{p.selector, m} {
			maps.Copy(merged, from)
		}
		p.selector, p.patched["nodeSelector"] = merged, at
	}
	if m := mapAt(fields, "affinity"); m != nil {
		p.affinity, p.patched["affinity"] = m, at
	}
	if list, ok := fields["tolerations"].([]any); ok {
		p.tolerations, p.patched["tolerations"] = list, at
	}
}

func touchesPlace(patch string) bool {
	return strings.Contains(patch, "nodeSelector") || strings.Contains(patch, "affinity") || strings.Contains(patch, "tolerations")
}

func (r *run) poolSide() []diag.Related {
	for _, p := range r.pools {
		return []diag.Related{related(p.res.Range, "a node pool")}
	}
	return nil
}

// at is where a field of the pod's place stands.
func (p *pod) at(field string, rest ...manifest.Step) manifest.Path {
	if path, ok := p.patched[field]; ok {
		return path
	}
	return p.At(append(manifest.Path{{Key: field}}, rest...)...)
}

func (p *pod) title() string {
	if p.Name != "" {
		return p.Object.ID() + " " + p.Name
	}
	return p.Object.ID()
}

// nodeLabel is a label that the nodes of a pool have.
type nodeLabel struct {
	value pattern
	at    diag.Range
}

// nodeLabels are those that are known of a pool. all is false where there may
// be more.
// https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
func (p *pool) nodeLabels() (labels map[string]nodeLabel, all bool) {
	labels = map[string]nodeLabel{"cloud.google.com/gke-nodepool": {p.name, line(p.res, p.body.Get("name"))}}
	spot, preemptible := p.get("spot"), p.get("preemptible")
	switch {
	case yes(spot):
		labels["cloud.google.com/gke-spot"] = nodeLabel{"true", p.at(spot)}
		labels["cloud.google.com/gke-provisioning"] = nodeLabel{"spot", p.at(spot)}
	case spot.Unknown():
		labels["cloud.google.com/gke-spot"] = nodeLabel{hole, p.at(spot)}
		labels["cloud.google.com/gke-provisioning"] = nodeLabel{hole, p.at(spot)}
	case yes(preemptible):
		labels["cloud.google.com/gke-preemptible"] = nodeLabel{"true", p.at(preemptible)}
		labels["cloud.google.com/gke-provisioning"] = nodeLabel{"preemptible", p.at(preemptible)}
	default:
		labels["cloud.google.com/gke-provisioning"] = nodeLabel{"standard", p.at(spot)}
	}
	if gpu := p.get("guest_accelerator.type"); !gpu.Unset() {
		labels["cloud.google.com/gke-accelerator"] = nodeLabel{text(gpu), gpu.Range}
	}
	written := p.get("labels")
	fields, isMap := written.Map()
	for k, v := range fields {
		labels[k] = nodeLabel{text(v), v.Range}
	}
	return labels, written.Unset() || isMap
}

// nodeTaint is a taint that keeps pods off a pool.
type nodeTaint struct {
	key, value, effect pattern
	at                 diag.Range
	doubt              bool // it may not be there
}

func (t nodeTaint) String() string { return fmt.Sprintf("%s=%s:%s", t.key, t.value, t.effect) }

func (p *pool) taints() []nodeTaint {
	var out []nodeTaint
	if p.node == nil {
		return nil
	}
	for _, b := range p.node.Blocks("taint") {
		effect := map[pattern]pattern{"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}[text(b.Get("effect"))]
		t := nodeTaint{key: text(b.Get("key")), value: text(b.Get("value")), effect: effect, at: b.Range, doubt: b.Uncertain != ""}
		if v := b.Get("value"); !v.Range.IsZero() && !v.Unset() {
			t.at = v.Range
		}
		if effect == "" {
			t.effect, t.doubt = hole, true
		}
		out = append(out, t)
	}
	if gpu := p.get("guest_accelerator.type"); !gpu.Unset() {
		// GKE adds it: https://cloud.google.com/kubernetes-engine/docs/how-to/gpus
		out = append(out, nodeTaint{key: "nvidia.com/gpu", value: "present", effect: "NoSchedule", at: gpu.Range})
	}
	return out
}

// refuses returns a taint that certainly keeps the pod off the pool.
func (p *pool) refuses(on *pod) (nodeTaint, bool) {
	for _, t := range p.taints() {
		if t.doubt || t.effect == "PreferNoSchedule" || t.key == "nvidia.com/gpu" && on.asksGPU() {
			continue
		}
		if !slices.ContainsFunc(on.tolerations, func(item any) bool { return tolerates(item, t) }) {
			return t, true
		}
	}
	return nodeTaint{}, false
}

// tolerates: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
func tolerates(item any, t nodeTaint) bool {
	m, _ := item.(map[string]any)
	if effect := stringAt(m, "effect"); effect != "" && !t.effect.may(effect) {
		return false
	}
	key := stringAt(m, "key")
	if stringAt(m, "operator") == "Exists" {
		return key == "" || t.key.may(key)
	}
	return t.key.may(key) && t.value.may(stringAt(m, "value"))
}

// asksGPU reports whether GKE adds the toleration for the taint of GPUs.
func (p *pod) asksGPU() bool {
	for _, c := range p.Containers() {
		for _, list := range []string{"limits", "requests"} {
			if mapAt(c.Fields, "resources", list)["nvidia.com/gpu"] != nil {
				return true
			}
		}
	}
	return false
}

// requirement is one thing that a pod asks of its node's labels.
type requirement struct {
	key, operator string
	values        []string
	at            manifest.Path
}

func (q requirement) String() string {
	switch q.operator {
	case "In":
		return q.key + "=" + strings.Join(q.values, "|")
	default:
		return q.key + " " + q.operator + " " + strings.Join(q.values, "|")
	}
}

// term is one place that would do for a pod: all of its requirements.
type term struct {
	needs     []requirement
	preferred bool
	at        manifest.Path
}

// terms are the places that would do for a pod.
func (p *pod) terms() []term {
	base := term{at: p.at("nodeSelector")}
	for _, key := range sortedKeys(p.selector) {
		value, _ := p.selector[key].(string)
		base.needs = append(base.needs, requirement{key, "In", []string{value}, p.at("nodeSelector", manifest.Step{Key: key})})
	}
	node := mapAt(p.affinity, "nodeAffinity")
	const required, preferred = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
	items, _ := mapAt(node, required)["nodeSelectorTerms"].([]any)
	var out []term
	for i, item := range items {
		m, _ := item.(map[string]any)
		at := p.at("affinity", manifest.Step{Key: "nodeAffinity"}, manifest.Step{Key: required}, manifest.Step{Key: "nodeSelectorTerms"}, manifest.Step{Index: i})
		out = append(out, term{needs: append(slices.Clone(base.needs), p.requirements(m, at)...), at: at})
	}
	if len(out) == 0 {
		out = append(out, base)
	}
	items, _ = node[preferred].([]any)
	for i, item := range items {
		m, _ := item.(map[string]any)
		at := p.at("affinity", manifest.Step{Key: "nodeAffinity"}, manifest.Step{Key: preferred}, manifest.Step{Index: i}, manifest.Step{Key: "preference"})
		out = append(out, term{needs: append(slices.Clone(base.needs), p.requirements(mapAt(m, "preference"), at)...), preferred: true, at: at})
	}
	return out
}

func (p *pod) requirements(m map[string]any, at manifest.Path) []requirement {
	items, _ := m["matchExpressions"].([]any)
	var out []requirement
	for i, item := range items {
		e, _ := item.(map[string]any)
		q := requirement{key: stringAt(e, "key"), operator: stringAt(e, "operator")}
		values, _ := e["values"].([]any)
		for _, v := range values {
			if s, ok := v.(string); ok {
				q.values = append(q.values, s)
			}
		}
		q.at = at
		if _, isPatch := p.patched["affinity"]; !isPatch {
			q.at = below(at, manifest.Step{Key: "matchExpressions"}, manifest.Step{Index: i})
		}
		out = append(out, q)
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// given reports labels that nodes have without anybody writing them, whose
// values are not known here.
func given(key string) bool {
	switch key {
	case "cloud.google.com/gke-nodepool", "cloud.google.com/gke-spot", "cloud.google.com/gke-provisioning", "cloud.google.com/gke-accelerator", "cloud.google.com/gke-preemptible":
		return false
	}
	prefix, _, found := strings.Cut(key, "/")
	return found && (reserved(prefix) || prefix == "topology.gke.io" || prefix == "iam.gke.io")
}

// meets reports whether a pool's nodes could satisfy a requirement.
func (q requirement) meets(p *pool) bool {
	labels, all := p.nodeLabels()
	label, has := labels[q.key]
	if !has && (given(q.key) || !all) {
		return true
	}
	among := has && slices.ContainsFunc(q.values, label.value.may)
	switch q.operator {
	case "In":
		return among
	case "NotIn":
		return !among || !label.value.known() || len(q.values) == 0
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	default:
		return true
	}
}

// placement: every pod has a pool that has what it asks for, and lets it on.
func (r *run) placement() {
	if !r.countsPools() {
		return
	}
	for _, p := range r.pods() {
		r.place(p)
		r.superfluous(p)
	}
}

// countsPools reports whether the pools are all there is: no cluster that makes
// nodes by itself, and nothing that was not read.
func (r *run) countsPools() bool {
	if len(r.pools) == 0 || len(r.clusters_) == 0 {
		return false
	}
	for _, c := range r.clusters_ {
		if auto := c.Get("cluster_autoscaling.enabled"); c.autopilot || yes(auto) || auto.Unknown() {
			return false
		}
	}
	if !r.complete() {
		r.undecided("more node pools")
		return false
	}
	return true
}

// place holds one pod against the pools.
func (r *run) place(p *pod) {
	var dead []term
	required, alive := 0, 0
	terms := p.terms()
	for _, t := range terms {
		ok := r.open(p, t) != nil
		if !t.preferred {
			required++
			if ok {
				alive++
			}
		}
		if !ok {
			dead = append(dead, t)
		}
	}
	if len(dead) == 0 {
		return
	}
	severity := diag.Error
	if alive > 0 || p.Object.Kind == "DaemonSet" {
		severity = diag.Warning // there is another place
	}
	t := dead[0]
	var fits []*pool
	for _, candidate := range r.pools {
		if !slices.ContainsFunc(t.needs, func(q requirement) bool { return !q.meets(candidate) }) {
			fits = append(fits, candidate)
		}
	}
	if len(fits) == 0 {
		r.unmatched(p, t, severity)
		return
	}
	taint, _ := fits[0].refuses(p)
	at := t.at
	if len(p.tolerations) > 0 {
		at = p.at("tolerations")
	}
	r.finding("pool-taint-untolerated", severity, p.Object, at,
		fmt.Sprintf("%s asks for %s and does not tolerate its taint %s", p.title(), fits[0].title(), taint),
		"Write the toleration as the taint is written, or the taint as the pods tolerate it.", related(taint.at, "the taint"))
}

// open finds a pool that would take the pod.
func (r *run) open(p *pod, t term) *pool {
	for _, candidate := range r.pools {
		if slices.ContainsFunc(t.needs, func(q requirement) bool { return !q.meets(candidate) }) {
			continue
		}
		if _, refused := candidate.refuses(p); !refused {
			return candidate
		}
	}
	return nil
}

// unmatched: no pool has the labels. The other side is the label that comes
// nearest.
func (r *run) unmatched(p *pod, t term, severity diag.Severity) {
	var wanted []string
	q := t.needs[0]
	for _, need := range t.needs {
		wanted = append(wanted, need.String())
		if !slices.ContainsFunc(r.pools, need.meets) {
			q = need
		}
	}
	other := related(r.pools[0].res.Range, "a node pool")
	for _, candidate := range r.pools {
		labels, _ := candidate.nodeLabels()
		label, has := labels[q.key]
		if !has {
			for key, l := range labels {
				if diag.DidYouMean(q.key, []string{key}) != "" {
					label, has = l, true
				}
			}
		}
		if !has {
			continue
		}
		near := len(q.values) > 0 && diag.DidYouMean(q.values[0], []string{string(label.value)}) != ""
		if near || other.Message == "a node pool" {
			other = related(label.at, fmt.Sprintf("what %s has", candidate.title()))
		}
		if near {
			break
		}
	}
	r.finding("pool-selector-unmatched", severity, p.Object, q.at,
		fmt.Sprintf("%s asks for nodes with %s, and no node pool has them", p.title(), strings.Join(wanted, ", ")),
		"Ask for labels that a pool has, or give a pool the labels.", other)
}

// superfluous: a toleration of a taint that no pool has does nothing, and is
// mostly a misspelt one.
func (r *run) superfluous(p *pod) {
	if p.Object.Kind == "DaemonSet" || p.asksGPU() {
		return
	}
	for i, item := range p.tolerations {
		m, _ := item.(map[string]any)
		key := stringAt(m, "key")
		if key == "" || strings.HasPrefix(key, "node.kubernetes.io/") || strings.HasPrefix(key, "kubernetes.io/") || key == "nvidia.com/gpu" {
			continue
		}
		used := slices.ContainsFunc(r.pools, func(candidate *pool) bool {
			return slices.ContainsFunc(candidate.taints(), func(t nodeTaint) bool { return t.doubt || tolerates(item, t) })
		})
		if used || r.refusedAnyway(p) || strings.HasPrefix(key, "cloud.google.com/gke-") && slices.ContainsFunc(r.pools, r.spotOpen) {
			continue
		}
		r.finding("toleration-without-taint", diag.Info, p.Object, p.at("tolerations", manifest.Step{Index: i}),
			fmt.Sprintf("%s tolerates a taint %s that no node pool has", p.title(), key),
			"It keeps nothing away and lets nothing in. Taint the pool, or take the toleration out.", r.poolSide()...)
	}
}

// spotOpen: a Spot pool without a taint is reported by itself.
func (r *run) spotOpen(p *pool) bool { return p.spot() && !r.tainted(p) }

// refusedAnyway: the pod's places were reported.
func (r *run) refusedAnyway(p *pod) bool {
	return slices.ContainsFunc(p.terms(), func(t term) bool { return r.open(p, t) == nil })
}
