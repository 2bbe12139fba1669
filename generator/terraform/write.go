package terraform

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Whoever writes a file of Terraform says it as literals of a few small types,
// so that the code reads like the file that it makes and keeps its order:
//
//	Content{NewBlock("resource", "google_storage_bucket", "data").Has(
//		Set("name", "btcusd-data").Because("artifacts.gcs.bucket"),
//		NewBlock("versioning").Has(Set("enabled", true)),
//	)}
//
// A value is a string, bool, int, Reference, Template, Call, Tuple, Object or
// nil. A nil value leaves its attribute out.
type (
	// Content is what a file or a block holds, in the order in which it is written.
	Content []Part

	// Reference is a traversal such as google_storage_bucket.data.name. It is
	// never text from a user: Write refuses one that does not parse as such.
	Reference string

	// Template is a string with references in it: "${a.b}-suffix". Its parts are
	// strings and References.
	Template []any

	// Call is a call of a function.
	Call struct {
		Function string
		Args     []any
	}

	// Tuple is a tuple. It stands on one line, unless objects are in it.
	Tuple []any

	// Object is a map in the order in which it is written.
	Object []Field

	// Field is one key of an Object.
	Field struct {
		Key   string
		Value any
	}
)

// Part is an attribute or a block. Set and NewBlock make one.
type Part struct {
	name    string
	labels  []string
	block   bool
	value   any
	body    Content
	comment string
	from    string
}

// Set is an attribute.
func Set(name string, value any) Part { return Part{name: name, value: value} }

// NewBlock is a block with its type and its labels.
func NewBlock(kind string, labels ...string) Part {
	return Part{name: kind, labels: labels, block: true}
}

// Has fills a block.
func (i Part) Has(items ...Part) Part {
	i.body = append(slices.Clip(i.body), items...)
	return i
}

// Because notes what caused an item: a path of the spec, or whatever the caller
// knows it by. What stands inside belongs to it too, unless it says otherwise.
func (i Part) Because(from string) Part {
	i.from = from
	return i
}

// Saying puts a comment in front of an item.
func (i Part) Saying(comment string) Part {
	i.comment = comment
	return i
}

// absent reports whether an item is left out.
func (i Part) absent() bool {
	return i.name == "" || !i.block && (i.value == nil || isNothing(i.value))
}

func isNothing(v any) bool {
	switch t := v.(type) {
	case Tuple:
		return t == nil
	case Object:
		return t == nil
	case Reference:
		return t == ""
	}
	return false
}

// Line joins a line of a written file to what caused it.
type Line struct {
	Line int // 1-based
	From string
}

// Write prints a file as 'terraform fmt' formats it, below a header line. The
// lines are those at which the cause changes. An error is a bug of the caller:
// a value that HCL cannot express.
func Write(header, from string, body Content) ([]byte, []Line, error) {
	f := hclwrite.NewEmptyFile()
	if header != "" {
		f.Body().AppendUnstructuredTokens(commentTokens(header))
	}
	if err := writeContent(f.Body(), body, true); err != nil {
		return nil, nil, err
	}
	data := hclwrite.Format(emptyBlock.ReplaceAll(f.Bytes(), []byte("{}")))
	parsed, diags := hclsyntax.ParseConfig(data, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("read back what was written: %w", diags)
	}
	causes := map[int]string{}
	markCauses(causes, body, parsed.Body.(*hclsyntax.Body), from)
	return data, causeLines(causes, from, strings.Count(string(data), "\n")), nil
}

// emptyBlock finds a block with nothing in it, which is written on one line. No
// string has a line break of its own.
var emptyBlock = regexp.MustCompile(`\{\n\s*\}`)

