package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/argocd"
	"strake/generator/diag"
)

// TestRules makes the mistakes that need more than one word in the good
// environment.
func TestRules(t *testing.T) {
	t.Parallel()
	const window = "    - {kind: deny, schedule: \"0 9 * * 1-5\", duration: 8h, timeZone: Asia/Tokyo, applications: [\"*\"]}\n"
	volume := "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: forecasting%s}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: argocd-server-iap, namespace: argocd, annotations: {cloud.google.com/backend-config: '%s'}}\nspec: {selector: {app.kubernetes.io/name: argocd-server}, ports: [{port: 80}]}\n"
	backend := "---\napiVersion: cloud.google.com/v1\nkind: BackendConfig\nmetadata: {name: argocd, namespace: argocd}\nspec: {iap: {enabled: true}}\n"
	parameters := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cmd-params-cm, namespace: argocd}\ndata: {server.insecure: \"%s\"}\n"
	secret := "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: slack, namespace: argocd}\nspec: {target: {name: argocd-notifications-secret%s}}\n"
	const (
		forecasting = "# file: overlays/prod/forecasting/objects.yaml\n"
		argocd      = "# file: overlays/prod/argocd/objects.yaml\n"
		guardrails  = "Prune=confirm,Delete=confirm\"}"
	)
	put := func(before, text string) func(string) string {
		return func(all string) string {
			return strings.Replace(all, before, before+strings.TrimPrefix(text, "---\n")+"---\n", 1)
		}
	}
	swap := func(old, new string) func(string) string {
		return func(all string) string { return strings.Replace(all, old, new, 1) }
	}
	for _, test := range []struct {
		name   string
		change func(string) string
		want   []string
	}{
		{"a volume that is not confirmed", put(forecasting, fmt.Sprintf(volume, "")), []string{
			"warning prune-unconfirmed 3 metadata.annotations[\"argocd.argoproj.io/sync-options\"]: the Application forecasting deletes PersistentVolumeClaim forecasting/data as soon as it leaves Git",
		}},
		{"a volume that is", put(forecasting, fmt.Sprintf(volume, `, annotations: {argocd.argoproj.io/sync-options: "Prune=confirm"}`)), nil},
		{"a volume that stays", put(forecasting, fmt.Sprintf(volume, `, annotations: {argocd.argoproj.io/sync-options: "Prune=false,Delete=false"}`)), nil},
		{"windows that overlap", swap(window, window+"    - {kind: deny, schedule: \"0 16 * * 5\", duration: 4h, timeZone: Asia/Tokyo, namespaces: [forecasting], applications: [forecasting]}\n"), []string{
			"warning sync-window-overlap 28 spec.syncWindows[1]: two deny windows of the project forecasting overlap, as on Friday at 16:00 JST",
		}},
		{"windows that follow each other", swap(window, window+"    - {kind: deny, schedule: \"0 17 * * 5\", duration: 4h, timeZone: Asia/Tokyo, applications: [forecasting]}\n"), nil},
		{"windows in other time zones", swap(window, window+"    - {kind: deny, schedule: \"30 7 * * 5\", duration: 4h, timeZone: Etc/UTC, applications: [forecasting]}\n"), []string{
			"warning sync-window-overlap 28 spec.syncWindows[1]: two deny windows of the project forecasting overlap, as on Friday at 16:30 JST",
		}},
		{"windows of others", swap(window, window+"    - {kind: deny, schedule: \"0 16 * * 5\", duration: 4h, timeZone: Asia/Tokyo, clusters: [in-cluster]}\n"), nil},
		{"an allow window that never opens", swap(window, window+"    - {kind: allow, schedule: \"0 10 * * 3\", duration: 2h, timeZone: Asia/Tokyo, applications: [forecasting]}\n"), []string{
			"warning sync-window-overlap 28 spec.syncWindows[1]: an allow window of the project forecasting never opens: a deny window covers it",
		}},
		{"an allow window that opens at times", swap(window, window+"    - {kind: allow, schedule: \"0 10 * * *\", duration: 2h, timeZone: Asia/Tokyo, applications: [forecasting]}\n"), nil},
		{"a BackendConfig that is not there", put(argocd, fmt.Sprintf(service, `{"ports": {"http": "argo"}}`)+backend+fmt.Sprintf(parameters, "true")), []string{
			"error backend-config-unresolved 3 metadata.annotations[\"cloud.google.com/backend-config\"]: there is no BackendConfig argo in the namespace of Service argocd/argocd-server-iap",
		}},
		{"an annotation that is no JSON", put(argocd, fmt.Sprintf(service, `argocd`)), []string{
			"error backend-config-unresolved 3 metadata.annotations[\"cloud.google.com/backend-config\"]: the annotation cloud.google.com/backend-config is no JSON",
		}},
		{"a proxy before a server that redirects", put(argocd, fmt.Sprintf(service, `{"default": "argocd"}`)+backend+fmt.Sprintf(parameters, "false")), []string{
			"warning argocd-behind-proxy 14 data[\"server.insecure\"]: Identity-Aware Proxy stands before argocd-server, which answers with a redirect to TLS",
		}},
		{"a proxy", put(argocd, fmt.Sprintf(service, `{"default": "argocd"}`)+backend+fmt.Sprintf(parameters, "true")), nil},
		{"a Secret with two owners", put(argocd, fmt.Sprintf(secret, "")), []string{
			"error argocd-secret-owned 4 spec.target.creationPolicy: the ExternalSecret slack has the creation policy Owner for the Secret argocd-notifications-secret, which belongs to Argo CD",
		}},
		{"a Secret that is merged into", put(argocd, fmt.Sprintf(secret, ", creationPolicy: Merge")), nil},
		{"a wave that is no number", swap(guardrails, "Prune=confirm,Delete=confirm\", argocd.argoproj.io/sync-wave: \"first\", argocd.argoproj.io/hook: \"PreSync,PostSink\"}"), []string{
			"warning sync-annotation 5 metadata.annotations[\"argocd.argoproj.io/sync-wave\"]: the sync wave \"first\" is no number: Argo CD takes it for wave 0",
			"error sync-annotation 5 metadata.annotations[\"argocd.argoproj.io/hook\"]: Argo CD knows no hook \"PostSink\"",
		}},
		{"settings of few values", swap("  url: https://argocd.example.com\n", "  url: https://argocd.example.com\n  application.resourceTrackingMethod: annotations\n  timeout.reconciliation: often\n  exec.enabled: \"true\"\n"), []string{
			"error argocd-setting 15 data[\"application.resourceTrackingMethod\"]: application.resourceTrackingMethod is \"annotations\"",
			"error argocd-setting 16 data[\"timeout.reconciliation\"]: timeout.reconciliation is no duration: \"often\"",
			"warning argocd-setting 17 data[\"exec.enabled\"]: shells in pods can be opened from Argo CD's pages",
		}},
		{"an object that is too large for an annotation", put(forecasting, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: large, namespace: forecasting}\ndata: {text: \""+strings.Repeat("x", 263_000)+"\"}\n"), []string{
			"error application-object-too-large 62 spec.syncPolicy.syncOptions: the Application forecasting cannot apply ConfigMap forecasting/large: its annotation would hold 257 KiB, and 256 are allowed",
		}},
		{"a large object by server-side apply", put(forecasting, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: large, namespace: forecasting, annotations: {argocd.argoproj.io/sync-options: ServerSideApply=true}}\ndata: {text: \""+strings.Repeat("x", 263_000)+"\"}\n"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := test.change(good)
			if text == good {
				t.Fatal("nothing was changed")
			}
			got := lines(judged(t, input(t, "prod", text)))
			if diff := cmp.Diff(append([]string{}, test.want...), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefresh holds the annotation against the files that the build read.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for paths, want := range map[string]string{
		".;/base/api":                      "",
		".;../../../base/api":              "",
		"/overlays/prod/forecasting;/base": "",
		"/":                                "",
		".;/base/api/*.yaml":               "",
		".":                                "the Application forecasting does not notice a commit to base/api, which overlays/prod/forecasting reads",
		".;/base/ap":                       "the Application forecasting does not notice a commit to base/api, which overlays/prod/forecasting reads",
		"/base/api":                        "the Application forecasting does not notice a commit to overlays/prod/forecasting, which overlays/prod/forecasting reads",
	} {
		text := strings.Replace(good, "subscribe.on-sync-failed.slack: forecasting}", "subscribe.on-sync-failed.slack: forecasting, argocd.argoproj.io/manifest-generate-paths: \""+paths+"\"}", 1)
		in := input(t, "prod", text)
		for i := range in.Overlays {
			if in.Overlays[i].Dir == "overlays/prod/forecasting" {
				in.Overlays[i].Files = []string{"base/api/deployment.yaml", "base/api/kustomization.yaml", "overlays/prod/forecasting/kustomization.yaml"}
			}
		}
		got := ""
		for _, d := range judged(t, in) {
			got += d.Summary
		}
		if got != want {
			t.Errorf("%s: %q, want %q", paths, got, want)
		}
	}
}

// TestAssertions says which line grants what nobody should have, and which
// misses what somebody should.
func TestAssertions(t *testing.T) {
	t.Parallel()
	at := func(line int) diag.Range {
		return diag.Range{Path: "environments/platform.yaml", Start: diag.Pos{Line: line, Column: 9}}
	}
	in := input(t, "prod", good)
	in.Assertions = []check.Assertion{
		{Group: "forecasting@example.com", Project: "forecasting", Verb: "sync", May: true, Range: at(1)},
		{Group: "forecasting@example.com", Project: "forecasting", Verb: "restart", May: true, Range: at(2)},
		{Group: "forecasting@example.com", Project: "platform", Verb: "get", Range: at(3)},
		{Group: "forecasting@example.com", Project: "forecasting", Verb: "delete", May: true, Range: at(4)},
		{Group: "nobody@example.com", Project: "forecasting", Verb: "get", May: true, Range: at(5)},
		{Group: "oncall", Project: "forecasting", Verb: "sync", Range: at(6)},
		{Group: "platform-admins", Project: "forecasting", Verb: "exec", Range: at(7)},
	}
	var got []string
	for _, d := range judged(t, in) {
		line := fmt.Sprintf("%d %s: %s | %s", d.Range.Start.Line, d.Rule, d.Summary, d.Detail)
		for _, r := range d.Related {
			line += fmt.Sprintf(" | %s:%d %s", r.Range.Path, r.Range.Start.Line, r.Message)
		}
		got = append(got, line)
	}
	want := []string{
		"4 argocd-rbac-assertion: forecasting@example.com may not delete Applications of forecasting | Its roles (proj:forecasting:member) grant no delete. Missing: p, SUBJECT, applications, delete, forecasting/*, allow." +
			" | overlays/prod/argocd-apps/objects.yaml:25 forecasting@example.com is a member of proj:forecasting:member",
		"5 argocd-rbac-assertion: nobody@example.com may not get Applications of forecasting | The group nobody@example.com is in no role: no membership in the policy, and no role of a project, names it." +
			" | overlays/prod/argocd/objects.yaml:28 policy.csv of ConfigMap argocd/argocd-rbac-cm",
		"6 argocd-rbac-assertion: oncall may sync Applications of forecasting | The line that grants it: p, role:sync-all, applications, sync, */*, allow." +
			" | overlays/prod/argocd/objects.yaml:32 this grants it | overlays/prod/argocd/objects.yaml:33 oncall is a member of role:sync-all",
		"7 argocd-rbac-assertion: platform-admins may exec Applications of forecasting | A built-in role grants it: platform-admins is a member of role:admin." +
			" | overlays/prod/argocd/objects.yaml:30 platform-admins is a member of role:admin",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRevisions names the branches of a repository without a spec.
func TestRevisions(t *testing.T) {
	t.Parallel()
	app := func(name, revision string) string {
		return strings.NewReplacer("name: web", "name: "+name, "targetRevision: main", "targetRevision: "+revision).Replace(application("p", "{name: in-cluster, namespace: app-web}"))
	}
	found := argocd.New().Topology(repository(t, "# file: argocd/objects.yaml\n"+appProject("p", "", `destinations: [{server: "*", namespace: "*"}]`)+
		app("a", "main")+app("b", "main")+app("c", "release")+app("d", "v1.2.0")+app("e", "HEAD")+"# file: apps/web/objects.yaml\n"+service))
	want := []string{"info application-revisions-differ 28 spec.source.targetRevision: the Applications follow 2 branches of this repository: main (2), release (1)"}
	if diff := cmp.Diff(want, lines(found.Sorted())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
