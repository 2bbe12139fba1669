package argo

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// decode reads an object as strictly as "argo lint" does. With the minimal CRDs
// the API server stores anything, and the controller drops what it does not
// know: a mistake found here is found nowhere else. The second result is the
// object without what does not fit, and nil where even that cannot be read.
func (c *Checker) decode(o *manifest.Object) (diag.List, map[string]any) {
	var findings diag.List
	if o.APIVersion != group+"/v1alpha1" {
		return diag.List{find(o, "argo-decode", o.At("apiVersion"),
			fmt.Sprintf("there is no %s in %s", o.Kind, o.APIVersion), "Write apiVersion: argoproj.io/v1alpha1.")}, nil
	}
	t := c.kinds[o.Kind]
	misfits := c.shape.Misfits(map[string]any(o.Fields), t, nil)
	for _, m := range misfits {
		findings = append(findings, c.misfit(o, m))
	}
	fields := check.Prune(o.Fields, misfits)
	data, err := json.Marshal(fields)
	if err != nil {
		return append(findings, find(o, "argo-decode", nil, "the object cannot be written as JSON: "+err.Error(), "")), nil
	}
	strict, err := kjson.UnmarshalStrict(data, reflect.New(t).Interface())
	for _, e := range strict {
		findings = append(findings, find(o, "argo-decode", nil, e.Error(), ""))
	}
	if err != nil {
		return append(findings, find(o, "argo-decode", nil, strings.TrimPrefix(err.Error(), "json: "), "")), nil
	}
	return findings, fields
}

// misfit reports one field that Argo does not know, or cannot read.
func (c *Checker) misfit(o *manifest.Object, m check.Misfit) diag.Diagnostic {
	if !m.Unknown {
		return find(o, "argo-decode", m.Path, fmt.Sprintf("%s has the wrong type: %s", m.Path, m.Reason), "")
	}
	key := m.Path[len(m.Path)-1].Key
	detail := c.misplaced(o, m, key)
	if detail == "" {
		if meant := m.Suggestion(); meant != "" {
			detail = fmt.Sprintf("Did you mean %q? ", meant)
		} else if len(m.Known) <= 12 {
			detail = "Known here: " + strings.Join(m.Known, ", ") + ". "
		}
		detail += "The cluster stores the field, and Argo ignores it."
	}
	return find(o, "argo-decode", m.Path, fmt.Sprintf("unknown field %q", key), detail)
}

// misplaced says where a field belongs that exists, but one level up or down.
func (c *Checker) misplaced(o *manifest.Object, m check.Misfit, key string) string {
	has := func(t reflect.Type) bool { _, ok := c.shape.Fields(t)[key]; return ok }
	switch m.Owner {
	case reflect.TypeFor[v1alpha1.DAGTask](), reflect.TypeFor[v1alpha1.WorkflowStep]():
		what := "task"
		if m.Owner == reflect.TypeFor[v1alpha1.WorkflowStep]() {
			what = "step"
		}
		name := templateOf(o, m.Path)
		if key == "retryStrategy" {
			return fmt.Sprintf("A %s cannot be retried: Argo ignores the field, and nothing is ever retried. Move it to the template that the %s runs%s, or to spec.templateDefaults.", what, what, name)
		}
		if has(reflect.TypeFor[v1alpha1.Template]()) {
			return fmt.Sprintf("It belongs to the template that the %s runs%s; on the %s, Argo ignores it.", what, name, what)
		}
	case reflect.TypeFor[v1alpha1.Template]():
		if has(reflect.TypeFor[corev1.Container]()) {
			return "It belongs to the template's container (or script): one level further in. Here, Argo ignores it."
		}
		if has(reflect.TypeFor[v1alpha1.WorkflowSpec]()) {
			return "It belongs to the workflow's spec, not to a template. Here, Argo ignores it."
		}
	case reflect.TypeFor[v1alpha1.CronWorkflowSpec]():
		if has(reflect.TypeFor[v1alpha1.WorkflowSpec]()) {
			return "It belongs to spec.workflowSpec. Here, Argo ignores it."
		}
	case reflect.TypeFor[v1alpha1.WorkflowSpec]():
		if has(reflect.TypeFor[v1alpha1.CronWorkflowSpec]()) && o.Kind == "CronWorkflow" {
			return "It belongs to spec, beside workflowSpec. Here, Argo ignores it."
		}
		if has(reflect.TypeFor[v1alpha1.Template]()) {
			return "It belongs to a template, or to spec.templateDefaults. Here, Argo ignores it."
		}
	}
	return ""
}

// templateOf names the template that the task around a path runs.
func templateOf(o *manifest.Object, path manifest.Path) string {
	value, _ := check.Value(o.Fields, path[:len(path)-1])
	task, _ := value.(map[string]any)
	if name, ok := task["template"].(string); ok {
		return fmt.Sprintf(" (%s)", name)
	}
	return ""
}
