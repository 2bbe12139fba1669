package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/propose"
	"strake/generator/report"
	"strake/generator/spec"
	"strake/generator/tree"
	"strake/generator/vendored"
)

type proposeOptions struct {
	environments []string
	base         string
	policies     []string
	dryRun       bool
}

func newPropose(g *global) *cobra.Command {
	var o proposeOptions
	cmd := &cobra.Command{
		Use:   "propose",
		Short: "Open or update one pull request per environment",
		Long: `Propose renders the spec, checks every environment, and makes one commit on
strake/<env> and one pull request per environment, with that environment's files
only. A second run with nothing new writes nothing. Findings of severity error
stop it.

It needs GITHUB_TOKEN (contents and pull requests: write) and takes
GITHUB_API_URL for servers other than github.com. With --dry-run it needs
neither, and prints the plan.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.propose(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.environments, "env", "e", nil, "only these environments")
	flags.StringVar(&o.base, "base", "", "revision to compare with (default: the remote's branch of the spec, else the local one)")
	flags.StringArrayVar(&o.policies, "policy", []string{builtin}, "directory of Rego policies; builtin names the embedded ones; may repeat")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print what would be opened, and use no network")
	return cmd
}

func (g *global) propose(ctx context.Context, o proposeOptions) error {
	return g.withPlatform(ctx, func(w *workspace, p *platform) error { return w.propose(ctx, p, o) })
}

func (w *workspace) propose(ctx context.Context, p *platform, o proposeOptions) error {
	chosen, err := p.choose(o.environments)
	if err != nil {
		return err
	}
	if err := p.mayRender(); err != nil {
		return err
	}
	base, err := w.base(o.base, p)
	if err != nil {
		return err
	}
	proposals, findings, err := w.proposals(ctx, p, base, chosen, o)
	if err != nil {
		return err
	}
	if findings.AtLeast(diag.Error) {
		w.talk("nothing is proposed while there are errors")
		return w.refuse(findings, p.all)
	}
	if o.dryRun {
		return w.showPlan(p, base, chosen, proposals)
	}
	return w.send(ctx, p, proposals)
}

// proposed is one environment's proposal with what its text is made from.
type proposed struct {
	propose.Proposal
	changes  []manifest.Change
	findings diag.List
}

// proposals renders, checks and compares each environment.
func (w *workspace) proposals(ctx context.Context, p *platform, base revision, chosen []*spec.Effective, o proposeOptions) ([]proposed, diag.List, error) {
	checks, all, err := w.checks(ctx, o.policies)
	if err != nil {
		return nil, nil, err
	}
	manifests := append(vendored.Missing(w.fsys, p.comparison.Root, vendoredNeeds(chosen)), vendored.Edited(w.fsys, p.comparison.Root)...)
	if len(manifests) > 0 {
		return nil, append(all, manifests...).Sorted(), nil // what lies on them does not build
	}
	gate := w.openGate(p, base.tree)
	var out []proposed
	for _, e := range chosen {
		done := w.progress("checking %s", e.Environment)
		one, err := w.proposal(ctx, p, base, e, checks, gate)
		done()
		if err != nil {
			return nil, nil, err
		}
		all = append(all, one.findings...)
		out = append(out, one)
	}
	return out, all.Sorted(), nil
}

func (w *workspace) proposal(ctx context.Context, p *platform, base revision, e *spec.Effective, checks []check.Check, gate *gate) (proposed, error) {
	one := proposed{Proposal: propose.Proposal{Environment: e.Environment, Branch: "strake/" + e.Environment}}
	s := w.freshStage(p, e)
	b, findings, err := s.build(ctx)
	if err != nil {
		return one, err
	}
	found, summary, err := check.Environment(ctx, b.input(), checks)
	if err != nil {
		return one, err
	}
	gone, _, err := gate.judge(ctx, e.Environment, b, checks)
	if err != nil {
		return one, err
	}
	r := &result{findings: s.trace.Trace(append(append(findings, found...), gone...))}
	if err := w.except(ctx, r, checkOptions{}); err != nil {
		return one, err
	}
	one.findings = r.findings.Sorted()
	before, err := objectsOf(ctx, base.stage(p, w, e))
	if err != nil {
		return one, fmt.Errorf("%s at %s: %w", e.Environment, base.name, err)
	}
	one.changes = manifest.Diff(before, b.objects())
	one.Changes = fileChanges(base.tree, p.comparison, e.Environment)
	manifests, found, err := w.vendorChanges(ctx, base, p.comparison.Root, e)
	if err != nil {
		return one, err
	}
	one.Changes = append(one.Changes, manifests...)
	one.findings = append(one.findings, found...).Sorted()
	one.Digest = digest(one.Changes)
	one.Title = title(e.Environment, one.changes)
	one.Body = report.Body(report.Proposal{
		Environment: e.Environment, Branch: one.Branch, Digest: one.Digest, Base: base.name, Version: Version,
		Changes: one.changes, Findings: one.findings, Files: len(one.Changes), Sources: w.sources(p.all),
		Coverage: &report.Coverage{
			Environments: []string{e.Environment}, Files: len(p.spec.Files), Overlays: len(b.overlays), Objects: summary.Objects(),
			Excepted: r.coverage.Excepted,
		},
	})
	return one, nil
}

// fileChanges is what the environment's pull request contains: its own files
// and new bases, never another environment's.
func fileChanges(base *tree.Tree, c tree.Comparison, env string) []propose.Change {
	fresh := c.Fresh[env]
	var out []propose.Change
	for f := range fresh.All() {
		have, ok := base.Get(f.Path)
		if ok && (f.Seed || bytes.Equal(have.Data, f.Data)) {
			continue
		}
		out = append(out, propose.Change{Path: f.Path, Data: f.Data})
	}
	own := []string{path.Join(c.Root, "environments", env) + "/", path.Join(c.Root, "overlays", env) + "/"}
	for f := range base.All() {
		if _, kept := fresh.Get(f.Path); kept || !tree.Owned(f.Data) {
			continue
		}
		if strings.HasPrefix(f.Path, own[0]) || strings.HasPrefix(f.Path, own[1]) {
			out = append(out, propose.Change{Path: f.Path, Delete: true})
		}
	}
	return out
}

// vendorChanges are the official manifests that the environment lies on and that
// the branch lacks. A version that is there with another content is other
// environments' too: it cannot come with the pull request of one.
func (w *workspace) vendorChanges(ctx context.Context, base revision, root string, e *spec.Effective) ([]propose.Change, diag.List, error) {
	var out []propose.Change
	var findings diag.List
	seen := map[string]bool{}
	for _, n := range vendoredNeeds([]*spec.Effective{e}) {
		dir := n.Component.Dir(root, n.Version)
		if seen[dir] {
			continue
		}
		seen[dir] = true
		there, _, err := w.dir.Load(ctx, dir)
		if err != nil {
			return nil, nil, err
		}
		known := slices.ContainsFunc(base.tree.Paths(), func(file string) bool { return strings.HasPrefix(file, dir+"/") })
		for f := range there.All() {
			have, ok := base.tree.Get(f.Path)
			switch {
			case ok && bytes.Equal(have.Data, f.Data):
			case !known:
				out = append(out, propose.Change{Path: f.Path, Data: f.Data})
			default:
				findings = append(findings, diag.Diagnostic{
					Rule: vendored.RuleEdited, Severity: diag.Error, Range: diag.Range{Path: f.Path}, Environments: []string{e.Environment},
					Summary: "the file differs from the one on " + base.name,
					Detail:  "Every environment on this version would change with it. Merge vendor/ in a pull request of its own first.",
				})
			}
		}
	}
	return out, findings, nil
}

// digest names a proposal by its content.
func digest(changes []propose.Change) string {
	sum := sha256.New()
	for _, c := range changes {
		fmt.Fprintf(sum, "%d:%s%t%d:%s", len(c.Path), c.Path, c.Delete, len(c.Data), c.Data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// title counts what changes in the cluster.
func title(env string, changes []manifest.Change) string {
	counts := report.Count(changes)
	return fmt.Sprintf("%s: %s", env, counts)
}

// showPlan prints what would be opened.
func (w *workspace) showPlan(p *platform, base revision, chosen []*spec.Effective, proposals []proposed) error {
	plans := make([]report.Proposal, 0, len(proposals))
	for i, one := range proposals {
		plan := report.Proposal{
			Environment: chosen[i].Environment, Branch: one.Branch, Base: base.name, Into: p.spec.Repository.Branch,
			Repository: p.spec.Repository.URL, Title: one.Title, Digest: one.Digest, Version: Version,
			Changes: one.changes, Findings: one.findings, Files: len(one.Changes),
		}
		for _, c := range one.Changes {
			_, existed := base.tree.Get(c.Path)
			plan.Paths = append(plan.Paths, report.FileChange{Path: c.Path, Existed: existed, Delete: c.Delete})
		}
		plans = append(plans, plan)
	}
	return report.Plan(w.env.Stdout, plans)
}

// pause is the time between two writes that GitHub asks of programs.
const pause = time.Second

// send makes the proposals true.
func (w *workspace) send(ctx context.Context, p *platform, proposals []proposed) error {
	repository, err := repositoryName(p.spec.Repository.URL)
	if err != nil {
		return err
	}
	api := w.env.Getenv("GITHUB_API_URL")
	if api == "" {
		api = "https://api.github.com"
	}
	config := propose.Config{
		Repository: repository, Base: p.spec.Repository.Branch, APIURL: api, Token: w.env.Getenv("GITHUB_TOKEN"), Pause: pause,
	}
	if w.env.Progress && !w.quiet {
		config.Log = func(line string) { w.talk("%s", line) }
	}
	client, err := propose.New(config)
	if err != nil {
		return err
	}
	list := make([]propose.Proposal, len(proposals))
	for i, one := range proposals {
		list[i] = one.Proposal
	}
	outcomes, err := client.Run(ctx, list)
	for _, o := range outcomes {
		fmt.Fprintln(w.env.Stdout, o)
	}
	return err
}

// repositoryName takes owner/name from the URL of the spec.
func repositoryName(raw string) (string, error) {
	text := strings.TrimSuffix(raw, ".git")
	if rest, ok := strings.CutPrefix(text, "git@"); ok {
		_, name, _ := strings.Cut(rest, ":")
		text = "https://host/" + name
	}
	u, err := url.Parse(text)
	if err != nil || strings.Count(strings.Trim(u.Path, "/"), "/") != 1 {
		return "", fmt.Errorf("repository.url %q: want https://github.com/OWNER/NAME", raw)
	}
	return strings.Trim(u.Path, "/"), nil
}
