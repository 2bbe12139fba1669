package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"strake/docs"
	"strake/generator/build"
	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/repo"
	"strake/generator/report"
	"strake/generator/spec"
	"strake/generator/tree"
	"strake/generator/vendored"
)

// head is the commit that the working tree stands on.
const head = "HEAD"

// checkOptions are the flags of check, and of the commands that check first.
type checkOptions struct {
	environments []string
	policies     []string
	since        string
	staged       bool
	failOn       string
	format       string
	outputs      []string
	baseline     string
	// writeBaseline makes the baseline, or takes out of it what is gone.
	writeBaseline string
}

func newCheck(g *global) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Check the spec, the overlays and the objects that they build",
		Long: `Check reads the spec, compares the tree with what it renders, builds every
overlay, and checks the objects as the API server, Argo and the policies would.
Findings point at the line that a human wrote.

With PATH, or in a repository without a spec, every kustomization there that no
other one uses is built and checked.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.check(cmd.Context(), o, args)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.environments, "env", "e", nil, "only these environments")
	flags.StringArrayVar(&o.policies, "policy", []string{builtin}, "directory of Rego policies; builtin names the embedded ones; may repeat")
	flags.StringVar(&o.since, "since", head, "revision that removed and changed objects are compared with")
	flags.BoolVar(&o.staged, "staged", false, "check what is staged in the index, not the working tree")
	flags.StringVar(&o.failOn, "fail-on", "error", "least severity that makes the exit code 1: info, warning or error")
	flags.StringVar(&o.format, "format", "text", "text, json, sarif, junit, github or markdown")
	flags.StringArrayVarP(&o.outputs, "output", "o", nil, "FORMAT=FILE, beside the report on stdout; may repeat")
	flags.StringVar(&o.baseline, "baseline", "", "file of findings that were there before: only others count")
	flags.StringVar(&o.writeBaseline, "write-baseline", "", "make that file; where it is there, take out what is gone")
	return cmd
}

// result is what a run of the checks found and looked at.
type result struct {
	findings diag.List
	coverage report.Coverage
	overlays []counted
	// extra holds files that findings may point into and that are not on disk.
	extra *tree.Tree
	// stood are the guarded objects seen anywhere, for declarations of removals.
	stood     []check.Identity
	summaries []check.Summary
	// complete says that the whole repository was checked, to the end.
	complete bool
	// traces joins what leads from a rendered line to the spec, for findings
	// over several environments.
	traces *tree.Tree
}

func (g *global) check(ctx context.Context, o checkOptions, args []string) (err error) {
	failOn, err := diag.ParseSeverity(o.failOn)
	if err != nil {
		return usageError{fmt.Errorf("--fail-on: %w", err)}
	}
	format, err := report.ParseFormat(o.format)
	if err != nil {
		return usageError{fmt.Errorf("--format: %w", err)}
	}
	outputs, err := parseOutputs(o.outputs)
	if err != nil {
		return err
	}
	if o.baseline != "" && o.writeBaseline != "" {
		return usagef("--write-baseline reads the baseline that it writes: leave out --baseline")
	}
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.settled(); err != nil {
		return err
	}
	if o.staged {
		if err := w.useIndex(); err != nil {
			return err
		}
	}
	var r *result
	if len(args) > 0 || w.specPath == "" {
		r, err = w.checkPaths(ctx, o, args)
	} else {
		r, err = w.checkPlatform(ctx, o)
	}
	if err != nil {
		return err
	}
	if err := w.except(ctx, r, o); err != nil {
		return err
	}
	return w.report(r, format, outputs, failOn)
}

// useIndex makes the staged files the ones that are looked at.
func (w *workspace) useIndex() error {
	if w.git == nil {
		return usagef("--staged: %s is not a Git repository", w.root)
	}
	index, err := w.git.Staged()
	if err != nil {
		return err
	}
	w.fsys = index
	return nil
}

// checkPlatform checks a repository that a spec describes.
func (w *workspace) checkPlatform(ctx context.Context, o checkOptions) (*result, error) {
	done := w.progress("rendering")
	p, err := w.load(ctx)
	done()
	if err != nil {
		return nil, err
	}
	chosen, err := p.choose(o.environments)
	if err != nil {
		return nil, err
	}
	r := &result{findings: p.findings, extra: p.all, traces: tree.New()}
	r.coverage.Files = max(1, len(p.spec.Files)) // the spec itself was opened, even where it could not be read
	if p.findings.AtLeast(diag.Error) {
		// What a spec with errors renders says nothing: the errors do.
		return r, nil
	}
	r.coverage.Files += p.comparison.Committed.Len()
	r.findings = append(r.findings, tree.Findings(p.drift(o.environments))...)
	r.findings = append(r.findings, vendored.Missing(w.fsys, p.comparison.Root, vendoredNeeds(chosen))...)
	r.findings = append(r.findings, vendored.Edited(w.fsys, p.comparison.Root)...)
	checks, found, err := w.checks(ctx, o.policies)
	if err != nil {
		return nil, err
	}
	r.findings = append(r.findings, found...)
	gate, err := w.gate(o.since, p)
	if err != nil {
		return nil, err
	}
	for _, e := range chosen {
		if err := w.checkEnvironment(ctx, p, e, checks, gate, r); err != nil {
			return nil, err
		}
	}
	r.findings = append(r.findings, r.traces.Trace(check.Fleet(r.summaries))...)
	r.findings = append(r.findings, w.pipelines(p)...)
	if len(o.environments) == 0 {
		gone, stood, err := gate.gone(ctx, p)
		if err != nil {
			return nil, err
		}
		r.findings, r.stood = append(r.findings, gone...), append(r.stood, stood...)
		r.findings = append(r.findings, check.UnusedRemovals(gate.declared, r.stood)...)
	}
	for _, c := range checks {
		r.coverage.Checks = append(r.coverage.Checks, c.Name())
	}
	r.complete = len(o.environments) == 0
	return r, nil
}

// checkEnvironment builds and checks one environment and keeps only what is
// small: memory does not grow with the number of environments.
func (w *workspace) checkEnvironment(ctx context.Context, p *platform, e *spec.Effective, checks []check.Check, gate *gate, r *result) error {
	defer w.progress("checking %s", e.Environment)()
	for _, s := range w.stages(p, e) {
		b, findings, err := s.build(ctx)
		if err != nil {
			return err
		}
		findings = append(findings, b.readTerraform()...)
		found, summary, err := check.Environment(ctx, b.input(), checks)
		if err != nil {
			return err
		}
		findings = append(findings, unlessBroken(found, findings)...)
		gone, before, err := gate.judge(ctx, e.Environment, b, checks)
		if err != nil {
			return err
		}
		findings = s.trace.Trace(append(findings, gone...))
		r.traces.Merge(s.trace)
		r.take(b, findings, summary)
		r.stood = append(r.stood, before...)
	}
	return nil
}

// take adds one stage to the result.
func (r *result) take(b built, findings diag.List, summary check.Summary) {
	r.findings = append(r.findings, findings...)
	if !slices.Contains(r.coverage.Environments, b.name) {
		r.coverage.Environments = append(r.coverage.Environments, b.name)
		slices.Sort(r.coverage.Environments)
		r.summaries = append(r.summaries, summary)
	}
	r.stood = append(r.stood, summary.Guarded...)
	r.coverage.Overlays += len(b.overlays)
	r.coverage.Objects += summary.Objects()
	r.coverage.Terraform = addRoots(r.coverage.Terraform, b.terraform)
	for _, o := range b.overlays {
		r.overlays = append(r.overlays, newCounted(b.name, o))
	}
}

// counted is an overlay in the table of what was checked. It keeps names only:
// the objects are dropped when their environment is done.
type counted struct {
	environment, dir string
	objects          map[string]bool
	total            int
}

func newCounted(env string, o build.Overlay) counted {
	c := counted{environment: env, dir: o.Dir, objects: make(map[string]bool, len(o.Objects)), total: len(o.Objects)}
	for _, object := range o.Objects {
		c.objects[object.ID()] = true
	}
	return c
}

// row counts the findings that count: those about an object of the overlay in
// its environment, and those in its directory.
func (c counted) row(findings diag.List) report.Row {
	var own diag.List
	for _, d := range findings {
		here := len(d.Environments) == 0 || slices.Contains(d.Environments, c.environment)
		if here && c.objects[d.Object] || d.Object == "" && strings.HasPrefix(d.Range.Path, c.dir+"/") {
			own = append(own, d)
		}
	}
	return report.Row{
		Environment: c.environment, App: filepath.Base(c.dir), Objects: c.total,
		Errors: own.Count(diag.Error), Warnings: own.Count(diag.Warning), Infos: own.Count(diag.Info),
	}
}

// checkPaths checks kustomizations that no spec describes.
func (w *workspace) checkPaths(ctx context.Context, o checkOptions, args []string) (*result, error) {
	if len(o.environments) > 0 {
		return nil, usagef("--env needs a spec: without one, name the overlays as PATH")
	}
	var under []string
	for _, arg := range args {
		rel, err := w.relative(arg)
		if err != nil {
			return nil, err
		}
		if _, err := fs.Stat(w.fsys, rel); err != nil {
			return nil, usagef("%s: no such file or directory", arg)
		}
		under = append(under, rel)
	}
	roots, findings, err := build.Discover(w.fsys)
	if err != nil {
		return nil, err
	}
	r := &result{findings: findings}
	checks, found, err := w.checks(ctx, o.policies)
	if err != nil {
		return nil, err
	}
	r.findings = append(r.findings, found...)
	stood, err := w.standing(o, roots)
	if err != nil {
		return nil, err
	}
	var g gathered
	named := map[string]bool{} // files that a kustomization names
	for _, dir := range roots {
		if !within(dir, under) {
			continue
		}
		s := stage{name: dir, fsys: w.fsys, dirs: []string{dir}, partial: true, addresses: w.remotes()}
		b, found, err := s.build(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range b.overlays {
			for _, file := range o.Files {
				named[file] = true
			}
			g.add(o)
		}
		judged, summary, err := check.Environment(ctx, b.input(), checks)
		if err != nil {
			return nil, err
		}
		updates, err := stood.updates(ctx, b, checks)
		if err != nil {
			return nil, err
		}
		r.take(b, append(append(found, unlessBroken(judged, found)...), updates...), summary)
		r.coverage.Files++
	}
	if err := w.checkRoots(ctx, under, checks, r); err != nil {
		return nil, err
	}
	manifests, charts, err := w.plain(ctx, under, func(file string) bool { return named[file] })
	if err != nil {
		return nil, err
	}
	r.findings = append(r.findings, charts...)
	for _, o := range manifests {
		judged, summary, err := check.Environment(ctx, check.Input{Environment: o.Dir, Overlays: []check.Overlay{o}, Partial: true}, checks)
		if err != nil {
			return nil, err
		}
		r.take(built{stage: stage{name: o.Dir}, overlays: []build.Overlay{{Dir: o.Dir, Objects: o.Objects}}}, judged, summary)
		r.coverage.Files++
		g.overlays = append(g.overlays, o)
	}
	r.findings = append(r.findings, w.topology(&g)...)
	r.findings = append(r.findings, check.Fleet(r.summaries)...)
	for _, c := range checks {
		r.coverage.Checks = append(r.coverage.Checks, c.Name())
	}
	r.complete = len(under) == 0 || slices.Contains(under, ".")
	return r, nil
}

func within(dir string, under []string) bool {
	if len(under) == 0 {
		return true
	}
	return slices.ContainsFunc(under, func(u string) bool {
		return u == "." || dir == u || strings.HasPrefix(dir, u+"/")
	})
}

// gate is the deletion gate: what stood at a revision, and what may leave.
type gate struct {
	before   *tree.Tree // nil when there is nothing to compare with
	declared []check.Removal
	today    string
	root     string
}

// openGate compares with a tree; nil compares with nothing.
func (w *workspace) openGate(p *platform, before *tree.Tree) *gate {
	g := &gate{before: before, today: w.today(), root: p.comparison.Root}
	for i, r := range p.spec.Removals {
		g.declared = append(g.declared, check.Removal{
			Kind: r.Kind, Name: r.Name, Namespace: r.Namespace, Environment: r.Environment,
			Reason: r.Reason, Until: r.Until, Range: p.spec.RemovalAt(i),
		})
	}
	return g
}

// gate reads the tree at a revision. A revision that was named and is not there
// is an error. Without a repository, or before its first commit, there is
// nothing to compare with, and that is said even when talk is off: a gate that
// stands open is not a gate that was passed.
func (w *workspace) gate(since string, p *platform) (*gate, error) {
	g := w.openGate(p, nil)
	if w.git == nil {
		fmt.Fprintln(w.env.Stderr, "removals are not checked: not a Git repository")
		return g, nil
	}
	before, _, err := w.git.Tree(since, builtFrom(g.root)...)
	if err != nil && since == head && errors.Is(err, repo.ErrNoRevision) {
		fmt.Fprintln(w.env.Stderr, "removals are not checked: there is no commit yet")
		return g, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	g.before = before
	return g, nil
}

// judge compares an environment with what it was: what leaves, and what the
// checks say of what changes. An environment whose files
// are the same is not built a second time.
func (g *gate) judge(ctx context.Context, env string, after built, checks []check.Check) (diag.List, []check.Identity, error) {
	if g.before == nil || g.unchanged(env, after) {
		return nil, nil, nil
	}
	dirs := overlayDirs(g.before, g.root, env)
	if len(dirs) == 0 {
		return nil, nil, nil
	}
	b, broken, err := stage{name: env, fsys: g.before, dirs: dirs}.build(ctx)
	if err != nil {
		return nil, nil, err
	}
	before := b.objects()
	findings := check.Removals(before, after.objects(), env, g.declared, g.today)
	findings = append(findings, check.Updates(ctx, before, after.objects(), env, checks)...)
	if broken.AtLeast(diag.Error) {
		findings = append(findings, diag.Diagnostic{
			Rule: "removal-unchecked", Severity: diag.Warning, Environments: []string{env},
			Range:   diag.Range{Path: path.Join(g.root, "overlays", env)},
			Summary: "the overlays did not build before the change, so what was removed from them, and what cannot be changed, is not known",
			Detail:  "Look through the diff for a Namespace, a volume or a CustomResourceDefinition that leaves, and for fields that are immutable.",
		})
	}
	return findings, check.Guarded(before), nil
}

// gone judges the environments that stood before and that the spec no longer
// has: all that they had leaves.
func (g *gate) gone(ctx context.Context, p *platform) (diag.List, []check.Identity, error) {
	if g.before == nil {
		return nil, nil, nil
	}
	prefix := path.Join(g.root, "overlays") + "/"
	var names []string
	for _, file := range g.before.Paths() {
		if rest, ok := strings.CutPrefix(file, prefix); ok {
			env, _, _ := strings.Cut(rest, "/")
			names = append(names, env)
		}
	}
	var findings diag.List
	var stood []check.Identity
	for _, env := range slices.Compact(names) {
		if _, stays := p.environment(env); stays {
			continue
		}
		found, before, err := g.judge(ctx, env, built{}, nil)
		if err != nil {
			return nil, nil, err
		}
		findings, stood = append(findings, found...), append(stood, before...)
	}
	return findings, stood, nil
}

// unchanged reports whether the environment's overlays, and all that any overlay
// lies on, are byte for byte what they were.
func (g *gate) unchanged(env string, after built) bool {
	if after.fsys == nil {
		return false
	}
	under := []string{path.Join(g.root, "overlays", env), path.Join(g.root, "base"), path.Join(g.root, "vendor")}
	for f := range g.before.All() {
		if !within(f.Path, under) {
			continue
		}
		now, err := fs.ReadFile(after.fsys, f.Path)
		if err != nil || !bytes.Equal(now, f.Data) {
			return false
		}
	}
	return true
}

// output is one --output FORMAT=FILE.
type output struct {
	format report.Format
	file   string
}

func parseOutputs(values []string) ([]output, error) {
	var out []output
	for _, v := range values {
		name, file, found := strings.Cut(v, "=")
		if !found || file == "" {
			return nil, usagef("--output %q: want FORMAT=FILE, for example sarif=strake.sarif", v)
		}
		format, err := report.ParseFormat(name)
		if err != nil {
			return nil, usageError{fmt.Errorf("--output: %w", err)}
		}
		out = append(out, output{format, file})
	}
	return out, nil
}

// report writes the result in every format that was asked for.
func (w *workspace) report(r *result, format report.Format, outputs []output, failOn diag.Severity) error {
	findings := r.findings.Sorted()
	options := report.Options{
		Color: w.env.Color && format == report.Text, Sources: w.sources(r.extra), Coverage: &r.coverage,
		Rules: ruleDocs, Version: Version, FailOn: failOn, SpecPath: w.specPath,
	}
	if format == report.Text && len(r.overlays) > 0 {
		rows := make([]report.Row, len(r.overlays))
		for i, o := range r.overlays {
			rows[i] = o.row(findings)
		}
		if err := report.Table(w.env.Stdout, rows); err != nil {
			return err
		}
	}
	if err := report.Findings(w.env.Stdout, format, findings, options); err != nil {
		return err
	}
	options.Color = false
	for _, o := range outputs {
		if err := w.reportTo(o, findings, options); err != nil {
			return err
		}
	}
	if findings.AtLeast(failOn) || r.coverage.Empty() {
		return errFindings
	}
	return nil
}

func (w *workspace) reportTo(o output, findings diag.List, options report.Options) error {
	var b bytes.Buffer
	if err := report.Findings(&b, o.format, findings, options); err != nil {
		return err
	}
	file := o.file
	if !filepath.IsAbs(file) {
		file = filepath.Join(w.start(), file)
	}
	return tree.WriteFile(file, b.Bytes())
}

// ruleDocs hands the rule pages to the reports.
func ruleDocs(slug string) (report.Rule, bool) {
	page, ok := docs.Rule(slug)
	if !ok {
		return report.Rule{}, false
	}
	_, rest, _ := strings.Cut(page, "\n")
	title, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	return report.Rule{Title: title, Markdown: page}, true
}

// objectsOf is what a revision builds for an environment.
func objectsOf(ctx context.Context, s stage) ([]*manifest.Object, error) {
	if len(s.dirs) == 0 {
		return nil, nil
	}
	b, findings, err := s.build(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range findings {
		if d.Severity == diag.Error {
			return nil, fmt.Errorf("%s: %s", d.Range, d.Summary)
		}
	}
	return b.objects(), nil
}
