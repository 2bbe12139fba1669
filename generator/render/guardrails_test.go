package render_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-workflows/v3/util/expr/argoexpr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"strake/generator/spec"
)

// baseDir is the base that the guardrails of a tenant lie on.
func baseDir(t testing.TB, e *spec.Effective, tenant string) string {
	t.Helper()
	overlay := "overlays/" + e.Environment + "/" + tenant + "-guardrails"
	k := objectAt[struct {
		APIVersion, Kind, Namespace string
		Resources, Components       []string
	}](t, e, overlay+"/kustomization.yaml")
	for _, resource := range k.Resources {
		if strings.HasPrefix(resource, "../") {
			return path.Join(overlay, resource) + "/"
		}
	}
	t.Fatalf("no base in %v", k.Resources)
	return ""
}

func TestGuardrailsFiles(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	want := []string{
		"allow-api-server.networkpolicy.yaml", "artifact-repositories.configmap.yaml", "external-secrets.serviceaccount.yaml",
		"forecasting.namespace.yaml", "gcp-secret-manager.secretstore.yaml", "kustomization.yaml",
		"tenant-member.role.yaml", "tenant-member.rolebinding.yaml", "tenant-quota.resourcequota.yaml",
	}
	if diff := cmp.Diff(want, names(t, e, guardDir)); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"allow-dns.networkpolicy.yaml", "allow-metadata-server.networkpolicy.yaml", "allow-public-https.networkpolicy.yaml",
		"allow-same-namespace.networkpolicy.yaml", "container-defaults.limitrange.yaml", "default-deny.networkpolicy.yaml",
		"kustomization.yaml", "workflow-executor.role.yaml", "workflow-executor.rolebinding.yaml", "workflow-runner.serviceaccount.yaml",
	}
	if diff := cmp.Diff(want, names(t, e, baseDir(t, e, "forecasting"))); diff != "" {
		t.Error(diff)
	}
}

// TestGuardrailsShareABase has two tenants and two environments that differ in
// all that a spec may say about them.
func TestGuardrailsShareABase(t *testing.T) {
	t.Parallel()
	first := environment(t, nil)
	second := environment(t, nil,
		edit{"metadata: {name: forecasting}", "metadata: {name: vision}"},
		edit{"group: forecasting@example.com", "namespace: ml-vision\n  group: vision@example.com\n  serviceAccount: {googleServiceAccount: vision@mlops-prod.iam.gserviceaccount.com}"},
		edit{"- name: prod\n", "- {name: dev, cluster: {version: \"1.34\", controlPlaneCIDR: 172.16.0.0/28}}\n"},
		edit{"artifacts: {gcs: {bucket: mlops-prod-artifacts}, archiveLogs: true}", "artifacts: {s3: {endpoint: \"minio.minio.svc:9000\", bucket: logs, accessKey: {secret: a}, secretKey: {secret: b}}}"},
	)
	if a, b := baseDir(t, first, "forecasting"), baseDir(t, second, "vision"); a != b {
		t.Errorf("bases %s and %s differ", a, b)
	}
}

// TestDNSService has the address of the resolver in the overlay: the base stays
// shared.
func TestDNSService(t *testing.T) {
	t.Parallel()
	before := environment(t, nil)
	e := environment(t, nil, edit{`version: "1.33"`, "version: \"1.33\"\n      dnsServiceIP: 10.96.0.10"})
	if a, b := baseDir(t, before, "forecasting"), baseDir(t, e, "forecasting"); a != b {
		t.Errorf("bases %s and %s differ", a, b)
	}
	const file = "allow-dns-service.networkpolicy.yaml"
	if slices.Contains(names(t, before, guardDir), file) {
		t.Error("an address from nowhere")
	}
	p := objectAt[networkingv1.NetworkPolicy](t, e, guardDir+file)
	for _, protocol := range []string{"UDP", "TCP"} {
		x := target{ip: "10.96.0.10", port: 53, protocol: protocol}
		if !x.reachable(t, []networkingv1.NetworkPolicy{p}) {
			t.Errorf("%s is closed: %v", protocol, p.Spec)
		}
	}
	if x := (target{ip: "10.96.0.10", port: 443, protocol: "TCP"}); x.reachable(t, []networkingv1.NetworkPolicy{p}) {
		t.Error("another port is open")
	}
}

