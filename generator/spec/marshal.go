package spec

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"strake/generator/diag"
)

const (
	apiVersion    = "strake/v1alpha1"
	kindEffective = "Effective"
)

// Marshal writes effective.yaml: block style, keys in the order of the types,
// map keys sorted. ParseEffective of it gives an equal Effective.
func (e *Effective) Marshal() []byte {
	var b bytes.Buffer
	b.WriteString("apiVersion: " + apiVersion + "\nkind: " + kindEffective + "\n")
	sh := shapeOf(reflect.TypeFor[Effective]())
	for _, f := range sh.fields {
		if v := reflect.ValueOf(*e).FieldByIndex(f.index); !omitted(v, f.shape, f.tag) {
			b.WriteString(f.name + ":")
			writeValue(&b, v, f.shape, 0)
		}
	}
	return b.Bytes()
}

// writeValue writes what follows "key:" or "-", with its newline. indent is
// that of the key.
func writeValue(b *bytes.Buffer, v reflect.Value, sh *shape, indent int) {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			b.WriteString(" null\n")
			return
		}
		v = v.Elem()
	}
	switch sh.kind {
	case structure:
		fields := slices.DeleteFunc(slices.Clone(sh.fields), func(f field) bool {
			return omitted(v.FieldByIndex(f.index), f.shape, f.tag)
		})
		if len(fields) == 0 {
			b.WriteString(" {}\n")
			return
		}
		for i, f := range fields {
			startKey(b, i, indent)
			b.WriteString(f.name + ":")
			writeValue(b, v.FieldByIndex(f.index), f.shape, indent+2)
		}
	case dictionary:
		writeMap(b, v, sh.elem, indent)
	case sequence:
		if v.Len() == 0 {
			b.WriteString(" []\n")
			return
		}
		writeItems(b, v, sh.elem, indent)
	case integer:
		fmt.Fprintf(b, " %d\n", v.Int())
	case boolean:
		fmt.Fprintf(b, " %t\n", v.Bool())
	case text:
		writeText(b, v.String(), indent)
	default:
		writePlain(b, v, indent)
	}
}

// startKey begins a key of a map: the first key after a list's dash stands on
// the same line.
func startKey(b *bytes.Buffer, i, indent int) {
	if i == 0 && bytes.HasSuffix(b.Bytes(), []byte("-")) {
		b.WriteByte(' ')
		return
	}
	if i == 0 {
		b.WriteByte('\n')
	}
	b.WriteString(strings.Repeat(" ", indent+2))
}

func writeMap(b *bytes.Buffer, v reflect.Value, elem *shape, indent int) {
	if v.Len() == 0 {
		b.WriteString(" {}\n")
		return
	}
	values := make(map[string]reflect.Value, v.Len())
	for _, key := range v.MapKeys() {
		values[key.String()] = v.MapIndex(key)
	}
	for i, key := range slices.Sorted(maps.Keys(values)) {
		startKey(b, i, indent)
		b.WriteString(quoteIfNeeded(key) + ":")
		writeValue(b, values[key], elem, indent+2)
	}
}

func writeItems(b *bytes.Buffer, v reflect.Value, elem *shape, indent int) {
	if bytes.HasSuffix(b.Bytes(), []byte("-")) {
		b.WriteString(" ")
	} else {
		b.WriteByte('\n')
	}
	for i := range v.Len() {
		if i > 0 || !bytes.HasSuffix(b.Bytes(), []byte("- ")) {
			b.WriteString(strings.Repeat(" ", indent+2))
		}
		b.WriteByte('-')
		writeValue(b, v.Index(i), elem, indent+2)
	}
}

