package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"strake/generator/render"
)

func newBootstrap(g *global) *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use:   "bootstrap --env ENVIRONMENT",
		Short: "Print the first commands for a new cluster",
		Long: `Bootstrap prints a shell script of the commands that bring a new cluster to where
Argo CD delivers the rest: credentials, definitions, the operator of secrets, Argo
CD, and the root Application. It runs none of them, and asks no cluster.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.bootstrap(cmd.Context(), environment) },
	}
	cmd.Flags().StringVarP(&environment, "env", "e", "", "the environment")
	return cmd
}

func (g *global) bootstrap(ctx context.Context, environment string) error {
	return g.withPlatform(ctx, func(w *workspace, p *platform) error {
		if environment == "" {
			return usagef("name one environment with --env: the spec has %s", list(p.names()))
		}
		chosen, err := p.choose([]string{environment})
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(w.env.Stdout, render.Bootstrap(chosen[0]))
		return err
	})
}
