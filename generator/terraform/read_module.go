package terraform

import (
	"fmt"
	"math/big"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"strake/generator/diag"
)

// module is one instance of a configuration: the root, or one key of a module
// call.
type module struct {
	address string // module.a["x"], "" for the root
	config  *config
	parent  *module
	call    *item  // in the parent
	scope   *scope // of the call's arguments, in the parent
	depth   int

	inputs map[string]input // of the root: values of tfvars files
	values map[string]*memo // of var.x, local.x, output.x
	sets   map[string]*resourceSet
	calls  map[string]*callSet
}

// input is the value of a variable that a tfvars file sets.
type input struct {
	value cty.Value
	at    diag.Range
}

// memo is a value that is evaluated once.
type memo struct {
	value cty.Value
	busy  bool
}

func newModule(c *config) *module {
	return &module{config: c, values: map[string]*memo{}, sets: map[string]*resourceSet{}, calls: map[string]*callSet{}}
}

// remember evaluates a value once, and breaks cycles.
func (m *module) remember(address string, eval func() cty.Value) cty.Value {
	if have, ok := m.values[address]; ok {
		if have.busy {
			return cty.DynamicVal.Mark(why{text: address + " refers to itself", failed: true})
		}
		return have.value
	}
	mm := &memo{busy: true}
	m.values[address] = mm
	mm.value = eval()
	mm.busy = false
	return mm.value
}

// resolve finds what an address stands for.
func (r *reader) resolve(m *module, address string) (operand, error) {
	it, ok := m.config.named[address]
	if !ok {
		return operand{}, failf("%s is not declared", address)
	}
	switch it.kind {
	case "variable":
		return value(r.variable(m, it)), nil
	case "local":
		return value(m.remember(address, func() cty.Value {
			return r.evaluate(&scope{module: m}, it.expr)
		})), nil
	case "module":
		return r.callOperand(m, it)
	default:
		return r.resourceOperand(m, it)
	}
}

// variable is the value that a variable has in a module instance.
func (r *reader) variable(m *module, it *item) cty.Value {
	return m.remember(it.address, func() cty.Value {
		name := it.name()
		v, set := r.argument(m, name)
		if !set {
			e := it.body.get("default")
			switch {
			case e != nil:
				v = r.evaluate(&scope{module: m}, e)
			case m.parent == nil:
				v = unknown("variable %q has no default and no value in a tfvars file", name)
			default:
				v = unknown("variable %q has no default and %s does not set it", name, m.address)
			}
		}
		v = r.constrain(m, it, v, set)
		if yes, _ := r.literalBool(it.body.get("sensitive")); yes {
			v = v.Mark(secret{})
		}
		return v
	})
}

// argument is what the caller of a module sets a variable to.
func (r *reader) argument(m *module, name string) (cty.Value, bool) {
	if m.parent == nil {
		in, ok := m.inputs[name]
		return in.value, ok
	}
	e := m.call.body.get(name)
	if e == nil {
		return cty.NilVal, false
	}
	return r.evaluate(m.scope, e), true
}

// constrain converts a value to the type of its variable.
func (r *reader) constrain(m *module, it *item, v cty.Value, set bool) cty.Value {
	e := it.body.get("type")
	if bare, _ := v.Unmark(); bare.IsNull() && set {
		if yes, known := r.literalBool(it.body.get("nullable")); known && !yes && it.body.get("default") != nil {
			v = r.evaluate(&scope{module: m}, it.body.get("default"))
		}
	}
	if e == nil {
		return v
	}
	want, defaults, found := typeexpr.TypeConstraintWithDefaults(e)
	if found.HasErrors() {
		return v
	}
	bare, marks := v.UnmarkDeepWithPaths()
	if !bare.IsKnown() {
		return v
	}
	if defaults != nil && !bare.IsNull() {
		bare = defaults.Apply(bare)
		v = bare.MarkWithPaths(marks)
	}
	out, err := convert.Convert(v, want)
	if err == nil {
		return out
	}
	if bare.IsWhollyKnown() && !partly(marks) {
		at := it.body.get("type").Range()
		if d := it.body.get("default"); !set && d != nil {
			at = d.Range()
		} else if m.parent != nil && m.call.body.get(it.name()) != nil {
			at = m.call.body.get(it.name()).Range()
		}
		where := r.at(at)
		if in, ok := m.inputs[it.name()]; ok && m.parent == nil {
			where = in.at
		}
		r.find(diag.Diagnostic{
			Rule: "terraform-variable", Severity: diag.Error, Range: where, Sensitive: secretName(it.name()),
			Summary: fmt.Sprintf("the value of variable %q does not fit its type: %s", it.name(), err),
			Detail:  "The type is " + typeexpr.TypeString(want) + ".",
			Related: []diag.Related{{Range: r.at(it.head), Message: "the variable"}},
		})
	}
	return cty.DynamicVal.Mark(why{text: fmt.Sprintf("the value of variable %q does not fit its type", it.name()), failed: true})
}

