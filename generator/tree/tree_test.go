package tree

import (
	"bytes"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
)

func TestTreeIsAFileSystem(t *testing.T) {
	t.Parallel()
	files := New(
		File{Path: "overlays/dev/app/kustomization.yaml", Data: []byte("a: 1\n")},
		File{Path: "base/app/v1-12345678/x.yaml", Data: []byte("")},
		File{Path: "top.yaml", Data: []byte("top")},
	)
	files.Merge(New(File{Path: "overlays/dev/other.yaml", Data: []byte("b")}))
	if err := fstest.TestFS(files, "overlays/dev/app/kustomization.yaml", "overlays/dev/other.yaml", "base/app/v1-12345678/x.yaml", "top.yaml"); err != nil {
		t.Error(err)
	}
	if err := fstest.TestFS(New()); err != nil {
		t.Errorf("empty tree: %v", err)
	}
	under := fstest.MapFS{"overlays/dev/other.yaml": {Data: []byte("old")}, "tenants/a.yaml": {Data: []byte("a")}, "overlays/dev/left.yaml": {Data: []byte("l")}}
	over := Over(under, files)
	if err := fstest.TestFS(over, "tenants/a.yaml", "overlays/dev/left.yaml", "overlays/dev/other.yaml", "overlays/dev/app/kustomization.yaml", "top.yaml"); err != nil {
		t.Errorf("layered: %v", err)
	}
	if data, err := fs.ReadFile(over, "overlays/dev/other.yaml"); err != nil || string(data) != "b" {
		t.Errorf("layered read = %q, %v", data, err)
	}
}

func TestReadFileGivesACopy(t *testing.T) {
	t.Parallel()
	files := New(File{Path: "a", Data: []byte("abc")})
	data, err := fs.ReadFile(files, "a")
	if err != nil {
		t.Fatal(err)
	}
	data[0] = 'X'
	if f, _ := files.Get("a"); string(f.Data) != "abc" {
		t.Error("a reader changed the tree")
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	header := Header("environments/platform.yaml")
	if bytes.Contains([]byte(header), []byte("\n")) {
		t.Fatalf("header has a line end: %q", header)
	}
	for name, tt := range map[string]struct {
		data string
		want bool
	}{
		"ours":                 {header + "\na: 1\n", true},
		"another source":       {Header("x/tenants/forecasting.yaml") + "\n", true},
		"CRLF":                 {header + "\r\na: 1\r\n", true},
		"byte order mark":      {"\ufeff" + header + "\n", true},
		"conflict on line 1":   {"<<<<<<< HEAD\n" + header + "\n=======\n" + header + "\n>>>>>>> x\n", true},
		"header on line 2":     {"a: 1\n" + header + "\n", false},
		"no header":            {"a: 1\n", false},
		"another tool's":       {"# Rendered by Helm from values.yaml.\n", false},
		"empty":                {"", false},
		"only a marker":        {"<<<<<<<", false},
		"more than a marker":   {"<<<<<<<<\n" + header, false},
		"the word in a string": {"note: \"" + header + "\"\n", false},
	} {
		if got := Owned([]byte(tt.data)); got != tt.want {
			t.Errorf("%s: Owned = %v, want %v", name, got, tt.want)
		}
	}
}

func TestConflicted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data string
		want bool
	}{
		"git's":              {"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> branch\n", true},
		"with base":          {"<<<<<<< ours\r\nb\r\n||||||| base\r\nx\r\n=======\r\nc\r\n>>>>>>> theirs\r\n", true},
		"never closed":       {"<<<<<<< HEAD\n", false},
		"closed first":       {">>>>>>> x\n<<<<<<< y\n", false},
		"indented in a text": {"  <<<<<<< HEAD\n  >>>>>>> x\n", false},
		"a heading":          {"=======\n", false},
	} {
		if got := Conflicted([]byte(tt.data)); got != tt.want {
			t.Errorf("%s: Conflicted = %v, want %v", name, got, tt.want)
		}
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	spec := diag.Range{Path: "environments/platform.yaml", Start: diag.Pos{Line: 7, Column: 5}}
	rendered := New(
		File{Path: "overlays/dev/a.yaml", Origins: []Origin{{Line: 3, From: spec}, {Line: 9}}},
		File{Path: "overlays/dev/b.yaml"},
	)
	at := func(path string, line int) diag.Range {
		return diag.Range{Path: path, Start: diag.Pos{Line: line, Column: 2}}
	}
	other := diag.Related{Range: at("overlays/dev/a.yaml", 4), Message: "other"}
	in := diag.List{
		{Rule: "moves", Range: at("overlays/dev/a.yaml", 5), Related: []diag.Related{other}},
		{Rule: "header line", Range: at("overlays/dev/a.yaml", 1)},
		{Rule: "origin not known", Range: at("overlays/dev/a.yaml", 10)},
		{Rule: "no origins", Range: at("overlays/dev/b.yaml", 5)},
		{Rule: "the user's file", Range: at("overlays/dev/custom/c.yaml", 5)},
	}
	want := append(diag.List{{Rule: "moves", Range: spec, Related: []diag.Related{other, {Range: at("overlays/dev/a.yaml", 5), Message: "rendered here"}}}}, in[1:]...)
	before := append(diag.List{}, in...)
	if d := cmp.Diff(want, rendered.Trace(in)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(before, in); d != "" {
		t.Errorf("input changed: %s", d)
	}
}

func TestAttributesBlock(t *testing.T) {
	t.Parallel()
	patterns := []string{"/base/**", "!/base/*/custom/**"}
	block := attributesBegin + "\n/base/** eol=lf linguist-generated\n/base/*/custom/** -linguist-generated\n" + attributesEnd + "\n"
	old := attributesBegin + "\n/old/** eol=lf\n" + attributesEnd + "\n"
	for name, tt := range map[string]struct{ in, want string }{
		"no file":             {"", block},
		"the user's lines":    {"*.png binary\n", "*.png binary\n" + block},
		"no last line end":    {"*.png binary", "*.png binary\n" + block},
		"block in place":      {"a\n" + old + "b\n", "a\n" + block + "b\n"},
		"two blocks":          {old + "b\n" + old, block + "b\n"},
		"never closed":        {attributesBegin + "\n*.png binary\n", "*.png binary\n" + block},
		"never opened":        {"a\n" + attributesEnd + "\nb\n", "a\nb\n" + block},
		"opened twice":        {attributesBegin + "\nmine\n" + old, "mine\n" + block},
		"the user's CRLF":     {"a\r\n", "a\r\n" + string(bytes.ReplaceAll([]byte(block), []byte("\n"), []byte("\r\n")))},
		"up to date as it is": {"a\n" + block, "a\n" + block},
	} {
		got := AttributesBlock([]byte(tt.in), patterns)
		if d := cmp.Diff(tt.want, string(got)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if again := AttributesBlock(got, patterns); !bytes.Equal(again, got) {
			t.Errorf("%s: a second run changes it again: %q", name, again)
		}
	}
}

func FuzzAttributesBlock(f *testing.F) {
	f.Add([]byte("a\n" + attributesBegin + "\nx\n" + attributesEnd + "\nb"))
	f.Add([]byte(attributesEnd + "\r\n" + attributesBegin))
	f.Fuzz(func(t *testing.T, existing []byte) {
		once := AttributesBlock(existing, Patterns())
		if twice := AttributesBlock(once, Patterns()); !bytes.Equal(once, twice) {
			t.Errorf("not settled after one run: %q then %q", once, twice)
		}
		if !bytes.Contains(once, []byte(attributesEnd)) {
			t.Errorf("no block in %q", once)
		}
	})
}
