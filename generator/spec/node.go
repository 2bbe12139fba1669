package spec

import (
	"slices"

	"strake/generator/diag"
)

// kind is the sort of a node.
type kind uint8

const (
	nullKind kind = iota
	textKind
	boolKind
	integerKind
	floatKind
	mapKind
	listKind
	// brokenKind stands for a value that already has a finding. Nobody may
	// derive a second finding from it.
	brokenKind
	// pendingKind stands for a value that needs a fact nobody has recorded yet.
	pendingKind
)

// String is the name of the kind in a finding.
func (k kind) String() string {
	switch k {
	case nullKind:
		return "null"
	case textKind:
		return "a string"
	case boolKind:
		return "a boolean"
	case integerKind:
		return "an integer"
	case floatKind:
		return "a number"
	case mapKind:
		return "a map"
	case listKind:
		return "a list"
	default:
		return "an unreadable value"
	}
}

// node is one YAML value with the place it was written. Nodes are shared
// between environments: whoever changes one copies it first.
type node struct {
	kind kind
	// text is the scalar as written, without quotes.
	text string
	// quoted tells "5" from 5; plain is a scalar of one line whose columns
	// match its runes.
	quoted, plain bool
	entries       []entry
	items         []*node
	// at is the range of the value. For a map or list that follows a key it is
	// the key's range: that is the line a human looks for.
	at diag.Range
	// raw is where the value's own first character stands.
	raw diag.Pos
	// tainted is set on a map that had a key nobody knows: that may be the one
	// that would be missed.
	tainted bool
	// expanded is set on a scalar that a variable was written into.
	expanded bool
}

// entry is one key of a map.
type entry struct {
	key   string
	at    diag.Range
	value *node
}

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// dig follows keys.
func (n *node) dig(keys ...string) *node {
	for _, key := range keys {
		n = n.get(key)
	}
	return n
}

// index returns the place of a key, or -1.
func (n *node) index(key string) int {
	return slices.IndexFunc(n.entries, func(e entry) bool { return e.key == key })
}

// copy returns a node whose entries and items may be replaced.
func (n *node) copy() *node {
	c := *n
	c.entries = slices.Clone(n.entries)
	c.items = slices.Clone(n.items)
	return &c
}

// set replaces or adds an entry of a copied map.
func (n *node) set(e entry) {
	if i := n.index(e.key); i >= 0 {
		n.entries[i] = e
		return
	}
	n.entries = append(n.entries, e)
}

// drop removes entries of a copied map.
func (n *node) drop(keys ...string) {
	n.entries = slices.DeleteFunc(n.entries, func(e entry) bool { return slices.Contains(keys, e.key) })
}

// without returns the map without some keys.
func (n *node) without(keys ...string) *node {
	c := n.copy()
	c.drop(keys...)
	return c
}

// string returns a scalar's text, or "" for anything else.
func (n *node) string() string {
	if n == nil || n.kind != textKind {
		return ""
	}
	return n.text
}

// isMap and isList tolerate nil.
func (n *node) isMap() bool  { return n != nil && n.kind == mapKind }
func (n *node) isList() bool { return n != nil && n.kind == listKind }

// scalar reports whether the node is a readable scalar.
func (n *node) scalar() bool {
	return n.kind == textKind || n.kind == boolKind || n.kind == integerKind || n.kind == floatKind
}

// broken returns a stand-in for n.
func (n *node) broken() *node { return &node{kind: brokenKind, at: n.at, raw: n.raw} }

// named finds the item of a list whose name is given, or nil.
func (n *node) named(name string) *node {
	if n == nil {
		return nil
	}
	for _, item := range n.items {
		if nameOf(item) == name {
			return item
		}
	}
	return nil
}

// nameOf is the name of an item of a list of named things, or "".
func nameOf(item *node) string { return item.get("name").string() }

// textNode makes a scalar at a place.
func textNode(text string, at diag.Range) *node {
	return &node{kind: textKind, text: text, at: at, raw: at.Start, quoted: true}
}
