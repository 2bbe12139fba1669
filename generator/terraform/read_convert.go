package terraform

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"strake/generator/diag"
)

// value evaluates an expression to a Value with its places and references.
func (r *reader) value(m *module, s *scope, e hclsyntax.Expression) Value {
	if e == nil {
		return Value{}
	}
	return r.present(m, e, r.evaluate(s, e))
}

// present is a value that was evaluated, with the places and references of its
// expression.
func (r *reader) present(m *module, e hclsyntax.Expression, v cty.Value) Value {
	at := r.at(e.Range())
	out := r.convert(v, e, at, nil)
	out.Origin = r.origin(m, e, 0)
	for _, t := range hclsyntax.Variables(e) {
		address, n := target(t)
		if address == "" {
			address, n = written(t), len(t)
		}
		ref := Ref{Address: address, Range: r.at(t.SourceRange())}
		for ; n < len(t); n++ {
			if name := step(t, n); name != "" {
				ref.Attribute = name
				break
			}
		}
		out.Refs = append(out.Refs, ref)
	}
	out.Resources = r.sourcesOf(m, e)
	return out
}

// origin follows plain references to where the value is written.
func (r *reader) origin(m *module, e hclsyntax.Expression, depth int) diag.Range {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok || depth > maxDepth {
		return r.at(e.Range())
	}
	address, n := target(t.Traversal)
	it := m.config.named[address]
	if it == nil || n != len(t.Traversal) {
		return r.at(e.Range())
	}
	switch it.kind {
	case "local":
		return r.origin(m, it.expr, depth+1)
	case "variable":
		if m.parent != nil {
			if arg := m.call.body.get(it.name()); arg != nil {
				return r.origin(m.parent, arg, depth+1)
			}
		} else if in, ok := m.inputs[it.name()]; ok {
			return in.at
		}
		if d := it.body.get("default"); d != nil {
			return r.at(d.Range())
		}
		return r.at(it.head)
	}
	return r.at(e.Range())
}

