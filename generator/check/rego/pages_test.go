package rego

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"strake/docs"
	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// page is a page of docs/rules in its parts.
type page struct {
	slug, title, severity string
	sections              map[string]string
	bad, good             block
}

// block is an example: the words after "yaml" on its fence, and its text.
type block struct {
	words []string
	text  string
}

var (
	headRe  = regexp.MustCompile(`\A# ([a-z0-9-]+)\n\n([^\n]+[^.\n])\n\n\*\*Severity:\*\* ([^\n]+)\n\n## Why\n`)
	fenceRe = regexp.MustCompile("(?s)```(yaml[^\n]*)\n(.*?)```\n")
)

// readPage holds a page to its format.
func readPage(slug, text string) (page, error) {
	head := headRe.FindStringSubmatch(text)
	if head == nil {
		return page{}, fmt.Errorf("does not begin with # slug, a title without a full stop, **Severity:** and ## Why")
	}
	if head[1] != slug {
		return page{}, fmt.Errorf("is headed %q", head[1])
	}
	p := page{slug: slug, title: head[2], severity: head[3], sections: map[string]string{}}
	var names []string
	for _, part := range strings.Split(text, "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		names = append(names, name)
		p.sections[name] = strings.TrimSpace(body)
	}
	if diff := cmp.Diff([]string{"Why", "Bad", "Good", "What to do"}, names); diff != "" {
		return page{}, fmt.Errorf("sections: %s", diff)
	}
	for _, name := range []string{"Bad", "Good"} {
		found := fenceRe.FindAllStringSubmatch(p.sections[name]+"\n", -1)
		if len(found) != 1 {
			return page{}, fmt.Errorf("## %s has %d yaml blocks, not one", name, len(found))
		}
		b := block{words: strings.Fields(found[0][1])[1:], text: found[0][2]}
		if len(b.words) == 0 || b.words[0] != strings.ToLower(name) {
			return page{}, fmt.Errorf("the fence of ## %s is not ```yaml %s", name, strings.ToLower(name))
		}
		if name == "Bad" {
			p.bad = b
		} else {
			p.good = b
		}
	}
	if !strings.Contains(p.sections["Why"], "Source") {
		return page{}, fmt.Errorf("## Why names no source")
	}
	return p, nil
}

// pages reads the pages of the rules in Rego. Those of all other rules, the format
// of all pages and their index are tested in generator/cli.
func pages(t *testing.T) []page {
	t.Helper()
	rules := map[string]bool{}
	for _, r := range ours(t).Rules() {
		rules[r.Slug] = true
	}
	var all []page
	for _, slug := range docs.Slugs() {
		text, _ := docs.Rule(slug)
		if !rules[slug] {
			continue
		}
		p, err := readPage(slug, text)
		if err != nil {
			t.Errorf("docs/rules/%s.md: %v", slug, err)
			continue
		}
		all = append(all, p)
	}
	return all
}

// objectsOf reads a YAML stream as a build would print it.
func objectsOf(t testing.TB, text string) []*manifest.Object {
	t.Helper()
	var objects []*manifest.Object
	for i, doc := range strings.Split(text, "\n---\n") {
		fields := map[string]any{}
		if err := yaml.UnmarshalStrict([]byte(doc), &fields); err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		object := func(key string) map[string]any { m, _ := fields[key].(map[string]any); return m }
		text := func(m map[string]any, key string) string { s, _ := m[key].(string); return s }
		objects = append(objects, &manifest.Object{
			APIVersion: text(fields, "apiVersion"), Kind: text(fields, "kind"),
			Namespace: text(object("metadata"), "namespace"), Name: text(object("metadata"), "name"),
			Fields: fields, YAML: []byte(doc),
			Layers: []manifest.Layer{{Range: diag.Range{Path: "objects.yaml", Start: diag.Pos{Line: i + 1, Column: 1}}, Role: "resource"}},
		})
	}
	return objects
}

func inputOf(environment string, objects []*manifest.Object) *check.Input {
	return &check.Input{Environment: environment, Overlays: []check.Overlay{{Dir: "overlays/" + environment, Objects: objects}}}
}

// environmentOf is the environment that an example is about: "prod" unless the
// fence says environment=x.
func (b block) environmentOf() string {
	for _, w := range b.words {
		if name, found := strings.CutPrefix(w, "environment="); found {
			return name
		}
	}
	return "prod"
}

// specOf reads the spec's part that an example needs: a first document without
// a kind.
func specOf(t *testing.T, text string) (map[string]any, string) {
	t.Helper()
	first, rest, more := strings.Cut(text, "\n---\n")
	if !more || !strings.HasPrefix(first, "# spec\n") {
		return nil, text
	}
	spec := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(first), &spec); err != nil {
		t.Fatal(err)
	}
	return spec, rest
}

// TestPages runs the examples of every page of a rule in Rego: the bad one must
// fire that rule and no other, the good one must be clean.
func TestPages(t *testing.T) {
	t.Parallel()
	engine := ours(t)
	rules := map[string]RuleInfo{}
	for _, r := range engine.Rules() {
		rules[r.Slug] = r
	}
	seen := map[string]bool{}
	for _, p := range pages(t) {
		rule := rules[p.slug]
		seen[p.slug] = true
		t.Run(p.slug, func(t *testing.T) {
			t.Parallel()
			if p.title != rule.Title {
				t.Errorf("title %q, in METADATA %q", p.title, rule.Title)
			}
			if first, _, _ := strings.Cut(p.severity, " "); strings.Trim(first, ",;") != rule.Severity.String() {
				t.Errorf("severity %q, in METADATA %q", p.severity, rule.Severity)
			}
			if got := fired(t, engine, p.bad); !slices.Equal(got, []string{p.slug}) {
				t.Errorf("the bad example fires %v", got)
			}
			if got := fired(t, engine, p.good); len(got) != 0 {
				t.Errorf("the good example fires %v", got)
			}
		})
	}
	for slug := range rules {
		if !seen[slug] {
			t.Errorf("rule %s has no page", slug)
		}
	}
}

// fired returns the rules that an example fires.
func fired(t *testing.T, engine *Engine, b block) []string {
	t.Helper()
	spec, text := specOf(t, b.text)
	in := inputOf(b.environmentOf(), objectsOf(t, text))
	in.Spec = spec
	findings, err := engine.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for _, f := range findings {
		t.Logf("%s %s: %s (%s %s)", f.Rule, f.Severity, f.Summary, f.Object, f.Field)
		slugs = append(slugs, f.Rule)
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
}