func TestNamespace(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{`"1.33"`: "v1.33", "null": "latest"} {
		e := environment(t, nil, edit{`version: "1.33"`, "version: " + version})
		ns := objectAt[corev1.Namespace](t, e, guardDir+"forecasting.namespace.yaml")
		for _, mode := range []string{"enforce", "audit", "warn"} {
			if got := ns.Labels["pod-security.kubernetes.io/"+mode]; got != "restricted" {
				t.Errorf("%s: %q", mode, got)
			}
			if got := ns.Labels["pod-security.kubernetes.io/"+mode+"-version"]; got != want {
				t.Errorf("%s-version: %q, want %q", mode, got, want)
			}
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		quota map[string]string
		want  map[string]string
	}{
		"short names": {
			map[string]string{"cpu": "16", "memory": "64Gi", "pods": "60"},
			map[string]string{"requests.cpu": "16", "requests.memory": "64Gi", "limits.memory": "64Gi", "pods": "60"},
		},
		"a full name wins over a short one": {
			map[string]string{"memory": "64Gi", "limits.memory": "96Gi"},
			map[string]string{"requests.memory": "64Gi", "limits.memory": "96Gi"},
		},
		"accelerators, none allowed": {
			map[string]string{"requests.nvidia.com/gpu": "0"},
			map[string]string{"requests.nvidia.com/gpu": "0"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := environment(t, nil)
			e.Tenants[0].Quota = test.quota
			q := objectAt[corev1.ResourceQuota](t, e, guardDir+"tenant-quota.resourcequota.yaml")
			got := map[string]string{}
			for name, quantity := range q.Spec.Hard {
				got[string(name)] = quantity.String()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	e := environment(t, nil)
	e.Tenants[0].Quota = nil
	if slices.Contains(names(t, e, guardDir), "tenant-quota.resourcequota.yaml") {
		t.Error("an empty quota")
	}
}

// TestDefaultsMeetTheQuota holds the limit range to give every resource that
// the quota counts, or pods that say nothing would be refused.
func TestDefaultsMeetTheQuota(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	l := objectAt[corev1.LimitRange](t, e, baseDir(t, e, "forecasting")+"container-defaults.limitrange.yaml").Spec.Limits[0]
	q := objectAt[corev1.ResourceQuota](t, e, guardDir+"tenant-quota.resourcequota.yaml")
	for name := range q.Spec.Hard {
		kind, resource, ok := strings.Cut(string(name), ".")
		if !ok {
			continue
		}
		given := l.Default
		if kind == "requests" {
			given = l.DefaultRequest
		}
		if _, ok := given[corev1.ResourceName(resource)]; !ok {
			t.Errorf("%s has no default", name)
		}
	}
	if l.DefaultRequest.Memory().Cmp(*l.Default.Memory()) > 0 {
		t.Error("the default request is more than the default limit")
	}
}

// TestExecutorRights are exactly those that Argo's executor needs.
func TestExecutorRights(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, edit{"group: forecasting@example.com", "group: forecasting@example.com\n  serviceAccount: {name: runner}"})
	dir := baseDir(t, e, "forecasting")
	role := objectAt[rbacv1.Role](t, e, dir+"workflow-executor.role.yaml")
	want := []rbacv1.PolicyRule{{APIGroups: []string{"argoproj.io"}, Resources: []string{"workflowtaskresults"}, Verbs: []string{"create", "patch"}}}
	if diff := cmp.Diff(want, role.Rules); diff != "" {
		t.Error(diff)
	}
	binding := objectAt[rbacv1.RoleBinding](t, e, dir+"workflow-executor.rolebinding.yaml")
	account := objectAt[corev1.ServiceAccount](t, e, dir+"runner.serviceaccount.yaml")
	if binding.RoleRef.Name != role.Name || binding.Subjects[0].Name != account.Name || account.Name != "runner" {
		t.Errorf("the account %s is bound by %+v", account.Name, binding)
	}
	if w := workflowTemplate(t, e, "chart-movement"); w.Spec.ServiceAccountName != account.Name {
		t.Errorf("workflows run as %s", w.Spec.ServiceAccountName)
	}
}

// TestMembersCannotReachSecrets is least privilege for the people of a team.
func TestMembersCannotReachSecrets(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	role := objectAt[rbacv1.Role](t, e, guardDir+"tenant-member.role.yaml")
	forbidden := []string{"*", "secrets", "pods/exec", "pods/attach", "pods/portforward", "serviceaccounts", "serviceaccounts/token", "roles", "rolebindings", "configmaps"}
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			if slices.Contains(forbidden, resource) {
				t.Errorf("members may %v %s", rule.Verbs, resource)
			}
			if resource != "workflows" && (slices.Contains(rule.Verbs, "create") || slices.Contains(rule.Verbs, "update") || slices.Contains(rule.Verbs, "patch")) {
				t.Errorf("members may change %s, which Git owns: %v", resource, rule.Verbs)
			}
		}
		if slices.Contains(rule.Verbs, "*") {
			t.Errorf("every verb on %v", rule.Resources)
		}
	}
	binding := objectAt[rbacv1.RoleBinding](t, e, guardDir+"tenant-member.rolebinding.yaml")
	want := []rbacv1.Subject{{APIGroup: "rbac.authorization.k8s.io", Kind: "Group", Name: "forecasting@example.com"}}
	if diff := cmp.Diff(want, binding.Subjects); diff != "" {
		t.Error(diff)
	}
	e.Tenants[0].Group = ""
	if slices.Contains(names(t, e, guardDir), "tenant-member.rolebinding.yaml") {
		t.Error("rights for nobody")
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	e.Workflows.Server.AuthModes = []string{"sso"}
	e.Workflows.Server.SSO = &spec.SSO{Issuer: "https://id.example.com", ClientID: "x", ClientSecret: spec.SecretRef{Secret: "s"}, RedirectURL: "https://w.example.com/oauth2/callback"}
	if slices.Contains(names(t, e, guardDir), "tenant-login.serviceaccount.yaml") {
		t.Error("a login account without rbac")
	}
	e.Workflows.Server.SSO.RBAC = true
	account := objectAt[corev1.ServiceAccount](t, e, guardDir+"tenant-login.serviceaccount.yaml")
	rule := account.Annotations["workflows.argoproj.io/rbac-rule"]
	for group, want := range map[string]bool{"forecasting@example.com": true, "vision@example.com": false} {
		got, err := argoexpr.EvalBool(rule, map[string]any{"groups": []any{group, "everybody"}})
		if err != nil || got != want {
			t.Errorf("a member of %s: %v, %v, want %v", group, got, err, want)
		}
	}
	token := objectAt[corev1.Secret](t, e, guardDir+"tenant-login.service-account-token.secret.yaml")
	if token.Type != corev1.SecretTypeServiceAccountToken || token.Annotations[corev1.ServiceAccountNameKey] != account.Name {
		t.Errorf("the token is not the account's: %+v", token)
	}
	if len(token.Data)+len(token.StringData) > 0 {
		t.Error("a Secret with data in Git")
	}
	binding := objectAt[rbacv1.RoleBinding](t, e, guardDir+"tenant-member.rolebinding.yaml")
	want := rbacv1.Subject{Kind: "ServiceAccount", Name: account.Name, Namespace: "forecasting"}
	if !slices.Contains(binding.Subjects, want) {
		t.Errorf("the account has no rights: %v", binding.Subjects)
	}
}

func TestGoogleServiceAccountOfATenant(t *testing.T) {
	t.Parallel()
	const email = "forecasting@mlops-prod.iam.gserviceaccount.com"
	e := environment(t, nil, edit{"group: forecasting@example.com", "group: forecasting@example.com\n  serviceAccount: {googleServiceAccount: " + email + "}"})
	p := objectAt[corev1.ServiceAccount](t, e, guardDir+"patches/workflow-runner.serviceaccount.yaml")
	if p.Name != "workflow-runner" || p.Annotations["iam.gke.io/gcp-service-account"] != email {
		t.Errorf("got %+v", p.ObjectMeta)
	}
	if f, _ := files(t, e).Get(baseDir(t, e, "forecasting") + "workflow-runner.serviceaccount.yaml"); strings.Contains(string(f.Data), email) {
		t.Error("the base knows the tenant")
	}
}

// TestArtifactKeysOfATenant has a store whose keys are Secrets.
func TestArtifactKeysOfATenant(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, edit{"artifacts: {gcs: {bucket: mlops-prod-artifacts}, archiveLogs: true}", "artifacts: {s3: {endpoint: \"minio.minio.svc:9000\", bucket: logs, accessKey: {secret: a}, secretKey: {secret: b}}}"})
	if got := names(t, e, guardDir); !slices.Contains(got, "artifact-repository.externalsecret.yaml") || !slices.Contains(got, "allow-artifact-store.networkpolicy.yaml") {
		t.Errorf("got %v", got)
	}
}

// policies are all NetworkPolicies that hold in a tenant's namespace.
func policies(t testing.TB, e *spec.Effective) []networkingv1.NetworkPolicy {
	t.Helper()
	var out []networkingv1.NetworkPolicy
	rendered := files(t, e)
	for _, dir := range []string{guardDir, baseDir(t, e, "forecasting")} {
		for _, file := range namesIn(rendered, dir) {
			if strings.HasSuffix(file, ".networkpolicy.yaml") {
				out = append(out, decoded[networkingv1.NetworkPolicy](t, rendered, dir+file))
			}
		}
	}
	return out
}

// TestNetwork asks whether a pod of a tenant can reach what it needs, and
// nothing beside it.
func TestNetwork(t *testing.T) {
	t.Parallel()
	minio := edit{"artifacts: {gcs: {bucket: mlops-prod-artifacts}, archiveLogs: true}", "artifacts: {s3: {endpoint: \"minio.store.svc.cluster.local:9000\", bucket: logs, accessKey: {secret: a}, secretKey: {secret: b}}}"}
	private := edit{`version: "1.33"`, "version: \"1.33\"\n      controlPlaneCIDR: 172.16.0.0/28"}
	tests := map[string]struct {
		edits []edit
		to    target
		want  bool
	}{
		"kube-dns":                      {to: target{namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}, port: 53, protocol: "UDP"}, want: true},
		"node-local DNS":                {to: target{ip: "169.254.20.10", port: 53, protocol: "UDP"}, want: true},
		"Cloud DNS":                     {to: target{ip: "169.254.169.254", port: 53, protocol: "UDP"}, want: true},
		"metadata server, Dataplane V2": {to: target{ip: "169.254.169.254", port: 80}, want: true},
		"metadata server, Calico":       {to: target{ip: "169.254.169.252", port: 988}, want: true},
		"Google APIs":                   {to: target{ip: "199.36.153.8", port: 443}, want: true},
		"the API server, unknown":       {to: target{ip: "10.128.0.2", port: 443}, want: true},
		"the API server":                {edits: []edit{private}, to: target{ip: "172.16.0.2", port: 443}, want: true},
		"its own namespace":             {to: target{namespace: "forecasting", port: 6379}, want: true},
		"a store in the cluster":        {edits: []edit{minio}, to: target{namespace: "store", port: 9000}, want: true},

		"another pod of kube-system":   {to: target{namespace: "kube-system", labels: map[string]string{"k8s-app": "metrics-server"}, port: 53, protocol: "UDP"}, want: false},
		"another tenant":               {edits: []edit{private}, to: target{namespace: "vision", port: 443}, want: false},
		"another tenant's address":     {edits: []edit{private}, to: target{ip: "10.4.0.7", port: 443}, want: false},
		"a database":                   {to: target{ip: "10.20.0.5", port: 5432}, want: false},
		"mail":                         {to: target{ip: "203.0.113.7", port: 25}, want: false},
		"plain http":                   {to: target{ip: "203.0.113.7", port: 80}, want: false},
		"another port of the metadata": {edits: []edit{private}, to: target{ip: "169.254.169.254", port: 443}, want: false},
		"the store of another port":    {edits: []edit{minio}, to: target{namespace: "store", port: 9001}, want: false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.to.protocol == "" {
				test.to.protocol = "TCP"
			}
			if got := test.to.reachable(t, policies(t, environment(t, nil, test.edits...))); got != test.want {
				t.Errorf("reachable: %v, want %v", got, test.want)
			}
		})
	}
}

