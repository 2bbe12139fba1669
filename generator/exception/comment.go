package exception

import (
	"bytes"
	"strings"

	"strake/generator/diag"
)

// marker begins a comment that excepts.
const marker = "strake:ignore"

// Comments finds the exceptions that stand as comments in a YAML or HCL file:
//
//	# strake:ignore image-unpinned until=2026-12-31 owner=mlops -- dev follows its own branch
//
// A comment at the end of a line covers that line. One on a line of its own
// covers the block below it: the next line and all that is indented under it.
// Above the first key of a YAML document it covers the document.
func Comments(path string, data []byte) ([]Exception, diag.List) {
	if !bytes.Contains(data, []byte(marker)) {
		return nil, nil
	}
	var out []Exception
	var found diag.List
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		before, text, ok := strings.Cut(line, marker)
		if !ok {
			continue
		}
		left, comment := beforeComment(before)
		if !comment {
			continue // a string that holds the words
		}
		at := diag.Range{Path: path, Start: diag.Pos{Line: i + 1, Column: len([]rune(before)) + 1}}
		at.End = diag.Pos{Line: i + 1, Column: at.Start.Column + len([]rune(marker))}
		first, last := i+1, i+1
		if left == "" {
			first, last = block(lines, i+1, !strings.HasSuffix(path, ".tf"))
		}
		entries, d := parseComment(strings.TrimRight(text, "\r"), at)
		found = append(found, d...)
		for _, e := range entries {
			e.first, e.last = first, last
			out = append(out, e)
		}
	}
	return out, found
}

// beforeComment returns what stands on a line before the comment sign, and
// whether the marker follows a comment sign at all. YAML wants a blank before
// it; HCL and YAML share #, HCL knows // too.
func beforeComment(s string) (code string, comment bool) {
	trimmed := strings.TrimRight(s, " \t")
	for _, sign := range []string{"#", "//"} {
		if rest, ok := strings.CutSuffix(trimmed, sign); ok {
			code = strings.TrimSpace(rest)
			if code == "" || strings.HasSuffix(rest, " ") || strings.HasSuffix(rest, "\t") {
				return code, true
			}
		}
	}
	return "", false
}

// block is the first and the last line, from 1, of what stands below a comment:
// the next line of code and all that is indented under it, or, above the first
// key of a file that has documents, the document.
func block(lines []string, from int, documents bool) (first, last int) {
	at := code(lines, from)
	if at < len(lines) && strings.HasPrefix(lines[at], "---") {
		at = code(lines, at+1)
	}
	if at == len(lines) {
		return from, from - 1 // nothing stands below
	}
	if documents && top(lines, from-1) {
		return document(lines, at)
	}
	depth := indent(lines[at])
	last = at
	for i := at + 1; i < len(lines); i++ {
		if skip(lines[i]) {
			continue
		}
		switch trimmed := strings.TrimSpace(lines[i]); {
		case indent(lines[i]) > depth:
		case indent(lines[i]) == depth && (trimmed == "}" || trimmed == "]" || trimmed == ")"):
		case indent(lines[i]) == depth && strings.HasPrefix(trimmed, "- ") && strings.HasSuffix(strings.TrimSpace(lines[at]), ":"):
			// A list may stand at the indentation of its key.
		default:
			return at + 1, last + 1
		}
		last = i
	}
	return at + 1, last + 1
}

// code is the first line of code from one on, or the end.
func code(lines []string, at int) int {
	for at < len(lines) && skip(lines[at]) {
		at++
	}
	return at
}

// top reports whether only comments stand between a line and the beginning of
// its YAML document.
func top(lines []string, at int) bool {
	if indent(lines[at]) > 0 {
		return false
	}
	for i := at - 1; i >= 0; i-- {
		switch {
		case strings.HasPrefix(lines[i], "---"):
			return true
		case !skip(lines[i]):
			return false
		}
	}
	return true
}

// document is the lines from one to the end of its document.
func document(lines []string, at int) (first, last int) {
	last = len(lines)
	for i := at; i < len(lines); i++ {
		if strings.HasPrefix(lines[i], "---") && i > at {
			return at + 1, i
		}
	}
	return at + 1, last
}

func skip(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// parseComment reads what follows the marker.
func parseComment(text string, at diag.Range) ([]Exception, diag.List) {
	const form = "Write # strake:ignore RULE until=2026-12-31 owner=TEAM -- the reason."
	say := func(summary string) diag.List {
		return diag.List{{Rule: ruleSyntax, Severity: diag.Error, Range: at, Summary: summary, Detail: form}}
	}
	words, reason, _ := strings.Cut(text, "--")
	e := Exception{Reason: strings.TrimSpace(reason), Range: at}
	var rules []string
	for word := range strings.FieldsSeq(words) {
		switch key, v, has := strings.Cut(word, "="); {
		case !has:
			rules = append(rules, strings.Trim(word, ","))
		case key == "until":
			e.Until = v
		case key == "owner":
			e.Owner = v
		default:
			return nil, say("an exception has an unknown word " + word)
		}
	}
	switch {
	case len(rules) == 0:
		return nil, say("an exception names no rule")
	case e.Until == "":
		return nil, say("an exception has no until")
	case !day(e.Until):
		return nil, say("until=" + e.Until + " is no day")
	case e.Owner == "":
		return nil, say("an exception has no owner")
	case e.Reason == "":
		return nil, say("an exception has no reason")
	}
	out := make([]Exception, len(rules))
	for i, rule := range rules {
		out[i] = e
		out[i].Rule = rule
	}
	return out, nil
}
