package diag

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	// maxSnippet is the longest piece of a source line that is shown, in runes.
	maxSnippet = 160
	mask       = "********"
)

// Snippet returns the source line of a range and the line with the caret under
// it, both without a newline. ok is false where the line does not exist. When
// sensitive is set, all that follows the key (or the list dash) is masked.
// Control characters are shown as a replacement character, so that a file
// cannot steer the terminal.
func Snippet(source []byte, r Range, sensitive bool) (line, caret string, ok bool) {
	raw, ok := lineAt(source, r.Start.Line)
	if !ok {
		return "", "", false
	}
	text := []rune(clean(raw))
	start := min(max(r.Start.Column-1, 0), len(text))
	width := 1
	if r.End.Line == r.Start.Line && r.End.Column > r.Start.Column {
		width = r.End.Column - r.Start.Column
	} else if r.End.Line > r.Start.Line {
		width = len(text) - start
	}
	width = max(1, min(width, len(text)-start))
	if sensitive {
		text = hide(text)
		start, width = min(start, len(text)), 1
	}
	if start+width > maxSnippet {
		from := max(0, min(start-20, len(text)-maxSnippet))
		text, start = text[from:], start-from
	}
	if len(text) > maxSnippet {
		text = text[:maxSnippet]
	}
	width = max(1, min(width, maxSnippet-start))
	return strings.TrimRight(string(text), " "), strings.Repeat(" ", start) + "^" + strings.Repeat("~", width-1), true
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

// clean makes each rune of a line take one column on a terminal.
func clean(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r == utf8.RuneError || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069):
			return utf8.RuneError
		default:
			return r
		}
	}, line)
}

// hide keeps the indentation and the key of a line and masks the rest. A line
// without a key is masked whole: it may be the middle of a block scalar.
func hide(text []rune) []rune {
	line := string(text)
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	body := strings.TrimLeft(line, " ")
	dash := ""
	for strings.HasPrefix(body, "- ") {
		dash += "- "
		body = strings.TrimLeft(body[2:], " ")
	}
	if key, _, found := strings.Cut(body, ": "); found && !strings.ContainsAny(key, "{}[]\"'") {
		return []rune(indent + dash + key + ": " + mask)
	}
	if key, found := strings.CutSuffix(body, ":"); found {
		return []rune(indent + dash + key + ":")
	}
	return []rune(indent + dash + mask)
}
