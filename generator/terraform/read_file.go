package terraform

import (
	"encoding/base64"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// fileFunction reads a file of the repository, as Terraform would from the
// directory of the root.
func (r *reader) fileFunction(s *scope, name string, args []cty.Value) (cty.Value, error) {
	want := 1
	if name == "templatefile" {
		want = 2
	}
	if len(args) != want {
		return cty.DynamicVal, failf("%s() takes %d arguments", name, want)
	}
	bare, marks := args[0].Unmark()
	if !bare.IsKnown() {
		return cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...), nil
	}
	bare, err := convert.Convert(bare, cty.String)
	if err != nil || bare.IsNull() {
		return cty.DynamicVal, failf("%s() takes a path", name)
	}
	file := path.Join(r.dir, bare.AsString())
	if path.IsAbs(bare.AsString()) || file == ".." || strings.HasPrefix(file, "../") || strings.HasPrefix(bare.AsString(), "~") {
		return unknown("%s(%q) is outside of the repository", name, bare.AsString()), nil
	}
	src, ok := r.sources[file]
	if !ok {
		src, err = readFile(r.fsys, file)
		if name == "fileexists" {
			if err != nil {
				return cty.False, nil
			}
			return cty.True, nil
		}
		if err != nil {
			return cty.DynamicVal, failf("%q cannot be read", file)
		}
		r.sources[file] = src
	}
	switch {
	case src == nil:
		return unknown("%q cannot be read", file), nil
	case name == "fileexists":
		return cty.True, nil
	case len(src.data) > maxValue:
		return cty.DynamicVal, failf("%q is larger than %d KiB", file, maxValue>>10)
	case name == "filebase64":
		return cty.StringVal(base64.StdEncoding.EncodeToString(src.data)), nil
	case name == "file":
		return cty.StringVal(string(src.data)), nil
	case name != "templatefile": // filesha256 is the sha256 of the file
		return r.apply(r.functions.pure[strings.TrimPrefix(name, "file")], []cty.Value{cty.StringVal(string(src.data))})
	}
	return r.templateFile(s, src, args[1])
}

// templateFile evaluates a file as a template that sees only what is handed to
// it.
func (r *reader) templateFile(s *scope, src *source, vars cty.Value) (cty.Value, error) {
	if _, reason := templateTooDeep(src); reason != "" {
		return cty.DynamicVal, failf("%s", reason)
	}
	e, found := hclsyntax.ParseTemplate(src.data, src.path, hcl.InitialPos)
	if found.HasErrors() {
		return cty.DynamicVal, failf("%q is no template", src.path)
	}
	items, doubt, err := r.members(value(vars), false)
	if err != nil || doubt != cty.NilVal {
		return doubt, err
	}
	names := map[string]operand{}
	for _, item := range items {
		if item.key.Type() == cty.String {
			names[item.key.AsString()] = item.operand
		}
	}
	for _, t := range hclsyntax.Variables(e) {
		if _, ok := names[t.RootName()]; !ok {
			return cty.DynamicVal, failf("%q uses %s, which it is not given", src.path, t.RootName())
		}
	}
	return r.part(&scope{module: s.module, names: names, strict: s.strict}, e)
}

func templateTooDeep(src *source) (hcl.Range, string) {
	tokens, _ := hclsyntax.LexTemplate(src.data, src.path, hcl.InitialPos)
	return nesting(tokens)
}

// templateString evaluates a text as a template that sees only what is handed to
// it.
func (r *reader) templateString(s *scope, e *hclsyntax.FunctionCallExpr, args []cty.Value) (cty.Value, error) {
	if len(args) != 2 {
		return cty.DynamicVal, failf("templatestring() takes 2 arguments")
	}
	bare, marks := args[0].Unmark()
	if !bare.IsKnown() {
		return cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...), nil
	}
	text, err := convert.Convert(bare, cty.String)
	if err != nil || text.IsNull() {
		return cty.DynamicVal, failf("templatestring() takes a text")
	}
	v, err := r.templateFile(s, &source{path: e.Range().Filename, data: []byte(text.AsString())}, args[1])
	return hand(v, marks), err
}

// maxFileset bounds the files that one fileset() looks at.
const maxFileset = 10_000

// fileset lists the files of the repository below a directory that match a
// pattern.
func (r *reader) fileset(args []cty.Value) (cty.Value, error) {
	if len(args) != 2 {
		return cty.DynamicVal, failf("fileset() takes 2 arguments")
	}
	var texts []string
	for _, a := range args {
		bare, marks := a.Unmark()
		if !bare.IsKnown() {
			return cty.DynamicVal.WithMarks(without([]cty.ValueMarks{marks})...), nil
		}
		text, err := convert.Convert(bare, cty.String)
		if err != nil || text.IsNull() {
			return cty.DynamicVal, failf("fileset() takes a directory and a pattern")
		}
		texts = append(texts, text.AsString())
	}
	dir := path.Join(r.dir, texts[0])
	if path.IsAbs(texts[0]) || strings.HasPrefix(texts[0], "~") || dir == ".." || strings.HasPrefix(dir, "../") || strings.ContainsAny(texts[1], "{}") {
		return unknown("fileset(%q, %q) cannot be listed in the repository", texts[0], texts[1]), nil
	}
	if info, err := fs.Stat(r.fsys, dir); err != nil || !info.IsDir() {
		return cty.SetValEmpty(cty.String), nil
	}
	pattern, seen := strings.Split(path.Clean(texts[1]), "/"), 0
	var found []cty.Value
	err := fs.WalkDir(r.fsys, dir, func(name string, d fs.DirEntry, err error) error {
		seen++
		if err != nil || seen > maxFileset {
			return failf("fileset() cannot list %q", dir)
		}
		if d.IsDir() {
			return nil
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		if dir == "." {
			rel = name
		}
		if matches(pattern, strings.Split(rel, "/")) {
			found = append(found, cty.StringVal(rel))
		}
		return nil
	})
	switch {
	case err != nil:
		return cty.DynamicVal, err
	case len(found) == 0:
		return cty.SetValEmpty(cty.String), nil
	}
	return cty.SetVal(found), nil
}

// matches compares a path with a pattern, part by part; ** is any number of
// directories.
func matches(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		pattern = slices.CompactFunc(slices.Clone(pattern), func(a, b string) bool { return a == "**" && b == "**" })
		for i := range len(name) + 1 {
			if matches(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	}
	if len(name) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return err == nil && ok && matches(pattern[1:], name[1:])
}
