package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/spec"
)

// Rules of a user's own template.
const (
	ruleTemplateSyntax = "template-syntax"
	ruleTemplateKind   = "template-kind"
)

// The limits on a user's template. An object of more than about a megabyte
// cannot be stored in a cluster anyway.
const (
	maxTemplateBytes = 1 << 20
	maxTemplateNodes = 50_000 // with every alias written out
	maxTemplateDepth = 64
)

// Templates judges the templates that pipelines bring themselves. One with an
// error is left out by Environment, so callers must stop at what this returns.
func Templates(e *spec.Effective) diag.List {
	var found diag.List
	for i := range e.Tenants {
		t := &e.Tenants[i]
		for j := range t.Pipelines {
			p := &t.Pipelines[j]
			if p.Template == "" {
				continue
			}
			content, ok := templateText(e, p.Template)
			if !ok {
				found = append(found, diag.Diagnostic{
					Rule: ruleTemplateSyntax, Severity: diag.Error,
					Summary: fmt.Sprintf("template %s was not read", p.Template),
					Detail:  "Name a file of the repository that holds one WorkflowTemplate.",
					Range:   e.At(pipelinePath(t, p) + ".template"),
					Field:   pipelinePath(t, p) + ".template",
				})
				continue
			}
			_, own := readTemplate(p.Template, content)
			found = append(found, own...)
		}
	}
	return found.Sorted()
}

func templateText(e *spec.Effective, path string) (string, bool) {
	i := slices.IndexFunc(e.Templates, func(t spec.Template) bool { return t.Path == path })
	if i < 0 {
		return "", false
	}
	return e.Templates[i].Content, true
}

// readTemplate reads one WorkflowTemplate, each value of which carries its
// place in the file. Comments are left behind. The findings are errors: with
// any, the object is not to be used.
func readTemplate(path, content string) (m, diag.List) {
	refuse := func(rule string, place diag.Pos, summary, detail string) (m, diag.List) {
		return nil, diag.List{{
			Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail,
			Range: diag.Range{Path: path, Start: place},
		}}
	}
	if len(content) > maxTemplateBytes {
		return refuse(ruleTemplateSyntax, diag.Pos{}, "template is larger than 1 MiB", "A cluster cannot store an object of that size.")
	}
	documents, err := decodeDocuments(content)
	if err != nil {
		line, text := syntaxError(err)
		return refuse(ruleTemplateSyntax, line, "template is not YAML: "+text, "")
	}
	if len(documents) == 0 {
		return refuse(ruleTemplateKind, diag.Pos{}, "template holds no object", "Write one WorkflowTemplate into it.")
	}
	if len(documents) > 1 {
		return refuse(ruleTemplateKind, pos(documents[1]), fmt.Sprintf("template holds %d documents", len(documents)),
			"A pipeline takes one WorkflowTemplate: give each a file and a pipeline of its own.")
	}
	r := &templateReader{path: path}
	doc, _ := unwrap(r.value(documents[0], 0)).(m)
	if len(r.found) > 0 {
		return nil, r.found
	}
	r.judge(documents[0], doc)
	if len(r.found) > 0 {
		return nil, r.found
	}
	return doc, nil
}

// decodeDocuments splits a text into the roots of its documents, without the
// empty ones. A panic of the library on hostile text becomes an error.
func decodeDocuments(content string) (roots []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(content)))
	for {
		var n yaml.Node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return roots, nil
		case err != nil:
			return nil, err
		}
		if len(n.Content) == 1 && n.Content[0].ShortTag() != "!!null" {
			roots = append(roots, n.Content[0])
		}
	}
}

var yamlErrorLine = regexp.MustCompile(`^line ([0-9]+): `)

// syntaxError splits the library's message into its line and what it says.
func syntaxError(err error) (diag.Pos, string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	match := yamlErrorLine.FindStringSubmatch(text)
	if match == nil {
		return diag.Pos{}, text
	}
	line, err := strconv.Atoi(match[1])
	if err != nil {
		return diag.Pos{}, text
	}
	return diag.Pos{Line: line}, text[len(match[0]):]
}

