package spec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"strake/generator/diag"
)

// resolve turns the documents into one Effective per concrete environment.
func (l *loader) resolve() *Platform {
	spec := l.platform.spec
	p := &Platform{Name: l.platform.name.string(), Path: l.path}
	l.plain(spec.get("strake").get("version"), &p.Pin)
	if v := spec.dig("strake", "version"); p.Pin != "" && !p.Allows(l.toolVersion) {
		l.found = append(l.found, diag.Diagnostic{
			Rule: ruleToolVersion, Severity: diag.Warning, Range: v.at, Field: "spec.strake.version",
			Summary: fmt.Sprintf("the spec pins Strake %s and this is %s", p.Pin, l.toolVersion),
			Detail:  "This binary checks, but it does not render. Use the pinned version, or change the pin in a pull request of its own.",
		})
	}
	l.typed(spec.get("repository"), &p.Repository)
	l.typed(spec.get("removals"), &p.Removals)
	if n := spec.get("removals"); n != nil && n.kind == listKind {
		for _, item := range n.items {
			p.removalsAt = append(p.removalsAt, item.at)
		}
	}
	all := l.environments()
	for _, e := range all {
		if e.abstract {
			continue
		}
		if eff := l.environment(e); eff != nil {
			p.Environments = append(p.Environments, eff)
		}
	}
	l.references(all)
	l.fleet()
	l.removals(p)
	p.Files = slices.Sorted(slices.Values(l.files))
	return p
}

// plain reads a string, if there is one.
func (l *loader) plain(n *node, into *string) {
	if n != nil && n.kind == textKind {
		*into = n.text
	}
}

// typed decodes a part of the Platform that no environment changes.
func (l *loader) typed(n *node, into any) {
	v := reflect.ValueOf(into).Elem()
	d := &decoder{at: positions{}}
	d.value(n, shapeOf(v.Type()), tag{}, v, "")
}

// cluster is one entry of environments with what it extends.
type cluster struct {
	name     *node
	stage    *node
	abstract bool
	// chain is the environment's nodes from the most general to its own.
	chain []*node
}

// environments lists what is declared. One that extends something impossible is
// left out: it has its finding.
func (l *loader) environments() []cluster {
	list := l.platform.spec.get("environments")
	if !list.isList() {
		return nil
	}
	if len(list.items) == 0 {
		l.report(ruleRequired, list.at, "environments is empty", "A platform has at least one environment: - {name: dev}.")
	}
	var out []cluster
	for _, it := range list.items {
		if !it.isMap() || nameOf(it) == "" {
			continue
		}
		chain := l.chain(list, it)
		if chain == nil {
			continue
		}
		c := cluster{name: it.get("name"), stage: it.get("name"), chain: chain}
		if a := it.get("abstract"); a != nil && a.kind == boolKind {
			c.abstract = a.text == "true"
		}
		for _, n := range chain {
			if s := n.get("stage"); s != nil && s.kind == textKind {
				c.stage = s
			}
		}
		out = append(out, c)
	}
	return out
}

// chain follows extends. It returns nil, with a finding, where it leads nowhere
// or back.
func (l *loader) chain(list, start *node) []*node {
	chain := []*node{start}
	for at := start; ; {
		e := at.get("extends")
		switch {
		case e == nil, e.kind == nullKind:
			slices.Reverse(chain)
			return chain
		case e.kind != textKind:
			return nil
		}
		next := list.named(e.text)
		if next == nil {
			detail := "Declared: " + strings.Join(itemNames(list), ", ") + "."
			if guess := diag.DidYouMean(e.text, itemNames(list)); guess != "" {
				detail = "Did you mean " + guess + "? " + detail
			}
			l.report(ruleReference, e.at, fmt.Sprintf("environment %q, which this one extends, is not declared", e.text), detail)
			return nil
		}
		if slices.Contains(chain, next) {
			if next == start && first(list, chain) == start {
				l.report(ruleMerge, start.get("extends").at, fmt.Sprintf("environment %s extends itself", nameOf(start)), "Follow extends from here: it comes back.")
			}
			return nil
		}
		chain = append(chain, next)
		at = next
	}
}

// first is the node of a circle that stands first in the file: the circle is
// reported there, once.
func first(list *node, circle []*node) *node {
	for _, it := range list.items {
		if slices.Contains(circle, it) {
			return it
		}
	}
	return nil
}

