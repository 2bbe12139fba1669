package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"strake/generator/diag"
)

// zeroWidth stands after a character that GitHub would read as the start of a
// mention, a reference or a link. It breaks that, and nobody sees it.
const zeroWidth = "\u200b"

// maxText is the longest piece of foreign text in Markdown, in runes, so that
// no single value takes the room of a whole report.
const maxText = 300

// clip shortens a text to maxText and says how much it left out.
func clip(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= maxText {
		return s
	}
	kept := []rune(s)[:maxText]
	return fmt.Sprintf("%s… (%d more characters)", string(kept), n-maxText)
}

// reference matches what GitHub turns into a link to an issue without a #.
var reference = regexp.MustCompile(`(?i)\b(gh-)(\d)`)

// inline writes foreign text as Markdown that shows exactly that text: no
// markup, HTML, mention, reference, link or formula comes of it. The result has
// no line break and can stand in a table.
func inline(s string) string {
	s = harmless(clip(s))
	s = reference.ReplaceAllString(s, "${1}"+zeroWidth+"${2}")
	s = strings.ReplaceAll(s, "://", ":"+zeroWidth+"//")
	s = strings.ReplaceAll(s, "www.", "www"+zeroWidth+".")
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '|', '~', '$', '!':
			b.WriteString(`\` + string(r))
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '@', '#':
			b.WriteString(string(r) + zeroWidth)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code writes foreign text as a code span, in which GitHub reads nothing. A
// text with a pipe would end a table's cell, and is written as inline text.
func code(s string) string {
	if s = strings.TrimSpace(s); strings.Contains(s, "|") {
		return inline(s)
	}
	if s = strings.TrimSpace(harmless(clip(s))); s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// html writes foreign text for the inside of an HTML element.
func html(s string) string {
	s = harmless(clip(s))
	s = reference.ReplaceAllString(s, "${1}"+zeroWidth+"${2}")
	s = strings.ReplaceAll(s, "://", ":"+zeroWidth+"//")
	s = strings.ReplaceAll(s, "www.", "www"+zeroWidth+".")
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;",
		"@", "@"+zeroWidth, "#", "#"+zeroWidth,
		"*", "&#42;", "_", "&#95;", "`", "&#96;", "[", "&#91;", "]", "&#93;", `\`, "&#92;", "~", "&#126;", "$", "&#36;",
	).Replace(s)
}

// fence writes lines as a code block whose fence is longer than any run of
// backticks in it.
func fence(language string, lines []string) string {
	var b strings.Builder
	run := 2
	for i := range lines {
		run = max(run, longestRun(lines[i], '`'))
	}
	ticks := strings.Repeat("`", run+1)
	b.WriteString(ticks + language + "\n")
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	b.WriteString(ticks + "\n")
	return b.String()
}

// fenced makes a line of foreign text fit for fence.
func fenced(line string) string { return harmless(clip(line)) }

// harmless makes foreign text one printable line without the start of an HTML
// comment: our own comments mark which part of a pull request's text is ours,
// and are looked for by their bytes, in code too.
func harmless(s string) string {
	return strings.ReplaceAll(diag.Printable(s), "<!--", "<!"+zeroWidth+"--")
}

// longestRun is the length of the longest run of a byte in a text.
func longestRun(s string, of byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != of {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
