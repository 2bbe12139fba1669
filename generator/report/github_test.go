package report_test

import (
	"strings"
	"testing"

	"strake/generator/diag"
	"strake/generator/report"
)

func TestGitHubKeepsToTheLimits(t *testing.T) {
	t.Parallel()
	got := render(t, report.GitHub, manyFindings(90), options())
	for prefix, want := range map[string]int{"::error ": 10, "::warning ": 10, "::notice ": 10} {
		if n := strings.Count("\n"+got, "\n"+prefix); n != want {
			t.Errorf("%d × %s, want %d", n, prefix, want)
		}
	}
	if !strings.Contains(got, "::notice title=strake::and 20 errors, 20 warnings, 21 info more") {
		t.Errorf("the rest is not counted:\n%s", got)
	}
	if strings.Index(got, "::error ") > strings.Index(got, "::warning ") || !strings.Contains(strings.SplitN(got, "\n", 2)[0], "dir/00002.yaml") {
		t.Errorf("not sorted by severity, then path:\n%s", got)
	}
}

func TestGitHubLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		r    diag.Range
		want string
	}{
		{"no file", diag.Range{}, "::error title=r::s"},
		{"no line", diag.Range{Path: "a"}, "::error file=a,title=r::s"},
		{"one line", span("a", 2, 3, 2, 9), "::error file=a,line=2,col=3,title=r::s"},
		{"the end excludes its line", span("a", 2, 3, 3, 1), "::error file=a,line=2,col=3,title=r::s"},
		{"several lines", span("a", 2, 3, 4, 2), "::error file=a,line=2,endLine=4,title=r::s"},
		{"escapes", diag.Range{Path: "a:b,c%d\ne"}, "::error file=a%3Ab%2Cc%25d%0Ae,title=r::s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := render(t, report.GitHub, diag.List{{Rule: "r", Severity: diag.Error, Summary: "s", Range: test.r}}, report.Options{})
			if first, _, _ := strings.Cut(got, "\n"); first != test.want {
				t.Errorf("got  %s\nwant %s", first, test.want)
			}
		})
	}
}

func FuzzGitHub(f *testing.F) {
	f.Add("a.yaml", "summary", "detail", "::error::x\n::stop-commands::y")
	f.Add("a,b:c", "50%0A", "\r\n", "\x00\xff")
	f.Fuzz(func(t *testing.T, path, rule, summary, detail string) {
		list := diag.List{{Rule: rule, Severity: diag.Warning, Summary: summary, Detail: detail, Range: span(path, 1, 1, 0, 0)}}
		lines := strings.Split(strings.TrimSuffix(render(t, report.GitHub, list, report.Options{}), "\n"), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "::warning ") || lines[1] != "1 warning" {
			t.Fatalf("a finding is not exactly one command: %q", lines)
		}
		props, data, _ := strings.Cut(strings.TrimPrefix(lines[0], "::warning "), "::")
		unescape := strings.NewReplacer("%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
		want := 1
		if path != "" {
			want = 4
		}
		if got := strings.Split(props, ","); len(got) != want {
			t.Errorf("properties %q", props)
		}
		text := summary
		if detail != "" {
			text += "\n" + detail
		}
		if got, want := unescape.Replace(data), printableLines(text); got != unescape.Replace(want) && !strings.Contains(want, "%") {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

func printableLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = diag.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
