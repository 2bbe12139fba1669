package kube

import (
	"context"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// pod is a pod template with the pod it makes.
type pod struct {
	check.PodTemplate
	meta metav1.ObjectMeta
	spec corev1.PodSpec
	// executor is set for Argo's pods where the controller's own containers are
	// known: the last item of spec.Containers is then "wait".
	executor bool
}

// pods judges the pods that an object makes by the rules of their namespace.
func (c *Checker) pods(ctx context.Context, o *manifest.Object, env *environment) diag.List {
	var findings diag.List
	for _, template := range check.PodTemplates(o, env.defaults) {
		p := &pod{PodTemplate: template}
		if !c.fit(template.Spec, &p.spec) || !c.fit(template.Metadata, &p.meta) {
			continue
		}
		if o.Group() == "argoproj.io" {
			p.addExecutor(env.defaults)
			findings = append(findings, p.refused(ctx)...)
		}
		namespaces := []string{o.Namespace}
		if o.Kind == "ClusterWorkflowTemplate" {
			namespaces = env.callers[o.Name]
			if len(namespaces) == 0 {
				env.absent("", o)
			}
		}
		for _, namespace := range namespaces {
			if env.namespaces[namespace] == nil {
				env.absent(namespace, o)
			} else {
				findings = append(findings, c.podSecurity(p, env.namespaces[namespace])...)
			}
			findings = append(findings, resources(p, namespace, env)...)
		}
	}
	return findings.Sorted()
}

// fit reads a part of an object into its type. A value that does not fit has
// its own finding, and is left out here.
func (c *Checker) fit(fields map[string]any, into any) bool {
	if convert(fields, into) {
		return true
	}
	t := reflect.TypeOf(into).Elem()
	reflect.ValueOf(into).Elem().SetZero()
	return convert(check.Prune(fields, c.shape.Misfits(fields, t, nil)), into)
}

// addExecutor adds the wait container as the controller makes it: with the
// securityContext and resources of its executor setting, and nothing else. The
// init container is its twin.
// Source: newExecContainer in workflow/controller/workflowpod.go, v3.7.
func (p *pod) addExecutor(defaults check.WorkflowDefaults) {
	if !defaults.Known {
		return
	}
	wait := corev1.Container{}
	if !convert(defaults.Executor, &wait) {
		return
	}
	resource := append(slices.Clip(p.Path), manifest.Step{Key: "resource"})
	if _, locked := check.Value(p.Object.Fields, resource); locked && wait.SecurityContext == nil {
		return // the controller locks these down by itself
	}
	wait.Name = "wait"
	p.executor = true
	p.spec.Containers = append(p.spec.Containers, wait)
}

// at is the place of a field of a container, or of the pod spec.
func (p *pod) at(path manifest.Path, fields ...string) manifest.Path {
	for _, f := range fields {
		path = append(slices.Clip(path), manifest.Step{Key: f})
	}
	return p.At(path...)
}

// single returns the pod with one of its containers, and with none for -1.
// Containers are counted with init containers first.
func (p *pod) single(i int) *corev1.PodSpec {
	spec := p.spec
	spec.InitContainers, spec.Containers, spec.EphemeralContainers = nil, nil, nil
	init := len(p.spec.InitContainers)
	switch {
	case i < 0:
	case i < init:
		spec.InitContainers = p.spec.InitContainers[i : i+1]
	default:
		spec.Containers = p.spec.Containers[i-init : i-init+1]
	}
	return &spec
}

// containers lists names and places in the order that single counts them. The
// executor's container stands nowhere in the object: its place is the pod's.
func (p *pod) containers() []container {
	var out []container
	for _, c := range p.Containers() {
		if c.List != "ephemeralContainers" {
			out = append(out, container{c.Name, c.Spec})
		}
	}
	if p.executor {
		out = append(out, container{name: "wait"})
	}
	return out
}

type container struct {
	name string
	// spec is its place in the pod spec; empty for the executor's.
	spec manifest.Path
}
