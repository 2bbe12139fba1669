package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/docs"
	"strake/generator/build"
	"strake/generator/check"
	"strake/generator/check/argo"
	"strake/generator/check/argocd"
	"strake/generator/check/contracts"
	"strake/generator/check/kube"
	"strake/generator/check/rego"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/render"
	"strake/generator/spec"
	"strake/generator/terraform"
	"strake/generator/tree"
	"strake/generator/vendored"
	"strake/policies"
)

// examplesToday is the day of the examples: those of removals have dates.
const examplesToday = "2026-11-21"

// noExample are the rules whose examples are no text of a few lines, and why.
// Their pages have ```text blocks.
func noExample() map[string]string {
	return map[string]string{
		"check-failed":                 "a bug in a check is what makes it fail",
		"removal-unchecked":            "it takes two commits, the first of which does not build",
		"template-syntax":              "the spec's reader finds it first; an effective.yaml that was changed by hand reaches it",
		"application-object-too-large": "the object of an example would be 256 KiB long",
		"build-positions":              "kustomize's own transformers keep the marks; a build that loses them is a bug",
	}
}

// page is a page of docs/rules in its parts.
type page struct {
	slug, title, severity string
	bad, good             example
}

// example is a fence: its language, the word that says how it is run, and its
// text.
type example struct{ language, tag, text string }

var (
	pageHead  = regexp.MustCompile(`\A# ([a-z0-9-]+)\n\n([^\n]+[^.\n])\n\n\*\*Severity:\*\* ([^\n]+)\n\n## Why\n`)
	pageFence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")
	fileLine  = regexp.MustCompile(`(?m)^# file: (\S+)\n`)
	slugForm  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
)

// parsePage holds a page to its format.
func parsePage(slug, text string) (page, error) {
	head := pageHead.FindStringSubmatch(text)
	if head == nil || head[1] != slug {
		return page{}, errors.New("does not begin with its slug, a title without a full stop, **Severity:** and ## Why")
	}
	p := page{slug: slug, title: head[2], severity: head[3]}
	var names []string
	sections := map[string]string{}
	for _, part := range strings.Split(text, "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		names = append(names, name)
		sections[name] = strings.TrimSpace(body)
	}
	if diff := cmp.Diff([]string{"Why", "Bad", "Good", "What to do"}, names); diff != "" {
		return page{}, fmt.Errorf("sections: %s", diff)
	}
	if !strings.Contains(sections["Why"], "Source: ") {
		return page{}, errors.New("## Why names no source")
	}
	for name, to := range map[string]*example{"Bad": &p.bad, "Good": &p.good} {
		found := pageFence.FindAllStringSubmatch(sections[name], -1)
		if len(found) != 1 {
			return page{}, fmt.Errorf("## %s has %d blocks, not one", name, len(found))
		}
		words := strings.Fields(found[0][1])
		if len(words) < 2 || words[1] != strings.ToLower(name) {
			return page{}, fmt.Errorf("the fence of ## %s is not LANGUAGE %s TAG", name, strings.ToLower(name))
		}
		*to = example{language: words[0], text: found[0][2]}
		if len(words) > 2 {
			to.tag = words[2]
		}
	}
	return p, nil
}

func rulePages(t *testing.T) []page {
	t.Helper()
	var all []page
	for _, slug := range docs.Slugs() {
		text, _ := docs.Rule(slug)
		p, err := parsePage(slug, text)
		if err != nil {
			t.Errorf("docs/rules/%s.md: %v", slug, err)
			continue
		}
		all = append(all, p)
	}
	return all
}

// regoRules are the rules of the embedded policies. The tests of check/rego run
// their pages.
func regoRules(t *testing.T) map[string]bool {
	t.Helper()
	engine, found, err := rego.Open(t.Context(), rego.Options{Sources: []rego.Source{{FS: policies.FS, Dir: "policies"}}})
	if err != nil || len(found) > 0 {
		t.Fatalf("%v %v", err, found)
	}
	rules := map[string]bool{}
	for _, r := range engine.Rules() {
		rules[r.Slug] = true
	}
	return rules
}

