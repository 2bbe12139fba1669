package kube

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"

	"strake/generator/check"
)

// TestMapKeys compares the table with Kubernetes' own OpenAPI, for every type
// that an object of a judged kind can hold.
func TestMapKeys(t *testing.T) {
	t.Parallel()
	shape := check.NewShape(false, nil)
	reachable := map[string]bool{}
	var visit func(reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(t.Elem())
		case reflect.Struct:
			name := t.PkgPath() + "." + t.Name()
			if reachable[name] {
				return
			}
			reachable[name] = true
			for _, f := range shape.Fields(t) {
				visit(f)
			}
		}
	}
	cat := builtin()
	for gvk, goType := range cat.scheme.AllKnownTypes() {
		_, gone := removedAPI(gvk.GroupVersion().String(), gvk.Kind)
		if _, judged := cat.strategies[gvk.GroupKind()]; judged && !gone && !strings.HasPrefix(gvk.Version, "__") {
			visit(goType)
		}
	}
	want := map[string]map[string][]string{}
	for name, def := range openapi.GetOpenAPIDefinitions(func(string) spec.Ref { return spec.Ref{} }) {
		if !reachable[name] || strings.HasSuffix(name, "Status") || name == "k8s.io/api/core/v1.ResourceStatus" || name == "k8s.io/api/batch/v1.UncountedTerminatedPods" {
			continue // what the cluster writes is not in Git
		}
		for field, property := range def.Schema.Properties {
			keys := []string{}
			switch property.Extensions["x-kubernetes-list-type"] {
			case "map":
				list, ok := property.Extensions["x-kubernetes-list-map-keys"].([]any)
				if !ok {
					t.Fatalf("%s.%s has no keys", name, field)
				}
				for _, key := range list {
					keys = append(keys, key.(string))
				}
			case "set":
			default:
				continue
			}
			if want[name] == nil {
				want[name] = map[string][]string{}
			}
			want[name][field] = keys
		}
	}
	got := map[string]map[string][]string{}
	for name, fields := range mapKeys() {
		if reachable[name] {
			got[name] = fields
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("keys (-OpenAPI +table):\n%s", d)
	}
}
