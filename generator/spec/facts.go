package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// terraformOutput is one output as 'terraform output -json' prints it
// (https://developer.hashicorp.com/terraform/cli/commands/output).
type terraformOutput struct {
	Sensitive bool            `json:"sensitive"`
	Value     json.RawMessage `json:"value"`
}

// RecordFacts returns the Facts document of an environment with the outputs of a
// Terraform root in it: all of them, or those that are named. What else the
// document holds stays, and a document that has them already comes back byte for
// byte. An error says everything that is in the way; nothing is recorded then.
//
// A fact is a string, a number or a boolean, which becomes text. A sensitive
// output is never recorded: the document is in Git.
func RecordFacts(existing []byte, environment string, outputs []byte, names []string) ([]byte, error) {
	values, err := readOutputs(outputs, names)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(existing, &document); err != nil {
		return nil, fmt.Errorf("read the Facts that are there: %w", err)
	}
	if len(document.Content) == 0 {
		if err := yaml.Unmarshal([]byte("apiVersion: "+apiVersion+"\nkind: Facts\nmetadata: {name: "+environment+"}\nspec:\n  persistent:\n"), &document); err != nil {
			return nil, fmt.Errorf("make a Facts document: %w", err)
		}
	}
	top := document.Content[0]
	if kind, name := entryOf(top, "kind"), entryOf(entryOf(top, "metadata"), "name"); kind == nil || kind.Value != "Facts" || name == nil || name.Value != environment {
		return nil, fmt.Errorf("the file does not hold the Facts of environment %s", environment)
	}
	facts := mapping(mapping(top, "spec"), "persistent")
	changed := false
	for _, name := range slices.Sorted(maps.Keys(values)) {
		changed = setText(facts, name, values[name]) || changed
	}
	if !changed && len(existing) > 0 {
		return existing, nil
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&document), enc.Close()); err != nil {
		return nil, fmt.Errorf("write the Facts: %w", err)
	}
	return b.Bytes(), nil
}

// readOutputs turns outputs into texts. It reports all that cannot be.
func readOutputs(text []byte, names []string) (map[string]string, error) {
	var outputs map[string]terraformOutput
	if err := json.Unmarshal(text, &outputs); err != nil {
		return nil, fmt.Errorf("this is not what 'terraform output -json' prints: %w", err)
	}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(outputs))
	}
	values, problems := map[string]string{}, []error{}
	for _, name := range names {
		o, ok := outputs[name]
		if !ok {
			problems = append(problems, fmt.Errorf("%s is not an output: there are %s", name, strings.Join(slices.Sorted(maps.Keys(outputs)), ", ")))
			continue
		}
		value, err := factText(name, o)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		values[name] = value
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("nothing is recorded:\n%w\nname the outputs that are facts, to leave out the others", errors.Join(problems...))
	}
	return values, nil
}

// factText is the text of one output.
func factText(name string, o terraformOutput) (string, error) {
	if !variableName.MatchString(name) {
		return "", fmt.Errorf("output %q cannot be the name of a fact: letters, digits, - and _, beginning with a letter", name)
	}
	if o.Sensitive {
		return "", fmt.Errorf("output %s is sensitive: facts are in Git, and a secret never is", name)
	}
	d := json.NewDecoder(bytes.NewReader(o.Value))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return "", fmt.Errorf("output %s: %w", name, err)
	}
	switch t := value.(type) {
	case string:
		if strings.Contains(t, "PRIVATE KEY-----") {
			return "", fmt.Errorf("output %s holds a private key: facts are in Git, and a secret never is", name)
		}
		return t, nil
	case json.Number:
		return t.String(), nil
	case bool:
		return strconv.FormatBool(t), nil
	case nil:
		return "", fmt.Errorf("output %s is null: it has no value yet", name)
	default:
		return "", fmt.Errorf("output %s is a list or an object: a fact is one text. Give each part an output of its own", name)
	}
}

// entryOf is the value of a key, or nil.
func entryOf(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// mapping is the map at a key, made where there is none.
func mapping(m *yaml.Node, key string) *yaml.Node {
	c := entryOf(m, key)
	if c == nil {
		c = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, c)
	}
	if c.Kind != yaml.MappingNode {
		*c = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", HeadComment: c.HeadComment, LineComment: c.LineComment, FootComment: c.FootComment}
	}
	return c
}

// setText sets a key to a text, always quoted so that a number stays one. It
// reports whether that is a change.
func setText(m *yaml.Node, key, value string) bool {
	c := entryOf(m, key)
	if c == nil {
		c = &yaml.Node{}
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, c)
	} else if c.Kind == yaml.ScalarNode && c.Value == value {
		return false
	}
	*c = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle, HeadComment: c.HeadComment, LineComment: c.LineComment, FootComment: c.FootComment}
	return true
}
