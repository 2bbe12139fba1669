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

// ApplyCRDs applies the definitions of modules and waits until they are served.
func (c *Cluster) ApplyCRDs(ctx context.Context, modules ...string) error {
	for _, module := range modules {
		crds, err := c.rig.CRDs(module)
		if err != nil {
			return err
		}
		if err := c.ApplyAll(ctx, crds); err != nil {
			return fmt.Errorf("CRDs of %s: %w", module, err)
		}
	}
	return nil
}