// TestPages runs the examples of the pages of all rules but those in Rego: the
// bad one must fire that rule and no other error, the good one no error and not
// that rule.
func TestPages(t *testing.T) {
	t.Parallel()
	inRego := regoRules(t)
	for _, p := range rulePages(t) {
		if inRego[p.slug] {
			continue
		}
		t.Run(p.slug, func(t *testing.T) {
			t.Parallel()
			if reason, exempt := noExample()[p.slug]; exempt {
				if p.bad.language != "text" || p.good.language != "text" {
					t.Errorf("has examples to run, and is listed as having none: %s", reason)
				}
				return
			}
			found := p.bad.run(t)
			for _, d := range found {
				if d.Rule != p.slug && d.Severity == diag.Error {
					t.Errorf("the bad example also fires %s: %s", d.Rule, d.Summary)
				}
			}
			if !fires(found, p.slug) {
				t.Errorf("the bad example does not fire: %v", found)
			} else {
				p.sameSeverity(t, found)
			}
			for _, d := range p.good.run(t) {
				if d.Rule == p.slug || d.Severity == diag.Error {
					t.Errorf("the good example fires %s: %s", d.Rule, d.Summary)
				}
			}
		})
	}
}

func fires(found diag.List, slug string) bool {
	return slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Rule == slug })
}

// sameSeverity wants the severity that fired among those that the page names.
func (p page) sameSeverity(t *testing.T, found diag.List) {
	t.Helper()
	for _, d := range found {
		if d.Rule == p.slug && !strings.Contains(p.severity, d.Severity.String()) {
			t.Errorf("fires as %s, and the page says %s", d.Severity, p.severity)
		}
	}
}

// files splits the text of an example at its "# file: NAME" lines. What stands
// before the first is the file that the tag is about.
func (x example) files(usual string) fstest.MapFS {
	out := fstest.MapFS{}
	names := fileLine.FindAllStringSubmatch(x.text, -1)
	for i, text := range fileLine.Split(x.text, -1) {
		name := usual
		if i > 0 {
			name = names[i-1][1]
		}
		if strings.TrimSpace(text) != "" {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

// run runs an example as its tag says.
func (x example) run(t *testing.T) diag.List {
	t.Helper()
	switch x.tag {
	case "objects":
		return x.objects(t)
	case "update":
		return x.update(t)
	case "kustomization":
		return x.kustomization(t)
	case "spec":
		_, found := spec.Load(x.platform(t), specFile, Version)
		return found
	case "template":
		return x.template(t)
	case "removal":
		return x.removal(t)
	case "overlays":
		return x.overlays(t)
	case "fleet":
		return x.fleet(t)
	case "argocd":
		return x.argocd(t)
	case "topology":
		return x.topology(t)
	case "policy":
		return x.policy(t)
	case "tree":
		return x.tree(t)
	case "repository":
		return x.repository(t)
	case "vendor":
		return x.vendor(t)
	case "vendored":
		return x.vendored(t)
	case "platform":
		return x.commands(t)
	case "terraform":
		return x.terraform(t)
	case "verify":
		_, found, err := rego.Verify(t.Context(), []rego.Source{{FS: x.files("example_test.rego"), Dir: "policies"}}, "")
		if err != nil {
			t.Fatal(err)
		}
		return found
	case "exceptions", "baseline":
		return x.accepted(t)
	case "contracts":
		return x.contracts(t)
	default:
		t.Fatalf("no way to run an example with the tag %q", x.tag)
		return nil
	}
}

// objects: a stream of objects goes through the validation of Kubernetes and of
// Argo.
func (x example) objects(t *testing.T) diag.List {
	t.Helper()
	objects, found := manifest.Split("objects.yaml", []byte(x.text))
	return append(found, judge(t, "prod", objects)...)
}

// update: the second of two objects is what becomes of the first.
func (x example) update(t *testing.T) diag.List {
	t.Helper()
	objects, found := manifest.Split("objects.yaml", []byte(x.text))
	if len(objects) != 2 || len(found) > 0 {
		t.Fatalf("%d objects: %v", len(objects), found)
	}
	found = judge(t, "prod", objects[1:])
	return append(found, check.Updates(t.Context(), objects[:1], objects[1:], "prod", []check.Check{kube.New()})...)
}

func judge(t *testing.T, env string, objects []*manifest.Object, more ...check.Check) diag.List {
	t.Helper()
	found, _ := judgeAll(t, env, objects, append([]check.Check{kube.New(), argo.New(), argocd.New()}, more...))
	return found
}

func judgeAll(t *testing.T, env string, objects []*manifest.Object, checks []check.Check) (diag.List, check.Summary) {
	t.Helper()
	if len(objects) == 0 {
		return nil, check.Summary{Environment: env}
	}
	in := check.Input{Environment: env, Overlays: []check.Overlay{{Dir: "overlays/" + env, Objects: objects}}}
	found, summary, err := check.Environment(t.Context(), in, checks)
	if err != nil {
		t.Fatal(err)
	}
	return append(found, summary.Unknown...), summary
}

// deployment stands beside every kustomization of an example.
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "example.com/api:1.0.0"}]}
`

// kustomization: every kustomization that no other one uses is built. Beside it
// stands deployment.yaml.
func (x example) kustomization(t *testing.T) diag.List {
	t.Helper()
	files := x.files("overlays/prod/api/kustomization.yaml")
	for name := range maps.Clone(files) {
		files[path.Join(path.Dir(name), "deployment.yaml")] = &fstest.MapFile{Data: []byte(deployment)}
	}
	roots, found, err := build.Discover(files)
	if err != nil {
		t.Fatal(err)
	}
	overlays, err := build.Overlays(t.Context(), files, roots)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range overlays {
		found = append(found, o.Findings...)
	}
	return found
}

// examplePlatform is what the examples of the spec are laid over.
const examplePlatform = `apiVersion: strake/v1alpha1
kind: Platform
metadata: {name: mlops}
spec:
  strake: {version: 0.1.x}
  repository: {url: "https://github.com/example/mlops-gitops", branch: main}
  defaults:
    cloud: {project: "mlops-${environment}", region: asia-northeast1}
    cluster:
      version: "1.33"
      nodePools:
        - {name: system, machineType: e2-standard-2, max: 3}
        - {name: ondemand, machineType: e2-standard-4, max: 2, labels: {pool: ondemand}}
        - {name: spot, machineType: e2-standard-4, spot: true, max: 5}
        - {name: gpu, machineType: g2-standard-12, max: 2, gpu: {type: nvidia-l4, count: 1}}
    workflows: {version: v3.7.18, namespace: argo}
    artifacts: {gcs: {bucket: "mlops-${environment}-artifacts"}}
    secrets: {gcpSecretManager: {}}
  environments: [{name: dev}, {name: prod}]
