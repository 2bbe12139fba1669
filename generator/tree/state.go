package tree

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"strake/generator/diag"
)

// State says how a committed file differs from what is rendered.
type State int

// The states. All but Pending are errors.
const (
	// Missing is a file that effective.yaml renders and that is not there.
	Missing State = iota + 1
	// LeftOver is a file with our header that nothing renders any more, or a
	// base that no overlay names.
	LeftOver
	// Edited is a file with our header that differs from what effective.yaml
	// renders: somebody edited it by hand.
	Edited
	// Foreign is something without our header where we would write.
	Foreign
	// OutOfDate is a file of ours that the next render mends without losing
	// anybody's work: git left conflict markers or other line ends in it, or it
	// is what the spec renders and effective.yaml does not.
	OutOfDate
	// Pending is a file that the spec renders otherwise than effective.yaml: the
	// environment has not been moved yet.
	Pending
)

// String is the name of the state as people say it.
func (s State) String() string {
	switch s {
	case Missing:
		return "missing"
	case LeftOver:
		return "left over"
	case Edited:
		return "edited by hand"
	case Foreign:
		return "foreign"
	case OutOfDate:
		return "out of date"
	case Pending:
		return "pending"
	default:
		return fmt.Sprintf("state(%d)", int(s))
	}
}

// Rule is the slug of the state's findings.
func (s State) Rule() string {
	switch s {
	case Missing:
		return "drift-missing"
	case LeftOver:
		return "drift-left-over"
	case Edited:
		return "drift-edited"
	case Foreign:
		return "drift-foreign"
	case OutOfDate:
		return "drift-out-of-date"
	case Pending:
		return "drift-pending"
	default:
		return ""
	}
}

// Severity is Info for Pending and Error for the others.
func (s State) Severity() diag.Severity {
	if s == Pending {
		return diag.Info
	}
	return diag.Error
}

// Status is the state of one file, or of one whole base directory that is left
// over.
type Status struct {
	State State
	Path  string
	// Files are the files of a base directory that is left over.
	Files []string
	// Environments are those that render the file, sorted.
	Environments []string
	// Line is the first line of the committed file that differs, or 0.
	Line int
	// Summary is the fact, and Detail what to do about it.
	Summary, Detail string
	// From is the place in the spec that causes the line, where it is known.
	From diag.Range
}

// severity of a base that no overlay names is a warning: pull requests of two
// environments, each right by itself, leave one behind when both are merged,
// and it harms nobody until the next render deletes it.
func (s Status) severity() diag.Severity {
	if s.State == LeftOver && len(s.Files) > 0 {
		return diag.Warning
	}
	return s.State.Severity()
}

// Diagnostic is the finding that says it.
func (s Status) Diagnostic() diag.Diagnostic {
	d := diag.Diagnostic{
		Rule:         s.State.Rule(),
		Severity:     s.severity(),
		Summary:      s.Summary,
		Detail:       s.Detail,
		Range:        diag.Range{Path: s.Path},
		Environments: s.Environments,
	}
	if s.Line > 0 {
		d.Range.Start = diag.Pos{Line: s.Line, Column: 1}
	}
	if !s.From.IsZero() {
		d.Related = []diag.Related{{Range: s.From, Message: "rendered from here"}}
	}
	return d
}

// Findings turns statuses into findings, sorted.
func Findings(statuses []Status) diag.List {
	list := make(diag.List, 0, len(statuses))
	for _, s := range statuses {
		list = append(list, s.Diagnostic())
	}
	return list.Sorted()
}

func sortStatuses(statuses []Status) {
	slices.SortFunc(statuses, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.State, b.State))
	})
}

// renderCommand is what to type to render the environments.
func renderCommand(environments []string) string {
	if len(environments) == 1 && environments[0] != "" {
		return "strake render --env " + environments[0]
	}
	return "strake render"
}

// customOf is where a change to a rendered file belongs, a directory or beside a
// file of Terraform another one, or "".
func (c *Comparison) customOf(file string) string {
	parts := strings.Split(c.below(file), "/")
	switch {
	case parts[0] == "overlays" && len(parts) > 3:
		return path.Join(c.Root, parts[0], parts[1], parts[2], "custom") + "/"
	case parts[0] == "base" && len(parts) > 3:
		return path.Join(c.Root, parts[0], parts[1], "custom") + "/"
	case parts[0] == "environments" && strings.HasSuffix(file, ".tf"):
		return strings.TrimSuffix(file, ".tf") + "_override.tf"
	default:
		return ""
	}
}

// below is a path relative to the root of the rendered directories, or "" for
// a path outside of it.
func (c *Comparison) below(file string) string {
	if c.Root == "" || c.Root == "." {
		return file
	}
	rest, ok := strings.CutPrefix(file, strings.TrimSuffix(c.Root, "/")+"/")
	if !ok {
		return ""
	}
	return rest
}

// firstDifference is the 1-based line at which two texts part.
func firstDifference(a, b []byte) int {
	line := 1
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return line
		}
		if a[i] == '\n' {
			line++
		}
	}
	return line
}

// origin is the place in the spec that causes a line of a claimed file. The
// rendering of effective.yaml knows only effective.yaml's own lines, so the
// spec's is preferred where both say the same.
func origin(cl *claim, line int) diag.Range {
	for _, f := range []*File{cl.fresh, cl.want} {
		if f == nil {
			continue
		}
		if from, ok := f.OriginOf(max(1, line)); ok {
			return from
		}
	}
	return diag.Range{}
}

func withoutCR(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) }

// article puts an indefinite article before a noun.
func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
