package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/tree"
)

// The renderer writes objects as literals of three small types, so that the
// code reads like the YAML that it makes and keeps its order of keys:
//
//	m{{"spec", m{{"replicas", at("workflows.server.replicas", 2)}}}}
//
// A value is a string, bool, int, m, list, lines, sourced, embedded, rows,
// nil.
// A nil value, a nil m and a nil list leave their key out; an empty but non-nil
// m or list prints as {} or [].
type (
	m  []kv
	kv struct {
		k string
		v any
	}
	list []any
)

// sourced is a value together with what caused it.
type sourced struct {
	source
	v any
}

// source is the cause of a value: a path of the effective spec or, for what
// comes out of a user's own template, the place in that file.
type source struct {
	path  string
	place diag.Range
}

// at resolves a source to a place that a human wrote.
func (s source) at(pos position) diag.Range {
	if !s.place.IsZero() {
		return s.place
	}
	return pos(s.path)
}

// embedded is a document inside a string, as in the data of a ConfigMap: the
// value is printed as YAML text. Each line of that text keeps its source.
type embedded struct{ v any }

// rows is a text that is no YAML, as in the data of a ConfigMap: a policy. Each
// item is one line, with a source of its own.
type rows []any

// checksum is the SHA-256 of a value's YAML text, in hexadecimal digits. On a
// pod template it restarts the pods when what they read has changed.
type checksum struct{ v any }

// at marks a value as caused by the value at a path of the effective spec.
func at(from string, v any) any {
	if absent(v) {
		return nil
	}
	return sourced{source{path: from}, v}
}

// placed marks a value as copied from a place in a user's file.
func placed(place diag.Range, v any) any {
	if absent(v) {
		return nil
	}
	return sourced{source{place: place}, v}
}

// absent reports whether a value leaves its key out.
func absent(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case m:
		return t == nil
	case list:
		return t == nil
	case rows:
		return t == nil
	case sourced:
		return absent(t.v)
	case embedded:
		return absent(t.v)
	default:
		return false
	}
}

// strs makes a list of strings; nil stays nil.
func strs(values []string) list {
	if values == nil {
		return nil
	}
	out := make(list, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// sorted makes a map of strings, with keys in order; an empty one is nil.
func sorted[V any](values map[string]V) m {
	if len(values) == 0 {
		return nil
	}
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make(m, 0, len(keys))
	for _, k := range keys {
		out = append(out, kv{k, any(values[k])})
	}
	return out
}

// get returns the value of a key without its source, or nil.
func (x m) get(key string) any {
	for _, f := range x {
		if f.k == key {
			if s, ok := f.v.(sourced); ok {
				return s.v
			}
			return f.v
		}
	}
	return nil
}

// position resolves a path of the effective spec.
type position func(path string) diag.Range

// document prints a value as one YAML document below a header line and tells,
// for each line, which place of the spec caused it. from is the path that
// caused the document as a whole.
func document(header, from string, v any, pos position) ([]byte, []tree.Origin, error) {
	whole := source{path: from}
	sources := make(map[*yaml.Node]source)
	node, err := toNode(sourced{whole, v}, sources)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	b.WriteString(header)
	if header != "" {
		b.WriteByte('\n')
	}
	if err := write(&b, node); err != nil {
		return nil, nil, err
	}
	var printed yaml.Node
	if err := yaml.Unmarshal(b.Bytes(), &printed); err != nil {
		return nil, nil, fmt.Errorf("read back a document: %w", err)
	}
	lines := make(map[int]source)
	trace(node, printed.Content[0], whole, sources, lines)
	return b.Bytes(), origins(lines, whole, pos, bytes.Count(b.Bytes(), []byte("\n"))), nil
}

// write prints a node in the one style that all rendered YAML has.
func write(b *bytes.Buffer, node *yaml.Node) error {
	enc := yaml.NewEncoder(b)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(node); err != nil {
		return fmt.Errorf("encode a document: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("encode a document: %w", err)
	}
	return nil
}

// embed prints a value as the text of a scalar. The node of the value hangs
// below the scalar, where the encoder does not look and trace does. Argo reads
// a text without a line break as a scalar and any other as an indented block,
// so a scalar loses the break at its end and a collection keeps it.
func embed(v any, sources map[*yaml.Node]source) (*yaml.Node, error) {
	inner, err := toNode(v, sources)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := write(&b, inner); err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: b.String(), Style: yaml.LiteralStyle}
	if inner.Kind == yaml.ScalarNode {
		n.Value, n.Style = strings.TrimSuffix(n.Value, "\n"), 0
	}
	n.Content = []*yaml.Node{inner}
	return n, nil
}

// toNode turns a literal into a YAML node and notes which nodes have a source.
func toNode(v any, sources map[*yaml.Node]source) (*yaml.Node, error) {
	switch t := v.(type) {
	case sourced:
		n, err := toNode(t.v, sources)
		if err == nil {
			if _, taken := sources[n]; !taken {
				sources[n] = t.source
			}
		}
		return n, err
	case m:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if len(t) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, f := range t {
			if absent(f.v) {
				continue
			}
			key, err := toNode(f.k, sources)
			if err != nil {
				return nil, err
			}
			value, err := toNode(f.v, sources)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, key, value)
		}
		return n, nil
	case list:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if len(t) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, item := range t {
			value, err := toNode(item, sources)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, value)
		}
		return n, nil
	case embedded:
		return embed(t.v, sources)
	case rows:
		return rowsNode(t, sources)
	case checksum:
		text, err := embed(t.v, make(map[*yaml.Node]source))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(text.Value))
		return toNode(hex.EncodeToString(sum[:]), sources)
	case *yaml.Node:
		return t, nil
	default:
		return scalarNode(v)
	}
}

