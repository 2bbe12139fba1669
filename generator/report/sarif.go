package report

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"strake/generator/diag"
)

// Limits of GitHub code scanning, beyond which it refuses an upload or keeps
// only a part of it.
// https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support
const (
	maxResults   = 5000
	maxLocations = 100
)

const (
	sarifSchema   = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifRoot     = "%SRCROOT%"
	defaultSpec   = "environments/platform.yaml"
	unknownRule   = "unnamed"
	fingerprintID = "strake/v1"
)

// writeSARIF writes one SARIF 2.1.0 run.
func writeSARIF(out *bytes.Buffer, findings diag.List, o Options) error {
	kept := findings
	run := sarifRun{
		Tool:        sarifTool{Driver: sarifDriver{Name: "strake", Version: o.Version, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: true}},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
	}
	if len(findings) > maxResults {
		kept = bySeverity(findings)[:maxResults]
		run.Invocations[0].Notifications = []sarifNotification{{
			Level:   "warning",
			Message: sarifText{Text: fmt.Sprintf("%s left out: code scanning keeps %d results; the JSON report has all", plural(len(findings)-maxResults, "finding"), maxResults)},
		}}
	}
	if o.Category != "" {
		run.Automation = &sarifAutomation{ID: strings.TrimSuffix(o.Category, "/") + "/"}
	}
	if o.Coverage != nil {
		run.Properties = map[string]any{"coverage": o.Coverage.lists()}
	}
	index := map[string]int{}
	for i, slug := range slugs(kept) {
		index[slug] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, describe(slug, kept, o))
	}
	// Findings of one fingerprint are told apart by their order, as GitHub's
	// own hash does.
	times := map[string]int{}
	for _, d := range kept {
		id := d.Fingerprint()
		times[id]++
		r := resultOf(d, o)
		r.RuleIndex = index[r.RuleID]
		r.PartialFingerprints = map[string]string{
			"primaryLocationLineHash": fmt.Sprintf("%s:%d", id, times[id]),
			fingerprintID:             id,
		}
		run.Results = append(run.Results, r)
	}
	return encode(out, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

// resultOf is a finding but for what depends on the others.
func resultOf(d diag.Diagnostic, o Options) sarifResult {
	r := sarifResult{
		RuleID: slugOf(d), Level: level(d.Severity),
		Message:   sarifText{Text: message(d)},
		Locations: []sarifLocation{location(d.Range, o)},
	}
	if d.Object != "" {
		r.Locations[0].Logical = []sarifLogical{{FullyQualifiedName: d.Object, Kind: "resource"}}
	}
	if len(d.Environments) > 0 {
		r.Properties = map[string]any{"environments": d.Environments}
	}
	for i, rel := range d.Related {
		if i == maxLocations {
			break
		}
		at := location(rel.Range, o)
		at.ID, at.Message = i+1, &sarifText{Text: orElse(rel.Message, "related")}
		r.Related = append(r.Related, at)
	}
	return r
}

// slugs are the rules of the findings, sorted.
func slugs(findings diag.List) []string {
	set := map[string]bool{}
	for _, d := range findings {
		set[slugOf(d)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func slugOf(d diag.Diagnostic) string { return orElse(d.Rule, unknownRule) }

// describe is what the code scanning page shows of a rule. The level is that of
// the rule's worst finding: severities are a property of findings here.
func describe(slug string, findings diag.List, o Options) sarifRule {
	var doc Rule
	if o.Rules != nil {
		doc, _ = o.Rules(slug)
	}
	title := orElse(doc.Title, slug)
	help := fmt.Sprintf("Run: strake explain %s", slug)
	worst := diag.Info
	for _, d := range findings {
		if slugOf(d) == slug {
			worst = max(worst, d.Severity)
		}
	}
	return sarifRule{
		ID:               slug,
		ShortDescription: sarifText{Text: title},
		FullDescription:  sarifText{Text: title},
		HelpURI:          doc.URI,
		Help:             sarifHelp{Text: help, Markdown: orElse(doc.Markdown, help)},
		Default:          sarifDefault{Level: level(worst)},
	}
}

func level(s diag.Severity) string {
	switch s {
	case diag.Error:
		return "error"
	case diag.Warning:
		return "warning"
	default:
		return "note"
	}
}

// message is the text of an alert. SARIF reads [text](1) as a link to a
// related location, and so brackets in it are escaped.
func message(d diag.Diagnostic) string {
	text := orElse(d.Summary, slugOf(d))
	if d.Detail != "" {
		text += ".\n" + d.Detail
	}
	if place := about(d); place != "" {
		text += "\n" + place
	}
	if len(d.Environments) > 0 {
		text += "\nin " + folded(d.Environments)
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = diag.Printable(lines[i])
	}
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`).Replace(strings.Join(lines, "\n"))
}

// location is a place as SARIF has it: there is always a file and a line, for
// GitHub refuses the whole upload otherwise.
func location(r diag.Range, o Options) sarifLocation {
	path := orElse(strings.TrimLeft(r.Path, "/"), orElse(o.SpecPath, defaultSpec))
	region := sarifRegion{StartLine: max(r.Start.Line, 1)}
	if r.Start.Line > 0 && r.Start.Column > 0 {
		region.StartColumn = r.Start.Column
		if r.End.Column > 0 && (r.End.Line > r.Start.Line || r.End.Line == r.Start.Line && r.End.Column > r.Start.Column) {
			region.EndLine, region.EndColumn = r.End.Line, r.End.Column
		}
	}
	relative := &url.URL{Path: path}
	return sarifLocation{Physical: sarifPhysical{
		Artifact: sarifArtifact{URI: relative.String(), Base: sarifRoot},
		Region:   region,
	}}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
