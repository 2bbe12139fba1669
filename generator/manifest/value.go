package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"
)

// plainInt is a number that every YAML reader takes for the same number.
var plainInt = regexp.MustCompile(`^(?:0|-?[1-9][0-9]{0,17})$`)

// Value is a node in JSON form, as the API server would be given it: the plain
// words yes, no, on and off are booleans, as sigs.k8s.io/yaml has it.
func Value(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return Value(n.Content[0])
	case yaml.AliasNode:
		return Value(n.Alias)
	case yaml.SequenceNode:
		items := make([]any, 0, len(n.Content))
		for _, child := range n.Content {
			v, err := Value(child)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		return items, nil
	case yaml.MappingNode:
		return mapValue(n)
	default:
		return scalarValue(n)
	}
}

func mapValue(n *yaml.Node) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, child := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			continue
		}
		name, err := keyName(key)
		if err != nil {
			return nil, err
		}
		if out[name], err = Value(child); err != nil {
			return nil, err
		}
	}
	// What a merge brings never overrides what stands beside it.
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		for _, source := range mergeSources(n.Content[i+1]) {
			v, err := Value(source)
			if err != nil {
				return nil, err
			}
			merged, _ := v.(map[string]any)
			for key, value := range merged {
				if _, own := out[key]; !own {
					out[key] = value
				}
			}
		}
	}
	return out, nil
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// mergeSources lists the mappings that a merge key names, first wins.
func mergeSources(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// keyName is a map key as JSON writes it: always a string.
func keyName(n *yaml.Node) (string, error) {
	v, err := Value(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "null", nil
	case bool, int64, float64:
		return fmt.Sprint(v), nil
	default:
		return "", fmt.Errorf("line %d: a key must be a plain word", n.Line)
	}
}

func scalarValue(n *yaml.Node) (any, error) {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		if n.Style&yaml.TaggedStyle == 0 || n.ShortTag() == "!!str" {
			return n.Value, nil
		}
	}
	text := n.Value
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.ShortTag() {
		case "!!str":
			return text, nil
		case "!!int", "!!float", "!!bool", "!!null":
		default:
			return nil, fmt.Errorf("line %d: the tag %s has no meaning here", n.Line, n.Tag)
		}
	}
	switch {
	case text == "" || text == "~" || text == "null" || text == "Null" || text == "NULL":
		return nil, nil
	case plainInt.MatchString(text):
		return strconv.ParseInt(text, 10, 64)
	case !maybeTyped(text):
		return text, nil
	}
	data, err := k8syaml.YAMLToJSON([]byte(text))
	if err != nil {
		// A plain scalar may hold what is no document of its own ("- x").
		return text, nil
	}
	var out any
	if err := decodeJSON(data, &out); err != nil {
		return text, nil
	}
	switch out.(type) {
	case string, map[string]any, []any:
		return text, nil
	}
	return out, nil
}

// maybeTyped reports whether a plain scalar could be something other than a
// string: a number, or one of the words for a boolean or infinity.
func maybeTyped(text string) bool {
	switch c := text[0]; {
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.':
		return true
	}
	switch len(text) {
	case 1, 2, 3, 4, 5:
		switch text[0] {
		case 'y', 'Y', 'n', 'N', 'o', 'O', 't', 'T', 'f', 'F':
			return true
		}
	}
	return false
}

// Fields reads an object in JSON form, with whole numbers as int64.
func Fields(data []byte) (map[string]any, error) {
	var out map[string]any
	if err := decodeJSON(data, &out); err != nil {
		return nil, err
	}
	return out, nil
}

func decodeJSON(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	switch target := into.(type) {
	case *any:
		*target = numbers(*target)
	case *map[string]any:
		numbers(*target)
	}
	return nil
}

// numbers replaces json.Number by int64 where it fits and float64 where not.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			switch child.(type) {
			case json.Number, map[string]any, []any:
				v[key] = numbers(child)
			}
		}
	case []any:
		for i, child := range v {
			v[i] = numbers(child)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		if f == float64(int64(f)) && f > -1e15 && f < 1e15 {
			return int64(f)
		}
		return f
	}
	return v
}
