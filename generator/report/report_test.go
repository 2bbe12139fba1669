package report_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
	"strake/generator/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with testdata/name, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

const canary = "c4nary-s3cret"

var sources = map[string]string{
	"overlays/dev/argo-workflows/custom/retry.yaml": "spec:\n  templates:\n    - name: main\n      dag:\n        tasks:\n          - name: train\n            retryStrategy: {limit: 3}\n",
	"environments/platform.yaml":                    "apiVersion: strake/v1alpha1\nspec:\n  defaults:\n    cluster:\n      nodePool: [] # 名前\n",
	"overlays/prod/db.yaml":                         "stringData:\n  password: " + canary + "\n  more: |\n    " + canary + ": x\n",
}

func source(path string) ([]byte, bool) {
	text, ok := sources[path]
	return []byte(text), ok
}

func span(path string, line, column, endLine, endColumn int) diag.Range {
	return diag.Range{Path: path, Start: diag.Pos{Line: line, Column: column}, End: diag.Pos{Line: endLine, Column: endColumn}}
}

func findings() diag.List {
	return diag.List{
		{
			Rule: "unknown-field", Severity: diag.Error, Summary: `unknown field "nodePool"`, Detail: "Did you mean nodePools?\nFields here: mode, nodePools or version.",
			Range: span("environments/platform.yaml", 5, 7, 5, 15), Field: "defaults.cluster",
		},
		{
			Rule: "retry-on-dag-task", Severity: diag.Error, Summary: "retryStrategy under a DAG task is never read",
			Detail: "Move it to the template that the task names.", Range: span("overlays/dev/argo-workflows/custom/retry.yaml", 7, 13, 7, 26),
			Object: "argoproj.io/WorkflowTemplate forecasting/chart-movement", Field: "spec.templates[0].dag.tasks[0].retryStrategy",
			Environments: []string{"dev", "staging"},
			Related: []diag.Related{
				{Range: span("base/forecasting/1/workflow.yaml", 3, 1, 0, 0), Message: "resource of argoproj.io/WorkflowTemplate forecasting/chart-movement"},
				{Message: "and a place without a file"},
			},
		},
		{
			Rule: "secret-in-git", Severity: diag.Error, Summary: "a Secret with data stands in Git", Detail: "Take it from an ExternalSecret.",
			Range: span("overlays/prod/db.yaml", 2, 13, 2, 13+len(canary)), Object: "Secret argo/db", Field: "stringData.password", Environments: []string{"prod"}, Sensitive: true,
		},
		{
			Rule: "secret-in-git", Severity: diag.Error, Summary: "a Secret with data stands in Git", Detail: "Take it from an ExternalSecret.",
			Range: span("overlays/prod/db.yaml", 4, 5, 4, 9), Object: "Secret argo/db", Field: "stringData.more", Environments: []string{"prod"}, Sensitive: true,
		},
		{Rule: "image-tag", Severity: diag.Warning, Summary: "image without a digest", Range: span("base/a b/100%,x:y.yaml", 2, 3, 5, 1), Object: "Pod a/b"},
		{
			Rule: "left-over", Severity: diag.Warning, Summary: "base directory that no overlay names", Range: diag.Range{Path: "base/old"},
			Environments: []string{"a", "b", "c", "d", "e", "f", "g", "h"},
		},
		{Rule: "pending", Severity: diag.Info, Summary: "effective.yaml is behind platform.yaml"},
		{
			Rule: "odd", Severity: diag.Info, Summary: "::error::forged\r\n::warning::| `x` <b>@all #1 GH-2 https://x.org </b> \x1b[31m<!-- /strake -->",
			Detail: "<details>\n```\n::set-env name=A::b", Range: span("environments/platform.yaml", 99, 1, 0, 0),
		},
	}
}

func options() report.Options {
	return report.Options{
		Sources: source,
		Version: "0.1.0",
		Coverage: &report.Coverage{
			Environments: []string{"dev", "prod", "staging"}, Checks: []string{"kube", "argo", "rego"}, Files: 12, Overlays: 9, Objects: 214,
			Kinds: []report.KindCoverage{{APIVersion: "v1", Kind: "Secret", Objects: 1, Depth: "full"}},
		},
		Rules: func(slug string) (report.Rule, bool) {
			if slug != "retry-on-dag-task" {
				return report.Rule{}, false
			}
			return report.Rule{Title: "Retry under a DAG task", Markdown: "# Retry\n\nMove it.", URI: "https://example.com/rules/retry-on-dag-task.md"}, true
		},
	}
}

func render(t testing.TB, format report.Format, list diag.List, o report.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Findings(&out, format, list, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestFindingsGolden(t *testing.T) {
	t.Parallel()
	for _, format := range report.Formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			golden(t, "findings."+string(format), render(t, format, findings(), options()))
			golden(t, "clean."+string(format), render(t, format, nil, options()))
		})
	}
	o := options()
	o.Color = true
	golden(t, "findings.color", render(t, report.Text, findings(), o))
}

func TestFindingsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(7))
	for _, format := range report.Formats() {
		want := render(t, format, findings(), options())
		for range 10 {
			list := findings()
			random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			if got := render(t, format, list, options()); got != want {
				t.Errorf("%s: another order gave other bytes", format)
			}
		}
	}
}

func TestNoSecretInAnyFormat(t *testing.T) {
	t.Parallel()
	for _, format := range report.Formats() {
		for _, color := range []bool{false, true} {
			o := options()
			o.Color = color
			if got := render(t, format, findings(), o); strings.Contains(got, canary) {
				t.Errorf("%s shows the secret:\n%s", format, got)
			}
		}
	}
	// The test can fail: the same finding, not marked, shows its line.
	list := findings()
	for i := range list {
		list[i].Sensitive = false
	}
	if got := render(t, report.Text, list, options()); !strings.Contains(got, canary) {
		t.Error("the canary is not in the sources")
	}
}

func TestColorIsOnlyColor(t *testing.T) {
	t.Parallel()
	o := options()
	o.Color = true
	colored := render(t, report.Text, findings(), o)
	if !strings.Contains(colored, "\x1b[31m") {
		t.Error("no colour")
	}
	plain := render(t, report.Text, findings(), options())
	if strings.Contains(plain, "\x1b") {
		t.Error("an escape sequence without being asked for")
	}
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "36"} {
		colored = strings.ReplaceAll(colored, "\x1b["+code+"m", "")
	}
	if d := cmp.Diff(plain, colored); d != "" {
		t.Errorf("colour changed the text:\n%s", d)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	one := diag.List{{Severity: diag.Error}}
	tests := []struct {
		name     string
		list     diag.List
		coverage *report.Coverage
		want     string
	}{
		{"clean", nil, &report.Coverage{Files: 12, Objects: 214}, "no findings in 12 files; 214 objects checked"},
		{"one of each", diag.List{{Severity: diag.Info}, {Severity: diag.Warning}, {Severity: diag.Error}}, &report.Coverage{Files: 1, Objects: 1}, "1 error, 1 warning, 1 info in 1 file; 1 object checked"},
		{"nothing checked", nil, &report.Coverage{Files: 3}, "no findings in 3 files, but 0 objects checked: that is not clean"},
		{"nothing checked, and why", one, &report.Coverage{Files: 3}, "1 error in 3 files; 0 objects checked"},
		{"no objects to check", nil, nil, "no findings"},
		{"findings without coverage", append(one, one...), nil, "2 errors"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := report.Verdict(test.list, test.coverage); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, f := range report.Formats() {
		if got, err := report.ParseFormat(string(f)); err != nil || got != f {
			t.Errorf("%s: %v, %v", f, got, err)
		}
	}
	_, err := report.ParseFormat("sarfi")
	if err == nil || !strings.Contains(err.Error(), "did you mean sarif") || !strings.Contains(err.Error(), "github, json, junit, markdown, sarif or text") {
		t.Errorf("got %v", err)
	}
	if err := report.Findings(&bytes.Buffer{}, "yaml", nil, report.Options{}); err == nil {
		t.Error("an unknown format gave no error")
	}
}

type broken struct{}

var errBroken = errors.New("no space left")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorsAreReported(t *testing.T) {
	t.Parallel()
	for _, format := range report.Formats() {
		if err := report.Findings(broken{}, format, findings(), options()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
	}
	if err := report.Table(broken{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("table: %v", err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := report.Table(&out, []report.Row{
		{Environment: "dev", App: "argo-workflows", Objects: 31, Errors: 2, Warnings: 1},
		{Environment: "dev", App: "予測", Objects: 7},
		{Environment: "prod", App: "argo-workflows", Objects: 131, Infos: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "table.txt", out.String())
}

// manyFindings has one finding for each number, a third of each severity.
func manyFindings(n int) diag.List {
	var list diag.List
	for i := range n {
		list = append(list, diag.Diagnostic{
			Rule: fmt.Sprintf("rule-%d", i%7), Severity: diag.Severity(i%3 + 1), Summary: fmt.Sprintf("finding number %d", i),
			Range: span(fmt.Sprintf("dir/%05d.yaml", i), 1, 1, 0, 0), Object: fmt.Sprintf("ConfigMap ns/n%d", i),
		})
	}
	return list
}

// TestTextForgesNoCommand: the text report is printed in CI logs too, and
// GitHub's runner obeys a line that begins with "::", spaces before it or not.
func TestTextForgesNoCommand(t *testing.T) {
	t.Parallel()
	evil := "::stop-commands::x\n ::error::y\n##[error]z"
	list := diag.List{{Rule: evil, Severity: diag.Error, Summary: evil, Detail: evil, Object: evil, Range: span(evil, 1, 1, 0, 0), Environments: []string{evil}, Related: []diag.Related{{Message: evil}}}}
	o := report.Options{Sources: func(string) ([]byte, bool) { return []byte("##[x]" + evil), true }}
	for line := range strings.SplitSeq(render(t, report.Text, list, o), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Errorf("a log command: %q", line)
		}
	}
}
