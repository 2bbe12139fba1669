package terraform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"strake/generator/diag"
)

// Marks travel with the values of cty through every operation and function.
type (
	// why says why a value is unknown.
	why struct {
		text   string
		failed bool // the expression is wrong, or beyond the reader
	}
	// secret is on what Terraform would not print.
	secret struct{}
	// open is on objects that are not all there: those of resources, which have
	// attributes that only the provider knows.
	open struct{}
	// pieces is on an unknown string whose known pieces it holds, divided by
	// hole. It holds only for the value as it was written, so functions do not
	// hand it on.
	pieces struct{ text string }
)

const hole = "\x00"

// unknown is a value that cannot be told, and why.
func unknown(format string, args ...any) cty.Value {
	return cty.DynamicVal.Mark(why{text: fmt.Sprintf(format, args...)})
}

// failure is an expression that Terraform would refuse, or that goes beyond what
// the reader does. try and can see it; everything else takes it for unknown.
type failure struct {
	text string
}

func (f *failure) Error() string { return f.text }

func failf(format string, args ...any) error { return &failure{fmt.Sprintf(format, args...)} }

// operand is what a part of an expression stands for: a value, or something in
// the configuration whose parts are evaluated when they are asked for.
type operand struct {
	val   cty.Value
	set   *resourceSet
	res   *instance
	calls *callSet
	mod   *module
}

func value(v cty.Value) operand { return operand{val: v} }

// scope is where an expression stands.
type scope struct {
	module *module
	parent *scope
	// names are each, count, self, and the variables of for expressions.
	names map[string]operand
	// anon is what a splat goes over.
	anon map[*hclsyntax.AnonSymbolExpr]operand
	// strict makes failures fail the whole expression, as try needs it.
	strict bool
}

func (s *scope) child(names map[string]operand) *scope {
	return &scope{module: s.module, parent: s, names: names, strict: s.strict}
}

func (s *scope) lookup(name string) (operand, bool) {
	for ; s != nil; s = s.parent {
		if o, ok := s.names[name]; ok {
			return o, true
		}
	}
	return operand{}, false
}

