package rego

import (
	"encoding/json"
	"fmt"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// target is what findings point into.
type target struct {
	objects []*manifest.Object
}

// findings turns the values of a rule below strake.rules into findings.
func (t *target) findings(r result) diag.List {
	var out diag.List
	for _, v := range r.values {
		d, err := t.finding(r.rule, v)
		if err != nil {
			d = errorFinding(r.rule, err)
		}
		out = append(out, d)
	}
	return out
}

// finding reads one value: object, path and summary are required.
func (t *target) finding(rule RuleInfo, v any) (diag.Diagnostic, error) {
	fields, ok := v.(map[string]any)
	if !ok {
		return diag.Diagnostic{}, fmt.Errorf("a finding is an object with object, path and summary, not %T", v)
	}
	object, path, err := t.place(fields)
	if err != nil {
		return diag.Diagnostic{}, err
	}
	summary, _ := fields["summary"].(string)
	if summary == "" {
		return diag.Diagnostic{}, fmt.Errorf("a finding has no summary")
	}
	detail, _ := fields["detail"].(string)
	severity, err := severityOf(fields, rule.Severity)
	if err != nil {
		return diag.Diagnostic{}, err
	}
	d := findingAt(object, rule.Slug, severity, path, summary, detail)
	d.Sensitive, _ = fields["sensitive"].(bool)
	related, err := t.related(fields["related"])
	if err != nil {
		return diag.Diagnostic{}, err
	}
	d.Related = append(related, d.Related...)
	return d, nil
}

// related reads the other places that a finding names: a list of objects with
// object, path and message.
func (t *target) related(v any) ([]diag.Related, error) {
	items, _ := v.([]any)
	var out []diag.Related
	for _, item := range items {
		fields, _ := item.(map[string]any)
		object, path, err := t.place(fields)
		if err != nil {
			return nil, fmt.Errorf("related: %w", err)
		}
		message, _ := fields["message"].(string)
		if message == "" {
			message = object.ID()
		}
		at, _ := object.Locate(path)
		out = append(out, diag.Related{Range: at, Message: message})
	}
	return out, nil
}

// place reads the object and the path of a finding.
func (t *target) place(fields map[string]any) (*manifest.Object, manifest.Path, error) {
	index, ok := integer(fields["object"])
	if !ok || index < 0 || index >= len(t.objects) {
		return nil, nil, fmt.Errorf("object is the index of one of the %d objects of input.objects, not %v", len(t.objects), fields["object"])
	}
	object := t.objects[index]
	steps, err := stepsOf(fields["path"])
	if err != nil {
		return nil, nil, err
	}
	return object, object.At(steps...), nil
}

// stepsOf reads a path: an array of keys and indices.
func stepsOf(v any) ([]any, error) {
	items, ok := v.([]any)
	if !ok && v != nil {
		return nil, fmt.Errorf("path is an array of keys and indices, not %T", v)
	}
	steps := make([]any, 0, len(items))
	for _, item := range items {
		if key, is := item.(string); is {
			steps = append(steps, key)
			continue
		}
		index, is := integer(item)
		if !is || index < 0 {
			return nil, fmt.Errorf("a step of a path is a key or an index, not %v", item)
		}
		steps = append(steps, index)
	}
	return steps, nil
}

// severityOf reads a finding's own severity, or returns the rule's.
func severityOf(fields map[string]any, otherwise diag.Severity) (diag.Severity, error) {
	v, given := fields["severity"]
	if !given {
		return otherwise, nil
	}
	return diag.ParseSeverity(fmt.Sprint(v))
}

// messages turns the values of a conftest-style rule into findings about one
// object. A value is a message, or an object with msg and, beyond conftest,
// path, detail, severity and sensitive.
func (t *target) messages(r result, index int) diag.List {
	object := t.objects[index]
	var out diag.List
	for _, v := range r.values {
		if text, ok := v.(string); ok {
			v = map[string]any{"msg": text}
		}
		fields, ok := v.(map[string]any)
		message, _ := fields["msg"].(string)
		if !ok || message == "" {
			out = append(out, errorFinding(r.rule, fmt.Errorf("the answer is a message, or an object with msg, not %T", v)))
			continue
		}
		severity, err := severityOf(fields, r.rule.Severity)
		if err != nil {
			out = append(out, errorFinding(r.rule, err))
			continue
		}
		steps, err := stepsOf(fields["path"])
		if err != nil { // conftest gives path no meaning: it may be anything
			steps = nil
		}
		detail, _ := fields["detail"].(string)
		d := findingAt(object, r.rule.Slug, severity, object.At(steps...), oneLine(message), detail)
		d.Sensitive, _ = fields["sensitive"].(bool)
		out = append(out, d)
	}
	return out
}

// integer reads a number as OPA returns it.
func integer(v any) (int, bool) {
	switch n := v.(type) {
	case json.Number:
		i, err := n.Int64()
		return int(i), err == nil
	case int:
		return n, true
	default:
		return 0, false
	}
}
