package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/manifest"
)

// placeholder stands for the mark of a resource step in a marked file, which is
// written once for all the steps that read it.
const placeholder = markPrefix + "placeholder"

// marked is a resource file in which every document carries a mark: the value
// is the index of the document, and of the item where the document is a List.
func (s *source) marked(name string) ([]byte, error) {
	f := s.get(name)
	var err error
	f.mark.Do(func() { f.marked, err = s.writeMarked(name) })
	if err != nil {
		return nil, err
	}
	if f.marked == nil {
		return nil, fmt.Errorf("mark %s: not possible", name)
	}
	return f.marked, nil
}

func (s *source) writeMarked(name string) ([]byte, error) {
	docs, findings := s.documents(name)
	if len(findings) > 0 {
		return nil, fmt.Errorf("mark %s: %s", name, findings[0].Summary)
	}
	out := []byte{}
	for i, doc := range docs {
		root := copyNode(doc.Node, make(map[*yaml.Node]*yaml.Node))
		if items, isList := manifest.ListItems(root); isList {
			for j, n := range items {
				annotate(n, placeholder, fmt.Sprintf("%d.%d", i, j))
			}
		} else {
			annotate(root, placeholder, fmt.Sprint(i))
		}
		text, err := yaml.Marshal(root)
		if err != nil {
			return nil, fmt.Errorf("mark %s: %w", name, err)
		}
		if i > 0 {
			out = append(out, "---\n"...)
		}
		out = append(out, text...)
	}
	return out, nil
}

// copyNode copies a node and all below it; an alias keeps pointing at the copy
// of its anchor.
func copyNode(n *yaml.Node, done map[*yaml.Node]*yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if known, ok := done[n]; ok {
		return known
	}
	out := *n
	done[n] = &out
	out.HeadComment, out.LineComment, out.FootComment = "", "", ""
	out.Alias = copyNode(n.Alias, done)
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		out.Content[i] = copyNode(child, done)
	}
	return &out
}

// annotate adds an annotation to the object at n.
func annotate(n *yaml.Node, key, value string) {
	metadata := child(n, "metadata")
	if metadata == nil {
		return
	}
	annotations := child(metadata, "annotations")
	if annotations == nil {
		return
	}
	annotations.Content = append(annotations.Content,
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key},
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value})
}

// child is the mapping under a key, made where it is missing or null.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			continue
		}
		value := deref(n.Content[i+1])
		if value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null" {
			value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			n.Content[i+1] = value
		}
		if value.Kind != yaml.MappingNode {
			return nil
		}
		return value
	}
	value := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
	return value
}

// patchLists keeps the patches that a variant takes, each with a patch in front
// of it that has the same target and leaves nothing but a mark.
func (p *program) patchLists(v *visit, k *types.Kustomization, o variant) {
	var strategic []types.PatchStrategicMerge
	for _, s := range p.of[v][stepMerge] {
		if !o.takes(s) {
			continue
		}
		if o.marks {
			for _, doc := range p.patches[s.number].docs {
				strategic = append(strategic, types.PatchStrategicMerge(markPatch(doc.Node, s.number)))
			}
		}
		if text, changed := p.harmless(s, o); changed {
			if text != "" {
				strategic = append(strategic, types.PatchStrategicMerge(text))
			}
			continue
		}
		strategic = append(strategic, (*merges(k))[s.index])
	}
	*merges(k) = strategic

	var patches []types.Patch
	for _, s := range p.of[v][stepPatch] {
		if !o.takes(s) {
			continue
		}
		original := k.Patches[s.index]
		if o.marks {
			patches = append(patches, p.markEntries(s, original)...)
		}
		if text, changed := p.harmless(s, o); changed {
			if text == "" {
				continue
			}
			original.Path, original.Patch = "", text
		}
		patches = append(patches, original)
	}
	k.Patches = patches

	var ops []types.Patch
	for _, s := range p.of[v][stepOperations] {
		if !o.takes(s) {
			continue
		}
		original := (*operations(k))[s.index]
		if o.marks {
			ops = append(ops, types.Patch{Target: original.Target, Patch: markOperation(s.number)})
		}
		ops = append(ops, original)
	}
	*operations(k) = ops
}

