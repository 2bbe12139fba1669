package build

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// kustomization is one kustomization file: as kustomize understands it, and as
// text with positions. It is shared between builds: nobody may change it.
type kustomization struct {
	path string // of the file
	dir  string
	root *yaml.Node
	// typed is what kustomize makes of the file, deprecated fields folded into
	// the ones that took their place.
	typed types.Kustomization
}

func (k *kustomization) component() bool { return k.typed.Kind == types.ComponentKind }

// global reports whether building the kustomization changes the OpenAPI schema
// that kustomize keeps for the whole process.
func (k *kustomization) global() bool {
	return len(k.typed.OpenAPI) > 0 || len(k.typed.Crds) > 0
}

// entry is one item of a list in a kustomization.
type entry struct {
	value string
	node  *yaml.Node
}

// list returns the items of the lists under the keys, in order.
func (k *kustomization) list(keys ...string) []*yaml.Node {
	var items []*yaml.Node
	for _, key := range keys {
		if n := field(k.root, key); n != nil && n.Kind == yaml.SequenceNode {
			for _, item := range n.Content {
				items = append(items, deref(item))
			}
		}
	}
	return items
}

// entries returns the items of lists of strings.
func (k *kustomization) entries(keys ...string) []entry {
	var out []entry
	for _, n := range k.list(keys...) {
		out = append(out, entry{value: n.Value, node: n})
	}
	return out
}

// at is the range of a node of the file; of the file itself for nil.
func (k *kustomization) at(n *yaml.Node) diag.Range {
	if n == nil {
		return diag.Range{Path: k.path, Start: diag.Pos{Line: 1, Column: 1}}
	}
	return manifest.Place{Node: n}.Range(k.path)
}

// finding is an error at a node of the kustomization.
func (k *kustomization) finding(rule string, n *yaml.Node, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail, Range: k.at(n)}
}

// keyed finds a key of a mapping. Kustomize takes keys in any case where the
// exact one is not there.
func keyed(n *yaml.Node, name string) (key, value *yaml.Node) {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], deref(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, name) {
			return n.Content[i], deref(n.Content[i+1])
		}
	}
	return nil, nil
}

func field(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		_, n = keyed(n, name)
	}
	return n
}