// rowsNode prints lines as one block. The nodes of the lines hang below the
// scalar, where the encoder does not look and trace does.
func rowsNode(items rows, sources map[*yaml.Node]source) (*yaml.Node, error) {
	each, err := toNode(list(items), sources)
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Content: []*yaml.Node{each}}
	for _, line := range each.Content {
		n.Value += line.Value + "\n"
		n.Style = yaml.LiteralStyle
	}
	if len(items) == 0 {
		n.Style = yaml.DoubleQuotedStyle
	}
	each.Tag = rowsTag
	return n, nil
}

// rowsTag marks the lines of a text, which traceText must not take for YAML.
const rowsTag = "!rows"

// scalarNode turns a string, a boolean or a number into a node, and whatever else
// the encoder knows.
func scalarNode(v any) (*yaml.Node, error) {
	switch t := v.(type) {
	case string:
		if isPlain(t) {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
		}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(t)}, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return n, nil
}

// isPlain reports whether a string reads back as a string without quotes, as far
// as its words go. It is a short cut for nearly all strings: Encode starts a
// printer and a parser for each. YAML 1.1, which Kubernetes still reads, takes
// some words for booleans.
func isPlain(s string) bool {
	if s == "" || (s[0]|0x20) < 'a' || (s[0]|0x20) > 'z' || strings.ContainsAny(s, "\r\n") || !utf8.ValidString(s) {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

// trace walks the literal and its printed form side by side, and notes the
// source of each line. An inner source wins over an outer one.
func trace(made, printed *yaml.Node, from source, sources map[*yaml.Node]source, lines map[int]source) {
	if own, ok := sources[made]; ok {
		from = own
	}
	for line, last := printed.Line, lastLine(printed); line <= last; line++ {
		lines[line] = from
	}
	if made.Kind == yaml.ScalarNode && len(made.Content) == 1 {
		traceText(made.Content[0], printed, from, sources, lines)
		return
	}
	for i := 0; i < len(made.Content) && i < len(printed.Content); i++ {
		child := from
		if made.Kind == yaml.MappingNode && i%2 == 0 {
			if own, ok := sources[made.Content[i+1]]; ok {
				child = own // a key belongs to its value
			}
		}
		trace(made.Content[i], printed.Content[i], child, sources, lines)
	}
}

// traceText does what trace does for the lines of a document inside a string.
func traceText(made, printed *yaml.Node, from source, sources map[*yaml.Node]source, lines map[int]source) {
	if printed.Style&yaml.LiteralStyle == 0 {
		return // on a single line, which has its source
	}
	if made.Tag == rowsTag {
		for i, line := range made.Content {
			if own, ok := sources[line]; ok {
				lines[printed.Line+1+i] = own
			}
		}
		return
	}
	var text yaml.Node
	if err := yaml.Unmarshal([]byte(printed.Value), &text); err != nil || len(text.Content) == 0 {
		return // the lines keep the source of the whole
	}
	inner := make(map[int]source)
	trace(made, text.Content[0], from, sources, inner)
	for line, own := range inner {
		lines[printed.Line+line] = own
	}
}

// lastLine is the last line that a printed node reaches.
func lastLine(n *yaml.Node) int {
	last := n.Line
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		last += bytes.Count([]byte(n.Value), []byte("\n"))
	}
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}

// origins lists the lines at which the source changes.
func origins(lines map[int]source, from source, pos position, count int) []tree.Origin {
	var out []tree.Origin
	var before source
	for line := 1; line <= count; line++ {
		own, ok := lines[line]
		if !ok {
			own = from
		}
		if line > 1 && own == before {
			continue
		}
		before = own
		if r := own.at(pos); !r.IsZero() {
			out = append(out, tree.Origin{Line: line, From: r})
		}
	}
	return out
}
