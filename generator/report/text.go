package report

import (
	"bytes"
	"fmt"
	"strings"

	"strake/generator/diag"
)

// style is an ANSI "select graphic rendition" parameter.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// paint colours one piece of text, when colours are wanted.
func paint(color bool, s style, text string) string {
	if !color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func severityStyle(s diag.Severity) style {
	switch s {
	case diag.Error:
		return red
	case diag.Warning:
		return yellow
	default:
		return cyan
	}
}

// writeText writes findings for a terminal:
//
//	path:12:5: error: summary [rule]
//	  |     retryStrategy:
//	  |     ^~~~~~~~~~~~~
//	  = help: what to write instead
//	  = object: argoproj.io/WorkflowTemplate team/train: spec.templates[0]
//	  = in: dev, staging
//	  related: base/x.yaml:3:1: resource of …
func writeText(out *bytes.Buffer, findings diag.List, o Options) {
	for _, d := range findings {
		writeTextFinding(out, d, o)
		out.WriteByte('\n')
	}
	verdict := Verdict(findings, o.Coverage)
	switch {
	case len(findings) > 0:
		verdict = paint(o.Color, bold, verdict)
	case o.Coverage != nil && o.Coverage.Empty():
		verdict = paint(o.Color, yellow, verdict)
	default:
		verdict = paint(o.Color, green, verdict)
	}
	out.WriteString(verdict + "\n")
}

func writeTextFinding(out *bytes.Buffer, d diag.Diagnostic, o Options) {
	if place := terminal(d.Range.String()); place != "" {
		if strings.HasPrefix(strings.TrimSpace(place), "::") {
			place = "./" + place // a file of that name is no log command
		}
		out.WriteString(paint(o.Color, bold, place) + ": ")
	}
	tone := severityStyle(d.Severity)
	fmt.Fprintf(out, "%s: %s %s\n", paint(o.Color, tone, d.Severity.String()),
		terminal(d.Summary), paint(o.Color, dim, "["+terminal(d.Rule)+"]"))
	bar := paint(o.Color, dim, "|")
	if line, caret, ok := o.snippet(d); ok {
		fmt.Fprintf(out, "  %s %s\n  %s %s\n", bar, terminal(line), bar, paint(o.Color, tone, caret))
	}
	writeNote(out, "help", d.Detail, o.Color)
	if d.Object == "" {
		writeNote(out, "field", d.Field, o.Color)
	} else {
		writeNote(out, "object", about(d), o.Color)
	}
	writeNote(out, "in", folded(d.Environments), o.Color)
	for _, r := range d.Related {
		out.WriteString("  related: ")
		if place := terminal(r.Range.String()); place != "" {
			out.WriteString(place + ": ")
		}
		out.WriteString(terminal(r.Message) + "\n")
	}
}

// writeNote writes "  = label: text" with further lines of the text under it,
// and nothing for an empty text. No line begins with the text itself: where the
// log is GitHub's, a line that begins with "::" is a command.
func writeNote(out *bytes.Buffer, label, text string, color bool) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			fmt.Fprintf(out, "  %s %s\n", paint(color, dim, "= "+label+":"), terminal(line))
			continue
		}
		pad := strings.Repeat(" ", len(label)+2)
		out.WriteString(strings.TrimRight("  "+paint(color, dim, "=")+" "+pad+terminal(line), " ") + "\n")
	}
}

// terminal makes foreign text fit for one line of a terminal or of a CI log:
// GitHub's runner takes "##[…]" for a command wherever it stands. The number of
// runes stays as it was.
func terminal(s string) string {
	return strings.ReplaceAll(diag.Printable(s), "##[", "#\ufffd[")
}
