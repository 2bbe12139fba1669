package terraform

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"strake/generator/diag"
)

// root reads everything.
func (r *reader) root() *Root {
	out := &Root{Dir: r.dir}
	c, ok := r.load(r.dir)
	if !ok {
		r.find(diag.Diagnostic{
			Rule: "terraform-unread", Severity: diag.Error, Range: diag.Range{Path: r.dir},
			Summary: "there are no Terraform files in the directory", Detail: "Terraform reads files named *.tf and *.tf.json.",
		})
		out.Coverage = r.coverage
		return out
	}
	m := newModule(c)
	m.inputs = r.inputs(c)
	r.settings(out, m)
	for _, it := range c.variables {
		out.Variables = append(out.Variables, r.rootVariable(m, it))
	}
	for _, it := range c.locals {
		v, _ := r.resolve(m, it.address)
		out.Locals = append(out.Locals, Local{Name: it.name(), Value: r.present(m, it.expr, v.val), Range: r.at(it.head)})
	}
	r.collect(out, m)
	for _, it := range c.outputs {
		sensitive, _ := r.literalBool(it.body.get("sensitive"))
		o := Output{Name: it.name(), Sensitive: sensitive, Range: r.at(it.head)}
		if e := it.body.get("value"); e != nil {
			o.Value = r.present(m, e, r.output(m, it.name()))
		}
		out.Outputs = append(out.Outputs, o)
	}
	for name, src := range r.sources {
		if src != nil {
			out.Files = append(out.Files, name)
		}
	}
	slices.Sort(out.Files)
	out.StateReads = r.reads
	r.coverage.Files = len(out.Files)
	out.Coverage = r.coverage
	return out
}

// settings reads the terraform blocks.
func (r *reader) settings(out *Root, m *module) {
	for _, b := range m.config.terraform {
		if e := b.body.get("required_version"); e != nil {
			out.RequiredVersion = r.value(m, &scope{module: m}, e)
		}
		for _, child := range b.body.blocks {
			switch child.kind {
			case "required_providers":
				r.requiredProviders(out, m, child)
			case "backend", "cloud":
				be := &Backend{Type: child.kind, Body: r.body(m, &scope{module: m}, child, nil)}
				if child.kind == "backend" && len(child.labels) == 1 {
					be.Type = child.labels[0]
				}
				out.Backend = be
			}
		}
	}
}

func (r *reader) requiredProviders(out *Root, m *module, b *block) {
	for _, name := range b.body.order {
		a := b.body.attrs[name]
		if a == nil {
			continue
		}
		p := RequiredProvider{Name: name, Range: r.at(a.rng)}
		fields := pairs(a.expr)
		if fields == nil { // the form of Terraform 0.12: only a version
			p.Version = r.value(m, &scope{module: m}, a.expr)
		} else {
			p.Source = r.value(m, &scope{module: m}, fields["source"])
			p.Version = r.value(m, &scope{module: m}, fields["version"])
		}
		out.RequiredProviders = append(out.RequiredProviders, p)
	}
}

func (r *reader) rootVariable(m *module, it *item) Variable {
	v := Variable{Name: it.name(), Range: r.at(it.head)}
	if e := it.body.get("type"); e != nil {
		if src := r.sources[e.Range().Filename]; src != nil {
			v.Type = string(e.Range().SliceBytes(src.data))
		}
	}
	v.Description, _ = literal(it.body.get("description"))
	v.Sensitive, _ = r.literalBool(it.body.get("sensitive"))
	v.Default = Value{Range: v.Range, Origin: v.Range}
	var from hclsyntax.Expression
	if e := it.body.get("default"); e != nil {
		v.Default = r.value(m, &scope{module: m}, e)
		v.Default.Sensitive = v.Default.Sensitive || v.Sensitive
		from = e
	}
	at := v.Default.Range
	in, set := m.inputs[it.name()]
	if set {
		at, from = in.at, nil
	}
	v.Value = r.convert(r.variable(m, it), from, at, nil)
	return v
}

