package build

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// identity is a resource document by what kustomize calls it.
type identity struct {
	kind, name, namespace, group string
	at                           diag.Range
	step                         int
	document                     string // the index of the document, and of the item in a List
}

// identities lists the resources of the closure in the order they are read.
func (p *program) identities() (out []identity) {
	for _, s := range p.steps {
		switch {
		case s.kind == stepResource && s.visit.items[s.index].visit == nil:
			out = append(out, p.documentIdentities(s)...)
		case s.kind == stepConfigMap || s.kind == stepSecret:
			id := identity{kind: "ConfigMap", at: s.at(), step: s.number}
			if s.kind == stepSecret {
				id.kind = "Secret"
			}
			if n := field(s.node, "name"); n != nil {
				id.name = n.Value
			}
			if n := field(s.node, "namespace"); n != nil {
				id.namespace = n.Value
			}
			out = append(out, id)
		}
	}
	return out
}

func (p *program) documentIdentities(s step) (out []identity) {
	file := s.visit.items[s.index].path
	docs, _ := p.source.documents(file)
	for i, doc := range docs {
		nodes, isList := manifest.ListItems(doc.Node)
		if !isList {
			nodes = []*yaml.Node{doc.Node}
		}
		for j, n := range nodes {
			id := identity{at: manifest.Place{Node: n}.Range(file), step: s.number, document: strconv.Itoa(i)}
			if isList {
				id.document += "." + strconv.Itoa(j)
			}
			for _, part := range []struct {
				into *string
				path []string
			}{{&id.kind, []string{"kind"}}, {&id.group, []string{"apiVersion"}}, {&id.name, []string{"metadata", "name"}}, {&id.namespace, []string{"metadata", "namespace"}}} {
				if v := field(n, part.path...); v != nil {
					*part.into = v.Value
				}
			}
			group, _, found := strings.Cut(id.group, "/")
			if !found {
				group = ""
			}
			id.group = group
			out = append(out, id)
		}
	}
	return out
}

// explain turns the error of a build into one finding at the place that causes
// it: the build is cut short after fewer and fewer steps until the last one that
// it takes is the first that fails.
func (p *program) explain(c *closure, cause error) diag.Diagnostic {
	s, reason := p.firstFailure(c, cause)
	message := plainMessage(reason.Error())
	d := diag.Diagnostic{
		Rule: RuleFailed, Severity: diag.Error,
		Summary: "kustomize cannot build this: " + message,
		Range:   c.root.at(nil),
	}
	if s == nil {
		d.Range = p.settings()
	} else {
		d.Range = s.at()
		if file := p.fileOf(*s); file != "" {
			d.Related = append(d.Related, diag.Related{Range: diag.Range{Path: file, Start: diag.Pos{Line: 1, Column: 1}}, Message: "the file it names"})
		}
		p.sharpen(*s, message, &d)
	}
	if d.Range.Path != c.root.path {
		d.Related = append(d.Related, diag.Related{Range: c.root.at(nil), Message: "built from here"})
	}
	return d
}

// settings is the place of the first field that changes how kustomize builds
// and is no step of the build.
func (p *program) settings() diag.Range {
	for _, v := range append([]*visit{p.root}, p.visits(p.root)...) {
		for _, key := range []string{"openapi", "crds", "configurations"} {
			if at, _ := keyed(v.root, key); at != nil {
				return v.at(at)
			}
		}
	}
	return p.root.at(nil)
}

// visits lists all visits below one.
func (p *program) visits(v *visit) (out []*visit) {
	for _, it := range slices.Concat(v.items, v.components) {
		if it.visit != nil {
			out = append(append(out, it.visit), p.visits(it.visit)...)
		}
	}
	return out
}

// firstFailure is the step with which a build begins to fail, nil where the
// failure belongs to none, and the error that it gives.
func (p *program) firstFailure(c *closure, cause error) (*step, error) {
	low, high := 0, len(p.steps) // the failure is in [low, high)
	fails := func(last int) error {
		_, err := p.build(c, variant{last: last})
		return err
	}
	whole := fails(len(p.steps) - 1)
	if whole == nil || len(p.steps) == 0 {
		return nil, cause
	}
	if _, err := p.build(c, variant{none: true}); err != nil {
		return nil, err
	}
	reason := whole
	for low < high-1 {
		middle := (low + high) / 2
		if err := fails(middle - 1); err != nil {
			high, reason = middle, err
		} else {
			low = middle
		}
	}
	return &p.steps[low], reason
}

