package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"strake/generator/diag"
	"strake/generator/report"
)

// TestJSONFields holds the interface: the version and the exact names.
func TestJSONFields(t *testing.T) {
	t.Parallel()
	var log struct {
		Version  int
		Findings []map[string]any
		Coverage map[string]any
	}
	if err := json.Unmarshal([]byte(render(t, report.JSON, findings(), options())), &log); err != nil {
		t.Fatal(err)
	}
	want := []string{"rule", "severity", "summary", "detail", "path", "line", "column", "object", "environments", "related", "fingerprint"}
	slices.Sort(want)
	for _, f := range log.Findings {
		var got []string
		for key, value := range f {
			got = append(got, key)
			if value == nil {
				t.Errorf("%s is null", key)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("fields %v, want %v", got, want)
		}
	}
	if log.Version != 1 || len(log.Findings) != len(findings()) || log.Coverage["objects"] != 214.0 {
		t.Errorf("version %d, %d findings, coverage %v", log.Version, len(log.Findings), log.Coverage)
	}
	empty := render(t, report.JSON, nil, report.Options{})
	if want := "{\n  \"version\": 1,\n  \"findings\": [],\n  \"coverage\": {}\n}\n"; empty != want {
		t.Errorf("got %s", empty)
	}
}

func TestJUnitAgreesWithTheExitCode(t *testing.T) {
	t.Parallel()
	list := diag.List{{Rule: "r", Severity: diag.Warning, Summary: "w", Range: span("a", 1, 1, 0, 0)}}
	for name, test := range map[string]struct {
		o                report.Options
		failures, errors string
	}{
		"default":         {report.Options{Coverage: &report.Coverage{Objects: 1}}, `failures="0"`, `errors="0"`},
		"fail on warning": {report.Options{FailOn: diag.Warning}, `failures="1"`, `errors="0"`},
		"nothing checked": {report.Options{Coverage: &report.Coverage{}}, `failures="0"`, `errors="1"`},
	} {
		got := strings.SplitN(render(t, report.JUnit, list, test.o), "\n", 3)[1]
		if !strings.Contains(got, test.failures) || !strings.Contains(got, test.errors) || !strings.Contains(got, `tests="2"`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func FuzzJUnitAndJSON(f *testing.F) {
	f.Add("a<b>&\"'", "]]>", "\x00\x1b\xff")
	f.Fuzz(func(t *testing.T, path, summary, detail string) {
		list := diag.List{{Rule: summary, Severity: diag.Error, Summary: summary, Detail: detail, Range: span(path, 1, 1, 0, 0), Object: path}}
		decoder := xml.NewDecoder(strings.NewReader(render(t, report.JUnit, list, report.Options{})))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("not XML: %v", err)
			}
		}
		if !json.Valid([]byte(render(t, report.JSON, list, report.Options{}))) {
			t.Error("not JSON")
		}
	})
}
