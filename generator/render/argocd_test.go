package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"strake/generator/spec"
	"strake/generator/tree"
)

// TestArgoCD renders each testdata/argocd/*.txtar, which holds a spec and then
// the overlay that it becomes.
func TestArgoCD(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/argocd/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := archive.Files[1:]
			got := overlayFiles(t, loaded(t, string(archive.Files[0].Data)))
			if updating() {
				archive.Files = append(archive.Files[:1:1], got...)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(asText(want), asText(got)); diff != "" {
				t.Errorf("overlay (-want +got):\n%s", diff)
			}
		})
	}
}

// updating reports whether goldens are written. The flag is of the tests from
// outside of the package.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func asText(files []txtar.File) string {
	return string(txtar.Format(&txtar.Archive{Files: files}))
}

// loaded is the only environment of a spec without findings.
func loaded(t *testing.T, text string) *spec.Effective {
	t.Helper()
	const path = "environments/platform.yaml"
	p, found := spec.Load(fstest.MapFS{path: {Data: []byte(text)}}, path, "0.1.0")
	for _, d := range found {
		t.Errorf("%s: %s: %s", d.Range, d.Summary, d.Detail)
	}
	if t.Failed() || len(p.Environments) != 1 {
		t.Fatal("the spec of the case is not one environment without findings")
	}
	return p.Environments[0]
}

