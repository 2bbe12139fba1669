package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
)

// The limits on one file. They stop a bomb, not a large platform: a thousand
// tenants are about one megabyte.
const (
	maxBytes = 10 << 20
	maxNodes = 200_000 // with every alias written out
	maxDepth = 64
)

// readFile returns a file's bytes. What cannot be read is a finding.
func readFile(fsys fs.FS, path string) ([]byte, diag.List) {
	at := diag.Range{Path: path}
	refuse := func(rule, summary, detail string) ([]byte, diag.List) {
		return nil, diag.List{{Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail, Range: at}}
	}
	f, err := fsys.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(ruleRead, "file does not exist", "")
	case err != nil:
		return refuse(ruleRead, "file cannot be opened", cause(err))
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	info, err := f.Stat()
	switch {
	case err != nil:
		return refuse(ruleRead, "file cannot be read", cause(err))
	case info.IsDir():
		return refuse(ruleRead, "this is a directory, not a file", "Name the YAML file itself.")
	case !info.Mode().IsRegular():
		return refuse(ruleRead, "this is not a regular file", "")
	case info.Size() > maxBytes:
		return refuse(ruleLimit, "file is larger than 10 MiB", "Split the spec with include.")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return refuse(ruleRead, "file cannot be read", cause(err))
	case len(data) > maxBytes:
		return refuse(ruleLimit, "file is larger than 10 MiB", "Split the spec with include.")
	}
	return data, nil
}

// cause is an I/O error without the path, which the finding has already: the
// operating system's path would differ between machines.
func cause(err error) string {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return "The system says: " + pathError.Err.Error() + "."
	}
	return "The system says: " + err.Error() + "."
}

// parse reads the YAML documents of a file. A document that holds nothing is
// left out; a file that holds nothing is a finding.
func parse(path string, data []byte) ([]*node, diag.List) {
	if found := encoding(path, data); len(found) > 0 {
		return nil, found
	}
	documents, err := decodeAll(data)
	if err != nil {
		return nil, diag.List{syntaxFinding(path, data, err)}
	}
	c := &converter{path: path, lines: bytes.Split(data, []byte("\n"))}
	var out []*node
	for _, d := range documents {
		if n := c.document(d); n != nil && n.kind != nullKind {
			out = append(out, n)
		}
	}
	if slices.ContainsFunc(c.found, func(d diag.Diagnostic) bool { return d.Rule == ruleLimit }) {
		return nil, c.found // what was not read whole is not judged
	}
	if len(out) == 0 && len(c.found) == 0 {
		c.report(ruleSyntax, diag.Range{Path: path}, "file holds no YAML document", "It is empty, or has only comments.")
	}
	return out, c.found
}

// encoding refuses what is not plain UTF-8 text.
func encoding(path string, data []byte) diag.List {
	refuse := func(offset int, summary, detail string) diag.List {
		return diag.List{{
			Rule: ruleSyntax, Severity: diag.Error, Summary: summary, Detail: detail,
			Range: diag.Range{Path: path, Start: position(data, offset)},
		}}
	}
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return refuse(0, "file begins with a byte order mark", "Save it as UTF-8 without a byte order mark.")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return refuse(0, "file is UTF-16", "Save it as UTF-8.")
	}
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return refuse(at, "file is binary: it has a NUL byte", "The spec is YAML text in UTF-8.")
	}
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, size := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && size <= 1 {
				break
			}
			at += size
		}
		return refuse(at, "file is not UTF-8 text", "Save it as UTF-8.")
	}
	return nil
}

// position turns a byte offset into a line and a column of runes.
func position(data []byte, offset int) diag.Pos {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return diag.Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1}
}

// decodeAll reads a stream to its end. The library's panics on hostile input
// become errors: this is the one place where input meets it.
func decodeAll(data []byte) (documents []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, err
		}
		documents = append(documents, &n)
	}
}

// converter turns the library's nodes into ours.
type converter struct {
	path  string
	lines [][]byte
	nodes int
	found diag.List
	// open holds the anchored nodes that are being written out.
	open map[*yaml.Node]bool
}

func (c *converter) report(rule string, at diag.Range, summary, detail string) {
	c.found = append(c.found, diag.Diagnostic{Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail, Range: at})
}

func (c *converter) document(d *yaml.Node) *node {
	if d.Kind != yaml.DocumentNode || len(d.Content) != 1 {
		return nil
	}
	c.open = map[*yaml.Node]bool{}
	return c.value(d.Content[0], diag.Range{}, 0)
}