// partly reports whether a part of a value is a resource, of which only some
// attributes are known.
func partly(marks []cty.PathValueMarks) bool {
	for _, m := range marks {
		if _, ok := m.Marks[open{}]; ok {
			return true
		}
	}
	return false
}

// literalBool is the value of an argument that must be written as a literal.
func (r *reader) literalBool(e hclsyntax.Expression) (yes, known bool) {
	if e == nil {
		return false, false
	}
	v, found := e.Value(nil)
	if found.HasErrors() || !v.IsKnown() || v.IsNull() {
		return false, false
	}
	if v, err := convert.Convert(v, cty.Bool); err == nil {
		return v.True(), true
	}
	return false, false
}

// callSet is a module call: its instances, or why they are not known.
type callSet struct {
	item      *item
	keyed     bool // count or for_each
	each      bool // for_each
	busy      bool
	instances []*module
	keys      []cty.Value
	// doubt is a value that says why the module's outputs, or its instances, are
	// not known.
	doubt cty.Value
}

// callOperand expands a module call once.
func (r *reader) callOperand(m *module, it *item) (operand, error) {
	cs := r.expandCall(m, it)
	if cs.busy {
		return value(unknown("%s refers to itself", it.address)), nil
	}
	if len(cs.instances) == 0 && cs.doubt != cty.NilVal {
		return value(cs.doubt), nil
	}
	if cs.keyed {
		return operand{calls: cs}, nil
	}
	return operand{mod: cs.instances[0]}, nil
}

func (r *reader) expandCall(m *module, it *item) *callSet {
	if cs, ok := m.calls[it.address]; ok {
		return cs
	}
	cs := &callSet{item: it, busy: true}
	m.calls[it.address] = cs
	defer func() { cs.busy = false }()
	source, _ := literal(it.body.get("source"))
	dir, local := localSource(m.config.dir, source)
	if !local {
		cs.doubt = unknown("%s is not read: its source is not in the repository", it.address)
		return cs
	}
	c, ok := r.load(dir)
	if !ok {
		cs.doubt = unknown("%s is not read: %s holds no Terraform files", it.address, dir)
		return cs
	}
	if m.depth+1 > maxModules || m.inside(dir) {
		cs.doubt = unknown("%s calls itself", it.address)
		r.find(diag.Diagnostic{
			Rule: "terraform-cycle", Severity: diag.Error, Range: r.at(it.head),
			Summary: it.address + " calls itself", Detail: "A module cannot contain itself.",
		})
		return cs
	}
	ex := r.expansion(m, it)
	cs.keyed, cs.each = ex.keyed, ex.each
	cs.doubt = ex.doubt
	for i, key := range ex.keys {
		child := newModule(c)
		child.parent, child.call, child.depth, child.scope = m, it, m.depth+1, ex.scopes[i]
		child.address = join(m.address, it.address+ex.suffix(i))
		cs.instances, cs.keys = append(cs.instances, child), append(cs.keys, key)
	}
	return cs
}

// inside reports whether a module, or one around it, is the directory.
func (m *module) inside(dir string) bool {
	for ; m != nil; m = m.parent {
		if m.config.dir == dir {
			return true
		}
	}
	return false
}

