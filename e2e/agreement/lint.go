package agreement

import (
	"context"
	"errors"
	"fmt"

	"github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"
)

// ErrNothing is no verdict: the object is of a kind that argo lint passes over.
var ErrNothing = errors.New("found nothing to lint")

// Lint does what "argo lint --offline" does with its default, strict decoding,
// by the same calls: cmd/argo/lint/lint.go reads, and the offline clients of
// pkg/apiclient validate. It validates one object; those beside it are what
// references are resolved from.
//
// Of a kind that argo lint passes over the error is ErrNothing.
func Lint(ctx context.Context, object []byte, beside [][]byte) error {
	known := templates{}
	for _, data := range append([][]byte{object}, beside...) {
		for _, parsed := range common.ParseObjects(data, false) {
			known.add(parsed.Object)
		}
	}
	linted := false
	for _, parsed := range common.ParseObjects(object, true) {
		if parsed.Object == nil {
			continue
		}
		err := parsed.Err
		if !lintable(parsed.Object) {
			continue
		}
		linted = true
		if err == nil {
			err = known.validate(ctx, parsed.Object)
		}
		if err != nil {
			return err
		}
	}
	if !linted {
		return ErrNothing
	}
	return nil
}

func lintable(object any) bool {
	switch object.(type) {
	case *v1alpha1.Workflow, *v1alpha1.WorkflowTemplate, *v1alpha1.ClusterWorkflowTemplate, *v1alpha1.CronWorkflow:
		return true
	default:
		return false
	}
}

func (t templates) validate(ctx context.Context, object any) error {
	opts := validate.ValidateOpts{Lint: true}
	switch o := object.(type) {
	case *v1alpha1.Workflow:
		return validate.ValidateWorkflow(namespaced{t, o.Namespace}, cluster{t}, o, nil, opts)
	case *v1alpha1.WorkflowTemplate:
		return validate.ValidateWorkflowTemplate(namespaced{t, o.Namespace}, cluster{t}, o, nil, opts)
	case *v1alpha1.ClusterWorkflowTemplate:
		return validate.ValidateClusterWorkflowTemplate(nil, cluster{t}, o, nil, opts)
	case *v1alpha1.CronWorkflow:
		return validate.ValidateCronWorkflow(ctx, namespaced{t, o.Namespace}, cluster{t}, o, nil)
	default:
		return nil
	}
}

// templates are the template objects at hand, by namespace and name.
type templates map[string]any

func (t templates) add(object any) {
	switch o := object.(type) {
	case *v1alpha1.WorkflowTemplate:
		t[o.Namespace+"/"+o.Name] = o
	case *v1alpha1.ClusterWorkflowTemplate:
		t["cluster/"+o.Name] = o
	}
}

type namespaced struct {
	templates
	namespace string
}

func (n namespaced) Get(name string) (*v1alpha1.WorkflowTemplate, error) {
	if o, ok := n.templates[n.namespace+"/"+name].(*v1alpha1.WorkflowTemplate); ok {
		return o, nil
	}
	return nil, fmt.Errorf("couldn't find workflow template %q in namespace %q", name, n.namespace)
}

type cluster struct{ templates }

func (c cluster) Get(name string) (*v1alpha1.ClusterWorkflowTemplate, error) {
	if o, ok := c.templates["cluster/"+name].(*v1alpha1.ClusterWorkflowTemplate); ok {
		return o, nil
	}
	return nil, fmt.Errorf("couldn't find cluster workflow template %q", name)
}
