package terraform

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// Form says how a block is written.
type Form int

// The forms. Terraform's providers change between them: helm_release had
// set { … } blocks until version 3, and has set = [{ … }] since.
const (
	BlockForm     Form = iota // set { … }
	AttributeForm             // set = [{ … }]
	DynamicForm               // dynamic "set" { … }
)

// Body is what stands between the braces of a block.
type Body struct {
	// Range is the head of the block.
	Range diag.Range

	attributes map[string]Value
	blocks     []*Block
}

// Block is a block in a body.
type Block struct {
	Type   string
	Labels []string
	Form   Form
	// Uncertain says why it is not known whether, or how often, the block
	// stands there. It is "" for a block that certainly stands there once.
	Uncertain string
	Body
}

// Attributes returns the sorted names of what is set with an equals sign.
func (b *Body) Attributes() []string { return slices.Sorted(maps.Keys(b.attributes)) }

// BlockTypes returns the sorted names of the blocks that are written as such.
func (b *Body) BlockTypes() []string {
	var types []string
	for _, child := range b.blocks {
		types = append(types, child.Type)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// Has reports whether anything of that name is written in the body, as
// attribute or as block.
func (b *Body) Has(name string) bool {
	_, ok := b.attributes[name]
	return ok || slices.ContainsFunc(b.blocks, func(c *Block) bool { return c.Type == name })
}

// Blocks returns the blocks of a name in the order of the text. A list of
// objects, or one object, that is set as an attribute counts as blocks too; one
// that is unknown is a single uncertain block.
func (b *Body) Blocks(name string) []*Block {
	var found []*Block
	for _, child := range b.blocks {
		if child.Type == name {
			found = append(found, child)
		}
	}
	v, ok := b.attributes[name]
	if !ok {
		return found
	}
	items, isList := v.List()
	if !isList {
		items = []Value{v}
	}
	for _, item := range items {
		item = v.below(item)
		block := &Block{Type: name, Form: AttributeForm, Body: Body{Range: item.Range}}
		switch {
		case item.Unknown():
			block.Uncertain = item.Reason()
			block.attributes = map[string]Value{}
		case item.Kind() == Map:
			block.attributes = make(map[string]Value, len(item.fields))
			for key, field := range item.fields {
				block.attributes[key] = item.below(field)
			}
		default:
			continue
		}
		found = append(found, block)
	}
	return found
}

// Get returns what stands at a path: names and numbers, divided by dots. A name
// of blocks without a number is the first of them: "node_config.spot" and
// "node_config.0.spot" are the same. A key with dots in it is found with Map.
func (b *Body) Get(path string) Value {
	name, rest, deeper := strings.Cut(path, ".")
	if v, ok := b.attributes[name]; ok {
		for deeper {
			var step string
			step, rest, deeper = strings.Cut(rest, ".")
			v = v.At(step)
		}
		return v
	}
	blocks := b.Blocks(name)
	if len(blocks) == 0 {
		return Value{Range: b.Range, Origin: b.Range}
	}
	index := 0
	if deeper {
		step, after, more := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(step); err == nil {
			index, rest, deeper = n, after, more
		}
	}
	if index < 0 || index >= len(blocks) {
		return Value{Range: b.Range, Origin: b.Range}
	}
	chosen := blocks[index]
	if !deeper {
		return chosen.value()
	}
	v := chosen.Get(rest)
	if chosen.Uncertain != "" && v.kind != Unknown {
		// The block may not be there, or stand there with other values.
		v = Value{kind: Unknown, reason: chosen.Uncertain, Range: v.Range, Origin: v.Origin, Refs: v.Refs, Resources: v.Resources}
	}
	return v
}

// All returns the value at a path of every block on the way: "taint.key" is the
// key of each taint.
func (b *Body) All(path string) []Value {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		if b.Has(name) {
			return []Value{b.Get(name)}
		}
		return nil
	}
	var found []Value
	for _, child := range b.Blocks(name) {
		found = append(found, child.All(rest)...)
	}
	return found
}

// value is a block as the object that Terraform makes of it.
func (b *Block) value() Value {
	if b.Uncertain != "" {
		return Value{kind: Unknown, reason: b.Uncertain, Range: b.Range, Origin: b.Range}
	}
	return b.object()
}

func (b *Body) object() Value {
	v := Value{kind: Map, fields: make(map[string]Value, len(b.attributes)), Range: b.Range, Origin: b.Range}
	maps.Copy(v.fields, b.attributes)
	for _, name := range b.BlockTypes() {
		list := Value{kind: List, Range: b.Range, Origin: b.Range}
		for _, child := range b.Blocks(name) {
			list.items = append(list.items, child.value())
		}
		v.fields[name] = list
	}
	return v
}

// Each calls f with every attribute in the body and the blocks below it, in the
// order of their paths.
func (b *Body) Each(f func(path string, v Value)) { b.each("", f) }

func (b *Body) each(prefix string, f func(string, Value)) {
	for _, name := range b.Attributes() {
		f(prefix+name, b.attributes[name])
	}
	counts := map[string]int{}
	for _, child := range b.blocks {
		n := counts[child.Type]
		counts[child.Type]++
		child.each(prefix+child.Type+"."+strconv.Itoa(n)+".", f)
	}
}
