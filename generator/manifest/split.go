package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"

	"strake/generator/diag"
)

// Split reads a YAML stream of Kubernetes objects. A List is taken apart. What
// is not an object is a finding, never left out in silence; path is where the
// stream comes from.
func Split(path string, data []byte) ([]*Object, diag.List) {
	docs, findings := Documents(path, data)
	var objects []*Object
	for _, doc := range docs {
		more, bad := doc.Objects()
		objects = append(objects, more...)
		findings = append(findings, bad...)
	}
	return objects, findings.Sorted()
}

// Objects reads the objects of one document: one, or the items of a List.
func (d Document) Objects() ([]*Object, diag.List) {
	value, err := Value(d.Node)
	if err != nil {
		return nil, diag.List{d.finding(d.Node, err.Error(), "")}
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, diag.List{d.finding(d.Node, "this is not a Kubernetes object", "An object is a map with apiVersion, kind and metadata.")}
	}
	if items, isList := ListItems(d.Node); isList {
		return d.list(items)
	}
	object, finding := d.object(d.Node, fields, bytes.TrimSpace(d.Text))
	if object == nil {
		return nil, diag.List{finding}
	}
	return []*Object{object}, nil
}

// ListItems returns the item nodes of a document that is a List: a kind that
// ends in List and has a list of items. Lists in lists are taken apart too.
func ListItems(n *yaml.Node) ([]*yaml.Node, bool) {
	kind, items := lookup(n, "kind"), lookup(n, "items")
	if kind.Node == nil || !strings.HasSuffix(kind.Node.Value, "List") || items.Node == nil {
		return nil, false
	}
	if items.Node.Kind != yaml.SequenceNode {
		return nil, isNull(items.Node)
	}
	out := make([]*yaml.Node, 0, len(items.Node.Content))
	for _, child := range items.Node.Content {
		item := resolve(child)
		if inner, nested := ListItems(item); nested {
			out = append(out, inner...)
			continue
		}
		out = append(out, item)
	}
	return out, true
}

func (d Document) list(items []*yaml.Node) (objects []*Object, findings diag.List) {
	for _, item := range items {
		value, err := Value(item)
		if err != nil {
			findings = append(findings, d.finding(item, err.Error(), ""))
			continue
		}
		fields, ok := value.(map[string]any)
		if !ok {
			findings = append(findings, d.finding(item, "this item of a List is not a Kubernetes object", "An object is a map with apiVersion, kind and metadata."))
			continue
		}
		text, err := marshal(fields)
		if err != nil {
			findings = append(findings, d.finding(item, err.Error(), ""))
			continue
		}
		object, finding := d.object(item, fields, text)
		if object == nil {
			findings = append(findings, finding)
			continue
		}
		objects = append(objects, object)
	}
	return objects, findings
}

// object makes an Object with the document as its only layer.
func (d Document) object(n *yaml.Node, fields map[string]any, text []byte) (*Object, diag.Diagnostic) {
	object, err := New(fields, append(bytes.TrimSpace(text), '\n'))
	if err != nil {
		return nil, d.finding(n, err.Error(), "Every object needs apiVersion, kind and metadata.name, all strings.")
	}
	object.Layers = []Layer{{
		Range: Place{Node: n}.Range(d.Range.Path),
		Role:  "resource",
		Find:  Finder(d.Range.Path, n, fields),
	}}
	return object, diag.Diagnostic{}
}

func (d Document) finding(at *yaml.Node, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: RuleObject, Severity: diag.Error, Summary: summary, Detail: detail,
		Range: diag.Range{Path: d.Range.Path, Start: diag.Pos{Line: at.Line, Column: at.Column}},
	}
}

// New makes an Object without layers from its fields. An object without a name
// passes where it has a generateName: the API server will name it.
func New(fields map[string]any, text []byte) (*Object, error) {
	object := &Object{Fields: fields, YAML: text}
	metadata, _ := fields["metadata"].(map[string]any)
	var ok bool
	if object.APIVersion, ok = fields["apiVersion"].(string); !ok || object.APIVersion == "" {
		return nil, fmt.Errorf("the object has no apiVersion")
	}
	if object.Kind, ok = fields["kind"].(string); !ok || object.Kind == "" {
		return nil, fmt.Errorf("the object has no kind")
	}
	for _, part := range []struct {
		key  string
		into *string
	}{{"namespace", &object.Namespace}, {"name", &object.Name}} {
		if value := metadata[part.key]; value != nil {
			if *part.into, ok = value.(string); !ok {
				return nil, fmt.Errorf("metadata.%s is not a string but %v: put quotes around it", part.key, value)
			}
		}
	}
	if generate, _ := metadata["generateName"].(string); object.Name == "" && generate == "" {
		return nil, fmt.Errorf("the %s has no metadata.name", object.Kind)
	}
	return object, nil
}

// marshal writes fields as kustomize does.
func marshal(fields map[string]any) ([]byte, error) {
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return k8syaml.JSONToYAML(data)
}
