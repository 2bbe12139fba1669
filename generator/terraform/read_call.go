package terraform

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// call evaluates a call of a function.
func (r *reader) call(s *scope, e *hclsyntax.FunctionCallExpr) (cty.Value, error) {
	name := strings.TrimPrefix(e.Name, "core::")
	switch name {
	case "try":
		return r.try(s, e)
	case "can":
		return r.can(s, e)
	}
	args, err := r.arguments(s, e)
	if errors.Is(err, errUnknownArguments) {
		return args[0], nil
	}
	if err != nil {
		return cty.DynamicVal, err
	}
	switch name {
	case "sensitive":
		if len(args) == 1 {
			return args[0].Mark(secret{}), nil
		}
	case "nonsensitive":
		if len(args) == 1 {
			return nonsensitive(args[0]), nil
		}
	case "file", "fileexists", "filebase64", "filemd5", "filesha1", "filesha256", "filesha512", "templatefile":
		return r.fileFunction(s, name, args)
	case "fileset":
		return r.fileset(args)
	case "templatestring":
		return r.templateString(s, e, args)
	case "format":
		if v, ok := r.formatPieces(args); ok {
			return v, nil
		}
	}
	if f, ok := r.functions.pure[name]; ok {
		if err := tooLarge(name, args); err != nil {
			return cty.DynamicVal, err
		}
		return r.apply(f, args)
	}
	if r.functions.known(name) {
		return unknown("%s() is known only when Terraform runs", name), nil
	}
	return cty.DynamicVal.Mark(why{text: fmt.Sprintf("the function %s() is not known", e.Name), failed: true}), nil
}

// errUnknownArguments is a list of arguments whose length is not known.
var errUnknownArguments = errors.New("the arguments are not known")

func (r *reader) arguments(s *scope, e *hclsyntax.FunctionCallExpr) ([]cty.Value, error) {
	var args []cty.Value
	for i, x := range e.Args {
		v, err := r.part(s, x)
		if err != nil {
			return nil, err
		}
		if i < len(e.Args)-1 || !e.ExpandFinal {
			args = append(args, v)
			continue
		}
		items, doubt, err := r.members(value(v), false)
		if err != nil {
			return nil, err
		}
		if doubt != cty.NilVal {
			return []cty.Value{doubt}, errUnknownArguments
		}
		for _, item := range items {
			args = append(args, item.val)
		}
	}
	return args, nil
}

// apply calls a function of cty. A function that fails in a way its author did
// not think of must not end the program.
func (r *reader) apply(f function.Function, args []cty.Value) (v cty.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			v, err = cty.DynamicVal, failf("the function cannot take these values")
		}
	}()
	bare := make([]cty.Value, len(args))
	params := f.Params()
	for i, a := range args {
		r.steps -= 1 + (maxValue-max(0, size(a, maxValue)))/256
		bare[i] = plain(a)
		param := f.VarParam()
		if i < len(params) {
			param = &params[i]
		}
		if param == nil {
			return cty.DynamicVal, failf("the function takes %d arguments", len(params))
		}
		if bare[i], err = convert.Convert(bare[i], param.Type); err != nil {
			return cty.DynamicVal, failf("the function takes another value: %s", err)
		}
	}
	v, err = f.Call(bare)
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		if strings.HasPrefix(text, "panic") {
			text = "the function cannot take these values"
		}
		return cty.DynamicVal, failf("%s", text)
	}
	if out, _ := v.Unmark(); !out.IsKnown() && !explained(marksOf(v)) {
		v = v.WithMarks(reasons(bare))
	}
	return bounded(v), nil
}

func marksOf(v cty.Value) cty.ValueMarks {
	_, marks := v.Unmark()
	return marks
}

// reasons are the marks of all that is unknown in the arguments of a function:
// cty forgets those of arguments that have no type yet.
func reasons(args []cty.Value) cty.ValueMarks {
	all := make(cty.ValueMarks)
	for _, a := range args {
		_, marks := a.UnmarkDeep()
		for m := range marks {
			if _, ok := m.(open); !ok {
				all[m] = struct{}{}
			}
		}
	}
	return all
}

