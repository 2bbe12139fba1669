package build

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// checkFields finds every key and type that kustomize would refuse in a
// kustomization file, where kustomize itself stops at the first and gives no
// line.
func checkFields(k *kustomization) diag.List {
	c := fieldChecker{k: k}
	c.check(k.root, reflect.TypeFor[types.Kustomization](), "")
	return c.findings
}

type fieldChecker struct {
	k        *kustomization
	findings diag.List
}

func (c *fieldChecker) wrong(n *yaml.Node, where, want string) {
	what := "this"
	if where != "" {
		what = where
	}
	d := c.k.finding(RuleFailed, n, fmt.Sprintf("%s must be %s", what, want), "")
	if d.Sensitive = strings.HasPrefix(where, "secretGenerator"); d.Sensitive {
		d.Summary = fmt.Sprintf("%s has the wrong type", what)
		d.Detail = "A literal is a string: put quotes around it."
	}
	c.findings = append(c.findings, d)
}

func (c *fieldChecker) check(n *yaml.Node, t reflect.Type, where string) {
	n = deref(n)
	if n == nil || (n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null") {
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.object(n, t, where)
	case reflect.Map:
		if n.Kind != yaml.MappingNode {
			c.wrong(n, where, "a map")
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			c.check(n.Content[i+1], t.Elem(), join(where, n.Content[i].Value))
		}
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			c.wrong(n, where, "a list")
			return
		}
		for i, item := range n.Content {
			c.check(item, t.Elem(), fmt.Sprintf("%s[%d]", where, i))
		}
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		c.scalar(n, t.Kind(), where)
	}
}

func (c *fieldChecker) scalar(n *yaml.Node, kind reflect.Kind, where string) {
	value, err := manifest.Value(n)
	if err != nil {
		c.wrong(n, where, "a plain value")
		return
	}
	switch v := value.(type) {
	case string:
		if kind == reflect.String {
			return
		}
	case bool:
		if kind == reflect.Bool {
			return
		}
	case int64:
		if kind == reflect.Int || kind == reflect.Int64 {
			return
		}
	case nil:
		return
	default:
		_ = v
	}
	switch {
	case kind == reflect.Bool:
		c.wrong(n, where, "true or false")
	case kind == reflect.String && n.Kind == yaml.ScalarNode:
		c.wrong(n, where, fmt.Sprintf("a string: put quotes around %s", n.Value))
	case kind == reflect.String:
		c.wrong(n, where, "a string")
	default:
		c.wrong(n, where, "a whole number")
	}
}

// object checks the keys of a map against the fields of a struct.
func (c *fieldChecker) object(n *yaml.Node, t reflect.Type, where string) {
	if n.Kind != yaml.MappingNode {
		c.wrong(n, where, "a map")
		return
	}
	known := make(map[string]reflect.Type)
	collect(t, known)
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			c.findings = append(c.findings, c.k.finding(RuleFailed, key, "a kustomization cannot be put together with merge keys here",
				"Write the fields out: what a build reaches must be plain to see before anything is read."))
			continue
		}
		if folded := strings.ToLower(key.Value); seen[folded] {
			c.findings = append(c.findings, c.k.finding(RuleFailed, key, fmt.Sprintf("%s stands here twice, in another case", join(where, key.Value)), "Keep one of the two."))
		} else {
			seen[folded] = true
		}
		if ft, ok := fieldType(known, key.Value); ok {
			c.check(n.Content[i+1], ft, join(where, key.Value))
			continue
		}
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		detail := "Kustomize knows " + diag.OneOf(names) + " here."
		if near := diag.DidYouMean(key.Value, names); near != "" {
			detail = fmt.Sprintf("Did you mean %s?", near)
		}
		c.findings = append(c.findings, c.k.finding(RuleField, key, fmt.Sprintf("kustomize has no field %s", join(where, key.Value)), detail))
	}
}

// collect lists the fields of a struct by their JSON names, those of embedded
// structs included.
func collect(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			collect(f.Type, into)
		case !f.IsExported() || name == "-":
		case name == "":
			into[f.Name] = f.Type
		default:
			into[name] = f.Type
		}
	}
}

func fieldType(known map[string]reflect.Type, name string) (reflect.Type, bool) {
	if t, ok := known[name]; ok {
		return t, true
	}
	for candidate, t := range known {
		if strings.EqualFold(candidate, name) {
			return t, true
		}
	}
	return nil, false
}

func join(where, key string) string {
	if where == "" {
		return key
	}
	return where + "." + key
}
