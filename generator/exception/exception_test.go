package exception_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
	"strake/generator/exception"
)

// finding is a warning at a line of a file.
func finding(rule, path string, line int, object string, environments ...string) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: rule, Severity: diag.Warning, Summary: rule, Object: object, Environments: environments,
		Range: diag.Range{Path: path, Start: diag.Pos{Line: line, Column: 3}},
	}
}

func options() exception.Options {
	return exception.Options{
		Today: "2026-11-21", Known: []string{"image-unpinned", "role-unbound"}, Complete: true,
		Fixed: func(rule string) bool { return strings.HasPrefix(rule, "drift-") },
	}
}

// lines are findings as "rule path:line:col [environments]".
func lines(findings diag.List) []string {
	var out []string
	for _, d := range findings {
		line := d.Rule + " " + d.Range.String()
		if len(d.Environments) > 0 {
			line += " " + strings.Join(d.Environments, ",")
		}
		out = append(out, line)
	}
	return out
}

func TestFile(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: strake/v1alpha1\nkind: Exceptions\nexceptions:\n"
	const rest = ", reason: r, owner: o, until: 2026-12-31}\n"
	findings := diag.List{
		finding("image-unpinned", "overlays/dev/api/a.yaml", 4, "apps/Deployment api/api", "dev"),
		finding("image-unpinned", "base/api/a.yaml", 4, "apps/Deployment api/web", "dev", "prod"),
		finding("role-unbound", "base/api/role.yaml", 1, "rbac.authorization.k8s.io/Role api/r", "prod"),
	}
	for name, c := range map[string]struct {
		file string
		want []string
		held int
	}{
		"by path": {
			head + "  - {rule: image-unpinned, path: 'overlays/**'" + rest,
			[]string{"image-unpinned base/api/a.yaml:4:3 dev,prod", "role-unbound base/api/role.yaml:1:3 prod"},
			1,
		},
		"by object": {
			head + "  - {rule: image-unpinned, object: 'apps/Deployment api/*'" + rest,
			[]string{"role-unbound base/api/role.yaml:1:3 prod"},
			2,
		},
		"in one environment the finding stays in the others": {
			head + "  - {rule: image-unpinned, path: 'base/**', environments: [dev]" + rest,
			[]string{"image-unpinned overlays/dev/api/a.yaml:4:3 dev", "image-unpinned base/api/a.yaml:4:3 prod", "role-unbound base/api/role.yaml:1:3 prod"},
			1,
		},
		"two exceptions share a finding": {
			head + "  - {rule: image-unpinned, path: 'base/**', environments: [dev]" + rest + "  - {rule: image-unpinned, path: 'base/**', environments: [prod]" + rest,
			[]string{"image-unpinned overlays/dev/api/a.yaml:4:3 dev", "role-unbound base/api/role.yaml:1:3 prod"},
			2,
		},
		"until is the last day": {
			head + "  - {rule: role-unbound, path: base/api/role.yaml, reason: r, owner: o, until: 2026-11-21}\n",
			[]string{"image-unpinned overlays/dev/api/a.yaml:4:3 dev", "image-unpinned base/api/a.yaml:4:3 dev,prod"},
			1,
		},
		"expired": {
			head + "  - {rule: role-unbound, path: base/api/role.yaml, reason: r, owner: o, until: 2026-11-20}\n",
			append(lines(findings), "exception-expired strake-exceptions.yaml:4:12"), 0,
		},
		"unused": {
			head + "  - {rule: role-unbound, path: overlays/none.yaml" + rest,
			append(lines(findings), "exception-unused strake-exceptions.yaml:4:12"), 0,
		},
		"too broad": {
			head + "  - {rule: role-unbound, path: '**'" + rest,
			append(lines(findings), "exception-broad strake-exceptions.yaml:4:12"), 0,
		},
		"refused": {
			head + "  - {rule: drift-edited, path: base/x" + rest,
			append(lines(findings), "exception-refused strake-exceptions.yaml:4:12"), 0,
		},
		"an entry with a mistake holds nothing back": {
			head + "  - {rule: role-unbound, paths: base/api/role.yaml" + rest,
			append(lines(findings), "exception-syntax strake-exceptions.yaml:4:26"), 0,
		},
		"each thing that is missing": {
			head + "  - {path: base/x}\n",
			append(lines(findings), "exception-syntax strake-exceptions.yaml:4:5", "exception-syntax strake-exceptions.yaml:4:5", "exception-syntax strake-exceptions.yaml:4:5", "exception-syntax strake-exceptions.yaml:4:5"), 0,
		},
		"no YAML": {"a: [", append(lines(findings), "exception-syntax strake-exceptions.yaml"), 0},
		"empty":   {"", append(lines(findings), "exception-syntax strake-exceptions.yaml"), 0},
		"another kind": {
			"apiVersion: v1\nkind: List\nexceptions: []\n",
			append(lines(findings), "exception-syntax strake-exceptions.yaml:1:1", "exception-syntax strake-exceptions.yaml:1:1"), 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries, wrong := exception.Parse(exception.FileName, []byte(c.file))
			left, held := exception.Apply(findings, entries, options())
			if diff := cmp.Diff(c.want, lines(append(left, wrong...))); diff != "" {
				t.Error(diff)
			}
			if len(held) != c.held {
				t.Errorf("%d findings held back, want %d", len(held), c.held)
			}
		})
	}
}

