package terraform

import "strake/generator/diag"

// parseJSON reads a file in HCL's JSON syntax.
func (r *reader) parseJSON(src *source) *body {
	r.coverage.Unread++
	r.find(diag.Diagnostic{
		Rule: "terraform-unread", Severity: diag.Warning, Range: diag.Range{Path: src.path},
		Summary: "the JSON form of Terraform is not read", Detail: "Nothing in this file was checked.",
	})
	return &body{attrs: map[string]*attr{}}
}