`

// platform: the text is laid over a small platform, map by map; lists replace
// lists. Files that the example names are whole files.
func (x example) platform(t *testing.T) fstest.MapFS {
	t.Helper()
	files := x.files("")
	if _, whole := files[specFile]; whole {
		return files
	}
	text := []byte(examplePlatform)
	if f, ok := files[""]; ok {
		var under, over yaml.Node
		if err := errors.Join(yaml.Unmarshal(text, &under), yaml.Unmarshal(f.Data, &over)); err != nil {
			t.Fatalf("the example is no YAML (one that should not be has a # file: line): %v", err)
		}
		lay(under.Content[0], over.Content[0])
		out, err := yaml.Marshal(under.Content[0])
		if err != nil {
			t.Fatal(err)
		}
		text = out
		delete(files, "")
	}
	files[specFile] = &fstest.MapFile{Data: text}
	return files
}

func lay(under, over *yaml.Node) {
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at := -1
		for j := 0; j+1 < len(under.Content); j += 2 {
			if under.Content[j].Value == key.Value {
				at = j + 1
			}
		}
		switch {
		case at < 0:
			under.Content = append(under.Content, key, value)
		case value.Kind == yaml.MappingNode && under.Content[at].Kind == yaml.MappingNode:
			lay(under.Content[at], value)
		default:
			under.Content[at] = value
		}
	}
}

// exampleTenant uses the template of an example.
const exampleTenant = `spec:
  tenants:
    - name: research
      pipelines: [{name: backtest, template: pipelines/backtest.yaml}]
