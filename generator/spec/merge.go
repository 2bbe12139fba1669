package spec

import (
	"fmt"
	"reflect"
	"slices"

	"strake/generator/diag"
)

// merger lays nodes over each other. Positions survive because the nodes do.
type merger struct {
	found diag.List
	// pipeline is defaults.pipeline: what a pipeline lies on where it is named
	// for the first time.
	pipeline *node
}

// over lays one node over another and returns the result; both are left alone.
// Maps merge deep, lists of named things by name, other values replace. null
// removes.
func (m *merger) over(base, top *node, sh *shape, path string) *node {
	switch {
	case top == nil:
		return base
	case top.kind == nullKind:
		return nil
	case base != nil && base.kind != top.kind:
		if base.kind == brokenKind && top.kind == mapKind {
			top = top.copy()
			top.tainted = true
		}
		base = nil
	}
	switch {
	case top.kind == mapKind && (sh.kind == structure || sh.kind == dictionary || sh.kind == opaque):
		return m.maps(base, top, sh, path)
	case top.kind == listKind && sh.kind == sequence && sh.named:
		return m.lists(base, top, sh, path)
	default:
		return top
	}
}

func (m *merger) maps(base, top *node, sh *shape, path string) *node {
	out := top.copy()
	out.entries = nil
	if base != nil {
		out.entries = append(out.entries, base.entries...)
		out.tainted = base.tainted || top.tainted
	}
	for _, e := range top.entries {
		below := opaqueShape
		switch sh.kind {
		case dictionary:
			below = sh.elem
		case structure:
			f := sh.field(e.key)
			if f == nil {
				continue
			}
			below = f.shape
			if f.tag.group != "" && e.value.kind != nullKind {
				for _, other := range sh.group(f.tag.group) {
					if other != e.key {
						out.drop(append(sh.goesWith(other), other)...)
					}
				}
			}
		}
		value := m.over(out.get(e.key), e.value, below, child(path, e.key))
		if value == nil {
			out.drop(e.key)
			continue
		}
		e.value = value
		out.set(e)
	}
	return out
}

// opaqueShape is below a map that may hold anything.
var opaqueShape = &shape{kind: opaque}

func (m *merger) lists(base, top *node, sh *shape, path string) *node {
	out := top.copy()
	out.items = nil
	if base != nil {
		out.items = append(out.items, base.items...)
	}
	places := make(map[string]int, len(out.items))
	for i, it := range out.items {
		places[nameOf(it)] = i
	}
	dropped := false
	for i, it := range top.items {
		name := nameOf(it)
		at, there := places[name]
		if !there || name == "" {
			at = -1
		}
		switch remove := it.get("$remove"); {
		case remove != nil && at < 0:
			detail := "Nothing of that name is inherited here."
			if guess := diag.DidYouMean(name, itemNames(base)); guess != "" {
				detail = "Did you mean " + guess + "? " + detail
			}
			m.found = append(m.found, diag.Diagnostic{
				Rule: ruleMerge, Severity: diag.Error, Range: it.get("name").at, Field: item(path, sh, it, i),
				Summary: fmt.Sprintf("$remove names %q, which is not there", name), Detail: detail,
			})
		case remove != nil:
			out.items[at], dropped = nil, true
			delete(places, name)
		case at < 0:
			if it.isMap() {
				var base *node
				if sh.elem.typ == reflect.TypeFor[Pipeline]() {
					base = m.pipeline
				}
				it = m.maps(base, it, sh.elem, item(path, sh, it, i))
			}
			places[name] = len(out.items)
			out.items = append(out.items, it)
		default:
			out.items[at] = m.over(out.items[at], it, sh.elem, item(path, sh, it, i))
		}
	}
	if dropped {
		out.items = slices.DeleteFunc(out.items, func(it *node) bool { return it == nil })
	}
	return out
}

// itemNames are the names in a list of named things.
func itemNames(list *node) []string {
	var names []string
	if list == nil {
		return nil
	}
	for _, it := range list.items {
		if name := nameOf(it); name != "" {
			names = append(names, name)
		}
	}
	return names
}
