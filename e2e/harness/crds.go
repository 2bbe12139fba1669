package harness

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Source returns a directory in the source of a module under e2e/tools.
func (r *Rig) Source(module string, elem ...string) (string, error) {
	root := r.config.Sources[module]
	if root == "" {
		return "", fmt.Errorf("the source of e2e/tools/%s was not handed in: run e2e/rig.sh", module)
	}
	return filepath.Join(append([]string{root}, elem...)...), nil
}

// CRDs reads the custom resource definitions that a module ships: of argocd,
// external-secrets, or workflows, whose full schemas these are (a platform is
// rendered with the minimal ones, which accept everything).
func (r *Rig) CRDs(module string) ([]*unstructured.Unstructured, error) {
	places := map[string][]string{
		"argocd":           {"manifests", "crds"},
		"workflows":        {"manifests", "base", "crds", "full"},
		"external-secrets": {"config", "crds", "bases"},
	}
	dir, err := r.Source(module, places[module]...)
	if err != nil {
		return nil, err
	}
	var crds []*unstructured.Unstructured
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects, err := Parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, o := range objects {
			if o.GetKind() == "CustomResourceDefinition" {
				crds = append(crds, o)
			}
		}
		return nil
	})
	if err == nil && len(crds) == 0 {
		err = fmt.Errorf("no CustomResourceDefinition under %s", dir)
	}
	return crds, err
}

// Expect puts into a cluster what a platform expects to find there: the
// definitions of other people's kinds that its objects are of, and the
// namespaces that its objects are in and that it does not render.
func (c *Cluster) Expect(ctx context.Context, objects []*unstructured.Unstructured) error {
	type kind struct{ group, kind string }
	used, defined := map[kind]bool{}, map[kind]bool{}
	made := map[string]bool{}
	for _, o := range objects {
		switch o.GetKind() {
		case "Namespace":
			made[o.GetName()] = true
		case "CustomResourceDefinition":
			group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
			name, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
			defined[kind{group, name}] = true
		}
		used[kind{o.GroupVersionKind().Group, o.GetKind()}] = true
	}
	var expected []*unstructured.Unstructured
	for _, o := range objects {
		if ns := o.GetNamespace(); ns != "" && !made[ns] {
			made[ns] = true
			expected = append(expected, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": ns},
			}})
		}
	}
	for _, module := range []string{"external-secrets", "argocd"} {
		crds, err := c.rig.CRDs(module)
		if err != nil {
			return err
		}
		for _, crd := range crds {
			group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
			name, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
			if k := (kind{group, name}); used[k] && !defined[k] {
				expected = append(expected, crd)
			}
		}
	}
	return c.ApplyAll(ctx, expected)
}
