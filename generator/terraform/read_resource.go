package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// resourceSet is a resource or data block in a module instance: what count and
// for_each make of it.
type resourceSet struct {
	item      *item
	module    *module
	keyed     bool
	each      bool
	busy      bool
	instances []*instance
	doubt     cty.Value
}

// instance is one instance of a resource.
type instance struct {
	set     *resourceSet
	key     cty.Value
	address string
	scope   *scope
	values  map[string]*memo
	object  cty.Value
}

// resourceType is the type of the resource: the first label.
func (i *instance) resourceType() string { return i.set.item.labels[0] }

func (i *instance) data() bool { return i.set.item.kind == "data" }

func (r *reader) expandResource(m *module, it *item) *resourceSet {
	if rs, ok := m.sets[it.address]; ok {
		return rs
	}
	rs := &resourceSet{item: it, module: m, busy: true}
	m.sets[it.address] = rs
	defer func() { rs.busy = false }()
	x := r.expansion(m, it)
	rs.keyed, rs.each, rs.doubt = x.keyed, x.each, x.doubt
	for i, key := range x.keys {
		r.resources--
		if r.resources < 0 {
			r.limited(m.config.dir)
			rs.doubt = cty.DynamicVal.Mark(why{text: "there are too many resources", failed: true})
			break
		}
		rs.instances = append(rs.instances, &instance{
			set: rs, key: key, address: join(m.address, it.address+x.suffix(i)), scope: x.scopes[i], values: map[string]*memo{},
		})
	}
	return rs
}

func (r *reader) resourceOperand(m *module, it *item) (operand, error) {
	rs := r.expandResource(m, it)
	switch {
	case rs.busy:
		return operand{}, failf("%s refers to itself", it.address)
	case rs.keyed:
		return operand{set: rs}, nil
	case len(rs.instances) == 0:
		return value(rs.doubt), nil
	}
	return operand{res: rs.instances[0]}, nil
}

func (r *reader) instances(rs *resourceSet) ([]member, cty.Value, error) {
	if rs.doubt != cty.NilVal {
		return nil, rs.doubt, nil
	}
	items := make([]member, 0, len(rs.instances))
	for _, in := range rs.instances {
		items = append(items, member{in.key, operand{res: in}})
	}
	return items, cty.NilVal, nil
}

// instanceAt chooses an instance. Where the number of instances is not known,
// the one that stands for them has what does not depend on the key.
func (r *reader) instanceAt(rs *resourceSet, key cty.Value) (operand, error) {
	if rs.doubt != cty.NilVal {
		if len(rs.instances) == 1 {
			return operand{res: rs.instances[0]}, nil
		}
		return value(rs.doubt), nil
	}
	key, marks := key.Unmark()
	if !key.IsKnown() {
		return value(cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...)), nil
	}
	keys := make([]cty.Value, 0, len(rs.instances))
	for _, in := range rs.instances {
		keys = append(keys, in.key)
	}
	if i, ok := keyIndex(keys, key); ok {
		return operand{res: rs.instances[i]}, nil
	}
	return operand{}, failf("%s has no instance of that key", rs.item.address)
}

// metaArguments are Terraform's own arguments and blocks of a resource, which
// no provider sees.
func metaArguments() []string {
	return []string{"count", "for_each", "provider", "depends_on", "lifecycle", "connection", "provisioner"}
}

// resourceAttribute is what an expression gets that asks for an attribute of a
// resource: what is configured, or what is derived from it, or unknown.
func (r *reader) resourceAttribute(in *instance, name string) cty.Value {
	if have, ok := in.values[name]; ok {
		if have.busy {
			return cty.DynamicVal.Mark(why{text: in.set.item.address + " refers to itself", failed: true})
		}
		return have.value
	}
	mm := &memo{busy: true}
	in.values[name] = mm
	mm.value = r.findAttribute(in, name)
	mm.busy = false
	return mm.value
}

func (r *reader) findAttribute(in *instance, name string) cty.Value {
	b := in.set.item.body
	if slices.Contains(metaArguments(), name) {
		return unknown("%s is no attribute", name)
	}
	if e := b.get(name); e != nil {
		v := r.evaluate(in.scope, e)
		if bare, _ := v.Unmark(); !bare.IsNull() {
			return v
		}
	} else if r.hasBlocks(b, name) {
		return r.blockValues(in.scope, b, name, 0)
	}
	if v, ok := r.derive(in, name); ok {
		return v
	}
	if in.data() {
		return unknown("%s of %s is read when Terraform runs", name, in.set.item.address)
	}
	return unknown("%s of %s is set by the provider", name, in.set.item.address)
}

