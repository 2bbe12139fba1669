package render

import (
	"slices"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// number reads a whole number that a user wrote.
func number(v any) (int, bool) {
	switch t := unwrap(v).(type) {
	case int:
		return t, true
	case string:
		n, err := strconv.Atoi(t)
		return n, err == nil
	case *yaml.Node:
		n, err := strconv.Atoi(t.Value)
		return n, err == nil
	default:
		return 0, false
	}
}

// What follows changes literals without touching the ones it is given. A value
// that is replaced inside keeps its source.

func asMap(v any) m {
	x, _ := unwrap(v).(m)
	return x
}

func asList(v any) list {
	x, _ := unwrap(v).(list)
	return x
}

// raw is the value of a key with its source, or nil.
func (x m) raw(key string) any {
	if i := x.index(key); i >= 0 {
		return x[i].v
	}
	return nil
}

func (x m) index(key string) int {
	return slices.IndexFunc(x, func(f kv) bool { return f.k == key })
}

// with sets a key, in its place if it is there.
func (x m) with(key string, v any) m {
	out := slices.Clone(x)
	if i := out.index(key); i >= 0 {
		out[i].v = v
		return out
	}
	return append(out, kv{key, v})
}

func (x m) without(key string) m {
	return slices.DeleteFunc(slices.Clone(x), func(f kv) bool { return f.k == key })
}

// fill sets the keys that are not there.
func (x m) fill(fields m) m {
	for _, f := range fields {
		if !absent(f.v) && x.get(f.k) == nil {
			x = x.with(f.k, f.v)
		}
	}
	return x
}

// over sets all keys of fields.
func (x m) over(fields m) m {
	for _, f := range fields {
		if !absent(f.v) {
			x = x.with(f.k, f.v)
		}
	}
	return x
}

// inside changes the mapping at a key, which is made where there is none.
func (x m) inside(key string, change func(m) m) m {
	changed := change(asMap(x.get(key)))
	if s, ok := x.raw(key).(sourced); ok {
		return x.with(key, sourced{s.source, changed})
	}
	return x.with(key, changed)
}

// each changes the mappings in the list at a key, if there is one.
func (x m) each(key string, change func(m) m) m {
	return x.eachValue(key, func(item any) any {
		if s, ok := item.(sourced); ok {
			return sourced{s.source, change(asMap(item))}
		}
		return change(asMap(item))
	})
}

func (x m) eachValue(key string, change func(any) any) m {
	items := asList(x.get(key))
	if items == nil {
		return x
	}
	changed := make(list, len(items))
	for i, item := range items {
		changed[i] = change(item)
	}
	if s, ok := x.raw(key).(sourced); ok {
		return x.with(key, sourced{s.source, changed})
	}
	return x.with(key, changed)
}

// extended is the list at a key with the items added that it does not have yet.
func (x m) extended(key string, items list, identity func(any) string) any {
	out := slices.Clone(asList(x.get(key)))
	seen := make([]string, 0, len(out)+len(items))
	for _, item := range out {
		seen = append(seen, identity(item))
	}
	for _, item := range items {
		if !slices.Contains(seen, identity(item)) {
			seen, out = append(seen, identity(item)), append(out, item)
		}
	}
	if s, ok := x.raw(key).(sourced); ok {
		return sourced{s.source, out}
	}
	return out
}
