package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"strake/generator/diag"
)

// references reports every name in a directory that stands for nothing, every
// function that Terraform does not have, and what refers to itself.
func (r *reader) references(c *config) {
	edges := map[string][]edge{}
	for _, list := range [][]*item{c.variables, c.locals, c.outputs, c.calls, c.resources} {
		for _, it := range list {
			names := local(it)
			see := func(e hclsyntax.Expression) {
				r.check(c, e, names)
				for _, t := range hclsyntax.Variables(e) {
					if to, _ := target(t); to != "" && !slices.Contains(names, t.RootName()) {
						edges[it.address] = append(edges[it.address], edge{to, t.SourceRange()})
					}
				}
			}
			if it.expr != nil {
				see(it.expr)
				continue
			}
			visit(it.body, it.kind, see)
		}
	}
	for _, list := range [][]*block{c.terraform, c.providers, c.checks} {
		for _, b := range list {
			visit(b.body, b.kind, func(e hclsyntax.Expression) { r.check(c, e, nil) })
		}
	}
	r.cycles(c, edges)
}

type edge struct {
	to string
	at hcl.Range
}

// local lists the names that mean something only inside a block.
func local(it *item) []string {
	var names []string
	if it.body == nil {
		return nil
	}
	if it.body.get("count") != nil {
		names = append(names, "count")
	}
	if it.body.get("for_each") != nil {
		names = append(names, "each")
	}
	if it.kind == "resource" || it.kind == "data" {
		names = append(names, "self")
	}
	return append(names, iterators(it.body)...)
}

// iterators are the names that dynamic blocks give their element.
func iterators(b *body) []string {
	var names []string
	for _, c := range b.blocks {
		if c.kind == "dynamic" && len(c.labels) == 1 {
			name := c.labels[0]
			if e := c.body.get("iterator"); e != nil {
				if word := hcl.ExprAsKeyword(e); word != "" {
					name = word
				}
			}
			names = append(names, name)
		}
		names = append(names, iterators(c.body)...)
	}
	return names
}

// visit calls f with every expression of a body that Terraform evaluates. Names
// of types, providers and paths look like references, and are none.
func visit(b *body, kind string, f func(hclsyntax.Expression)) {
	for _, name := range b.order {
		a := b.attrs[name]
		if a == nil || slices.Contains(names(kind), name) {
			continue
		}
		f(a.expr)
	}
	for _, c := range b.blocks {
		if c.kind == "required_providers" || c.kind == "provider_meta" {
			continue
		}
		inner := c.kind
		if kind == "resource" || kind == "data" || kind == "content" || kind == "dynamic" {
			if inner != "lifecycle" && inner != "dynamic" {
				inner = "content"
			}
		}
		visit(c.body, inner, f)
	}
}

// names are the arguments of a kind of block that hold names, not expressions.
func names(kind string) []string {
	switch kind {
	case "variable":
		return []string{"type"}
	case "resource", "data", "ephemeral":
		return []string{"provider"}
	case "module":
		return []string{"providers"}
	case "lifecycle":
		return []string{"ignore_changes"}
	case "dynamic":
		return []string{"iterator"}
	default:
		return nil
	}
}

// check reports what an expression names and nobody declares.
func (r *reader) check(c *config, e hclsyntax.Expression, inside []string) {
	for _, t := range hclsyntax.Variables(e) {
		r.reference(c, t, inside)
	}
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok || r.functions.known(strings.TrimPrefix(call.Name, "core::")) {
			return nil
		}
		d := diag.Diagnostic{
			Rule: "terraform-reference", Severity: diag.Warning, Range: r.at(call.NameRange),
			Summary: fmt.Sprintf("there is no function %s()", call.Name),
			Detail:  "Terraform 1.14 has none of that name, so the value is unknown here.",
		}
		if near := diag.DidYouMean(call.Name, r.functions.names()); near != "" {
			d.Severity, d.Detail = diag.Error, "Did you mean "+near+"()?"
		}
		r.find(d)
		return nil
	})
}

func (r *reader) reference(c *config, t hcl.Traversal, inside []string) {
	root := t.RootName()
	at := r.at(t.SourceRange())
	switch {
	case slices.Contains(inside, root) || root == "self":
		return
	case root == "each" || root == "count":
		argument := map[string]string{"each": "for_each", "count": "count"}[root]
		r.find(diag.Diagnostic{
			Rule: "terraform-reference", Severity: diag.Error, Range: at,
			Summary: fmt.Sprintf("%s is used where no %s is", root, argument),
			Detail:  fmt.Sprintf("Set %s in the block, or write the value.", argument),
		})
		return
	case root == "path":
		r.oneOf(at, root, step(t, 1), []string{"module", "root", "cwd"})
		return
	case root == "terraform":
		r.oneOf(at, root, step(t, 1), []string{"workspace", "applying"})
		return
	}
	address, n := target(t)
	if address == "" {
		if slices.Contains([]string{"var", "local", "module", "data"}, root) || strings.Contains(root, "_") || len(t) < 2 {
			r.find(diag.Diagnostic{
				Rule: "terraform-reference", Severity: diag.Error, Range: at,
				Summary: fmt.Sprintf("%s is no whole reference", written(t)),
				Detail:  "A resource is named TYPE.NAME, a data source data.TYPE.NAME, others var.NAME, local.NAME or module.NAME. Text stands in quotes.",
			})
		}
		return
	}
	r.stateRead(c, t, address, n)
	it, ok := c.named[address]
	if !ok {
		r.undeclared(c, address, at)
		return
	}
	if it.kind == "module" {
		r.moduleOutput(c, it, t, n)
	}
}