// value converts one node. key is the range of the key in front of it.
func (c *converter) value(y *yaml.Node, key diag.Range, depth int) *node {
	at := c.rangeOf(y)
	c.nodes++
	switch {
	case c.nodes == maxNodes+1:
		c.report(ruleLimit, at, fmt.Sprintf("file holds more than %d values", maxNodes), "Aliases count as often as they are used. Split the spec with include, or write less.")
		fallthrough
	case c.nodes > maxNodes:
		return &node{kind: brokenKind, at: at}
	case depth > maxDepth:
		c.report(ruleLimit, at, fmt.Sprintf("value is nested more than %d levels deep", maxDepth), "")
		return &node{kind: brokenKind, at: at}
	}
	n := &node{at: at, raw: at.Start}
	switch y.Kind {
	case yaml.AliasNode:
		if y.Alias == nil || c.open[y.Alias] {
			c.report(ruleSyntax, at, "alias refers to a value that contains it", "")
			return n.broken()
		}
		return c.value(y.Alias, key, depth+1)
	case yaml.MappingNode, yaml.SequenceNode:
		if key.Start.Line > 0 {
			n.at = key
		}
		if tag := y.ShortTag(); tag != "!!map" && tag != "!!seq" {
			c.report(ruleSyntax, at, "tag "+tag+" is not known", "The spec uses plain YAML without tags.")
			return n.broken()
		}
		c.open[y] = true
		defer delete(c.open, y)
		if y.Kind == yaml.SequenceNode {
			n.kind = listKind
			for _, item := range y.Content {
				n.items = append(n.items, c.value(item, diag.Range{}, depth+1))
			}
			return n
		}
		n.kind = mapKind
		c.mapping(n, y, depth)
		return n
	default:
		return c.scalar(n, y)
	}
}

func (c *converter) mapping(n *node, y *yaml.Node, depth int) {
	first := make(map[string]diag.Range, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := c.rangeOf(k)
		switch {
		case k.Kind != yaml.ScalarNode:
			c.report(ruleSyntax, at, "key is not a string", "A list, a map or an alias cannot be a key.")
			continue
		case k.ShortTag() == "!!merge":
			c.report(ruleSyntax, at, "merge keys (<<) are not read", "Use defaults or extends: then a value's line is still known after merging.")
			n.tainted = true
			continue
		case k.ShortTag() == "!!null":
			c.report(ruleSyntax, at, "key is empty", "")
			continue
		}
		if earlier, seen := first[k.Value]; seen {
			c.found = append(c.found, diag.Diagnostic{
				Rule: ruleDuplicateKey, Severity: diag.Error, Range: at,
				Summary: fmt.Sprintf("key %q is written twice in the same map", k.Value),
				Detail:  "Remove one of them: YAML has no rule which one counts.",
				Related: []diag.Related{{Range: earlier, Message: "first written here"}},
			})
			continue
		}
		first[k.Value] = at
		n.entries = append(n.entries, entry{key: k.Value, at: at, value: c.value(v, at, depth+1)})
	}
}

func (c *converter) scalar(n *node, y *yaml.Node) *node {
	n.text = y.Value
	n.quoted = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	n.plain = n.at.End.Column > 0
	switch tag := y.ShortTag(); tag {
	case "!!null":
		n.kind = nullKind
	case "!!str", "!!timestamp":
		n.kind = textKind
	case "!!bool":
		n.kind = boolKind
	case "!!int":
		n.kind = integerKind
	case "!!float":
		n.kind = floatKind
	case "!!merge":
		n.kind = textKind
	default:
		c.report(ruleSyntax, n.at, "tag "+tag+" is not known", "The spec uses plain YAML without tags.")
		return n.broken()
	}
	if y.Style&yaml.TaggedStyle != 0 {
		c.report(ruleSyntax, n.at, "tag "+y.ShortTag()+" is not read", "The spec uses plain YAML without tags: quote what is a string.")
		return n.broken()
	}
	return n
}

// rangeOf is where a node's text stands. The end is known for a scalar of one
// line; the library gives only the start.
func (c *converter) rangeOf(y *yaml.Node) diag.Range {
	r := diag.Range{Path: c.path, Start: diag.Pos{Line: y.Line, Column: y.Column}}
	if y.Kind != yaml.ScalarNode || y.Line < 1 || y.Line > len(c.lines) {
		return r
	}
	line := []rune(strings.TrimSuffix(string(c.lines[y.Line-1]), "\r"))
	from := y.Column - 1
	if from < 0 || from >= len(line) {
		return r
	}
	length := 0
	switch {
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 || y.Anchor != "":
		return r
	case y.Style&yaml.DoubleQuotedStyle != 0:
		length = quotedLength(line[from:], '"')
	case y.Style&yaml.SingleQuotedStyle != 0:
		length = quotedLength(line[from:], '\'')
	case strings.HasPrefix(string(line[from:]), y.Value):
		length = utf8.RuneCountInString(y.Value)
	}
	if length > 0 {
		r.End = diag.Pos{Line: y.Line, Column: y.Column + length}
	}
	return r
}

