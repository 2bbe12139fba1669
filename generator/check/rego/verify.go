package rego

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"strake/generator/diag"
)

// testTimeout is for one test. A policy that takes longer has no end.
const testTimeout = 30 * time.Second

// Verdict counts tests.
type Verdict struct {
	Passed, Failed, Skipped int
}

// Verify runs the tests of policies, the rules whose names begin with test_ as
// opa test has them, with the built-ins that a check has. Each one that fails is
// a finding at its line; todo_test_ rules are skipped and said. filter is a
// regular expression on the name, empty for all. A module that does not compile
// is a finding, and so is a set of policies without a test: nothing was proved.
func Verify(ctx context.Context, sources []Source, filter string) (Verdict, diag.List, error) {
	var v Verdict
	modules, findings, err := load(sources, true)
	if err != nil {
		return v, findings, err
	}
	_, dropped := compile(modules)
	findings = append(findings, dropped...)
	for _, d := range findings {
		delete(modules, d.Range.Path)
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithEnablePrintStatements(true)
	results, err := tester.NewRunner().SetCompiler(compiler).RaiseBuiltinErrors(true).CapturePrintOutput(true).
		SetTimeout(testTimeout).EnableTracing(true).Filter(filter).SetModules(modules).RunTests(ctx, nil)
	if err != nil {
		return v, nil, fmt.Errorf("run the tests: %w", err)
	}
	for r := range results {
		switch {
		case r.Pass():
			v.Passed++
		case r.Skip:
			v.Skipped++
			findings = append(findings, testFinding(r, diag.Info, "is skipped"))
		default:
			v.Failed++
			findings = append(findings, testFinding(r, diag.Error, "fails"))
		}
	}
	if err := ctx.Err(); err != nil {
		return v, nil, fmt.Errorf("run the tests: %w", err)
	}
	if v == (Verdict{}) && len(findings) == 0 && len(sources) > 0 {
		findings = append(findings, diag.Diagnostic{
			Rule: ruleTest, Severity: diag.Error, Range: diag.Range{Path: sources[0].Dir}, Summary: "no test ran",
			Detail: "Tests are rules named test_… in files named …_test.rego. A filter is held against PACKAGE.NAME.",
		})
	}
	return v, findings.Sorted(), nil
}

// testFinding is one test at its line, with what it printed and the expression
// that was not true.
func testFinding(r *tester.Result, severity diag.Severity, what string) diag.Diagnostic {
	d := diag.Diagnostic{
		Rule: ruleTest, Severity: severity, Range: rangeOf("", r.Location),
		Summary: strings.TrimPrefix(r.Package, "data.") + "." + r.Name + " " + what,
	}
	d.Range.End = diag.Pos{Line: d.Range.Start.Line, Column: d.Range.Start.Column + len(r.Name)}
	var raised *topdown.Error
	switch {
	case errors.As(r.Error, &raised):
		d.Detail = "It ends with an error: " + oneLine(raised.Message) + "."
		d.Related = append(d.Related, diag.Related{Range: rangeOf("", raised.Location), Message: "the error comes from here"})
	case r.Error != nil:
		d.Detail = "It ends with an error: " + oneLine(r.Error.Error()) + "."
	default:
		if at := failed(r); at != nil {
			d.Related = append(d.Related, diag.Related{Range: rangeOf("", at), Message: "this is not true: " + oneLine(string(at.Text))})
		}
	}
	if text := oneLine(string(r.Output)); text != "" {
		d.Detail = strings.TrimSpace(d.Detail + " It prints: " + text + ".")
	}
	return d
}

// failed is the place of the expression of a test that was not true: the last
// one that failed in its own file, for what it calls fails before it.
func failed(r *tester.Result) *ast.Location {
	for _, event := range slices.Backward(r.Trace) {
		if event.Op == topdown.FailOp && event.Location != nil && event.Location.File == r.Location.File && event.Location.Row >= r.Location.Row {
			return event.Location
		}
	}
	return nil
}
