package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"strake/generator/spec"
	"strake/generator/tree"
)

// maxOutputs is the largest output of Terraform that is read.
const maxOutputs = 8 << 20

func newFacts(g *global) *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use:   "facts --env ENV [OUTPUT...]",
		Short: "Record what only Terraform knows",
		Long: `Facts reads what 'terraform output -json' prints on standard input and records it
in environments/facts/ENV.yaml, where the spec reads it as ${facts.NAME}:

  terraform -chdir=environments/prod/persistent output -json | strake facts --env prod

Every output is recorded, or those that are named. A sensitive output is refused,
and so is one that is neither a string, a number nor a boolean: then nothing is
written. What the file holds besides stays as it is.`,
		RunE: func(cmd *cobra.Command, args []string) error { return g.facts(cmd.Context(), environment, args) },
	}
	cmd.Flags().StringVarP(&environment, "env", "e", "", "environment that the outputs are of")
	return cmd
}

func (g *global) facts(ctx context.Context, environment string, names []string) (err error) {
	if environment == "" {
		return usagef("name the environment with --env")
	}
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.recover(ctx); err != nil {
		return err
	}
	p, err := w.load(ctx)
	if err != nil {
		return err
	}
	if _, err := p.choose([]string{environment}); err != nil {
		return err
	}
	outputs, err := io.ReadAll(io.LimitReader(w.env.Stdin, maxOutputs+1))
	switch {
	case err != nil:
		return fmt.Errorf("read standard input: %w", err)
	case len(outputs) > maxOutputs:
		return fmt.Errorf("standard input is larger than %d MiB", maxOutputs>>20)
	case len(bytes.TrimSpace(outputs)) == 0:
		return usagef("nothing on standard input: pipe 'terraform output -json' into this command")
	}
	file := path.Join(path.Dir(w.specPath), "facts", environment+".yaml")
	before, err := fs.ReadFile(w.fsys, file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	existed := err == nil
	after, err := spec.RecordFacts(before, environment, outputs, names)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if existed && bytes.Equal(before, after) {
		w.talk("%s has these facts already", file)
		return nil
	}
	plan := &tree.Plan{Changes: []tree.Change{{Path: file, Before: before, Existed: existed, After: after}}}
	if _, err := w.dir.Write(ctx, plan, tree.WriteOptions{}); err != nil {
		return err
	}
	w.talk("recorded in %s: run 'strake render --env %s'", file, environment)
	if !existed && !slices.Contains(p.spec.Files, file) {
		w.talk("the spec reads it with include: [facts/*.yaml]")
	}
	return nil
}