// collect reads what a module instance, and those below it, declare.
func (r *reader) collect(out *Root, m *module) {
	for _, b := range m.config.providers {
		out.Providers = append(out.Providers, Provider{
			Name: b.labels[0], Alias: alias(b.body), Module: m.address, Body: r.body(m, &scope{module: m}, b, []string{"alias", "version"}),
		})
	}
	for _, it := range m.config.resources {
		if it.kind == "ephemeral" {
			continue
		}
		for _, in := range r.expandResource(m, it).instances {
			res := r.resource(m, in)
			r.count(res)
			if res.Data {
				out.Data = append(out.Data, res)
			} else {
				out.Resources = append(out.Resources, res)
			}
		}
	}
	for _, b := range m.config.changes {
		if m.parent == nil || b.kind == "moved" {
			out.Changes = append(out.Changes, Change{
				Kind: b.kind, From: join(m.address, dotted(b.body.get("from"))), To: join(m.address, dotted(b.body.get("to"))), Range: r.at(b.head),
			})
		}
	}
	for _, it := range m.config.calls {
		r.collectCall(out, m, it)
	}
}

func (r *reader) collectCall(out *Root, m *module, it *item) {
	call := ModuleCall{
		Address: join(m.block(), it.address), Range: r.at(it.head), Inputs: map[string]Value{},
	}
	call.Source, _ = literal(it.body.get("source"))
	call.Version = r.value(m, &scope{module: m}, it.body.get("version"))
	cs := r.expandCall(m, it)
	in := &scope{module: m}
	if len(cs.instances) > 0 {
		in = cs.instances[0].scope
		call.Dir = cs.instances[0].config.dir
	} else if dir, ok := localSource(m.config.dir, call.Source); ok && len(cs.keys) == 0 && cs.doubt == cty.NilVal {
		call.Dir = dir
	}
	for _, name := range it.body.order {
		if a := it.body.attrs[name]; a != nil && !slices.Contains(moduleArguments(), name) {
			call.Inputs[name] = r.value(m, in, a.expr)
		}
	}
	first := !slices.ContainsFunc(out.Modules, func(c ModuleCall) bool { return c.Address == call.Address })
	if first {
		out.Modules = append(out.Modules, call)
		r.judgeCall(m, it, call)
	}
	for _, child := range cs.instances {
		r.collect(out, child)
	}
}

// moduleArguments are Terraform's own arguments of a module call.
func moduleArguments() []string {
	return []string{"source", "version", "count", "for_each", "providers", "depends_on"}
}

// judgeCall reports a call that is not read, and arguments that do not fit.
func (r *reader) judgeCall(m *module, it *item, call ModuleCall) {
	d := diag.Diagnostic{Range: r.at(it.head), Severity: diag.Error}
	if e := it.body.get("source"); e != nil {
		d.Range = r.at(e.Range())
	}
	dir, local := localSource(m.config.dir, call.Source)
	c, ok := r.configs[dir]
	switch {
	case call.Source == "":
		r.coverage.NotRead++
		d.Rule, d.Summary = "terraform-module-missing", it.address+" has no source that is written out"
		d.Detail = "The source must be a text without references."
		r.find(d)
	case !local:
		r.coverage.NotRead++
		d.Rule, d.Severity = "terraform-module-unread", diag.Info
		d.Summary = fmt.Sprintf("%s is not read: its source is not in the repository", it.address)
		d.Detail = "What it creates is not known, and what depends on it is not checked. Only modules with a path like ./modules/NAME are read."
		r.find(d)
	case !ok || c == nil:
		r.coverage.NotRead++
		d.Rule, d.Summary = "terraform-module-missing", fmt.Sprintf("%s holds no Terraform files", dir)
		d.Detail = "The path is relative to the directory of the file that calls the module."
		r.find(d)
	default:
		r.coverage.Modules++
		r.judgeInputs(it, c)
	}
}

