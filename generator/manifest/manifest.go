// Package manifest holds Kubernetes objects together with the places that
// humans wrote them: identity, lookup by path, splitting of YAML streams,
// masking of secrets, and the difference between two sets of objects.
//
// It must never build a kustomization or judge an object: build makes the
// objects, check judges them.
package manifest

import (
	"strconv"
	"strings"

	"strake/generator/diag"
)

// Object is one Kubernetes object as a build printed it.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	// Fields is the object in JSON form: map[string]any, []any, string, bool,
	// int64, float64, nil. It is shared: nobody may change it.
	Fields map[string]any
	// YAML is the document as the build printed it, without separators.
	YAML []byte
	// Layers are the places that made the object: the resource document first,
	// then every patch that touched it, in the order they were applied.
	Layers []Layer
}

// Layer is one place that contributed to an object.
type Layer struct {
	// Range is the whole document or the whole patch entry.
	Range diag.Range
	// Role says what the place is: "resource", "patch", "generator", or
	// "transformer": a field of a kustomization that changes many objects, such
	// as namespace or images.
	Role string
	// Find returns the range of the value at a path of the object within this
	// layer. exact is false when only an ancestor of the path stands here, and
	// the range is then the nearest ancestor's. A nil Find knows only Range.
	Find func(path Path) (r diag.Range, exact bool)
}

// Step is one step of a Path: a key of a map, or an item of a list.
type Step struct {
	Key string
	// Index is the item's place in the built object's list, for a step into a
	// list; Key is then empty.
	Index int
	// Name is the item's own "name" value (or "" without one): list items move
	// when patches merge, their names do not.
	Name string
}

// Path is a place in an object.
type Path []Step

// At builds a Path from keys (string) and indices (int), taking the names of
// list items from the object. It panics on any other type: that is a bug in
// the caller, not input.
func (o *Object) At(steps ...any) Path {
	path := make(Path, 0, len(steps))
	var value any = map[string]any(o.Fields)
	for _, step := range steps {
		switch s := step.(type) {
		case string:
			path = append(path, Step{Key: s})
			m, _ := value.(map[string]any)
			value = m[s]
		case int:
			items, _ := value.([]any)
			value = nil
			if s >= 0 && s < len(items) {
				value = items[s]
			}
			name := ""
			if m, ok := value.(map[string]any); ok {
				name, _ = m["name"].(string)
			}
			path = append(path, Step{Index: s, Name: name})
		default:
			panic("manifest: a path step is a string or an int")
		}
	}
	return path
}

// String writes the path as users know it from kubectl:
// spec.template.spec.containers[0].image. Keys with dots are quoted in
// brackets: metadata.annotations["a.b/c"].
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Key == "":
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case strings.ContainsAny(s.Key, ".[]/ \""):
			b.WriteString("[" + strconv.Quote(s.Key) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

// ID is how findings and diffs name the object: group/Kind namespace/name, with
// the parts that are empty left out.
func (o *Object) ID() string {
	kind := o.Kind
	if group := o.Group(); group != "" {
		kind = group + "/" + kind
	}
	if o.Namespace == "" {
		return kind + " " + o.Name
	}
	return kind + " " + o.Namespace + "/" + o.Name
}

// Group is the API group: "" for core.
func (o *Object) Group() string {
	group, _, found := strings.Cut(o.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// Locate returns the place that a human wrote the value at a path: the last
// patch that holds it, else the nearest ancestor in the resource it came from.
// related is the chain of the other layers, first to last, without the
// transformers: those that had no part in the value would only be noise.
func (o *Object) Locate(path Path) (r diag.Range, related []diag.Related) {
	chosen := -1
	for i := len(o.Layers) - 1; i >= 0 && chosen < 0; i-- {
		if find := o.Layers[i].Find; find != nil {
			if at, exact := find(path); exact {
				r, chosen = at, i
			}
		}
	}
	if chosen < 0 && len(o.Layers) > 0 {
		r, chosen = o.Layers[0].Range, 0
		if find := o.Layers[0].Find; find != nil {
			r, _ = find(path)
		}
	}
	for i, layer := range o.Layers {
		if i != chosen && layer.Role != "transformer" {
			related = append(related, diag.Related{Range: layer.Range, Message: layer.Role + " of " + o.ID()})
		}
	}
	return r, related
}

// Finding starts a diagnostic about the value at a path of the object.
func (o *Object) Finding(rule string, severity diag.Severity, path Path, summary, detail string) diag.Diagnostic {
	r, related := o.Locate(path)
	return diag.Diagnostic{
		Rule: rule, Severity: severity, Summary: summary, Detail: detail,
		Range: r, Related: related, Object: o.ID(), Field: path.String(),
	}
}
