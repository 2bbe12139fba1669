package exception

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
)

// FileName is the file of exceptions, at the top of the repository.
const FileName = "strake-exceptions.yaml"

// fields are the keys of one entry.
func fields() []string {
	return []string{"rule", "path", "object", "environments", "reason", "owner", "until"}
}

// Parse reads a file of exceptions:
//
//	apiVersion: strake/v1alpha1
//	kind: Exceptions
//	exceptions:
//	  - rule: image-unpinned
//	    path: overlays/dev/**
//	    reason: dev follows the branch's own image
//	    owner: mlops
//	    until: 2026-12-31
//
// An entry with a mistake is left out, with a finding: it holds nothing back.
func Parse(path string, data []byte) ([]Exception, diag.List) {
	p := &parser{path: path}
	var document yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		p.say(nil, "the file is empty", "Remove it, or write apiVersion, kind: Exceptions and exceptions.")
		return nil, p.found
	case err != nil:
		p.say(nil, "this is not YAML", "The reader says: "+strings.TrimPrefix(err.Error(), "yaml: ")+".")
		return nil, p.found
	}
	root := document.Content[0]
	p.known(root, []string{"apiVersion", "kind", "exceptions"})
	for key, want := range map[string]string{"apiVersion": "strake/v1alpha1", "kind": "Exceptions"} {
		if v := value(root, key); v == nil || v.Value != want {
			p.say(root, key+" is not "+want, "Write "+key+": "+want+".")
		}
	}
	list := value(root, "exceptions")
	if list == nil || list.Kind != yaml.SequenceNode {
		p.say(root, "exceptions is no list", "Write one item for each exception.")
		return nil, p.found.Sorted()
	}
	var out []Exception
	for _, item := range list.Content {
		if e, ok := p.entry(item); ok {
			out = append(out, e)
		}
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		p.say(root, "the file holds more than one document", "Write all exceptions into one list.")
	}
	return out, p.found.Sorted()
}

type parser struct {
	path  string
	found diag.List
}

func (p *parser) say(n *yaml.Node, summary, detail string) {
	p.found = append(p.found, diag.Diagnostic{Rule: ruleSyntax, Severity: diag.Error, Range: p.at(n), Summary: summary, Detail: detail})
}

func (p *parser) at(n *yaml.Node) diag.Range {
	if n == nil {
		return diag.Range{Path: p.path}
	}
	return diag.Range{
		Path: p.path, Start: diag.Pos{Line: n.Line, Column: n.Column},
		End: diag.Pos{Line: n.Line, Column: n.Column + len([]rune(n.Value))},
	}
}

// known reports keys that nothing reads and keys that stand twice.
func (p *parser) known(n *yaml.Node, keys []string) {
	if n.Kind != yaml.MappingNode {
		p.say(n, "this is no map", "Write "+strings.Join(keys, ", ")+".")
		return
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case seen[key.Value]:
			p.say(key, fmt.Sprintf("key %q is written twice", key.Value), "Keep one of them.")
		case !slices.Contains(keys, key.Value):
			detail := "Accepted here: " + strings.Join(keys, ", ") + "."
			if guess := diag.DidYouMean(key.Value, keys); guess != "" {
				detail = "Did you mean " + guess + "? " + detail
			}
			p.say(key, fmt.Sprintf("unknown key %q", key.Value), detail)
		}
		seen[key.Value] = true
	}
}

func value(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// entry reads one exception.
func (p *parser) entry(n *yaml.Node) (Exception, bool) {
	before := len(p.found)
	p.known(n, fields())
	e := Exception{Range: p.at(n)}
	if v := value(n, "rule"); v != nil {
		e.Range = p.at(v)
	}
	for _, f := range []struct {
		key      string
		into     *string
		required bool
	}{
		{"rule", &e.Rule, true},
		{"path", &e.Path, false},
		{"object", &e.Object, false},
		{"reason", &e.Reason, true},
		{"owner", &e.Owner, true},
		{"until", &e.Until, true},
	} {
		v := value(n, f.key)
		switch {
		case v == nil && f.required, v != nil && f.required && strings.TrimSpace(v.Value) == "":
			p.say(n, "an exception has no "+f.key, "Write rule, reason, owner and until, and the path or the object that is meant.")
		case v == nil:
		case v.Kind != yaml.ScalarNode:
			p.say(v, f.key+" is no text", "")
		default:
			*f.into = v.Value
		}
	}
	if v := value(n, "environments"); v != nil {
		if v.Kind != yaml.SequenceNode || len(v.Content) == 0 {
			p.say(v, "environments is no list of names", "Write environments: [dev], or leave it out for all of them.")
		}
		for _, item := range v.Content {
			e.Environments = append(e.Environments, item.Value)
		}
	}
	for _, key := range []string{"path", "object"} {
		if v := value(n, key); v != nil && !doublestar.ValidatePattern(v.Value) {
			p.say(v, key+" is no pattern", "* matches within a name, ** across directories.")
		}
	}
	if e.Until != "" && !day(e.Until) {
		p.say(value(n, "until"), fmt.Sprintf("until %q is no day", e.Until), "Write the last day of the exception: 2026-12-31.")
	}
	return e, len(p.found) == before
}

// day reports whether a text is a day such as 2026-12-31.
func day(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
