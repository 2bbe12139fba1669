package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
)

// The rules that reading YAML can break.
const (
	RuleSyntax    = "yaml-syntax"
	RuleDuplicate = "yaml-duplicate-key"
	RuleObject    = "manifest-object"
)

const (
	// MaxFile is the largest file that is read, in bytes. The full CRDs of Argo
	// Workflows, the largest manifests in the field, come to 12 MB.
	MaxFile = 32 << 20
	// maxExpansion is how many nodes the aliases of one document may add: more
	// is an alias bomb.
	maxExpansion = 500_000
	// maxDepth is how deep a document may nest.
	maxDepth = 500
)

// Document is one YAML document of a file.
type Document struct {
	// Node is the document's root value; lines are counted in the file. It is
	// shared: nobody may change it.
	Node *yaml.Node
	// Range is where the document starts.
	Range diag.Range
	// Text is the document without separators.
	Text []byte
}

// separator is a line that starts a new document.
var separator = regexp.MustCompile(`(?m)^---(?:[ \t].*)?\r?$`)

// secretKind tells a Secret in text that may not be YAML.
var secretKind = regexp.MustCompile(`(?m)\bkind["']?:\s*["']?Secret\b`)

// yamlLine is how the YAML reader names a line in an error.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// Documents reads a YAML stream. Empty documents are left out. A document that
// cannot be used is a finding and is left out; the others are still returned.
func Documents(path string, data []byte) ([]Document, diag.List) {
	if finding, bad := unreadable(path, data); bad {
		return nil, diag.List{finding}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if bytes.IndexByte(data, '\t') >= 0 && json.Valid(data) {
		// JSON may be indented with tabs, YAML not. A string holds none.
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	}
	var docs []Document
	var findings diag.List
	for _, part := range segments(data) {
		more, bad := part.documents(path)
		docs = append(docs, more...)
		// The line that is wrong may be the one with the secret.
		sensitive := len(bad) > 0 && secretKind.Match(part.text)
		for i := range bad {
			bad[i].Sensitive = sensitive
		}
		findings = append(findings, bad...)
	}
	return docs, findings
}

// unreadable says why a file cannot be text in YAML.
func unreadable(path string, data []byte) (diag.Diagnostic, bool) {
	finding := diag.Diagnostic{
		Rule: RuleSyntax, Severity: diag.Error,
		Range: diag.Range{Path: path, Start: diag.Pos{Line: 1, Column: 1}},
	}
	switch {
	case len(data) > MaxFile:
		finding.Summary = fmt.Sprintf("the file is larger than %d MiB", MaxFile>>20)
		finding.Detail = "Split it into several files."
	case bytes.IndexByte(data, 0) >= 0:
		finding.Summary = "the file is binary, not YAML"
		finding.Detail = "It holds a NUL byte. Take it out of the list of resources."
	case !utf8.Valid(data):
		finding.Summary = "the file is not UTF-8"
		finding.Detail = "Save it as UTF-8."
		finding.Range.Start.Line = 1 + bytes.Count(data[:invalidAt(data)], []byte("\n"))
	default:
		return diag.Diagnostic{}, false
	}
	return finding, true
}

// invalidAt is the offset of the first byte that is not UTF-8.
func invalidAt(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(data)
}

// segment is the text between two separators.
type segment struct {
	text []byte
	line int // lines before it in the file
}

// segments cuts a stream at its separators. A separator that carries content
// ("--- {a: b}") stays in front of its segment.
func segments(data []byte) []segment {
	var out []segment
	start, line := 0, 0
	cut := func(end, next int) {
		out = append(out, segment{data[start:end], line})
		line += bytes.Count(data[start:next], []byte("\n"))
		start = next
	}
	for _, at := range separator.FindAllIndex(data, -1) {
		rest := strings.TrimSpace(string(data[at[0]+3 : at[1]]))
		next := at[0]
		if rest == "" || strings.HasPrefix(rest, "#") {
			next = min(at[1]+1, len(data))
		}
		cut(at[0], next)
	}
	cut(len(data), len(data))
	return out
}

// documents reads one segment: one document, or several that end with "...".
func (s segment) documents(path string) (docs []Document, findings diag.List) {
	if len(bytes.TrimSpace(s.text)) == 0 {
		return nil, nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(s.text))
	for {
		node, err := decodeNode(decoder)
		if errors.Is(err, io.EOF) {
			return docs, findings
		}
		if err != nil {
			return docs, append(findings, syntaxFinding(path, err, s.line))
		}
		if len(node.Content) == 0 || isNull(node.Content[0]) {
			continue
		}
		root := node.Content[0]
		if bad := checkNode(path, root, s.line); len(bad) > 0 {
			findings = append(findings, bad...)
			continue
		}
		docs = append(docs, Document{
			Node:  root,
			Range: diag.Range{Path: path, Start: diag.Pos{Line: root.Line, Column: root.Column}},
			Text:  s.text,
		})
	}
}

// decodeNode reads the next document. The YAML reader panics on some inputs
// that fuzzing finds; that is an error here.
func decodeNode(decoder *yaml.Decoder) (node *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			node, err = nil, fmt.Errorf("yaml: %v", r)
		}
	}()
	node = &yaml.Node{}
	if err := decoder.Decode(node); err != nil {
		return nil, err
	}
	return node, nil
}

