package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// data resolves an entry that must be a file of the kustomization's own.
func (c *closure) data(v *visit, e entry, what string) (string, bool) {
	real, mode, ok := c.locate(v, e, what)
	if !ok {
		return "", false
	}
	if mode.IsDir() {
		c.add(v.finding(RuleFailed, e.node, fmt.Sprintf("%s is a directory, and a %s is a file", e.value, what), ""))
		return "", false
	}
	if !c.inside(v, e, real) {
		return "", false
	}
	c.read[real] = true
	if _, err := c.source.bytes(c.source.get(real)); err != nil {
		c.add(unreadable(real, err))
		return "", false
	}
	return real, true
}

// yamlFile is a data file that must be YAML.
func (c *closure) yamlFile(v *visit, e entry, what string) (string, bool) {
	real, ok := c.data(v, e, what)
	if !ok {
		return "", false
	}
	if c.untrusted != 0 {
		c.pluginFile(real)
	}
	if !c.files[real] {
		c.files[real] = true
		_, findings := c.source.documents(real)
		c.add(findings...)
	}
	return real, true
}

// supplements follows the files that a kustomization names besides its
// resources.
func (c *closure) supplements(v *visit) {
	for _, key := range []struct{ name, what string }{{"configurations", "configuration"}, {"crds", "CRD schema"}} {
		for _, e := range v.entries(key.name) {
			c.yamlFile(v, e, key.what)
		}
	}
	if n := field(v.root, "openapi", "path"); n != nil {
		c.yamlFile(v, entry{n.Value, n}, "OpenAPI schema")
	}
	for _, n := range v.list("replacements") {
		if p := field(n, "path"); p != nil && p.Value != "" {
			c.yamlFile(v, entry{p.Value, p}, "replacement")
		}
	}
	for _, n := range v.list("patches") {
		c.patch(v, n, false)
	}
	for _, n := range v.list("patchesJson6902") {
		c.patch(v, n, true)
	}
	for _, e := range v.entries("patchesStrategicMerge") {
		if !inlineObjects(e.value) {
			c.yamlFile(v, e, "patch")
		}
	}
	for _, key := range []string{"helmCharts", "helmGlobals", "helmChartInflationGenerator"} {
		if at, value := keyed(v.root, key); at != nil && value != nil && len(value.Content) > 0 {
			c.add(v.finding(RuleHelm, at, key+" would run helm", "No program is run during a build. Render the chart once, at a pinned version, and commit what it gives."))
		}
	}
}

// patch judges one entry of patches or patchesJson6902.
func (c *closure) patch(v *visit, n *yaml.Node, operations bool) {
	file, inline, target := field(n, "path"), field(n, "patch"), field(n, "target")
	hasFile, hasInline := file != nil && file.Value != "", inline != nil && strings.TrimSpace(inline.Value) != ""
	switch {
	case hasFile && hasInline:
		c.add(v.finding(RuleFailed, n, "the patch has both path and patch", "Keep one of them."))
		return
	case !hasFile && !hasInline:
		c.add(v.finding(RuleFailed, n, "the patch has neither path nor patch", "Write patch: with the patch itself, or path: with a file."))
		return
	}
	p := patchText{source: c.source, visit: v, node: n}
	if hasFile {
		real, ok := c.yamlFile(v, entry{file.Value, file}, "patch")
		if !ok {
			return
		}
		p.file = real
	}
	docs, findings := p.documents()
	if len(findings) > 0 {
		c.addOnce(findings)
		return
	}
	if written, err := p.text(); err == nil && bytes.HasPrefix(written, []byte("[")) && !json.Valid(written) {
		at := v.at(n)
		if len(docs) > 0 {
			at = docs[0].Range
		}
		c.addOnce(diag.List{{
			Rule: RuleFailed, Severity: diag.Error, Range: at,
			Summary: "a patch that starts with [ is read as JSON, and this is not JSON",
			Detail:  "Put double quotes around the keys and the strings, or write the operations as a YAML list, each with a dash.",
		}})
		return
	}
	c.patchForm(v, n, docs, target, operations)
}

// patchForm judges what a patch holds.
func (c *closure) patchForm(v *visit, n *yaml.Node, docs []manifest.Document, target *yaml.Node, operations bool) {
	if len(docs) == 0 {
		c.add(v.finding(RuleFailed, n, "the patch is empty", "Remove the entry."))
		return
	}
	isList := docs[0].Node.Kind == yaml.SequenceNode
	switch {
	case isList && target == nil:
		c.add(v.finding(RuleFailed, n, "a JSON patch needs a target", "Say which objects it is for: target: {kind: ..., name: ...}."))
	case operations && !isList:
		c.add(v.finding(RuleFailed, n, "patchesJson6902 takes a list of operations", "Put a strategic merge patch under patches."))
	case isList:
		for _, op := range docs[0].Node.Content {
			if summary := badOperation(deref(op)); summary != "" {
				c.add(diag.Diagnostic{
					Rule: RuleFailed, Severity: diag.Error, Summary: summary,
					Detail: "An operation has op (add, remove, replace, move, copy or test), path (starting with /) and, for add, replace and test, value.",
					Range:  manifest.Place{Node: op}.Range(docs[0].Range.Path),
				})
			}
		}
	default:
		for _, doc := range docs {
			if summary, _ := notObject(doc.Node); summary != "" {
				c.add(diag.Diagnostic{
					Rule: RuleFailed, Severity: diag.Error,
					Summary: "this is not a patch: " + summary,
					Detail:  "A strategic merge patch names its object by apiVersion, kind and metadata.name, also beside a target; a JSON patch is a list of operations.",
					Range:   doc.Range,
				})
			}
		}
		if len(docs) > 1 && target != nil {
			c.add(v.finding(RuleFailed, n, "a patch with a target holds one document, and this one holds several", "Leave the target out, or write one entry for each document."))
		}
	}
}

