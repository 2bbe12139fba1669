package manifest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/manifest"
)

func split(t testing.TB, text string) []*manifest.Object {
	t.Helper()
	objects, findings := manifest.Split("f.yaml", []byte(text))
	if len(findings) > 0 {
		t.Fatal(summaries(findings))
	}
	return objects
}

// show writes changes in one line each.
func show(changes []manifest.Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Action.String()+" "+c.ID)
		for _, f := range c.Fields {
			line := "  " + f.Path
			switch {
			case f.Added:
				line += fmt.Sprintf(" + %v", f.After)
			case f.Gone:
				line += fmt.Sprintf(" - %v", f.Before)
			default:
				line += fmt.Sprintf(": %v -> %v", f.Before, f.After)
			}
			if f.Sensitive {
				line += " (secret)"
			}
			out = append(out, line)
		}
	}
	return out
}

func TestDiff(t *testing.T) {
	t.Parallel()
	object := func(body string) string {
		return "apiVersion: v1\nkind: Thing\nmetadata: {name: a}\n" + body
	}
	for _, test := range []struct {
		name, before, after string
		want                []string
	}{
		{
			name:   "removals first, then additions, then changes",
			before: "apiVersion: v1\nkind: A\nmetadata: {name: stays}\nx: 1\n---\napiVersion: v1\nkind: B\nmetadata: {name: goes}\n",
			after:  "apiVersion: v1\nkind: A\nmetadata: {name: comes}\n---\napiVersion: v1\nkind: A\nmetadata: {name: stays}\nx: 2\n",
			want:   []string{"removed B goes", "added A comes", "changed A stays", "  x: 1 -> 2"},
		},
		{
			name: "a new version of the API is the same object", before: "apiVersion: g/v1beta1\nkind: K\nmetadata: {name: a, namespace: ns}\n",
			after: "apiVersion: g/v1\nkind: K\nmetadata: {name: a, namespace: ns}\n",
			want:  []string{"changed g/K ns/a", "  apiVersion: g/v1beta1 -> g/v1"},
		},
		{name: "a number is a number", before: object("x: 1.0\ny1: [1, 2.50]\n"), after: object("x: 1\ny1: [1.0, 2.5]\n")},
		{name: "null is not nothing", before: object("x: null\n"), after: object(""), want: []string{"changed Thing a", "  x - <nil>"}},
		{
			name:   "containers by name",
			before: object("containers: [{name: a, image: x:1}, {name: b, image: z:1}]\n"),
			after:  object("containers: [{name: c, image: new}, {name: a, image: x:2}, {name: b, image: z:1}]\n"),
			want:   []string{"changed Thing a", "  containers[a].image: x:1 -> x:2", "  containers[c] + map[image:new name:c]"},
		},
		{
			name: "order is a change of its own", before: object("initContainers: [{name: a}, {name: b}]\n"), after: object("initContainers: [{name: b}, {name: a}]\n"),
			want: []string{"changed Thing a", "  initContainers: [a b] -> [b a]"},
		},
		{
			name:   "ports without names by number",
			before: object("ports: [{containerPort: 80}, {containerPort: 443, hostPort: 1}]\n"),
			after:  object("ports: [{containerPort: 443, protocol: TCP, hostPort: 2}]\n"),
			want:   []string{"changed Thing a", "  ports[0] - map[containerPort:80]", "  ports[0].hostPort: 1 -> 2", "  ports[0].protocol + TCP"},
		},
		{
			name:   "a word in the middle of a list of words",
			before: object("args: [a, b, c, d]\n"), after: object("args: [a, c, d, e]\n"),
			want: []string{"changed Thing a", "  args[1] - b", "  args[3] + e"},
		},
		{
			name:   "a word replaced",
			before: object("args: [a, b, c]\n"), after: object("args: [a, x, c]\n"),
			want: []string{"changed Thing a", "  args[1]: b -> x"},
		},
		{
			name:   "rules of a role by content",
			before: object("rules: [{verbs: [get], resources: [pods]}, {verbs: [list], resources: [jobs]}]\n"),
			after:  object("rules: [{verbs: [watch], resources: [nodes]}, {verbs: [get], resources: [pods]}, {verbs: [list], resources: [jobs]}]\n"),
			want:   []string{"changed Thing a", "  rules[0] + map[resources:[nodes] verbs:[watch]]"},
		},
		{
			name:   "tolerations whole",
			before: object("tolerations: [{key: a, operator: Exists, effect: NoSchedule}]\n"),
			after:  object("tolerations: [{key: b, operator: Exists, effect: NoSchedule}]\n"),
			want: []string{
				"changed Thing a", "  tolerations[0] - map[effect:NoSchedule key:a operator:Exists]",
				"  tolerations[0] + map[effect:NoSchedule key:b operator:Exists]",
			},
		},
		{
			name:   "tasks of a workflow template",
			before: object("templates: [{name: main, dag: {tasks: [{name: a, template: x}, {name: b, template: y1}]}}]\n"),
			after:  object("templates: [{name: main, dag: {tasks: [{name: a, template: x}, {name: b, template: y2}]}}]\n"),
			want:   []string{"changed Thing a", "  templates[main].dag.tasks[b].template: y1 -> y2"},
		},
		{
			name: "another type", before: object("x: {a: 1}\n"), after: object("x: [1]\n"),
			want: []string{"changed Thing a", "  x: map[a:1] -> [1]"},
		},
		{
			name:   "secret data",
			before: "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: b25l, b: dHdv}\n",
			after:  "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: dHdv, b: dHdv}\nstringData: {c: three}\n",
			want:   []string{"changed Secret s", "  data.a: ******** -> ******** (secret)", "  stringData + map[c:********] (secret)"},
		},
		{
			name:   "environment variables named like secrets",
			before: object("env: [{name: DB_PASSWORD, value: one}, {name: MAX_TOKENS, value: '1'}]\n"),
			after:  object("env: [{name: DB_PASSWORD, value: two}, {name: MAX_TOKENS, value: '2'}]\n"),
			want:   []string{"changed Thing a", "  env[DB_PASSWORD].value: ******** -> ******** (secret)", "  env[MAX_TOKENS].value: 1 -> 2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := show(manifest.Diff(split(t, test.before), split(t, test.after)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// canary is a value that must not come out anywhere.
const canary = "c4n4ry-7f3a"

// TestCanary puts a secret into every place that may hold one and looks for it
// in all that a report could print.
func TestCanary(t *testing.T) {
	t.Parallel()
	b64 := "YzRuNHJ5LTdmM2E="
	for _, place := range []string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {x: " + b64 + "}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  x: |\n    " + canary + "\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: " + canary + "\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {db-password: " + canary + "}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  config: |\n    user: x\n    password: " + canary + "\n    port: 1\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  config: |\n    - clientSecret: \"" + canary + "\"\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  config: |\n    password: |\n      " + canary + "\n    port: 1\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  config: '{\"apiKey\": \"" + canary + "\", \"x\": 1}'\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  app.properties: |\n    db.password=" + canary + "\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, env: [{name: PGPASSWORD, value: " + canary + "}]}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, env: [{name: apiKey, value: " + canary + "}]}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, env: [{name: URL, value: 'postgres://u:" + canary + "@h/d'}]}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, args: [--password, " + canary + "]}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, args: ['--token=" + canary + "']}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, command: [sh, -c, 'export DB_PASSWORD=" + canary + " && run']}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, command: [sh, -c, 'run --api-key " + canary + " --x']}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"x\": \"" + canary + "\"}'\n",
		"apiVersion: x/v1\nkind: Store\nmetadata: {name: a}\nspec: {auth: {password: " + canary + "}}\n",
		"apiVersion: x/v1\nkind: Workflow\nmetadata: {name: a}\nspec: {arguments: {parameters: [{name: api-token, value: " + canary + "}]}}\n",
	} {
		name := strings.ReplaceAll(strings.ReplaceAll(place, canary, "X"), b64, "X")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := split(t, place)
			other := split(t, strings.ReplaceAll(strings.ReplaceAll(place, canary, "some-other-value"), b64, "b3RoZXI="))
			var said strings.Builder
			tell := func(what any) {
				data, err := json.Marshal(what)
				if err != nil {
					t.Fatal(err)
				}
				said.Write(data)
			}
			for _, pair := range [][2][]*manifest.Object{{secret, other}, {other, secret}, {nil, secret}, {secret, nil}} {
				changes := manifest.Diff(pair[0], pair[1])
				if len(changes) != 1 {
					t.Fatalf("a changed secret is one change, got %v", show(changes))
				}
				for _, folded := range manifest.Fold(map[string][]manifest.Change{"dev": changes}) {
					for _, o := range []*manifest.Object{folded.Before, folded.After} {
						if o != nil {
							tell(o.Fields)
							said.Write(o.YAML)
						}
					}
					tell(folded.Fields)
				}
			}
			for _, leak := range []string{canary, b64} {
				if strings.Contains(said.String(), leak) {
					t.Errorf("the secret came out: %s", said.String())
				}
			}
		})
	}
}

func TestMaskKeeps(t *testing.T) {
	t.Parallel()
	const text = `apiVersion: v1
kind: Pod
metadata:
  name: a
  annotations: {example.com/note: "not a secret: at all"}
spec:
  serviceAccountName: token-reader
  automountServiceAccountToken: false
  volumes:
  - {name: v, secret: {secretName: app-secrets}}
  containers:
  - name: c
    env:
    - {name: TOKEN, valueFrom: {secretKeyRef: {name: app-secrets, key: token}}}
    - {name: PASSWORD_FILE, value: /run/secrets/password}
    - {name: DB_PASSWORD, value: "$(OTHER)"}
    - {name: EMPTY_TOKEN, value: ""}
    - {name: MAX_TOKENS, value: "4096"}
    args: [--auth-mode=server, --token-file, /x, --secure=false]
`
	o := split(t, text)[0]
	if diff := cmp.Diff(o.Fields, manifest.Mask(o).Fields); diff != "" {
		t.Errorf("nothing here is a secret (-object +masked):\n%s", diff)
	}
}

func TestIsSensitive(t *testing.T) {
	t.Parallel()
	secret := split(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: eA==}\n")[0]
	pod := split(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x, env: [{name: API_TOKEN, value: x}]}]}\n")[0]
	for _, test := range []struct {
		o     *manifest.Object
		steps []any
		want  bool
	}{
		{secret, []any{"data", "a"}, true},
		{secret, []any{"data"}, false},
		{secret, []any{"metadata", "name"}, false},
		{pod, []any{"spec", "containers", 0, "env", 0, "value"}, true},
		{pod, []any{"spec", "containers", 0, "env", 0, "name"}, false},
		{pod, []any{"spec", "containers", 0, "image"}, false},
		{pod, []any{"spec", "containers", 9, "image"}, false},
	} {
		path := test.o.At(test.steps...)
		if got := manifest.IsSensitive(test.o, path); got != test.want {
			t.Errorf("IsSensitive(%s, %s) = %v", test.o.ID(), path, got)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	change := func(from, to string) []manifest.Change {
		const base = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "
		return manifest.Diff(split(t, base+from+"}\n"), split(t, base+to+"}\n"))
	}
	folded := manifest.Fold(map[string][]manifest.Change{
		"staging": change("one", "two"), "dev": change("one", "two"), "prod": change("one", "three"), "none": nil,
	})
	var got []string
	for _, f := range folded {
		got = append(got, fmt.Sprint(f.Environments, show([]manifest.Change{f.Change})))
	}
	want := []string{
		"[dev staging] [changed ConfigMap a   data.x: one -> two]",
		"[prod] [changed ConfigMap a   data.x: one -> three]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("folded (-want +got):\n%s", diff)
	}
}

// anyValue makes a value of the kinds that objects hold.
func anyValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(2) == 0
	case n == 2:
		return int64(r.IntN(5))
	case n == 3 || depth == 0:
		return string(rune('a' + r.IntN(5)))
	case n < 6:
		m := map[string]any{}
		for range r.IntN(4) {
			m[[]string{"name", "x", "key", "port", "password"}[r.IntN(5)]] = anyValue(r, depth-1)
		}
		return m
	default:
		list := []any{}
		for range r.IntN(5) {
			list = append(list, anyValue(r, depth-1))
		}
		return list
	}
}

