package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/report"
)

func objects(t testing.TB, text string) []*manifest.Object {
	t.Helper()
	list, findings := manifest.Split("objects.yaml", []byte(text))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return list
}

const beforeYAML = `
apiVersion: v1
kind: Namespace
metadata: {name: old-team}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argo-server, namespace: argo, labels: {tier: web}}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - {name: main, image: "quay.io/argo:v1", args: [server]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: controller, namespace: argo}
data:
  config: |
    one: 1
    two: 2
    three: 3
    four: 4
    five: 5
    six: 6
    seven: 7
    eight: 8
  number: "1"
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: argo}
stringData: {password: c4nary-s3cret, user: argo}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: noisy, namespace: argo, labels: {app.kubernetes.io/version: v1}}
`

const afterYAML = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: argo}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argo-server, namespace: argo, annotations: {"a.b/c": "::error::x @all #1"}}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - {name: main, image: "quay.io/argo:v2", args: [server, --secure]}
        - {name: sidecar, image: "x"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: controller, namespace: argo}
data:
  config: |
    one: 1
    two: 2
    three: 3
    four: 4
    five: "5"
    six: 6
    seven: 7
    eight: 8
  number: "true"
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: argo}
stringData: {password: c4nary-s3cret-2, user: argo}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: noisy, namespace: argo, labels: {app.kubernetes.io/version: v2}}
`

func changes(t testing.TB) []manifest.Change {
	t.Helper()
	return manifest.Diff(objects(t, beforeYAML), objects(t, afterYAML))
}

func foldedChanges(t testing.TB) []manifest.Folded {
	t.Helper()
	all := changes(t)
	return manifest.Fold(map[string][]manifest.Change{"dev": all, "staging": all, "prod": all[:2]})
}

func renderDiff(t testing.TB, format report.Format, list []manifest.Folded, o report.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Diff(&out, format, list, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDiffGolden(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]report.Options{"diff.text": {}, "diff.color": {Color: true}} {
		got := renderDiff(t, report.Text, foldedChanges(t), o)
		golden(t, name, got)
		if strings.Contains(got, canary) {
			t.Error("the secret is in the diff")
		}
	}
	got := renderDiff(t, report.Markdown, foldedChanges(t), report.Options{})
	golden(t, "diff.markdown", got)
	checkMarkdown(t, got, report.DefaultLimit)
	if strings.Contains(got, canary) {
		t.Error("the secret is in the diff")
	}
	if got := renderDiff(t, report.Text, nil, report.Options{}); got != "no object changes\n" {
		t.Errorf("got %q", got)
	}
	if err := report.Diff(&bytes.Buffer{}, report.SARIF, nil, report.Options{}); err == nil {
		t.Error("a diff as SARIF gave no error")
	}
	if err := report.Diff(broken{}, report.Text, nil, report.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestDiffForgesNoCommand(t *testing.T) {
	t.Parallel()
	before := "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  k: |\n    ::error::a\n    x\n    ::error::b\n"
	after := strings.Replace(before, "    x", "    ::stop-commands::y", 1)
	list := manifest.Fold(map[string][]manifest.Change{"dev": manifest.Diff(objects(t, before), objects(t, after))})
	got := renderDiff(t, report.Text, list, report.Options{})
	if !strings.Contains(got, "::error::a") {
		t.Fatalf("the test shows no context line:\n%s", got)
	}
	for line := range strings.SplitSeq(got, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a log command: %q", line)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	if got := report.Count(changes(t)).String(); got != "1 removed, 1 added, 4 changed" {
		t.Errorf("got %q", got)
	}
	if got := report.Count(nil).String(); got != "no object changes" {
		t.Errorf("got %q", got)
	}
}

// manyChanges adds n ConfigMaps of some size, changes as many, and removes a
// few, with weighty ones last in the order of IDs.
func manyChanges(t testing.TB, n int) []manifest.Folded {
	t.Helper()
	var before, after strings.Builder
	for i := range n {
		fmt.Fprintf(&after, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: new-%d}\ndata: {text: %q}\n", i, strings.Repeat("x", i%500))
		fmt.Fprintf(&before, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: same-%d}\ndata: {text: a}\n", i)
		fmt.Fprintf(&after, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: same-%d}\ndata: {text: b}\n", i)
	}
	for i := range n/60 + 1 {
		fmt.Fprintf(&before, "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: z-gone-%d}\n", i)
		fmt.Fprintf(&after, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: z-new-%d}\nrules: []\n", i)
	}
	list := manifest.Diff(objects(t, before.String()), objects(t, after.String()))
	return manifest.Fold(map[string][]manifest.Change{"dev": list})
}

func TestDiffMarkdownKeepsToItsBudget(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 5, 60, 300} {
		list := manyChanges(t, n)
		for _, limit := range []int{0, 4_000, 20_000} {
			got := renderDiff(t, report.Markdown, list, report.Options{Limit: limit})
			checkMarkdown(t, got, max(limit, 4_000, (1-min(limit, 1))*report.DefaultLimit))
			if shown, left := countObjects(t, got); shown+left != len(list) || shown == 0 {
				t.Errorf("n %d, limit %d: %d shown and %d counted, of %d", n, limit, shown, left, len(list))
			}
		}
	}
}

var (
	shownObject = regexp.MustCompile(`(?m)^(?:- )?(?:\*\*|<details><summary>)(?:removed|added|changed)`)
	leftOut     = regexp.MustCompile(`Not shown for want of room: ([^.]*)\.`)
	number      = regexp.MustCompile(`\d+`)
)

func countObjects(t testing.TB, text string) (shown, left int) {
	t.Helper()
	if m := leftOut.FindStringSubmatch(text); m != nil {
		for _, digits := range number.FindAllString(m[1], -1) {
			n, err := strconv.Atoi(digits)
			if err != nil {
				t.Fatal(err)
			}
			left += n
		}
	}
	return len(shownObject.FindAllString(text, -1)), left
}

func TestWeightyChangesComeFirstAndOpen(t *testing.T) {
	t.Parallel()
	got := renderDiff(t, report.Markdown, manyChanges(t, 120), report.Options{})
	first := strings.Index(got, "<details>")
	if first < 0 {
		t.Fatal("nothing is folded, the test shows nothing")
	}
	for i := range 3 {
		for _, id := range []string{fmt.Sprintf("PersistentVolumeClaim z-gone-%d`", i), fmt.Sprintf("ClusterRole z-new-%d`", i)} {
			if at := strings.Index(got, id); at < 0 || at > first {
				t.Errorf("%s stands at %d, the first folded object at %d", id, at, first)
			}
		}
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	p := report.Proposal{
		Environment: "dev", Branch: "strake/dev", Into: "main", Base: "origin/main", Digest: "0123456789abcdef", Version: "0.1.0",
		Changes: changes(t), Findings: findings(), Files: 4, Coverage: options().Coverage, Sources: source,
	}
	got := report.Body(p)
	golden(t, "body.markdown", got)
	checkMarkdown(t, got, report.DefaultLimit)
	if strings.Contains(got, canary) {
		t.Error("the secret is in the body")
	}
	if !strings.HasPrefix(got, "<!-- strake env=dev digest=0123456789abcdef -->\n") || !strings.HasSuffix(got, report.EndMarker) || strings.Count(got, report.EndMarker) != 1 {
		t.Error("the markers do not stand first and last")
	}
	order := []string{"**dev:", "| environment", "### Findings", "### Changes", "### Reproduce"}
	for i := 1; i < len(order); i++ {
		if strings.Index(got, order[i-1]) >= strings.Index(got, order[i]) {
			t.Errorf("%s does not stand before %s", order[i-1], order[i])
		}
	}
	golden(t, "body-empty.markdown", report.Body(report.Proposal{Environment: "dev", Digest: "0"}))
}

func TestPlan(t *testing.T) {
	t.Parallel()
	long := report.Proposal{Environment: "prod", Branch: "strake/prod", Into: "main", Title: "prod: 1 added", Files: 20}
	for i := range 20 {
		long.Paths = append(long.Paths, report.FileChange{Path: fmt.Sprintf("overlays/prod/%d.yaml", i), Delete: i%5 == 0})
	}
	var out bytes.Buffer
	err := report.Plan(&out, []report.Proposal{
		{Environment: "dev", Branch: "strake/dev", Into: "main", Base: "origin/main", Repository: "https://github.com/example/mlops", Title: "dev: 1 removed", Changes: changes(t), Findings: findings(), Files: 1, Paths: []report.FileChange{{Path: "overlays/dev/a.yaml"}}},
		{Environment: "staging"},
		long,
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.text", out.String())
}

func FuzzBody(f *testing.F) {
	f.Add("dev", "ConfigMap a", "key", "one\ntwo", "one\nthree", 3)
	f.Add("--><b>", "@all #1 `x` | GH-2", "`````", strings.Repeat("`", 900), "</details>\n<!-- /strake -->\n```", 200)
	f.Add("", "🚀", "a.b/c", strings.Repeat("🚀", 700), "\xff\x00", 40)
	f.Fuzz(func(t *testing.T, environment, id, key, before, after string, n int) {
		n = min(max(n, 0), 300)
		var list []manifest.Change
		for i := range n {
			o := &manifest.Object{Kind: id, YAML: []byte(after)}
			c := manifest.Change{Action: manifest.Action(i%3 + 1), ID: id + strconv.Itoa(i), Kind: id, Before: o, After: o}
			if c.Action == manifest.Changed {
				c.Fields = []manifest.FieldChange{{Path: key, Before: before, After: after}, {Path: key, After: map[string]any{key: before}, Added: true}}
			}
			list = append(list, c)
		}
		findings := diag.List{{Rule: key, Severity: diag.Error, Summary: before, Detail: after, Range: span(id, 1, 1, 0, 0)}}
		got := report.Body(report.Proposal{Environment: environment, Digest: id, Branch: environment, Base: key, Version: after, Changes: list, Findings: findings})
		checkMarkdown(t, got, report.DefaultLimit)
		if strings.Count(got, report.EndMarker) != 1 || !strings.HasSuffix(got, report.EndMarker) {
			t.Error("the end marker is not the end")
		}
		_, section, _ := strings.Cut(got, "### Changes")
		if n == 0 {
			return
		}
		if shown, left := countObjects(t, section); shown+left < n {
			t.Errorf("%d shown and %d counted, of %d", shown, left, n)
		}
	})
}
