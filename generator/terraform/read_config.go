package terraform

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"strake/generator/diag"
)

// config is the configuration in one directory, as it is written: nothing is
// evaluated yet. One config serves every call of a module.
type config struct {
	dir   string
	files []string // configuration files that were read

	terraform []*block
	providers []*block
	changes   []*block
	checks    []*block
	variables []*item
	locals    []*item
	outputs   []*item
	calls     []*item
	resources []*item // and data sources, and ephemeral resources

	// named finds an item by the address that expressions use: var.x, local.x,
	// module.x, output.x, type.name, data.type.name.
	named map[string]*item
}

// item is what can be referred to.
type item struct {
	address string
	kind    string // variable, local, output, module, resource, data, ephemeral
	labels  []string
	head    hcl.Range
	body    *body                // nil for a local
	expr    hclsyntax.Expression // of a local
}

// name is the last label.
func (i *item) name() string { return i.labels[len(i.labels)-1] }

// body is a block's content, in whichever syntax it was written.
type body struct {
	attrs  map[string]*attr
	order  []string
	blocks []*block
}

type attr struct {
	name string
	expr hclsyntax.Expression
	rng  hcl.Range
}

type block struct {
	kind   string
	labels []string
	head   hcl.Range
	body   *body
}

// get returns an attribute's expression, nil without one.
func (b *body) get(name string) hclsyntax.Expression {
	if b == nil || b.attrs[name] == nil {
		return nil
	}
	return b.attrs[name].expr
}

// of returns the blocks of a kind.
func (b *body) of(kind string) []*block {
	var found []*block
	for _, child := range b.blocks {
		if child.kind == kind {
			found = append(found, child)
		}
	}
	return found
}

// native converts what HCL's parser gives.
func native(in *hclsyntax.Body) *body {
	out := &body{attrs: make(map[string]*attr, len(in.Attributes))}
	for name, a := range in.Attributes {
		out.attrs[name] = &attr{name: name, expr: a.Expr, rng: a.SrcRange}
		out.order = append(out.order, name)
	}
	slices.SortFunc(out.order, func(a, b string) int { return out.attrs[a].rng.Start.Byte - out.attrs[b].rng.Start.Byte })
	for _, b := range in.Blocks {
		out.blocks = append(out.blocks, &block{kind: b.Type, labels: b.Labels, head: b.DefRange(), body: native(b.Body)})
	}
	return out
}

// isConfig reports whether Terraform would read a file of this name.
func isConfig(name string) bool {
	return (strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json")) && !strings.HasPrefix(name, ".")
}

// isOverride reports whether a file is merged over the others.
func isOverride(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".tf")
	return name == "override" || strings.HasSuffix(name, "_override")
}