// written is a reference as a reader sees it, as far as it is names.
func written(t hcl.Traversal) string {
	var parts []string
	for i := range t {
		name := step(t, i)
		if name == "" {
			break
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, ".")
}

func (r *reader) oneOf(at diag.Range, root, got string, known []string) {
	if got == "" || slices.Contains(known, got) {
		return
	}
	r.find(diag.Diagnostic{
		Rule: "terraform-reference", Severity: diag.Error, Range: at,
		Summary: fmt.Sprintf("there is no %s.%s", root, got), Detail: "There is " + diag.OneOf(known) + ".",
	})
}

func (r *reader) undeclared(c *config, address string, at diag.Range) {
	kind, _, _ := strings.Cut(address, ".")
	var like []string
	for _, known := range slices.Sorted(maps.Keys(c.named)) {
		k, _, _ := strings.Cut(known, ".")
		special := k == "var" || k == "local" || k == "module" || k == "data" || k == "output" || k == "ephemeral"
		if k == kind || (!special && !slices.Contains([]string{"var", "local", "module", "data", "ephemeral"}, kind)) {
			like = append(like, known)
		}
	}
	what := map[string]string{
		"var": "A variable is declared by a variable block in the same directory.", "local": "A local value is declared in a locals block in the same directory.",
		"module": "A module is called by a module block in the same directory.", "data": "A data source is declared by a data block in the same directory.",
	}[kind]
	if what == "" {
		what = "A resource is declared by a resource block in the same directory; one of a module is reached through the module's outputs."
	}
	if near := diag.DidYouMean(address, like); near != "" {
		what = "Did you mean " + near + "?"
	}
	r.find(diag.Diagnostic{
		Rule: "terraform-reference", Severity: diag.Error, Range: at,
		Summary: address + " is not declared", Detail: what,
	})
}

// moduleOutput reports an output that a module of the repository does not have.
func (r *reader) moduleOutput(c *config, it *item, t hcl.Traversal, n int) {
	if it.body.get("count") != nil || it.body.get("for_each") != nil {
		if n < len(t) {
			if _, keyed := t[n].(hcl.TraverseIndex); keyed {
				n++
			}
		}
	}
	name := step(t, n)
	if name == "" {
		return
	}
	source, _ := literal(it.body.get("source"))
	dir, ok := localSource(c.dir, source)
	if !ok {
		return
	}
	callee, ok := r.load(dir)
	if !ok || callee.named["output."+name] != nil {
		return
	}
	var outputs []string
	for _, o := range callee.outputs {
		outputs = append(outputs, o.name())
	}
	d := diag.Diagnostic{
		Rule: "terraform-reference", Severity: diag.Error, Range: r.at(t.SourceRange()),
		Summary: fmt.Sprintf("%s has no output %q", it.address, name),
		Detail:  fmt.Sprintf("%s has no outputs.", dir),
	}
	if len(outputs) > 0 {
		d.Detail = fmt.Sprintf("%s has %s.", dir, diag.OneOf(outputs))
	}
	if near := diag.DidYouMean(name, outputs); near != "" {
		d.Detail = "Did you mean " + near + "?"
	}
	r.find(d)
}

// cycles reports locals and resources of a directory that refer to themselves.
// Modules are left out: Terraform follows their inputs and outputs one by one.
func (r *reader) cycles(c *config, edges map[string][]edge) {
	const (
		open = 1
		done = 2
	)
	state := map[string]int{}
	var chain []string
	var follow func(string)
	follow = func(from string) {
		state[from] = open
		chain = append(chain, from)
		for _, e := range edges[from] {
			to := c.named[e.to]
			if to == nil || to.kind == "module" || to.kind == "variable" {
				continue
			}
			switch state[e.to] {
			case 0:
				if len(chain) < 10*maxDepth {
					follow(e.to)
				}
			case open:
				loop := append(slices.Clone(chain[slices.Index(chain, e.to):]), e.to)
				r.find(diag.Diagnostic{
					Rule: "terraform-cycle", Severity: diag.Error, Range: r.at(e.at),
					Summary: e.to + " refers to itself",
					Detail:  "The way is " + strings.Join(loop, ", ") + ". Terraform refuses it: take one of the references out.",
				})
			}
		}
		chain = chain[:len(chain)-1]
		state[from] = done
	}
	for _, list := range [][]*item{c.locals, c.resources} {
		for _, it := range list {
			if state[it.address] == 0 {
				follow(it.address)
			}
		}
	}
}

// stateRead notes what is asked for of another root.
func (r *reader) stateRead(c *config, t hcl.Traversal, address string, n int) {
	if !strings.HasPrefix(address, "data.terraform_remote_state.") {
		return
	}
	if n < len(t) {
		if _, keyed := t[n].(hcl.TraverseIndex); keyed {
			n++
		}
	}
	if output := step(t, n+1); step(t, n) == "outputs" && output != "" {
		r.reads = append(r.reads, StateRead{Address: address, Output: output, Dir: c.dir, Range: r.at(t.SourceRange())})
	}
}
