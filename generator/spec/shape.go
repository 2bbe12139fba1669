package spec

import (
	"reflect"
	"strconv"
	"strings"
)

// shapeKind is what a Go type looks like in YAML.
type shapeKind uint8

const (
	structure  shapeKind = iota // a map with known keys
	dictionary                  // a map with keys of the user's choice
	sequence
	text
	integer
	boolean
	opaque // anything
)

// shape is a Go type as the reader, the merger, the writer and the
// documentation see it. It is computed from the types, so they cannot disagree.
type shape struct {
	kind   shapeKind
	typ    reflect.Type
	fields []field
	elem   *shape // of a dictionary or sequence
	named  bool   // a sequence of structures that have a name: it merges by name
}

// field is one key of a structure.
type field struct {
	name  string // in YAML
	owner string // the Go type and field that declare it: "Cloud.Project"
	index []int
	shape *shape
	tag   tag
	// peers are the keys of its one-of group, its own among them.
	peers []string
}

// tag is what the struct tags of a field say. In `strake:"…"`, separated by
// commas:
//
//	required        the key must be there once everything is merged; with
//	                oneof: one key of the group must be
//	enum=a|b        the accepted strings
//	min=N           the least integer
//	oneof=GROUP     keys of one group exclude each other; choosing one removes
//	                an inherited other
//	with=KEY        goes with that key of a group: it is removed with it
//	keys=FORMAT     the format of a dictionary's keys; items=FORMAT of the keys
//	                of the dictionaries in it
//	literal         only declared variables are expanded in it
//	partial         what is below is completed by merging: nothing is required yet
//	omit=KEY        of an embedded structure, leave out that key
//	opaque          anything goes
//	FORMAT          a name in the table of formats
type tag struct {
	required, literal, partial, hasMin, hasDefault bool
	min                                            int
	enum                                           []string
	group, with, keys, items, format, omit         string
	value                                          string // the default
}

func parseTag(f reflect.StructField) tag {
	t := tag{}
	t.value, t.hasDefault = f.Tag.Lookup("default")
	for part := range strings.SplitSeq(f.Tag.Get("strake"), ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "required":
			t.required = true
		case "literal":
			t.literal = true
		case "partial":
			t.partial = true
		case "enum":
			t.enum = strings.Split(value, "|")
		case "min":
			t.min, _ = strconv.Atoi(value) // a test reads every tag
			t.hasMin = true
		case "oneof":
			t.group = value
		case "with":
			t.with = value
		case "keys":
			t.keys = value
		case "items":
			t.items = value
		case "omit":
			t.omit = value
		case "", "opaque":
		default:
			t.format = name
		}
	}
	return t
}

// shapeOf computes the shape of a type.
func shapeOf(t reflect.Type) *shape {
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Struct:
		s := &shape{kind: structure, typ: t}
		s.addFields(t, nil, "")
		for i, f := range s.fields {
			if f.tag.group != "" {
				s.fields[i].peers = s.group(f.tag.group)
			}
		}
		return s
	case reflect.Map:
		return &shape{kind: dictionary, typ: t, elem: shapeOf(t.Elem())}
	case reflect.Slice:
		elem := shapeOf(t.Elem())
		return &shape{kind: sequence, typ: t, elem: elem, named: elem.kind == structure && elem.field("name") != nil && elem.typ != reflect.TypeFor[Removal]()}
	case reflect.Int:
		return &shape{kind: integer, typ: t}
	case reflect.Bool:
		return &shape{kind: boolean, typ: t}
	case reflect.String:
		return &shape{kind: text, typ: t}
	default:
		return &shape{kind: opaque, typ: t}
	}
}

// addFields adds the fields of a struct type, those of embedded structs in
// their place.
func (s *shape) addFields(t reflect.Type, prefix []int, omit string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		index := append(append([]int(nil), prefix...), i)
		tags := parseTag(f)
		switch {
		case options == "inline":
			s.addFields(f.Type, index, tags.omit)
		case name == "" || name == omit:
		default:
			s.fields = append(s.fields, field{
				name: name, owner: t.Name() + "." + f.Name, index: index, shape: shapeOf(f.Type), tag: tags,
			})
		}
	}
}

// field finds a key, or nil.
func (s *shape) field(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

// names are the keys of a structure.
func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// group lists the keys of a one-of group.
func (s *shape) group(name string) []string {
	var keys []string
	for _, f := range s.fields {
		if f.tag.group == name {
			keys = append(keys, f.name)
		}
	}
	return keys
}

// goesWith lists the keys that belong to one key of a group.
func (s *shape) goesWith(key string) []string {
	var keys []string
	for _, f := range s.fields {
		if f.tag.with == key {
			keys = append(keys, f.name)
		}
	}
	return keys
}

// child is the path of a key below a path.
func child(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// item is the path of a list's item: by name where items have names.
func item(path string, sh *shape, n *node, i int) string {
	if sh.named && n.isMap() {
		if name := nameOf(n); name != "" {
			return path + "[" + name + "]"
		}
	}
	return path + "[" + strconv.Itoa(i) + "]"
}
