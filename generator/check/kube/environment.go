package kube

import (
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// environment is what the objects of one environment say about the namespaces
// that the others live in.
type environment struct {
	defaults   check.WorkflowDefaults
	namespaces map[string]*manifest.Object
	limits     map[string][]*corev1.LimitRange
	quotas     map[string][]quota
	// callers are the namespaces that use a ClusterWorkflowTemplate.
	callers map[string][]string

	mu      sync.Mutex
	missing map[string]*manifest.Object // namespace → the first object that has pods there
}

type quota struct {
	object *manifest.Object
	value  *corev1.ResourceQuota
}

// newEnvironment looks through the objects once.
func newEnvironment(objects []*manifest.Object) *environment {
	e := &environment{
		defaults:   check.ControllerDefaults(objects),
		namespaces: map[string]*manifest.Object{},
		limits:     map[string][]*corev1.LimitRange{},
		quotas:     map[string][]quota{},
		callers:    map[string][]string{},
		missing:    map[string]*manifest.Object{},
	}
	for _, o := range objects {
		switch {
		case o.Group() == "argoproj.io":
			e.call(o.Namespace, o.Fields)
		case o.Group() != "":
		case o.Kind == "Namespace":
			e.namespaces[o.Name] = o
		case o.Kind == "LimitRange":
			if lr := (&corev1.LimitRange{}); convert(o.Fields, lr) {
				e.limits[o.Namespace] = append(e.limits[o.Namespace], lr)
			}
		case o.Kind == "ResourceQuota":
			if q := (&corev1.ResourceQuota{}); convert(o.Fields, q) {
				q.Status.Hard = q.Spec.Hard // where the quota's own controller copies it
				e.quotas[o.Namespace] = append(e.quotas[o.Namespace], quota{o, q})
			}
		}
	}
	return e
}

// call notes which ClusterWorkflowTemplates an object refers to, at any depth.
func (e *environment) call(namespace string, value any) {
	switch v := value.(type) {
	case map[string]any:
		name, named := v["name"].(string)
		if cluster, _ := v["clusterScope"].(bool); cluster && named {
			e.callers[name] = append(e.callers[name], namespace)
		}
		for _, item := range v {
			e.call(namespace, item)
		}
	case []any:
		for _, item := range v {
			e.call(namespace, item)
		}
	}
}

// convert reads an object into its type. One that does not fit has a finding of
// its own, and counts as absent here.
func convert(fields any, into any) bool {
	data, err := json.Marshal(fields)
	return err == nil && json.Unmarshal(data, into) == nil
}

// absent notes that pods run in a namespace that nothing here describes.
func (e *environment) absent(namespace string, o *manifest.Object) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if first := e.missing[namespace]; first == nil || o.ID() < first.ID() {
		e.missing[namespace] = o
	}
}

// missingNamespaces says once per namespace that its rules are not known.
func (e *environment) missingNamespaces() diag.List {
	var findings diag.List
	for namespace, o := range e.missing {
		what := fmt.Sprintf("namespace %q is not rendered here", namespace)
		if namespace == "" {
			what = fmt.Sprintf("%s names no namespace", o.ID())
		}
		if o.Kind == "ClusterWorkflowTemplate" {
			what = fmt.Sprintf("nothing rendered here uses %s", o.ID())
		}
		findings = append(findings, o.Finding("pod-security-unknown", diag.Info, o.At("metadata", "namespace"),
			what+": its Pod Security level, limits and quota are not known, and its pods were not judged by them",
			"Render the Namespace object, with a pod-security.kubernetes.io/enforce label, in the same environment."))
	}
	return findings
}