func pos(n *yaml.Node) diag.Pos { return diag.Pos{Line: n.Line, Column: n.Column} }

// templateReader turns nodes into the renderer's literals.
type templateReader struct {
	path  string
	nodes int
	open  []*yaml.Node // aliases that are being written out
	found diag.List
}

// report is about the text of the template, and refuse about what it holds.
func (r *templateReader) report(n *yaml.Node, summary, detail string) {
	r.found = append(r.found, diag.Diagnostic{
		Rule: ruleTemplateSyntax, Severity: diag.Error, Summary: summary, Detail: detail,
		Range: diag.Range{Path: r.path, Start: pos(n)},
	})
}

func (r *templateReader) value(n *yaml.Node, depth int) any {
	r.nodes++
	switch {
	case r.nodes == maxTemplateNodes+1:
		r.report(n, "template is too large with its aliases written out", "Write it with fewer aliases.")
		return nil
	case r.nodes > maxTemplateNodes:
		return nil
	case depth > maxTemplateDepth:
		r.report(n, fmt.Sprintf("template is nested more than %d deep", maxTemplateDepth), "")
		return nil
	}
	place := diag.Range{Path: r.path, Start: pos(n)}
	switch n.Kind {
	case yaml.MappingNode:
		return placed(place, r.mapping(n, depth))
	case yaml.SequenceNode:
		out := make(list, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, r.value(item, depth+1))
		}
		return placed(place, out)
	case yaml.AliasNode:
		if slices.Contains(r.open, n.Alias) {
			r.report(n, fmt.Sprintf("anchor %q contains itself", n.Value), "")
			return nil
		}
		r.open = append(r.open, n.Alias)
		defer func() { r.open = r.open[:len(r.open)-1] }()
		return r.value(n.Alias, depth+1)
	default:
		return placed(place, written(n))
	}
}

// written keeps the text of numbers and truth values as they were written. null
// is nothing, as it is to Kubernetes.
func written(n *yaml.Node) any {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil
	case "!!int", "!!float", "!!bool":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: n.Value}
	default:
		return n.Value
	}
}

// mapping keeps the order of keys. What << merges in comes after a mapping's
// own keys, which win over it.
func (r *templateReader) mapping(n *yaml.Node, depth int) m {
	out := make(m, 0, len(n.Content)/2)
	lines := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.report(key, "key is not a text", "")
			continue
		case key.ShortTag() == "!!merge":
			merges = append(merges, value)
			continue
		}
		if line, twice := lines[key.Value]; twice {
			r.report(key, fmt.Sprintf("key %q is written twice", key.Value),
				fmt.Sprintf("It stands in line %d already: keep one of them.", line))
			continue
		}
		lines[key.Value] = key.Line
		out = append(out, kv{key.Value, r.value(value, depth+1)})
	}
	for _, merge := range merges {
		for _, f := range r.merged(merge, depth) {
			if _, own := lines[f.k]; !own {
				lines[f.k] = merge.Line
				out = append(out, f)
			}
		}
	}
	return out
}

// merged is what a << brings: a mapping, or a list of mappings of which the
// first wins.
func (r *templateReader) merged(n *yaml.Node, depth int) m {
	switch v := unwrap(r.value(n, depth+1)).(type) {
	case m:
		return v
	case list:
		var out m
		for _, item := range v {
			fields, ok := unwrap(item).(m)
			if !ok {
				r.report(n, "<< merges something that is not a mapping", "")
			}
			out = append(out, fields...)
		}
		return out
	case nil:
		return nil // reported already, or null
	default:
		r.report(n, "<< merges something that is not a mapping", "")
		return nil
	}
}

