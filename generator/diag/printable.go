package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Printable returns one line of text that is safe to put on a terminal: a tab
// or a line break becomes a space, and a control, format or direction character,
// or a byte that is not UTF-8, the replacement character. The number of runes
// stays as it was, so that columns still fit.
func Printable(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r <= '~':
			return r
		case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return utf8.RuneError
		default:
			return r
		}
	}, line)
}

// Width is the number of columns that a printable text takes on a terminal:
// wide characters of East Asia take two, combining marks none.
func Width(text string) int { return runesWidth([]rune(text)) }

func runesWidth(text []rune) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case isWide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func isWide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}