func syntaxFinding(path string, err error, offset int) diag.Diagnostic {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	line := 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			line = n
		}
		text = text[len(m[0]):]
	}
	return diag.Diagnostic{
		Rule: RuleSyntax, Severity: diag.Error,
		Summary: "this is not valid YAML: " + text,
		Detail:  yamlHint(text),
		Range:   diag.Range{Path: path, Start: diag.Pos{Line: line + offset, Column: 1}},
	}
}

// yamlHint says what usually causes a message of the YAML reader.
func yamlHint(text string) string {
	switch {
	case strings.Contains(text, "mapping values are not allowed"):
		return "A value that holds \": \" wants quotes; or the line is indented too far."
	case strings.Contains(text, "found character that cannot start any token"):
		return "YAML is indented with spaces, never tabs; a value that starts with @, ` or % wants quotes."
	case strings.Contains(text, "did not find expected"):
		return "The line is indented differently from its neighbours, or a quote or bracket is not closed."
	case strings.Contains(text, "could not find expected ':'"):
		return "A key wants a colon and a space after it."
	default:
		return ""
	}
}

// checkNode moves the lines of a document to where they stand in the file and
// judges what the YAML reader lets pass.
func checkNode(path string, root *yaml.Node, offset int) diag.List {
	c := nodeChecker{path: path, sizes: make(map[*yaml.Node]int)}
	c.shift(root, offset, 0)
	if c.tooDeep {
		return diag.List{c.finding(root, RuleSyntax, fmt.Sprintf("the document nests deeper than %d levels", maxDepth), "")}
	}
	if added := c.size(root) - c.nodes; added > maxExpansion {
		return diag.List{c.finding(root, RuleSyntax, "the aliases of this document expand without bound", "Write the values out, or use fewer aliases of aliases.")}
	}
	return c.findings
}

type nodeChecker struct {
	path     string
	nodes    int
	tooDeep  bool
	sizes    map[*yaml.Node]int
	findings diag.List
}

func (c *nodeChecker) finding(at *yaml.Node, rule, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail,
		Range: diag.Range{Path: c.path, Start: diag.Pos{Line: at.Line, Column: at.Column}},
	}
}

func (c *nodeChecker) shift(n *yaml.Node, offset, depth int) {
	c.nodes++
	n.Line += offset
	if depth > maxDepth {
		c.tooDeep = true
		return
	}
	for _, child := range n.Content {
		c.shift(child, offset, depth+1)
	}
	if n.Kind == yaml.MappingNode {
		c.duplicates(n)
	}
}

func (c *nodeChecker) duplicates(n *yaml.Node) {
	if len(n.Content) <= 2 {
		return
	}
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			continue
		}
		first, dup := seen[key.Value]
		if !dup {
			seen[key.Value] = key
			continue
		}
		d := c.finding(key, RuleDuplicate, fmt.Sprintf("the key %q stands here twice", key.Value), "Keep one of the two: readers disagree about which one counts.")
		d.Related = []diag.Related{{
			Range:   diag.Range{Path: c.path, Start: diag.Pos{Line: first.Line, Column: first.Column}},
			Message: "first written here",
		}}
		c.findings = append(c.findings, d)
	}
}

// size counts the nodes of a value with its aliases written out. An alias that
// contains itself counts as boundless.
func (c *nodeChecker) size(n *yaml.Node) int {
	const open = -1
	switch known := c.sizes[n]; {
	case known == open:
		return 1 << 40
	case known > 0:
		return known
	}
	if n.Kind == yaml.ScalarNode {
		return 1
	}
	c.sizes[n] = open
	total := 1
	if n.Kind == yaml.AliasNode {
		total = c.size(n.Alias)
	}
	for _, child := range n.Content {
		total = min(total+c.size(child), 1<<40)
	}
	c.sizes[n] = total
	return total
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