// sourcesOf lists the resources that an expression depends on, sorted.
func (r *reader) sourcesOf(m *module, e hclsyntax.Expression) []string {
	var found []string
	for _, t := range hclsyntax.Variables(e) {
		found = append(found, r.sourcesAt(m, t)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// sourcesAt lists the resources behind one reference. Each is followed once: a
// chain of references would be walked from every link of it otherwise.
func (r *reader) sourcesAt(m *module, t hcl.Traversal) []string {
	address, n := target(t)
	it := m.config.named[address]
	if it == nil {
		return nil
	}
	if it.kind == "resource" || it.kind == "data" || it.kind == "ephemeral" {
		return []string{join(m.block(), address)}
	}
	key := m.address + "\x00" + address
	if it.kind == "module" {
		key += "\x00" + outputName(t, n)
	}
	if have, ok := r.behind[key]; ok || r.depth > maxDepth*8 {
		return have
	}
	r.behind[key] = nil // of what refers to itself
	r.depth++
	defer func() { r.depth-- }()
	var found []string
	switch it.kind {
	case "local":
		found = r.sourcesOf(m, it.expr)
	case "variable":
		if m.parent != nil {
			if arg := m.call.body.get(it.name()); arg != nil {
				found = r.sourcesOf(m.parent, arg)
			}
		}
	case "module":
		cs := r.expandCall(m, it)
		if len(cs.instances) == 0 {
			return nil
		}
		child, name := cs.instances[0], outputName(t, n)
		for _, o := range child.config.outputs {
			if x := o.body.get("value"); x != nil && (name == "" || o.name() == name) {
				found = append(found, r.sourcesOf(child, x)...)
			}
		}
		slices.Sort(found)
		found = slices.Compact(found)
	}
	r.behind[key] = found
	return found
}

// outputName is the output that a reference to a module asks for.
func outputName(t hcl.Traversal, n int) string {
	for ; n < len(t); n++ {
		if name := step(t, n); name != "" {
			return name
		}
	}
	return ""
}

// block is the module's address without keys.
func (m *module) block() string {
	var parts []string
	for ; m.parent != nil; m = m.parent {
		parts = append(parts, m.call.address)
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}

// convert makes a Value of cty's. Where the expression is written out, each part
// has its own place.
func (r *reader) convert(v cty.Value, e hclsyntax.Expression, at diag.Range, outer cty.ValueMarks) Value {
	bare, marks := v.Unmark()
	out := Value{Range: at, Origin: at, Sensitive: secretive(marks) || secretive(outer)}
	r.nodes--
	if r.nodes < 0 {
		out.kind, out.reason = Unknown, "there is too much to evaluate"
		return out
	}
	if !explained(marks) && explained(outer) {
		marks = maps.Clone(marks)
		if marks == nil {
			marks = cty.ValueMarks{}
		}
		for m := range outer {
			if _, isWhy := m.(why); isWhy {
				marks[m] = struct{}{}
			}
		}
	}
	switch t := bare.Type(); {
	case !bare.IsKnown():
		out.kind, out.reason, out.failed = Unknown, reason(marks), wrong(marks)
		if p := shape(marks); p != hole {
			out.parts = strings.Split(p, hole)
		}
	case bare.IsNull():
		out.kind = Null
	case t == cty.String:
		out.kind, out.text = String, bare.AsString()
	case t == cty.Number:
		text, err := convert.Convert(bare, cty.String)
		if err != nil {
			out.kind, out.reason = Unknown, "the number cannot be written"
			return out
		}
		out.kind, out.text = Number, text.AsString()
	case t == cty.Bool:
		out.kind, out.truth = Bool, bare.True()
	case t.IsMapType() || t.IsObjectType():
		out.kind, out.fields = Map, map[string]Value{}
		parts := pairs(e)
		for it := bare.ElementIterator(); it.Next(); {
			k, item := it.Element()
			name := k.AsString()
			out.fields[name] = r.convert(item, parts[name], place(r, parts[name], at), marks)
		}
	case bare.CanIterateElements():
		out.kind = List
		parts := exprList(e)
		i := 0
		for it := bare.ElementIterator(); it.Next(); i++ {
			_, item := it.Element()
			var x hclsyntax.Expression
			if i < len(parts) && !t.IsSetType() {
				x = parts[i]
			}
			out.items = append(out.items, r.convert(item, x, place(r, x, at), marks))
		}
	default:
		out.kind, out.reason = Unknown, "it is no value that can be shown"
	}
	return out
}

// explained reports whether a value itself says why it is unknown.
func explained(marks cty.ValueMarks) bool {
	for m := range marks {
		if _, ok := m.(why); ok {
			return true
		}
	}
	return false
}

// wrong reports whether a value is unknown because an expression is wrong.
func wrong(marks cty.ValueMarks) bool {
	for m := range marks {
		if w, ok := m.(why); ok && w.failed {
			return true
		}
	}
	return false
}

func place(r *reader, e hclsyntax.Expression, whole diag.Range) diag.Range {
	if e == nil {
		return whole
	}
	return r.at(e.Range())
}

// pairs are the parts of an object that is written out.
func pairs(e hclsyntax.Expression) map[string]hclsyntax.Expression {
	for {
		p, ok := e.(*hclsyntax.ParenthesesExpr)
		if !ok {
			break
		}
		e = p.Expression
	}
	obj, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	out := make(map[string]hclsyntax.Expression, len(obj.Items))
	for _, item := range obj.Items {
		key, isKey := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
		if !isKey {
			continue
		}
		name, ok := literal(key.Wrapped)
		if !ok && !key.ForceNonLiteral {
			name = hcl.ExprAsKeyword(key.Wrapped)
			if name == "" {
				name = dotted(key.Wrapped)
			}
		}
		if name != "" {
			out[name] = item.ValueExpr
		}
	}
	return out
}

// exprList are the parts of a list that is written out.
func exprList(e hclsyntax.Expression) []hclsyntax.Expression {
	for {
		switch x := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = x.Expression
		case *hclsyntax.TupleConsExpr:
			return x.Exprs
		case *hclsyntax.FunctionCallExpr:
			if x.Name != "tolist" || len(x.Args) != 1 {
				return nil
			}
			e = x.Args[0]
		default:
			return nil
		}
	}
}

// dotted is a reference, or a string, as a name: google.beta.
func dotted(e hclsyntax.Expression) string {
	if e == nil {
		return ""
	}
	if s, ok := literal(e); ok {
		return s
	}
	t, found := hcl.AbsTraversalForExpr(e)
	if found.HasErrors() {
		return ""
	}
	return written(t)
}

// cty is the way back, for values that another root hands over.
func (v Value) cty() cty.Value {
	out := cty.DynamicVal
	switch v.kind {
	case Absent, Null:
		out = cty.NullVal(cty.DynamicPseudoType)
	case Unknown:
		out = out.Mark(why{text: v.reason})
		if len(v.parts) > 1 {
			out = cty.UnknownVal(cty.String).Mark(why{text: v.reason}).Mark(pieces{strings.Join(v.parts, hole)})
		}
	case String:
		out = cty.StringVal(v.text)
	case Number:
		if n, err := cty.ParseNumberVal(v.text); err == nil {
			out = n
		}
	case Bool:
		out = cty.BoolVal(v.truth)
	case List:
		items := make([]cty.Value, 0, len(v.items))
		for _, item := range v.items {
			items = append(items, item.cty())
		}
		out = cty.TupleVal(items)
	case Map:
		fields := make(map[string]cty.Value, len(v.fields))
		for k, f := range v.fields {
			fields[k] = f.cty()
		}
		out = cty.ObjectVal(fields)
	}
	if v.Sensitive {
		out = out.Mark(secret{})
	}
	return out
}