// plain takes from a value, and all in it, the marks that a function must not
// hand on.
func plain(v cty.Value) cty.Value {
	if !v.ContainsMarked() {
		return v
	}
	bare, marks := v.UnmarkDeepWithPaths()
	kept := marks[:0]
	for _, m := range marks {
		without([]cty.ValueMarks{m.Marks})
		if len(m.Marks) > 0 {
			kept = append(kept, m)
		}
	}
	return bare.MarkWithPaths(kept)
}

func nonsensitive(v cty.Value) cty.Value {
	bare, marks := v.Unmark()
	delete(marks, secret{})
	return bare.WithMarks(marks)
}

// try is the first of its arguments that does not fail.
func (r *reader) try(s *scope, e *hclsyntax.FunctionCallExpr) (cty.Value, error) {
	in := &scope{module: s.module, parent: s, strict: true}
	for _, x := range e.Args {
		v, err := r.eval(in, x)
		if err != nil {
			continue
		}
		return v, nil
	}
	return cty.DynamicVal, failf("no argument of try() can be evaluated")
}

func (r *reader) can(s *scope, e *hclsyntax.FunctionCallExpr) (cty.Value, error) {
	if len(e.Args) != 1 {
		return cty.DynamicVal, failf("can() takes one argument")
	}
	v, err := r.eval(&scope{module: s.module, parent: s, strict: true}, e.Args[0])
	if err != nil {
		return cty.False, nil
	}
	bare, marks := v.Unmark()
	if !bare.IsKnown() {
		return cty.UnknownVal(cty.Bool).WithMarks(without([]cty.ValueMarks{marks})...), nil
	}
	return cty.True, nil
}

// tooLarge refuses calls whose result is much larger than their arguments.
func tooLarge(name string, args []cty.Value) error {
	total := 1
	for _, a := range args {
		bare, _ := a.UnmarkDeep()
		if !bare.IsKnown() || bare.IsNull() {
			continue
		}
		switch {
		case name == "setproduct" && bare.CanIterateElements():
			if n := bare.LengthInt(); n > 0 {
				total *= n
			}
		case name == "replace" && bare.Type() == cty.String:
			total *= len(bare.AsString()) + 1
		case name == "join" && bare.Type() == cty.String:
			total *= len(bare.AsString()) + 1
		case name == "join" && bare.CanIterateElements():
			total *= bare.LengthInt() + 1
		case name == "indent" && bare.Type() == cty.Number:
			if n, _ := bare.AsBigFloat().Int64(); n > 1000 {
				return failf("indent() makes too much of it")
			}
		case (name == "format" || name == "formatlist") && bare.Type() == cty.String && wideFormat(bare.AsString()):
			return failf("%s() makes too much of it", name)
		}
		if total < 0 || total > 1<<24 {
			return failf("%s() makes too much of it", name)
		}
	}
	return nil
}

// wideFormat reports a width or precision of five digits and more.
func wideFormat(s string) bool {
	digits := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digits++
		} else {
			digits = 0
		}
		if digits > 4 {
			return true
		}
	}
	return false
}

// formatPieces keeps what is known of format("%s-%s", …) where an argument is
// not known.
func (r *reader) formatPieces(args []cty.Value) (cty.Value, bool) {
	if len(args) < 2 {
		return cty.NilVal, false
	}
	spec, _ := args[0].Unmark()
	if !spec.IsKnown() || spec.IsNull() || spec.Type() != cty.String || strings.Contains(spec.AsString(), "%%") {
		return cty.NilVal, false
	}
	texts := strings.Split(spec.AsString(), "%s")
	if len(texts) != len(args) || strings.Contains(strings.Join(texts, ""), "%") {
		return cty.NilVal, false
	}
	text, known, marks := texts[0], true, []cty.ValueMarks{}
	for i, a := range args[1:] {
		bare, m := a.Unmark()
		marks = append(marks, m)
		str, err := convert.Convert(bare, cty.String)
		switch {
		case !bare.IsKnown():
			known = false
			text += shape(m)
		case err != nil || str.IsNull():
			return cty.NilVal, false
		default:
			text += str.AsString()
		}
		text += texts[i+1]
	}
	if known {
		return cty.NilVal, false
	}
	return withPieces(cty.UnknownVal(cty.String).RefineNotNull().WithMarks(without(marks)...), text), true
}

// toFunction is tostring and its like.
func toFunction(t cty.Type) function.Function { return stdlib.MakeToFunc(t) }
