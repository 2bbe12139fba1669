package build

import (
	"bytes"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// patchLayers are the documents of a patch that touched an object.
func (p *program) patchLayers(s step, object *manifest.Object) []manifest.Layer {
	content := p.patches[s.number]
	if content.operations {
		doc := content.docs[0]
		return []manifest.Layer{{
			Range: doc.Range, Role: "patch",
			Find: operationsFinder(doc.Range.Path, doc, object.Fields),
		}}
	}
	var layers []manifest.Layer
	for _, doc := range content.docs {
		if len(content.docs) > 1 && (text(doc.Node, "kind") != object.Kind || !strings.Contains(object.Name, text(doc.Node, "metadata", "name"))) {
			continue
		}
		layers = append(layers, manifest.Layer{
			Range: doc.Range, Role: "patch",
			Find: mergeFinder(doc.Range.Path, doc.Node, object.Fields),
		})
	}
	return layers
}

// mergeFinder finds values in a strategic merge patch. A patch holds a path
// where it decides the value there: what it only merges into, and the fields
// that say which object it is for, belong to others.
func mergeFinder(file string, root *yaml.Node, fields map[string]any) func(manifest.Path) (diag.Range, bool) {
	return func(at manifest.Path) (diag.Range, bool) {
		place, rest := manifest.Descend(root, fields, at)
		exact := len(rest) == 0 && len(at) > 0 && !isIdentity(at) && covers(place.Node, valueAt(fields, at))
		return place.Range(file), exact
	}
}

// isIdentity reports whether a path is one of those by which a patch names its
// object.
func isIdentity(at manifest.Path) bool {
	switch at.String() {
	case "apiVersion", "kind", "metadata.name", "metadata.namespace":
		return true
	}
	return false
}

// covers reports whether a patch decides a value: a scalar, or all of a map or
// list.
func covers(n *yaml.Node, value any) bool {
	decides := func(step manifest.Step, inner any) bool {
		place, rest := manifest.Descend(n, value, manifest.Path{step})
		return len(rest) == 0 && covers(place.Node, inner)
	}
	switch built := value.(type) {
	case map[string]any:
		if n.Kind != yaml.MappingNode || len(n.Content)/2 < len(built) {
			return false
		}
		for key, inner := range built {
			if !decides(manifest.Step{Key: key}, inner) {
				return false
			}
		}
	case []any:
		if n.Kind != yaml.SequenceNode || len(n.Content) < len(built) {
			return false
		}
		for i, inner := range built {
			item, _ := inner.(map[string]any)
			name, _ := item["name"].(string)
			if !decides(manifest.Step{Index: i, Name: name}, inner) {
				return false
			}
		}
	}
	return true
}

// valueAt is the value at a path of a built object, nil where there is none.
func valueAt(value any, at manifest.Path) any {
	for _, step := range at {
		if step.Key != "" {
			m, _ := value.(map[string]any)
			value = m[step.Key]
			continue
		}
		items, _ := value.([]any)
		if step.Index < 0 || step.Index >= len(items) {
			return nil
		}
		value = items[step.Index]
	}
	return value
}

// operationsFinder finds values in a JSON patch: the last operation that set
// the value or something around it.
func operationsFinder(file string, doc manifest.Document, fields map[string]any) func(manifest.Path) (diag.Range, bool) {
	return func(at manifest.Path) (diag.Range, bool) {
		operations := doc.Node.Content
		for _, operation := range slices.Backward(operations) {
			if r, ok := findInOperation(file, deref(operation), fields, at); ok {
				return r, true
			}
		}
		return doc.Range, false
	}
}

func findInOperation(file string, op *yaml.Node, fields map[string]any, at manifest.Path) (diag.Range, bool) {
	name, value := text(op, "op"), field(op, "value")
	pointer := field(op, "path")
	if pointer == nil || name == "test" {
		return diag.Range{}, false
	}
	tokens := pointerTokens(pointer.Value)
	if len(tokens) == 0 || len(tokens) > len(at) {
		return diag.Range{}, false
	}
	for i, token := range tokens {
		last := i == len(tokens)-1
		if !matchesToken(token, at[i], last && name == "add", value, valueAt(fields, at[:i+1])) {
			return diag.Range{}, false
		}
	}
	rest := at[len(tokens):]
	switch {
	case name == "remove":
		gone := len(rest) == 0 && valueAt(fields, at) == nil
		return manifest.Place{Node: pointer}.Range(file), gone
	case value == nil: // move and copy
		return manifest.Place{Node: pointer}.Range(file), len(rest) == 0
	}
	place, missing := manifest.Descend(value, valueAt(fields, at[:len(tokens)]), rest)
	return place.Range(file), len(missing) == 0
}

// matchesToken compares one token of a JSON pointer with one step of a path. An
// item that is added is known by what it is, since items before it may move it.
func matchesToken(token string, at manifest.Step, added bool, value *yaml.Node, built any) bool {
	if at.Key != "" {
		return token == at.Key
	}
	if added && value != nil {
		if at.Name != "" {
			return text(value, "name") == at.Name
		}
		if v, err := manifest.Value(value); err == nil && reflect.DeepEqual(v, built) {
			return true
		}
	}
	return token == strconv.Itoa(at.Index)
}

// pointerTokens takes a JSON pointer apart.
// https://www.rfc-editor.org/rfc/rfc6901
func pointerTokens(pointer string) []string {
	if !strings.HasPrefix(pointer, "/") {
		return nil
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return tokens
}

// generatorLayer is the entry of a generator that made an object.
func (p *program) generatorLayer(s step) manifest.Layer {
	g := generator{program: p, step: s}
	return manifest.Layer{Range: s.at(), Role: "generator", Find: func(at manifest.Path) (diag.Range, bool) {
		if len(at) == 0 {
			return s.at(), true
		}
		return g.find(at)
	}}
}

type generator struct {
	program *program
	step    step
}

func (g generator) find(at manifest.Path) (diag.Range, bool) {
	n, v := g.step.node, g.step.visit
	if len(at) == 2 && (at[0].Key == "data" || at[0].Key == "binaryData" || at[0].Key == "stringData") {
		if r, ok := g.source(at[1].Key); ok {
			return r, true
		}
	}
	var value *yaml.Node
	switch at.String() {
	case "metadata.name":
		value = field(n, "name")
	case "metadata.namespace":
		value = field(n, "namespace")
	case "type":
		value = field(n, "type")
	}
	if value == nil && len(at) == 3 && at[0].Key == "metadata" {
		value = field(n, "options", at[1].Key, at[2].Key)
	}
	if value == nil {
		return g.step.at(), false
	}
	return v.at(value), true
}

// source finds where a key of the data was written.
func (g generator) source(key string) (diag.Range, bool) {
	n, v := g.step.node, g.step.visit
	for _, e := range contentOf(field(n, "literals")) {
		if name, _, _ := strings.Cut(e.Value, "="); name == key {
			return v.at(e), true
		}
	}
	for _, e := range contentOf(field(n, "files")) {
		name, file, found := strings.Cut(e.Value, "=")
		if !found {
			name, file = path.Base(e.Value), e.Value
		}
		if name == key {
			return diag.Range{Path: path.Join(v.dir, file), Start: diag.Pos{Line: 1, Column: 1}}, true
		}
	}
	files := contentOf(field(n, "envs"))
	if e := field(n, "env"); e != nil {
		files = append(files, e)
	}
	for _, e := range files {
		name := path.Join(v.dir, e.Value)
		data, err := g.program.source.bytes(g.program.source.get(name))
		if err != nil {
			continue
		}
		for i, line := range bytes.Split(data, []byte("\n")) {
			if found, _, _ := strings.Cut(strings.TrimSpace(string(line)), "="); found == key {
				return diag.Range{Path: name, Start: diag.Pos{Line: i + 1, Column: 1}}, true
			}
		}
	}
	return diag.Range{}, false
}

func contentOf(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	out := make([]*yaml.Node, 0, len(n.Content))
	for _, child := range n.Content {
		out = append(out, deref(child))
	}
	return out
}
