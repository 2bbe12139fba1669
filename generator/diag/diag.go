// Package diag holds what every stage says about a user's files: a finding with
// a position, and the ways to sort, fold, count and show findings.
//
// It is a leaf. It must never import another package of this module, read a
// file, or print: findings are values, and the shell decides where they go.
package diag

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Severity says how much a finding matters. The zero value is not a severity.
type Severity int

// The severities, least first, so that they compare with < and >=.
const (
	Info    Severity = iota + 1 // worth knowing, nothing to do
	Warning                     // works today, and will hurt
	Error                       // wrong: it must not be merged
)

// String is the lower-case name that reports print.
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	default:
		return fmt.Sprintf("severity(%d)", int(s))
	}
}

// ParseSeverity reads the name that String writes.
func ParseSeverity(name string) (Severity, error) {
	for _, s := range []Severity{Info, Warning, Error} {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: want info, warning or error", name)
}

// Pos is a place in a text: both are 1-based, columns count runes. The zero
// value means that the place is not known.
type Pos struct {
	Line, Column int
}

// Range is a stretch of one file. End is exclusive and may be zero, which means
// one character. Path is relative to the repository and uses slashes.
type Range struct {
	Path       string
	Start, End Pos
}

// IsZero reports whether nothing is known, not even the file.
func (r Range) IsZero() bool { return r.Path == "" && r.Start.Line == 0 }

// String is path:line:col, with what is unknown left out.
func (r Range) String() string {
	switch {
	case r.Start.Line == 0:
		return r.Path
	case r.Start.Column == 0:
		return fmt.Sprintf("%s:%d", r.Path, r.Start.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", r.Path, r.Start.Line, r.Start.Column)
	}
}

// Compare orders by path, then line, then column.
func (r Range) Compare(other Range) int {
	return cmp.Or(
		cmp.Compare(r.Path, other.Path),
		cmp.Compare(r.Start.Line, other.Start.Line),
		cmp.Compare(r.Start.Column, other.Start.Column),
	)
}

// Related is another place that explains a finding: the base it came from, the
// file that was rendered, the declaration it disagrees with.
type Related struct {
	Range   Range
	Message string
}

// Diagnostic is one finding.
type Diagnostic struct {
	// Rule is the stable slug, for example "retry-on-dag-task". It has a page
	// in docs/rules.
	Rule     string
	Severity Severity
	// Summary is one lower-case fact without a full stop.
	Summary string
	// Detail says what to write instead, in one or two sentences. May be empty.
	Detail string
	// Range is the line that a human wrote and can mend.
	Range Range
	// Object names the Kubernetes object: "apps/Deployment argo/argo-server".
	// Empty where the finding is about no object.
	Object string
	// Field is the path in the object or the spec: "spec.templates[0].retryStrategy".
	Field string
	// Environments are those in which the finding holds, sorted. Empty means
	// that it belongs to none in particular.
	Environments []string
	Related      []Related
	// Sensitive hides the source line's value in every report: the finding is
	// about a secret.
	Sensitive bool
}

// Fingerprint identifies a finding across edits that move it: it has no line in
// it. 16 hexadecimal digits.
func (d Diagnostic) Fingerprint() string {
	sum := sha256.New()
	for _, part := range []string{d.Rule, d.Range.Path, d.Object, d.Field} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	if d.Object == "" && d.Field == "" && !d.Sensitive {
		fmt.Fprintf(sum, "%d:%s", len(d.Summary), d.Summary)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// identity is what makes two findings the same finding seen in two environments.
// Their details may differ: what would be right may not be the same in both.
type identity struct {
	where                        Range
	severity                     Severity
	rule, summary, object, field string
}

func (d Diagnostic) identity() identity {
	return identity{d.Range, d.Severity, d.Rule, d.Summary, d.Object, d.Field}
}

// compare orders findings by position, then severity (worst first), then by all
// the rest, so that no two different findings are left in the order they came.
func (d Diagnostic) compare(other Diagnostic) int {
	return cmp.Or(
		d.Range.Compare(other.Range),
		cmp.Compare(other.Severity, d.Severity),
		cmp.Compare(d.Rule, other.Rule),
		cmp.Compare(d.Summary, other.Summary),
		cmp.Compare(d.Object, other.Object),
		cmp.Compare(d.Field, other.Field),
		cmp.Compare(d.Detail, other.Detail),
		d.Range.End.compare(other.Range.End),
		slices.Compare(d.Environments, other.Environments),
		slices.CompareFunc(d.Related, other.Related, Related.compare),
	)
}

func (p Pos) compare(other Pos) int {
	return cmp.Or(cmp.Compare(p.Line, other.Line), cmp.Compare(p.Column, other.Column))
}

func (r Related) compare(other Related) int {
	return cmp.Or(
		r.Range.Compare(other.Range),
		r.Range.End.compare(other.Range.End),
		cmp.Compare(r.Message, other.Message),
	)
}

// List is findings in any order.
type List []Diagnostic

// Sorted returns the findings by position, then severity (worst first), rule
// and summary, with the ones that differ only in their environments folded:
// the result has the environments and related places of all of them, and is
// sensitive when one of them is. The receiver is left alone, and its order does
// not matter: checks run at the same time.
func (l List) Sorted() List {
	in := slices.Clone(l)
	for i := range in {
		in[i].Environments = slices.Compact(slices.Sorted(slices.Values(in[i].Environments)))
	}
	slices.SortStableFunc(in, Diagnostic.compare)
	index := make(map[identity]int, len(in))
	out := make(List, 0, len(in))
	for _, d := range in {
		at, seen := index[d.identity()]
		if !seen {
			index[d.identity()] = len(out)
			d.Related = slices.Clone(d.Related)
			out = append(out, d)
			continue
		}
		same := &out[at]
		same.Environments = append(same.Environments, d.Environments...)
		same.Sensitive = same.Sensitive || d.Sensitive
		for _, r := range d.Related {
			if !slices.Contains(same.Related, r) {
				same.Related = append(same.Related, r)
			}
		}
	}
	for i := range out {
		slices.Sort(out[i].Environments)
		out[i].Environments = slices.Compact(out[i].Environments)
	}
	return out
}

// Count returns how many findings are exactly this severe.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// AtLeast reports whether any finding is this severe or worse.
func (l List) AtLeast(s Severity) bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity >= s })
}

// In returns the findings with the environment added to each.
func (l List) In(environment string) List {
	out := slices.Clone(l)
	for i := range out {
		out[i].Environments = append(slices.Clone(out[i].Environments), environment)
	}
	return out
}
