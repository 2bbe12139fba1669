package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"strake/generator/manifest"
	"strake/generator/report"
)

type diffOptions struct {
	base         string
	environments []string
	format       string
	exitCode     bool
}

func newDiff(g *global) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff [ENV ENV]",
		Short: "Show what the cluster would see change",
		Long: `Diff builds each environment as the branch has it that Argo CD syncs, and as the
spec would render it now, and shows the objects that are removed, added and
changed. With two environments it compares the one with the other.

Secrets are masked. Equal changes in several environments are shown once.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return usagef("diff takes no environment or two, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return g.diff(cmd.Context(), o, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.base, "base", "", "revision to compare with (default: the remote's branch of the spec, else the local one)")
	flags.StringSliceVarP(&o.environments, "env", "e", nil, "only these environments")
	flags.StringVar(&o.format, "format", "text", "text or markdown")
	flags.BoolVar(&o.exitCode, "exit-code", false, "exit 1 when there are differences, as git diff does")
	return cmd
}

func (g *global) diff(ctx context.Context, o diffOptions, pair []string) error {
	format, err := report.ParseFormat(o.format)
	if err != nil || (format != report.Text && format != report.Markdown) {
		return usagef("--format %q: want text or markdown", o.format)
	}
	return g.withPlatform(ctx, func(w *workspace, p *platform) error { return w.diff(ctx, p, o, format, pair) })
}

func (w *workspace) diff(ctx context.Context, p *platform, o diffOptions, format report.Format, pair []string) (err error) {
	var changes map[string][]manifest.Change
	if len(pair) == 2 {
		changes, err = w.between(ctx, p, pair)
	} else {
		changes, err = w.sinceBase(ctx, p, o)
	}
	if err != nil {
		return err
	}
	folded := manifest.Fold(changes)
	if err := report.Diff(w.env.Stdout, format, folded, report.Options{Color: w.env.Color}); err != nil {
		return err
	}
	if o.exitCode && len(folded) > 0 {
		return errFindings
	}
	return nil
}

// sinceBase compares each environment with what it was at a revision.
func (w *workspace) sinceBase(ctx context.Context, p *platform, o diffOptions) (map[string][]manifest.Change, error) {
	chosen, err := p.choose(o.environments)
	if err != nil {
		return nil, err
	}
	base, err := w.base(o.base, p)
	if err != nil {
		return nil, err
	}
	changes := make(map[string][]manifest.Change, len(chosen))
	for _, e := range chosen {
		done := w.progress("building %s", e.Environment)
		changes[e.Environment], err = w.changes(ctx, p, base, e)
		done()
		if err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// between compares two environments as the spec renders them now.
func (w *workspace) between(ctx context.Context, p *platform, pair []string) (map[string][]manifest.Change, error) {
	chosen, err := p.choose(pair)
	if err != nil {
		return nil, err
	}
	sides := make([][]*manifest.Object, len(chosen))
	for i, e := range chosen {
		if sides[i], err = objectsOf(ctx, w.freshStage(p, e)); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Environment, err)
		}
	}
	return map[string][]manifest.Change{pair[0] + " → " + pair[1]: manifest.Diff(sides[0], sides[1])}, nil
}