// load reads the configuration of a directory once. ok is false where there is
// none.
func (r *reader) load(dir string) (c *config, ok bool) {
	if c, done := r.configs[dir]; done {
		return c, c != nil
	}
	entries, err := fs.ReadDir(r.fsys, dir)
	var names, overrides []string
	for _, e := range entries {
		switch {
		case !isConfig(e.Name()) || e.IsDir():
		case isOverride(e.Name()):
			overrides = append(overrides, path.Join(dir, e.Name()))
		default:
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	if err != nil || len(names)+len(overrides) == 0 {
		r.configs[dir] = nil
		return nil, false
	}
	c = &config{dir: dir, named: map[string]*item{}}
	r.configs[dir] = c
	for _, name := range names {
		for _, b := range r.top(c, name) {
			r.declare(c, b)
		}
	}
	for _, name := range overrides { // in the order of their names: the last wins
		for _, b := range r.top(c, name) {
			r.override(c, b)
		}
	}
	r.references(c)
	return c, true
}

// top reads the blocks of a file.
func (r *reader) top(c *config, name string) []*block {
	src, ok := r.read(name)
	if !ok {
		return nil
	}
	c.files = append(c.files, name)
	var content *body
	if strings.HasSuffix(name, ".json") {
		content = r.parseJSON(src)
	} else {
		content = native(r.parse(src))
	}
	for _, attr := range content.order {
		r.find(diag.Diagnostic{
			Rule: "terraform-syntax", Severity: diag.Error, Range: r.at(content.attrs[attr].rng),
			Summary: fmt.Sprintf("an argument named %s is not expected here", attr),
			Detail:  "At the top of a file stand blocks: terraform, provider, variable, locals, module, resource, data, output.",
		})
	}
	return content.blocks
}

// declare adds a block of the top level.
func (r *reader) declare(c *config, b *block) {
	if !r.labelled(b) {
		return
	}
	switch b.kind {
	case "terraform":
		c.terraform = append(c.terraform, b)
	case "provider":
		c.providers = append(c.providers, b)
	case "moved", "import", "removed":
		c.changes = append(c.changes, b)
	case "check":
		c.checks = append(c.checks, b)
		for _, child := range b.body.of("data") {
			r.declare(c, child)
		}
	case "locals":
		for _, name := range b.body.order {
			a := b.body.attrs[name]
			r.add(c, &c.locals, &item{address: "local." + name, kind: "local", labels: []string{name}, head: a.rng, expr: a.expr})
		}
	case "variable":
		r.add(c, &c.variables, newItem("var.", b))
	case "output":
		r.add(c, &c.outputs, newItem("output.", b))
	case "module":
		r.add(c, &c.calls, newItem("module.", b))
	case "resource":
		r.add(c, &c.resources, newItem("", b))
	case "data", "ephemeral":
		r.add(c, &c.resources, newItem(b.kind+".", b))
	}
}

func newItem(prefix string, b *block) *item {
	return &item{address: prefix + strings.Join(b.labels, "."), kind: b.kind, labels: b.labels, head: b.head, body: b.body}
}

func (r *reader) add(c *config, list *[]*item, it *item) {
	if first, taken := c.named[it.address]; taken {
		r.find(diag.Diagnostic{
			Rule: "terraform-duplicate", Severity: diag.Error, Range: r.at(it.head),
			Summary: it.address + " is declared twice",
			Detail:  "Terraform refuses the whole directory. Remove one, or rename it; only a file named *_override.tf may repeat a declaration.",
			Related: []diag.Related{{Range: r.at(first.head), Message: "declared here too"}},
		})
		return
	}
	c.named[it.address] = it
	*list = append(*list, it)
}

// blockLabels says how many labels the blocks of Terraform's language have.
func blockLabels() map[string]int {
	return map[string]int{
		"terraform": 0, "locals": 0, "moved": 0, "import": 0, "removed": 0,
		"provider": 1, "variable": 1, "output": 1, "module": 1, "check": 1,
		"resource": 2, "data": 2, "ephemeral": 2,
	}
}

// labelled reports a block that Terraform's language does not have, and one
// with the wrong number of labels.
func (r *reader) labelled(b *block) bool {
	known := blockLabels()
	want, ok := known[b.kind]
	if ok && len(b.labels) == want {
		return true
	}
	d := diag.Diagnostic{Rule: "terraform-syntax", Severity: diag.Error, Range: r.at(b.head)}
	switch {
	case b.kind == "action" || b.kind == "list" || b.kind == "language":
		// Blocks of newer versions, which declare nothing that can be referred to.
		return false
	case ok:
		d.Summary = fmt.Sprintf("a %s block has %d labels, not %d", b.kind, want, len(b.labels))
	default:
		d.Summary = fmt.Sprintf("there is no block named %s", b.kind)
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		d.Detail = "There are " + diag.OneOf(names) + "."
		if near := diag.DidYouMean(b.kind, names); near != "" {
			d.Detail = "Did you mean " + near + "?"
		}
	}
	r.find(d)
	return false
}

// override merges a block of an override file, as Terraform does: arguments one
// by one, blocks inside it by their type as a whole.
func (r *reader) override(c *config, b *block) {
	if !r.labelled(b) {
		return
	}
	switch b.kind {
	case "terraform":
		r.overrideTerraform(c, b)
		return
	case "locals":
		for _, name := range b.body.order {
			a := b.body.attrs[name]
			if it, ok := c.named["local."+name]; ok {
				it.expr, it.head = a.expr, a.rng
				continue
			}
			r.declare(c, &block{kind: "locals", body: &body{attrs: map[string]*attr{name: a}, order: []string{name}}})
		}
		return
	case "provider":
		for _, p := range c.providers {
			if p.labels[0] == b.labels[0] && alias(p.body) == alias(b.body) {
				merge(p.body, b.body)
				return
			}
		}
		if alias(b.body) == "" {
			// A root without a provider block has an empty one: what overrides it
			// is the block (Terraform's internal/configs/module.go).
			r.declare(c, b)
			return
		}
	case "moved", "import", "removed", "check":
		r.declare(c, b)
		return
	default:
		prefix := map[string]string{"variable": "var.", "resource": ""}
		p, ok := prefix[b.kind]
		if !ok {
			p = b.kind + "."
		}
		if it, found := c.named[p+strings.Join(b.labels, ".")]; found {
			merge(it.body, b.body)
			return
		}
	}
	r.find(diag.Diagnostic{
		Rule: "terraform-override", Severity: diag.Error, Range: r.at(b.head),
		Summary: fmt.Sprintf("there is no %s %s to override", b.kind, strings.Join(b.labels, ".")),
		Detail:  "A file named override.tf or *_override.tf changes blocks that stand in other files of the directory. Declare it there, or rename the file.",
	})
}

// merge lays a body over another one.
func merge(under, over *body) {
	for _, name := range over.order {
		if under.attrs[name] == nil {
			under.order = append(under.order, name)
		}
		under.attrs[name] = over.attrs[name]
	}
	replaced := map[string]bool{}
	for _, b := range over.blocks {
		target := blockTarget(b)
		if target == "lifecycle" {
			if have := under.of("lifecycle"); len(have) > 0 {
				merge(have[0].body, b.body)
				continue
			}
		}
		if !replaced[target] {
			replaced[target] = true
			under.blocks = slices.DeleteFunc(under.blocks, func(u *block) bool { return blockTarget(u) == target })
		}
		under.blocks = append(under.blocks, b)
	}
}

// blockTarget is what a block adds to: dynamic "x" adds blocks named x.
func blockTarget(b *block) string {
	if b.kind == "dynamic" && len(b.labels) == 1 {
		return b.labels[0]
	}
	return b.kind
}

// overrideTerraform merges a terraform block: settings one by one, the providers
// by name, and a backend, or a cloud, replaces either.
func (r *reader) overrideTerraform(c *config, b *block) {
	for _, under := range c.terraform {
		for name := range b.body.attrs {
			delete(under.body.attrs, name)
		}
		under.body.order = slices.DeleteFunc(under.body.order, func(n string) bool { return b.body.attrs[n] != nil })
		for _, child := range b.body.blocks {
			switch child.kind {
			case "backend", "cloud":
				under.body.blocks = slices.DeleteFunc(under.body.blocks, func(u *block) bool { return u.kind == "backend" || u.kind == "cloud" })
			case "required_providers":
				for _, have := range under.body.of("required_providers") {
					for name := range child.body.attrs {
						delete(have.body.attrs, name)
					}
					have.body.order = slices.DeleteFunc(have.body.order, func(n string) bool { return child.body.attrs[n] != nil })
				}
			}
		}
	}
	c.terraform = append(c.terraform, b)
}

// alias is the literal alias of a provider block.
func alias(b *body) string {
	name, _ := literal(b.get("alias"))
	return name
}

// literal is a string that is written without any reference.
func literal(e hclsyntax.Expression) (string, bool) {
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		if len(e.Parts) == 0 {
			return "", true
		}
		if !e.IsStringLiteral() {
			return "", false
		}
		return literal(e.Parts[0])
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type().FriendlyName() == "string" && !e.Val.IsNull() {
			return e.Val.AsString(), true
		}
	}
	return "", false
}