// fileOf is the file that a step reads.
func (p *program) fileOf(s step) string {
	if s.kind == stepResource && s.visit.items[s.index].visit == nil {
		return s.visit.items[s.index].path
	}
	if content, ok := p.patches[s.number]; ok && len(content.docs) > 0 && content.docs[0].Range.Path != s.visit.path {
		return content.docs[0].Range.Path
	}
	return ""
}

var (
	duplicateID  = regexp.MustCompile(`may not add resource with an already registered id: (\S+)`)
	noPatchMatch = regexp.MustCompile(`no (?:resource matches strategic merge patch|matches for (?:Id|Current))`)
	missingPath  = regexp.MustCompile(`(add|remove|replace|test|move|copy) operation does not apply: doc is missing (?:path|key): "?([^":]+)"?`)
)

// sharpen makes the finding about the failure of a step say more than kustomize
// does, where the kind of failure is known.
func (p *program) sharpen(s step, message string, d *diag.Diagnostic) {
	switch content := p.patches[s.number]; {
	case s.kind == stepConfigMap || s.kind == stepSecret:
		sharpenGenerator(s, message, d)
	case duplicateID.MatchString(message):
		p.sharpenDuplicate(s, d)
	case noPatchMatch.MatchString(message) && len(content.docs) > 0:
		d.Rule = RulePatch
		p.sharpenPatch(content, d)
	case missingPath.MatchString(message) && content.operations:
		p.sharpenOperation(content, missingPath.FindStringSubmatch(message), d)
	case len(content.docs) == 1:
		d.Range = content.docs[0].Range
		d.Related = append(d.Related[:0:0], diag.Related{Range: s.at(), Message: "listed here"})
	}
}

// sharpenGenerator says why a generator cannot work, without what it generates.
func sharpenGenerator(s step, message string, d *diag.Diagnostic) {
	kind, name := "ConfigMap", text(s.node, "name")
	if s.kind == stepSecret {
		kind, d.Sensitive = "Secret", true
		d.Summary = fmt.Sprintf("kustomize cannot generate the Secret %s", name)
	}
	if n := field(s.node, "name"); n != nil {
		d.Range = s.visit.at(n)
	}
	switch {
	case strings.Contains(message, "behavior must be merge or replace"):
		d.Summary = fmt.Sprintf("the %s %s is there already", kind, name)
		d.Detail = "Write behavior: merge or behavior: replace to change it, or give the new one another name."
	case strings.Contains(message, "cannot merge or replace"):
		d.Summary = fmt.Sprintf("there is no %s %s that this could change", kind, name)
		d.Detail = "Behavior merge and replace are for an object that another kustomization below made. Take the line away to create it."
	case strings.Contains(message, "illegally repeats the key"):
		_, key, _ := strings.Cut(message, "repeats the key ")
		d.Summary = fmt.Sprintf("the %s %s has the key %s twice", kind, name, key)
	}
}

func (p *program) sharpenDuplicate(s step, d *diag.Diagnostic) {
	seen := make(map[string]identity)
	for _, id := range p.identities() {
		key := strings.Join([]string{id.group, id.kind, id.namespace, id.name}, "\x00")
		first, dup := seen[key]
		if !dup || id.step < first.step {
			seen[key] = id
			continue
		}
		if id.step != s.number && !p.below(s, id.step) {
			continue
		}
		d.Summary = fmt.Sprintf("the %s %s is in this build twice", id.kind, id.name)
		d.Detail = "Remove one of the two, or patch the first instead of writing the second."
		d.Range = id.at
		d.Related = []diag.Related{{Range: first.at, Message: "first written here"}}
		if s.at() != id.at {
			d.Related = append(d.Related, diag.Related{Range: s.at(), Message: "the second is brought in here"})
		}
		return
	}
}

// below reports whether a step belongs to the kustomization that s brings in.
func (p *program) below(s step, number int) bool {
	if s.kind != stepResource || s.visit.items[s.index].visit == nil || number >= len(p.steps) {
		return false
	}
	for v := p.steps[number].visit; v != nil; v = v.host {
		if v == s.visit.items[s.index].visit {
			return true
		}
	}
	return false
}

