package diag

import (
	"bytes"
	"regexp"
	"strings"
)

const (
	// maxSnippet is the longest piece of a source line that is shown, in runes.
	maxSnippet = 160
	// leadIn is how much of a long line is shown before the caret.
	leadIn   = 20
	mask     = "********"
	ellipsis = '…'
)

// Snippet returns the source line of a range and the line with the caret under
// it, both without a newline. ok is false where the line does not exist. When
// sensitive is set, all that follows the key (or the list dash) is masked.
// Control characters are shown as a replacement character, so that a file
// cannot steer the terminal; of a long line the part around the caret is shown.
func Snippet(source []byte, r Range, sensitive bool) (line, caret string, ok bool) {
	source = bytes.TrimPrefix(source, []byte("\ufeff")) // no reader counts it as a column
	raw, ok := lineAt(source, r.Start.Line)
	if !ok {
		return "", "", false
	}
	text := []rune(Printable(raw))
	start, width := span(text, r)
	if sensitive {
		text = hide(text, insideBlock(source, r.Start.Line))
		start, width = min(start, len(text)), 1
	}
	text, start = window(text, start, width)
	width = max(1, min(width, len(text)-start))
	under := max(1, runesWidth(text[start:min(start+width, len(text))]))
	return strings.TrimRight(string(text), " "),
		strings.Repeat(" ", runesWidth(text[:start])) + "^" + strings.Repeat("~", under-1), true
}

// span is the part of the line that the range covers, as a rune index and a
// count of at least one. A range without a column means the whole line.
func span(text []rune, r Range) (start, width int) {
	start, end := r.Start.Column-1, 0
	switch {
	case r.Start.Column < 1:
		for start = 0; start < len(text) && text[start] == ' '; start++ {
		}
		end = len(text)
	case r.End.Line > r.Start.Line:
		end = len(text)
	case r.End.Line == r.Start.Line:
		end = r.End.Column - 1
	}
	start = min(start, len(text))
	return start, max(1, min(end, len(text))-start)
}

// window cuts a long line down to what is around the caret and marks the cuts.
func window(text []rune, start, width int) ([]rune, int) {
	if len(text) <= maxSnippet {
		return text, start
	}
	from := 0
	if start+width > maxSnippet {
		from = max(0, min(start-leadIn, len(text)-maxSnippet))
	}
	cut := append([]rune{}, text[from:min(from+maxSnippet, len(text))]...)
	if from > 0 {
		cut[0] = ellipsis
	}
	if from+maxSnippet < len(text) {
		cut[len(cut)-1] = ellipsis
	}
	return cut, start - from
}

// lineAt finds a 1-based line without its line ending.
func lineAt(source []byte, number int) (string, bool) {
	if number < 1 {
		return "", false
	}
	for i := 1; ; i++ {
		line, rest, more := bytes.Cut(source, []byte("\n"))
		if i == number {
			return string(bytes.TrimSuffix(line, []byte("\r"))), len(line) > 0 || more
		}
		if !more {
			return "", false
		}
		source = rest
	}
}

// plainKey is a mapping key that cannot itself be a secret in disguise: one
// word, such as people name fields and environment variables.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,64}$`)

// hide keeps the indentation and the key of a line and masks the rest. A line
// without a plain key, or in the middle of a block scalar, is masked whole.
func hide(text []rune, insideBlock bool) []rune {
	line := string(text)
	body := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(body)]
	if insideBlock {
		return []rune(indent + mask)
	}
	depth := 0
	for ; strings.HasPrefix(body, "- "); depth++ {
		body = strings.TrimLeft(body[2:], " ")
	}
	dashes := strings.Repeat("- ", depth)
	if key, _, found := strings.Cut(body, ": "); found && plainKey.MatchString(key) {
		return []rune(indent + dashes + key + ": " + mask)
	}
	if key, found := strings.CutSuffix(body, ":"); found && plainKey.MatchString(key) {
		return []rune(indent + dashes + key + ":")
	}
	return []rune(indent + dashes + mask)
}

// blockStart matches the end of a line that opens a YAML block scalar.
var blockStart = regexp.MustCompile(`(?:^|[\s:-])[|>][0-9+-]{0,2}\s*(?:\s#.*)?$`)

// insideBlock reports whether a line stands, by its indentation, under a line
// that opens a block scalar: what looks like a key there is part of a value.
func insideBlock(source []byte, number int) bool {
	lines := bytes.Split(source, []byte("\n"))
	if number < 2 || number > len(lines) {
		return false
	}
	indent := indentation(lines[number-1])
	for i := number - 2; i >= 0 && indent > 0; i-- {
		if len(bytes.TrimSpace(lines[i])) == 0 {
			continue
		}
		if at := indentation(lines[i]); at < indent {
			if blockStart.Match(bytes.TrimRight(lines[i], "\r")) {
				return true
			}
			indent = at
		}
	}
	return false
}

func indentation(line []byte) int {
	return len(line) - len(bytes.TrimLeft(line, " "))
}
