//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"strake/e2e/harness"
)

// tenant is a tenant's rendered tree, guardrails and app, in a namespace.
type tenant struct {
	w         *engine
	namespace string
	// rendered is the tree as Strake rendered it, in this namespace; applied is
	// what stands in the cluster, which differs where a scenario says so.
	rendered, applied []*unstructured.Unstructured
	// member is one of the tenant's people, who has what the rendered role of
	// the tenant's group gives and nothing else.
	member dynamic.Interface
}

// edit changes a tree before it is applied.
type edit func(objects []*unstructured.Unstructured) error

// tenant applies a tenant's tree in a namespace, edited. The name of the
// namespace is all that is changed for that: scenarios that must not see each
// other have one each, and the one that the spec names has the tree as rendered.
func (w *engine) tenant(ctx context.Context, name, namespace string, edits ...edit) (*tenant, error) {
	t := &tenant{w: w, namespace: namespace}
	for _, o := range slices.Concat(w.rendered[name+"-guardrails"], w.rendered[name]) {
		t.rendered = append(t.rendered, o.DeepCopy())
	}
	if len(t.rendered) == 0 {
		return nil, fmt.Errorf("nothing is rendered for a tenant %s", name)
	}
	if err := move(t.rendered, namespace); err != nil {
		return nil, err
	}
	for _, o := range t.rendered {
		t.applied = append(t.applied, o.DeepCopy())
	}
	for i, change := range edits {
		before := clone(t.applied)
		if err := change(t.applied); err != nil {
			return nil, err
		}
		if reflect.DeepEqual(before, t.applied) {
			return nil, fmt.Errorf("edit %d changes nothing in the tree of %s", i+1, name)
		}
	}
	if err := w.c.ApplyAll(ctx, t.applied); err != nil {
		return nil, err
	}
	if err := w.c.Secrets(ctx, t.applied, w.secret); err != nil {
		return nil, err
	}
	return t, t.admitMember()
}

func clone(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var copies []*unstructured.Unstructured
	for _, o := range objects {
		copies = append(copies, o.DeepCopy())
	}
	return copies
}

// move puts a tenant's objects into another namespace.
func move(objects []*unstructured.Unstructured, to string) error {
	for _, o := range objects {
		if o.GetKind() == "Namespace" {
			o.SetName(to)
			continue
		}
		from := o.GetNamespace()
		o.SetNamespace(to)
		if o.GetKind() != "RoleBinding" {
			continue
		}
		subjects, _, err := unstructured.NestedSlice(o.Object, "subjects")
		if err != nil {
			return err
		}
		for _, s := range subjects {
			if subject, ok := s.(map[string]any); ok && subject["namespace"] == from {
				subject["namespace"] = to
			}
		}
		if err := unstructured.SetNestedSlice(o.Object, subjects, "subjects"); err != nil {
			return err
		}
	}
	return nil
}

// admitMember makes the client of a member of the group that the rendered
// binding names.
func (t *tenant) admitMember() error {
	binding, err := harness.Find(t.rendered, "RoleBinding", "tenant-member")
	if err != nil {
		return err
	}
	subjects, _, err := unstructured.NestedSlice(binding.Object, "subjects")
	if err != nil || len(subjects) != 1 {
		return errors.Join(err, fmt.Errorf("RoleBinding tenant-member has %d subjects", len(subjects)))
	}
	subject, _ := subjects[0].(map[string]any)
	if subject["kind"] != "Group" {
		return fmt.Errorf("RoleBinding tenant-member has the subject %v, not a group", subject)
	}
	config := rest.CopyConfig(t.w.c.Admin)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "someone@example.com", Groups: []string{fmt.Sprint(subject["name"]), "system:authenticated"},
	}
	t.member, err = dynamic.NewForConfig(config)
	return err
}

func workflowResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}
}

// submit starts a pipeline from its rendered template, as its CronWorkflow does,
// with the rights of the tenant's people.
//
// A template that was applied a moment ago may not be known to the controller
// yet; then it is submitted again, as a person would.
func (t *tenant) submit(ctx context.Context, pipeline string) (*flow, error) {
	workflows := t.member.Resource(workflowResource()).Namespace(t.namespace)
	wanted := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
		"metadata": map[string]any{"generateName": pipeline + "-"},
		"spec":     map[string]any{"workflowTemplateRef": map[string]any{"name": pipeline}},
	}}
	f := &flow{t: t, pipeline: pipeline, seen: map[types.UID]bool{}}
	err := harness.Until(ctx, 20*time.Second, func(ctx context.Context) error {
		if f.name == "" {
			made, err := workflows.Create(ctx, wanted, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
			if err != nil {
				return final("a member of the tenant submits %s: %w", pipeline, err)
			}
			f.name = made.GetName()
		}
		workflow, err := f.workflow(ctx)
		switch {
		case err != nil:
			return err
		case workflow.Status.Phase == "":
			return fmt.Errorf("the controller has not seen %s", f.name)
		case workflow.Status.Phase == wfv1.WorkflowError && strings.Contains(workflow.Status.Message, fmt.Sprintf("%q not found", pipeline)):
			f.name = ""
			return ending(workflow)
		}
		return nil
	})
	return f, err
}

