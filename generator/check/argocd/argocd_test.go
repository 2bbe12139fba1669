package argocd_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/argocd"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// files splits a text at its "# file: NAME" lines.
func files(text string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, "# file: ") {
		name, body, found := strings.Cut(part, "\n")
		if found && strings.TrimSpace(body) != "" {
			out[name] = body
		}
	}
	return out
}

// input makes an environment with a spec: each file is an overlay.
func input(tb testing.TB, env, text string) *check.Input {
	tb.Helper()
	in := &check.Input{Environment: env, Spec: map[string]any{"argocd": map[string]any{"namespace": "argocd", "version": "v2.14.21"}}}
	in.Repository.URLs = []string{"https://github.com/example/mlops-gitops"}
	all := files(text)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		objects, findings := manifest.Split(name, []byte(all[name]))
		if len(findings) > 0 {
			tb.Fatalf("the test's own YAML: %v\n%s", findings, all[name])
		}
		in.Overlays = append(in.Overlays, check.Overlay{Dir: path.Dir(name), App: path.Base(path.Dir(name)), Objects: objects})
	}
	return in
}

func judged(tb testing.TB, in *check.Input) diag.List {
	tb.Helper()
	findings, err := argocd.New().Run(context.Background(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return findings.Sorted()
}

// lines writes findings as "severity rule line field: summary".
func lines(findings diag.List) []string {
	out := []string{}
	for _, d := range findings {
		out = append(out, fmt.Sprintf("%s %s %d %s: %s", d.Severity, d.Rule, d.Range.Start.Line, d.Field, d.Summary))
	}
	return out
}

// good is an environment without a mistake. Each mutant changes one piece of it.
const good = `# file: overlays/prod/argocd-apps/objects.yaml
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: platform, namespace: argocd}
spec:
  sourceRepos: ["https://github.com/example/mlops-gitops"]
  destinations:
    - {server: "https://kubernetes.default.svc", namespace: argocd}
    - {server: "https://kubernetes.default.svc", namespace: forecasting}
  clusterResourceWhitelist: [{group: "", kind: Namespace}]
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: forecasting, namespace: argocd}
spec:
  sourceRepos: ["git@github.com:example/mlops-gitops.git", "https://github.com/example/mlops-gitops"]
  destinations: [{name: in-cluster, namespace: forecasting}]
  namespaceResourceBlacklist: [{group: "", kind: ResourceQuota}]
  roles:
    - name: member
      policies:
        - p, proj:forecasting:member, applications, get, forecasting/*, allow
        - p, proj:forecasting:member, applications, sync, forecasting/*, allow
        - p, proj:forecasting:member, logs, get, forecasting/*, allow
        - p, proj:forecasting:member, applications, action/apps/Deployment/restart, forecasting/*, allow
      groups: [forecasting@example.com]
  syncWindows:
    - {kind: deny, schedule: "0 9 * * 1-5", duration: 8h, timeZone: Asia/Tokyo, applications: ["*"]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: root
  namespace: argocd
spec:
  project: platform
  source: {repoURL: "https://github.com/example/mlops-gitops", targetRevision: main, path: overlays/prod/argocd-apps}
  destination: {server: "https://kubernetes.default.svc", namespace: argocd}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [ServerSideApply=true, CreateNamespace=false]
    retry: {limit: 5, backoff: {duration: 10s, factor: 2, maxDuration: 5m}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: forecasting-guardrails, namespace: argocd}
spec:
  project: platform
  source: {repoURL: "https://github.com/example/mlops-gitops", targetRevision: main, path: overlays/prod/forecasting-guardrails}
  destination: {server: "https://kubernetes.default.svc", namespace: forecasting}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: forecasting
  namespace: argocd
  annotations: {notifications.argoproj.io/subscribe.on-sync-failed.slack: forecasting}
spec:
  project: forecasting
  source: {repoURL: "https://github.com/example/mlops-gitops.git", targetRevision: main, path: overlays/prod/forecasting}
  destination: {server: "https://kubernetes.default.svc", namespace: forecasting}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
# file: overlays/prod/argocd/objects.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: argocd, namespace: argocd}
spec:
  project: platform
  source: {repoURL: "https://github.com/example/mlops-gitops", targetRevision: main, path: overlays/prod/argocd}
  destination: {server: "https://kubernetes.default.svc", namespace: argocd}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  url: https://argocd.example.com
  admin.enabled: "false"
  oidc.config: |
    name: Example
    issuer: https://login.example.com
    clientID: argocd
    clientSecret: $oidc.clientSecret
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm, namespace: argocd}
data:
  scopes: "[groups]"
  policy.default: ""
  policy.csv: |
    # people
    g, platform-admins, role:admin
    p, role:sync-all, applications, get, */*, allow
    p, role:sync-all, applications, sync, */*, allow
    g, oncall, role:sync-all
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-notifications-cm, namespace: argocd}
data:
  service.slack: |
    token: $slack-token
  template.sync-failed: |
    message: "{{.app.metadata.name}} failed"
  trigger.on-sync-failed: |
    - when: app.status?.operationState.phase in ['Error', 'Failed']
      send: [sync-failed]
# file: overlays/prod/forecasting-guardrails/objects.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: forecasting
  annotations: {argocd.argoproj.io/sync-options: "Prune=confirm,Delete=confirm"}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: forecasting}
spec: {hard: {pods: "10"}}
# file: overlays/prod/forecasting/objects.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: forecasting}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "example.com/api:1.0.0"}]}
`

func TestGood(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{}, lines(judged(t, input(t, "prod", good)))); diff != "" {
		t.Error(diff)
	}
}

var update = flag.Bool("update", false, "write testdata/mutants.txt") // a flag of the test binary

// TestMutants makes one mistake at a time and compares all that is said with
// testdata/mutants.txt.
func TestMutants(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, m := range mutants() {
		if strings.Count(good, m.old) < 1 {
			t.Errorf("%s: the fixture has no %q", m.name, m.old)
		}
		env := m.env
		if env == "" {
			env = "prod"
		}
		found := lines(judged(t, input(t, env, strings.Replace(good, m.old, m.new, 1))))
		if (len(found) == 0) != m.clean {
			t.Errorf("%s: %d findings", m.name, len(found))
		}
		fmt.Fprintf(&b, "%s\n", m.name)
		for _, line := range found {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	const golden = "testdata/mutants.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
