package agreement

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCases reads what the end-to-end test reads, where no rig is needed: every
// mutation can be done, and there are as many as the test is to have.
func TestCases(t *testing.T) {
	t.Parallel()
	for dir, least := range map[string]int{"kube": 200, "argo": 30} {
		creates, updates, err := Read(filepath.Join("..", "testdata", "agreement", dir))
		if err != nil {
			t.Fatal(err)
		}
		broken := 0
		for _, c := range append(creates, updates...) {
			if !c.Accepted {
				broken++
			}
		}
		if broken < least {
			t.Errorf("%s: %d broken objects, want %d at least", dir, broken, least)
		}
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	base := map[string]any{"a": map[string]any{"b": []any{"x", "w"}, "c/d": "e"}, "f": "g"}
	for _, tc := range []struct {
		name string
		m    Mutation
		want string
		err  string
	}{
		{name: "set", m: Mutation{Set: map[string]any{"/f": 1, "/a/b/1": "z", "/o/m": true}}, want: "a:\n  b:\n  - x\n  - z\n  c/d: e\nf: 1\no:\n  m: true\n"},
		{name: "append", m: Mutation{Set: map[string]any{"/a/b/-": "z"}}, want: "a:\n  b:\n  - x\n  - w\n  - z\n  c/d: e\nf: g\n"},
		{name: "an escaped key", m: Mutation{Set: map[string]any{"/a/c~1d": 2}}, want: "a:\n  b:\n  - x\n  - w\n  c/d: 2\nf: g\n"},
		{name: "drop", m: Mutation{Drop: []string{"/a/b/0", "/f"}}, want: "a:\n  b:\n  - w\n  c/d: e\n"},
		{name: "move", m: Mutation{Move: map[string]string{"/a": "/z"}}, want: "f: g\nz:\n  b:\n  - x\n  - w\n  c/d: e\n"},
		{name: "drop what is not there", m: Mutation{Drop: []string{"/a/q"}}, err: `/a/q: there is no "q" to take away`},
		{name: "set beyond a list", m: Mutation{Set: map[string]any{"/a/b/2": 1}}, err: `/a/b/2: there is no item "2" to set`},
		{name: "move what is not there", m: Mutation{Move: map[string]string{"/q": "/z"}}, err: "/q: nothing stands there"},
		{name: "no pointer", m: Mutation{Drop: []string{"a"}}, err: `"a" does not begin with a slash`},
		{name: "through a scalar", m: Mutation{Set: map[string]any{"/f/g/h": 1}}, err: `/f/g/h: "g" is in no map or list`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out, err := apply(base, tc.m)
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Fatalf("error %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, string(text)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestJudge proves that the end-to-end test can fail: each of the ways in which
// a row can be wrong is found.
func TestJudge(t *testing.T) {
	t.Parallel()
	refused, taken := Answer{asked: true, refused: true, reason: "Invalid"}, Answer{asked: true}
	finds := Opinion{Rules: []string{"api-invalid"}}
	id := func(accepted bool, note string) Case {
		return Case{ID: "x: a", Mutation: Mutation{Accepted: accepted, Note: note}}
	}
	for _, tc := range []struct {
		name       string
		row        Row
		exclusions []Exclusion
		want       string
	}{
		{name: "both refuse", row: Row{Case: id(false, ""), Strake: finds, Write: refused, Apply: refused}},
		{name: "both accept", row: Row{Case: id(true, ""), Write: taken, Apply: taken}},
		{name: "Strake misses it", row: Row{Case: id(false, ""), Write: refused, Apply: refused}, want: "Strake says ok"},
		{name: "Strake alarms falsely", row: Row{Case: id(true, ""), Strake: finds, Write: taken, Apply: taken}, want: "Strake says api-invalid"},
		{name: "only lint refuses", row: Row{Case: id(false, ""), Write: taken, Apply: taken, Linted: true, Lint: errors.New("no")}, want: "Strake says ok"},
		{name: "an exclusion", row: Row{Case: id(false, ""), Write: refused, Apply: refused}, exclusions: []Exclusion{{Case: "x: a", Class: "existence", Reason: "y"}}},
		{name: "an exclusion that is not needed", row: Row{Case: id(false, ""), Strake: finds, Write: refused, Apply: refused}, exclusions: []Exclusion{{Case: "x: a", Class: "existence", Reason: "y"}}, want: "take it off the list"},
		{name: "an exclusion of nothing", row: Row{Case: id(true, ""), Write: taken, Apply: taken}, exclusions: []Exclusion{{Case: "x: b", Class: "existence", Reason: "y"}}, want: `"x: b" names no case`},
		{name: "a schema that lint backs", row: Row{Case: id(false, ""), Write: refused, Apply: refused, Linted: true, Lint: errors.New("no")}, exclusions: []Exclusion{{Case: "x: a", Class: BySchema, Reason: "y"}}, want: "argo lint refuses it too"},
		{name: "a case that is not what it says", row: Row{Case: id(true, ""), Strake: finds, Write: refused, Apply: refused}, want: "accepted is true"},
		{name: "the judges differ", row: Row{Case: id(false, ""), Strake: finds, Write: taken, Apply: refused}, want: "no note says why"},
		{name: "the judges differ, and a note says why", row: Row{Case: id(false, "list keys"), Strake: finds, Write: taken, Apply: refused}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := errors.Join(Judge([]Row{tc.row}, tc.exclusions)...)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("%v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}
