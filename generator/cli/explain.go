package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"strake/docs"
	"strake/generator/diag"
	"strake/generator/spec"
)

func newExplain(g *global) *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use:   "explain RULE|FIELD",
		Short: "Print the page of a rule or a field of the spec",
		Long: `Explain prints the page of a rule ("retry-missing-on-spot") or what a field of
the spec means ("archive.postgresql.cloudSQL"). With --env it also prints the
value that the field has there, and the line that it comes from.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("explain takes one rule or field, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return g.explain(args[0], environment) },
	}
	cmd.Flags().StringVarP(&environment, "env", "e", "", "show the field's value in this environment, and where it comes from")
	return cmd
}

func (g *global) explain(topic, environment string) error {
	if page, ok := docs.Rule(topic); ok {
		_, err := fmt.Fprintln(g.env.Stdout, strings.TrimSpace(page))
		return err
	}
	page, ok := spec.Explain(topic)
	if !ok {
		hint := ""
		if near := diag.DidYouMean(topic, docs.Slugs()); near != "" {
			hint = "did you mean the rule " + near + "?"
		} else if strings.TrimSpace(page) != "" {
			hint = strings.TrimSpace(page)
		}
		return usagef("no rule and no field %q: %s", topic, strings.TrimSuffix(hint, ": "))
	}
	if _, err := fmt.Fprintln(g.env.Stdout, strings.TrimSpace(page)); err != nil || environment == "" {
		return err
	}
	return g.origin(topic, environment)
}

// origin prints the value of a field in one environment, and its line.
func (g *global) origin(field, environment string) (err error) {
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if w.specPath == "" {
		return fmt.Errorf("no %s in %s", specFile, w.root)
	}
	p := &platform{}
	p.spec, p.findings = spec.Load(w.fsys, w.specPath, Version)
	chosen, err := p.choose([]string{environment})
	if err != nil {
		return err
	}
	e := chosen[0]
	at := e.At(field)
	value, known := lookup(e.JSON(), field)
	text := "not set"
	if known {
		text = fmt.Sprint(value)
	}
	_, err = fmt.Fprintf(g.env.Stdout, "\nIn %s: %s\n%s\n", environment, text, at)
	return err
}

// lookup follows a dotted path with named list items through JSON values.
func lookup(v any, field string) (any, bool) {
	for _, step := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch t := v.(type) {
		case map[string]any:
			next, ok := t[step]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			var found any
			for _, item := range t {
				if m, ok := item.(map[string]any); ok && m["name"] == step {
					found = m
				}
			}
			if found == nil {
				return nil, false
			}
			v = found
		default:
			return nil, false
		}
	}
	return v, true
}