// writeContent turns parts into the nodes of hclwrite.
func writeContent(into *hclwrite.Body, items Content, top bool) error {
	first, afterBlock := !top, false
	for _, i := range items {
		if i.absent() {
			continue
		}
		if !first && (i.block || afterBlock || i.comment != "") {
			into.AppendNewline()
		}
		first, afterBlock = false, i.block
		if i.comment != "" {
			for line := range strings.SplitSeq(i.comment, "\n") {
				into.AppendUnstructuredTokens(commentTokens("# " + line))
			}
		}
		if err := writePart(into, i); err != nil {
			return err
		}
	}
	return nil
}

func writePart(into *hclwrite.Body, i Part) error {
	if i.block {
		return writeContent(into.AppendNewBlock(i.name, i.labels).Body(), i.body, false)
	}
	if !hclsyntax.ValidIdentifier(i.name) {
		return fmt.Errorf("%q is no name of an attribute", i.name)
	}
	tokens, err := writeExpression(i.value)
	if err != nil {
		return fmt.Errorf("%s: %w", i.name, err)
	}
	into.SetAttributeRaw(i.name, tokens)
	return nil
}

// writeExpression turns a value into tokens.
func writeExpression(v any) (hclwrite.Tokens, error) {
	switch t := v.(type) {
	case string:
		return hclwrite.TokensForValue(cty.StringVal(t)), nil
	case bool:
		return hclwrite.TokensForValue(cty.BoolVal(t)), nil
	case int:
		return hclwrite.TokensForValue(cty.NumberIntVal(int64(t))), nil
	case Reference:
		return writeReference(t)
	case Template:
		return writeTemplate(t)
	case Call:
		return writeCall(t)
	case Tuple:
		return writeList(t)
	case Object:
		return writeObject(t)
	default:
		return nil, fmt.Errorf("a %T is no value", v)
	}
}

// writeReference accepts a traversal and nothing else: a function call or an
// operator that came in by a name of the user's would be code.
func writeReference(r Reference) (hclwrite.Tokens, error) {
	traversal, diags := hclsyntax.ParseTraversalAbs([]byte(r), "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("%q is no reference", string(r))
	}
	return hclwrite.TokensForTraversal(traversal), nil
}

// writeTemplate writes a string with references. A lone reference is written as
// such, which is also what 'terraform fmt' makes of it.
func writeTemplate(parts Template) (hclwrite.Tokens, error) {
	if len(parts) == 1 {
		return writeExpression(parts[0])
	}
	tokens := hclwrite.Tokens{{Type: hclsyntax.TokenOQuote, Bytes: []byte{'"'}}}
	for i, p := range parts {
		if text, ok := p.(string); ok {
			// A dollar in front of "${" would make it text, and two strings side by side
			// could make one: neither is ever written as it is.
			if i+1 < len(parts) {
				if _, ok := parts[i+1].(string); ok {
					return nil, errors.New("two strings stand side by side in a template")
				}
			}
			rest := strings.TrimRight(text, "$")
			for _, t := range hclwrite.TokensForValue(cty.StringVal(rest)) {
				if t.Type == hclsyntax.TokenQuotedLit {
					tokens = append(tokens, t)
				}
			}
			if dollars := text[len(rest):]; dollars != "" {
				tokens = append(tokens, interpolated(hclwrite.TokensForValue(cty.StringVal(dollars)))...)
			}
			continue
		}
		inner, ok := p.(Reference)
		if !ok {
			return nil, fmt.Errorf("a %T is no part of a template", p)
		}
		reference, err := writeReference(inner)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, interpolated(reference)...)
	}
	return append(tokens, &hclwrite.Token{Type: hclsyntax.TokenCQuote, Bytes: []byte{'"'}}), nil
}

// interpolated puts an expression into a template.
func interpolated(expression hclwrite.Tokens) hclwrite.Tokens {
	tokens := hclwrite.Tokens{{Type: hclsyntax.TokenTemplateInterp, Bytes: []byte("${")}}
	return append(append(tokens, expression...), &hclwrite.Token{Type: hclsyntax.TokenTemplateSeqEnd, Bytes: []byte("}")})
}