func (p *program) sharpenPatch(content patchContent, d *diag.Diagnostic) {
	ids := p.identities()
	doc := content.docs[0].Node
	for _, candidate := range content.docs {
		if !known(ids, candidate.Node) {
			doc = candidate.Node
			break
		}
	}
	kind, name := text(doc, "kind"), text(doc, "metadata", "name")
	var names []string
	for _, id := range ids {
		if id.kind == kind {
			names = append(names, id.name)
		}
	}
	listed := d.Range
	d.Summary = fmt.Sprintf("the patch is for the %s %s, which is not in this build", kind, name)
	d.Detail = "The apiVersion, kind, name and namespace of a patch must be those of the object before any prefix or namespace is added to it."
	if near := diag.DidYouMean(name, names); near != "" {
		d.Detail = fmt.Sprintf("Did you mean the name %s?", near)
	}
	d.Range = manifest.Place{Node: doc}.Range(content.docs[0].Range.Path)
	if n := field(doc, "metadata", "name"); n != nil {
		d.Range = manifest.Place{Node: n}.Range(content.docs[0].Range.Path)
	}
	d.Related = []diag.Related{{Range: listed, Message: "listed here"}}
}

func text(n *yaml.Node, path ...string) string {
	if value := field(n, path...); value != nil && value.ShortTag() != "!!null" {
		return value.Value
	}
	return ""
}

func known(ids []identity, n *yaml.Node) bool {
	for _, id := range ids {
		if id.kind == text(n, "kind") && id.name == text(n, "metadata", "name") {
			return true
		}
	}
	return false
}

func (p *program) sharpenOperation(content patchContent, match []string, d *diag.Diagnostic) {
	for _, op := range content.docs[0].Node.Content {
		op = deref(op)
		at := field(op, "path")
		if at == nil || text(op, "op") != match[1] || !strings.HasPrefix(at.Value, strings.TrimSpace(match[2])) {
			continue
		}
		listed := d.Range
		d.Summary = fmt.Sprintf("the operation %s %s does not apply: there is nothing at that path", match[1], at.Value)
		d.Detail = "An add needs the parent to exist, a remove or replace the value itself."
		d.Range = manifest.Place{Node: at}.Range(content.docs[0].Range.Path)
		d.Related = []diag.Related{{Range: listed, Message: "listed here"}}
		return
	}
}

// nesting is what kustomize puts around the cause of a failure, once for every
// kustomization on the way to it.
var nesting = regexp.MustCompile(`(?s)^(?:accumulating resources: |accumulating components: |accumulation err='.*?': |accumulating resources from '[^']*': |accumulateDirectory: |loader\.New |recursed accumulation of path '[^']*': |recursed merging from path '[^']*': |merging resources from '[^']*': |couldn't make target for path '[^']*': |merging from generator .*?: )`)

// Some messages repeat what they are about, secrets and all.
var (
	configuration = regexp.MustCompile("(?s)trouble configuring builtin \\S+ with config: `.*?`: ")
	patchSource   = regexp.MustCompile(`(?s) from \[(path: "[^"]*")\]|(?:: | from )\[patch: ".*"\]`)
	literals      = regexp.MustCompile(`(?s)literal sources \[.*?\]:|env source files: \[.*?\]:|loading KV pairs:?`)
)

// plainMessage takes the nesting off a message of kustomize's.
func plainMessage(message string) string {
	for {
		message = strings.TrimSpace(message)
		if unquoted, ok := strings.CutPrefix(message, `"`); ok && strings.HasSuffix(unquoted, `"`) {
			message = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, " ").Replace(strings.TrimSuffix(unquoted, `"`))
			continue
		}
		at := nesting.FindStringIndex(message)
		if at == nil {
			break
		}
		message = message[at[1]:]
	}
	message = configuration.ReplaceAllString(message, "")
	message = literals.ReplaceAllString(message, "")
	message = patchSource.ReplaceAllString(message, "$1")
	message = strings.Join(strings.Fields(message), " ")
	const longest = 300
	if runes := []rune(message); len(runes) > longest {
		message = string(runes[:longest]) + " ..."
	}
	return message
}
