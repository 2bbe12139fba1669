package diag_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"strake/generator/diag"
)

func spanning(line, column, endLine, endColumn int) diag.Range {
	return diag.Range{Start: diag.Pos{Line: line, Column: column}, End: diag.Pos{Line: endLine, Column: endColumn}}
}

func TestSnippet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, source string
		r            diag.Range
		line, caret  string
	}{
		{"one character", "a: b\n", spanning(1, 4, 0, 0), "a: b", "   ^"},
		{"a word", "a: word\n", spanning(1, 4, 1, 8), "a: word", "   ^~~~"},
		{"to the next line", "a:\n  b: word\n  c: d\n", spanning(2, 3, 3, 1), "  b: word", "  ^~~~~~~"},
		{"no column: the whole line", "  a: word\n", spanning(1, 0, 0, 0), "  a: word", "  ^~~~~~~"},
		{"carriage return", "a: b\r\nc: d\r\n", spanning(2, 4, 2, 5), "c: d", "   ^"},
		{"no newline at the end", "a: b", spanning(1, 1, 1, 2), "a: b", "^"},
		{"column beyond the line", "a: b\n", spanning(1, 99, 1, 120), "a: b", "    ^"},
		{"end before start", "a: word\n", spanning(1, 4, 1, 2), "a: word", "   ^"},
		{"tab", "a:\tb\n", spanning(1, 4, 1, 5), "a: b", "   ^"},
		{"wide characters", "名前: x\n", spanning(1, 5, 1, 6), "名前: x", "      ^"},
		{"under wide characters", "a: 名前\n", spanning(1, 4, 1, 6), "a: 名前", "   ^~~~"},
		{"combining mark", "e\u0301: x\n", spanning(1, 5, 1, 6), "e\u0301: x", "   ^"},
		{"byte order mark", "\ufeffa: b\n", spanning(1, 4, 1, 5), "a: b", "   ^"},
		{"escape sequence", "a: \x1b[2Jb\n", spanning(1, 4, 1, 5), "a: \ufffd[2Jb", "   ^"},
		{"direction override", "a: \u202eb\n", spanning(1, 5, 1, 6), "a: \ufffdb", "    ^"},
		{"not UTF-8", "a: \xff\xfeb\n", spanning(1, 6, 1, 7), "a: \ufffd\ufffdb", "     ^"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			line, caret, ok := diag.Snippet([]byte(test.source), test.r, false)
			if !ok || line != test.line || caret != test.caret {
				t.Errorf("got  %q\n     %q, %v\nwant %q\n     %q", line, caret, ok, test.line, test.caret)
			}
		})
	}
}

func TestSnippetOfNoLine(t *testing.T) {
	t.Parallel()
	for _, r := range []diag.Range{spanning(0, 0, 0, 0), spanning(-1, 1, 0, 0), spanning(3, 1, 0, 0), spanning(1<<40, 1, 0, 0)} {
		if _, _, ok := diag.Snippet([]byte("a\nb\n"), r, false); ok {
			t.Errorf("%v: a line that does not exist was shown", r)
		}
	}
}

func TestSnippetOfALongLine(t *testing.T) {
	t.Parallel()
	source := strings.Repeat("x", 500) + "HERE" + strings.Repeat("y", 500)
	line, caret, ok := diag.Snippet([]byte(source), spanning(1, 501, 1, 505), false)
	runes := []rune(line)
	if !ok || len(runes) != 160 || runes[0] != '…' || runes[159] != '…' {
		t.Fatalf("got %q", line)
	}
	at := strings.Index(caret, "^")
	if got := string(runes[at : at+len(caret)-at]); got != "HERE" {
		t.Errorf("the caret is under %q", got)
	}
	line, _, _ = diag.Snippet([]byte(source), spanning(1, 1, 1, 1004), false)
	if !strings.HasPrefix(line, "xxx") || !strings.HasSuffix(line, "…") {
		t.Errorf("a long range is shown from its start, got %q", line)
	}
}

func TestSnippetMasks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, source string
		line         int
		want         string
	}{
		{"value", "  password: canary\n", 1, "  password: ********"},
		{"value in quotes", "password: \"can: canary\"\n", 1, "password: ********"},
		{"item", "- canary\n", 1, "- ********"},
		{"key in an item", "  - - value: canary\n", 1, "  - - value: ********"},
		{"key in quotes", "\"password\": canary\n", 1, "********"},
		{"flow map", "- {name: a, value: canary}\n", 1, "- ********"},
		{"command line", "- --password=canary: x\n", 1, "- ********"},
		{"comment", "# password: canary\n", 1, "********"},
		{"no space", "password:canary\n", 1, "********"},
		{"only a key", "password:\n  canary\n", 1, "password:"},
		{"next line", "password:\n  canary\n", 2, "  ********"},
		{"block scalar", "password: |\n  canary: x\n", 2, "  ********"},
		{"deep in a block scalar", "a:\n  p: &x >-2 # why\n      one\n\n      two:\n        canary: x\n", 6, "        ********"},
		{"after a block scalar", "p: |\n  a\nq: canary\n", 3, "q: ********"},
		{"key under a key", "a:\n  b:\n    c: canary\n", 3, "    c: ********"},
		{"HCL", "password = \"canary\"\n", 1, "********"},
		{"tab", "password:\tcanary\n", 1, "password: ********"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			line, caret, ok := diag.Snippet([]byte(test.source), spanning(test.line, 3, test.line, 30), true)
			if !ok || line != test.want {
				t.Errorf("got %q, want %q", line, test.want)
			}
			if strings.Contains(caret, "~") {
				t.Errorf("the caret %q tells the length of the value", caret)
			}
		})
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add([]byte("a: b\n名前: \x1b\xff"), 2, 3, 2, 9, false)
	f.Add([]byte(strings.Repeat("z", 400)), 1, 300, 1, 500, true)
	f.Add([]byte("\xef\xbb\xbfa\r\n\tb"), 2, 0, 0, 0, false)
	f.Fuzz(func(t *testing.T, source []byte, line, column, endLine, endColumn int, sensitive bool) {
		text, caret, ok := diag.Snippet(source, spanning(line, column, endLine, endColumn), sensitive)
		if !ok {
			return
		}
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 160 || strings.ContainsAny(text, "\n\r\x1b\x00") {
			t.Errorf("unfit to print: %q", text)
		}
		marks := strings.TrimLeft(caret, " ")
		if !strings.HasPrefix(marks, "^") || strings.Trim(marks[1:], "~") != "" || len(caret) > 2*160+1 {
			t.Errorf("caret %q", caret)
		}
	})
}

func FuzzSnippetMasks(f *testing.F) {
	f.Add("  password: ", "", 3)
	f.Add("- {a: b, c: ", "}", 1)
	f.Add("p: |\n  ", ": x", 2)
	f.Fuzz(func(t *testing.T, before, after string, column int) {
		const canary = "c4n\u2603ry" // no key that plainKey accepts
		source := before + canary + after
		number := strings.Count(before, "\n") + 1
		text, _, _ := diag.Snippet([]byte(source), spanning(number, column, number, column+5), true)
		if strings.Contains(text, canary) {
			t.Errorf("%q shows %q", source, text)
		}
	})
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	in := "a\tb\nc\u2028d\x1be\u200bf\u0085g\xffh名"
	if got, want := diag.Printable(in), "a b c d\ufffde\ufffdf\ufffdg\ufffdh名"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for text, want := range map[string]int{"": 0, "abc": 3, "名前": 4, "e\u0301": 1, "🚀": 2, "ﾊ": 1} {
		if got := diag.Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
}
