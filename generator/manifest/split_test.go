package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
	"strake/generator/manifest"
)

func summaries(l diag.List) []string {
	var out []string
	for _, d := range l {
		out = append(out, d.Range.String()+" "+d.Rule+": "+d.Summary)
	}
	return out
}

func ids(objects []*manifest.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.ID())
	}
	return out
}

func TestSplit(t *testing.T) {
	t.Parallel()
	const ok = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for _, test := range []struct {
		name, data     string
		want, findings []string
	}{
		{name: "empty"},
		{name: "comments only", data: "# nothing\n---\n# here\n---\n"},
		{name: "one", data: ok, want: []string{"ConfigMap a"}},
		{name: "leading separator and comments", data: "# top\n---\n" + ok + "--- # next\n" + ok, want: []string{"ConfigMap a", "ConfigMap a"}},
		{name: "byte order mark and CRLF", data: "\ufeff" + strings.ReplaceAll(ok+"---\n"+ok, "\n", "\r\n"), want: []string{"ConfigMap a", "ConfigMap a"}},
		{name: "content beside the separator", data: "--- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n", want: []string{"Pod p"}},
		{name: "document end marks", data: ok + "...\n---\n" + ok + "...\n", want: []string{"ConfigMap a", "ConfigMap a"}},
		{name: "separator inside of a block", data: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n    ---\n    y\n", want: []string{"ConfigMap a"}},
		{
			name: "list",
			data: "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(ok), "\n", "\n  ") + "\n- 3\n",
			want: []string{"ConfigMap a"}, findings: []string{"f.yaml:7:3 manifest-object: this item of a List is not a Kubernetes object"},
		},
		{name: "generateName", data: "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", want: []string{"Pod "}},
		{name: "JSON with tabs", data: "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"j\"}\n}\n", want: []string{"Pod j"}},
		{name: "group and namespace", data: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: ns}\n", want: []string{"apps/Deployment ns/a"}},
		{name: "name that is no string", data: "apiVersion: v1\nkind: Pod\nmetadata: {name: on}\n", findings: []string{
			"f.yaml:1:1 manifest-object: metadata.name is not a string but true: put quotes around it",
		}},
		{name: "no kind", data: "apiVersion: v1\nmetadata: {name: a}\n", findings: []string{"f.yaml:1:1 manifest-object: the object has no kind"}},
		{name: "no name", data: "a: 1\n---\napiVersion: v1\nkind: Pod\n", findings: []string{
			"f.yaml:1:1 manifest-object: the object has no apiVersion", "f.yaml:3:1 manifest-object: the Pod has no metadata.name",
		}},
		{name: "not a map", data: "- a\n---\nfoo\n", findings: []string{
			"f.yaml:1:1 manifest-object: this is not a Kubernetes object", "f.yaml:3:1 manifest-object: this is not a Kubernetes object",
		}},
		{name: "a bad document does not hide the others", data: ok + "---\na: b: c\n---\n" + ok, want: []string{"ConfigMap a", "ConfigMap a"}, findings: []string{
			"f.yaml:5:1 yaml-syntax: this is not valid YAML: mapping values are not allowed in this context",
		}},
		{name: "tab", data: "a:\n\tb: 1\n", findings: []string{"f.yaml:2:1 yaml-syntax: this is not valid YAML: found character that cannot start any token"}},
		{name: "duplicate key", data: ok + "data: {}\nspec:\n  x: 1\n  y: 2\n  x: 3\n", findings: []string{`f.yaml:8:3 yaml-duplicate-key: the key "x" stands here twice`}},
		{name: "binary", data: "a\x00b", findings: []string{"f.yaml:1:1 yaml-syntax: the file is binary, not YAML"}},
		{name: "latin 1", data: "a: b\nc: \xe9\n", findings: []string{"f.yaml:2:1 yaml-syntax: the file is not UTF-8"}},
		{name: "unknown anchor", data: "a: *x\n", findings: []string{"f.yaml:1:1 yaml-syntax: this is not valid YAML: unknown anchor 'x' referenced"}},
		{name: "foreign tag", data: "a: !python x\n", findings: []string{"f.yaml:1:1 manifest-object: line 1: the tag !python has no meaning here"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			objects, findings := manifest.Split("f.yaml", []byte(test.data))
			if diff := cmp.Diff(test.want, ids(objects)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.findings, summaries(findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSplitSecret: the snippet of a finding must not show what is wrong where
// that is a secret.
func TestSplitSecret(t *testing.T) {
	t.Parallel()
	_, findings := manifest.Split("f.yaml", []byte("kind: Secret\nstringData:\n  a: b: c\n---\nkind: Pod\na: b: c\n"))
	if len(findings) != 2 || !findings[0].Sensitive || findings[1].Sensitive {
		t.Errorf("want that only the first is sensitive: %+v", findings)
	}
}

func TestSplitBounds(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		ref := "*a" + string(rune('0'+i-1))
		if i > 10 {
			ref = "*a9x"
		}
		name := "a" + string(rune('0'+i))
		if i == 10 {
			name = "a9x"
		}
		if i == 11 {
			name = "last"
		}
		bomb += name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat(ref+", ", 9), ", ") + "]\n"
	}
	for _, test := range []struct{ name, data, want string }{
		{"alias bomb", bomb, "the aliases of this document expand without bound"},
		{"deep", strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "the document nests deeper than 500 levels"},
		{"huge", strings.Repeat("#", manifest.MaxFile+1), "the file is larger than 32 MiB"},
		{"alias of itself", "a: &x\n  b: *x\n", "the aliases of this document expand without bound"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			objects, findings := manifest.Split("f.yaml", []byte(test.data))
			if len(objects) > 0 || len(findings) != 1 || findings[0].Summary != test.want {
				t.Errorf("got %v, %v; want only %q", ids(objects), summaries(findings), test.want)
			}
		})
	}
}

func TestSplitValues(t *testing.T) {
	t.Parallel()
	objects, findings := manifest.Split("f.yaml", []byte(`
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
base: &base {x: 1, z: 2}
merged: {<<: *base, z: 3}
words: [yes, no, on, off, "yes", null, ~, true, nope, 12h, 2026-01-02]
numbers: [1, -2, 0x10, 010, 1.5, 1e3, 1.0, 12345678901234567890, .5]
tagged: [!!str 1, !!int "2"]
keys: {1: a, true: b, yes: c}
`))
	if len(findings) > 0 {
		t.Fatal(summaries(findings))
	}
	want := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"},
		"base":    map[string]any{"x": int64(1), "z": int64(2)},
		"merged":  map[string]any{"x": int64(1), "z": int64(3)},
		"words":   []any{true, false, true, false, "yes", nil, nil, true, "nope", "12h", "2026-01-02"},
		"numbers": []any{int64(1), int64(-2), int64(16), int64(8), 1.5, int64(1000), int64(1), 12345678901234567890.0, 0.5},
		"tagged":  []any{"1", int64(2)},
		"keys":    map[string]any{"1": "a", "true": "c"},
	}
	if diff := cmp.Diff(want, objects[0].Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const text = `# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
spec:
  template:
    spec:
      containers:
      - name: proxy
        image: proxy:1
      - name: main
        image: "main:1"
        args:
        - one
        - two
        ports:
        - containerPort: 80
        - {containerPort: 443, name: https}
`
	objects, findings := manifest.Split("d.yaml", []byte("---\n"+text))
	if len(findings) > 0 {
		t.Fatal(summaries(findings))
	}
	o := objects[0]
	containers := []any{"spec", "template", "spec", "containers"}
	for _, test := range []struct {
		steps []any
		want  string
	}{
		{nil, "d.yaml:3:1"},
		{[]any{"kind"}, "d.yaml:4:7"},
		{append(containers, 0, "image"), "d.yaml:12:16"},
		{append(containers, 1, "image"), "d.yaml:14:16"},
		{append(containers, 1, "args"), "d.yaml:15:9"},
		{append(containers, 1, "args", 1), "d.yaml:17:11"},
		{append(containers, 1, "ports", 0, "containerPort"), "d.yaml:19:26"},
		{append(containers, 1, "ports", 1), "d.yaml:20:11"},
		{append(containers, 1, "resources", "limits"), "d.yaml:13:9"},
		{append(containers, 7, "image"), "d.yaml:10:7"},
		{[]any{"status"}, "d.yaml:3:1"},
	} {
		path := o.At(test.steps...)
		t.Run(path.String(), func(t *testing.T) {
			t.Parallel()
			if got, _ := o.Locate(path); got.String() != test.want {
				t.Errorf("%s is at %s, want %s", path, got, test.want)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"", "---\n", "a: &a [*a]\n", "apiVersion: v1\nkind: List\nitems: [{}]\n", "? [a]\n: b\n", "<<: *x", "<<: [1]\nkind: &k {<<: *k}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {p: eA==}\n", "{a: b, a: c}", "!!binary x", "- - - -", "a: |\n  x\n---\r\n\ufeff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, findings := manifest.Split("f.yaml", data)
		for _, d := range findings {
			if d.Range.Path == "" || d.Range.Start.Line < 1 || d.Summary == "" {
				t.Errorf("a finding without a place or words: %+v", d)
			}
		}
		for _, o := range objects {
			if r, _ := o.Locate(o.At("metadata", "name")); r.Start.Line < 1 {
				t.Errorf("%s has no place", o.ID())
			}
			manifest.Mask(o)
		}
		if changes := manifest.Diff(objects, objects); len(changes) > 0 {
			t.Errorf("no difference was expected, got %v", changes)
		}
	})
}