func badOperation(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.MappingNode {
		return "an operation of a JSON patch is a map"
	}
	op, at := field(n, "op"), field(n, "path")
	switch {
	case op == nil:
		return "the operation has no op"
	case !slices.Contains([]string{"add", "remove", "replace", "move", "copy", "test"}, op.Value):
		return fmt.Sprintf("there is no operation %q", op.Value)
	case at == nil:
		return "the operation has no path"
	case at.Value != "" && !strings.HasPrefix(at.Value, "/"):
		return fmt.Sprintf("the path %q does not start with /", at.Value)
	}
	return ""
}

// addOnce adds findings about a file that several entries may name.
func (c *closure) addOnce(findings diag.List) {
	for _, d := range findings {
		if !slices.ContainsFunc(c.findings, func(known diag.Diagnostic) bool {
			return known.Range == d.Range && known.Summary == d.Summary
		}) {
			c.add(d)
		}
	}
}

// keyValues follows the files of the generators of ConfigMaps and Secrets.
func (c *closure) keyValues(v *visit) {
	for _, generator := range []string{"configMapGenerator", "secretGenerator"} {
		for _, n := range v.list(generator) {
			if name := field(n, "name"); name == nil || name.Value == "" {
				c.add(v.finding(RuleFailed, n, "the entry of "+generator+" has no name", ""))
			}
			for _, key := range []string{"files", "envs"} {
				list := field(n, key)
				if list == nil {
					continue
				}
				for _, e := range list.Content {
					e = deref(e)
					c.data(v, entry{sourcePath(key, e.Value), e}, "file")
				}
			}
			if e := field(n, "env"); e != nil && e.Value != "" {
				c.data(v, entry{e.Value, e}, "file")
			}
			c.literals(v, n)
		}
	}
}

// sourcePath takes the key off "key=path".
func sourcePath(list, value string) string {
	if list == "files" {
		if _, name, found := strings.Cut(value, "="); found {
			return name
		}
	}
	return value
}

func (c *closure) literals(v *visit, n *yaml.Node) {
	list := field(n, "literals")
	if list == nil {
		return
	}
	for _, e := range list.Content {
		if e = deref(e); !strings.Contains(e.Value, "=") {
			d := v.finding(RuleFailed, e, "a literal is written key=value", "")
			d.Sensitive = true
			c.add(d)
		}
	}
}

// plugin follows generators, transformers and validators: objects that tell
// kustomize what to do. Only those that are part of kustomize may be used.
func (c *closure) plugin(v *visit) {
	for _, list := range []string{"generators", "transformers", "validators"} {
		for _, e := range v.entries(list) {
			before := c.untrusted
			c.untrusted = max(before, pluginObject)
			if inlineObjects(e.value) {
				c.inlinePlugin(v, e)
			} else if it, ok := c.resource(v, e); ok && it.visit != nil {
				v.plugins[list] = append(v.plugins[list], it)
			}
			c.untrusted = before
		}
	}
}

// inlineObjects reports whether kustomize would take an entry for objects and
// not for a path.
func inlineObjects(value string) bool {
	docs, findings := manifest.Documents("", []byte(value))
	if len(findings) > 0 || len(docs) == 0 {
		return false
	}
	for _, doc := range docs {
		if summary, _ := notObject(doc.Node); summary != "" {
			return false
		}
	}
	return true
}

func (c *closure) inlinePlugin(v *visit, e entry) {
	docs, _ := manifest.Documents(v.path, []byte(e.value))
	for _, doc := range docs {
		for _, d := range judgePlugin(doc.Node, false) {
			d.Range = v.at(e.node)
			c.addOnce(diag.List{d})
		}
	}
}

// pluginFile judges a file that holds plugin configuration, or that may change
// some on its way.
func (c *closure) pluginFile(name string) {
	docs, _ := c.source.documents(name)
	for _, doc := range docs {
		items, isList := manifest.ListItems(doc.Node)
		if !isList {
			items = []*yaml.Node{doc.Node}
		}
		for _, n := range items {
			for _, d := range judgePlugin(n, c.untrusted == pluginDirectory) {
				d.Range.Path = name
				c.addOnce(diag.List{d})
			}
		}
	}
}

