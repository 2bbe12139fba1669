package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"strake/generator/diag"
	"strake/generator/report"
	"strake/generator/tree"
	"strake/generator/vendored"
)

func newRender(g *global) *cobra.Command {
	var o struct {
		environments []string
		check, force bool
	}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Write bases, overlays and Terraform from the spec",
		Long: `Render writes base/, overlays/, environments/<env>/effective.yaml and the Terraform
roots that the spec asks for. What you write in custom/ and every file without our
header stays.

With --check nothing is written: files that are missing, left over, edited by
hand or foreign are findings (exit 1); an environment that is behind the spec is
pending, which is listed and no error.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.render(cmd.Context(), o.environments, o.check, o.force)
		},
	}
	cmd.Flags().StringSliceVarP(&o.environments, "env", "e", nil, "only these environments")
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing, say what differs")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite files that were edited by hand or are not ours")
	cmd.MarkFlagsMutuallyExclusive("check", "force")
	return cmd
}

func (g *global) render(ctx context.Context, environments []string, check, force bool) (err error) {
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if check {
		if err := w.settled(); err != nil {
			return err
		}
	} else if err := w.recover(ctx); err != nil {
		return err
	}
	done := w.progress("rendering")
	p, err := w.load(ctx)
	done()
	if err != nil {
		return err
	}
	chosen, err := p.choose(environments)
	if err != nil {
		return err
	}
	if p.findings.AtLeast(diag.Error) {
		return w.refuse(p.findings, p.all)
	}
	if check {
		return w.reportDrift(p, environments)
	}
	if err := p.mayRender(); err != nil {
		return err
	}
	if missing := vendored.Missing(w.fsys, p.comparison.Root, vendoredNeeds(chosen)); len(missing) > 0 {
		return w.refuse(missing, nil) // an overlay that lies on nothing does not build
	}
	options := tree.PlanOptions{Force: force}
	for _, e := range chosen {
		if len(environments) > 0 {
			options.Environments = append(options.Environments, e.Environment)
		}
	}
	plan := tree.NewPlan(p.comparison, options)
	if len(plan.Refused) > 0 {
		return w.refuse(plan.Refused, p.all)
	}
	result, err := w.dir.Write(ctx, plan, tree.WriteOptions{})
	if err != nil {
		return err
	}
	w.showFindings(p.findings, p.all)
	w.talk("rendered %s: %d files written, %d deleted, %d unchanged", list(names(chosen)), len(result.Written), len(result.Deleted), max(0, p.all.Len()-len(result.Written)))
	return nil
}

// recover finishes a write that was killed, and says what a person changed
// meanwhile.
func (w *workspace) recover(ctx context.Context) error {
	result, err := w.dir.Recover(ctx)
	if err != nil {
		return err
	}
	if n := len(result.Written) + len(result.Deleted); n > 0 {
		w.talk("finished an interrupted render: %d files", n)
	}
	w.showFindings(result.Kept, nil)
	return nil
}

// refuse reports findings that stand in the way of a write.
func (w *workspace) refuse(findings diag.List, extra *tree.Tree) error {
	err := report.Findings(w.env.Stdout, report.Text, findings, report.Options{Color: w.env.Color, Sources: w.sources(extra)})
	return errors.Join(err, errFindings)
}

// showFindings prints to stderr what does not stop the command.
func (w *workspace) showFindings(findings diag.List, extra *tree.Tree) {
	if len(findings) == 0 || w.quiet {
		return
	}
	// A report that stderr does not take is no reason to fail what was done.
	_ = report.Findings(w.env.Stderr, report.Text, findings, report.Options{Sources: w.sources(extra)})
}

// reportDrift lists every file that is not as it should be.
func (w *workspace) reportDrift(p *platform, environments []string) error {
	findings := tree.Findings(p.drift(environments))
	if len(findings) == 0 {
		w.talk("%d files are as the spec renders them", p.all.Len())
		return nil
	}
	err := report.Findings(w.env.Stdout, report.Text, findings, report.Options{Color: w.env.Color, Sources: w.sources(nil)})
	if err == nil && findings.AtLeast(diag.Error) {
		return errFindings
	}
	return err
}

// drift is the state of every file that differs, in some environments or all.
func (p *platform) drift(environments []string) []tree.Status {
	var out []tree.Status
	for _, s := range tree.Compare(p.comparison) {
		if len(environments) == 0 || overlap(s.Environments, environments) {
			out = append(out, s)
		}
	}
	return out
}

func overlap(a, b []string) bool {
	return len(a) == 0 || slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// list writes names for a sentence: "dev, staging and prod".
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