// evaluate gives the value of a whole expression. It never fails: what cannot
// be evaluated is unknown.
func (r *reader) evaluate(s *scope, e hclsyntax.Expression) cty.Value {
	if e == nil {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	v, err := r.eval(s, e)
	if err != nil {
		return failed(err)
	}
	return bounded(v)
}

func failed(err error) cty.Value {
	return cty.DynamicVal.Mark(why{text: err.Error(), failed: true})
}

// bounded replaces a value that is too large to be kept.
func bounded(v cty.Value) cty.Value {
	if size(v, maxValue) < 0 {
		return cty.DynamicVal.Mark(why{text: fmt.Sprintf("the value is larger than %d KiB", maxValue>>10), failed: true})
	}
	return v
}

// size subtracts the size of a value from what is left; negative is too large.
func size(v cty.Value, left int) int {
	v, _ = v.Unmark()
	left -= 8
	if left < 0 || v.IsNull() || !v.IsKnown() {
		return left
	}
	switch t := v.Type(); {
	case t == cty.String:
		return left - len(v.AsString())
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next() && left >= 0; {
			k, e := it.Element()
			left = size(e, left)
			if k.Type() == cty.String {
				left -= len(k.AsString())
			}
		}
	}
	return left
}

// eval evaluates an expression to a value.
func (r *reader) eval(s *scope, e hclsyntax.Expression) (cty.Value, error) {
	o, err := r.operand(s, e)
	if err != nil {
		return cty.DynamicVal, err
	}
	return r.force(o)
}

// part evaluates a part of a larger expression, which stays known where the
// part is not.
func (r *reader) part(s *scope, e hclsyntax.Expression) (cty.Value, error) {
	v, err := r.eval(s, e)
	if err != nil && !s.strict && r.steps >= 0 { // with no steps left, loops end too
		return failed(err), nil
	}
	return v, err
}

// operand evaluates one node of an expression.
func (r *reader) operand(s *scope, e hclsyntax.Expression) (operand, error) {
	r.steps--
	r.depth++
	defer func() { r.depth-- }()
	if r.steps < 0 {
		r.limited(s.module.config.dir)
		return operand{}, failf("there is too much to evaluate")
	}
	if r.depth > maxDepth*8 {
		return operand{}, failf("references lead through more than %d others", maxDepth)
	}
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return r.traverse(s, e.Traversal)
	case *hclsyntax.RelativeTraversalExpr:
		o, err := r.operand(s, e.Source)
		if err != nil {
			return o, err
		}
		return r.walk(o, e.Traversal)
	case *hclsyntax.IndexExpr:
		return r.index(s, e)
	case *hclsyntax.ParenthesesExpr:
		return r.operand(s, e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return r.operand(s, e.Wrapped)
	case *hclsyntax.AnonSymbolExpr:
		for at := s; at != nil; at = at.parent {
			if o, ok := at.anon[e]; ok {
				return o, nil
			}
		}
		return operand{}, failf("a splat has nothing to go over")
	case *hclsyntax.ConditionalExpr:
		return r.conditional(s, e)
	default:
		v, err := r.simple(s, e)
		return value(v), err
	}
}

// simple evaluates the nodes that always give a value.
func (r *reader) simple(s *scope, e hclsyntax.Expression) (cty.Value, error) {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val, nil
	case *hclsyntax.TemplateExpr:
		return r.template(s, e.Parts)
	case *hclsyntax.TemplateJoinExpr:
		return r.templateJoin(s, e)
	case *hclsyntax.FunctionCallExpr:
		return r.call(s, e)
	case *hclsyntax.TupleConsExpr:
		items := make([]cty.Value, 0, len(e.Exprs))
		for _, x := range e.Exprs {
			v, err := r.part(s, x)
			if err != nil {
				return v, err
			}
			items = append(items, v)
		}
		return cty.TupleVal(items), nil
	case *hclsyntax.ObjectConsExpr:
		return r.objectCons(s, e)
	case *hclsyntax.ObjectConsKeyExpr:
		if !e.ForceNonLiteral {
			if name := hcl.ExprAsKeyword(e.Wrapped); name != "" {
				return cty.StringVal(name), nil
			}
		}
		return r.eval(s, e.Wrapped)
	case *hclsyntax.ForExpr:
		return r.forExpr(s, e)
	case *hclsyntax.SplatExpr:
		return r.splat(s, e)
	case *hclsyntax.BinaryOpExpr:
		return r.binary(s, e)
	case *hclsyntax.UnaryOpExpr:
		v, err := r.eval(s, e.Val)
		if err != nil {
			return v, err
		}
		return r.apply(e.Op.Impl, []cty.Value{v})
	default:
		return cty.DynamicVal, failf("the expression cannot be read")
	}
}

// template joins strings. What is known of one with unknown parts is kept.
func (r *reader) template(s *scope, parts []hclsyntax.Expression) (cty.Value, error) {
	var text strings.Builder
	known, marks := true, []cty.ValueMarks{}
	for _, p := range parts {
		v, err := r.part(s, p)
		if err != nil {
			return v, err
		}
		v, m := v.Unmark()
		switch {
		case !v.IsKnown():
			known = false
			marks = append(marks, m)
			text.WriteString(shape(m))
			continue
		case v.IsNull():
			return cty.DynamicVal, failf("a null value stands in a string")
		}
		str, err := convert.Convert(v, cty.String)
		if err != nil {
			return cty.DynamicVal, failf("%s stands in a string", v.Type().FriendlyName())
		}
		marks = append(marks, m)
		text.WriteString(strings.ReplaceAll(str.AsString(), hole, ""))
		if text.Len() > maxValue {
			return cty.DynamicVal, failf("the value is larger than %d KiB", maxValue>>10)
		}
	}
	if known {
		return cty.StringVal(text.String()).WithMarks(without(marks)...), nil
	}
	out := cty.UnknownVal(cty.String).RefineNotNull().WithMarks(without(marks)...)
	return withPieces(out, text.String()), nil
}

