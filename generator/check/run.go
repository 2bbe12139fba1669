package check

import (
	"context"
	"fmt"
	"sync"

	"strake/generator/diag"
)

// Environment runs the checks over one environment, all of them at the same
// time. Its findings carry the environment's name and are sorted. A check that
// fails or panics is a finding that names it, and the others still count: only
// a cancelled context is an error.
func Environment(ctx context.Context, in Input, checks []Check) (diag.List, Summary, error) {
	results := make([]diag.List, len(checks))
	var wait sync.WaitGroup
	for i, c := range checks {
		wait.Go(func() { results[i] = run(ctx, &in, c) })
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, Summary{}, fmt.Errorf("check %s: %w", in.Environment, err)
	}
	summary, unknown := summarise(&in, checks)
	findings := append(unknown, sharedObjects(&in)...)
	for _, list := range results {
		findings = append(findings, list...)
	}
	return findings.In(in.Environment).Sorted(), summary, nil
}

// run guards one check. It fails closed: a check without an answer is a
// finding, never silence.
func run(ctx context.Context, in *Input, c Check) (findings diag.List) {
	defer func() {
		if reason := recover(); reason != nil {
			findings = diag.List{failed(c, fmt.Sprintf("it panicked: %v", reason))}
		}
	}()
	findings, err := c.Run(ctx, in)
	if err != nil {
		findings = append(findings, failed(c, err.Error()))
	}
	return findings
}

func failed(c Check, reason string) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: "check-failed", Severity: diag.Error,
		Summary: fmt.Sprintf("the check %q could not finish: %s", c.Name(), reason),
		Detail:  "What it would have found is not known. This is a fault of the check or of a library below it, not of your files: please report it.",
	}
}
