package check

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// Misfit is a place where a JSON value does not fit the Go type that a server
// reads it with.
type Misfit struct {
	// Path is the value's place; of an unknown key, the key itself.
	Path manifest.Path
	// Owner is the struct that was read at the time, and Type what the value was
	// to be; of an unknown key it is nil.
	Owner, Type reflect.Type
	// Unknown is set for a key that Owner does not have; Known are its keys.
	Unknown bool
	Known   []string
	// Twice names the other spelling of a key that stands here in two.
	Twice string
	// Reason says what is wrong with a value that cannot be read: "want an
	// integer, got the string \"5\"". Empty for keys.
	Reason string
}

// Suggestion is the known key that an unknown one was probably meant to be.
func (m Misfit) Suggestion() string {
	if !m.Unknown || len(m.Path) == 0 {
		return ""
	}
	return diag.DidYouMean(m.Path[len(m.Path)-1].Key, m.Known)
}

// Shape compares JSON values with Go types. Decoders stop at the first value of
// a wrong type and lose list indices; a Shape finds all of them, each with its
// path. It is safe for concurrent use.
type Shape struct {
	aliases map[reflect.Type]reflect.Type
	fold    bool
	fields  sync.Map // reflect.Type → map[string]reflect.Type
}

// NewShape takes types whose own UnmarshalJSON reads another type than they
// are, and whether keys are matched without regard to case, as encoding/json
// does and the API server does not.
func NewShape(fold bool, aliases map[reflect.Type]reflect.Type) *Shape {
	return &Shape{aliases: aliases, fold: fold}
}

// Misfits returns all that does not fit, in the order of sorted keys.
func (s *Shape) Misfits(value any, t reflect.Type, at manifest.Path) []Misfit {
	w := walker{shape: s}
	w.value(value, t, nil, at)
	return w.found
}

type walker struct {
	shape *Shape
	found []Misfit
}

// unmarshals reports whether a type implements json.Unmarshaler, itself or by
// pointer.
func unmarshals(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

func (w *walker) value(value any, t, owner reflect.Type, at manifest.Path) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if alias, ok := w.shape.aliases[t]; ok {
		t = alias
	}
	if value == nil {
		return
	}
	if unmarshals(t) {
		w.opaque(value, t, owner, at)
		return
	}
	switch t.Kind() {
	case reflect.Interface:
	case reflect.Struct:
		w.structure(value, t, owner, at)
	case reflect.Map:
		w.mapping(value, t, owner, at)
	case reflect.Slice, reflect.Array:
		w.list(value, t, owner, at)
	default:
		if want := scalar(value, t); want != "" {
			w.wrong(want, value, t, owner, at)
		}
	}
}

func (w *walker) wrong(want string, value any, t, owner reflect.Type, at manifest.Path) {
	w.found = append(w.found, Misfit{Path: at, Owner: owner, Type: t, Reason: "want " + want + ", got " + describe(value)})
}

// opaque asks the type itself.
func (w *walker) opaque(value any, t, owner reflect.Type, at manifest.Path) {
	data, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(data, reflect.New(t).Interface())
	}
	if err != nil {
		w.found = append(w.found, Misfit{Path: at, Owner: owner, Type: t, Reason: describe(value) + " cannot be read: " + err.Error()})
	}
}

func (w *walker) structure(value any, t, owner reflect.Type, at manifest.Path) {
	m, ok := value.(map[string]any)
	if !ok {
		w.wrong("a map", value, t, owner, at)
		return
	}
	fields := w.shape.Fields(t)
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		path := join(at, manifest.Step{Key: key})
		name := w.shape.match(fields, key)
		if name == "" {
			w.found = append(w.found, Misfit{Path: path, Owner: t, Unknown: true, Known: slices.Sorted(maps.Keys(fields))})
			continue
		}
		if other, twice := seen[name]; twice {
			w.found = append(w.found, Misfit{Path: path, Owner: t, Twice: other})
		}
		seen[name] = key
		w.value(m[key], fields[name], t, path)
	}
}

func (w *walker) mapping(value any, t, owner reflect.Type, at manifest.Path) {
	m, ok := value.(map[string]any)
	if !ok {
		w.wrong("a map", value, t, owner, at)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		w.value(m[key], t.Elem(), owner, join(at, manifest.Step{Key: key}))
	}
}

func (w *walker) list(value any, t, owner reflect.Type, at manifest.Path) {
	if t.Elem().Kind() == reflect.Uint8 {
		w.opaque(value, t, owner, at)
		return
	}
	items, ok := value.([]any)
	if !ok {
		w.wrong("a list", value, t, owner, at)
		return
	}
	for i, item := range items {
		name := ""
		if m, ok := item.(map[string]any); ok {
			name, _ = m["name"].(string)
		}
		w.value(item, t.Elem(), owner, join(at, manifest.Step{Index: i, Name: name}))
	}
}

// scalar returns what was wanted where the value is something else.
func scalar(value any, t reflect.Type) (want string) {
	switch t.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			return "a string"
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			return "true or false"
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := integer(value); !ok || reflect.Zero(t).OverflowInt(n) {
			return "an integer of " + strconv.Itoa(t.Bits()) + " bits"
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n, ok := integer(value); !ok || n < 0 || reflect.Zero(t).OverflowUint(uint64(n)) {
			return "a positive integer of " + strconv.Itoa(t.Bits()) + " bits"
		}
	case reflect.Float32, reflect.Float64:
		switch value.(type) {
		case float64, int64, int:
		default:
			return "a number"
		}
	}
	return ""
}

func integer(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) < 1<<62
	default:
		return 0, false
	}
}

// describe names the type of a value. Never the value: it may be a secret.
func describe(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	default:
		return "a number"
	}
}

// match finds the field that a key sets.
func (s *Shape) match(fields map[string]reflect.Type, key string) string {
	if _, ok := fields[key]; ok {
		return key
	}
	if s.fold {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if strings.EqualFold(name, key) {
				return name
			}
		}
	}
	return ""
}

// Fields returns the JSON keys of a struct with their types. Nobody may change
// the map.
func (s *Shape) Fields(t reflect.Type) map[string]reflect.Type {
	if known, ok := s.fields.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	collect(t, fields)
	s.fields.Store(t, fields)
	return fields
}

// collect adds the fields of a struct, inlined structs first: an outer field
// hides an inner one of the same name.
func collect(t reflect.Type, fields map[string]reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && name == "" && inner.Kind() == reflect.Struct {
			collect(inner, fields)
		}
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || (!f.IsExported() && !f.Anonymous) || (f.Anonymous && name == ""):
		case name == "":
			fields[f.Name] = f.Type
		default:
			fields[name] = f.Type
		}
	}
}

// Prune returns the fields without what does not fit, so that the rest can
// still be judged. The original is left alone; items of lists become null, so
// that their siblings keep their index.
func Prune(fields map[string]any, misfits []Misfit) map[string]any {
	out := fields
	for _, m := range misfits {
		if pruned, ok := without(out, m.Path).(map[string]any); ok {
			out = pruned
		}
	}
	return out
}

func without(value any, path manifest.Path) any {
	if len(path) == 0 {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		out := maps.Clone(v)
		if len(path) == 1 {
			delete(out, path[0].Key)
		} else if item, ok := v[path[0].Key]; ok {
			out[path[0].Key] = without(item, path[1:])
		}
		return out
	case []any:
		out := slices.Clone(v)
		if i := path[0].Index; i >= 0 && i < len(out) {
			out[i] = without(out[i], path[1:])
		}
		return out
	default:
		return value
	}
}