// judgePlugin refuses plugin configuration that runs a program or fetches.
func judgePlugin(n *yaml.Node, anywhere bool) (findings diag.List) {
	at := func(rule string, n *yaml.Node, summary, detail string) {
		findings = append(findings, diag.Diagnostic{
			Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail,
			Range: manifest.Place{Node: n}.Range(""),
		})
	}
	const noExec = "No program is run during a build: only kustomize's built-in plugins (apiVersion: builtin) work."
	annotations := field(n, "metadata", "annotations")
	for _, key := range []string{"config.kubernetes.io/function", "config.k8s.io/function"} {
		if k, _ := keyed(annotations, key); k != nil {
			at(RuleExec, k, "this function would be run as a program or a container", noExec)
			return findings
		}
	}
	kind, version := field(n, "kind"), field(n, "apiVersion")
	instruction := kind != nil && version != nil && n.Kind == yaml.MappingNode &&
		!strings.HasPrefix(version.Value, "kustomize.config.k8s.io/")
	switch {
	case instruction && version.Value != "builtin":
		at(RuleExec, version, fmt.Sprintf("the plugin %s would be run as a program", kind.Value), noExec)
	case instruction && strings.HasPrefix(kind.Value, "HelmChartInflation"):
		at(RuleHelm, kind, kind.Value+" would run helm", "Render the chart once, at a pinned version, and commit what it gives.")
	}
	remoteScalars(n, anywhere, func(s *yaml.Node) {
		summary := "this could make kustomize fetch from the network"
		if isHTTP(s.Value) {
			summary = "this would be fetched from the network: " + withoutUser(s.Value)
		}
		at(RuleRemote, s, summary, "Nothing is fetched during a build. Copy it into the repository and name the copy.")
	})
	return findings
}

// remoteScalars finds values that kustomize would fetch if it took them for the
// name of a file: under the keys that name files, or anywhere.
func remoteScalars(n *yaml.Node, anywhere bool, found func(*yaml.Node)) {
	if n = deref(n); n == nil {
		return
	}
	if n.Kind == yaml.ScalarNode && anywhere {
		if lower := strings.ToLower(n.Value); strings.Contains(lower, "http:") || strings.Contains(lower, "https:") {
			found(n)
		}
	}
	for i, child := range n.Content {
		names := n.Kind == yaml.MappingNode && i%2 == 1 && slices.Contains(fileKeys(), n.Content[i-1].Value)
		remoteScalars(child, anywhere || names, found)
	}
}

// fileKeys are the fields of kustomize's built-in plugins that name files.
func fileKeys() []string {
	return []string{"path", "paths", "files", "envs", "env", "targetFilePath"}
}

// patchText is where a patch is written: in a file, or in the kustomization.
type patchText struct {
	source *source
	visit  *visit
	node   *yaml.Node // the entry
	file   string     // empty for an inline patch
}

// text is the patch as kustomize looks at it.
func (p patchText) text() ([]byte, error) {
	if p.file != "" {
		return p.source.bytes(p.source.get(p.file))
	}
	if n := field(p.node, "patch"); n != nil {
		return []byte(strings.TrimSpace(n.Value)), nil
	}
	return []byte(p.node.Value), nil
}

// documents reads the patch. Positions of an inline patch are those in the
// kustomization where it is a literal block, and the block's own otherwise.
func (p patchText) documents() ([]manifest.Document, diag.List) {
	if p.file != "" {
		return p.source.documents(p.file)
	}
	n := field(p.node, "patch")
	if n == nil {
		n = p.node
	}
	return p.source.inline(p.visit.kustomization, n)
}

// inline reads YAML that is written inside of a value of a kustomization.
func (s *source) inline(k *kustomization, n *yaml.Node) ([]manifest.Document, diag.List) {
	docs, findings := manifest.Documents(k.path, []byte(n.Value))
	literal := n.Style&yaml.LiteralStyle != 0
	line := func(inner int) int {
		if literal && inner > 0 {
			return n.Line + inner
		}
		return n.Line
	}
	data, _ := s.bytes(s.get(k.path)) // it was read before
	indent := indentAt(data, n.Line)
	for i := range findings {
		findings[i].Range.Start.Line = line(findings[i].Range.Start.Line)
	}
	moved := make(map[*yaml.Node]bool)
	for i := range docs {
		move(docs[i].Node, moved, func(inner *yaml.Node) {
			inner.Line = line(inner.Line)
			if !literal {
				inner.Column = n.Column
			} else {
				inner.Column += indent
			}
		})
		docs[i].Range.Start = diag.Pos{Line: docs[i].Node.Line, Column: docs[i].Node.Column}
	}
	return docs, findings
}

// indentAt is how far the block that starts after a line is indented: the YAML
// reader does not say.
func indentAt(data []byte, line int) int {
	for i, text := range bytes.Split(data, []byte("\n")) {
		if trimmed := bytes.TrimLeft(text, " "); i >= line && len(bytes.TrimSpace(trimmed)) > 0 {
			return len(text) - len(trimmed)
		}
	}
	return 0
}

func move(n *yaml.Node, done map[*yaml.Node]bool, change func(*yaml.Node)) {
	if n == nil || done[n] {
		return
	}
	done[n] = true
	change(n)
	for _, child := range n.Content {
		move(child, done, change)
	}
}
