package terraform

import (
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// Kind says what a Value holds.
type Kind int

// The kinds. The zero value is Absent: nothing is written there.
const (
	Absent Kind = iota
	Null
	Unknown
	String
	Number
	Bool
	List // lists, sets and tuples
	Map  // maps and objects
)

// Value is what an expression came to. It is a fact, or it says why it is none:
// nobody may take an unknown value for anything.
type Value struct {
	// Range is the expression. Of an absent value it is the block that could
	// have it.
	Range diag.Range
	// Origin is where the value was written: the default of a variable, a line
	// of a tfvars file, a local. It is Range where the expression is no plain
	// reference.
	Origin diag.Range
	// Refs are what the expression names, in the order of the text.
	Refs []Ref
	// Resources are the addresses, without keys, of all resources and data
	// sources that the value comes from, through locals, variables of modules
	// and their outputs. Sorted.
	Resources []string
	// Sensitive says that Terraform would not print the value.
	Sensitive bool

	kind   Kind
	text   string
	truth  bool
	items  []Value
	fields map[string]Value
	parts  []string
	reason string
	failed bool
}

// Ref is one name in an expression.
type Ref struct {
	// Address is var.x, local.x, module.x, data.type.name or type.name.
	Address string
	// Attribute is the first attribute that is asked for, "" for the whole.
	Attribute string
	Range     diag.Range
}

// Kind says what the value holds.
func (v Value) Kind() Kind { return v.kind }

// Absent reports that nothing is written there.
func (v Value) Absent() bool { return v.kind == Absent }

// Unset reports that nothing, or null, is written there: the provider's default
// holds.
func (v Value) Unset() bool { return v.kind == Absent || v.kind == Null }

// Unknown reports that something is written there and it cannot be told what it
// comes to.
func (v Value) Unknown() bool { return v.kind == Unknown }

// Known reports that something other than null is written there, and what it is
// at the outermost level; elements may be unknown.
func (v Value) Known() bool { return v.kind > Unknown }

// WhollyKnown reports that no part of the value is unknown. Absent and null
// values have no unknown part.
func (v Value) WhollyKnown() bool {
	if v.kind == Unknown {
		return false
	}
	for _, item := range v.items {
		if !item.WhollyKnown() {
			return false
		}
	}
	for _, field := range v.fields {
		if !field.WhollyKnown() {
			return false
		}
	}
	return true
}

// Reason says why a value is unknown, as a part of a sentence: `variable
// "project" has no default and no value in a tfvars file`.
func (v Value) Reason() string { return v.reason }

// Str returns a string. A number or a bool is given as Terraform would convert
// it. ok is false for everything else.
func (v Value) Str() (s string, ok bool) {
	switch v.kind {
	case String, Number:
		return v.text, true
	case Bool:
		return strconv.FormatBool(v.truth), true
	default:
		return "", false
	}
}

// Bool returns a bool, also one that is written as a string.
func (v Value) Bool() (truth, ok bool) {
	switch {
	case v.kind == Bool:
		return v.truth, true
	case v.kind == String && (v.text == "true" || v.text == "false"):
		return v.text == "true", true
	default:
		return false, false
	}
}

// Int returns a whole number, also one that is written as a string.
func (v Value) Int() (n int64, ok bool) {
	if v.kind != Number && v.kind != String {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil
}

// List returns the elements of a list, set or tuple.
func (v Value) List() (items []Value, ok bool) { return v.items, v.kind == List }

// Map returns the elements of a map or object.
func (v Value) Map() (fields map[string]Value, ok bool) { return v.fields, v.kind == Map }

// Keys returns the sorted keys of a map or object.
func (v Value) Keys() []string {
	keys := make([]string, 0, len(v.fields))
	for k := range v.fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Parts returns the known pieces of a string that is unknown only in places:
// "a-${x}-b" is ["a-", "-b"], so the first is a prefix and the last a suffix.
// nil where nothing is known.
func (v Value) Parts() []string { return v.parts }

// MayBe reports whether the value is, or may turn out to be, this string. It is
// false only where that is certain.
func (v Value) MayBe(s string) bool {
	switch v.kind {
	case Unknown:
	case String, Number, Bool:
		got, _ := v.Str()
		return got == s
	default:
		return false
	}
	if len(v.parts) < 2 {
		return true
	}
	first, last := v.parts[0], v.parts[len(v.parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range v.parts[1 : len(v.parts)-1] {
		_, rest, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = rest
	}
	return true
}

// Is reports whether the value is known and this string.
func (v Value) Is(s string) bool {
	got, ok := v.Str()
	return ok && got == s
}

// RefersTo reports whether the expression names this address itself.
func (v Value) RefersTo(address string) bool {
	return slices.ContainsFunc(v.Refs, func(r Ref) bool { return r.Address == address })
}

// At returns what stands below the value: an element by number, or a field. A
// field of a list is that of its first element, since a block that may stand
// once is a list to Terraform.
func (v Value) At(step string) Value {
	switch v.kind {
	case Unknown:
		return v.below(Value{kind: Unknown, reason: v.reason, Range: v.Range, Origin: v.Origin})
	case Map:
		if field, ok := v.fields[step]; ok {
			return v.below(field)
		}
	case List:
		if i, err := strconv.Atoi(step); err == nil {
			if i >= 0 && i < len(v.items) {
				return v.below(v.items[i])
			}
		} else if len(v.items) > 0 {
			return v.items[0].At(step)
		}
	}
	return Value{Range: v.Range, Origin: v.Origin}
}

// below hands down what holds for every part of a value.
func (v Value) below(part Value) Value {
	if len(part.Refs) == 0 {
		part.Refs = v.Refs
	}
	part.Resources = v.Resources
	part.Sensitive = part.Sensitive || v.Sensitive
	return part
}

// Display is the value for a sentence: quoted, shortened, and hidden where it
// is sensitive.
func (v Value) Display() string {
	const longest = 80
	switch {
	case v.Sensitive:
		return "(sensitive)"
	case v.kind == Absent:
		return "(not set)"
	case v.kind == Null:
		return "null"
	case v.kind == Unknown && len(v.parts) > 1:
		return strconv.Quote(strings.Join(v.parts, "…"))
	case v.kind == Unknown:
		return "(unknown)"
	case v.kind == List:
		return "a list of " + strconv.Itoa(len(v.items))
	case v.kind == Map:
		return "a map of " + strconv.Itoa(len(v.fields))
	}
	s, _ := v.Str()
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest-1]) + "…"
	}
	if v.kind == String {
		return strconv.Quote(s)
	}
	return s
}