func (r *reader) judgeInputs(it *item, c *config) {
	var known []string
	for _, v := range c.variables {
		known = append(known, v.name())
		if v.body.get("default") == nil && it.body.get(v.name()) == nil {
			r.find(diag.Diagnostic{
				Rule: "terraform-module-input", Severity: diag.Error, Range: r.at(it.head),
				Summary: fmt.Sprintf("%s does not set %s, which has no default", it.address, v.name()),
				Detail:  "Set it in the module block, or give the variable a default.",
				Related: []diag.Related{{Range: r.at(v.head), Message: "the variable"}},
			})
		}
	}
	for _, name := range it.body.order {
		if it.body.attrs[name] == nil || slices.Contains(moduleArguments(), name) || slices.Contains(known, name) {
			continue
		}
		d := diag.Diagnostic{
			Rule: "terraform-module-input", Severity: diag.Error, Range: r.at(it.body.attrs[name].rng),
			Summary: fmt.Sprintf("%s sets %s, which is no variable of %s", it.address, name, c.dir),
			Detail:  "The module declares no variables.",
		}
		if len(known) > 0 {
			d.Detail = "The module has " + diag.OneOf(known) + "."
		}
		if near := diag.DidYouMean(name, known); near != "" {
			d.Detail = "Did you mean " + near + "?"
		}
		r.find(d)
	}
}

// resource reads one instance of a resource.
func (r *reader) resource(m *module, in *instance) *Resource {
	it := in.set.item
	out := &Resource{
		Address: in.address, Block: join(m.block(), it.address), Data: in.data(), Type: it.labels[0], Name: it.labels[1],
		Module: m.address, Provider: providerName(it), DependsOn: dependencies(it.body),
	}
	out.Uncertain = uncertainty(m, in)
	out.Body = r.body(m, in.scope, &block{kind: it.kind, head: it.head, body: it.body}, metaArguments())
	out.Lifecycle = r.lifecycle(m, in)
	out.computed = map[string]Value{}
	for _, name := range append(derivable(out.Type, out.Data), "workload_identity_config", "outputs", "output") {
		if out.Has(name) && !out.Body.Get(name).Unset() {
			continue
		}
		if v, ok := r.derive(in, name); ok {
			out.computed[name] = r.convert(v, nil, out.Range, nil)
		}
	}
	return out
}

// uncertainty says why an instance may not exist: its own count or for_each, or
// that of a module around it.
func uncertainty(m *module, in *instance) string {
	if in.set.doubt != cty.NilVal {
		_, marks := in.set.doubt.Unmark()
		return reason(marks)
	}
	for ; m.parent != nil; m = m.parent {
		if cs := m.parent.calls[m.call.address]; cs != nil && cs.doubt != cty.NilVal {
			_, marks := cs.doubt.Unmark()
			return reason(marks)
		}
	}
	return ""
}

func dependencies(b *body) []string {
	var out []string
	for _, e := range exprList(b.get("depends_on")) {
		out = append(out, dotted(e))
	}
	return out
}

func (r *reader) lifecycle(m *module, in *instance) Lifecycle {
	blocks := in.set.item.body.of("lifecycle")
	if len(blocks) == 0 {
		return Lifecycle{}
	}
	b := blocks[0]
	out := Lifecycle{Range: r.at(b.head)}
	out.PreventDestroy = r.value(m, in.scope, b.body.get("prevent_destroy"))
	out.CreateBeforeDestroy = r.value(m, in.scope, b.body.get("create_before_destroy"))
	e := b.body.get("ignore_changes")
	if e != nil && dotted(e) == "all" {
		out.IgnoreChanges = []string{"all"}
	}
	for _, x := range exprList(e) {
		if t, found := hcl.AbsTraversalForExpr(x); !found.HasErrors() {
			out.IgnoreChanges = append(out.IgnoreChanges, ignored(t))
		} else if s, ok := literal(x); ok {
			out.IgnoreChanges = append(out.IgnoreChanges, s)
		}
	}
	return out
}

// ignored writes a path of ignore_changes as Get reads it.
func ignored(t hcl.Traversal) string {
	var parts []string
	for i, s := range t {
		if index, ok := s.(hcl.TraverseIndex); ok {
			if index.Key.Type() == cty.String {
				parts = append(parts, index.Key.AsString())
			} else {
				parts = append(parts, index.Key.AsBigFloat().Text('f', 0))
			}
			continue
		}
		parts = append(parts, step(t, i))
	}
	return strings.Join(parts, ".")
}

// body evaluates a block's content.
func (r *reader) body(m *module, s *scope, b *block, except []string) Body {
	return r.bodyAt(m, s, b, except, 0)
}

