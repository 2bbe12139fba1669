package report

import (
	"bytes"
	"fmt"
	"strings"

	"strake/generator/diag"
)

// maxAnnotations is how many annotations of one kind GitHub keeps of a step;
// it drops the rest without a word.
const maxAnnotations = 10

// writeGitHub writes findings as GitHub Actions log commands, worst first, as
// many as GitHub keeps, and says how many it left out.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func writeGitHub(out *bytes.Buffer, findings diag.List, o Options) {
	written := map[diag.Severity]int{}
	left := map[diag.Severity]int{}
	for _, d := range bySeverity(findings) {
		limit := maxAnnotations
		if d.Severity != diag.Error && d.Severity != diag.Warning {
			limit-- // the last notice is the one that counts the rest
		}
		if written[d.Severity] == limit {
			left[d.Severity]++
			continue
		}
		written[d.Severity]++
		writeCommand(out, commandOf(d.Severity), properties(d), annotation(d))
	}
	if len(left) > 0 {
		rest := severities(left[diag.Error], left[diag.Warning], left[diag.Info])
		writeCommand(out, "notice", [][2]string{{"title", "strake"}},
			fmt.Sprintf("and %s more; the step's log or the SARIF and JSON reports have them all (%s)", rest, Verdict(findings, o.Coverage)))
	}
	// A line that begins with "::" would be a command of its own; this one cannot.
	out.WriteString(Verdict(findings, o.Coverage) + "\n")
}

func commandOf(s diag.Severity) string {
	switch s {
	case diag.Error:
		return "error"
	case diag.Warning:
		return "warning"
	default:
		return "notice"
	}
}

func properties(d diag.Diagnostic) [][2]string {
	var props [][2]string
	if d.Range.Path != "" {
		props = append(props, [2]string{"file", d.Range.Path})
		if r := d.Range; r.Start.Line > 0 {
			props = append(props, [2]string{"line", fmt.Sprint(r.Start.Line)})
			last := lastLine(r)
			// GitHub takes columns only where the annotation is on one line.
			if r.Start.Column > 0 && last == r.Start.Line {
				props = append(props, [2]string{"col", fmt.Sprint(r.Start.Column)})
			}
			if last > r.Start.Line {
				props = append(props, [2]string{"endLine", fmt.Sprint(last)})
			}
		}
	}
	return append(props, [2]string{"title", d.Rule})
}

// lastLine is the last line that a range covers: its end is exclusive, and so
// column 1 of a line leaves that line out.
func lastLine(r diag.Range) int {
	last := r.End.Line
	if r.End.Column == 1 {
		last--
	}
	return max(last, r.Start.Line)
}

// annotation is the text of a finding on several lines.
func annotation(d diag.Diagnostic) string {
	lines := []string{d.Summary}
	for _, line := range []string{d.Detail, about(d)} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	if len(d.Environments) > 0 {
		lines = append(lines, "in "+folded(d.Environments))
	}
	for _, r := range d.Related {
		lines = append(lines, "related: "+strings.TrimPrefix(r.Range.String()+": "+r.Message, ": "))
	}
	return strings.Join(lines, "\n")
}

// writeCommand writes "::name key=value,…::data" on a line of its own.
func writeCommand(out *bytes.Buffer, name string, props [][2]string, data string) {
	out.WriteString("::" + name)
	for i, p := range props {
		if i == 0 {
			out.WriteByte(' ')
		} else {
			out.WriteByte(',')
		}
		out.WriteString(p[0] + "=" + escapeProperty(p[1]))
	}
	out.WriteString("::" + escapeData(data) + "\n")
}

// escapeData escapes what would end a command, so that a finding can neither
// break an annotation nor forge one. The other control characters are not
// GitHub's business, but those of whoever reads the log on a terminal.
func escapeData(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(diag.Printable(line), "%", "%25")
	}
	return strings.Join(lines, "%0A")
}

// escapeProperty escapes data and what separates properties.
func escapeProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(s))
}