// withPieces keeps the known pieces of an unknown string, unless there are too many.
func withPieces(v cty.Value, text string) cty.Value {
	for strings.Contains(text, hole+hole) {
		text = strings.ReplaceAll(text, hole+hole, hole)
	}
	if text == hole || len(text) > maxPieces {
		return v
	}
	return v.Mark(pieces{text})
}

// shape is what is known of an unknown string: its pieces, or one hole.
func shape(marks cty.ValueMarks) string {
	for m := range marks {
		if p, ok := m.(pieces); ok {
			return p.text
		}
	}
	return hole
}

// without drops the marks that hold for the operands of an operation only.
func without(sets []cty.ValueMarks) []cty.ValueMarks {
	for _, set := range sets {
		for m := range set {
			if _, ok := m.(pieces); ok {
				delete(set, m)
			}
		}
	}
	return sets
}

func (r *reader) templateJoin(s *scope, e *hclsyntax.TemplateJoinExpr) (cty.Value, error) {
	v, err := r.eval(s, e.Tuple)
	if err != nil {
		return v, err
	}
	v, marks := v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		return cty.UnknownVal(cty.String).WithMarks(without([]cty.ValueMarks{marks})...), nil
	}
	var text strings.Builder
	if !v.IsNull() && v.CanIterateElements() {
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			str, err := convert.Convert(item, cty.String)
			if err != nil || str.IsNull() {
				return cty.DynamicVal, failf("a part of a template is no string")
			}
			text.WriteString(str.AsString())
		}
	}
	return cty.StringVal(text.String()).WithMarks(marks), nil
}

func (r *reader) objectCons(s *scope, e *hclsyntax.ObjectConsExpr) (cty.Value, error) {
	fields := make(map[string]cty.Value, len(e.Items))
	var marks []cty.ValueMarks
	for _, item := range e.Items {
		k, err := r.eval(s, item.KeyExpr)
		if err != nil {
			return k, err
		}
		k, m := k.Unmark()
		if !k.IsKnown() {
			return cty.DynamicVal.WithMarks(without([]cty.ValueMarks{m})...), nil
		}
		marks = append(marks, m)
		k, err = convert.Convert(k, cty.String)
		if err != nil || k.IsNull() {
			return cty.DynamicVal, failf("a key is no string")
		}
		v, err := r.part(s, item.ValueExpr)
		if err != nil {
			return v, err
		}
		fields[k.AsString()] = v
	}
	return cty.ObjectVal(fields).WithMarks(marks...), nil
}

func (r *reader) conditional(s *scope, e *hclsyntax.ConditionalExpr) (operand, error) {
	cond, err := r.eval(s, e.Condition)
	if err != nil {
		return operand{}, err
	}
	cond, marks := cond.Unmark()
	if cond.IsKnown() {
		cond, err = convert.Convert(cond, cty.Bool)
		if err != nil || cond.IsNull() {
			return operand{}, failf("the condition is neither true nor false")
		}
		if cond.True() {
			return r.operand(s, e.TrueResult)
		}
		return r.operand(s, e.FalseResult)
	}
	// Where both ways lead to the same value the condition does not matter.
	yes, errYes := r.eval(s, e.TrueResult)
	no, errNo := r.eval(s, e.FalseResult)
	if errYes == nil && errNo == nil {
		yesBare, yesMarks := yes.UnmarkDeep()
		noBare, noMarks := no.UnmarkDeep()
		if yesBare.IsWhollyKnown() && noBare.IsWhollyKnown() && yesBare.RawEquals(noBare) {
			return value(yesBare.WithMarks(yesMarks, noMarks)), nil
		}
		if secretive(yesMarks) || secretive(noMarks) {
			marks = cty.NewValueMarks(secret{}, why{text: reason(marks)})
		}
	}
	return value(cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...)), nil
}

