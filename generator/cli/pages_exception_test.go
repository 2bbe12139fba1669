package cli

import (
	"testing"

	"strake/docs"
	"strake/generator/diag"
	"strake/generator/exception"
)

// accepted: a file of exceptions, a file with comments or a baseline is laid over
// one warning that a Deployment of dev has.
func (x example) accepted(t *testing.T) diag.List {
	t.Helper()
	findings := diag.List{{
		Rule: "image-unpinned", Severity: diag.Warning, Summary: "the image has no digest", Environments: []string{"dev"},
		Range: diag.Range{Path: "overlays/dev/api/deployment.yaml", Start: diag.Pos{Line: 11, Column: 18}}, Object: "apps/Deployment api/api",
	}}
	if x.tag == "baseline" {
		b, err := exception.ReadBaseline([]byte(x.text))
		if err != nil {
			t.Fatal(err)
		}
		rest, _, _ := b.Apply(findings, "baseline.json", true)
		return rest
	}
	var all []exception.Exception
	var found diag.List
	for name, file := range x.files(exception.FileName) {
		read := exception.Comments
		if name == exception.FileName {
			read = exception.Parse
		}
		entries, wrong := read(name, file.Data)
		all, found = append(all, entries...), append(found, wrong...)
	}
	rest, _ := exception.Apply(findings, all, exception.Options{Today: "2026-11-21", Fixed: fixed, Known: docs.Slugs(), Complete: true})
	return append(found, rest...)
}