// TestNetworkDeniesByDefault is what makes the other policies mean anything.
func TestNetworkDeniesByDefault(t *testing.T) {
	t.Parallel()
	for _, p := range policies(t, environment(t, nil)) {
		if p.Name == "default-deny" {
			if len(p.Spec.PolicyTypes) != 2 || len(p.Spec.Egress)+len(p.Spec.Ingress) > 0 || len(p.Spec.PodSelector.MatchLabels)+len(p.Spec.PodSelector.MatchExpressions) > 0 {
				t.Errorf("got %+v", p.Spec)
			}
			return
		}
	}
	t.Error("no default-deny")
}

// TestGuardrailsAreOfTheTenant holds each object to say whose it is.
func TestGuardrailsAreOfTheTenant(t *testing.T) {
	t.Parallel()
	rendered := files(t, environment(t, nil))
	for _, file := range namesIn(rendered, guardDir) {
		if file == "kustomization.yaml" {
			continue
		}
		f, _ := rendered.Get(guardDir + file)
		var doc struct {
			Kind     string
			Metadata struct {
				Namespace string
				Labels    map[string]string
			}
		}
		if err := yaml.Unmarshal(f.Data, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Metadata.Labels["app.kubernetes.io/part-of"] != "forecasting" || doc.Metadata.Labels["app.kubernetes.io/managed-by"] != "strake" {
			t.Errorf("%s: labels %v", file, doc.Metadata.Labels)
		}
		if doc.Kind != "Namespace" && doc.Metadata.Namespace != "forecasting" {
			t.Errorf("%s: namespace %q", file, doc.Metadata.Namespace)
		}
	}
}
