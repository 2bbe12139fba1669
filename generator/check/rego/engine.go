// Package rego evaluates policies written in Rego over the objects of an
// environment, with the Open Policy Agent as a library.
//
// It must never read a disk or the network, and never let a policy do so: the
// modules are handed in, and built-ins that reach outside or answer differently
// each time are off. It is the only package that imports OPA.
package rego

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/open-policy-agent/opa/v1/ast"

	"strake/generator/check"
	"strake/generator/diag"
)

// The rules that this package reports by itself.
const (
	ruleCompile = "policy-compile" // a module that cannot be read, parsed or compiled
	ruleError   = "policy-error"   // a rule that failed while it was evaluated
	ruleTest    = "policy-test"    // a test of a policy that does not pass
)

// Options says what to evaluate.
type Options struct {
	// Sources are directories of policies. All are compiled together.
	Sources []Source
	// Today is the day that policies see as input.today, as 2006-01-02. Empty
	// means that none is given: rules on dates then stay silent.
	Today string
}

// Source is a directory of policies.
type Source struct {
	FS fs.FS
	// Dir is where the directory lies in the repository. Findings about the
	// policies themselves begin with it.
	Dir string
}

// Engine is a set of compiled policies. It may be used by many goroutines.
type Engine struct {
	today       string
	environment group // packages below strake.rules, evaluated once per environment
	object      group // conftest-style packages, evaluated once per object
	rules       []RuleInfo
}

var _ check.Check = (*Engine)(nil)

// New compiles one directory of policies that lies at policies/ in the
// repository.
func New(policies fs.FS) (check.Check, diag.List, error) {
	engine, findings, err := Open(context.Background(), Options{Sources: []Source{{FS: policies, Dir: "policies"}}})
	if err != nil {
		return nil, findings, err
	}
	return engine, findings, nil
}

// Open compiles the policies. A module that does not compile is a finding and
// the others are used without it; the error is for sources that cannot be read.
func Open(ctx context.Context, o Options) (*Engine, diag.List, error) {
	modules, findings, err := load(o.Sources, false)
	if err != nil {
		return nil, findings, err
	}
	compiler, dropped := compile(modules)
	findings = append(findings, dropped...)
	e := &Engine{today: o.Today}
	var named diag.List
	e.rules, named = rulesOf(compiler.Modules)
	findings = append(findings, named...)
	if e.environment, err = prepare(ctx, compiler, environmentRules(e.rules), ""); err != nil {
		return nil, findings, err
	}
	objectRules, exceptions := conftestRules(e.rules, compiler.Modules)
	if e.object, err = prepare(ctx, compiler, objectRules, exceptions); err != nil {
		return nil, findings, err
	}
	return e, findings.Sorted(), nil
}

// Name of the check.
func (e *Engine) Name() string { return "policies" }

// Rules returns what is known of each rule, sorted by slug.
func (e *Engine) Rules() []RuleInfo { return e.rules }

// Run evaluates every policy over one environment.
func (e *Engine) Run(ctx context.Context, in *check.Input) (diag.List, error) {
	objects := in.Objects()
	values := make([]*ast.Term, len(objects))
	for i, o := range objects {
		v, err := ast.InterfaceToValue(o.Fields)
		if err != nil {
			return nil, fmt.Errorf("convert %s: %w", o.ID(), err)
		}
		values[i] = ast.NewTerm(v)
	}
	input, err := environmentInput(in, values, e.today)
	if err != nil {
		return nil, err
	}
	target := &target{objects: objects}
	results, failures, err := e.environment.eval(ctx, input)
	if err != nil {
		return nil, err
	}
	findings := failures
	for _, r := range results {
		findings = append(findings, target.findings(r)...)
	}
	if len(e.object.rules) == 0 {
		return findings.Sorted(), nil
	}
	for i := range objects {
		results, failures, err := e.object.eval(ctx, values[i].Value)
		if err != nil {
			return nil, err
		}
		findings = append(findings, failures...)
		for _, r := range results {
			findings = append(findings, target.messages(r, i)...)
		}
	}
	return findings.Sorted(), nil
}