// writePlain writes a value without a shape.
func writePlain(b *bytes.Buffer, v reflect.Value, indent int) {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		b.WriteString(" null\n")
		return
	}
	switch v.Kind() {
	case reflect.Map:
		writeMap(b, v, opaqueShape, indent)
	case reflect.Slice:
		if v.Len() == 0 {
			b.WriteString(" []\n")
			return
		}
		writeItems(b, v, opaqueShape, indent)
	case reflect.String:
		writeText(b, v.String(), indent)
	case reflect.Bool:
		fmt.Fprintf(b, " %t\n", v.Bool())
	case reflect.Int, reflect.Int64:
		fmt.Fprintf(b, " %d\n", v.Int())
	case reflect.Float64:
		number := strconv.FormatFloat(v.Float(), 'g', -1, 64)
		if !strings.ContainsAny(number, ".eIN") {
			number += ".0"
		}
		if e := strings.IndexByte(number, 'e'); e > 0 && !strings.Contains(number, ".") {
			number = number[:e] + ".0" + number[e:]
		}
		b.WriteString(" " + strings.NewReplacer("+Inf", ".inf", "-Inf", "-.inf", "NaN", ".nan").Replace(number) + "\n")
	default:
		b.WriteString(" null\n")
	}
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./@+=-]*(:[A-Za-z0-9_./@+=-]+)*$`)
	plainSize = regexp.MustCompile(`^[1-9][0-9]*(ms|[smhd]|[KMGT]i)$`)
	plainWord = regexp.MustCompile(`^(?i:null|true|false|y|yes|n|no|on|off)$`)
)

// quoteIfNeeded writes a string so that every YAML reader reads that string.
func quoteIfNeeded(s string) string {
	if plainText.MatchString(s) && !plainWord.MatchString(s) || plainSize.MatchString(s) {
		return s
	}
	return quote(s)
}

// quote writes a double-quoted scalar on one line.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case printable(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// printable excludes what YAML folds, forbids, or editors hide.
func printable(r rune) bool {
	return r >= ' ' && unicode.IsPrint(r) && r != 0xfeff && r != 0x2028 && r != 0x2029 && r != utf8.RuneError
}

// writeText writes a string: text of several lines as a literal block, so that
// a change in a user's template is a readable diff.
func writeText(b *bytes.Buffer, s string, indent int) {
	if !literalBlock(s) {
		b.WriteString(" " + quoteIfNeeded(s) + "\n")
		return
	}
	body := strings.TrimRight(s, "\n")
	switch len(s) - len(body) {
	case 0:
		b.WriteString(" |-\n")
	case 1:
		b.WriteString(" |\n")
	default:
		b.WriteString(" |+\n")
	}
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString(strings.Repeat(" ", indent+2))
		}
		b.WriteString(line)
	}
	if body == s {
		b.WriteByte('\n')
	}
}

// literalBlock reports whether a text survives as a literal block in every
// reader: printable, and beginning with a character that shows the indentation.
func literalBlock(s string) bool {
	if strings.Count(s, "\n") < 1 || strings.TrimRight(s, "\n") == "" || s[0] == ' ' || s[0] == '\n' || s[0] == '\t' {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if line != "" && strings.TrimSpace(line) == "" {
			return false
		}
	}
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && !printable(r) })
}

// ParseEffective reads effective.yaml as strictly as Load reads a spec. The
// Effective is nil when the file is not one.
func ParseEffective(path string, data []byte) (*Effective, diag.List) {
	if len(data) > maxBytes {
		return nil, diag.List{{Rule: ruleLimit, Severity: diag.Error, Summary: "file is larger than 10 MiB", Range: diag.Range{Path: path}}}
	}
	documents, found := parse(path, data)
	if len(documents) == 0 {
		return nil, found.Sorted()
	}
	c := &checker{mode: finalMode, found: found}
	if len(documents) > 1 {
		c.report(ruleSyntax, documents[1], "", "file holds more than one document", "effective.yaml is one document.")
	}
	sh := shapeOf(reflect.TypeFor[effectiveDocument]())
	n := c.value(documents[0], sh, tag{}, "", false)
	if n.kind != mapKind {
		return nil, c.found.Sorted()
	}
	e := &Effective{positions: positions{}}
	d := &decoder{at: e.positions}
	d.value(n.without("apiVersion", "kind"), shapeOf(reflect.TypeFor[Effective]()), tag{}, reflect.ValueOf(e).Elem(), "")
	return e, c.found.Sorted()
}