// localSource is the directory of a module that stands in the repository.
func localSource(from, source string) (string, bool) {
	if source != "." && source != ".." && !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") {
		return "", false
	}
	dir := path.Join(from, source)
	if dir == ".." || strings.HasPrefix(dir, "../") {
		return "", false
	}
	return dir, true
}

// relative is the path from one directory of the repository to another, as
// Terraform writes path.module.
func relative(from, to string) string {
	if from == to {
		return "."
	}
	a, b := strings.Split(path.Clean(from), "/"), strings.Split(path.Clean(to), "/")
	if from == "." {
		a = nil
	}
	if to == "." {
		b = nil
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	out := path.Join(append(strings.Split(strings.Repeat("../", len(a)), "/"), b...)...)
	if out == "" {
		return "."
	}
	return out
}

func (r *reader) callMembers(cs *callSet) ([]member, cty.Value, error) {
	if cs.doubt != cty.NilVal {
		return nil, cs.doubt, nil
	}
	items := make([]member, 0, len(cs.instances))
	for i, mod := range cs.instances {
		items = append(items, member{cs.keys[i], operand{mod: mod}})
	}
	return items, cty.NilVal, nil
}

func (r *reader) callAt(cs *callSet, key cty.Value) (operand, error) {
	key, marks := key.Unmark()
	if cs.doubt != cty.NilVal {
		return value(cs.doubt), nil
	}
	if !key.IsKnown() {
		return value(cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...)), nil
	}
	if i, ok := keyIndex(cs.keys, key); ok {
		return operand{mod: cs.instances[i]}, nil
	}
	return operand{}, failf("%s has no instance of that key", cs.item.address)
}

func keyIndex(keys []cty.Value, key cty.Value) (int, bool) {
	for i, k := range keys {
		if k == cty.NilVal || key.IsNull() {
			continue
		}
		if same, err := convert.Convert(key, k.Type()); err == nil && !same.IsNull() && same.RawEquals(k) {
			return i, true
		}
	}
	return 0, false
}

// output is one output of a module instance.
func (r *reader) output(m *module, name string) cty.Value {
	it, ok := m.config.named["output."+name]
	if !ok {
		return cty.DynamicVal.Mark(why{text: fmt.Sprintf("%s has no output %q", m.address, name), failed: true})
	}
	return m.remember(it.address, func() cty.Value {
		v := r.evaluate(&scope{module: m}, it.body.get("value"))
		if yes, _ := r.literalBool(it.body.get("sensitive")); yes {
			v = v.Mark(secret{})
		}
		return v
	})
}

func (r *reader) outputs(m *module) cty.Value {
	fields := make(map[string]cty.Value, len(m.config.outputs))
	for _, it := range m.config.outputs {
		fields[it.name()] = r.output(m, it.name())
	}
	return cty.ObjectVal(fields)
}

// expansion is what count and for_each make of a block.
type expansion struct {
	keyed, each bool
	keys        []cty.Value // NilVal for the one instance of a block without either
	scopes      []*scope
	// doubt says why the instances are not known; then there is one that stands
	// for them.
	doubt cty.Value
}

// suffix is the key as addresses write it.
func (x expansion) suffix(i int) string {
	switch key := x.keys[i]; {
	case !x.keyed:
		return ""
	case key == cty.NilVal:
		return "[*]"
	case key.Type() == cty.String:
		return fmt.Sprintf("[%q]", key.AsString())
	default:
		return fmt.Sprintf("[%s]", key.AsBigFloat().Text('f', 0))
	}
}

// expansion evaluates count and for_each.
func (r *reader) expansion(m *module, it *item) expansion {
	in := &scope{module: m}
	if e := it.body.get("count"); e != nil {
		return r.expandCount(in, it, e)
	}
	if e := it.body.get("for_each"); e != nil {
		return r.expandEach(in, it, e)
	}
	return expansion{keys: []cty.Value{cty.NilVal}, scopes: []*scope{in}}
}

