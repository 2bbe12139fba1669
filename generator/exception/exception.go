// Package exception holds back findings that a person has accepted: by an entry
// of strake-exceptions.yaml, by a comment beside the line, or by a baseline.
//
// It must never hold back a finding in silence: what is held back is returned
// with the exception that did it, and an exception that does nothing, has
// expired, or covers more than it may is a finding itself. It reads no file and
// no clock.
package exception

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"strake/generator/diag"
)

// The slugs of this package's rules.
const (
	ruleSyntax  = "exception-syntax"
	ruleUnused  = "exception-unused"
	ruleExpired = "exception-expired"
	ruleBroad   = "exception-broad"
	ruleRefused = "exception-refused"
	ruleStale   = "baseline-stale"
)

// Exception says that findings of one rule may stand for a while.
type Exception struct {
	// Rule is the slug of one rule.
	Rule string
	// Path is a glob of the files that the findings may stand in; ** crosses
	// directories. Empty is any file.
	Path string
	// Object is a glob of the object's identity, "apps/Deployment argo/*". Empty
	// is any object, and findings about none.
	Object string
	// Environments in which the findings are accepted. Empty is all of them.
	Environments []string
	// Reason, Owner and Until (2026-12-31, the last day) are for those who read
	// it later.
	Reason, Owner, Until string
	// Range is where the exception is written.
	Range diag.Range
	// first and last are the lines of Range.Path that a comment covers. Zero
	// for an entry of a file.
	first, last int
}

// Held is a finding that does not count, and the exception it was held back by.
type Held struct {
	Finding diag.Diagnostic
	// By is nil for a finding of the baseline.
	By *Exception
}

// Options say how exceptions are applied.
type Options struct {
	// Today is a day such as 2026-11-21.
	Today string
	// Fixed reports rules that nobody may except.
	Fixed func(rule string) bool
	// Known are the slugs of rules, for the hint at a misspelt one.
	Known []string
	// Complete says that all that is checked was checked: only then is an
	// exception that held nothing back unused.
	Complete bool
}

// Apply separates the findings that exceptions accept from the others, and adds
// the findings about the exceptions themselves.
func Apply(findings diag.List, exceptions []Exception, o Options) (diag.List, []Held) {
	exceptions = slices.Clone(exceptions)
	slices.SortStableFunc(exceptions, func(a, b Exception) int { return a.Range.Compare(b.Range) })
	var own diag.List
	usable := make([]*Exception, 0, len(exceptions))
	for i := range exceptions {
		e := &exceptions[i]
		if d, ok := e.refuse(o); ok {
			own = append(own, d)
			continue
		}
		usable = append(usable, e)
	}
	var rest diag.List
	var held []Held
	used := map[*Exception]bool{}
	for i := range findings {
		left := &findings[i]
		for _, e := range usable {
			if left == nil || !e.covers(*left) {
				continue
			}
			used[e] = true
			in, out := split(*left, e.Environments)
			held = append(held, Held{in, e})
			left = out
		}
		if left != nil {
			rest = append(rest, *left)
		}
	}
	if o.Complete {
		for _, e := range usable {
			if !used[e] {
				own = append(own, e.unused(o))
			}
		}
	}
	return append(rest, own...), held
}

// refuse says why an exception does not count at all.
func (e *Exception) refuse(o Options) (diag.Diagnostic, bool) {
	d := diag.Diagnostic{Severity: diag.Error, Range: e.Range, Field: e.Rule}
	switch {
	case o.Fixed != nil && o.Fixed(e.Rule):
		d.Rule = ruleRefused
		d.Summary = "findings of " + e.Rule + " cannot be excepted"
		d.Detail = "They say that what is checked is not what would be applied, or that something would be lost. Mend what they name."
	case e.Until < o.Today:
		d.Rule = ruleExpired
		d.Summary = fmt.Sprintf("the exception for %s ended on %s", e.Rule, e.Until)
		d.Detail = "Its findings are back. Mend them, or have " + cmp.Or(e.Owner, "somebody") + " decide again and move until."
	case e.broad():
		d.Rule = ruleBroad
		d.Summary = "the exception for " + e.Rule + " covers everything"
		d.Detail = "Name the files or the objects that are meant: path: overlays/dev/**, or object: apps/Deployment argo/*. For a repository that has many findings on the first day there is --write-baseline."
	default:
		return d, false
	}
	return d, true
}

// broad reports an exception that would hold back a rule altogether.
func (e *Exception) broad() bool {
	if e.first > 0 {
		return false
	}
	everything := func(glob string) bool { return strings.Trim(glob, "*/ ") == "" }
	return everything(e.Path) && everything(e.Object)
}

func (e *Exception) unused(o Options) diag.Diagnostic {
	d := diag.Diagnostic{
		Rule: ruleUnused, Severity: diag.Warning, Range: e.Range, Field: e.Rule,
		Summary: "the exception for " + e.Rule + " holds nothing back",
		Detail:  "What it accepted is gone: remove it.",
	}
	if !slices.Contains(o.Known, e.Rule) {
		if guess := diag.DidYouMean(e.Rule, o.Known); guess != "" {
			d.Detail = fmt.Sprintf("There is no rule %s. Did you mean %s?", e.Rule, guess)
		}
	}
	return d
}

// covers reports whether the exception is about the finding, environments aside.
func (e *Exception) covers(d diag.Diagnostic) bool {
	if d.Rule != e.Rule || len(e.Environments) > 0 && !intersects(e.Environments, d.Environments) {
		return false
	}
	if e.first > 0 {
		return d.Range.Path == e.Range.Path && e.first <= d.Range.Start.Line && d.Range.Start.Line <= e.last
	}
	return matches(e.Path, d.Range.Path) && matches(e.Object, d.Object)
}

// matches holds a name against a glob. The globs were judged when they were read.
func matches(glob, name string) bool {
	if glob == "" {
		return true
	}
	ok, err := doublestar.Match(glob, name)
	return ok && err == nil
}

func intersects(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// split divides a finding into its part in some environments and its part in
// the others, which may be nothing. No environments is all of them.
func split(d diag.Diagnostic, environments []string) (in diag.Diagnostic, out *diag.Diagnostic) {
	if len(environments) == 0 {
		return d, nil
	}
	in, rest := d, d
	in.Environments, rest.Environments = nil, nil
	for _, e := range d.Environments {
		if slices.Contains(environments, e) {
			in.Environments = append(in.Environments, e)
		} else {
			rest.Environments = append(rest.Environments, e)
		}
	}
	if len(rest.Environments) == 0 {
		return in, nil
	}
	return in, &rest
}