// template is the pipeline's template in the tree as rendered.
func (t *tenant) template(pipeline string) (*wfv1.WorkflowTemplate, error) {
	o, err := harness.Find(t.rendered, "WorkflowTemplate", pipeline)
	if err != nil {
		return nil, err
	}
	var template wfv1.WorkflowTemplate
	return &template, into(o, &template)
}

// edited finds an object and changes it.
func edited(kind, name string, change func(o *unstructured.Unstructured) error) edit {
	return func(objects []*unstructured.Unstructured) error {
		o, err := harness.Find(objects, kind, name)
		if err != nil {
			return err
		}
		return change(o)
	}
}

// steps changes the templates of a pipeline one by one.
func steps(pipeline string, change func(step map[string]any)) edit {
	return edited("WorkflowTemplate", pipeline, func(o *unstructured.Unstructured) error {
		templates, _, err := unstructured.NestedSlice(o.Object, "spec", "templates")
		if err != nil {
			return err
		}
		for _, entry := range templates {
			if step, ok := entry.(map[string]any); ok {
				change(step)
			}
		}
		return unstructured.SetNestedSlice(o.Object, templates, "spec", "templates")
	})
}

// hurried shortens the first wait of the rendered retry strategy from minutes to
// a second, and leaves the rest of it as rendered.
func hurried(pipeline string) edit {
	return steps(pipeline, func(step map[string]any) {
		if _, ok, _ := unstructured.NestedString(step, "retryStrategy", "backoff", "duration"); ok {
			_ = unstructured.SetNestedField(step, "1s", "retryStrategy", "backoff", "duration")
		}
	})
}

// unretried removes the retry strategy.
func unretried(pipeline string) edit {
	return steps(pipeline, func(step map[string]any) { delete(step, "retryStrategy") })
}

// tolerating gives the toleration of a taint another value.
func tolerating(pipeline, taint, value string) edit {
	return steps(pipeline, func(step map[string]any) {
		tolerations, _ := step["tolerations"].([]any)
		for _, entry := range tolerations {
			if toleration, ok := entry.(map[string]any); ok && toleration["key"] == taint {
				toleration["value"] = value
			}
		}
	})
}

// withoutVerb takes a verb on a resource out of a Role.
func withoutVerb(kind, role, resource, verb string) edit {
	return edited(kind, role, func(o *unstructured.Unstructured) error {
		rules, _, err := unstructured.NestedSlice(o.Object, "rules")
		if err != nil {
			return err
		}
		for _, entry := range rules {
			rule, _ := entry.(map[string]any)
			resources, _ := rule["resources"].([]any)
			verbs, _ := rule["verbs"].([]any)
			if slices.Contains(resources, any(resource)) {
				rule["verbs"] = slices.DeleteFunc(verbs, func(v any) bool { return v == verb })
			}
		}
		return unstructured.SetNestedSlice(o.Object, rules, "rules")
	})
}

// withoutDefaultRepository drops the annotation that says which of the artifact
// repositories of the namespace is the default.
func withoutDefaultRepository() edit {
	return edited("ConfigMap", "artifact-repositories", func(o *unstructured.Unstructured) error {
		unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "workflows.argoproj.io/default-artifact-repository")
		return nil
	})
}

// withoutPodSecurity drops the label by which the namespace refuses Pods.
func withoutPodSecurity(namespace string) edit {
	return edited("Namespace", namespace, func(o *unstructured.Unstructured) error {
		unstructured.RemoveNestedField(o.Object, "metadata", "labels", "pod-security.kubernetes.io/enforce")
		return nil
	})
}

// pool is the name of the pool that a Pod was placed on, and whether it is a
// Spot node that keeps Pods off which do not tolerate that.
func (t *tenant) pool(ctx context.Context, pod *corev1.Pod) (name string, spot bool, err error) {
	node, err := t.w.c.Clients.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
	if err != nil {
		return "", false, err
	}
	tainted := slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Key == "cloud.google.com/gke-spot" && taint.Value == "true" && taint.Effect == corev1.TaintEffectNoSchedule
	})
	return node.Labels["cloud.google.com/gke-nodepool"], tainted && node.Labels["cloud.google.com/gke-spot"] == "true", nil
}
