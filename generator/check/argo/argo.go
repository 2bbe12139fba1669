// Package argo says what Argo Workflows would say: it decodes the workflow kinds
// as strictly as "argo lint" does, runs Argo's own validation over them until
// every mistake is found, and reads the controller's configuration and the
// artifact repositories with the controller's own types.
//
// It must never talk to a cluster, or hold an opinion of its own: what is
// allowed but unwise is for policies.
package argo

import (
	"context"
	"io"
	"reflect"

	"github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/sirupsen/logrus"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

const group = "argoproj.io"

// Checker judges Argo Workflows' kinds and configuration. It is built once and
// is safe for concurrent use.
type Checker struct {
	shape  *check.Shape
	config *check.Shape
	kinds  map[string]reflect.Type
}

// New prepares the tables.
//
// Argo's validation warns on logrus' standard logger, which writes to stderr:
// that is ours to write. The logger has a lock of its own, and nothing else in
// this program uses it, so that turning it off here is safe and lasting.
func New() check.Check {
	logrus.SetOutput(io.Discard)
	aliases := map[reflect.Type]reflect.Type{
		// Written as a bare list, see its UnmarshalJSON.
		reflect.TypeFor[v1alpha1.ParallelSteps](): reflect.TypeFor[[]v1alpha1.WorkflowStep](),
	}
	return &Checker{
		shape: check.NewShape(false, aliases),
		// The configuration is read by encoding/json, which folds case.
		config: check.NewShape(true, aliases),
		kinds: map[string]reflect.Type{
			"Workflow":                reflect.TypeFor[v1alpha1.Workflow](),
			"WorkflowTemplate":        reflect.TypeFor[v1alpha1.WorkflowTemplate](),
			"ClusterWorkflowTemplate": reflect.TypeFor[v1alpha1.ClusterWorkflowTemplate](),
			"CronWorkflow":            reflect.TypeFor[v1alpha1.CronWorkflow](),
			"WorkflowEventBinding":    reflect.TypeFor[v1alpha1.WorkflowEventBinding](),
			"WorkflowTaskSet":         reflect.TypeFor[v1alpha1.WorkflowTaskSet](),
			"WorkflowTaskResult":      reflect.TypeFor[v1alpha1.WorkflowTaskResult](),
			"WorkflowArtifactGCTask":  reflect.TypeFor[v1alpha1.WorkflowArtifactGCTask](),
		},
	}
}

// Name is the check's name in reports.
func (c *Checker) Name() string { return "argo" }

// Coverage reports how far the kind is judged.
func (c *Checker) Coverage(apiVersion, kind string) check.Depth {
	if apiVersion != group+"/v1alpha1" || c.kinds[kind] == nil {
		return check.Unknown
	}
	if _, linted := specOf(kind); linted {
		return check.Full
	}
	return check.Decoded
}

// specOf is where the workflow spec stands in an object of a kind that Argo
// validates.
func specOf(kind string) (path []string, linted bool) {
	switch kind {
	case "Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate":
		return []string{"spec"}, true
	case "CronWorkflow":
		return []string{"spec", "workflowSpec"}, true
	default:
		return nil, false
	}
}

// Run judges all objects.
func (c *Checker) Run(ctx context.Context, in *check.Input) (diag.List, error) {
	objects := in.Objects()
	findings := c.configuration(objects)
	lib := newLibrary(objects)
	for _, o := range objects {
		if o.Group() != group || c.kinds[o.Kind] == nil {
			continue
		}
		list, fields := c.decode(o)
		findings = append(findings, list...)
		if _, linted := specOf(o.Kind); linted && fields != nil {
			lib.add(o, fields)
		}
	}
	for _, s := range lib.subjects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		findings = append(findings, lib.lint(s)...)
	}
	return findings, nil
}

// find starts an error, whose source line is masked where a secret stands in it.
func find(o *manifest.Object, rule string, path manifest.Path, summary, detail string) diag.Diagnostic {
	d := o.Finding(rule, diag.Error, path, summary, detail)
	d.Sensitive = manifest.IsSensitive(o, path)
	return d
}
