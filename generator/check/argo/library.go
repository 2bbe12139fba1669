package argo

import (
	"encoding/json"

	"github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// library holds the workflow kinds of one environment, so that references from
// one to another resolve as they will in the cluster.
type library struct {
	subjects  []*subject
	templates map[ref]*subject
	// namespaces are those that the environment describes: what is not in them
	// does not exist.
	namespaces map[string]bool
	defaults   *v1alpha1.Workflow
}

// ref names a WorkflowTemplate, or with an empty namespace a
// ClusterWorkflowTemplate.
type ref struct{ namespace, name string }

func newLibrary(objects []*manifest.Object) *library {
	l := &library{templates: map[ref]*subject{}, namespaces: map[string]bool{}}
	for _, o := range objects {
		if o.Kind == "Namespace" && o.Group() == "" {
			l.namespaces[o.Name] = true
		}
	}
	if spec := check.ControllerDefaults(objects).Spec; spec != nil {
		data, err := json.Marshal(map[string]any{"spec": spec})
		wf := &v1alpha1.Workflow{}
		// Defaults that cannot be read are a finding of the ConfigMap.
		if err == nil && json.Unmarshal(data, wf) == nil {
			l.defaults = wf
		}
	}
	return l
}

// add takes an object in; fields are those that Argo can read.
func (l *library) add(o *manifest.Object, fields map[string]any) {
	path, _ := specOf(o.Kind)
	s := &subject{o: o, fields: fields, specPath: path}
	l.subjects = append(l.subjects, s)
	switch o.Kind {
	case "WorkflowTemplate":
		l.templates[ref{o.Namespace, o.Name}] = s
		l.namespaces[o.Namespace] = true
	case "ClusterWorkflowTemplate":
		l.templates[ref{"", o.Name}] = s
		l.namespaces[""] = true
	}
}

// known reports whether the environment would hold the template if it existed.
func (l *library) known(r ref) bool { return l.namespaces[r.namespace] }

// names lists the templates that stand where r is looked for.
func (l *library) names(r ref) []string {
	var out []string
	for other := range l.templates {
		if other.namespace == r.namespace {
			out = append(out, other.name)
		}
	}
	return out
}

// namespaced and cluster are the getters that Argo's validation asks.
type namespaced struct {
	library   *library
	namespace string
}

func (g namespaced) Get(name string) (*v1alpha1.WorkflowTemplate, error) {
	out := &v1alpha1.WorkflowTemplate{}
	return out, g.library.get(ref{g.namespace, name}, out)
}

type cluster struct{ library *library }

func (g cluster) Get(name string) (*v1alpha1.ClusterWorkflowTemplate, error) {
	out := &v1alpha1.ClusterWorkflowTemplate{}
	return out, g.library.get(ref{"", name}, out)
}

// get decodes a fresh copy each time: validation writes into what it is given.
func (l *library) get(r ref, into any) error {
	s, ok := l.templates[r]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Group: group, Resource: "workflowtemplates"}, r.name)
	}
	data, err := json.Marshal(s.fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// lint validates one object, once.
func (l *library) lint(s *subject) diag.List {
	if !s.linted {
		s.linted = true
		s.findings = newLinter(l, s).run()
	}
	return s.findings
}