func (r *reader) expandCount(in *scope, it *item, e hclsyntax.Expression) expansion {
	x := expansion{keyed: true, doubt: cty.NilVal}
	v := r.evaluate(in, e)
	v, marks := v.Unmark()
	n := int64(-1)
	if v.IsKnown() && !v.IsNull() {
		if num, err := convert.Convert(v, cty.Number); err == nil {
			if i, accuracy := num.AsBigFloat().Int64(); accuracy == big.Exact {
				n = i
			}
		}
	}
	if v.IsKnown() && n < 0 {
		return x.uncertain(in, "count", cty.DynamicVal.Mark(why{text: "count is no whole number", failed: true}))
	}
	if !v.IsKnown() {
		return x.uncertain(in, "count", cty.DynamicVal.Mark(notKnown("count", marks)))
	}
	if n > maxInstances {
		return x.uncertain(in, "count", r.tooMany(it, int(min(n, 1<<30))))
	}
	for i := range n {
		x.keys = append(x.keys, cty.NumberIntVal(i))
		x.scopes = append(x.scopes, in.child(map[string]operand{
			"count": value(cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(i)})),
		}))
	}
	return x
}

func (r *reader) expandEach(in *scope, it *item, e hclsyntax.Expression) expansion {
	x := expansion{keyed: true, each: true, doubt: cty.NilVal}
	o, err := r.operand(in, e)
	if err != nil {
		return x.uncertain(in, "each", cty.DynamicVal.Mark(why{text: "for_each is not known: " + err.Error(), failed: true}))
	}
	items, doubt, err := r.members(o, false)
	switch {
	case err != nil:
		return x.uncertain(in, "each", cty.DynamicVal.Mark(why{text: "for_each is not known: " + err.Error(), failed: true}))
	case doubt != cty.NilVal:
		_, marks := doubt.Unmark()
		return x.uncertain(in, "each", cty.DynamicVal.Mark(notKnown("for_each", marks)))
	case len(items) > maxInstances:
		return x.uncertain(in, "each", r.tooMany(it, len(items)))
	}
	for _, item := range items {
		key := item.key
		if o.val != cty.NilVal {
			if t := o.val.Type(); t.IsSetType() {
				key, _ = item.val.Unmark()
			}
		}
		if !key.IsKnown() {
			return x.uncertain(in, "each", unknown("for_each is not known: one of its keys is not"))
		}
		if key, err = convert.Convert(key, cty.String); err != nil || key.IsNull() {
			return x.uncertain(in, "each", cty.DynamicVal.Mark(why{text: "for_each is neither a map nor a set of strings", failed: true}))
		}
		x.keys = append(x.keys, key)
		x.scopes = append(x.scopes, in.child(map[string]operand{"each": eachOperand(key, item.operand, r)}))
	}
	return x
}

func eachOperand(key cty.Value, o operand, r *reader) operand {
	v, err := r.force(o)
	if err != nil {
		v = failed(err)
	}
	return value(cty.ObjectVal(map[string]cty.Value{"key": key, "value": v}))
}

// uncertain makes the one instance that stands for an unknown number of them.
func (x expansion) uncertain(in *scope, kind string, doubt cty.Value) expansion {
	x.doubt = doubt
	fields := map[string]cty.Value{"key": doubt, "value": doubt}
	if kind == "count" {
		fields = map[string]cty.Value{"index": doubt}
	}
	x.keys = []cty.Value{cty.NilVal}
	x.scopes = []*scope{in.child(map[string]operand{kind: value(cty.ObjectVal(fields))})}
	return x
}

func (r *reader) tooMany(it *item, n int) cty.Value {
	r.find(diag.Diagnostic{
		Rule: "terraform-limit", Severity: diag.Warning, Range: r.at(it.head),
		Summary: fmt.Sprintf("%s has %d instances, and no more than %d are read", it.address, n, maxInstances),
		Detail:  "Its instances were taken as one whose key is not known.",
	})
	return cty.DynamicVal.Mark(why{text: fmt.Sprintf("there are more than %d instances", maxInstances), failed: true})
}

func join(module, address string) string {
	if module == "" || address == "" {
		return address
	}
	return module + "." + address
}

// notKnown says why an argument is not known, once.
func notKnown(argument string, marks cty.ValueMarks) why {
	text := reason(marks)
	if !strings.HasPrefix(text, "for_each is not known") && !strings.HasPrefix(text, "count is not known") {
		text = argument + " is not known: " + text
	}
	return why{text: text, failed: wrong(marks)}
}
