package argocd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// text is a value of a ConfigMap that Argo CD reads as YAML.
type text struct {
	o     *manifest.Object
	key   string
	node  *yaml.Node // nil for an empty one
	value any
}

// data are the strings of a ConfigMap.
func data(o *manifest.Object) map[string]string {
	out := map[string]string{}
	if o == nil {
		return out
	}
	m, _ := o.Fields["data"].(map[string]any)
	for key, value := range m {
		if s, ok := value.(string); ok {
			out[key] = s
		}
	}
	return out
}

// texts reads the values of a ConfigMap that a filter chooses, in the order of
// their keys. What is no YAML is a finding of the rule.
func (r *run) texts(o *manifest.Object, rule string, choose func(key string) bool) []text {
	values := data(o)
	var out []text
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !choose(key) {
			continue
		}
		t := text{o: o, key: key}
		var doc yaml.Node
		err := yaml.Unmarshal([]byte(values[key]), &doc)
		if err == nil && len(doc.Content) > 0 {
			t.node = doc.Content[0]
			t.value, err = manifest.Value(t.node)
		}
		if err != nil {
			d := find(o, rule, diag.Error, keys(nil, "data", key), fmt.Sprintf("the value of %s is not YAML: %s", key, strings.TrimPrefix(err.Error(), "yaml: ")), "Argo CD reads the text as YAML, and stops when it cannot.")
			d.Sensitive = true // what cannot be read may be anything
			r.add(d)
			continue
		}
		out = append(out, t)
	}
	return out
}

// finding reports a place within the text.
func (t text) finding(rule string, rest manifest.Path, summary, detail string) diag.Diagnostic {
	at := keys(nil, "data", t.key)
	d := find(t.o, rule, diag.Error, at, summary, detail)
	d.Field = append(slices.Clone(at), rest...).String()
	line := 0
	if t.node != nil && len(rest) > 0 {
		if place, missing := manifest.Descend(t.node, nil, rest); len(missing) < len(rest) {
			line = place.Range("").Start.Line
		}
	}
	d.Range = check.InText(t.o, at, d.Range, line)
	return d
}