func (r *reader) bodyAt(m *module, s *scope, b *block, except []string, depth int) Body {
	out := Body{Range: r.at(b.head), attributes: make(map[string]Value, len(b.body.attrs))}
	for name, a := range b.body.attrs {
		if !slices.Contains(except, name) {
			out.attributes[name] = r.value(m, s, a.expr)
		}
	}
	if depth > maxNesting {
		return out
	}
	for _, child := range b.body.blocks {
		if slices.Contains(except, child.kind) {
			continue
		}
		expanded, doubt := r.expandDynamic(s, child)
		for _, one := range expanded {
			block := &Block{Type: blockTarget(child), Labels: child.labels}
			if child.kind == "dynamic" {
				block.Form, block.Labels = DynamicForm, nil
			}
			if doubt != cty.NilVal {
				_, marks := doubt.Unmark()
				block.Uncertain = reason(marks)
			}
			// "except" are Terraform's own names of a resource: below it they are
			// the provider's.
			block.Body = r.bodyAt(m, one.scope, inside(child, one.body), nil, depth+1)
			out.blocks = append(out.blocks, block)
		}
	}
	return out
}

func inside(outer *block, content *body) *block {
	return &block{kind: outer.kind, labels: outer.labels, head: outer.head, body: content}
}

// count adds a resource's attributes to the coverage.
func (r *reader) count(res *Resource) {
	r.coverage.Resources++
	res.Each(func(_ string, v Value) {
		switch {
		case v.Unknown() && len(v.Parts()) < 2:
			r.coverage.Unknown++
			if v.failed {
				r.coverage.Failed++
			}
		case !v.WhollyKnown():
			r.coverage.Partial++
		default:
			r.coverage.Evaluated++
		}
	})
}

// inputs reads the values of variables that Terraform takes without being told,
// and those of Options, the last winning.
func (r *reader) inputs(c *config) map[string]input {
	files, auto := []string{}, []string{}
	for _, name := range listFiles(r.fsys, c.dir) {
		switch {
		case strings.HasSuffix(name, ".auto.tfvars") || strings.HasSuffix(name, ".auto.tfvars.json"):
			auto = append(auto, path.Join(c.dir, name))
		case name == "terraform.tfvars" || name == "terraform.tfvars.json":
			files = append(files, path.Join(c.dir, name)) // in this order, as sorted
		}
	}
	files = append(append(files, auto...), r.opts.VarFiles...)
	out := map[string]input{}
	for _, name := range files {
		src, ok := r.read(name)
		if !ok {
			continue
		}
		var b *body
		if strings.HasSuffix(name, ".json") {
			b = r.parseJSON(src)
		} else {
			b = native(r.parse(src))
		}
		for _, key := range slices.Sorted(maps.Keys(b.attrs)) {
			a := b.attrs[key]
			if _, declared := c.named["var."+key]; !declared {
				r.undeclaredInput(c, key, r.at(a.rng))
				continue
			}
			if refs := hclsyntax.Variables(a.expr); len(refs) > 0 {
				r.find(diag.Diagnostic{
					Rule: "terraform-variable", Severity: diag.Error, Range: r.at(refs[0].SourceRange()), Sensitive: secretName(key),
					Summary: "a file of values refers to something", Detail: "Values of variables are literals: write the value.",
				})
				continue
			}
			out[key] = input{r.evaluate(&scope{module: newModule(c)}, a.expr), r.at(a.expr.Range())}
		}
	}
	return out
}

func (r *reader) undeclaredInput(c *config, name string, at diag.Range) {
	var known []string
	for _, v := range c.variables {
		known = append(known, v.name())
	}
	d := diag.Diagnostic{
		Rule: "terraform-variable", Severity: diag.Warning, Range: at, Sensitive: secretName(name),
		Summary: fmt.Sprintf("the value of %s goes nowhere: there is no such variable", name),
		Detail:  "Terraform warns, and goes on without it. Declare the variable, or remove the line.",
	}
	if near := diag.DidYouMean(name, known); near != "" {
		d.Detail = "Did you mean " + near + "?"
	}
	r.find(d)
}
