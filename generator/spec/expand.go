package spec

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"strake/generator/diag"
)

// builtIn lists the variables that need no declaration.
func builtIn() []string {
	return []string{"environment", "stage", "platform", "tenant", "project", "region"}
}

func isBuiltIn(name string) bool {
	return slices.Contains(builtIn(), name) || name == "release" || name == "facts"
}

// state is what became of a variable.
type state uint8

const (
	known state = iota
	unknown
	pending
	failed // it has its finding already
)

// variable is a value and what is known of it. A variable that is written
// elsewhere has the place there.
type variable struct {
	state state
	text  string
	at    diag.Range
}

// scope is what the variables mean at one place of one environment.
type scope struct {
	environment, stage string
	// values are the built-in variables that are settled.
	values map[string]string
	// declared holds the nodes of declared variables; the innermost wins.
	declared map[string]*node
	// cloud is the node that project and region come from, not yet expanded.
	cloud *node
	facts *node // spec.persistent of the environment's Facts, or nil
	// images are those of the stage's Release, by key; used counts the keys
	// that something refers to.
	images *node
	used   map[string]bool

	pipeline, task string
	// resolving guards against a variable that needs itself.
	resolving map[string]bool
	found     *diag.List
}

// inner returns a scope for a tenant with its own variables.
func (s *scope) inner(tenant string, declared *node) *scope {
	c := *s
	c.values = maps.Clone(s.values)
	c.values["tenant"] = tenant
	c.declared = maps.Clone(s.declared)
	c.declare(declared)
	return &c
}

// declare adds the variables of a map.
func (s *scope) declare(n *node) {
	if !n.isMap() {
		return
	}
	for _, e := range n.entries {
		switch {
		case isBuiltIn(e.key): // it has its finding
		case e.value.kind == nullKind:
			delete(s.declared, e.key)
		default:
			s.declared[e.key] = e.value
		}
	}
}

// lookup finds a variable. own says that only built-in variables count: the
// value of a declared variable is being read.
func (s *scope) lookup(name string, own bool) variable {
	if v, ok := s.values[name]; ok {
		return variable{text: v}
	}
	if fact, ok := strings.CutPrefix(name, "facts."); ok {
		n := s.facts.get(fact)
		switch {
		case n == nil, n.kind == nullKind:
			return variable{state: pending, text: fact}
		case !n.scalar():
			return variable{state: failed}
		}
		return variable{text: n.text}
	}
	switch name {
	case "project", "region":
		return s.ofCloud(name)
	case "release.image":
		return s.image()
	}
	n := s.declared[name]
	switch {
	case n == nil || own:
		return variable{state: unknown}
	case !n.scalar():
		return variable{state: failed}
	}
	out := s.text(n, "variables."+name, false, true)
	switch out.kind {
	case brokenKind:
		return variable{state: failed}
	case pendingKind:
		return variable{state: pending}
	}
	return variable{text: out.text}
}

// ofCloud is cloud.project or cloud.region, which may use other variables.
func (s *scope) ofCloud(name string) variable {
	n := s.cloud.get(name)
	switch {
	case n == nil, s.resolving[name]:
		return variable{state: unknown}
	case !n.scalar():
		return variable{state: failed}
	}
	s.resolving[name] = true
	defer delete(s.resolving, name)
	quiet := *s
	quiet.found = new(diag.List) // cloud itself is expanded, and reported, once
	out := quiet.text(n, "cloud."+name, false, false)
	switch out.kind {
	case brokenKind:
		return variable{state: failed}
	case pendingKind:
		return variable{state: failed}
	}
	return variable{text: out.text}
}

// image is the Release's image of the task, or of its pipeline or service.
func (s *scope) image() variable {
	if s.pipeline == "" {
		return variable{state: unknown}
	}
	key := s.values["tenant"] + "/" + s.pipeline
	for _, k := range []string{key + "/" + s.task, key} {
		n := s.images.get(k)
		if n == nil || n.kind == nullKind {
			continue
		}
		s.used[s.stage+"\x00"+k] = true
		if !n.scalar() {
			return variable{state: failed}
		}
		return variable{text: n.text, at: n.at}
	}
	return variable{state: unknown}
}

// names are the variables that could be meant at this place.
func (s *scope) names() []string {
	names := slices.Concat(builtIn(), slices.Collect(maps.Keys(s.declared)))
	if s.facts != nil {
		for _, e := range s.facts.entries {
			names = append(names, "facts."+e.key)
		}
	}
	if s.pipeline != "" {
		names = append(names, "release.image")
	}
	return names
}

// expand returns the node with every variable written out.
func (s *scope) expand(n *node, sh *shape, t tag, path string) *node {
	if n == nil {
		return nil
	}
	switch n.kind {
	case textKind:
		return s.text(n, path, t.literal, false)
	case mapKind:
		inner := s
		switch {
		case sh.typ == reflect.TypeFor[Pipeline](), sh.typ == reflect.TypeFor[Service]():
			c := *s
			c.pipeline = nameOf(n)
			inner = &c
		case sh.typ == reflect.TypeFor[Task]():
			c := *s
			c.task = nameOf(n)
			inner = &c
		}
		out := n.copy()
		for i, e := range out.entries {
			below, tags := opaqueShape, tag{}
			switch sh.kind {
			case structure:
				if f := sh.field(e.key); f != nil {
					below, tags = f.shape, f.tag
				}
			case dictionary:
				below = sh.elem
			}
			out.entries[i].value = inner.expand(e.value, below, tags, child(path, e.key))
		}
		return out
	case listKind:
		below := opaqueShape
		if sh.kind == sequence {
			below = sh.elem
		}
		out := n.copy()
		for i, it := range out.items {
			out.items[i] = s.expand(it, below, t, item(path, sh, it, i))
		}
		return out
	default:
		return n
	}
}

