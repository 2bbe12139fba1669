package report_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"strake/generator/diag"
	"strake/generator/report"
)

// sarif is what the tests read of a log; required properties are pointers.
type sarif struct {
	Schema  string `json:"$schema"`
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Name  *string
				Rules []struct {
					ID               *string
					ShortDescription struct{ Text *string }
					FullDescription  struct{ Text *string }
					Help             struct{ Text, Markdown *string }
					HelpURI          *string
					Default          struct{ Level string } `json:"defaultConfiguration"`
				}
			}
		}
		Invocations []struct {
			ExecutionSuccessful        *bool
			ToolExecutionNotifications []struct{ Message struct{ Text *string } }
		}
		AutomationDetails struct{ ID string }
		ColumnKind        string
		Results           []struct {
			RuleID              *string
			RuleIndex           *int
			Level               string
			Message             struct{ Text *string }
			Locations, Related  []sarifPlace
			RelatedLocations    []sarifPlace
			PartialFingerprints map[string]string
		}
	}
}

type sarifPlace struct {
	ID               int
	PhysicalLocation *struct {
		ArtifactLocation struct{ URI, URIBaseID *string }
		Region           struct{ StartLine, StartColumn, EndLine, EndColumn *int }
	}
	Message struct{ Text *string }
}

// readSARIF checks what the SARIF 2.1.0 schema and GitHub demand of a log.
func readSARIF(t testing.TB, text string) sarif {
	t.Helper()
	var log sarif
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || !strings.Contains(text, `"results": [`) || !strings.Contains(text, `"rules": [`) {
		t.Fatalf("not one SARIF 2.1.0 run with results and rules")
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == nil || *run.Tool.Driver.Name == "" {
		t.Error("tool.driver.name is required")
	}
	if run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("columnKind %q: columns are counted in runes", run.ColumnKind)
	}
	for _, i := range run.Invocations {
		if i.ExecutionSuccessful == nil {
			t.Error("invocation.executionSuccessful is required")
		}
	}
	levels := map[string]bool{"none": true, "note": true, "warning": true, "error": true}
	ids := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == nil || *r.ID == "" || ids[*r.ID] {
			t.Errorf("rule id %v: required and unique", r.ID)
			continue
		}
		ids[*r.ID] = true
		for _, text := range []*string{r.ShortDescription.Text, r.FullDescription.Text, r.Help.Text, r.Help.Markdown} {
			if text == nil || *text == "" {
				t.Errorf("rule %s: descriptions and help are required by GitHub", *r.ID)
			}
		}
		if r.HelpURI != nil {
			if u, err := url.Parse(*r.HelpURI); err != nil || !u.IsAbs() {
				t.Errorf("rule %s: helpUri %q is not absolute", *r.ID, *r.HelpURI)
			}
		}
		if !levels[r.Default.Level] {
			t.Errorf("rule %s: level %q", *r.ID, r.Default.Level)
		}
	}
	hashes := map[string]bool{}
	for i, r := range run.Results {
		if r.Message.Text == nil || *r.Message.Text == "" {
			t.Errorf("result %d: message.text is required", i)
		}
		if !levels[r.Level] || r.RuleID == nil || r.RuleIndex == nil || *r.RuleIndex >= len(run.Tool.Driver.Rules) || *run.Tool.Driver.Rules[*r.RuleIndex].ID != *r.RuleID {
			t.Errorf("result %d: level %q, or its rule is not the one at its index", i, r.Level)
		}
		if len(r.Locations) != 1 {
			t.Errorf("result %d: %d locations: GitHub refuses a log with a result without one", i, len(r.Locations))
		}
		hash := r.PartialFingerprints["primaryLocationLineHash"]
		if hash == "" || hashes[hash] || r.PartialFingerprints["strake/v1"] == "" {
			t.Errorf("result %d: fingerprint %q is empty or not unique", i, hash)
		}
		hashes[hash] = true
		seen := map[int]bool{}
		for _, place := range r.RelatedLocations {
			if place.ID < 1 || seen[place.ID] || place.Message.Text == nil {
				t.Errorf("result %d: related location %d: id must be unique, message is needed", i, place.ID)
			}
			seen[place.ID] = true
		}
		for _, place := range append(r.Locations, r.RelatedLocations...) {
			checkPlace(t, place)
		}
	}
	return log
}

func checkPlace(t testing.TB, place sarifPlace) {
	t.Helper()
	p := place.PhysicalLocation
	if p == nil || p.ArtifactLocation.URI == nil || *p.ArtifactLocation.URI == "" {
		t.Error("a location without a file")
		return
	}
	u, err := url.Parse(*p.ArtifactLocation.URI)
	if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(u.Path, "/") || u.RawQuery != "" || u.Fragment != "" {
		t.Errorf("URI %q is not relative to the repository", *p.ArtifactLocation.URI)
	}
	r := p.Region
	if r.StartLine == nil || *r.StartLine < 1 {
		t.Error("region.startLine must be at least 1")
		return
	}
	for _, n := range []*int{r.StartColumn, r.EndLine, r.EndColumn} {
		if n != nil && *n < 1 {
			t.Errorf("region %d: %d is not a place", *r.StartLine, *n)
		}
	}
	if r.EndLine != nil && (*r.EndLine < *r.StartLine || *r.EndLine == *r.StartLine && *r.EndColumn < *r.StartColumn) {
		t.Error("a region that ends before it starts")
	}
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	o := options()
	o.Category = "strake/dev"
	log := readSARIF(t, render(t, report.SARIF, findings(), o))
	run := log.Runs[0]
	if len(run.Results) != len(findings()) || run.AutomationDetails.ID != "strake/dev/" {
		t.Errorf("%d results, category %q", len(run.Results), run.AutomationDetails.ID)
	}
	first := run.Results[0]
	if uri := *first.Locations[0].PhysicalLocation.ArtifactLocation.URI; *first.RuleID != "pending" || uri != "environments/platform.yaml" || *first.Locations[0].PhysicalLocation.Region.StartLine != 1 {
		t.Errorf("a finding without a file points at %s", uri)
	}
	if empty := readSARIF(t, render(t, report.SARIF, nil, report.Options{})); len(empty.Runs[0].Results) != 0 {
		t.Error("results of nothing")
	}
}

func TestSARIFCountsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	log := readSARIF(t, render(t, report.SARIF, manyFindings(5100), options()))
	run := log.Runs[0]
	if len(run.Results) != 5000 {
		t.Errorf("%d results", len(run.Results))
	}
	if run.Results[0].Level != "error" || run.Results[4999].Level != "note" {
		t.Error("not the worst were kept")
	}
	notes := run.Invocations[0].ToolExecutionNotifications
	if len(notes) != 1 || !strings.Contains(*notes[0].Message.Text, "100 findings left out") {
		t.Errorf("notifications: %v", notes)
	}
}

func FuzzSARIF(f *testing.F) {
	f.Add("a.yaml", "rule", "summary [x](1)", 1, 1, 1, 2)
	f.Add("//host/x:y?z#w", "", "\xff", -1, -5, 9, 0)
	f.Add("http://x/y", "", "", 3, 4, 3, 1)
	f.Fuzz(func(t *testing.T, path, rule, summary string, line, column, endLine, endColumn int) {
		d := diag.Diagnostic{Rule: rule, Severity: diag.Error, Summary: summary, Range: span(path, line, column, endLine, endColumn), Related: []diag.Related{{Range: span(path, line, column, endLine, endColumn)}}}
		readSARIF(t, render(t, report.SARIF, diag.List{d}, report.Options{}))
	})
}
