package rego

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"strake/generator/diag"
)

// exceptionsKey is the key of the exceptions in a group's answer. No rule can
// be called so.
const exceptionsKey = "!"

// group is a set of rules that see the same input. All are evaluated by one
// query; only when that fails is each evaluated by itself, so that one broken
// rule does not silence the others.
type group struct {
	rules    []RuleInfo
	together rego.PreparedEvalQuery
	alone    []func() (rego.PreparedEvalQuery, error) // as rules; prepared when needed
}

// result is what one rule answered: the values of a set or an array, or the
// single value of a complete rule.
type result struct {
	rule   RuleInfo
	values []any
}

// prepare compiles the query of a group once for the life of the process. The
// queries of single rules wait until one is needed: most runs need none.
func prepare(ctx context.Context, compiler *ast.Compiler, rules []RuleInfo, exceptions string) (group, error) {
	g := group{rules: rules, alone: make([]func() (rego.PreparedEvalQuery, error), len(rules))}
	if len(rules) == 0 {
		return g, nil
	}
	parts := make([]string, 0, len(rules)+1)
	for i, r := range rules {
		part := fmt.Sprintf("%s: [v | v := %s]", strconv.Quote(r.ref), r.ref)
		parts = append(parts, part)
		g.alone[i] = sync.OnceValues(func() (rego.PreparedEvalQuery, error) {
			return prepareQuery(context.Background(), compiler, []string{part}, exceptions)
		})
	}
	q, err := prepareQuery(ctx, compiler, parts, exceptions)
	if err != nil {
		return g, fmt.Errorf("prepare policies: %w", err)
	}
	g.together = q
	return g, nil
}

// prepareQuery makes one query of the parts of an object.
func prepareQuery(ctx context.Context, compiler *ast.Compiler, parts []string, exceptions string) (rego.PreparedEvalQuery, error) {
	if exceptions != "" {
		parts = append(slices.Clone(parts), strconv.Quote(exceptionsKey)+": "+exceptions)
	}
	return rego.New(
		rego.Compiler(compiler),
		rego.Imports([]string{"rego.v1"}),
		rego.Query("answer := {"+strings.Join(parts, ", ")+"}"),
	).PrepareForEval(ctx)
}

// eval evaluates the rules of the group over one input. The list holds a finding for
// each rule that failed.
func (g *group) eval(ctx context.Context, input ast.Value) ([]result, diag.List, error) {
	if len(g.rules) == 0 {
		return nil, nil, nil
	}
	answer, warnings, err := answerOf(ctx, g.together, input)
	if err == nil {
		return collect(g.rules, answer), warnings, nil
	}
	if stop := cancelled(ctx, err); stop != nil {
		return nil, nil, stop
	}
	var results []result
	var failures diag.List
	for i, rule := range g.rules {
		query, err := g.alone[i]()
		if err != nil {
			return nil, nil, fmt.Errorf("prepare rule %s: %w", rule.Slug, err)
		}
		answer, warnings, err := answerOf(ctx, query, input)
		if err != nil {
			if stop := cancelled(ctx, err); stop != nil {
				return nil, nil, stop
			}
			failures = append(failures, errorFinding(rule, err))
			continue
		}
		failures = append(failures, warnings...)
		results = append(results, collect(g.rules[i:i+1], answer)...)
	}
	return results, failures, nil
}

// answerOf runs one query. Built-in functions that were given what they cannot
// read make their rule undefined in Rego, which would be silence: they are
// findings.
func answerOf(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value) (map[string]any, diag.List, error) {
	var inner []topdown.Error
	set, err := q.Eval(ctx, rego.EvalParsedInput(input), rego.EvalSortSets(true), rego.EvalBuiltinErrorList(&inner))
	if err != nil {
		return nil, nil, err
	}
	var warnings diag.List
	for i := range inner {
		warnings = append(warnings, builtinFinding(&inner[i]))
	}
	if len(set) != 1 {
		return nil, warnings, nil
	}
	answer, _ := set[0].Bindings["answer"].(map[string]any)
	return answer, warnings, nil
}

// collect sorts an answer into results, without what exceptions name.
func collect(rules []RuleInfo, answer map[string]any) []result {
	exceptions, _ := answer[exceptionsKey].(map[string]any)
	var results []result
	for _, r := range rules {
		values, _ := answer[r.ref].([]any)
		if len(values) == 0 {
			continue
		}
		if items, many := values[0].([]any); many {
			values = items
		}
		pkg := r.ref[:strings.LastIndex(r.ref, ".")]
		if names, _ := exceptions[pkg].([]any); slices.Contains(names, any(r.suffix)) {
			continue
		}
		if len(values) > 0 {
			results = append(results, result{rule: r, values: values})
		}
	}
	return results
}

// cancelled returns the error to stop with when evaluation was cancelled.
func cancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if topdown.IsCancel(err) {
		return fmt.Errorf("evaluate policies: %w", err)
	}
	return nil
}

// errorFinding says that a rule failed.
func errorFinding(rule RuleInfo, err error) diag.Diagnostic {
	at, message := rule.Range, err.Error()
	if failed, is := errors.AsType[*topdown.Error](err); is {
		message = failed.Message
		if failed.Code == topdown.ConflictErr { // the message quotes the values, which may be secrets
			message = "a rule or function gives two different values"
		}
		if failed.Location != nil {
			at = rangeOf(at.Path, failed.Location)
		}
	}
	return diag.Diagnostic{
		Rule: ruleError, Severity: diag.Error, Range: at, Field: rule.Slug,
		Summary: fmt.Sprintf("rule %s failed: %s", rule.Slug, oneLine(message)),
		Detail:  "Nothing is known about the objects that the rule did not reach.",
	}
}

// builtinFinding says that a built-in function refused what a policy gave it.
// The message may quote the value, which may be a secret: only the function's
// name is repeated.
func builtinFinding(e *topdown.Error) diag.Diagnostic {
	name, _, _ := strings.Cut(e.Message, ":")
	return diag.Diagnostic{
		Rule: ruleError, Severity: diag.Warning, Range: rangeOf("", e.Location), Field: name,
		Summary: fmt.Sprintf("the built-in function %s cannot read what the policy gave it", oneLine(name)),
		Detail:  "The expression is then undefined and its rule stays silent. Test the value first.",
	}
}
