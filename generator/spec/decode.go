package spec

import (
	"reflect"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// positions is where a human wrote each value, by path.
type positions map[string]diag.Range

// decoder fills Go values from nodes that a checker has passed.
type decoder struct {
	at positions
	// unsettled are paths whose value is broken or pending: nothing may be
	// derived from them.
	unsettled []string
}

// value sets v from a node; a nil node leaves the defaults.
func (d *decoder) value(n *node, sh *shape, t tag, v reflect.Value, path string) {
	if n != nil {
		if path != "" {
			d.at[path] = n.at
		}
		switch n.kind {
		case brokenKind, pendingKind:
			d.unsettled = append(d.unsettled, path)
			n = nil
		case nullKind:
			n = nil
		}
	}
	if v.Kind() == reflect.Pointer {
		if n == nil {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch sh.kind {
	case structure:
		for _, f := range sh.fields {
			d.value(n.get(f.name), f.shape, f.tag, v.FieldByIndex(f.index), child(path, f.name))
		}
	case dictionary:
		d.dictionary(n, sh, v, path)
	case sequence:
		d.sequence(n, sh, t, v, path)
	case opaque:
		if n != nil {
			v.Set(reflect.ValueOf(plain(n)))
		}
	default:
		d.scalar(n, sh, t, v)
	}
}

func (d *decoder) dictionary(n *node, sh *shape, v reflect.Value, path string) {
	if n == nil || len(n.entries) == 0 {
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.entries))
	for _, e := range n.entries {
		at := child(path, e.key)
		if e.value.kind == brokenKind || e.value.kind == pendingKind {
			d.at[at] = e.value.at
			d.unsettled = append(d.unsettled, at)
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if sh.elem.kind == opaque {
			d.at[at] = e.value.at
			d.places(e.value, at)
			if x := plain(e.value); x != nil {
				value.Set(reflect.ValueOf(x))
			}
		} else {
			d.value(e.value, sh.elem, tag{}, value, at)
		}
		m.SetMapIndex(reflect.ValueOf(e.key), value)
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}

// places records the positions in a value that has no shape.
func (d *decoder) places(n *node, path string) {
	for _, e := range n.entries {
		at := child(path, e.key)
		d.at[at] = e.value.at
		d.places(e.value, at)
	}
	for i, it := range n.items {
		at := path + "[" + strconv.Itoa(i) + "]"
		d.at[at] = it.at
		d.places(it, at)
	}
}

func (d *decoder) sequence(n *node, sh *shape, t tag, v reflect.Value, path string) {
	if n == nil {
		if t.hasDefault {
			for part := range strings.SplitSeq(t.value, ",") {
				v.Set(reflect.Append(v, reflect.ValueOf(part)))
			}
		}
		return
	}
	var items []*node
	for i, it := range n.items {
		if it.kind == brokenKind || it.kind == pendingKind {
			d.unsettled = append(d.unsettled, item(path, sh, it, i))
			continue
		}
		items = append(items, it)
	}
	if len(items) == 0 {
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, it := range items {
		d.value(it, sh.elem, tag{}, list.Index(i), item(path, sh, it, i))
	}
	v.Set(list)
}

func (d *decoder) scalar(n *node, sh *shape, t tag, v reflect.Value) {
	written := t.value
	if n != nil {
		written = n.text
	}
	switch sh.kind {
	case integer:
		number, err := strconv.Atoi(written)
		if err == nil {
			v.SetInt(int64(number))
		}
	case boolean:
		v.SetBool(written == "true")
	default:
		v.SetString(written)
	}
}

// plain turns a node without a shape into the values that JSON has. Integers
// are int64.
func plain(n *node) any {
	switch n.kind {
	case textKind:
		return n.text
	case boolKind:
		return n.text == "true" || n.text == "True" || n.text == "TRUE"
	case integerKind:
		if number, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64); err == nil {
			return number
		}
		return n.text
	case floatKind:
		if number, err := strconv.ParseFloat(n.text, 64); err == nil {
			return number
		}
		return n.text
	case mapKind:
		m := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			if e.value.kind != brokenKind && e.value.kind != pendingKind {
				m[e.key] = plain(e.value)
			}
		}
		return m
	case listKind:
		list := make([]any, 0, len(n.items))
		for _, it := range n.items {
			list = append(list, plain(it))
		}
		return list
	default:
		return nil
	}
}

// defaultsOf is a value with nothing set by anybody.
func defaultsOf[T any]() *T {
	out := new(T)
	d := &decoder{at: positions{}}
	d.value(nil, shapeOf(reflect.TypeFor[T]()), tag{}, reflect.ValueOf(out).Elem(), "")
	return out
}