// judge holds the object to be a WorkflowTemplate whose parts have the shape
// that identity, placement and security can be laid over.
func (r *templateReader) judge(n *yaml.Node, doc m) {
	root := diag.Range{Path: r.path, Start: pos(n)}
	refuse := func(key, summary, detail string) {
		place := root
		if v, ok := doc.raw(key).(sourced); ok {
			place = v.place
		}
		r.refuse(place, summary, detail)
	}
	kind, api := text(doc, "kind"), text(doc, "apiVersion")
	switch {
	case doc == nil:
		refuse("", "template is not an object", "Write one WorkflowTemplate into it.")
	case kind == "Workflow" || kind == "CronWorkflow" || kind == "ClusterWorkflowTemplate":
		refuse("kind", fmt.Sprintf("template is a %s, not a WorkflowTemplate", kind),
			"Write kind: WorkflowTemplate. Its name and namespace come from the spec, and so does the schedule.")
	case kind != "WorkflowTemplate" || api != argoAPI:
		refuse("kind", fmt.Sprintf("template is %q of %q, not a WorkflowTemplate", kind, api),
			"Write apiVersion: "+argoAPI+" and kind: WorkflowTemplate.")
	case asMap(doc.get("spec")) == nil:
		refuse("spec", "spec is not a mapping", "Write the workflow's entrypoint and templates there.")
	default:
		metadata := &shape{fields: map[string]*shape{"labels": {}, "annotations": {}}}
		r.judgeShape(root, doc, &shape{fields: map[string]*shape{"metadata": metadata, "spec": workflowShape()}})
	}
}

func (r *templateReader) refuse(place diag.Range, summary, detail string) {
	r.found = append(r.found, diag.Diagnostic{
		Rule: ruleTemplateKind, Severity: diag.Error, Summary: summary, Detail: detail, Range: place,
	})
}

// shape says which parts of a template must be mappings or lists, so that what
// is laid over them finds them.
type shape struct {
	list   bool
	fields map[string]*shape
	item   *shape
}

func (r *templateReader) judgeShape(place diag.Range, v any, s *shape) {
	if own, ok := v.(sourced); ok {
		place = own.place
	}
	switch x := unwrap(v).(type) {
	case nil:
	case m:
		if s.list {
			r.refuse(place, "a list is expected here", "")
			return
		}
		for _, f := range x {
			if inner := s.fields[f.k]; inner != nil {
				r.judgeShape(place, f.v, inner)
			}
		}
	case list:
		if !s.list {
			r.refuse(place, "a mapping is expected here", "")
			return
		}
		for _, item := range x {
			r.judgeShape(place, item, s.item)
		}
	default:
		want := "a mapping"
		if s.list {
			want = "a list"
		}
		r.refuse(place, want+" is expected here", "")
	}
}

// workflowShape is the part of WorkflowSpec that is laid over.
func workflowShape() *shape {
	mapping := &shape{}
	lists := func(item *shape) *shape { return &shape{list: true, item: item} }
	security := &shape{fields: map[string]*shape{"seccompProfile": mapping, "capabilities": mapping}}
	container := &shape{fields: map[string]*shape{"securityContext": security, "env": lists(mapping), "envFrom": lists(mapping)}}
	template := &shape{}
	call := &shape{fields: map[string]*shape{"inline": template}}
	template.fields = map[string]*shape{
		"nodeSelector":    mapping,
		"affinity":        {fields: map[string]*shape{"nodeAffinity": mapping}},
		"tolerations":     lists(mapping),
		"securityContext": security,
		"executor":        mapping,
		"container":       container,
		"script":          container,
		"containerSet":    {fields: map[string]*shape{"containers": lists(container)}},
		"initContainers":  lists(container),
		"sidecars":        lists(container),
		"dag":             {fields: map[string]*shape{"tasks": lists(call)}},
		"steps":           lists(lists(call)),
	}
	metadata := &shape{fields: map[string]*shape{"labels": mapping, "annotations": mapping}}
	return &shape{fields: map[string]*shape{
		"nodeSelector":     mapping,
		"affinity":         template.fields["affinity"],
		"tolerations":      lists(mapping),
		"securityContext":  security,
		"executor":         mapping,
		"podMetadata":      metadata,
		"hooks":            mapping,
		"workflowMetadata": metadata,
		"templateDefaults": template,
		"templates":        lists(template),
	}}
}

// unwrap takes a value out of its source.
func unwrap(v any) any {
	if s, ok := v.(sourced); ok {
		return unwrap(s.v)
	}
	return v
}

// text is the text of a key, or "" where it is none.
func text(x m, key string) string {
	s, _ := unwrap(x.get(key)).(string)
	return s
}
