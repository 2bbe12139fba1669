package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"strake/generator/build"
	"strake/generator/diag"
	"strake/generator/report"
)

func newApps(g *global) *cobra.Command {
	var environments []string
	cmd := &cobra.Command{
		Use:   "apps",
		Short: "List the Argo CD Applications and what each delivers",
		Long: `Apps builds every overlay and lists the Argo CD Applications in them, each below
the one that delivers it: its project, the directory that it delivers, the branch
or tag that it follows, the namespace that it delivers to, and whether a commit
gets there by itself.

In a repository without a spec, every kustomization is built that no other one
uses.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.apps(cmd.Context(), environments) },
	}
	cmd.Flags().StringSliceVarP(&environments, "env", "e", nil, "only these environments")
	return cmd
}

func (g *global) apps(ctx context.Context, environments []string) (err error) {
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.settled(); err != nil {
		return err
	}
	if w.specPath == "" {
		if len(environments) > 0 {
			return usagef("--env needs a spec")
		}
		return w.foreignApps(ctx)
	}
	p, err := w.load(ctx)
	if err != nil {
		return err
	}
	if p.findings.AtLeast(diag.Error) {
		return w.refuse(p.findings, p.all)
	}
	return w.apps(ctx, p, environments)
}

// apps lists the Applications of the chosen environments as they are committed.
func (w *workspace) apps(ctx context.Context, p *platform, environments []string) error {
	chosen, err := p.choose(environments)
	if err != nil {
		return err
	}
	var stages []stage
	for _, e := range chosen {
		stages = append(stages, w.stages(p, e)[0])
	}
	return w.listApps(ctx, p.spec.Repository.URL, stages...)
}

// foreignApps lists those of a repository that no spec describes.
func (w *workspace) foreignApps(ctx context.Context) error {
	roots, _, err := build.Discover(w.fsys)
	if err != nil {
		return err
	}
	return w.listApps(ctx, "", stage{name: "-", fsys: w.fsys, dirs: roots})
}

// listApps builds stages and prints the Applications in them. What does not
// build is named, and the command fails: an Application may be missing.
func (w *workspace) listApps(ctx context.Context, repository string, stages ...stage) error {
	var overlays []report.Overlay
	whole := true
	for _, s := range stages {
		done := w.progress("building %s", s.name)
		b, _, err := s.build(ctx)
		done()
		if err != nil {
			return err
		}
		for _, o := range b.overlays {
			if len(o.YAML) == 0 && o.Findings.AtLeast(diag.Error) {
				fmt.Fprintf(w.env.Stderr, "%s does not build: strake check %s says why\n", o.Dir, o.Dir)
				whole = false
			}
			overlays = append(overlays, report.Overlay{Environment: s.name, Dir: o.Dir, Objects: o.Objects})
		}
	}
	count, err := report.Applications(w.env.Stdout, overlays, repository)
	switch {
	case err != nil:
		return err
	case !whole:
		return errFindings
	case count == 0:
		w.talk("no Argo CD Applications")
	}
	return nil
}
