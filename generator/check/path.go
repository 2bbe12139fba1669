package check

import (
	"strconv"
	"strings"

	"strake/generator/manifest"
)

// FieldPath turns a field path as Kubernetes and Argo print it
// (spec.ports[0].name, metadata.annotations[a.b/c], data[key]) into a Path of
// the object. Map keys may hold dots and brackets: the object's own keys decide
// where one ends. A part that the object does not hold is kept as written, so
// that a missing field still leads to its nearest ancestor.
func FieldPath(o *manifest.Object, field string) manifest.Path {
	var path manifest.Path
	var value any = o.Fields
	for field != "" {
		if rest, bracketed := strings.CutPrefix(field, "["); bracketed {
			var step manifest.Step
			step, value, field = bracketStep(value, rest)
			path = append(path, step)
			continue
		}
		field = strings.TrimPrefix(field, ".")
		if field == "" || field[0] == '[' {
			continue
		}
		end := keyEnd(value, field)
		key := field[:end]
		field = field[end:]
		m, _ := value.(map[string]any)
		value = m[key]
		path = append(path, manifest.Step{Key: key})
	}
	return path
}

// bracketStep reads what stands after "[": an index where the value is a list,
// else a key of a map, quoted or bare.
func bracketStep(value any, rest string) (step manifest.Step, next any, tail string) {
	inside, tail, _ := strings.Cut(rest, "]")
	if items, ok := value.([]any); ok {
		if i, err := strconv.Atoi(inside); err == nil {
			return indexStep(items, i, tail)
		}
		for i, item := range items {
			if s, ok := item.(string); ok && s == inside {
				return indexStep(items, i, tail)
			}
		}
	}
	m, isMap := value.(map[string]any)
	if !isMap {
		if i, err := strconv.Atoi(inside); err == nil {
			return manifest.Step{Index: i}, nil, tail
		}
	}
	// A key may itself hold a bracket: the longest key that stands here wins.
	best := ""
	for key := range m {
		if after, ok := strings.CutPrefix(rest, key); ok && strings.HasPrefix(after, "]") && len(key) > len(best) {
			best = key
		}
	}
	if best != "" {
		return manifest.Step{Key: best}, m[best], rest[len(best)+1:]
	}
	if unquoted, err := strconv.Unquote(inside); err == nil {
		inside = unquoted
	}
	return manifest.Step{Key: inside}, m[inside], tail
}

func indexStep(items []any, i int, tail string) (manifest.Step, any, string) {
	if i < 0 || i >= len(items) {
		return manifest.Step{Index: i}, nil, tail
	}
	name := ""
	if m, ok := items[i].(map[string]any); ok {
		name, _ = m["name"].(string)
	}
	return manifest.Step{Index: i, Name: name}, items[i], tail
}

// keyEnd finds where a bare key ends: at the longest key of the map that is
// followed by a separator, else at the next separator.
func keyEnd(value any, field string) int {
	best := 0
	if m, ok := value.(map[string]any); ok {
		for key := range m {
			after, ok := strings.CutPrefix(field, key)
			if ok && (after == "" || after[0] == '.' || after[0] == '[') && len(key) > best {
				best = len(key)
			}
		}
	}
	if best > 0 {
		return best
	}
	if end := strings.IndexAny(field, ".["); end >= 0 {
		return end
	}
	return len(field)
}

// Value returns what stands at a path of a JSON tree.
func Value(root any, path manifest.Path) (any, bool) {
	value := root
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[step.Key]
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			if step.Key != "" || step.Index < 0 || step.Index >= len(v) {
				return nil, false
			}
			value = v[step.Index]
		default:
			return nil, false
		}
	}
	return value, true
}

// join returns the path with more steps, never sharing memory with it.
func join(path manifest.Path, steps ...manifest.Step) manifest.Path {
	out := make(manifest.Path, 0, len(path)+len(steps))
	return append(append(out, path...), steps...)
}

// Has reports whether something other than null stands at keys.
func Has(root any, names ...string) bool {
	for _, name := range names {
		m, _ := root.(map[string]any)
		root = m[name]
	}
	return root != nil
}
