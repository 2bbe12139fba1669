package appset

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	gotemplate "text/template"
	"text/template/parse"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// template fills placeholders in, in one of Argo CD's two ways.
type template struct {
	gotemplate bool
	options    []string
}

// deep fills in all strings of a value, keys included. Where partial is set,
// what cannot be filled in stays as it is.
func (t template) deep(value any, values map[string]any, partial bool) (any, error) {
	switch v := value.(type) {
	case string:
		return t.replace(v, values, partial)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			filled, err := t.deep(item, values, partial)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range sorted(v) {
			filled, err := t.deep(v[key], values, partial)
			if err != nil {
				return nil, err
			}
			name, err := t.replace(key, values, partial)
			if err != nil {
				return nil, err
			}
			out[name] = filled
		}
		return out, nil
	default:
		return v, nil
	}
}

func (t template) replace(text string, values map[string]any, partial bool) (string, error) {
	switch {
	case !strings.Contains(text, "{{"):
		return text, nil
	case !t.gotemplate:
		return plain(text, values), nil
	}
	options := t.options
	if partial {
		options = []string{"missingkey=error"}
	}
	out, err := execute(text, values, options)
	if err != nil && partial {
		return text, nil
	}
	return out, err
}

var placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)

// plain puts strings in the place of {{name}}. A name that is not known stays.
func plain(text string, values map[string]any) string {
	return placeholder.ReplaceAllStringFunc(text, func(tag string) string {
		if s, ok := values[strings.TrimSpace(tag[2:len(tag)-2])].(string); ok {
			return s
		}
		return tag
	})
}

// errFunction is a function of Argo CD that is not offered here: it would look
// at the clock or the network, roll dice, or take long.
var errFunction = errors.New("the template uses a function that is not followed here")

func unknownFunction(err error) bool { return errors.Is(err, errFunction) }

// maxText is how long a filled-in text may become.
const maxText = 1 << 20

// functions are those of Argo CD's templates whose results depend on nothing
// but their arguments, and cost no more than those are long.
func functions() gotemplate.FuncMap {
	all := sprig.HermeticTxtFuncMap()
	for _, name := range []string{
		"until", "untilStep", "seq", "repeat", "bcrypt", "htpasswd", "derivePassword", "encryptAES", "decryptAES",
		"indent", "nindent", "fail", "buildCustomCert", "shuffle",
	} {
		delete(all, name)
	}
	all["normalize"] = normalize
	all["indent"] = func(n int, text string) string { return indent(n, text) }
	all["nindent"] = func(n int, text string) string { return "\n" + indent(n, text) }
	all["toYaml"] = func(value any) (string, error) {
		out, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(out), "\n"), err
	}
	all["fromYaml"] = func(text string) (map[string]any, error) {
		out := map[string]any{}
		err := yaml.Unmarshal([]byte(text), &out)
		return out, err
	}
	all["fromYamlArray"] = func(text string) ([]any, error) {
		out := []any{}
		err := yaml.Unmarshal([]byte(text), &out)
		return out, err
	}
	return all
}

// widest is as far as a text is ever indented.
const widest = 100

func indent(n int, text string) string {
	pad := strings.Repeat(" ", max(0, min(n, widest)))
	return pad + strings.ReplaceAll(text, "\n", "\n"+pad)
}

// execute fills in a Go template. One that could run for long is refused: a
// template is input, and cannot be stopped once it runs.
func execute(text string, values map[string]any, options []string) (out string, err error) {
	defer func() {
		if reason := recover(); reason != nil { // a function of the library, or an option
			out, err = "", fmt.Errorf("the template %s cannot be filled in: %v", text, reason)
		}
	}()
	t, err := gotemplate.New("").Funcs(functions()).Parse(text)
	if err != nil {
		if strings.Contains(err.Error(), "not defined") {
			return "", fmt.Errorf("%w: %s", errFunction, short(err))
		}
		return "", errors.New("the template cannot be read: " + short(err))
	}
	if len(t.Templates()) > 1 || loops(t.Root) > 2 {
		return "", fmt.Errorf("%w: loops in loops, or templates in templates", errFunction)
	}
	for _, option := range options {
		t = t.Option(option)
	}
	var w limited
	if err := t.Execute(&w, values); err != nil {
		return "", errors.New("the template cannot be filled in: " + short(err))
	}
	return w.String(), nil
}

// short is a message of text/template without its own prefix.
func short(err error) string {
	text := err.Error()
	if _, rest, found := strings.Cut(text, ": "); found && strings.HasPrefix(text, "template: ") {
		if _, after, found := strings.Cut(rest, ": "); found {
			return after
		}
		return rest
	}
	return text
}

// limited is a text that cannot grow beyond all bounds.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxText {
		return 0, io.ErrShortWrite
	}
	return l.Builder.Write(p)
}

// loops is how deep ranges stand in each other.
func loops(node parse.Node) int {
	deepest := func(list ...*parse.ListNode) int {
		most := 0
		for _, l := range list {
			if l == nil {
				continue
			}
			for _, n := range l.Nodes {
				most = max(most, loops(n))
			}
		}
		return most
	}
	switch n := node.(type) {
	case *parse.ListNode:
		return deepest(n)
	case *parse.RangeNode:
		return 1 + deepest(n.List, n.ElseList)
	case *parse.IfNode:
		return deepest(n.List, n.ElseList)
	case *parse.WithNode:
		return deepest(n.List, n.ElseList)
	default:
		return 0
	}
}

// Names reports the placeholders that are left in a text.
func Names(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