// markEntries are the patches that mark what a patch will touch.
func (p *program) markEntries(s step, original types.Patch) []types.Patch {
	content := p.patches[s.number]
	if original.Target != nil {
		// With a target, kustomize overlooks the kind and name of the patch.
		text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Mark","metadata":{"name":"mark","annotations":{%q:"x"}}}`, mark(s.number))
		return []types.Patch{{Target: original.Target, Patch: text}}
	}
	var out []types.Patch
	for _, doc := range content.docs {
		if text := markPatch(doc.Node, s.number); text != "" {
			out = append(out, types.Patch{Patch: text})
		}
	}
	return out
}

// markPatch is a strategic merge patch for the object that another one names.
func markPatch(n *yaml.Node, number int) string {
	identity := map[string]any{}
	metadata := map[string]any{"annotations": map[string]any{mark(number): "x"}}
	for _, key := range []string{"apiVersion", "kind"} {
		if value := field(n, key); value != nil {
			identity[key] = value.Value
		}
	}
	for _, key := range []string{"name", "namespace"} {
		if value := field(n, "metadata", key); value != nil && value.Value != "" {
			metadata[key] = value.Value
		}
	}
	identity["metadata"] = metadata
	data, err := json.Marshal(identity)
	if err != nil {
		return ""
	}
	return string(data)
}

func markOperation(number int) string {
	return fmt.Sprintf(`[{"op":"add","path":"/metadata/annotations/%s","value":"x"}]`,
		strings.ReplaceAll(mark(number), "/", "~1"))
}

// harmless is a patch without what removes its object or the marks on it, for a
// variant that keeps both.
func (p *program) harmless(s step, o variant) (text string, changed bool) {
	content := p.patches[s.number]
	if !o.kept || !content.erases {
		return "", false
	}
	var out bytes.Buffer
	for _, doc := range content.docs {
		if deletes(doc.Node) {
			continue
		}
		data, err := yaml.Marshal(withoutWipes(doc.Node))
		if err != nil {
			return "", false
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.String(), true
}

// withoutWipes is a patch document that leaves annotations alone.
func withoutWipes(n *yaml.Node) *yaml.Node {
	if !wipes(n) {
		return n
	}
	out := copyNode(n, make(map[*yaml.Node]*yaml.Node))
	drop(out, "$patch")
	if metadata := field(out, "metadata"); metadata != nil {
		drop(metadata, "$patch")
		drop(metadata, "annotations")
	}
	return out
}

func drop(n *yaml.Node, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

// markReplacements puts a replacement in front of each that writes a mark to
// the objects it selects. A replacement kept in a file is left alone.
func (p *program) markReplacements(v *visit, list []types.ReplacementField) []types.ReplacementField {
	var out []types.ReplacementField
	touched := "x"
	for i, r := range list {
		number := p.of[v][stepReplacement][i].number
		var targets []*types.TargetSelector
		for j, target := range r.Targets {
			if target == nil || target.Select == nil {
				continue
			}
			name := strings.ReplaceAll(fmt.Sprintf("%s.%d", mark(number), j), ".", `\.`)
			targets = append(targets, &types.TargetSelector{
				Select: target.Select, Reject: target.Reject,
				FieldPaths: []string{"metadata.annotations." + name},
				Options:    &types.FieldOptions{Create: true},
			})
		}
		if r.Path == "" && len(targets) > 0 {
			out = append(out, types.ReplacementField{Replacement: types.Replacement{SourceValue: &touched, Targets: targets}})
		}
		out = append(out, r)
	}
	return out
}
