package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"strake/generator/check/rego"
	"strake/generator/diag"
	"strake/generator/report"
)

type policyTestOptions struct {
	run    string
	format string
}

func newPolicy(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Work with policies in Rego",
	}
	var o policyTestOptions
	test := &cobra.Command{
		Use:   "test [DIR...]",
		Short: "Run the tests of policies",
		Long: `Test runs the rules named test_… in the .rego files of the directories, with the
built-ins that strake check has. A test that fails is a finding at its line.

Without DIR it runs the tests of policies/.`,
		RunE: func(cmd *cobra.Command, args []string) error { return g.policyTest(cmd.Context(), o, args) },
	}
	test.Flags().StringVar(&o.run, "run", "", "only tests whose name, PACKAGE.NAME, matches this regular expression")
	test.Flags().StringVar(&o.format, "format", "text", "text, json, sarif, junit, github or markdown")
	cmd.AddCommand(test)
	return cmd
}

func (g *global) policyTest(ctx context.Context, o policyTestOptions, args []string) (err error) {
	format, err := report.ParseFormat(o.format)
	if err != nil {
		return usageError{fmt.Errorf("--format: %w", err)}
	}
	if _, err := regexp.Compile(o.run); err != nil {
		return usageError{fmt.Errorf("--run: %w", err)}
	}
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if len(args) == 0 {
		args = []string{"policies"}
	}
	var sources []rego.Source
	for _, dir := range args {
		source, err := w.policySource(dir, dir)
		if err != nil {
			return err
		}
		sources = append(sources, source)
	}
	verdict, findings, err := rego.Verify(ctx, sources, o.run)
	if err != nil {
		return err
	}
	options := report.Options{Color: w.env.Color && format == report.Text, Sources: w.sources(nil), Rules: ruleDocs, Version: Version, FailOn: diag.Error}
	if err := report.Findings(w.env.Stdout, format, findings, options); err != nil {
		return err
	}
	w.talk("%d passed, %d failed, %d skipped", verdict.Passed, verdict.Failed, verdict.Skipped)
	if findings.AtLeast(diag.Error) {
		return errFindings
	}
	return nil
}
