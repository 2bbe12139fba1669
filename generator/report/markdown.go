package report

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/diag"
)

// maxRelated is how many related places Markdown shows of one finding.
const maxRelated = 5

// frame is kept free in each budget for the headings and counts between items.
const frame = 600

// findingsMarkdown is the report of findings for a job summary or a comment.
func findingsMarkdown(findings diag.List, o Options) string {
	verdict := "**" + inline(Verdict(findings, o.Coverage)) + "**\n"
	if len(findings) == 0 {
		return verdict
	}
	return verdict + "\n" + findingsSection(findings, o, o.limit()-len(verdict)-1)
}

// findingsSection shows findings, worst first, in at most limit bytes.
func findingsSection(findings diag.List, o Options, limit int) string {
	findings = bySeverity(findings)
	items := make([]item, len(findings))
	for i, d := range findings {
		items[i] = item{whole: findingBlock(d, o), line: findingLine(d)}
	}
	forms := fit(limit-frame, items)
	var b strings.Builder
	for i, it := range items {
		if forms[i] == whole {
			b.WriteString(it.whole)
		}
	}
	if slices.Contains(forms, listed) {
		b.WriteString("Without their source lines:\n\n")
		for i, it := range items {
			if forms[i] == listed {
				b.WriteString(it.line)
			}
		}
		b.WriteString("\n")
	}
	var left diag.List
	for i, d := range findings {
		if forms[i] == counted {
			left = append(left, d)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "**Not shown for want of room: %s.** `strake check` shows them all.\n\n",
			severities(left.Count(diag.Error), left.Count(diag.Warning), left.Count(diag.Info)))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// findingBlock is a finding with its source line and all that is known of it.
func findingBlock(d diag.Diagnostic, o Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s:** %s (%s)", d.Severity, inline(d.Summary), code(slugOf(d)))
	if len(d.Environments) > 0 {
		b.WriteString(" in " + inline(folded(d.Environments)))
	}
	b.WriteString("\n\n")
	if place := code(d.Range.String()); place != "" {
		b.WriteString(place + "\n\n")
	}
	if line, caret, ok := o.snippet(d); ok {
		b.WriteString(fence("", []string{"| " + fenced(line), "| " + fenced(caret)}) + "\n")
	}
	if detail := inline(strings.TrimSpace(d.Detail)); detail != "" {
		b.WriteString("Help: " + detail + "\n\n")
	}
	switch {
	case d.Object != "":
		b.WriteString("Object: " + code(about(d)) + "\n\n")
	case d.Field != "":
		b.WriteString("Field: " + code(d.Field) + "\n\n")
	}
	for i, r := range d.Related {
		if i == maxRelated {
			fmt.Fprintf(&b, "- and %d more related places\n", len(d.Related)-maxRelated)
			break
		}
		b.WriteString("- " + strings.TrimSpace(code(r.Range.String())+" "+inline(r.Message)) + "\n")
	}
	if len(d.Related) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// findingLine is a finding as one line of a list.
func findingLine(d diag.Diagnostic) string {
	line := fmt.Sprintf("- **%s:** %s (%s)", d.Severity, inline(d.Summary), code(slugOf(d)))
	if place := code(d.Range.String()); place != "" {
		line += " at " + place
	}
	return line + "\n"
}
