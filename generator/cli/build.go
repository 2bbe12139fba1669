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

func newBuild(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "build OVERLAY",
		Short: "Print the objects of a kustomization, as kustomize build would",
		Long: `Build prints what 'kustomize build OVERLAY' of the same version prints, byte for
byte. It reads nothing from the network and runs no plugin.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("build takes one directory, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return g.build(cmd.Context(), args[0]) },
	}
}

func (g *global) build(ctx context.Context, arg string) (err error) {
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.settled(); err != nil {
		return err
	}
	dir, err := w.relative(arg)
	if err != nil {
		return err
	}
	overlays, err := build.Overlays(ctx, w.fsys, []string{dir})
	if err != nil {
		return err
	}
	o := overlays[0]
	if o.Findings.AtLeast(diag.Error) && len(o.YAML) == 0 {
		err := report.Findings(w.env.Stderr, report.Text, o.Findings, report.Options{Sources: w.sources(nil)})
		return errors.Join(err, errFindings)
	}
	if _, err := w.env.Stdout.Write(o.YAML); err != nil {
		return fmt.Errorf("write objects: %w", err)
	}
	return nil
}
