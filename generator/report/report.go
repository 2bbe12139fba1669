// Package report writes findings, tables and differences in every format that
// people and machines read: terminal text, JSON, SARIF, JUnit, GitHub's log
// commands and Markdown.
//
// It must never decide whether something is wrong, read a file, look at the
// clock, the environment or the terminal, or write anywhere but to the
// io.Writer it is given. Equal input gives equal bytes.
package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"strake/generator/diag"
)

// Format is a way to write findings.
type Format string

// The formats. Text and Markdown are for people and may change; the others are
// an interface.
const (
	Text     Format = "text"
	JSON     Format = "json"
	SARIF    Format = "sarif"
	JUnit    Format = "junit"
	GitHub   Format = "github"
	Markdown Format = "markdown"
)

// Formats lists the formats in the order that help texts show them.
func Formats() []Format { return []Format{Text, JSON, SARIF, JUnit, GitHub, Markdown} }

// ParseFormat reads the name of a format.
func ParseFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	hint := ""
	if near := diag.DidYouMean(name, names); near != "" {
		hint = fmt.Sprintf(": did you mean %s?", near)
	}
	return "", fmt.Errorf("unknown format %q: want %s%s", name, diag.OneOf(names), hint)
}

// Coverage says what was looked at. Findings without it say little: where
// nothing was checked, nothing was found.
type Coverage struct {
	// Environments that were checked, sorted.
	Environments []string `json:"environments"`
	// Checks that ran, in their order.
	Checks []string `json:"checks"`
	// Files that were read, Overlays built, Objects checked.
	Files    int `json:"files"`
	Overlays int `json:"overlays"`
	Objects  int `json:"objects"`
	// Excepted findings were held back by an exception, Baseline findings by the
	// baseline.
	Excepted int `json:"excepted"`
	Baseline int `json:"baseline"`
	// Kinds says how far the objects of each kind were judged, sorted.
	Kinds []KindCoverage `json:"kinds"`
	// Terraform is nil where there was none.
	Terraform *TerraformCoverage `json:"terraform,omitempty"`
}

// TerraformCoverage is how much of the Terraform configuration was understood.
type TerraformCoverage struct {
	// Roots and the files that they and their modules were read from.
	Roots int `json:"roots"`
	Files int `json:"files"`
	// FilesNotRead and ModulesNotRead are gaps: what stands there is not known.
	FilesNotRead   int `json:"filesNotRead"`
	ModulesNotRead int `json:"modulesNotRead"`
	// Resources and data sources, each instance counted.
	Resources int `json:"resources"`
	// Attributes of them: wholly known, known in part, unknown.
	Evaluated int `json:"attributesEvaluated"`
	Partial   int `json:"attributesPartial"`
	Unknown   int `json:"attributesUnknown"`
}

// Empty reports that nothing was checked, neither objects nor Terraform.
func (c Coverage) Empty() bool {
	return c.Objects == 0 && (c.Terraform == nil || c.Terraform.Resources == 0)
}

// checked says in words what was.
func (c Coverage) checked() string {
	text := plural(c.Objects, "object") + " checked"
	if t := c.Terraform; t != nil {
		text += fmt.Sprintf(", %s of Terraform in %s", plural(t.Resources, "resource"), plural(t.Roots, "root"))
		if all := t.Evaluated + t.Partial + t.Unknown; all > 0 {
			text += fmt.Sprintf(" (%d of %s known", t.Evaluated, plural(all, "attribute"))
			if t.Partial > 0 {
				text += fmt.Sprintf(", %d in part", t.Partial)
			}
			text += ")"
		}
	}
	return text
}

// KindCoverage is how far the objects of one kind were judged.
type KindCoverage struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Objects    int    `json:"objects"`
	// Depth is the check's word for it: unknown, decoded or full.
	Depth string `json:"depth"`
}

// Rule is the documentation of a rule as far as reports carry it.
type Rule struct {
	Title    string // one line
	Markdown string // the page
	URI      string // absolute address of the page; may be empty
}