func anyObjects(r *rand.Rand) []*manifest.Object {
	var out []*manifest.Object
	for i := range r.IntN(4) {
		fields := map[string]any{
			"apiVersion": "v1", "kind": "K", "metadata": map[string]any{"name": fmt.Sprint("n", i)}, "spec": anyValue(r, 4),
		}
		o, err := manifest.New(fields, nil)
		if err != nil {
			panic(err)
		}
		out = append(out, o)
	}
	return out
}

// TestDiffProperties: nothing differs from itself; a difference is the same
// backwards; and what differs is said to differ.
func TestDiffProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a, b := anyObjects(r), anyObjects(r)
		if changes := manifest.Diff(a, a); len(changes) > 0 {
			t.Fatalf("Diff(a, a) = %v", show(changes))
		}
		forth, back := manifest.Diff(a, b), manifest.Diff(b, a)
		if len(forth) != len(back) {
			t.Fatalf("%d changes forth, %d back", len(forth), len(back))
		}
		if !slices.EqualFunc(forth, manifest.Diff(a, b), func(x, y manifest.Change) bool {
			return cmp.Equal(show([]manifest.Change{x}), show([]manifest.Change{y}))
		}) {
			t.Fatal("the same question has two answers")
		}
		changed := map[string]bool{}
		for _, c := range forth {
			changed[c.ID] = true
		}
		for i := range min(len(a), len(b)) {
			if same := cmp.Equal(a[i].Fields, b[i].Fields); same == changed[a[i].ID()] {
				t.Fatalf("equal: %v, changed: %v\n%v\n%v", same, !same, a[i].Fields, b[i].Fields)
			}
		}
	}
}

func BenchmarkDiff(b *testing.B) {
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: n%d}\ndata: {a: b, c: d, e: f}\n", i)
	}
	before, after := split(b, text.String()), split(b, strings.ReplaceAll(text.String(), "e: f", "e: g"))
	for b.Loop() {
		if got := len(manifest.Diff(before, after)); got != 200 {
			b.Fatal(got)
		}
	}
}
