package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Parse reads a stream of YAML documents, such as strake build prints.
func Parse(data []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(objects)+1, err)
		}
		if len(object) > 0 {
			objects = append(objects, &unstructured.Unstructured{Object: object})
		}
	}
}

// Find returns the one object of a kind and name.
func Find(objects []*unstructured.Unstructured, kind, name string) (*unstructured.Unstructured, error) {
	for _, o := range objects {
		if o.GetKind() == kind && o.GetName() == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("no %s %s among %d objects", kind, name, len(objects))
}

// Waves sorts the apps of an environment in the order in which they can be
// applied to an empty cluster: definitions, components, the tenants' guardrails,
// the tenants.
func Waves(apps []string) []string {
	wave := func(app string) int {
		switch {
		case strings.HasSuffix(app, "-crds"):
			return 0
		case strings.HasSuffix(app, "-guardrails"):
			return 2
		case slices.Contains(apps, app+"-guardrails"):
			return 3
		default:
			return 1
		}
	}
	sorted := slices.Clone(apps)
	slices.SortStableFunc(sorted, func(a, b string) int { return wave(a) - wave(b) })
	return sorted
}