// TestComments lists the lines that a comment covers, by the findings that it
// holds back.
func TestComments(t *testing.T) {
	t.Parallel()
	const ignore = "# strake:ignore image-unpinned until=2026-12-31 owner=o -- r"
	for name, c := range map[string]struct {
		path, text string
		want       []int
	}{
		"at the end of a line":          {"a.yaml", "a: 1\nb: 2 " + ignore + "\nc: 3\n", []int{2}},
		"above a key":                   {"a.yaml", "a: 1\n" + ignore + "\nb:\n  c: 2\n\n  d: 3\ne: 4\n", []int{3, 4, 5, 6}},
		"above a list at the key's own": {"a.yaml", "a: 1\n" + ignore + "\nb:\n- c: 2\n- d: 3\ne: 4\n", []int{3, 4, 5}},
		"above an item":                 {"a.yaml", "a:\n  " + ignore + "\n  - b: 1\n    c: 2\n  - d: 3\n", []int{3, 4}},
		"above a document":              {"a.yaml", ignore + "\na: 1\nb: 2\n---\nc: 3\n", []int{2, 3}},
		"above the second document":     {"a.yaml", "a: 1\n---\n# why\n" + ignore + "\nb: 2\nc: 3\n", []int{5, 6}},
		"before the first separator":    {"a.yaml", ignore + "\n---\na: 1\nb: 2\n", []int{3, 4}},
		"in HCL":                        {"a.tf", ignore + "\nresource \"a\" \"b\" {\n  c = 1\n}\n\nresource \"d\" \"e\" {}\n", []int{2, 3, 4}},
		"in HCL with slashes":           {"a.tf", "resource \"a\" \"b\" {\n  c = 1 // strake:ignore image-unpinned until=2026-12-31 owner=o -- r\n}\n", []int{2}},
		"carriage returns":              {"a.yaml", "a: 1 " + ignore + "\r\nb: 2\r\n", []int{1}},
		"a string is no comment":        {"a.yaml", "a: 'x#strake:ignore image-unpinned until=2026-12-31 owner=o -- r'\n", nil},
		"at the end of the file":        {"a.yaml", "a: 1\nb: 2\n" + ignore + "\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries, wrong := exception.Comments(c.path, []byte(c.text))
			if len(wrong) > 0 {
				t.Fatal(wrong)
			}
			var got []int
			for i := range strings.Split(strings.TrimSuffix(c.text, "\n"), "\n") {
				_, held := exception.Apply(diag.List{finding("image-unpinned", c.path, i+1, "")}, entries, options())
				if len(held) > 0 {
					got = append(got, i+1)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCommentsWithMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "names no rule",
		"image-unpinned":                "has no until",
		"image-unpinned until=tomorrow": "is no day",
		"image-unpinned until=2026-12-31 -- reason":           "has no owner",
		"image-unpinned until=2026-12-31 owner=o":             "has no reason",
		"image-unpinned expires=2026-12-31 owner=o -- reason": "unknown word expires=2026-12-31",
	} {
		entries, wrong := exception.Comments("a.yaml", []byte("a: 1 # strake:ignore "+text+"\n"))
		if len(entries) != 0 || len(wrong) != 1 || !strings.Contains(wrong[0].Summary, want) || wrong[0].Range.String() != "a.yaml:1:8" {
			t.Errorf("%q: %v %v, want %q", text, entries, wrong, want)
		}
	}
}

// TestBaseline holds a baseline to what it was written for.
func TestBaseline(t *testing.T) {
	t.Parallel()
	first := diag.List{
		finding("image-unpinned", "a.yaml", 4, "apps/Deployment api/api", "dev"),
		finding("image-unpinned", "a.yaml", 9, "apps/Deployment api/api", "dev"),
		finding("role-unbound", "b.yaml", 1, "", "dev", "prod"),
		finding("drift-edited", "c.yaml", 0, ""),
	}
	written := exception.NewBaseline(first, options().Fixed)
	if written.Len() != 3 {
		t.Fatalf("%d findings, want 3: nobody may accept drift", written.Len())
	}
	b, err := exception.ReadBaseline(written.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written.Marshal()), string(b.Marshal())); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		findings diag.List
		want     []string
		left     int
	}{
		"the same day": {first, []string{"drift-edited c.yaml"}, 3},
		"moved lines": {
			diag.List{finding("image-unpinned", "a.yaml", 40, "apps/Deployment api/api", "dev"), finding("image-unpinned", "a.yaml", 90, "apps/Deployment api/api", "dev"), first[2]},
			nil, 3,
		},
		"one more in the same object": {
			append(diag.List{first[0]}, first[:3]...),
			[]string{"image-unpinned a.yaml:9:3 dev"},
			3,
		},
		"one more environment": {
			diag.List{finding("image-unpinned", "a.yaml", 4, "apps/Deployment api/api", "dev", "prod"), first[1], first[2]},
			[]string{"image-unpinned a.yaml:4:3 prod"},
			3,
		},
		"another object": {
			append(diag.List{finding("image-unpinned", "a.yaml", 4, "apps/Deployment api/web", "dev")}, first[:3]...),
			[]string{"image-unpinned a.yaml:4:3 dev"},
			3,
		},
		"one is gone":         {first[1:3], []string{"baseline-stale base.json"}, 2},
		"an environment less": {diag.List{first[0], first[1], finding("role-unbound", "b.yaml", 1, "", "dev")}, nil, 3},
		"all are gone":        {nil, []string{"baseline-stale base.json"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, held, shrunk := b.Apply(c.findings, "base.json", true)
			if diff := cmp.Diff(c.want, lines(rest)); diff != "" {
				t.Error(diff)
			}
			if shrunk.Len() != c.left || len(held) != c.left {
				t.Errorf("%d left and %d held back, want %d", shrunk.Len(), len(held), c.left)
			}
		})
	}
	for _, bad := range []string{"", "[]", `{"version": 2}`, `{"version": 1, "entries": []}`, `{"version": 1, "findings": [{"fingerprint": "a"}, {"fingerprint": "a"}]}`} {
		if _, err := exception.ReadBaseline([]byte(bad)); err == nil {
			t.Errorf("%q is read as a baseline", bad)
		}
	}
}

func FuzzComments(f *testing.F) {
	f.Add("a: 1 # strake:ignore image-unpinned until=2026-12-31 owner=o -- r\n")
	f.Add("# strake:ignore x until=2026-12-31 owner=o -- r\n---\n")
	f.Add("// strake:ignore\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"a.yaml", "a.tf"} {
			entries, wrong := exception.Comments(name, []byte(text))
			exception.Apply(diag.List{finding("x", name, 1, "")}, entries, options())
			if !strings.Contains(text, "strake:ignore") && len(entries)+len(wrong) > 0 {
				t.Errorf("%q has exceptions", text)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("apiVersion: strake/v1alpha1\nkind: Exceptions\nexceptions:\n- {rule: a-b, path: x, reason: r, owner: o, until: 2026-12-31}\n")
	f.Add("exceptions: *a")
	f.Add("{}")
	f.Fuzz(func(_ *testing.T, text string) {
		entries, _ := exception.Parse(exception.FileName, []byte(text))
		exception.Apply(diag.List{finding("a-b", "x", 1, "")}, entries, options())
	})
}
