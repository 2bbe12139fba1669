package diag_test

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
)

func at(path string, line, column int) diag.Range {
	return diag.Range{Path: path, Start: diag.Pos{Line: line, Column: column}}
}

func TestSortedFoldsEnvironments(t *testing.T) {
	t.Parallel()
	base := diag.Diagnostic{Rule: "r", Severity: diag.Error, Summary: "s", Range: at("a.yaml", 3, 5)}
	warning := base
	warning.Severity = diag.Warning
	dev := base
	dev.Related = []diag.Related{{Range: at("overlays/dev/a.yaml", 1, 1), Message: "rendered"}}
	staging := base
	staging.Related = []diag.Related{{Range: at("overlays/staging/a.yaml", 1, 1), Message: "rendered"}}
	staging.Sensitive = true

	in := slices.Concat(
		diag.List{staging}.In("staging"), diag.List{warning}.In("dev"),
		diag.List{dev}.In("dev"), diag.List{dev}.In("dev"),
	)
	folded := base
	folded.Environments = []string{"dev", "staging"}
	folded.Related = []diag.Related{dev.Related[0], staging.Related[0]}
	folded.Sensitive = true
	warning.Environments = []string{"dev"}
	want := diag.List{folded, warning}

	if d := cmp.Diff(want, in.Sorted()); d != "" {
		t.Errorf("Sorted (-want +got):\n%s", d)
	}
	if got := in[0].Environments; !slices.Equal(got, []string{"staging"}) {
		t.Errorf("the receiver was changed: %v", got)
	}
}

func TestSortedDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	var list diag.List
	for _, path := range []string{"", "a", "b"} {
		for _, line := range []int{0, 2, 10} {
			for _, s := range []diag.Severity{diag.Info, diag.Error} {
				for _, env := range []string{"dev", "prod"} {
					list = append(list,
						diag.Diagnostic{Rule: "x", Severity: s, Range: at(path, line, 1), Detail: "one", Environments: []string{env}, Related: []diag.Related{{Message: env}}},
						diag.Diagnostic{Rule: "x", Severity: s, Range: at(path, line, 1), Detail: "two", Environments: []string{env}})
				}
			}
		}
	}
	want := list.Sorted()
	if !slices.IsSortedFunc(want, func(a, b diag.Diagnostic) int { return a.Range.Compare(b.Range) }) {
		t.Fatal("not sorted by position")
	}
	random := rand.New(rand.NewSource(1))
	for range 50 {
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if d := cmp.Diff(want, list.Sorted()); d != "" {
			t.Fatalf("another order gave another result:\n%s", d)
		}
	}
}

func TestFingerprintSurvivesMoving(t *testing.T) {
	t.Parallel()
	base := diag.Diagnostic{Rule: "r", Summary: "s", Range: at("a.yaml", 3, 5), Object: "Pod a/b", Field: "spec"}
	change := func(f func(*diag.Diagnostic)) string {
		d := base
		f(&d)
		return d.Fingerprint()
	}
	tests := []struct {
		name string
		same bool
		f    func(*diag.Diagnostic)
	}{
		{"another line", true, func(d *diag.Diagnostic) { d.Range.Start = diag.Pos{Line: 9, Column: 1} }},
		{"another wording of an object's finding", true, func(d *diag.Diagnostic) { d.Summary = "t" }},
		{"another environment", true, func(d *diag.Diagnostic) { d.Environments = []string{"dev"} }},
		{"another rule", false, func(d *diag.Diagnostic) { d.Rule = "q" }},
		{"another file", false, func(d *diag.Diagnostic) { d.Range.Path = "b.yaml" }},
		{"another object", false, func(d *diag.Diagnostic) { d.Object = "Pod a/c" }},
		{"another field", false, func(d *diag.Diagnostic) { d.Field = "status" }},
		{"the same letters, divided otherwise", false, func(d *diag.Diagnostic) { d.Object, d.Field = "Pod a/bs", "pec" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := change(test.f) == base.Fingerprint(); got != test.same {
				t.Errorf("same fingerprint: %v, want %v", got, test.same)
			}
		})
	}
	bare := diag.Diagnostic{Rule: "r", Summary: "hunter2", Sensitive: true}
	other := diag.Diagnostic{Rule: "r", Summary: "hunter3", Sensitive: true}
	if bare.Fingerprint() != other.Fingerprint() {
		t.Error("the fingerprint of a sensitive finding follows from its text")
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for _, s := range []diag.Severity{diag.Info, diag.Warning, diag.Error} {
		if got, err := diag.ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("ParseSeverity(%q) = %v, %v", s, got, err)
		}
	}
	if _, err := diag.ParseSeverity("fatal"); err == nil {
		t.Error("ParseSeverity(fatal) gave no error")
	}
	list := diag.List{{Severity: diag.Warning}, {Severity: diag.Warning}, {Severity: diag.Info}}
	if list.Count(diag.Warning) != 2 || list.AtLeast(diag.Error) || !list.AtLeast(diag.Warning) || (diag.List{}).AtLeast(diag.Info) {
		t.Error("Count or AtLeast is wrong")
	}
}

func TestRangeString(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]diag.Range{"": {}, "a": at("a", 0, 0), "a:2": at("a", 2, 0), "a:2:3": at("a", 2, 3)} {
		if got := r.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
