package appset

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"sigs.k8s.io/yaml"
)

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func items(value any) []any {
	list, _ := value.([]any)
	return list
}

// texts are the strings of a list.
func texts(value any) []string {
	var out []string
	for _, item := range items(value) {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// decode reads YAML into JSON form.
func decode(data []byte) (any, error) {
	var value any
	err := yaml.Unmarshal(data, &value)
	return value, err
}

// clone copies a value. Numbers become what JSON makes of them, as they do for
// Argo CD.
func clone(value any) any {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	default:
		return v
	}
}

// fill takes from base what is empty in own.
func fill(own, base map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, own)
	for key, value := range base {
		inner, isMap := value.(map[string]any)
		mine, both := out[key].(map[string]any)
		switch {
		case isMap && both:
			out[key] = fill(mine, inner)
		case empty(out[key]):
			out[key] = value
		}
	}
	return out
}

// override writes over into base what is not empty, maps key by key.
func override(base, over map[string]any) map[string]any {
	if base == nil {
		base = map[string]any{}
	}
	for key, value := range over {
		inner, isMap := value.(map[string]any)
		mine, both := base[key].(map[string]any)
		switch {
		case isMap && both:
			base[key] = override(mine, inner)
		case !empty(value):
			base[key] = clone(value)
		default:
			if _, there := base[key]; !there {
				base[key] = value
			}
		}
	}
	return base
}

// empty is what merging takes for nothing: the zero of its type.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case float64:
		return v == 0
	case int64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}

// flatten writes nested values with dots: a.b, a.0.
func flatten(values map[string]any) map[string]string {
	out := map[string]string{}
	var walk func(prefix string, value any)
	walk = func(prefix string, value any) {
		dot := prefix
		if dot != "" {
			dot += "."
		}
		switch v := value.(type) {
		case map[string]any:
			for key, item := range v {
				walk(dot+key, item)
			}
		case []any:
			for i, item := range v {
				walk(dot+strconv.Itoa(i), item)
			}
		default:
			out[prefix] = fmt.Sprint(v)
		}
	}
	walk("", values)
	return out
}

// selects reports whether a label selector matches. Unlike those of Kubernetes,
// its values may be anything.
func selects(selector map[string]any, have map[string]string) bool {
	for key, value := range object(selector["matchLabels"]) {
		if got, ok := have[key]; !ok || got != fmt.Sprint(value) {
			return false
		}
	}
	for _, item := range items(selector["matchExpressions"]) {
		m := object(item)
		key, _ := m["key"].(string)
		operator, _ := m["operator"].(string)
		got, there := have[key]
		in := slices.Contains(texts(m["values"]), got)
		ok := false
		switch operator {
		case "In":
			ok = there && in
		case "NotIn":
			ok = !there || !in
		case "Exists":
			ok = there
		case "DoesNotExist":
			ok = !there
		}
		if !ok {
			return false
		}
	}
	return true
}