func secretive(marks cty.ValueMarks) bool {
	_, ok := marks[secret{}]
	return ok
}

// reason is the first of the reasons, by its text, so that it is always the
// same one.
func reason(marks cty.ValueMarks) string {
	var all []string
	for m := range marks {
		if w, ok := m.(why); ok {
			all = append(all, w.text)
		}
	}
	if len(all) == 0 {
		return "it depends on a value that is not known"
	}
	return slices.Min(all)
}

func (r *reader) binary(s *scope, e *hclsyntax.BinaryOpExpr) (cty.Value, error) {
	left, err := r.eval(s, e.LHS)
	if err != nil {
		return left, err
	}
	if e.Op == hclsyntax.OpLogicalAnd || e.Op == hclsyntax.OpLogicalOr {
		decides := cty.BoolVal(e.Op == hclsyntax.OpLogicalOr)
		if is(left, decides) {
			return decides, nil
		}
		right, err := r.eval(s, e.RHS)
		if err != nil {
			return right, err
		}
		if is(right, decides) {
			return decides, nil
		}
		return r.apply(e.Op.Impl, []cty.Value{left, right})
	}
	right, err := r.eval(s, e.RHS)
	if err != nil {
		return right, err
	}
	if (e.Op == hclsyntax.OpEqual || e.Op == hclsyntax.OpNotEqual) && mayConvert(left, right) {
		return unknown("it compares %s with %s, and which of them the provider's schema makes of it is not known", left.Type().FriendlyName(), right.Type().FriendlyName()), nil
	}
	return r.apply(e.Op.Impl, []cty.Value{left, right})
}

// is reports whether a value is known and this bool.
func is(v, want cty.Value) bool {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() {
		return false
	}
	v, err := convert.Convert(v, cty.Bool)
	return err == nil && v.RawEquals(want)
}

// mayConvert reports whether two values differ only in their primitive type:
// the provider's schema, which is not here, may give both the same.
func mayConvert(a, b cty.Value) bool {
	a, _ = a.Unmark()
	b, _ = b.Unmark()
	if !a.IsKnown() || !b.IsKnown() || a.IsNull() || b.IsNull() || a.Type().Equals(b.Type()) || !a.Type().IsPrimitiveType() || !b.Type().IsPrimitiveType() {
		return false
	}
	x, errX := convert.Convert(a, cty.String)
	y, errY := convert.Convert(b, cty.String)
	return errX == nil && errY == nil && x.RawEquals(y)
}

func (r *reader) index(s *scope, e *hclsyntax.IndexExpr) (operand, error) {
	from, err := r.operand(s, e.Collection)
	if err != nil {
		return from, err
	}
	key, err := r.eval(s, e.Key)
	if err != nil {
		return operand{}, err
	}
	return r.element(from, key)
}

func (r *reader) splat(s *scope, e *hclsyntax.SplatExpr) (cty.Value, error) {
	from, err := r.operand(s, e.Source)
	if err != nil {
		return cty.DynamicVal, err
	}
	items, doubt, err := r.members(from, true)
	if err != nil || doubt != cty.NilVal {
		return doubt, err
	}
	out := make([]cty.Value, 0, len(items))
	for _, item := range items {
		each := &scope{module: s.module, parent: s, strict: s.strict, anon: map[*hclsyntax.AnonSymbolExpr]operand{e.Item: item.operand}}
		v, err := r.part(each, e.Each)
		if err != nil {
			return v, err
		}
		out = append(out, v)
	}
	return cty.TupleVal(out), nil
}

// member is an element of something that can be gone over.
type member struct {
	key cty.Value
	operand
}

