package spec

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"strake/generator/diag"
)

// maxTemplate is the largest template that can reach a cluster: etcd takes
// objects of at most 1.5 MiB.
const maxTemplate = 1 << 20

// templates reads the template files that pipelines name, and writes their
// path in the repository into the pipeline.
func (l *loader) templates(x *examiner) {
	e := x.e
	for i := range e.Tenants {
		t := &e.Tenants[i]
		for j := range t.Pipelines {
			p := &t.Pipelines[j]
			at := "tenants[" + t.Name + "].pipelines[" + p.Name + "].template"
			if p.Template == "" || !x.settled(at) {
				continue
			}
			p.Template = path.Join(path.Dir(l.path), p.Template)
			content := l.content(p.Template, e.At(at), at)
			known := slices.ContainsFunc(e.Templates, func(have Template) bool { return have.Path == p.Template })
			if content != nil && !known {
				e.Templates = append(e.Templates, Template{Path: p.Template, Content: *content})
			}
		}
	}
	slices.SortFunc(e.Templates, func(a, b Template) int { return strings.Compare(a.Path, b.Path) })
}

// content reads one template file, once.
func (l *loader) content(file string, at diag.Range, field string) *string {
	refuse := func(summary, detail string) *string {
		l.found = append(l.found, diag.Diagnostic{
			Rule: ruleTemplate, Severity: diag.Error, Summary: summary, Detail: detail, Range: at, Field: field,
		})
		return nil
	}
	content, seen := l.contents[file]
	if !seen {
		data, found := readFile(l.fsys, file)
		text := string(data)
		switch {
		case len(found) > 0:
			return refuse(fmt.Sprintf("template %s: %s", file, found[0].Summary), strings.TrimSpace("The path is relative to the Platform's file. "+found[0].Detail))
		case len(data) > maxTemplate:
			return refuse(fmt.Sprintf("template %s is larger than 1 MiB", file), "No cluster would store it.")
		case !utf8.Valid(data) || strings.ContainsRune(text, 0):
			return refuse(fmt.Sprintf("template %s is not UTF-8 text", file), "")
		}
		documents, found := parse(file, data)
		l.contents[file] = nil
		switch {
		case len(found) > 0:
			l.found = append(l.found, found...)
			return nil
		case len(documents) != 1:
			return refuse(fmt.Sprintf("template %s holds %d documents", file, len(documents)), "Write one WorkflowTemplate per file.")
		case documents[0].get("kind").string() != "WorkflowTemplate":
			return refuse(fmt.Sprintf("template %s is not a WorkflowTemplate", file), "Its kind must be WorkflowTemplate: a ClusterWorkflowTemplate or a Workflow cannot belong to one tenant.")
		}
		content = &text
		l.contents[file] = content
		l.files = append(l.files, file)
	}
	return content
}
