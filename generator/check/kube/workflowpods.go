package kube

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	corepod "k8s.io/kubernetes/pkg/registry/core/pod"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// refused reports what the API server would refuse in the pods that a workflow
// makes. Nobody else sees it before the workflow runs: the server stores the
// template unread, and Argo's own validation does not look into containers.
func (p *pod) refused(ctx context.Context) diag.List {
	own := *p
	own.executor = false
	if p.executor {
		own.spec.Containers = p.spec.Containers[:len(p.spec.Containers)-1]
	}
	internal, ok := own.internal(&own.spec, nil)
	if !ok {
		return nil
	}
	internal.Name, internal.Namespace = "pod", "default"
	ctx = genericapirequest.WithNamespace(ctx, internal.Namespace)
	made := &manifest.Object{APIVersion: "v1", Kind: "Pod", Fields: map[string]any{"spec": p.Spec}}
	var findings diag.List
	for _, e := range distinct(made, corepod.Strategy.Validate(ctx, internal)) {
		if p.unsettled(e) {
			continue
		}
		path := check.FieldPath(made, e.Field)
		at := p.Path
		if len(path) > 1 && path[0].Key == "spec" {
			at = p.At(path[1:]...)
		}
		summary, detail := withoutExample(fmt.Sprintf("%s: %s", at, describe(p.Object, e, at)))
		findings = append(findings, finding(p.Object, "api-invalid", diag.Error, at, summary, detail))
	}
	return findings
}

// unsettled reports whether an error is about something that is only known, or
// only added, when the workflow runs: a variable, the volumes of artifacts and
// claims, the containers that Argo adds, and an image, of which Argo speaks.
func (p *pod) unsettled(e *field.Error) bool {
	if len(p.Unknown) > 0 || strings.Contains(fmt.Sprint(e.BadValue, e.Detail), "{{") {
		return true
	}
	switch e.Type {
	case field.ErrorTypeNotFound:
		return strings.Contains(e.Field, "volumeMounts") || strings.Contains(e.Field, "volumeDevices")
	case field.ErrorTypeRequired:
		return e.Field == "spec.containers" || strings.HasSuffix(e.Field, ".image")
	default:
		return !strings.HasPrefix(e.Field, "spec.")
	}
}