// environment merges, expands, checks and decodes one environment.
func (l *loader) environment(c cluster) *Effective {
	var found diag.List
	m := &merger{pipeline: l.platform.spec.dig("defaults", "pipeline")}
	if m.pipeline != nil && !m.pipeline.isMap() {
		m.pipeline = nil
	}
	merged := l.mergeSettings(m, c)
	s := l.scope(c, merged, &found)
	top := []entry{
		{key: "environment", value: c.name},
		{key: "platform", value: l.platform.name},
		{key: "stage", value: c.stage},
		{key: "strake", value: textNode(l.toolVersion, positionOf(l.platform.spec.dig("strake", "version"), c.name))},
		{key: "repository", value: l.platform.spec.get("repository")},
	}
	root := &node{kind: mapKind, at: c.name.at}
	for _, e := range top {
		if e.value != nil {
			root.entries = append(root.entries, e)
		}
	}
	for _, e := range merged.entries {
		f := l.settings.field(e.key)
		e.value = s.expand(e.value, f.shape, f.tag, e.key)
		root.entries = append(root.entries, e)
	}
	if tenants := l.mergeTenants(m, c, s); len(tenants.items) > 0 {
		root.entries = append(root.entries, entry{key: "tenants", value: tenants})
	}
	ch := &checker{mode: mergedMode}
	root = ch.value(root, l.effective, tag{}, "", false)
	e := &Effective{positions: positions{}}
	d := &decoder{at: e.positions}
	d.value(root, l.effective, tag{}, reflect.ValueOf(e).Elem(), "")
	x := &examiner{e: e, unsettled: d.unsettled, limits: l.limits()}
	l.examined = append(l.examined, x)
	fill(e)
	l.templates(x)
	l.attachments(x)
	x.examine()
	found = slices.Concat(m.found, found, ch.found, x.found)
	l.found = append(l.found, found.In(c.name.text)...)
	return e
}

// positionOf is the place of the first node that there is.
func positionOf(nodes ...*node) diag.Range {
	for _, n := range nodes {
		if n != nil {
			return n.at
		}
	}
	return diag.Range{}
}

// mergeSettings lays defaults, the Release's versions and the environment's
// chain over each other.
func (l *loader) mergeSettings(m *merger, c cluster) *node {
	only := func(n *node) *node {
		if !n.isMap() {
			return nil
		}
		out := n.copy()
		out.entries = slices.DeleteFunc(out.entries, func(e entry) bool { return l.settings.field(e.key) == nil })
		return out
	}
	merged := m.over(nil, &node{kind: mapKind, at: c.name.at}, l.settings, "")
	if cd := l.platform.spec.get("argocd"); cd != nil {
		merged = m.over(merged, &node{kind: mapKind, at: cd.at, entries: []entry{{key: "argocd", at: cd.at, value: cd}}}, l.settings, "")
	}
	merged = m.over(merged, only(l.platform.spec.get("defaults")), l.settings, "")
	version := l.releases[c.stage.text].spec.dig("components", "workflows")
	if version != nil && version.scalar() && merged.get("workflows").isMap() {
		w := merged.get("workflows").copy()
		w.set(entry{key: "version", at: version.at, value: version})
		merged.set(entry{key: "workflows", at: w.at, value: w})
	}
	for _, n := range c.chain {
		merged = m.over(merged, only(n), l.settings, "")
	}
	return merged
}

// scope is what variables mean in the environment, outside of tenants.
func (l *loader) scope(c cluster, merged *node, found *diag.List) *scope {
	s := &scope{
		environment: c.name.text, stage: c.stage.text,
		values:   map[string]string{"environment": c.name.text, "stage": c.stage.text, "platform": l.platform.name.string()},
		declared: map[string]*node{}, cloud: merged.get("cloud"),
		facts: l.facts[c.name.text].spec.get("persistent"), images: l.releases[c.stage.text].spec.get("images"),
		used: l.used, resolving: map[string]bool{}, found: found,
	}
	s.declare(l.platform.spec.get("variables"))
	for _, n := range c.chain {
		s.declare(n.get("variables"))
	}
	return s
}

