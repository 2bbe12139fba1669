package terraform

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// traverse resolves a reference: google_storage_bucket.data.name.
func (r *reader) traverse(s *scope, t hcl.Traversal) (operand, error) {
	root := t.RootName()
	if o, ok := s.lookup(root); ok {
		return r.walk(o, t[1:])
	}
	m := s.module
	switch root {
	case "each", "count", "self":
		return value(unknown("%s is not known here", root)), nil
	case "path":
		return r.pathReference(m, t)
	case "terraform":
		if step(t, 1) != "workspace" {
			return value(unknown("terraform.%s is not known before Terraform runs", step(t, 1))), nil
		}
		if r.opts.Workspace == "" {
			return value(unknown("the workspace is chosen when Terraform runs")), nil
		}
		return r.walk(value(cty.StringVal(r.opts.Workspace)), t[2:])
	case "ephemeral":
		return value(unknown("an ephemeral resource is read when Terraform runs")), nil
	}
	address, n := target(t)
	if address == "" {
		return operand{}, failf("%s is only the beginning of a reference", root)
	}
	o, err := r.resolve(m, address)
	if err != nil {
		return o, err
	}
	return r.walk(o, t[n:])
}

// target splits a reference into the address of what is declared and the number
// of steps that it takes. "" is no such reference.
func target(t hcl.Traversal) (address string, n int) {
	switch root := t.RootName(); root {
	case "var", "local", "module":
		n = 2
	case "data", "ephemeral", "resource":
		n = 3
	case "each", "count", "self", "path", "terraform":
		return "", 0
	default:
		n = 2
	}
	if len(t) < n {
		return "", 0
	}
	for i := range n {
		name := step(t, i)
		switch {
		case name == "":
			return "", 0
		case i == 0 && name == "resource" && n == 3:
			continue
		case address != "":
			address += "."
		}
		address += name
	}
	return address, n
}

// step is the name of one step of a reference, "" where it is none.
func step(t hcl.Traversal, i int) string {
	if i >= len(t) {
		return ""
	}
	switch s := t[i].(type) {
	case hcl.TraverseRoot:
		return s.Name
	case hcl.TraverseAttr:
		return s.Name
	default:
		return ""
	}
}

func (r *reader) pathReference(m *module, t hcl.Traversal) (operand, error) {
	switch step(t, 1) {
	case "module":
		return r.walk(value(cty.StringVal(relative(r.dir, m.config.dir))), t[2:])
	case "root":
		return r.walk(value(cty.StringVal(".")), t[2:])
	default:
		return value(unknown("path.%s depends on where Terraform runs", step(t, 1))), nil
	}
}

// walk goes from an operand along the steps of a reference.
func (r *reader) walk(o operand, steps hcl.Traversal) (operand, error) {
	for _, s := range steps {
		var err error
		switch s := s.(type) {
		case hcl.TraverseAttr:
			o, err = r.attribute(o, s.Name)
		case hcl.TraverseIndex:
			o, err = r.element(o, s.Key)
		default:
			err = failf("the reference cannot be read")
		}
		if err != nil {
			return operand{}, err
		}
	}
	return o, nil
}

// attribute is one step by name.
func (r *reader) attribute(o operand, name string) (operand, error) {
	switch {
	case o.set != nil:
		return operand{}, failf("%s has several instances, and the reference names none", o.set.item.address)
	case o.calls != nil:
		return operand{}, failf("%s has several instances, and the reference names none", o.calls.item.address)
	case o.res != nil:
		return value(r.resourceAttribute(o.res, name)), nil
	case o.mod != nil:
		return value(r.output(o.mod, name)), nil
	}
	bare, marks := o.val.Unmark()
	if !bare.IsKnown() {
		return value(cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...)), nil
	}
	got, found := hcl.GetAttr(bare, name, nil)
	if found.HasErrors() {
		if _, partly := marks[open{}]; partly {
			return value(unknown("the provider sets %s", name)), nil
		}
		return operand{}, failf("there is no attribute named %s", name)
	}
	return value(hand(got, marks)), nil
}

// element is one step by key.
func (r *reader) element(o operand, key cty.Value) (operand, error) {
	switch {
	case o.set != nil:
		return r.instanceAt(o.set, key)
	case o.calls != nil:
		return r.callAt(o.calls, key)
	}
	key, keyMarks := key.Unmark()
	if !key.IsKnown() {
		return value(cty.DynamicVal.WithMarks(without([]cty.ValueMarks{keyMarks})...)), nil
	}
	if o.res != nil || o.mod != nil {
		if key.Type() == cty.String && !key.IsNull() {
			return r.attribute(o, key.AsString())
		}
		return operand{}, failf("it is a single object and has no element to choose")
	}
	bare, marks := o.val.Unmark()
	if !bare.IsKnown() {
		return value(cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...)), nil
	}
	if bare.Type().IsObjectType() && key.Type() == cty.String && !key.IsNull() {
		return r.attribute(o, key.AsString())
	}
	got, found := hcl.Index(bare, key, nil)
	if found.HasErrors() {
		return operand{}, failf("there is no element of that key")
	}
	return value(hand(got, marks)), nil
}

// hand gives a part of a value the marks of the whole.
func hand(part cty.Value, marks cty.ValueMarks) cty.Value {
	for m := range marks {
		switch m.(type) {
		case pieces, open:
		default:
			part = part.Mark(m)
		}
	}
	return part
}

// force turns an operand into a value.
func (r *reader) force(o operand) (cty.Value, error) {
	switch {
	case o.res != nil:
		return r.object(o.res), nil
	case o.mod != nil:
		return r.outputs(o.mod), nil
	case o.set == nil && o.calls == nil:
		if o.val == cty.NilVal {
			return cty.DynamicVal, nil
		}
		return o.val, nil
	}
	items, doubt, err := r.members(o, false)
	if err != nil || doubt != cty.NilVal {
		return doubt, err
	}
	fields, tuple := map[string]cty.Value{}, make([]cty.Value, 0, len(items))
	for _, item := range items {
		v, err := r.force(item.operand)
		if err != nil {
			return v, err
		}
		if item.key.Type() == cty.String {
			fields[item.key.AsString()] = v
		}
		tuple = append(tuple, v)
	}
	if len(fields) == len(items) && len(items) > 0 || (o.set != nil && o.set.each) || (o.calls != nil && o.calls.each) {
		return cty.ObjectVal(fields), nil
	}
	return cty.TupleVal(tuple), nil
}
