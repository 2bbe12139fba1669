package rego

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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

const pagesDir = "../../../docs/rules"

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

func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	for _, slug := range docs.Slugs() {
		text, _ := docs.Rule(slug)
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
		rule, is := rules[p.slug]
		if !is {
			continue
		}
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
	known := elsewhere()
	for _, p := range pages(t) {
		if _, is := rules[p.slug]; !is && !slices.Contains(known, p.slug) {
			t.Errorf("docs/rules/%s.md is about no rule that is known", p.slug)
		}
	}
	for _, slug := range known {
		if _, found := docs.Rule(slug); !found {
			t.Errorf("rule %s has no page", slug)
		}
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

// TestIndex keeps the table of all rules up to date.
func TestIndex(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("# Rules\n\nWhat `strake check` knows. Each rule has a page with an example that breaks it and one that keeps it; tests run both.\n`strake explain RULE` prints a page. This table is generated: run the tests of generator/check/rego with `-update`.\n\n| rule | severity | what it finds |\n|---|---|---|\n")
	for _, p := range pages(t) {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", p.slug, p.slug, p.severity, p.title)
	}
	file := filepath.Join(pagesDir, "README.md")
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("run the test with -update: %s", diff)
	}
}

// elsewhere lists the rules of the other stages. This package may not import
// them; each holds its slugs to docs.Slugs by itself.
func elsewhere() []string {
	return strings.Fields(`
		api-decode api-duplicate-key api-invalid api-namespace api-removed api-unknown-kind api-warning
		archive-cluster-name-shared argo-artifact-repository argo-config argo-decode argo-lint argo-unresolved
		build-empty build-exec build-failed build-helm build-missing build-positions build-remote build-unreached
		check-failed drift-edited drift-foreign drift-left-over drift-missing drift-out-of-date drift-pending
		file-unread image-no-match kustomization-field label-selectors manifest-object nothing-checked
		patch-no-match pod-security pod-security-label pod-security-unknown policy-compile policy-error
		quota-exceeded quota-limit-range quota-requests-missing
		removal-expired removal-undeclared removal-unused replacement-no-match
		spec-artifacts spec-collision spec-duplicate-key spec-duplicate-name spec-exclusive spec-fact-pending
		spec-gpu spec-image spec-include spec-limit spec-merge spec-name spec-namespace spec-pool spec-read
		spec-reference spec-release spec-removal spec-required spec-secret-store spec-server-auth spec-syntax
		spec-task spec-template spec-tenant-limit spec-tool-version spec-type spec-unknown-key spec-value
		spec-variable spec-workflows-version template-kind template-syntax yaml-duplicate-key yaml-syntax`)
}