// quotedLength counts a quoted scalar with its quotes, or 0 when it does not
// end on its line.
func quotedLength(text []rune, quote rune) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return 0
}

// bisectBytes bounds the work of finding the line of a syntax error.
const bisectBytes = 1 << 20

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntaxFinding words a YAML error. The library names the line where the
// surrounding block began; the line that a human must mend is the first one
// that the text cannot be read beyond.
func syntaxFinding(path string, data []byte, err error) diag.Diagnostic {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		fmt.Sscanf(m[1], "%d", &line) //nolint:errcheck // the pattern has digits only
		message = message[len(m[0]):]
	}
	if len(data) <= bisectBytes {
		line = firstBadLine(data)
	}
	d := diag.Diagnostic{
		Rule: ruleSyntax, Severity: diag.Error, Summary: "this is not YAML: " + message,
		Range: diag.Range{Path: path, Start: diag.Pos{Line: line}},
	}
	if line == 0 {
		return d
	}
	lines := strings.Split(string(data), "\n")
	line = min(line, len(lines))
	text := strings.TrimSuffix(lines[line-1], "\r")
	indent := len(text) - len(strings.TrimLeft(text, " "))
	d.Range.Start.Column = indent + 1
	d.Sensitive = looksSecret(text)
	if at, end, found := unquotedVariable(lines[line-1:]); found {
		at.Line, end.Line = at.Line+line-1, end.Line+line-1
		d.Range.Start, d.Range.End = at, end
		d.Summary = "a variable inside { } or [ ] is not quoted"
		d.Detail = `YAML reads the { of ${…} as the start of a map. Quote the value: "…${…}…".`
		return d
	}
	switch {
	case indent < len(text) && text[indent] == '\t':
		d.Summary = "this is not YAML: a tab indents the line"
		d.Detail = "Indent with spaces."
	default:
		d.Detail = syntaxHint(message)
	}
	return d
}

// syntaxHint says what usually causes an error of the YAML library.
func syntaxHint(message string) string {
	for _, h := range []struct{ part, hint string }{
		{"cannot start any token", "A plain value cannot begin with this character: quote it."},
		{"mapping values are not allowed", "Quote a value that holds a colon and a space."},
		{"expected ',' or", "A bracket is not closed, or a comma is missing."},
		{"unexpected end of stream", "A quote or a bracket is not closed."},
		{"did not find expected key", "The indentation of this line fits no line above it."},
		{"unknown anchor", "Nothing above has that anchor. A value that begins with * is quoted."},
		{"control characters", "Remove the character, or write it as an escape in double quotes."},
	} {
		if strings.Contains(message, h.part) {
			return h.hint
		}
	}
	return ""
}

// firstBadLine is the first line at which every longer beginning of the text is
// refused: one below the longest beginning that can be read.
func firstBadLine(data []byte) int {
	var ends []int
	for i, b := range data {
		if b == '\n' {
			ends = append(ends, i+1)
		}
	}
	ends = append(ends, len(data))
	good, bad := 0, len(ends)
	for bad-good > 1 {
		middle := (good + bad) / 2
		if _, err := decodeAll(data[:ends[middle-1]]); err == nil {
			good = middle
		} else {
			bad = middle
		}
	}
	return bad
}

// unquotedVariable finds the first ${ inside { } or [ ] and outside quotes. It
// reads a few lines only: a flow map seldom spans more.
func unquotedVariable(lines []string) (at, end diag.Pos, found bool) {
	depth := 0
	var quote rune
	for i, line := range lines[:min(len(lines), 20)] {
		text := []rune(line)
		for j := 0; j < len(text); j++ {
			r := text[j]
			switch {
			case quote != 0:
				if r == '\\' && quote == '"' {
					j++
				} else if r == quote {
					quote = 0
				}
			case r == '$' && j+1 < len(text) && text[j+1] == '{':
				length := 2
				for j+length < len(text) && text[j+length-1] != '}' {
					length++
				}
				if depth > 0 {
					return diag.Pos{Line: i + 1, Column: j + 1}, diag.Pos{Line: i + 1, Column: j + 1 + length}, true
				}
				j += length - 1
			case r == '"' || r == '\'':
				if j == 0 || strings.ContainsRune(" [{,:", text[j-1]) {
					quote = r
				}
			case r == '{' || r == '[':
				depth++
			case r == '}' || r == ']':
				depth--
			case r == '#' && (j == 0 || text[j-1] == ' '):
				j = len(text)
			}
		}
		if depth <= 0 && quote == 0 {
			return at, end, false
		}
	}
	return at, end, false
}

var secretWord = regexp.MustCompile(`(?i)passw|token|secret|private_?key|api_?key|credential`)

// looksSecret reports whether a key or line may carry a secret, so that its
// snippet is masked.
func looksSecret(text string) bool { return secretWord.MatchString(text) }