func writeCall(c Call) (hclwrite.Tokens, error) {
	if !hclsyntax.ValidIdentifier(c.Function) {
		return nil, fmt.Errorf("%q is no name of a function", c.Function)
	}
	args := make([]hclwrite.Tokens, 0, len(c.Args))
	for _, a := range c.Args {
		tokens, err := writeExpression(a)
		if err != nil {
			return nil, fmt.Errorf("%s(): %w", c.Function, err)
		}
		args = append(args, tokens)
	}
	return hclwrite.TokensForFunctionCall(c.Function, args...), nil
}

// writeList stands on one line, unless objects are in it.
func writeList(items Tuple) (hclwrite.Tokens, error) {
	each := make([]hclwrite.Tokens, 0, len(items))
	long := false
	for _, item := range items {
		tokens, err := writeExpression(item)
		if err != nil {
			return nil, err
		}
		if _, ok := item.(Object); ok {
			long = true
		}
		each = append(each, tokens)
	}
	if !long {
		return hclwrite.TokensForTuple(each), nil
	}
	newline := &hclwrite.Token{Type: hclsyntax.TokenNewline, Bytes: []byte{'\n'}}
	tokens := hclwrite.Tokens{{Type: hclsyntax.TokenOBrack, Bytes: []byte{'['}}, newline}
	for _, t := range each {
		tokens = append(append(tokens, t...), &hclwrite.Token{Type: hclsyntax.TokenComma, Bytes: []byte{','}}, newline)
	}
	return append(tokens, &hclwrite.Token{Type: hclsyntax.TokenCBrack, Bytes: []byte{']'}}), nil
}

func writeObject(fields Object) (hclwrite.Tokens, error) {
	attrs := make([]hclwrite.ObjectAttrTokens, 0, len(fields))
	for _, f := range fields {
		if f.Value == nil || isNothing(f.Value) {
			continue
		}
		value, err := writeExpression(f.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
		key := hclwrite.TokensForValue(cty.StringVal(f.Key))
		if hclsyntax.ValidIdentifier(f.Key) {
			key = hclwrite.TokensForIdentifier(f.Key)
		}
		attrs = append(attrs, hclwrite.ObjectAttrTokens{Name: key, Value: value})
	}
	return hclwrite.TokensForObject(attrs), nil
}

func commentTokens(text string) hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(text + "\n")}}
}

// markCauses walks the items and what was printed of them side by side, and notes the
// cause of each line. Blocks keep their order, attributes their name.
func markCauses(causes map[int]string, items Content, printed *hclsyntax.Body, from string) {
	block := 0
	for _, i := range items {
		if i.absent() {
			continue
		}
		cause := from
		if i.from != "" {
			cause = i.from
		}
		if !i.block {
			if a := printed.Attributes[i.name]; a != nil {
				markLinesOf(causes, a.SrcRange.Start.Line-commentLines(i), a.SrcRange.End.Line, cause)
			}
			continue
		}
		b := printed.Blocks[block]
		block++
		markLinesOf(causes, b.TypeRange.Start.Line-commentLines(i), b.CloseBraceRange.End.Line, cause)
		markCauses(causes, i.body, b.Body, cause)
	}
}

func commentLines(i Part) int {
	if i.comment == "" {
		return 0
	}
	return strings.Count(i.comment, "\n") + 1
}

func markLinesOf(causes map[int]string, first, last int, from string) {
	for line := first; line <= last; line++ {
		causes[line] = from
	}
}

// causeLines lists those at which the cause changes.
func causeLines(causes map[int]string, from string, count int) []Line {
	var out []Line
	for line := 1; line <= count; line++ {
		own, ok := causes[line]
		if !ok {
			own = from
		}
		if len(out) == 0 || out[len(out)-1].From != own {
			out = append(out, Line{line, own})
		}
	}
	return out
}