// members lists what can be gone over. Where that is not known, doubt is a value
// that says so. A splat takes a single value for a list of one, null for none.
func (r *reader) members(o operand, splat bool) (items []member, doubt cty.Value, err error) {
	switch {
	case o.set != nil:
		return r.instances(o.set)
	case o.calls != nil:
		return r.callMembers(o.calls)
	case (o.res != nil || o.mod != nil) && splat:
		return []member{{cty.Zero, o}}, cty.NilVal, nil
	}
	v, err := r.force(o)
	if err != nil {
		return nil, cty.NilVal, err
	}
	v, marks := v.Unmark()
	t := v.Type()
	list := t.IsTupleType() || t.IsListType() || t.IsSetType()
	switch {
	case !v.IsKnown():
		return nil, cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...), nil
	case v.IsNull() && splat && !list:
		return nil, cty.NilVal, nil
	case v.IsNull():
		return nil, cty.NilVal, failf("null cannot be gone over")
	case splat && !list:
		return []member{{cty.Zero, value(v.WithMarks(marks))}}, cty.NilVal, nil
	case !v.CanIterateElements():
		return nil, cty.NilVal, failf("%s cannot be gone over", t.FriendlyName())
	}
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		k, _ = k.UnmarkDeep()
		items = append(items, member{k, value(item.WithMarks(marks))})
	}
	return items, cty.NilVal, nil
}

func (r *reader) forExpr(s *scope, e *hclsyntax.ForExpr) (cty.Value, error) {
	from, err := r.operand(s, e.CollExpr)
	if err != nil {
		return cty.DynamicVal, err
	}
	items, doubt, err := r.members(from, false)
	if err != nil || doubt != cty.NilVal {
		return doubt, err
	}
	var tuple []cty.Value
	fields, groups := map[string]cty.Value{}, map[string][]cty.Value{}
	for _, item := range items {
		names := map[string]operand{e.ValVar: item.operand}
		if e.KeyVar != "" {
			names[e.KeyVar] = value(item.key)
		}
		in := s.child(names)
		if e.CondExpr != nil {
			keep, doubt, err := r.decide(in, e.CondExpr)
			if err != nil || doubt != cty.NilVal {
				return doubt, err
			}
			if !keep {
				continue
			}
		}
		if e.KeyExpr == nil {
			v, err := r.part(in, e.ValExpr)
			if err != nil {
				return v, err
			}
			tuple = append(tuple, v)
			continue
		}
		k, err := r.eval(in, e.KeyExpr)
		if err != nil {
			return k, err
		}
		k, marks := k.Unmark()
		if !k.IsKnown() {
			return cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...), nil
		}
		if k, err = convert.Convert(k, cty.String); err != nil || k.IsNull() {
			return cty.DynamicVal, failf("a key is no string")
		}
		v, err := r.part(in, e.ValExpr)
		if err != nil {
			return v, err
		}
		if e.Group {
			groups[k.AsString()] = append(groups[k.AsString()], v)
			continue
		}
		if _, twice := fields[k.AsString()]; twice {
			return cty.DynamicVal, failf("two elements have the key %q", k.AsString())
		}
		fields[k.AsString()] = v
	}
	if e.KeyExpr == nil {
		return cty.TupleVal(tuple), nil
	}
	for k, list := range groups {
		fields[k] = cty.TupleVal(list)
	}
	return cty.ObjectVal(fields), nil
}

// decide evaluates a condition.
func (r *reader) decide(s *scope, e hclsyntax.Expression) (yes bool, doubt cty.Value, err error) {
	v, err := r.eval(s, e)
	if err != nil {
		return false, cty.NilVal, err
	}
	v, marks := v.Unmark()
	if !v.IsKnown() {
		return false, cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...), nil
	}
	if v, err = convert.Convert(v, cty.Bool); err != nil || v.IsNull() {
		return false, cty.NilVal, failf("a condition is neither true nor false")
	}
	return v.True(), cty.NilVal, nil
}

// limited says once that a root was not evaluated to its end.
func (r *reader) limited(dir string) {
	r.find(diag.Diagnostic{
		Rule: "terraform-limit", Severity: diag.Warning, Range: diag.Range{Path: dir},
		Summary: "there is too much to evaluate: what is left is unknown",
		Detail:  "Read the modules one by one, or look for a loop in a loop.",
	})
}
