package rego

import (
	"cmp"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"

	"strake/generator/check"
)

// environmentInput is what rules below strake.rules see: environment, objects,
// spec, terraform, external, partial (more is delivered beside these objects)
// and today. The objects are converted once, by the caller.
func environmentInput(in *check.Input, objects []*ast.Term, today string) (ast.Value, error) {
	roots := make([]any, 0, len(in.Terraform))
	for _, root := range in.Terraform {
		roots = append(roots, root.JSON())
	}
	rest, err := ast.InterfaceToValue(map[string]any{
		"environment": in.Environment,
		"spec":        in.Spec,
		"terraform":   roots,
		"external":    external(in.Spec),
		"partial":     in.Partial,
		"today":       today,
	})
	if err != nil {
		return nil, fmt.Errorf("convert the spec of %s: %w", in.Environment, err)
	}
	input, ok := rest.(ast.Object)
	if !ok {
		return nil, fmt.Errorf("convert the spec of %s: not an object", in.Environment)
	}
	input.Insert(ast.StringTerm("objects"), ast.ArrayTerm(objects...))
	return input, nil
}

// external lists objects that the environment has though no overlay renders
// them: those of a Helm release that the spec says owns Argo Workflows.
func external(spec map[string]any) []any {
	out := []any{}
	workflows, _ := spec["workflows"].(map[string]any)
	if workflows["install"] != "external" {
		return out
	}
	helm, _ := workflows["helm"].(map[string]any)
	namespace, _ := workflows["namespace"].(string)
	add := func(kind, key, otherwise string) {
		name, _ := helm[key].(string)
		out = append(out, map[string]any{
			"kind": kind, "namespace": cmp.Or(namespace, "argo"), "name": cmp.Or(name, otherwise), "role": key,
		})
	}
	// The defaults are those of the chart argo-workflows with the release name argo.
	add("ServiceAccount", "controllerServiceAccount", "argo-workflows-workflow-controller")
	add("ServiceAccount", "serverServiceAccount", "argo-workflows-server")
	add("ConfigMap", "configMap", "argo-workflows-workflow-controller-configmap")
	return out
}