var reference = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// text expands one string, once: what a variable brings is not read again.
// literal leaves everything but declared variables as it is; own allows only
// built-in ones.
func (s *scope) text(n *node, path string, literal, own bool) *node {
	if !strings.Contains(n.text, "${") {
		return n
	}
	out := *n
	out.expanded = true
	var b strings.Builder
	rest, worst := n.text, known
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			break
		}
		at := len(n.text) - len(rest) + len(before)
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			rest = after
			continue
		}
		b.WriteString(before)
		name, tail, closed := strings.Cut(after, "}")
		if literal && (!closed || s.declared[name] == nil) {
			b.WriteString("${")
			rest = after
			continue
		}
		if !closed {
			s.report(n, path, at, 2, "${ has no }", "Close it, or write $${ to keep it as it is.")
			return n.broken()
		}
		v := s.lookup(name, own)
		if name == n.text[min(2, len(n.text)):max(2, len(n.text)-1)] && v.at.Start.Line > 0 {
			out.at, out.plain = v.at, false
		}
		switch v.state {
		case unknown:
			s.unknown(n, path, at, name, own)
		case pending:
			s.pendingFact(n, path, name, v)
		}
		worst = max(worst, v.state)
		if v.state == unknown {
			worst = failed
		}
		b.WriteString(v.text)
		rest = tail
	}
	switch worst {
	case pending:
		return &node{kind: pendingKind, at: n.at, raw: n.raw}
	case failed:
		return n.broken()
	}
	out.text, out.kind = b.String(), textKind
	return &out
}

// unknown words the finding for a variable that does not exist here.
func (s *scope) unknown(n *node, path string, at int, name string, own bool) {
	length := utf8.RuneCountInString(name) + 3
	switch {
	case name == "release.image" && s.pipeline != "":
		s.releaseMissing(n, path, at)
		return
	case name == "release.image":
		s.report(n, path, at, length, "${release.image} stands outside a pipeline or service", "A Release has one image per pipeline, task or service.")
		return
	case name == "tenant":
		s.report(n, path, at, length, "${tenant} stands outside a tenant", "Use it in a tenant, or in defaults.tenant and defaults.pipeline.")
		return
	case (name == "project" || name == "region") && s.resolving[name]:
		s.report(n, path, at, length, "${"+name+"} is used in its own value", "")
		return
	case name == "project" || name == "region":
		s.report(n, path, at, length, "${"+name+"} has no value", "Set cloud."+name+".")
		return
	case own && s.declared[name] != nil:
		s.report(n, path, at, length, fmt.Sprintf("variable ${%s} is used in the value of another", name), "The value of a variable may use only built-in variables: "+diag.OneOf(builtIn())+".")
		return
	case !reference.MatchString(name):
		s.report(n, path, at, length, fmt.Sprintf("${%s} is not a variable", shorten(name)), "Write $${ to keep it as it is.")
		return
	}
	detail := "Declare it under variables, or write $${" + name + "} to keep it as it is."
	if guess := diag.DidYouMean(name, s.names()); guess != "" {
		detail = "Did you mean ${" + guess + "}? " + detail
	}
	s.report(n, path, at, length, fmt.Sprintf("variable ${%s} is not known", name), detail)
}

func (s *scope) releaseMissing(n *node, path string, at int) {
	key := s.values["tenant"] + "/" + s.pipeline
	if s.task != "" {
		key += "/" + s.task
	}
	*s.found = append(*s.found, diag.Diagnostic{
		Rule: ruleRelease, Severity: diag.Error, Range: s.within(n, at, len("${release.image}")), Field: path,
		Summary: fmt.Sprintf("the release of stage %s has no image for %s", s.stage, key),
		Detail:  fmt.Sprintf("Add it under spec.images of the Release named %s.", s.stage),
	})
}

func (s *scope) pendingFact(n *node, path, name string, v variable) {
	fact := v.text
	if fact == "" {
		fact = strings.TrimPrefix(name, "facts.")
	}
	*s.found = append(*s.found, diag.Diagnostic{
		Rule: ruleFact, Severity: diag.Warning, Range: n.at, Field: path,
		Summary: fmt.Sprintf("fact %s of environment %s is not recorded yet", fact, s.environment),
		Detail:  "The value is left out until a Facts document of that environment has it: run terraform output and record it.",
	})
}

func (s *scope) report(n *node, path string, offset, length int, summary, detail string) {
	*s.found = append(*s.found, diag.Diagnostic{
		Rule: ruleVariable, Severity: diag.Error, Summary: summary, Detail: detail, Range: s.within(n, offset, length), Field: path,
	})
}

// within points at a variable inside a string, where the string is written on
// one line and without escapes.
func (s *scope) within(n *node, offset, length int) diag.Range {
	r := n.at
	runes := utf8.RuneCountInString(n.text)
	width := r.End.Column - r.Start.Column
	quote := 0
	if n.quoted {
		quote = 1
	}
	if !n.plain || width != runes+2*quote {
		return r
	}
	start := r.Start.Column + quote + utf8.RuneCountInString(n.text[:offset])
	r.Start.Column, r.End.Column = start, start+length
	return r
}