func renderedTree(t *testing.T, e *spec.Effective) *tree.Tree {
	t.Helper()
	out, err := Environment(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// overlayFiles are the files of the overlay argocd, without the user's own.
func overlayFiles(t *testing.T, e *spec.Effective) []txtar.File {
	t.Helper()
	out := renderedTree(t, e)
	var files []txtar.File
	for f := range out.All() {
		rest, found := strings.CutPrefix(f.Path, "overlays/"+e.Environment+"/argocd/")
		if found && !f.Seed {
			files = append(files, txtar.File{Name: rest, Data: f.Data})
		}
	}
	return files
}

const argocdSpec = `apiVersion: strake/v1alpha1
kind: Platform
metadata: {name: mlops}
spec:
  strake: {version: 0.1.x}
  repository: {url: https://github.com/example/mlops, branch: main}
  argocd:
    url: https://argocd.example.com
    rbac:
      groups:
        oncall: [role:sync-all]
        platform: [role:admin]
    notifications:
      slack: {token: {secret: argocd-slack}}
      subscriptions: {TRIGGERS}
  defaults:
    secrets: {gcpSecretManager: {}}
    cloud: {project: mlops-dev, region: asia-northeast1}
  environments:
    - {name: dev}
`

// TestPolicyNamesItsLines: a binding that a finding is about stands in a line of
// the spec, although the policy is one text.
func TestPolicyNamesItsLines(t *testing.T) {
	t.Parallel()
	text := strings.Replace(argocdSpec, "{TRIGGERS}", "{on-deployed: deploys}", 1)
	out := renderedTree(t, loaded(t, text))
	f, ok := out.Get("overlays/dev/argocd/argocd-rbac-cm.configmap.yaml")
	if !ok {
		t.Fatal("argocd-rbac-cm is not rendered")
	}
	for group, line := range map[string]int{"oncall": 11, "platform": 12} {
		at := 1 + bytes.Count(f.Data[:bytes.Index(f.Data, []byte("g, "+group))], []byte("\n"))
		from := 0
		for _, o := range f.Origins {
			if o.Line <= at {
				from = o.From.Start.Line
			}
		}
		if from != line {
			t.Errorf("the binding of %s comes from line %d of the spec, want %d", group, from, line)
		}
	}
}

// TestNotices: the spec knows the triggers that are rendered, each sends a
// message that is there, and the message is what Slack takes, whatever the
// cluster says.
func TestNotices(t *testing.T) {
	t.Parallel()
	var subscriptions []string
	for _, n := range notices() {
		subscriptions = append(subscriptions, n.trigger+": alerts")
	}
	e := loaded(t, strings.Replace(argocdSpec, "TRIGGERS", strings.Join(subscriptions, ", "), 1))
	out := renderedTree(t, e)
	f, _ := out.Get("overlays/dev/argocd/argocd-notifications-cm.configmap.yaml")
	var config struct{ Data map[string]string }
	if err := yaml.Unmarshal(f.Data, &config); err != nil {
		t.Fatal(err)
	}
	for _, n := range notices() {
		var conditions []struct{ Send []string }
		if err := yaml.Unmarshal([]byte(config.Data["trigger."+n.trigger]), &conditions); err != nil || len(conditions) != 1 {
			t.Fatalf("trigger %s: %v", n.trigger, err)
		}
		for _, send := range conditions[0].Send {
			message(t, n.trigger, config.Data["template."+send])
		}
	}
}

// message runs a template as Argo CD does, with its own functions of sprig.
func message(t *testing.T, name, text string) {
	t.Helper()
	var notification struct {
		Message string
		Slack   struct{ Attachments string }
	}
	if err := yaml.Unmarshal([]byte(text), &notification); err != nil || notification.Message == "" {
		t.Fatalf("template of %s: %v\n%s", name, err, text)
	}
	functions := template.FuncMap{
		"replace":  func(from, to, in string) string { return strings.ReplaceAll(in, from, to) },
		"trunc":    func(n int, s string) string { return s[:min(n, len(s))] },
		"toString": func(v any) string { s, _ := v.(string); return s },
		"toJson": func(v any) string {
			data, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			return string(data)
		},
	}
	vars := map[string]any{
		"context": map[string]any{"argocdUrl": "https://argocd.example.com", "environment": "dev"},
		"app": map[string]any{
			"metadata": map[string]any{"name": "forecasting", "namespace": "argocd"},
			"spec":     map[string]any{"project": "forecasting"},
			"status": map[string]any{
				"operationState": map[string]any{"message": "field \"a\" is\nwrong <!channel>"},
				"conditions":     []any{map[string]any{"type": "SyncError", "message": "field \"a\" <!here>"}},
				"sync":           map[string]any{"revision": "abc"},
			},
		},
	}
	for _, part := range []string{notification.Message, notification.Slack.Attachments} {
		parsed, err := template.New(name).Funcs(functions).Parse(part)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := parsed.Execute(&b, vars); err != nil {
			t.Fatal(err)
		}
		if part == notification.Message {
			continue
		}
		var attachments []map[string]string
		if err := json.Unmarshal(b.Bytes(), &attachments); err != nil || len(attachments) != 1 {
			t.Fatalf("%s is no list of attachments: %v\n%s", name, err, b.String())
		}
		if !strings.HasPrefix(attachments[0]["title_link"], "https://argocd.example.com/applications/argocd/forecasting") {
			t.Errorf("%s links to %s", name, attachments[0]["title_link"])
		}
		if strings.Contains(attachments[0]["text"], "<!") {
			t.Errorf("%s hands an order on to Slack: %s", name, attachments[0]["text"])
		}
	}
}

func TestRepositoryOwner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, prefix, host string }{
		{"https://github.com/example/mlops", "https://github.com/example/", "github.com"},
		{"https://git.example.com/team/sub/mlops.git", "https://git.example.com/team/", "git.example.com"},
		{"https://git.example.com:8443/example/mlops", "https://git.example.com:8443/example/", "git.example.com"},
		{"https://git.example.com/mlops", "https://git.example.com/mlops", "git.example.com"},
		{"git@github.com:example/mlops.git", "git@github.com:example/", "github.com"},
		{"ssh://git@git.example.com:2222/example/mlops", "ssh://git@git.example.com:2222/example/", "git.example.com"},
	} {
		prefix, host := repositoryOwner(c.url)
		if prefix != c.prefix || host != c.host {
			t.Errorf("repositoryOwner(%s) = %s, %s; want %s, %s", c.url, prefix, host, c.prefix, c.host)
		}
	}
}