func deref(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// kustomization reads and judges a kustomization file once. A nil result comes
// with at least one error.
func (s *source) kustomization(name string) (*kustomization, diag.List) {
	f := s.get(name)
	f.kust.Do(func() { f.kustomization, f.kustFindings = s.parseKustomization(f) })
	return f.kustomization, f.kustFindings
}

func (s *source) parseKustomization(f *file) (*kustomization, diag.List) {
	docs, findings := s.documents(f.path)
	if len(findings) > 0 {
		return nil, findings
	}
	start := diag.Range{Path: f.path, Start: diag.Pos{Line: 1, Column: 1}}
	fail := func(at diag.Range, summary, detail string) (*kustomization, diag.List) {
		return nil, diag.List{{Rule: RuleFailed, Severity: diag.Error, Summary: summary, Detail: detail, Range: at}}
	}
	switch {
	case len(docs) == 0:
		return fail(start, "the kustomization is empty", "List at least one entry under resources.")
	case len(docs) > 1:
		return fail(docs[1].Range, "a kustomization file holds one document, and this is a second one", "Kustomize reads only the first; move the second into a file of its own.")
	case docs[0].Node.Kind != yaml.MappingNode:
		return fail(docs[0].Range, "a kustomization is a map", "Start with apiVersion and kind, then resources.")
	}
	k := &kustomization{path: f.path, dir: path.Dir(f.path), root: docs[0].Node}
	if bad := checkFields(k); len(bad) > 0 {
		return nil, bad
	}
	data, err := s.bytes(f)
	if err != nil {
		return nil, diag.List{unreadable(f.path, err)}
	}
	if err := k.typed.Unmarshal(data); err != nil {
		return fail(start, plainMessage(err.Error()), "")
	}
	k.typed.FixKustomization()
	if !k.consistent() {
		return fail(start, "the kustomization does not read the same to a person and to kustomize", "Write it in plain YAML, without tags and anchors.")
	}
	return k, append(findings, k.judge()...)
}

// consistent reports whether the text names exactly what kustomize would read.
// The closure is walked along the text, so nothing may reach kustomize that the
// text does not show.
func (k *kustomization) consistent() bool {
	var files []string // in the order of the comparison below
	for _, n := range slices.Concat(k.list("patches"), k.list("patchesJson6902"), k.list("replacements")) {
		files = append(files, text(n, "path"))
	}
	for _, n := range slices.Concat(k.list("configMapGenerator"), k.list("secretGenerator")) {
		for _, e := range slices.Concat(contentOf(field(n, "files")), contentOf(field(n, "envs"))) {
			files = append(files, e.Value)
		}
		if env := text(n, "env"); env != "" {
			files = append(files, env)
		}
	}
	var typed []string
	for _, p := range slices.Concat(k.typed.Patches, *operations(&k.typed)) {
		typed = append(typed, p.Path)
	}
	for _, r := range k.typed.Replacements {
		typed = append(typed, r.Path)
	}
	sources := make([]types.KvPairSources, 0, len(k.typed.ConfigMapGenerator)+len(k.typed.SecretGenerator))
	for _, g := range k.typed.ConfigMapGenerator {
		sources = append(sources, g.KvPairSources)
	}
	for _, g := range k.typed.SecretGenerator {
		sources = append(sources, g.KvPairSources)
	}
	for _, s := range sources {
		typed = append(append(typed, s.FileSources...), s.EnvSources...)
	}
	var patches []string
	for _, m := range *merges(&k.typed) {
		patches = append(patches, string(m))
	}
	helm := len(k.list("helmCharts")) + len(k.list("helmChartInflationGenerator"))
	return slices.Equal(files, typed) && helm == len(k.typed.HelmCharts) &&
		text(k.root, "openapi", "path") == k.typed.OpenAPI["path"] &&
		k.says(k.typed.Resources, "resources", "bases") && k.says(k.typed.Components, "components") &&
		k.says(k.typed.Crds, "crds") && k.says(k.typed.Configurations, "configurations") &&
		k.says(k.typed.Generators, "generators") && k.says(k.typed.Transformers, "transformers") &&
		k.says(k.typed.Validators, "validators") && k.says(patches, "patchesStrategicMerge")
}

// says reports whether the lists under the keys hold just these strings. A null
// is an empty string to kustomize.
func (k *kustomization) says(values []string, keys ...string) bool {
	entries := k.entries(keys...)
	return slices.EqualFunc(entries, values, func(e entry, value string) bool {
		return e.value == value || (value == "" && e.node.ShortTag() == "!!null")
	})
}

// judge is what kustomize itself would refuse, and what it warns of.
func (k *kustomization) judge() (findings diag.List) {
	if err := k.typed.CheckEmpty(); err != nil {
		findings = append(findings, k.finding(RuleFailed, nil, "the kustomization is empty", "List at least one entry under resources."))
	}
	if kind := field(k.root, "kind"); kind != nil && kind.Value != types.KustomizationKind && kind.Value != types.ComponentKind && kind.Value != "" {
		findings = append(findings, k.finding(RuleFailed, kind, fmt.Sprintf("the kind of a kustomization is Kustomization or Component, not %s", kind.Value), ""))
	}
	want := types.KustomizationVersion
	if k.component() {
		want = types.ComponentVersion
	}
	if v := field(k.root, "apiVersion"); v != nil && v.Value != want && v.Value != "" {
		findings = append(findings, k.finding(RuleFailed, v, fmt.Sprintf("the apiVersion of a %s is %s", k.typed.Kind, want), "Write apiVersion: "+want+"."))
	}
	for _, key := range []struct{ name, instead string }{
		{"bases", "Move its entries to resources."},
		{"commonLabels", "Use labels with pairs; it leaves selectors alone unless includeSelectors says otherwise."},
		{"imageTags", "Rename it to images."},
		{"patchesStrategicMerge", "Use patches with path or patch."},
		{"patchesJson6902", "Use patches with target and path or patch."},
		{"vars", "Use replacements."},
	} {
		if at, value := keyed(k.root, key.name); at != nil && value != nil && value.ShortTag() != "!!null" {
			d := k.finding(RuleField, at, key.name+" is deprecated in kustomize", key.instead)
			d.Severity = diag.Warning
			findings = append(findings, d)
		}
	}
	return append(findings, k.judgeLabels()...)
}

func (k *kustomization) judgeLabels() (findings diag.List) {
	const detail = "Selectors cannot be changed once an object exists, and a NetworkPolicy comes to mean something else. Use labels with includeSelectors: false, and includeTemplates: true for pods."
	if at, value := keyed(k.root, "commonLabels"); at != nil && len(*commonLabels(&k.typed)) > 0 && value != nil {
		d := k.finding(RuleSelectors, at, "commonLabels writes into selectors", detail)
		d.Severity = diag.Warning
		findings = append(findings, d)
	}
	for _, item := range k.list("labels") {
		if at, value := keyed(item, "includeSelectors"); at != nil && value != nil && value.Value == "true" {
			d := k.finding(RuleSelectors, at, "labels with includeSelectors writes into selectors", detail)
			d.Severity = diag.Warning
			findings = append(findings, d)
		}
	}
	return findings
}
