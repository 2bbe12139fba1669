package spec

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"strake/generator/diag"
)

const platformPath = "environments/platform.yaml"

// TestFindings loads each testdata/findings/*.txtar and compares what a user
// reads: place, words, the source line with its caret, environments.
func TestFindings(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fsys, want := files(archive)
			_, found := Load(fsys, platformPath, "0.1.0")
			got := describe(fsys, found)
			if *update {
				save(t, name, archive, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// findingsFile is the part of a case that holds the expected findings.
const findingsFile = "findings"

func files(archive *txtar.Archive) (fs.FS, string) {
	fsys, want := fstest.MapFS{}, ""
	for _, f := range archive.Files {
		if f.Name == findingsFile {
			want = string(f.Data)
			continue
		}
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys, want
}

func save(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	kept := archive.Files[:0:0]
	for _, f := range archive.Files {
		if f.Name != findingsFile {
			kept = append(kept, f)
		}
	}
	archive.Files = append(kept, txtar.File{Name: findingsFile, Data: []byte(got)})
	if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func describe(fsys fs.FS, found diag.List) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "%s: %s: %s [%s]", d.Range, d.Severity, d.Summary, d.Rule)
		if len(d.Environments) > 0 {
			fmt.Fprintf(&b, " in %s", strings.Join(d.Environments, ", "))
		}
		b.WriteByte('\n')
		if data, err := fs.ReadFile(fsys, d.Range.Path); err == nil {
			if line, caret, ok := diag.Snippet(data, d.Range, d.Sensitive); ok {
				fmt.Fprintf(&b, "  %s\n  %s\n", line, caret)
			}
		}
		if d.Detail != "" {
			fmt.Fprintf(&b, "  = %s\n", d.Detail)
		}
		for _, r := range d.Related {
			fmt.Fprintf(&b, "  > %s: %s\n", r.Range, r.Message)
		}
	}
	return b.String()
}

// TestRulesAreListed keeps Rules complete: every slug of a finding in the cases
// is in the table with its severity or a milder one, and every slug of the
// table has a case.
func TestRulesAreListed(t *testing.T) {
	t.Parallel()
	listed := map[string]diag.Severity{}
	for _, r := range Rules() {
		if _, twice := listed[r.Slug]; twice || r.Title == "" {
			t.Errorf("rule %s stands twice or has no title", r.Slug)
		}
		listed[r.Slug] = r.Severity
	}
	names, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{ruleLimit: true, ruleRead: true} // TestLimits
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fsys, _ := files(archive)
		_, found := Load(fsys, platformPath, "0.1.0")
		for _, d := range found {
			seen[d.Rule] = true
			if severity, ok := listed[d.Rule]; !ok || d.Severity > severity {
				t.Errorf("%s: rule %s (%s) is not listed so", name, d.Rule, d.Severity)
			}
		}
	}
	for slug := range listed {
		if !seen[slug] {
			t.Errorf("rule %s has no case in testdata/findings", slug)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, c := range map[string]struct {
		data                []byte
		mode                fs.FileMode
		rule, summary, line string
	}{
		"large":     {data: bytes.Repeat([]byte("# 0123456789\n"), 1<<20), rule: ruleLimit, summary: "larger than 10 MiB"},
		"bomb":      {data: []byte(bomb), rule: ruleLimit, summary: "more than 200000 values"},
		"deep":      {data: []byte(strings.Repeat("[", 500) + strings.Repeat("]", 500)), rule: ruleLimit, summary: "64 levels"},
		"deeper":    {data: []byte(strings.Repeat("[", 100_000)), rule: ruleSyntax, summary: "not YAML"},
		"binary":    {data: []byte("a: b\n\x00\x01"), rule: ruleSyntax, summary: "NUL byte", line: ":2:1"},
		"latin1":    {data: []byte("a: b\nname: caf\xe9\n"), rule: ruleSyntax, summary: "not UTF-8", line: ":2:10"},
		"mark":      {data: []byte("\xef\xbb\xbfa: b\n"), rule: ruleSyntax, summary: "byte order mark"},
		"utf16":     {data: []byte("\xff\xfea\x00"), rule: ruleSyntax, summary: "UTF-16"},
		"control":   {data: []byte("a: b\nc: \x07\n"), rule: ruleSyntax, summary: "not YAML", line: ":2:1"},
		"empty":     {data: nil, rule: ruleSyntax, summary: "no YAML document"},
		"dashes":    {data: []byte("---\n---\n"), rule: ruleSyntax, summary: "no YAML document"},
		"directory": {mode: fs.ModeDir, rule: ruleRead, summary: "directory"},
		"pipe":      {mode: fs.ModeNamedPipe, rule: ruleRead, summary: "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, found := Load(fstest.MapFS{platformPath: {Data: c.data, Mode: c.mode}}, platformPath, "0.1.0")
			if p != nil || len(found) != 1 {
				t.Fatalf("want no platform and one finding, got %v and %v", p, found)
			}
			d := found[0]
			if d.Rule != c.rule || !strings.Contains(d.Summary, c.summary) || !strings.HasSuffix(d.Range.String(), platformPath+c.line) && c.line != "" {
				t.Errorf("got %s: %s [%s]", d.Range, d.Summary, d.Rule)
			}
		})
	}
}