// mergeTenants returns the tenants that live in the environment, expanded.
func (l *loader) mergeTenants(m *merger, c cluster, s *scope) *node {
	list := &node{kind: listKind, at: c.name.at}
	for _, n := range c.chain {
		if n.get("tenants").string() == "none" {
			return list
		}
	}
	sh := &shape{kind: sequence, elem: l.tenant, named: true}
	for _, t := range l.tenants {
		overrides, lives := placement(t, c)
		if !lives {
			continue
		}
		at := "tenants[" + t.name.text + "]"
		merged := m.over(nil, &node{kind: mapKind, at: t.at}, l.tenant, at)
		for _, n := range append([]*node{l.platform.spec.dig("defaults", "tenant"), t.spec}, overrides...) {
			if n.isMap() {
				layer := n.without("name", "environments", "variables")
				layer.at = t.at // a tenant stands where it says its name
				merged = m.over(merged, layer, l.tenant, at)
			}
		}
		inner := s.inner(t.name.text, t.spec.get("variables"))
		for _, n := range overrides {
			inner.declare(n.get("variables"))
		}
		merged.entries = slices.Insert(merged.entries, 0, entry{key: "name", at: t.name.at, value: t.name})
		list.items = append(list.items, inner.expand(merged, l.tenant, tag{}, item("tenants", sh, merged, 0)))
	}
	slices.SortStableFunc(list.items, func(a, b *node) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return list
}

// placement says whether a tenant lives in an environment, and what is
// different for it there, the most general first.
func placement(t source, c cluster) (overrides []*node, lives bool) {
	n := t.spec.get("environments")
	if n == nil || n.kind == nullKind {
		return nil, true
	}
	if !n.isMap() {
		return nil, n.kind == brokenKind
	}
	names := []string{allEnvironments}
	for _, link := range c.chain {
		names = append(names, nameOf(link))
	}
	for _, name := range names {
		switch o := n.get(name); {
		case o == nil:
		case o.kind == nullKind:
			lives = false
		default:
			lives = true
			overrides = append(overrides, o)
		}
	}
	return overrides, lives
}

// limits are spec.tenantLimits.
func (l *loader) limits() *tenantLimits {
	n := l.platform.spec.get("tenantLimits")
	if !n.isMap() {
		return nil
	}
	var t tenantLimits
	l.typed(n, &t)
	return &t
}

// references checks the names of environments, stages, tenants and pipelines
// that other documents use.
func (l *loader) references(all []cluster) {
	var stages []string
	for _, c := range all {
		if !c.abstract {
			stages = append(stages, c.stage.text)
		}
	}
	declared := itemNames(l.platform.spec.get("environments"))
	for _, t := range l.tenants {
		n := t.spec.get("environments")
		if !n.isMap() {
			continue
		}
		if len(n.entries) == 0 {
			l.report(ruleValue, n.at, fmt.Sprintf("tenant %s lives in no environment", t.name.text), "Name environments, write $all: {}, or leave the key out.")
		}
		for _, e := range n.entries {
			if dnsLabel.MatchString(e.key) && !slices.Contains(declared, e.key) {
				l.unknownName(e.at, "environment", e.key, declared)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.facts)) {
		if !slices.Contains(declared, name) {
			l.unknownName(l.facts[name].at, "environment", name, declared)
		}
	}
	for _, stage := range slices.Sorted(maps.Keys(l.releases)) {
		r := l.releases[stage]
		if !slices.Contains(stages, stage) {
			l.unknownName(r.at, "stage", stage, stages)
			continue
		}
		if n := r.spec.get("images"); n.isMap() {
			for _, e := range n.entries {
				l.releaseKey(stage, e)
			}
		}
	}
}

// releaseKey says when nothing uses an image of a Release.
func (l *loader) releaseKey(stage string, e entry) {
	if l.used[stage+"\x00"+e.key] || !e.value.scalar() || !releaseKey.MatchString(e.key) {
		return
	}
	parts := strings.Split(e.key, "/")
	var tenants []string
	for _, t := range l.tenants {
		tenants = append(tenants, t.name.text)
		if t.name.text != parts[0] || len(parts) < 2 {
			continue
		}
		pipelines, services := t.spec.get("pipelines"), t.spec.get("services")
		if pipelines.named(parts[1]) == nil && services.named(parts[1]) == nil {
			l.unknownName(e.at, "pipeline or service", parts[1], append(itemNames(pipelines), itemNames(services)...))
			return
		}
		l.found = append(l.found, diag.Diagnostic{
			Rule: ruleRelease, Severity: diag.Warning, Range: e.at, Summary: fmt.Sprintf("nothing in stage %s uses the image of %s", stage, e.key),
			Detail: `Write image: "${release.image}" in the pipeline, task or service, or remove the line.`,
		})
		return
	}
	l.unknownName(e.at, "tenant", parts[0], tenants)
}

func (l *loader) unknownName(at diag.Range, what, name string, known []string) {
	detail := ""
	if len(known) > 0 {
		detail = "Declared: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ") + "."
	}
	if guess := diag.DidYouMean(name, known); guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	l.report(ruleReference, at, fmt.Sprintf("%s %q is not declared", what, name), detail)
}
