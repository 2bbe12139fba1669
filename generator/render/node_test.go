package render

import (
	"bytes"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// FuzzString proves that the short cut for strings prints what the encoder
// prints.
func FuzzString(f *testing.F) {
	for _, s := range []string{
		"", "a", "y", "No", "ON", "null", "true", "trues", "argo", "a: b", "a #b", "a\nb", "a\n", "a ", "a\tb", "a:",
		"0o7", "1:30", "2026-01-01", "~", "-", "{{x}}", "é", "e5", "NaN", "inf", "x\x00", "a\u2028b", "a\u0085", "ab\xff", "[a]", "*a", "A",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var slow yaml.Node
		if err := slow.Encode(s); err != nil {
			t.Skip() // no YAML
		}
		fast, err := toNode(s, map[*yaml.Node]source{})
		if err != nil {
			t.Fatal(err)
		}
		var a, b bytes.Buffer
		if err := write(&a, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "key"}, &slow}}); err != nil {
			t.Skip()
		}
		if err := write(&b, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "key"}, fast}}); err != nil {
			t.Fatal(err)
		}
		if a.String() != b.String() {
			t.Errorf("%q prints as %q, want %q", s, b.String(), a.String())
		}
	})
}