`

// template: the text is the file that a pipeline names.
func (x example) template(t *testing.T) diag.List {
	t.Helper()
	files := example{text: exampleTenant}.platform(t)
	files["environments/pipelines/backtest.yaml"] = &fstest.MapFile{Data: []byte(x.text)}
	p, found := spec.Load(files, specFile, Version)
	for _, e := range p.Environments {
		found = append(found, render.Templates(e)...)
	}
	return found
}

// vendor: the text is what somebody hands to strake vendor external-secrets
// --version v2.9.0.
func (x example) vendor(t *testing.T) diag.List {
	t.Helper()
	c, _ := vendored.Find("external-secrets")
	_, found := vendored.Take(c, "v2.9.0", "", []vendored.Source{{Name: "external-secrets.yaml", Data: []byte(x.text)}})
	return found
}

// vendored: the spec and what stands in vendor/.
func (x example) vendored(t *testing.T) diag.List {
	t.Helper()
	files := x.platform(t)
	p, found := spec.Load(files, specFile, Version)
	found = append(found, vendored.Missing(files, "", vendoredNeeds(p.Environments))...)
	return append(found, vendored.Edited(files, "")...)
}

// removal: a commit deletes the Namespace research from prod; the text is a
// spec.
func (x example) removal(t *testing.T) diag.List {
	t.Helper()
	p, found := spec.Load(x.platform(t), specFile, Version)
	if found.AtLeast(diag.Error) {
		t.Fatal(found)
	}
	var declared []check.Removal
	for i, r := range p.Removals {
		declared = append(declared, check.Removal{
			Kind: r.Kind, Name: r.Name, Namespace: r.Namespace, Environment: r.Environment,
			Reason: r.Reason, Until: r.Until, Range: p.RemovalAt(i),
		})
	}
	before, bad := manifest.Split("objects.yaml", []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: research}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: forecasting}\n"))
	if len(bad) > 0 || len(before) != 2 {
		t.Fatal(bad)
	}
	found = append(found, check.Removals(before, before[1:], "prod", declared, examplesToday)...)
	return append(found, check.UnusedRemovals(declared, check.Guarded(before))...)
}

// fleet: each file is all that one environment has.
func (x example) fleet(t *testing.T) diag.List {
	t.Helper()
	var found diag.List
	var summaries []check.Summary
	files := x.files("prod.yaml")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		objects, bad := manifest.Split(name, files[name].Data)
		own, summary := judgeAll(t, strings.TrimSuffix(path.Base(name), ".yaml"), objects, []check.Check{kube.New(), argo.New(), argocd.New()})
		found = append(append(found, bad...), own...)
		summaries = append(summaries, summary)
	}
	return append(found, check.Fleet(summaries)...)
}

// overlays: each file is what one overlay of an environment builds.
func (x example) overlays(t *testing.T) diag.List {
	t.Helper()
	var found diag.List
	in := check.Input{Environment: "dev"}
	files := x.files("overlays/dev/one/objects.yaml")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		objects, bad := manifest.Split(name, files[name].Data)
		found = append(found, bad...)
		in.Overlays = append(in.Overlays, check.Overlay{Dir: path.Dir(name), Objects: objects})
	}
	own, _, err := check.Environment(t.Context(), in, []check.Check{kube.New(), argo.New(), argocd.New()})
	if err != nil {
		t.Fatal(err)
	}
	return append(found, own...)
}

// argocd: the objects are a part of what is delivered to prod.
func (x example) argocd(t *testing.T) diag.List {
	t.Helper()
	objects, found := manifest.Split("objects.yaml", []byte(x.text))
	in := check.Input{Environment: "prod", Partial: true, Overlays: []check.Overlay{{Dir: "overlays/prod/argocd", Objects: objects}}}
	return append(found, x.delivered(t, in)...)
}

// topology: each file is what one overlay of prod builds, but for
// assertions.yaml, which holds argocd.rbac.assertions of the spec.
func (x example) topology(t *testing.T) diag.List {
	t.Helper()
	in := check.Input{Environment: "prod", Spec: map[string]any{"argocd": map[string]any{"namespace": "argocd", "version": "v2.14.21"}}}
	in.Repository.URLs = []string{"https://github.com/example/mlops-gitops"}
	var found diag.List
	files := x.files("")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == "assertions.yaml" {
			var list []spec.Assertion
			if err := yaml.Unmarshal(files[name].Data, &list); err != nil {
				t.Fatal(err)
			}
			in.Assertions = assertions(&spec.Effective{Settings: spec.Settings{ArgoCD: &spec.ArgoCD{RBAC: spec.ArgoCDRBAC{Assertions: list}}}})
			continue
		}
		objects, bad := manifest.Split(name, files[name].Data)
		found = append(found, bad...)
		in.Overlays = append(in.Overlays, check.Overlay{Dir: path.Dir(name), Objects: objects})
	}
	return append(found, x.delivered(t, in)...)
}

func (x example) delivered(t *testing.T, in check.Input) diag.List {
	t.Helper()
	found, _, err := check.Environment(t.Context(), in, []check.Check{kube.New(), argo.New(), argocd.New()})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// policy: a module judges the Service api.
func (x example) policy(t *testing.T) diag.List {
	t.Helper()
	engine, found, err := rego.Open(t.Context(), rego.Options{Sources: []rego.Source{{FS: x.files("main.rego"), Dir: "policies"}}, Today: examplesToday})
	if err != nil {
		t.Fatal(err)
	}
	objects, _ := manifest.Split("service.yaml", []byte("apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: forecasting}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n"))
	return append(found, judge(t, "prod", objects, engine)...)
}

// repository: `strake check` runs in a repository without a spec that has the
// files of the example.
func (x example) repository(t *testing.T) diag.List {
	t.Helper()
	dir := t.TempDir()
	for name, f := range x.files("") {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, f.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return checked(t, dir)
}

// tree: `strake render` and `strake check` run in a directory with the files of the example, laid
// over the small platform.
func (x example) tree(t *testing.T) diag.List {
	t.Helper()
	dir := t.TempDir()
	for name, f := range x.platform(t) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, f.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "render") // what it says, check says again
	return checked(t, dir)
}

// checked are the findings of `strake check`.
func checked(t *testing.T, dir string) diag.List {
	t.Helper()
	code, out, talk := run(t, dir, "check", "--format", "json")
	var report struct {
		Findings []struct{ Rule, Severity, Summary string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("exit %d: %v: %s", code, err, talk)
	}
	var found diag.List
	for _, f := range report.Findings {
		severity, err := diag.ParseSeverity(f.Severity)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, diag.Diagnostic{Rule: f.Rule, Severity: severity, Summary: f.Summary})
	}
	return found
}

// renderedPlatform is a copy of the reference platform that is up to date: that
// the repository's own is, other tests say.
func renderedPlatform(t *testing.T) string {
	t.Helper()
	dir := reference(t)
	if out, err := typed(t, dir, "strake render --force"); err != nil {
		t.Fatalf("render: %v: %s", err, out)
	}
	return dir
}

// commands: the text is typed in a copy of the reference platform, and then the
// tree is compared with what is rendered, as `strake check` begins.
func (x example) commands(t *testing.T) diag.List {
	t.Helper()
	dir := renderedPlatform(t)
	for line := range strings.Lines(x.text) {
		if out, err := typed(t, dir, strings.TrimSpace(line)); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	_, p := loaded(t, dir)
	return append(p.findings, tree.Findings(p.drift(nil))...)
}

// terraform: every root in the files is read.
func (x example) terraform(t *testing.T) diag.List {
	t.Helper()
	files := x.files("main.tf")
	roots, _, err := terraform.Find(files)
	if err != nil {
		t.Fatal(err)
	}
	var found diag.List
	for _, dir := range roots {
		_, own := terraform.Read(files, dir, terraform.Options{})
		found = append(found, own...)
	}
	return found
}

// contracts: each environment has the roots below environments/ENV and the
// objects below overlays/ENV. What names no file is environments/dev/main.tf.
func (x example) contracts(t *testing.T) diag.List {
	t.Helper()
	files := x.files("environments/dev/main.tf")
	overlays := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		env := strings.Split(name, "/")[1]
		overlays[env] = append(overlays[env], name)
	}
	roots, _, err := terraform.Find(files)
	if err != nil {
		t.Fatal(err)
	}
	var found diag.List
	var summaries []check.Summary
	for _, env := range slices.Sorted(maps.Keys(overlays)) {
		in := check.Input{Environment: env, Spec: map[string]any{"stage": env}}
		in.Rendered = func(file string) bool { return bytes.HasPrefix(files[file].Data, []byte("# Code rendered by strake")) }
		for _, dir := range roots {
			if strings.HasPrefix(dir+"/", "environments/"+env+"/") {
				root, own := terraform.Read(files, dir, terraform.Options{})
				in.Terraform, found = append(in.Terraform, root), append(found, own...)
			}
		}
		namespace, _ := manifest.Split("namespace.yaml", []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: forecasting}\n"))
		in.Overlays = []check.Overlay{{Dir: "overlays/" + env + "/namespaces", Objects: namespace}}
		for _, name := range overlays[env] {
			if strings.HasSuffix(name, ".yaml") {
				objects, bad := manifest.Split(name, files[name].Data)
				in.Overlays, found = append(in.Overlays, check.Overlay{Dir: path.Dir(name), Objects: objects}), append(found, bad...)
			}
		}
		own, summary, err := check.Environment(t.Context(), in, []check.Check{contracts.New()})
		if err != nil {
			t.Fatal(err)
		}
		found, summaries = append(found, own...), append(summaries, summary)
	}
	return append(found, check.Fleet(summaries)...)
}

// TestPagesAreAllRules holds the pages to the rules that the code can report:
// the embedded policies, and every slug that the sources of the other packages
// put into a finding.
func TestPagesAreAllRules(t *testing.T) {
	t.Parallel()
	rules := sourceRules(t)
	for slug := range regoRules(t) {
		rules[slug] = true
	}
	for _, r := range spec.Rules() {
		if !rules[r.Slug] {
			t.Errorf("the sources do not mention %s", r.Slug)
		}
	}
	for s := tree.Missing; s <= tree.Pending; s++ {
		if !rules[s.Rule()] {
			t.Errorf("the sources do not mention %q", s.Rule())
		}
	}
	want := slices.Sorted(maps.Keys(rules))
	if diff := cmp.Diff(want, docs.Slugs()); diff != "" {
		t.Errorf("rules and pages (-rule +page):\n%s", diff)
	}
	for slug := range noExample() {
		if !rules[slug] {
			t.Errorf("%s is no rule, and noExample lists it", slug)
		}
	}
}

// sourceRules reads the sources for slugs: constants named after rules, Rule
// fields, what is handed to a function that makes a finding, and what a method
// Rule returns.
func sourceRules(t *testing.T) map[string]bool {
	t.Helper()
	rules := map[string]bool{}
	root := filepath.Join(repository(t), "generator")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			for _, e := range slugPlaces(n) {
				if slug, is := slugOf(e); is {
					rules[slug] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// slugPlaces are the expressions below a node that name a rule.
func slugPlaces(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.ValueSpec:
		if name := strings.ToLower(n.Names[0].Name); strings.HasPrefix(name, "rule") || strings.HasSuffix(name, "rule") {
			return n.Values
		}
	case *ast.KeyValueExpr:
		if key, is := n.Key.(*ast.Ident); is && key.Name == "Rule" {
			return []ast.Expr{n.Value}
		}
	case *ast.AssignStmt:
		for _, left := range n.Lhs {
			if to, is := left.(*ast.SelectorExpr); is && to.Sel.Name == "Rule" {
				return n.Rhs
			}
		}
	case *ast.CallExpr:
		if slices.Contains([]string{"find", "finding"}, calledName(n)) {
			return n.Args[:min(2, len(n.Args))]
		}
	case *ast.FuncDecl:
		if n.Name.Name != "Rule" || n.Recv == nil {
			return nil
		}
		var out []ast.Expr
		ast.Inspect(n, func(n ast.Node) bool {
			if r, is := n.(*ast.ReturnStmt); is {
				out = append(out, r.Results...)
			}
			return true
		})
		return out
	}
	return nil
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return strings.ToLower(f.Name)
	case *ast.SelectorExpr:
		return strings.ToLower(f.Sel.Name)
	default:
		return ""
	}
}

func slugOf(e ast.Expr) (string, bool) {
	literal, is := e.(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil && slugForm.MatchString(text)
}

const indexHead = `# Rules

What ` + "`strake check`" + ` knows. Each rule has a page with an example that breaks it and one that keeps it; tests run both.
` + "`strake explain RULE`" + ` prints a page.

Examples are short: those of the spec are laid over a small platform with the environments dev and prod, those of kustomizations have
beside them a deployment.yaml with the Deployment api. A line ` + "`# file: NAME`" + ` begins a file.

| rule | severity | what it finds |
|---|---|---|
`

// TestPagesIndex keeps the table of all rules up to date.
func TestPagesIndex(t *testing.T) {
	t.Parallel()
	b := bytes.NewBufferString(indexHead)
	for _, p := range rulePages(t) {
		fmt.Fprintf(b, "| [%s](%s.md) | %s | %s |\n", p.slug, p.slug, p.severity, p.title)
	}
	file := filepath.Join(repository(t), "docs", "rules", "README.md")
	if *updateFlag {
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(have)); diff != "" {
		t.Errorf("go test ./generator/cli -run TestPagesIndex -update (-want +have):\n%s", diff)
	}
}
