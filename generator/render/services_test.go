package render_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"strake/generator/diag"
	"strake/generator/spec"
	"strake/generator/tree"
)

// TestServices renders the services of each testdata/services/*.txtar: the
// tenant's overlay, and the policies that stand in its guardrails.
func TestServices(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/services/*.txtar")
	if err != nil || len(names) < 2 {
		t.Fatalf("%d cases, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			e, given := withServices(t, archive)
			got := &txtar.Archive{Comment: archive.Comment, Files: given}
			out := files(t, e)
			for f := range out.All() {
				guard := strings.Contains(f.Path, "-guardrails/allow-") || strings.HasSuffix(f.Path, "-guardrails/tenant-member.role.yaml")
				if strings.HasPrefix(f.Path, "overlays/prod/"+e.Tenants[0].Name+"/") && !f.Seed || guard {
					got.Files = append(got.Files, txtar.File{Name: f.Path, Data: f.Data})
				}
			}
			text := txtar.Format(got)
			if *update {
				if err := os.WriteFile(name, text, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// withServices loads the only environment of an archive, edited.
func withServices(t testing.TB, archive *txtar.Archive, edits ...edit) (*spec.Effective, []txtar.File) {
	t.Helper()
	fsys := fstest.MapFS{}
	var given []txtar.File
	applied := 0
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "overlays/") {
			continue
		}
		given = append(given, f)
		text := string(f.Data)
		for _, x := range edits {
			applied += strings.Count(text, x.old)
			text = strings.Replace(text, x.old, x.new, 1)
		}
		fsys[f.Name] = &fstest.MapFile{Data: []byte(text)}
	}
	if applied != len(edits) {
		t.Fatalf("%d edits found %d places", len(edits), applied)
	}
	p, found := spec.Load(fsys, "environments/platform.yaml", "0.1.0")
	if found.AtLeast(diag.Warning) {
		t.Fatal(found)
	}
	return p.Environments[0], given
}

func serviceCase(t testing.TB, name string, edits ...edit) (*spec.Effective, *tree.Tree) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/services/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := withServices(t, archive, edits...)
	return e, files(t, e)
}

// TestServiceRollsOut holds the pods to be new when what they read has changed,
// and to stay when it has not.
func TestServiceRollsOut(t *testing.T) {
	t.Parallel()
	const file = "overlays/prod/digdag/digdag.deployment.yaml"
	template := func(edits ...edit) corev1.PodTemplateSpec {
		_, out := serviceCase(t, "autopilot", edits...)
		return decoded[appsv1.Deployment](t, out, file).Spec.Template
	}
	before := template()
	for name, test := range map[string]struct {
		edit  edit
		rolls bool
	}{
		"config":          {edit{`ENVIRONMENT: "${environment}"`, "ENVIRONMENT: other"}, true},
		"secret":          {edit{"{secret: digdag-encryption-key}", `{secret: digdag-encryption-key, version: "2"}`}, true},
		"file":            {edit{"retries: 3", "retries: 4"}, true},
		"image":           {edit{"digdag@sha256:4e", "digdag@sha256:4d"}, true},
		"other config":    {edit{"config: {digdag:", "config: {other: {A: b}, digdag:"}, false},
		"host":            {edit{"host: digdag.example.com", "host: jobs.example.com"}, false},
		"budget":          {edit{"disruption: {minAvailable: 1}", ""}, false},
		"refresh of keys": {edit{"secrets: {gcpSecretManager: {}}", "secrets: {gcpSecretManager: {}, refreshInterval: 2h}"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if rolls := !cmp.Equal(before, template(test.edit)); rolls != test.rolls {
				t.Errorf("new pods: %v, want %v", rolls, test.rolls)
			}
		})
	}
}

// TestServiceSelectorNeverChanges compares two environments that differ in all
// that a spec can say of them: a selector is for ever.
func TestServiceSelectorNeverChanges(t *testing.T) {
	t.Parallel()
	const file = "overlays/prod/digdag/digdag.deployment.yaml"
	_, a := serviceCase(t, "autopilot")
	_, b := serviceCase(t, "autopilot",
		edit{"metadata: {name: data}", "metadata: {name: other}"},
		edit{"environments: [{name: prod}]", "environments: [{name: prod, stage: live}]"},
		edit{`version: "1.33"`, `version: "1.34"`},
		edit{"          port: 65432", "          replicas: 3\n          port: 7000"},
	)
	one, two := decoded[appsv1.Deployment](t, a, file).Spec, decoded[appsv1.Deployment](t, b, file).Spec
	if diff := cmp.Diff(one.Selector, two.Selector); diff != "" {
		t.Error(diff)
	}
	for key, value := range one.Selector.MatchLabels {
		if one.Template.Labels[key] != value {
			t.Errorf("the pods lack the label %s of their selector", key)
		}
	}
	service := decoded[corev1.Service](t, a, "overlays/prod/digdag/digdag.service.yaml")
	if diff := cmp.Diff(one.Selector.MatchLabels, service.Spec.Selector); diff != "" {
		t.Error(diff)
	}
}

// TestServiceEndsInTime holds the grace to what the node gives: 15 seconds on
// Spot, and the drain to be part of it.
func TestServiceEndsInTime(t *testing.T) {
	t.Parallel()
	_, out := serviceCase(t, "standard")
	for name, most := range map[string]int64{"api": 15, "worker": 60} {
		pod := decoded[appsv1.Deployment](t, out, "overlays/prod/web/"+name+".deployment.yaml").Spec.Template.Spec
		grace, drain := *pod.TerminationGracePeriodSeconds, pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds
		if grace != most || drain < 1 || drain >= grace {
			t.Errorf("%s: grace %d, want %d; drain %d", name, grace, most, drain)
		}
	}
}

// ingress reports whether a connection from outside the namespace may come in.
func ingress(policies []networkingv1.NetworkPolicy, pod map[string]string, cidr string, port int32) bool {
	for _, p := range policies {
		chosen := true
		for key, value := range p.Spec.PodSelector.MatchLabels {
			chosen = chosen && pod[key] == value
		}
		for _, x := range p.Spec.PodSelector.MatchExpressions {
			chosen = chosen && slices.Contains(x.Values, pod[x.Key])
		}
		for _, rule := range p.Spec.Ingress {
			onPort := slices.ContainsFunc(rule.Ports, func(n networkingv1.NetworkPolicyPort) bool { return n.Port.IntVal == port })
			from := slices.ContainsFunc(rule.From, func(peer networkingv1.NetworkPolicyPeer) bool {
				return peer.IPBlock != nil && peer.IPBlock.CIDR == cidr
			})
			if chosen && onPort && from {
				return true
			}
		}
	}
	return false
}

// TestServiceNetwork opens to the load balancer only what stands behind one, and
// the way to Cloud SQL only to pods with a proxy.
func TestServiceNetwork(t *testing.T) {
	t.Parallel()
	all := func(out *tree.Tree) (found []networkingv1.NetworkPolicy) {
		for f := range out.All() {
			if strings.HasSuffix(f.Path, ".networkpolicy.yaml") && !strings.Contains(f.Path, "argo") {
				found = append(found, decoded[networkingv1.NetworkPolicy](t, out, f.Path))
			}
		}
		return found
	}
	digdag := map[string]string{"app.kubernetes.io/component": "service", "app.kubernetes.io/name": "digdag"}
	run := map[string]string{"app.kubernetes.io/name": "digdag"}
	_, exposed := serviceCase(t, "autopilot")
	_, probed := serviceCase(t, "autopilot", edit{"path: /api/version,", "path: /api/version, port: 9000,"})
	_, inside := serviceCase(t, "autopilot", edit{"iap: {host: digdag.example.com, certificate: digdag, securityPolicy: office, staticIP: digdag}", ""})
	for name, test := range map[string]struct {
		out  *tree.Tree
		pod  map[string]string
		cidr string
		port int32
		want bool
	}{
		"load balancer":             {exposed, digdag, "130.211.0.0/22", 65432, true},
		"health check":              {exposed, digdag, "35.191.0.0/16", 65432, true},
		"port of the probe":         {probed, digdag, "35.191.0.0/16", 9000, true},
		"another port":              {exposed, digdag, "35.191.0.0/16", 5432, false},
		"a run of the same name":    {exposed, run, "35.191.0.0/16", 65432, false},
		"not behind a balancer":     {inside, digdag, "35.191.0.0/16", 65432, false},
		"the proxy's own port":      {exposed, digdag, "130.211.0.0/22", 9801, false},
		"nobody else on the net":    {exposed, digdag, "10.0.0.0/8", 65432, false},
		"nobody on the whole world": {exposed, digdag, "0.0.0.0/0", 65432, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ingress(all(test.out), test.pod, test.cidr, test.port); got != test.want {
				t.Errorf("let in: %v, want %v", got, test.want)
			}
		})
	}
	policy := decoded[networkingv1.NetworkPolicy](t, exposed, "overlays/prod/digdag-guardrails/allow-cloud-sql.networkpolicy.yaml")
	if got := policy.Spec.PodSelector.MatchExpressions; len(got) != 1 || !slices.Equal(got[0].Values, []string{"digdag"}) {
		t.Errorf("the way to Cloud SQL is for %v", got)
	}
	for address, want := range map[string]bool{"10.20.0.5": true, "172.16.9.1": true, "192.168.3.4": true, "34.85.1.2": false} {
		if got := (target{ip: address, port: 3307, protocol: "TCP"}).reachable(t, []networkingv1.NetworkPolicy{policy}); got != want {
			t.Errorf("%s:3307 reached: %v, want %v", address, got, want)
		}
	}
}

// TestServiceRunsWhereItSays puts services on the pool that they name, and
// never on the one that workflows run on.
func TestServiceRunsWhereItSays(t *testing.T) {
	t.Parallel()
	_, out := serviceCase(t, "standard")
	pod := decoded[appsv1.Deployment](t, out, "overlays/prod/web/worker.deployment.yaml").Spec.Template.Spec
	if pod.NodeSelector["dedicated"] != "web" || len(pod.Tolerations) != 1 || pod.Tolerations[0].Key != "dedicated" {
		t.Errorf("selector %v, tolerations %v", pod.NodeSelector, pod.Tolerations)
	}
	_, out = serviceCase(t, "standard", edit{"          pool: ondemand\n", ""})
	pod = decoded[appsv1.Deployment](t, out, "overlays/prod/web/worker.deployment.yaml").Spec.Template.Spec
	if pod.NodeSelector != nil || pod.Tolerations != nil || pod.Affinity != nil {
		t.Errorf("a service without a pool: selector %v, tolerations %v, affinity %v", pod.NodeSelector, pod.Tolerations, pod.Affinity)
	}
	_, out = serviceCase(t, "autopilot") // which has spot: {}
	pod = decoded[appsv1.Deployment](t, out, "overlays/prod/digdag/digdag.deployment.yaml").Spec.Template.Spec
	if pod.NodeSelector != nil {
		t.Errorf("a service on Autopilot: selector %v", pod.NodeSelector)
	}
}

// TestServiceOrigins holds each line of a service to name the line that a human
// wrote.
func TestServiceOrigins(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/services/autopilot.txtar")
	if err != nil {
		t.Fatal(err)
	}
	e, given := withServices(t, archive)
	out := files(t, e)
	text := ""
	for _, f := range given {
		if f.Name == "environments/platform.yaml" {
			text = string(f.Data)
		}
	}
	for _, test := range []struct{ file, line, want string }{
		{"digdag.deployment.yaml", "containerPort: 65432", "port: 65432"},
		{"digdag.deployment.yaml", "failureThreshold: 144", "startupTimeout: 12m"},
		{"digdag.deployment.yaml", "- data-prod:asia-northeast1:digdag", "cloudSQL: {database: digdag"},
		{"digdag.deployment.yaml", "mountPath: /var/tmp", "writable: [/var/tmp]"},
		{"digdag.deployment.yaml", "sizeLimit: 5Gi", "ephemeral-storage: 5Gi"},
		{"digdag.poddisruptionbudget.yaml", "minAvailable: 1", "disruption: {minAvailable: 1}"},
		{"digdag.backendconfig.yaml", "name: office", "securityPolicy: office"},
		{"digdag.ingress.yaml", "host: digdag.example.com", "host: digdag.example.com"},
		{"digdag-etc-digdag.configmap.yaml", "retries: 3", "files: {/etc/digdag: config/digdag}"},
	} {
		f, _ := out.Get("overlays/prod/digdag/" + test.file)
		from := originOf(t, f, test.line)
		if !strings.Contains(lineOf(text, from.Start.Line), test.want) {
			t.Errorf("%s: %q comes from %s: %s", test.file, test.line, from, lineOf(text, from.Start.Line))
		}
	}
}
