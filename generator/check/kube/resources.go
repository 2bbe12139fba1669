package kube

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	quotav1 "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	quotacore "k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"
	"k8s.io/utils/clock"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// resources judges a pod by the LimitRanges and ResourceQuotas of a namespace,
// with the admission plugins' own functions.
func resources(p *pod, namespace string, env *environment) diag.List {
	limits, quotas := env.limits[namespace], env.quotas[namespace]
	if len(limits) == 0 && len(quotas) == 0 {
		return nil
	}
	whole, ok := p.internal(&p.spec, limits)
	if !ok {
		return nil
	}
	var findings diag.List
	for _, lr := range limits {
		findings = append(findings, p.limited(lr, limits, whole, namespace)...)
	}
	evaluator := quotacore.NewPodEvaluator(nil, clock.RealClock{})
	for _, q := range quotas {
		if matches, err := evaluator.Matches(q.value, whole); err != nil || !matches {
			continue
		}
		required := quotav1.ResourceNames(q.value.Spec.Hard)
		if err := evaluator.Constraints(required, whole); err != nil {
			findings = append(findings, p.Object.Finding("quota-requests-missing", diag.Error, p.missingRequests(required, limits),
				fmt.Sprintf("the quota %s of namespace %s demands what the pod does not say: it %s", q.value.Name, namespace, err),
				"Set it under resources: of the containers, or give the namespace a LimitRange with default and defaultRequest."))
			continue
		}
		if usage, err := evaluator.Usage(whole); err == nil {
			findings = append(findings, p.exceeds(q, usage, namespace)...)
		}
	}
	return findings
}

// internal makes the pod that admission sees: defaulted, with the LimitRanges'
// own defaults filled in.
func (p *pod) internal(spec *corev1.PodSpec, limits []*corev1.LimitRange) (*core.Pod, bool) {
	v1pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod", Labels: p.meta.Labels}, Spec: *spec.DeepCopy()}
	legacyscheme.Scheme.Default(v1pod)
	out := &core.Pod{}
	if err := legacyscheme.Scheme.Convert(v1pod, out, nil); err != nil {
		return nil, false
	}
	for _, lr := range limits {
		if err := limitranger.PodMutateLimitFunc(lr, out); err != nil {
			return nil, false
		}
	}
	return out, true
}

// limited reports what breaks one LimitRange: the limits for containers on each
// container alone, those for pods on the whole.
func (p *pod) limited(lr *corev1.LimitRange, all []*corev1.LimitRange, whole *core.Pod, namespace string) diag.List {
	var findings diag.List
	add := func(err error, who string, at manifest.Path) {
		for _, e := range flatten(err) {
			findings = append(findings, p.Object.Finding("quota-limit-range", diag.Error, at,
				fmt.Sprintf("%s breaks the LimitRange %s of namespace %s: %s", who, lr.Name, namespace, e), ""))
		}
	}
	if forPods := only(lr, corev1.LimitTypePod); len(forPods.Spec.Limits) > 0 {
		add(limitranger.PodValidateLimitFunc(forPods, whole), "the pod", p.Path)
	}
	forContainers := only(lr, corev1.LimitTypeContainer)
	for i, ctr := range p.containers() {
		if one, ok := p.internal(p.single(i), all); ok {
			add(limitranger.PodValidateLimitFunc(forContainers, one), fmt.Sprintf("container %q", ctr.name), p.resourcesOf(ctr))
		}
	}
	return findings
}

// resourcesOf is where a container's resources are, or belong.
func (p *pod) resourcesOf(ctr container) manifest.Path {
	if len(ctr.spec) == 0 {
		return p.Path
	}
	return p.at(ctr.spec, "resources")
}

func only(lr *corev1.LimitRange, t corev1.LimitType) *corev1.LimitRange {
	out := lr.DeepCopy()
	out.Spec.Limits = slices.DeleteFunc(out.Spec.Limits, func(i corev1.LimitRangeItem) bool { return i.Type != t })
	return out
}

// flatten lists the errors of an aggregate in a stable order, each once.
func flatten(err error) []string {
	var texts []string
	if aggregate, ok := errors.AsType[utilerrors.Aggregate](err); ok {
		for _, e := range aggregate.Errors() {
			texts = append(texts, strings.ReplaceAll(e.Error(), ".  ", ", and "))
		}
	} else if err != nil {
		texts = []string{err.Error()}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// missingRequests points at the first container that does not say what a quota
// demands.
func (p *pod) missingRequests(required []corev1.ResourceName, limits []*corev1.LimitRange) manifest.Path {
	evaluator := quotacore.NewPodEvaluator(nil, clock.RealClock{})
	for i, ctr := range p.containers() {
		one, ok := p.internal(p.single(i), limits)
		if ok && evaluator.Constraints(required, one) != nil {
			return p.resourcesOf(ctr)
		}
	}
	return p.Path
}

// exceeds reports a pod that is larger than the whole quota: it can never run.
// Replicas count, since they all have to run at the same time.
func (p *pod) exceeds(q quota, usage corev1.ResourceList, namespace string) diag.List {
	replicas := p.replicas()
	var findings diag.List
	for _, name := range slices.Sorted(maps.Keys(q.value.Spec.Hard)) {
		used, counted := usage[name]
		hard := q.value.Spec.Hard[name]
		if !counted {
			continue
		}
		total := used.DeepCopy()
		total.Mul(replicas)
		if total.Cmp(hard) <= 0 {
			continue
		}
		d := p.Object.Finding("quota-exceeded", diag.Error, p.place(replicas),
			fmt.Sprintf("it needs %s of %s, and the quota %s of namespace %s has %s", total.String(), name, q.value.Name, namespace, hard.String()),
			"Ask for less, or raise the quota.")
		if r, _ := q.object.Locate(q.object.At("spec", "hard", string(name))); !r.IsZero() {
			d.Related = append(d.Related, diag.Related{Range: r, Message: "the quota"})
		}
		findings = append(findings, d)
	}
	return findings
}

// replicas is how many of the pod run at the same time, at the least.
func (p *pod) replicas() int64 {
	spec, _ := p.Object.Fields["spec"].(map[string]any)
	switch p.Object.Kind {
	case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController":
		if n, ok := spec["replicas"].(int64); ok {
			return n
		}
	case "Job":
		if n, ok := spec["parallelism"].(int64); ok {
			return n
		}
	}
	return 1
}

func (p *pod) place(replicas int64) manifest.Path {
	if replicas > 1 && p.Object.Kind != "Job" {
		return p.Object.At("spec", "replicas")
	}
	return p.Path
}