func (r *reader) hasBlocks(b *body, name string) bool {
	return slices.ContainsFunc(b.blocks, func(c *block) bool { return blockTarget(c) == name })
}

// blockValues is a list of objects, as which the provider's schema shows most
// blocks.
func (r *reader) blockValues(s *scope, b *body, name string, depth int) cty.Value {
	if depth > 40 {
		return unknown("blocks are nested too deep")
	}
	var items []cty.Value
	for _, c := range b.blocks {
		if blockTarget(c) != name {
			continue
		}
		expanded, doubt := r.expandDynamic(s, c)
		if doubt != cty.NilVal {
			return doubt
		}
		for _, one := range expanded {
			fields := map[string]cty.Value{}
			for n, a := range one.body.attrs {
				fields[n] = r.evaluate(one.scope, a.expr)
			}
			for _, child := range one.body.blocks {
				if n := blockTarget(child); fields[n] == cty.NilVal {
					fields[n] = r.blockValues(one.scope, one.body, n, depth+1)
				}
			}
			items = append(items, cty.ObjectVal(fields).Mark(open{}))
		}
	}
	return cty.TupleVal(items)
}

// oneBlock is a block with the scope that its content is evaluated in.
type oneBlock struct {
	body  *body
	scope *scope
}

// expandDynamic makes of a dynamic block the blocks that it stands for. Where
// they are not known, doubt says why, and the content is that of one whose key
// is not known.
func (r *reader) expandDynamic(s *scope, c *block) (blocks []oneBlock, doubt cty.Value) {
	if c.kind != "dynamic" || len(c.labels) != 1 {
		return []oneBlock{{c.body, s}}, cty.NilVal
	}
	content := &body{attrs: map[string]*attr{}}
	if have := c.body.of("content"); len(have) > 0 {
		content = have[0].body
	}
	name := c.labels[0]
	if e := c.body.get("iterator"); e != nil {
		if word := hcl.ExprAsKeyword(e); word != "" {
			name = word
		}
	}
	items, doubt := r.dynamicItems(s, c.body.get("for_each"))
	if doubt != cty.NilVal {
		both := cty.ObjectVal(map[string]cty.Value{"key": doubt, "value": doubt})
		return []oneBlock{{content, s.child(map[string]operand{name: value(both)})}}, doubt
	}
	for _, item := range items {
		o := eachOperand(item.key, item.operand, r)
		blocks = append(blocks, oneBlock{content, s.child(map[string]operand{name: o})})
	}
	return blocks, cty.NilVal
}

func (r *reader) dynamicItems(s *scope, e hclsyntax.Expression) ([]member, cty.Value) {
	if e == nil {
		return nil, cty.DynamicVal.Mark(why{text: "a dynamic block has no for_each", failed: true})
	}
	o, err := r.operand(s, e)
	if err != nil {
		return nil, failed(err)
	}
	items, doubt, err := r.members(o, false)
	switch {
	case err != nil:
		return nil, failed(err)
	case doubt != cty.NilVal:
		return nil, doubt
	case len(items) > maxInstances:
		return nil, cty.DynamicVal.Mark(why{text: "there are too many of the block", failed: true})
	}
	if o.val != cty.NilVal && o.val.Type().IsSetType() {
		for i := range items {
			items[i].key = items[i].val
		}
	}
	return items, cty.NilVal
}

// object is a whole resource as one value. It is open: what nobody wrote may be
// set by the provider.
func (r *reader) object(in *instance) cty.Value {
	if in.object != cty.NilVal {
		return in.object
	}
	in.object = unknown("%s refers to itself", in.set.item.address)
	fields := map[string]cty.Value{}
	b := in.set.item.body
	for name := range b.attrs {
		if !slices.Contains(metaArguments(), name) {
			fields[name] = r.resourceAttribute(in, name)
		}
	}
	for _, c := range b.blocks {
		if name := blockTarget(c); !slices.Contains(metaArguments(), name) {
			fields[name] = r.resourceAttribute(in, name)
		}
	}
	for _, name := range derivable(in.resourceType(), in.data()) {
		fields[name] = r.resourceAttribute(in, name)
	}
	if _, ok := fields["id"]; !ok {
		fields["id"] = r.resourceAttribute(in, "id")
	}
	in.object = cty.ObjectVal(fields).Mark(open{})
	return in.object
}
