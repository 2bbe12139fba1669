package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"strake/generator/diag"
)

// Action is what happens to an object.
type Action int

// The actions, in the order in which a diff lists them: what disappears first.
const (
	Removed Action = iota + 1
	Added
	Changed
)

// String is the lower-case name that reports print.
func (a Action) String() string {
	switch a {
	case Removed:
		return "removed"
	case Added:
		return "added"
	case Changed:
		return "changed"
	default:
		return fmt.Sprintf("action(%d)", int(a))
	}
}

// FieldChange is one value that is not the same any more. Before is nil where
// the value is new, After where it is gone; Added and Gone tell that from null.
type FieldChange struct {
	Path          string
	Before, After any
	Added, Gone   bool
	// Sensitive says that the values are masked, and that only the fact of the
	// change is known.
	Sensitive bool
}

// Change is one object that the cluster would see change. No value in it is
// secret: Before and After are masked.
type Change struct {
	Action Action
	// ID names the object: group/Kind namespace/name.
	ID     string
	Kind   string
	Before *Object // nil where the object is added
	After  *Object // nil where it is removed
	Fields []FieldChange
}

// identity is what makes two objects the same object. The version of the API
// is no part of it: an object moves from v1beta1 to v1 and stays itself.
func (o *Object) identity() string {
	return strings.Join([]string{o.Group(), o.Kind, o.Namespace, o.Name}, "\x00")
}

// Diff tells what the cluster would see change: removed objects first, then
// added, then changed, each by ID. Objects are the same object where group,
// kind, namespace and name are. Secrets are masked: a change of a secret shows
// as a change between equal placeholders.
func Diff(before, after []*Object) []Change {
	old, current := byIdentity(before), byIdentity(after)
	var changes []Change
	for id, o := range old {
		if _, stays := current[id]; !stays {
			changes = append(changes, Change{Action: Removed, ID: o.ID(), Kind: o.Kind, Before: Mask(o)})
		}
	}
	for id, o := range current {
		was, known := old[id]
		if !known {
			changes = append(changes, Change{Action: Added, ID: o.ID(), Kind: o.Kind, After: Mask(o)})
			continue
		}
		if fields := fieldChanges(was, o); len(fields) > 0 {
			changes = append(changes, Change{Action: Changed, ID: o.ID(), Kind: o.Kind, Before: Mask(was), After: Mask(o), Fields: fields})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.ID, b.ID))
	})
	return changes
}

// byIdentity indexes objects. Of two with one identity the last counts, as it
// would for the cluster.
func byIdentity(objects []*Object) map[string]*Object {
	out := make(map[string]*Object, len(objects))
	for _, o := range objects {
		out[o.identity()] = o
	}
	return out
}

// fieldChanges compares two states of one object.
func fieldChanges(before, after *Object) []FieldChange {
	d := differ{before: before, after: after}
	d.value(nil, nil, before.Fields, after.Fields)
	return d.changes
}

// differ walks two states of an object side by side. It keeps two paths: where
// an item stands before and after need not be the same.
type differ struct {
	before, after *Object
	changes       []FieldChange
}

func (d *differ) value(was, is Path, before, after any) {
	if equal(before, after) {
		return
	}
	switch a := after.(type) {
	case map[string]any:
		if b, ok := before.(map[string]any); ok {
			d.maps(was, is, b, a)
			return
		}
	case []any:
		if b, ok := before.([]any); ok {
			d.lists(was, is, b, a)
			return
		}
	}
	d.add(FieldChange{Before: before, After: after}, was, is)
}

// add records a change with its values masked.
func (d *differ) add(c FieldChange, was, is Path) {
	c.Path = named(is)
	if c.Gone {
		c.Path = named(was)
	}
	hidden := func(o *Object, at Path, value any) any {
		if value == nil {
			return nil
		}
		m := masker{object: o}
		var parent any
		for i := range at {
			holder := valueAt(o.Fields, at[:i])
			if m.secret(at[:i+1], holder, valueAt(o.Fields, at[:i+1])) {
				c.Sensitive = true
				return hide(value)
			}
			parent = holder
		}
		out := m.value(at, parent, value)
		if !equal(out, value) {
			c.Sensitive = true
		}
		return out
	}
	if !c.Added {
		c.Before = hidden(d.before, was, c.Before)
	}
	if !c.Gone {
		c.After = hidden(d.after, is, c.After)
	}
	d.changes = append(d.changes, c)
}

// named writes a path with the names of list items in place of their numbers,
// so that it reads the same wherever the item stands.
func named(p Path) string {
	var b strings.Builder
	for _, s := range p {
		if s.Key == "" && s.Name != "" {
			b.WriteString("[" + s.Name + "]")
			continue
		}
		text := Path{s}.String()
		if b.Len() > 0 && !strings.HasPrefix(text, "[") {
			b.WriteByte('.')
		}
		b.WriteString(text)
	}
	return b.String()
}

func valueAt(value any, at Path) any {
	for _, step := range at {
		value = child(value, step)
	}
	return value
}

func (d *differ) maps(was, is Path, before, after map[string]any) {
	keys := slices.Sorted(maps.Keys(before))
	for key := range after {
		if _, known := before[key]; !known {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		b, had := before[key]
		a, has := after[key]
		oldPath, newPath := extend(was, Step{Key: key}), extend(is, Step{Key: key})
		switch {
		case had && has:
			d.value(oldPath, newPath, b, a)
		case had:
			d.add(FieldChange{Before: b, Gone: true}, oldPath, newPath)
		default:
			d.add(FieldChange{After: a, Added: true}, oldPath, newPath)
		}
	}
}

func extend(p Path, s Step) Path { return append(slices.Clip(p), s) }

// lists compares lists by pairing their items.
func (d *differ) lists(was, is Path, before, after []any) {
	pairs := pairItems(before, after)
	for _, p := range pairs {
		oldStep, newStep := itemStep(before, p.before), itemStep(after, p.after)
		switch {
		case p.before >= 0 && p.after >= 0:
			d.value(extend(was, oldStep), extend(is, newStep), before[p.before], after[p.after])
		case p.before >= 0:
			d.add(FieldChange{Before: before[p.before], Gone: true}, extend(was, oldStep), extend(is, oldStep))
		default:
			d.add(FieldChange{After: after[p.after], Added: true}, extend(was, newStep), extend(is, newStep))
		}
	}
	if reordered(pairs) {
		d.add(FieldChange{Before: names(before), After: names(after)}, was, is)
	}
}

func itemStep(items []any, index int) Step {
	step := Step{Index: max(index, 0)}
	if index >= 0 && index < len(items) {
		if item, ok := items[index].(map[string]any); ok {
			step.Name, _ = item["name"].(string)
		}
	}
	return step
}

// equal compares two values as the API server would: 1 and 1.0 are one number.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for key, value := range x {
			other, has := y[key]
			if !has || !equal(value, other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	if x, ok := number(a); ok {
		y, isNumber := number(b)
		return isNumber && x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// Where returns the line that made a changed object, and the one that made a
// changed field of it, for the report.
func (c Change) Where() diag.Range {
	o := c.After
	if o == nil {
		o = c.Before
	}
	if o == nil || len(o.Layers) == 0 {
		return diag.Range{}
	}
	return o.Layers[0].Range
}
