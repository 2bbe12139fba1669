package report

import (
	"bytes"
	"encoding/json"

	"strake/generator/diag"
)

// jsonVersion changes when a field of the JSON report is renamed or removed or
// changes its meaning. New fields do not change it.
const jsonVersion = 1

type jsonReport struct {
	Version  int           `json:"version"`
	Findings []jsonFinding `json:"findings"`
	Coverage any           `json:"coverage"`
}

type jsonFinding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	// Path is relative to the repository, with slashes. Line and Column count
	// from 1; 0 is unknown.
	Path         string        `json:"path"`
	Line         int           `json:"line"`
	Column       int           `json:"column"`
	Object       string        `json:"object"`
	Environments []string      `json:"environments"`
	Related      []jsonRelated `json:"related"`
	Fingerprint  string        `json:"fingerprint"`
}

type jsonRelated struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func writeJSON(out *bytes.Buffer, findings diag.List, o Options) error {
	r := jsonReport{Version: jsonVersion, Findings: make([]jsonFinding, 0, len(findings)), Coverage: struct{}{}}
	if o.Coverage != nil {
		r.Coverage = o.Coverage.lists()
	}
	for _, d := range findings {
		f := jsonFinding{
			Rule: d.Rule, Severity: d.Severity.String(), Summary: d.Summary, Detail: d.Detail,
			Path: d.Range.Path, Line: d.Range.Start.Line, Column: d.Range.Start.Column, Object: d.Object,
			Environments: append([]string{}, d.Environments...),
			Related:      make([]jsonRelated, 0, len(d.Related)),
			Fingerprint:  d.Fingerprint(),
		}
		for _, rel := range d.Related {
			f.Related = append(f.Related, jsonRelated{rel.Range.Path, rel.Range.Start.Line, rel.Range.Start.Column, rel.Message})
		}
		r.Findings = append(r.Findings, f)
	}
	return encode(out, r)
}

// lists returns the coverage with [] in place of null.
func (c Coverage) lists() Coverage {
	c.Environments = append([]string{}, c.Environments...)
	c.Checks = append([]string{}, c.Checks...)
	c.Kinds = append([]KindCoverage{}, c.Kinds...)
	return c
}

// encode writes indented JSON without turning < > & into escapes: the reports
// are never put into HTML as they are.
func encode(out *bytes.Buffer, value any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
