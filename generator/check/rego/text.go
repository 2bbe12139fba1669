package rego

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// findingAt starts a diagnostic about a path that may go on inside a text: Argo
// keeps YAML in the strings of ConfigMaps, and data.persistence.postgresql.host
// is what a user calls such a place.
func findingAt(o *manifest.Object, rule string, severity diag.Severity, path manifest.Path, summary, detail string) diag.Diagnostic {
	outer, text, found := textOn(o, path)
	if !found {
		return o.Finding(rule, severity, path, summary, detail)
	}
	d := o.Finding(rule, severity, path[:outer], summary, detail)
	d.Field = path.String()
	d.Range = within(o, path[:outer], d.Range, lineIn(text, path[outer:]))
	return d
}

// textOn finds the string that a path goes on from: the path up to it is
// path[:n].
func textOn(o *manifest.Object, path manifest.Path) (n int, text string, found bool) {
	var value any = o.Fields
	for i, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step.Key]
		case []any:
			if step.Key != "" || step.Index < 0 || step.Index >= len(v) {
				return 0, "", false
			}
			value = v[step.Index]
		case string:
			return i, v, true
		default:
			return 0, "", false
		}
	}
	return 0, "", false
}

// lineIn is the line of a path within a text of several lines, counted from 1,
// or 0.
func lineIn(text string, path manifest.Path) int {
	if !strings.Contains(text, "\n") {
		return 0
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return 0
	}
	place, rest := manifest.Descend(&doc, nil, path)
	if len(rest) == len(path) {
		return 0
	}
	return place.Range("").Start.Line
}

// within moves a range into the block scalar that begins there. A value written
// in any other way has an end on its line, and keeps its place.
func within(o *manifest.Object, path manifest.Path, r diag.Range, line int) diag.Range {
	if line == 0 {
		return r
	}
	for _, layer := range slices.Backward(o.Layers) {
		if layer.Find == nil {
			continue
		}
		at, exact := layer.Find(path)
		if !exact {
			continue
		}
		if at.Path != r.Path || at.Start != r.Start || at.Start.Line == 0 || at.End.Line != 0 {
			return r
		}
		return diag.Range{Path: at.Path, Start: diag.Pos{Line: at.Start.Line + line}}
	}
	return r
}