// Options are what a report needs besides the findings. The zero value works.
type Options struct {
	// Color asks for ANSI colours in text.
	Color bool
	// Sources returns the content of a file of the repository, for the source
	// lines under findings. Nil shows none.
	Sources func(path string) ([]byte, bool)
	// Coverage may be nil where a command checks no objects.
	Coverage *Coverage
	// Rules returns the documentation of a rule, for SARIF. Nil knows none.
	Rules func(slug string) (Rule, bool)
	// Version of the tool, for SARIF. May be empty.
	Version string
	// FailOn is the least severity that is a failure in JUnit; zero means Error.
	FailOn diag.Severity
	// Limit is the most bytes of Markdown; zero means DefaultLimit.
	Limit int
	// Category sets SARIF uploads of one commit apart, for example by
	// environment. May be empty.
	Category string
	// SpecPath is where SARIF points for a finding without a file: GitHub
	// refuses the whole upload for one result without. Empty means
	// environments/platform.yaml.
	SpecPath string
}

// Findings writes findings in a format. It sorts and folds them itself.
func Findings(w io.Writer, format Format, findings diag.List, o Options) error {
	sorted := findings.Sorted()
	var (
		out bytes.Buffer
		err error
	)
	switch format {
	case Text:
		writeText(&out, sorted, o)
	case JSON:
		err = writeJSON(&out, sorted, o)
	case SARIF:
		err = writeSARIF(&out, sorted, o)
	case JUnit:
		err = writeJUnit(&out, sorted, o)
	case GitHub:
		writeGitHub(&out, sorted, o)
	case Markdown:
		out.WriteString(findingsMarkdown(sorted, o))
	default:
		return fmt.Errorf("write findings: unknown format %q", format)
	}
	if err != nil {
		return fmt.Errorf("write findings as %s: %w", format, err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write findings as %s: %w", format, err)
	}
	return nil
}

// Verdict is one line that says how it went: "2 errors, 1 warning in 12 files;
// 214 objects checked". It never calls clean what was not looked at.
func Verdict(findings diag.List, coverage *Coverage) string {
	counts := severities(findings.Count(diag.Error), findings.Count(diag.Warning), findings.Count(diag.Info))
	switch {
	case coverage == nil:
		return counts
	case coverage.Empty() && len(findings) == 0:
		return fmt.Sprintf("no findings in %s, but 0 objects checked: that is not clean", plural(coverage.Files, "file"))
	default:
		return fmt.Sprintf("%s in %s; %s%s", counts, plural(coverage.Files, "file"), coverage.checked(), coverage.heldBack())
	}
}

// heldBack says how many findings do not count: nobody shall take them for none.
func (c *Coverage) heldBack() string {
	var parts []string
	if c.Excepted > 0 {
		parts = append(parts, plural(c.Excepted, "finding")+" excepted")
	}
	if c.Baseline > 0 {
		parts = append(parts, plural(c.Baseline, "finding")+" in the baseline")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
}

// severities counts findings in words, worst first, and leaves out what is zero.
func severities(errors, warnings, infos int) string {
	var parts []string
	if errors > 0 {
		parts = append(parts, plural(errors, "error"))
	}
	if warnings > 0 {
		parts = append(parts, plural(warnings, "warning"))
	}
	if infos > 0 {
		parts = append(parts, fmt.Sprintf("%d info", infos))
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// maxNames is how many environments are named before the rest is counted.
const maxNames = 6

// folded names environments, and counts those beyond the first few.
func folded(environments []string) string {
	if len(environments) <= maxNames {
		return strings.Join(environments, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(environments[:maxNames-1], ", "), len(environments)-maxNames+1)
}

// bySeverity orders findings for readers that see only the first few: worst
// first, then by position.
func bySeverity(findings diag.List) diag.List {
	worst := slices.Clone(findings)
	slices.SortStableFunc(worst, func(a, b diag.Diagnostic) int { return int(b.Severity) - int(a.Severity) })
	return worst
}

// snippet returns the source line of a finding and its caret.
func (o Options) snippet(d diag.Diagnostic) (line, caret string, ok bool) {
	if o.Sources == nil || d.Range.Path == "" || d.Range.Start.Line < 1 {
		return "", "", false
	}
	source, ok := o.Sources(d.Range.Path)
	if !ok {
		return "", "", false
	}
	return diag.Snippet(source, d.Range, d.Sensitive)
}

// about names the object and the field of a finding.
func about(d diag.Diagnostic) string {
	switch {
	case d.Object != "" && d.Field != "":
		return d.Object + ": " + d.Field
	default:
		return d.Object + d.Field
	}
}
