package manifest

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
)

// Finder returns the Find of a layer whose text is the YAML value at root.
// fields is the object as it was built: list items move when patches merge, so
// an item is found again by what it is, not by where it stood.
func Finder(file string, root *yaml.Node, fields map[string]any) func(Path) (diag.Range, bool) {
	return func(path Path) (diag.Range, bool) {
		place, rest := Descend(root, fields, path)
		return place.Range(file), len(rest) == 0
	}
}

// Place is a value in a YAML text, with the key it stands under.
type Place struct {
	Key, Node *yaml.Node
}

// Range is where a person would look for the value: the value itself where it
// stands on the line of its key, else the key.
func (p Place) Range(file string) diag.Range {
	at := p.Node
	if p.Key != nil && p.Node.Line != p.Key.Line {
		at = p.Key
	}
	if at.Line == 0 {
		return diag.Range{Path: file}
	}
	r := diag.Range{Path: file, Start: diag.Pos{Line: at.Line, Column: at.Column}}
	if at.Kind == yaml.ScalarNode && !strings.Contains(at.Value, "\n") && at.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		width := utf8.RuneCountInString(at.Value)
		if at.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			width += 2
		}
		r.End = diag.Pos{Line: at.Line, Column: at.Column + max(width, 1)}
	}
	return r
}

// Descend follows a path from root as far as it goes. rest is what could not be
// followed: empty when the value itself stands here. value is the built object
// (or the part of it that root is), used to tell list items apart.
func Descend(root *yaml.Node, value any, path Path) (place Place, rest Path) {
	place = Place{Node: resolve(root)}
	for i, step := range path {
		var next Place
		if step.Key != "" {
			m, _ := value.(map[string]any)
			value = m[step.Key]
			next = lookup(place.Node, step.Key)
		} else {
			items, _ := value.([]any)
			value = nil
			if step.Index >= 0 && step.Index < len(items) {
				value = items[step.Index]
			}
			next = Place{Node: findItem(place.Node, step, value)}
		}
		if next.Node == nil {
			return place, path[i:]
		}
		place = next
	}
	return place, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && (n.Kind == yaml.AliasNode || n.Kind == yaml.DocumentNode) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
			continue
		}
		if len(n.Content) == 0 {
			return nil
		}
		n = n.Content[0]
	}
	return n
}

// lookup finds a key in a mapping, through merge keys.
func lookup(n *yaml.Node, key string) Place {
	if n == nil || n.Kind != yaml.MappingNode {
		return Place{}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && !isMerge(n.Content[i]) {
			return Place{Key: n.Content[i], Node: resolve(n.Content[i+1])}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		for _, source := range mergeSources(n.Content[i+1]) {
			if p := lookup(resolve(source), key); p.Node != nil {
				return p
			}
		}
	}
	return Place{}
}

// findItem finds a list item again: by name, by the keys Kubernetes merges on,
// by being equal, and at last by its place.
func findItem(list *yaml.Node, step Step, want any) *yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	if step.Name != "" {
		if found := itemsWith(list, "name", step.Name); len(found) > 0 {
			return nearest(list, found, step.Index)
		}
		return nil
	}
	if item, ok := want.(map[string]any); ok {
		for _, keys := range itemKeys {
			if found := itemsLike(list, keys, item); len(found) == 1 {
				return found[0]
			}
		}
	}
	var equal []*yaml.Node
	for _, child := range list.Content {
		if v, err := Value(child); err == nil && want != nil && reflect.DeepEqual(v, want) {
			equal = append(equal, resolve(child))
		}
	}
	if len(equal) > 0 {
		return nearest(list, equal, step.Index)
	}
	if step.Index >= 0 && step.Index < len(list.Content) {
		return resolve(list.Content[step.Index])
	}
	return nil
}

// nearest chooses the candidate that stands closest to an index.
func nearest(list *yaml.Node, found []*yaml.Node, index int) *yaml.Node {
	best, distance := found[0], len(list.Content)+1
	for i, child := range list.Content {
		node := resolve(child)
		for _, candidate := range found {
			if d := max(i-index, index-i); candidate == node && d < distance {
				best, distance = node, d
			}
		}
	}
	return best
}

func itemsWith(list *yaml.Node, key, value string) (found []*yaml.Node) {
	for _, child := range list.Content {
		item := resolve(child)
		if p := lookup(item, key); p.Node != nil && p.Node.Kind == yaml.ScalarNode && p.Node.Value == value {
			found = append(found, item)
		}
	}
	return found
}

// itemKeys are the sets of fields that tell the items of a Kubernetes list
// apart, the most telling first.
var itemKeys = [][]string{
	{"containerPort", "protocol"},
	{"containerPort"},
	{"port", "protocol"},
	{"port"},
	{"mountPath"},
	{"devicePath"},
	{"ip"},
	{"uid"},
	{"topologyKey", "whenUnsatisfiable"},
	{"topologyKey"},
	{"type"},
	{"key"},
	{"secretName"},
	{"kind", "namespace"},
}

func itemsLike(list *yaml.Node, keys []string, want map[string]any) (found []*yaml.Node) {
	for _, child := range list.Content {
		item := resolve(child)
		matches := true
		for _, key := range keys {
			p := lookup(item, key)
			matches = matches && want[key] != nil && p.Node != nil && p.Node.Kind == yaml.ScalarNode && p.Node.Value == plain(want[key])
		}
		if matches {
			found = append(found, item)
		}
	}
	return found
}

// plain writes a scalar as YAML would hold it.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return ""
	}
}
