package argo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strake/generator/manifest"
)

// words lead from a word of a message to the field that it is about, where the
// message does not begin with one.
var words = []struct{ word, field string }{
	{"RetryPolicy", "retryStrategy.retryPolicy"},
	{"timeout", "timeout"},
	{"depends", "depends"},
	{"withItems", "withItems"},
	{"withParam", "withParam"},
	{"withSequence", "withSequence"},
	{"metric", "metrics"},
	{"initContainers", "initContainers"},
	{"templateRef", "templateRef"},
	{"manifestFrom", "resource.manifestFrom"},
	{"continueOn", "dag.tasks"},
}

var noise = regexp.MustCompile(linkPattern.String() + `[.:]?`)

// said is the message without the way that led there.
func (m message) said() string {
	text := strings.Join(strings.Fields(noise.ReplaceAllString(m.text, "")), " ")
	return strings.TrimSuffix(strings.TrimPrefix(text, "error in "), ".")
}

// reportOther reports a message that has no wording of ours.
func (l *linter) reportOther(m message, at spot, scope any, path manifest.Path) {
	text := m.said()
	if rest, ok := m.field(scope); ok {
		path = append(slices.Clone(path), rest...)
	}
	name := fmt.Sprintf("template %q", at.link.template)
	if at.task != nil {
		name = fmt.Sprintf("task %q", at.task["name"])
	}
	l.add(path, name+": "+text, "")
}

// field finds the field of a template or task that a message is about.
func (m message) field(scope any) (manifest.Path, bool) {
	if rest, ok := fieldOf(scope, m.tail); ok {
		return rest, true
	}
	for _, w := range words {
		if rest, ok := fieldOf(scope, "."+w.field); ok && strings.Contains(m.tail, w.word) {
			return rest, true
		}
	}
	return nil, false
}

var fieldPattern = regexp.MustCompile(`^\.([A-Za-z0-9_.\[\]-]+)`)

// fieldOf follows the field that a message begins with, such as
// ".inputs.parameters.x.name" or ".arguments.x.value": items go by index or by
// name, and those of arguments without the list they are in.
func fieldOf(scope any, tail string) (manifest.Path, bool) {
	found := fieldPattern.FindStringSubmatch(tail)
	if found == nil {
		return nil, false
	}
	var path manifest.Path
	value := scope
	names := strings.FieldsFunc(strings.TrimRight(found[1], ".:"), func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for n, name := range names {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				if list, i := named(v, name); list != "" {
					items, _ := v[list].([]any)
					path = item(keys(path, list), i, items[i])
					value = items[i]
					continue
				}
				if n == 0 {
					return nil, false
				}
			}
			path, value = keys(path, name), next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil {
				i = slices.IndexFunc(v, func(x any) bool { m, _ := x.(map[string]any); return m["name"] == name })
			}
			if i < 0 || i >= len(v) {
				return path, len(path) > 0
			}
			path, value = item(path, i, v[i]), v[i]
		default:
			return keys(path, name), true
		}
	}
	return path, true
}

// named finds an item of the parameters or artifacts of a map.
func named(m map[string]any, name string) (list string, index int) {
	for _, list := range []string{"parameters", "artifacts"} {
		items, _ := m[list].([]any)
		for i, value := range items {
			if x, ok := value.(map[string]any); ok && x["name"] == name {
				return list, i
			}
		}
	}
	return "", 0
}

// firstWith finds the first string that holds a text.
func firstWith(value any, text string) (manifest.Path, bool) {
	switch v := value.(type) {
	case string:
		return nil, strings.Contains(v, text)
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if rest, ok := firstWith(v[key], text); ok {
				return append(manifest.Path{{Key: key}}, rest...), true
			}
		}
	case []any:
		for i, x := range v {
			if rest, ok := firstWith(x, text); ok {
				return append(item(nil, i, x), rest...), true
			}
		}
	}
	return nil, false
}
