package rego

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// open compiles files of a user's directory called policy.
func open(t *testing.T, files map[string]string) (*Engine, diag.List) {
	t.Helper()
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	engine, findings, err := Open(t.Context(), Options{Sources: []Source{{FS: dir, Dir: "policy"}}, Today: "2026-11-21"})
	if err != nil {
		t.Fatal(err)
	}
	return engine, findings
}

// lines writes findings in a form that a test can state.
func lines(list diag.List) []string {
	var out []string
	for _, d := range list {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s %s", d.Range, d.Severity, d.Rule, d.Summary, d.Field)))
	}
	return out
}

func run(t *testing.T, e *Engine, text string) []string {
	t.Helper()
	findings, err := e.Run(t.Context(), inputOf("prod", objectsOf(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	return lines(findings)
}

const twoObjects = `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: x}
data: {k: v}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: x}
spec: {ports: [{name: web, port: 80}]}`

func TestEnvironmentRules(t *testing.T) {
	t.Parallel()
	e, findings := open(t, map[string]string{"team.rego": `# METADATA
# title: Every Service has a ConfigMap
# description: Because.
# custom: {severity: warning}
package strake.rules.team_rule

findings contains {"object": i, "path": ["spec", "ports", 0, "port"], "summary": "no", "detail": input.today} if {
	some i, o in input.objects
	o.kind == "Service"
	input.environment == "prod"
	count(input.objects) == 2
}

findings contains {"object": 0, "path": ["data", "a.b"], "summary": "own severity", "severity": "info", "sensitive": true,
	"related": [{"object": 1, "path": ["spec"], "message": "see here"}]} if true
`})
	if len(findings) != 0 {
		t.Fatal(lines(findings))
	}
	got, err := e.Run(t.Context(), inputOf("prod", objectsOf(t, twoObjects)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`objects.yaml:1:1 info team-rule: own severity data["a.b"]`,
		`objects.yaml:2:1 warning team-rule: no spec.ports[0].port`,
	}
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Error(diff)
	}
	if !got[0].Sensitive || got[0].Related[0].Message != "see here" || got[0].Related[0].Range.Start.Line != 2 {
		t.Errorf("related and sensitive: %+v", got[0])
	}
	if got[1].Detail != "2026-11-21" || got[1].Object != "Service x/b" {
		t.Errorf("detail and object: %+v", got[1])
	}
	wantRule := RuleInfo{Slug: "team-rule", Severity: diag.Warning, Title: "Every Service has a ConfigMap", Description: "Because."}
	if r := e.Rules()[0]; r.Slug != wantRule.Slug || r.Severity != wantRule.Severity || r.Title != wantRule.Title || r.Description != wantRule.Description {
		t.Errorf("rule: %+v", r)
	}
}

func TestConftestPackages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, policy string
		want         []string
	}{
		{
			"version 0, a set of messages",
			`package main
deny[msg] { input.kind == "Service"; msg := sprintf("no %s", [input.metadata.name]) }`,
			[]string{"objects.yaml:2:1 error main.deny: no b"},
		},
		{
			"version 1, warnings and violations",
			`package main
warn contains "careful" if input.kind == "Service"
violation contains {"msg": "bad", "path": ["data", "k"]} if input.kind == "ConfigMap"`,
			[]string{"objects.yaml:1:1 error main.violation: bad data.k", "objects.yaml:2:1 warning main.warn: careful"},
		},
		{
			"a complete rule",
			`package main
deny := "one" if input.kind == "Service"`,
			[]string{"objects.yaml:2:1 error main.deny: one"},
		},
		{
			"another package, a name with a suffix, a slug of its own",
			`package team.network
# METADATA
# custom: {slug: no-services, severity: info}
deny_services contains "no" if input.kind == "Service"`,
			[]string{"objects.yaml:2:1 info no-services: no"},
		},
		{
			"an exception",
			`package main
deny_services contains "no" if input.kind == "Service"
deny_all contains "never" if input.kind == "Service"
exception contains ["services"] if input.metadata.name == "b"`,
			[]string{"objects.yaml:2:1 error main.deny_all: never"},
		},
		{
			"what is not a rule stays silent",
			`package main
helper contains "x" if true
denied contains "x" if true
deny(x) := x`,
			nil,
		},
		{
			"an answer that is no message",
			`package main
deny contains 7 if input.kind == "Service"`,
			[]string{"policy/x.rego:2:1 error policy-error: rule main.deny failed: the answer is a message, or an object with msg, not json.Number main.deny"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, findings := open(t, map[string]string{"x.rego": test.policy, "x_test.rego": "this is no policy"})
			if len(findings) != 0 {
				t.Fatal(lines(findings))
			}
			if diff := cmp.Diff(test.want, run(t, e, twoObjects)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBrokenModules: what does not compile is named, and the others still run.
func TestBrokenModules(t *testing.T) {
	t.Parallel()
	const good = `package main
deny contains "still here" if input.kind == "Service"`
	tests := []struct {
		name, policy string
		want         []string
	}{
		{"syntax", "package a\n\ndeny contains msg if {", []string{"policy/bad.rego:3:22 error policy-compile: policy does not compile: unexpected eof token"}},
		{"syntax of version 0", "package a\ndeny[msg] { msg := }", []string{"policy/bad.rego:2:20 error policy-compile: policy does not compile: unexpected } token"}},
		{"unsafe variable", "package a\ndeny contains x if true", []string{"policy/bad.rego:2:15 error policy-compile: policy does not compile: var x is unsafe"}},
		{"network", "package a\ndeny contains x if x := http.send({\"method\": \"get\", \"url\": \"http://x\"}).body", []string{"policy/bad.rego:2:25 error policy-compile: policy does not compile: undefined function http.send"}},
		{"clock", "package a\ndeny contains x if x := time.now_ns()", []string{"policy/bad.rego:2:25 error policy-compile: policy does not compile: undefined function time.now_ns"}},
		{"environment", "package a\ndeny contains x if x := opa.runtime().env.HOME", []string{"policy/bad.rego:2:25 error policy-compile: policy does not compile: undefined function opa.runtime"}},
		{"chance", "package a\ndeny contains x if x := rand.intn(\"a\", 10)", []string{"policy/bad.rego:2:25 error policy-compile: policy does not compile: undefined function rand.intn"}},
		{"binary", "\x00\x01\x02", []string{"policy/bad.rego:1:1 error policy-compile: policy does not compile: illegal null character"}},
		{"empty", "", []string{"policy/bad.rego error policy-compile: policy does not compile: empty module"}},
		{"too long", "package a\n" + strings.Repeat("# x\n", maxModule/4), []string{fmt.Sprintf("policy/bad.rego error policy-compile: policy does not compile: the module is %d bytes long, more than the %d that are read", 10+maxModule, maxModule)}},
		{"severity", "# METADATA\n# custom: {severity: fatal}\npackage strake.rules.a\n\nfindings contains 1 if false", []string{`policy/bad.rego:1:1 error policy-compile: policy does not compile: METADATA of a: unknown severity "fatal": want info, warning or error`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, findings := open(t, map[string]string{"bad.rego": test.policy, "good.rego": good})
			if diff := cmp.Diff(test.want, lines(findings)[:1]); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"objects.yaml:2:1 error main.deny: still here"}, run(t, e, twoObjects)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFailingRules: a rule that fails is named, and the others still run.
func TestFailingRules(t *testing.T) {
	t.Parallel()
	const good = "package strake.rules.good\n\nfindings contains {\"object\": 0, \"path\": [], \"summary\": \"still here\"} if true"
	tests := []struct {
		name, policy string
		want         []string
	}{
		{
			"conflict",
			"package strake.rules.bad\n\nv := 1 if true\n\nv := 2 if true\n\nfindings contains {\"object\": v, \"path\": [], \"summary\": \"x\"} if true",
			[]string{
				"objects.yaml:1:1 error good: still here",
				"policy/bad.rego:5:1 error policy-error: rule bad failed: a rule or function gives two different values bad",
			},
		},
		{
			"built-in",
			"package strake.rules.bad\n\nfindings contains {\"object\": 0, \"path\": [], \"summary\": \"x\"} if to_number(input.objects[0].data.k) == 1",
			[]string{
				"objects.yaml:1:1 error good: still here",
				"policy/bad.rego:3:64 warning policy-error: the built-in function to_number cannot read what the policy gave it to_number",
			},
		},
		{
			"no object",
			"package strake.rules.bad\n\nfindings contains {\"object\": 9, \"path\": [], \"summary\": \"x\"} if true",
			[]string{
				"objects.yaml:1:1 error good: still here",
				"policy/bad.rego:1:1 error policy-error: rule bad failed: object is the index of one of the 2 objects of input.objects, not 9 bad",
			},
		},
		{
			"no path",
			"package strake.rules.bad\n\nfindings contains {\"object\": 0, \"path\": [true], \"summary\": \"x\"} if true",
			[]string{
				"objects.yaml:1:1 error good: still here",
				"policy/bad.rego:1:1 error policy-error: rule bad failed: a step of a path is a key or an index, not true bad",
			},
		},
		{
			"no summary",
			"package strake.rules.bad\n\nfindings contains {\"object\": 0} if true",
			[]string{
				"objects.yaml:1:1 error good: still here",
				"policy/bad.rego:1:1 error policy-error: rule bad failed: a finding has no summary bad",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, findings := open(t, map[string]string{"bad.rego": test.policy, "good.rego": good})
			if len(findings) != 0 {
				t.Fatal(lines(findings))
			}
			if diff := cmp.Diff(test.want, run(t, e, twoObjects)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	e, _ := open(t, map[string]string{"slow.rego": `package strake.rules.slow

findings contains {"object": 0, "path": [], "summary": "x"} if {
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i * j == -1
}`})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := e.Run(ctx, inputOf("prod", objectsOf(t, twoObjects)))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("cancelling took %s", took)
	}
}

// TestDeterministic runs the product's policies over a bad environment again
// and again.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	var all []string
	for _, p := range pages(t) {
		if p.bad.environmentOf() == "prod" && len(p.bad.words) == 1 && !strings.HasPrefix(p.bad.text, "# spec") {
			all = append(all, p.bad.text)
		}
	}
	in := inputOf("prod", objectsOf(t, strings.Join(all, "\n---\n")))
	engine := ours(t)
	first, err := engine.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) < 30 {
		t.Fatalf("only %d findings", len(first))
	}
	for range 3 {
		again, err := engine.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestNoSecretInFindings plants a value wherever a secret may stand and looks
// for it in all that a report could print.
func TestNoSecretInFindings(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry-v4lue"
	text := strings.ReplaceAll(`apiVersion: v1
kind: Secret
metadata: {name: a, namespace: argo}
stringData: {password: CANARY, other: CANARY}
---
apiVersion: v1
kind: Secret
metadata: {name: b, namespace: argo}
data: {password: CANARY}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: argo}
data: {api_key: CANARY, url: "postgres://u:CANARY@db/x"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  persistence: |
    archive: true
    postgresql: {host: 10.0.0.5, password: CANARY}
  sso: |
    clientSecret: CANARY
---
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: argo}
data:
  v1: |
    s3: {endpoint: "http://x", secretKey: CANARY}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: argo}
spec:
  template:
    spec:
      containers:
        - name: d
          image: d
          env: [{name: DB_PASSWORD, value: CANARY}, {name: my-token, value: CANARY}, {name: DATABASE_URL, value: "postgres://u:CANARY@db/x"}]`, "CANARY", canary)
	findings, err := ours(t).Run(t.Context(), inputOf("prod", objectsOf(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	masked := 0
	for _, d := range findings {
		if d.Sensitive {
			masked++
		}
		if text := fmt.Sprintf("%+v", d); strings.Contains(text, canary) {
			t.Errorf("%s repeats the secret: %s", d.Rule, text)
		}
	}
	if masked < 9 {
		t.Errorf("%d sensitive findings of 9:\n%s", masked, strings.Join(lines(findings), "\n"))
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	e, _ := open(t, map[string]string{"x.rego": "package strake.rules.x\n\nfindings contains {\"object\": 0, \"path\": [\"data\", \"k\"], \"summary\": \"x\"} if true"})
	objects := objectsOf(t, twoObjects)
	patch := diag.Range{Path: "custom/patch.yaml", Start: diag.Pos{Line: 7, Column: 3}}
	objects[0].Layers = append(objects[0].Layers, manifest.Layer{Range: patch, Role: "patch", Find: func(p manifest.Path) (diag.Range, bool) {
		return patch, p.String() == "data.k"
	}})
	findings, err := e.Run(t.Context(), inputOf("prod", objects))
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 1 || findings[0].Range != patch || len(findings[0].Related) != 1 {
		t.Errorf("%+v", findings)
	}
}

// TestPositionsInText: a path goes on into the YAML of a ConfigMap's string.
func TestPositionsInText(t *testing.T) {
	t.Parallel()
	const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  block: |
    # a comment
    postgresql:
      host: h
      list:
        - name: x
          port: 1
  line: "postgresql: {host: h}"`
	tests := []struct{ name, path, want string }{
		{"a block", `["data", "block", "postgresql", "host"]`, "c.yaml:8 data.block.postgresql.host"},
		{"an item", `["data", "block", "postgresql", "list", 0, "port"]`, "c.yaml:11 data.block.postgresql.list[0].port"},
		{"what is not there yet", `["data", "block", "postgresql", "ssl"]`, "c.yaml:7 data.block.postgresql.ssl"},
		{"nothing of it is there", `["data", "block", "mysql"]`, "c.yaml:5:10 data.block.mysql"},
		{"a value on one line", `["data", "line", "postgresql", "host"]`, "c.yaml:12:9 data.line.postgresql.host"},
		{"the text itself", `["data", "block"]`, "c.yaml:5:10 data.block"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, _ := open(t, map[string]string{"x.rego": "package strake.rules.x\n\nfindings contains {\"object\": 0, \"path\": " + test.path + ", \"summary\": \"x\"} if true"})
			objects := objectsOf(t, text)
			objects[0].Layers = []manifest.Layer{{Role: "resource", Find: func(p manifest.Path) (diag.Range, bool) {
				switch p.String() {
				case "data.block":
					return diag.Range{Path: "c.yaml", Start: diag.Pos{Line: 5, Column: 10}}, true
				case "data.line":
					return diag.Range{Path: "c.yaml", Start: diag.Pos{Line: 12, Column: 9}, End: diag.Pos{Line: 12, Column: 32}}, true
				default:
					return diag.Range{Path: "c.yaml", Start: diag.Pos{Line: 1, Column: 1}}, false
				}
			}}}
			findings, err := e.Run(t.Context(), inputOf("prod", objects))
			if err != nil || len(findings) != 1 {
				t.Fatal(findings, err)
			}
			if got := findings[0].Range.String() + " " + findings[0].Field; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestExternal: with install: external the spec says what Helm provides.
func TestExternal(t *testing.T) {
	t.Parallel()
	const binding = `apiVersion: v1
kind: ServiceAccount
metadata: {name: x, namespace: platform}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: extra, namespace: platform}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: extra, namespace: platform}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: extra}
subjects: [{kind: ServiceAccount, name: NAME, namespace: platform}]`
	engine := ours(t)
	for name, want := range map[string]int{"my-controller": 0, "argo-workflows-server": 0, "somebody": 1} {
		in := inputOf("prod", objectsOf(t, strings.ReplaceAll(binding, "NAME", name)))
		in.Spec = map[string]any{"workflows": map[string]any{
			"install": "external", "namespace": "platform", "helm": map[string]any{"controllerServiceAccount": "my-controller"},
		}}
		findings, err := engine.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) != want {
			t.Errorf("%s: %s", name, strings.Join(lines(findings), "\n"))
		}
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	e, findings := open(t, nil)
	if len(findings) != 0 || len(e.Rules()) != 0 {
		t.Errorf("%v %v", findings, e.Rules())
	}
	for _, engine := range []*Engine{e, ours(t)} {
		got, err := engine.Run(t.Context(), &check.Input{Environment: "prod"})
		if err != nil || len(got) != 0 {
			t.Errorf("%v %v", lines(got), err)
		}
	}
}

// FuzzParse: whatever stands in a user's directory, the answer is a finding.
func FuzzParse(f *testing.F) {
	f.Add("package main\ndeny contains 1 if true")
	f.Add("package main\ndeny[msg] { msg := 1 }")
	f.Add("package a\nimport data.b\n# METADATA\n# title: x\nallow")
	f.Fuzz(func(t *testing.T, text string) {
		_, findings, err := Open(t.Context(), Options{Sources: []Source{{FS: fstest.MapFS{"x.rego": {Data: []byte(text)}}, Dir: "p"}}})
		if err != nil {
			t.Fatalf("%v", err)
		}
		for _, d := range findings {
			if d.Range.Path != "p/x.rego" && d.Range.Path != "" {
				t.Errorf("finding in %q", d.Range.Path)
			}
		}
	})
}
