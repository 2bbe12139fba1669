package report_test

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"strake/generator/diag"
	"strake/generator/report"
)

var (
	ownTags = regexp.MustCompile(`</?(details|summary|code|strong)>|<!-- /?strake[^>]*-->`)
	tag     = regexp.MustCompile(`<[A-Za-z/!]`)
	alive   = regexp.MustCompile(`@[A-Za-z0-9]|#\d|(?i:\bgh-\d)|://|www\.`)
	newline = regexp.MustCompile(`\n`)
)

// checkMarkdown holds what every Markdown report promises: valid UTF-8 within
// its limit, each fence, tag and row closed, and nothing of the foreign text
// alive: no mention, reference, link or HTML.
func checkMarkdown(t testing.TB, text string, limit int) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("not UTF-8")
	}
	if len(text) > limit {
		t.Errorf("%d bytes, the limit is %d", len(text), limit)
	}
	open, details, cells := 0, 0, 0
	for number, line := range newline.Split(text, -1) {
		ticks := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case open > 0:
			if ticks >= open && strings.Trim(line, "`") == "" {
				open = 0
			}
			continue
		case ticks >= 3 && !strings.Contains(line[ticks:], "`"):
			open = ticks
			continue
		}
		details += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		if strings.HasPrefix(line, "|") {
			if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); !strings.HasSuffix(line, "|") || cells > 0 && n != cells {
				t.Errorf("line %d: a row was cut: %q", number+1, line)
			} else {
				cells = n
			}
		} else {
			cells = 0
		}
		rest := ownTags.ReplaceAllString(withoutCode(line), "")
		if found := tag.FindString(rest) + alive.FindString(html.UnescapeString(rest)); found != "" {
			t.Errorf("line %d: %q is alive in %q", number+1, found, line)
		}
	}
	if open > 0 || details != 0 {
		t.Errorf("a fence of %d is open, or %d details", open, details)
	}
}

// withoutCode removes code spans and escaped characters from a line.
func withoutCode(line string) string {
	var out strings.Builder
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '`':
			n := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
			end := closing(line[i+n:], n)
			if end < 0 {
				out.WriteString(line[i : i+n])
				i += n - 1
				continue
			}
			i += n + end - 1
		default:
			out.WriteByte(line[i])
		}
	}
	return out.String()
}

// closing is the offset after the next run of exactly n backticks, or -1.
func closing(s string, n int) int {
	for i := 0; i < len(s); i++ {
		if s[i] != '`' {
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i + n
		}
		i += run - 1
	}
	return -1
}

func TestMarkdownKeepsToItsBudget(t *testing.T) {
	t.Parallel()
	count := regexp.MustCompile(`Not shown for want of room: ([^.]*)\.`)
	for _, n := range []int{1, 50, 300, 2000} {
		for _, limit := range []int{0, 4_000, 200_000} {
			t.Run(fmt.Sprintf("%d findings in %d", n, limit), func(t *testing.T) {
				t.Parallel()
				o := options()
				o.Limit = limit
				got := render(t, report.Markdown, manyFindings(n), o)
				checkMarkdown(t, got, max(limit, 4_000, (1-min(limit, 1))*report.DefaultLimit))
				shown := strings.Count(got, "`rule-")
				left := 0
				if m := count.FindStringSubmatch(got); m != nil {
					var e, w, i int
					for part := range strings.SplitSeq(m[1], ", ") {
						var count int
						var word string
						_, _ = fmt.Sscan(part, &count, &word)
						switch word[:4] {
						case "erro":
							e = count
						case "warn":
							w = count
						case "info":
							i = count
						}
					}
					left = e + w + i
				}
				if shown+left != n || shown == 0 {
					t.Errorf("%d shown and %d counted, of %d", shown, left, n)
				}
			})
		}
	}
}

// TestMarkdownOfOneHugeText: one value must not take the room of all others.
func TestMarkdownOfOneHugeText(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"x", "🚀", "`", "|", "\\", "<", "@a ", "\n", "\xff"} {
		text := strings.Repeat(unit, 20_000)
		list := append(manyFindings(9), diag.Diagnostic{Rule: text, Severity: diag.Error, Summary: text, Detail: text, Object: text, Range: span(text, 1, 9, 1, 19_000)})
		got := render(t, report.Markdown, list, report.Options{Sources: func(string) ([]byte, bool) { return []byte(text), true }})
		checkMarkdown(t, got, report.DefaultLimit)
		if n := strings.Count(got, "`rule-"); n != 9 {
			t.Errorf("%q: %d of 9 other findings are shown", unit, n)
		}
	}
}

func TestMarkdownShowsTheWorstFirst(t *testing.T) {
	t.Parallel()
	got := render(t, report.Markdown, manyFindings(2000), options())
	var order []string
	for line := range strings.SplitSeq(got, "\n") {
		for _, s := range []string{"error", "warning", "info"} {
			if strings.HasPrefix(line, "**"+s+":**") {
				order = append(order, s)
			}
		}
	}
	if len(order) == 0 || slices.Contains(order, "info") || strings.Contains(got[:strings.Index(got, "Without")], "**warning:**") {
		t.Errorf("errors did not come first: %d whole findings", len(order))
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("s", "d", "p", "src", 4000)
	f.Add("@all #1 a/b#2 GH-3 https://x www.y.z <img src=x> <!-- /strake -->", "```\n~~~\n</details>", "a`b|c\\|d", "````````", 5000)
	f.Add(strings.Repeat("`", 3_000), strings.Repeat("🚀", 900), strings.Repeat("|", 3_000), strings.Repeat("x", 3_000), 20_000)
	f.Add("\xff\x00\u202e", "\r\n\r", "\n", "\n```\n", 0)
	f.Fuzz(func(t *testing.T, summary, detail, path, text string, limit int) {
		limit = min(max(limit, 4_000), 20_000)
		list := manyFindings(20)
		for i := range 20 {
			list = append(list, diag.Diagnostic{
				Rule: path, Severity: diag.Error, Summary: summary, Detail: detail, Object: text, Field: fmt.Sprint(i), Range: span(path, 1, i, 1, i+9),
				Environments: []string{summary}, Related: []diag.Related{{Range: span(path, 1, 1, 0, 0), Message: text}},
			})
		}
		o := report.Options{Limit: limit, Sources: func(string) ([]byte, bool) { return []byte(text), true }}
		got := render(t, report.Markdown, list, o)
		checkMarkdown(t, got, limit)
		if strings.Contains(got, "<!-- /strake") {
			t.Error("foreign text ends our part of the body")
		}
	})
}
