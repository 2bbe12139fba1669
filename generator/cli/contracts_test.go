package cli

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"strake/generator/build"
	"strake/generator/check"
	"strake/generator/check/contracts"
	"strake/generator/diag"
	"strake/generator/terraform"
)

// memory is one environment of the reference platform, in memory: nothing that
// a test changes is written.
type memory struct {
	env      string
	files    fstest.MapFS
	spec     map[string]any
	overlays map[string]check.Overlay
}

// inMemory reads an environment of the reference platform.
func inMemory(t *testing.T, env string) *memory {
	t.Helper()
	dir := reference(t)
	m := &memory{env: env, files: fstest.MapFS{}, overlays: map[string]check.Overlay{}}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		m.files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, p := loaded(t, dir)
	e, ok := p.environment(env)
	if !ok {
		t.Fatalf("no environment %s", env)
	}
	m.spec = e.JSON()
	dirs, err := fs.Glob(m.files, "overlays/"+env+"/*/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range dirs {
		dirs[i] = path.Dir(dirs[i])
	}
	m.build(t, dirs...)
	return m
}

// build builds overlays.
func (m *memory) build(t *testing.T, dirs ...string) {
	t.Helper()
	built, err := build.Overlays(t.Context(), m.files, dirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range built {
		if o.Findings.AtLeast(diag.Error) {
			t.Fatalf("%s does not build: %v", o.Dir, o.Findings)
		}
		m.overlays[o.Dir] = check.Overlay{Dir: o.Dir, App: path.Base(o.Dir), Objects: o.Objects}
	}
}

// changed is the environment with one text replaced in one file, the first after
// an anchor, and all the rest shared.
func (m *memory) changed(t *testing.T, file, anchor, before, after string) *memory {
	t.Helper()
	have, ok := m.files[file]
	if !ok {
		t.Fatalf("there is no %s", file)
	}
	head, rest, found := strings.Cut(string(have.Data), anchor)
	if !found || !strings.Contains(rest, before) {
		t.Fatalf("%s has no %q after %q", file, before, anchor)
	}
	out := &memory{env: m.env, files: maps.Clone(m.files), spec: m.spec, overlays: maps.Clone(m.overlays)}
	out.files[file] = &fstest.MapFile{Data: []byte(head + anchor + strings.Replace(rest, before, after, 1))}
	if in, is := strings.CutPrefix(file, "overlays/"+m.env+"/"); is {
		app, _, _ := strings.Cut(in, "/")
		out.build(t, "overlays/"+m.env+"/"+app)
	}
	return out
}

// line is the text of the line that a place begins at.
func (m *memory) line(at diag.Range) string {
	file, ok := m.files[at.Path]
	lines := strings.Split(string(file.Data), "\n")
	if !ok || at.Start.Line < 1 || at.Start.Line > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[at.Start.Line-1])
}

// contracts judges the environment, and returns what the reader found too.
func (m *memory) contracts(t *testing.T) diag.List {
	t.Helper()
	in := check.Input{Environment: m.env, Spec: m.spec}
	in.Rendered = func(file string) bool { return strings.HasPrefix(string(m.files[file].Data), "# Rendered by Strake") }
	var found diag.List
	outputs := map[string]terraform.Value{}
	for _, name := range []string{"persistent", "ephemeral"} {
		root, own := terraform.Read(m.files, "environments/"+m.env+"/"+name, terraform.Options{
			State: func(string, terraform.Value) (map[string]terraform.Value, bool) { return outputs, name == "ephemeral" },
		})
		found = append(found, own...)
		if in.Terraform = append(in.Terraform, root); name == "persistent" {
			for _, o := range root.Outputs {
				outputs[o.Name] = o.Value
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(m.overlays)) {
		in.Overlays = append(in.Overlays, m.overlays[dir])
	}
	own, _, err := check.Environment(t.Context(), in, []check.Check{contracts.New()})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(append(found, own...), func(d diag.Diagnostic) bool { return d.Rule == "api-unknown-kind" })
}

// TestReferenceKeepsItsContracts: both layers of the reference platform say the
// same, and everything that is joined is known.
func TestReferenceKeepsItsContracts(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"dev", "staging", "prod"} {
		for _, d := range inMemory(t, env).contracts(t) {
			t.Errorf("%s: %s: %s: %s [%s]", env, d.Range, d.Severity, d.Summary, d.Rule)
		}
	}
}

// oneSided are facts that stand in two places, each changed in one of them. at
// and other are what the lines of the finding begin with: "FILE: TEXT".
type oneSided struct {
	name, file, anchor, before, after string
	rule, at, other                   string
}

func facts() []oneSided {
	const (
		eph, per   = "environments/prod/ephemeral/", "environments/prod/persistent/"
		argo       = "overlays/prod/argo-workflows/"
		team       = "overlays/prod/forecasting/"
		guard      = "overlays/prod/forecasting-guardrails/"
		vision     = "overlays/prod/vision/"
		template   = team + "chart-movement.workflowtemplate.yaml"
		detector   = vision + "train-detector.workflowtemplate.yaml"
		member     = eph + "iam.tf: member"
		controller = argo + "patches/workflow-controller.deployment.yaml"
	)
	return []oneSided{
		{"taint value", eph + "node_pools.tf", `"google_container_node_pool" "spot"`, `value  = "true"`, `value  = "yes"`, "pool-taint-untolerated", "overlays/prod/", eph + `node_pools.tf: value  = "yes"`},
		{"taint key", eph + "node_pools.tf", `"google_container_node_pool" "gpu"`, `key    = "cloud.google.com/gke-spot"`, `key    = "spot"`, "pool-taint-untolerated", detector, eph + "node_pools.tf: "},
		{"toleration", template, "- name: train-model", "value: \"true\"\n      effect", "value: \"yes\"\n      effect", "pool-taint-untolerated", template, eph + "node_pools.tf: "},
		{"name of a pool", eph + "node_pools.tf", "", `name               = "system"`, `name               = "platform"`, "pool-selector-unmatched", "overlays/prod/argo-workflows/patches/", eph + "node_pools.tf: name"},
		{"label of a pool", eph + "node_pools.tf", "", `pool = "ondemand"`, `pool = "on-demand"`, "pool-selector-unmatched", template, eph + `node_pools.tf: pool = "on-demand"`},
		{"accelerator", eph + "node_pools.tf", "", `"nvidia-l4"`, `"nvidia-t4"`, "pool-selector-unmatched", detector, eph + "node_pools.tf: type"},
		{"selector", argo + "patches/argo-server.deployment.yaml", "", "cloud.google.com/gke-nodepool: system", "cloud.google.com/gke-nodepool: systems", "pool-selector-unmatched", argo + "patches/argo-server.deployment.yaml: cloud.google.com/gke-nodepool", eph + "node_pools.tf: name"},
		{"GKE_METADATA missing", eph + "node_pools.tf", `"google_container_node_pool" "gpu"`, "    workload_metadata_config {\n      mode = \"GKE_METADATA\"\n    }\n", "", "node-metadata-mode", eph + "node_pools.tf: node_config", eph + "cluster.tf: workload_pool"},
		{"pool of identities", eph + "cluster.tf", "", `"mlops-prod.svc.id.goog"`, `"mlops-dev.svc.id.goog"`, "workload-identity-pool", eph + "iam.tf: member", eph + "cluster.tf: workload_pool"},
		{"name of the cluster", eph + "cluster.tf", "", `"mlops-prod"`, `"mlops-production"`, "secret-store-cluster", "overlays/prod/", eph + "cluster.tf: name"},
		{"place of the cluster", guard + "gcp-secret-manager.secretstore.yaml", "", "clusterLocation: asia-northeast1", "clusterLocation: asia-northeast2", "secret-store-cluster", guard + "gcp-secret-manager.secretstore.yaml: clusterLocation", eph + "cluster.tf: location"},
		{"range of the control plane", eph + "cluster.tf", "", `"172.16.0.0/28"`, `"172.16.8.0/28"`, "control-plane-egress", "overlays/prod/", eph + "cluster.tf: master_ipv4_cidr_block"},
		{"range in a NetworkPolicy", guard + "allow-api-server.networkpolicy.yaml", "", "172.16.0.0/28", "172.16.0.16/28", "control-plane-egress", guard + "allow-api-server.networkpolicy.yaml: cidr", eph + "cluster.tf: master_ipv4_cidr_block"},
		{"dataplane", eph + "cluster.tf", "", `"ADVANCED_DATAPATH"`, `"LEGACY_DATAPATH"`, "network-policy-unenforced", "", eph + "cluster.tf: datapath_provider"},
		{"NAT", eph + "network.tf", `"google_compute_router_nat" "main" {`, "\n", "\n  count = 0\n", "registry-without-nat", "", eph + "cluster.tf: enable_private_nodes"},
		{"namespace in a principal", eph + "iam.tf", `"forecasting_workflow_runner_mlops_prod_artifacts`, "ns/forecasting/", "ns/forecastin/", "workload-identity-no-service-account", member, "base/"},
		{"name in a principal", eph + "iam.tf", `"argo_argo_server_mlops_prod_artifacts`, "sa/argo-server", "sa/server", "workload-identity-no-service-account", member, "base/"},
		{"namespace in a member", eph + "iam.tf", "", "[ml-vision/workflow-runner]", "[vision/workflow-runner]", "workload-identity-no-service-account", member, "base/"},
		{"link of a ServiceAccount", "overlays/prod/vision-guardrails/patches/workflow-runner.serviceaccount.yaml", "", "vision-runner@", "vision-runers@", "workload-identity-account", "overlays/prod/vision-guardrails/patches/workflow-runner.serviceaccount.yaml: iam.gke.io", per + "accounts.tf: "},
		{"account", per + "accounts.tf", "", `"vision-runner"`, `"vision"`, "workload-identity-account", "overlays/prod/vision-guardrails/", per + "accounts.tf: "},
		{"bucket", per + "storage.tf", "", `"mlops-prod-artifacts"`, `"mlops-prod-artefacts"`, "artifact-bucket-missing", "", per + "storage.tf: name"},
		{"bucket of a repository", guard + "artifact-repositories.configmap.yaml", "", "mlops-prod-artifacts", "mlops-prod-artifact", "artifact-bucket-missing", guard + "artifact-repositories.configmap.yaml: bucket", per + "storage.tf: name"},
		{"role on the bucket", eph + "iam.tf", `"forecasting_workflow_runner_mlops_prod_artifacts`, "roles/storage.objectUser", "roles/storage.objectViewer", "artifact-bucket-access", guard + "artifact-repositories.configmap.yaml: bucket", eph + "iam.tf: role"},
		{"bucket of a right", eph + "iam.tf", `"forecasting_workflow_runner_mlops_prod_artifacts`, "mlops-prod-artifacts", "mlops-dev-artifacts", "artifact-bucket-access", guard + "artifact-repositories.configmap.yaml: bucket", eph + "iam.tf: bucket"},
		{"instance", per + "sql.tf", "", `"argo-archive"`, `"workflow-archive"`, "sql-instance-missing", argo, per + "sql.tf: name"},
		{"instance of the proxy", controller, "", "mlops-prod:asia-northeast1:argo-archive", "mlops-prod:asia-northeast1:archive", "sql-instance-missing", controller + ": - mlops-prod:", per + "sql.tf: name"},
		{"database", per + "sql.tf", `"google_sql_database" "argo_archive_argo"`, `"argo"`, `"workflows"`, "archive-database-missing", "", per + "sql.tf: name"},
		{"role on the instance", eph + "iam.tf", `"argo_argo_cloudsql_client"`, "roles/cloudsql.client", "roles/cloudsql.viewer", "sql-access-missing", controller, eph + "iam.tf: role"},
		{"secret", per + "secrets.tf", `"forecasting_exchange_prod"`, `"forecasting-exchange-prod"`, `"exchange-prod"`, "secret-missing", team + "app-secrets.externalsecret.yaml: key", per + "secrets.tf: secret_id"},
		{"key of a secret", argo + "argo-archive-db.externalsecret.yaml", "", "key: argo-archive-password", "key: argo-archive-pass", "secret-missing", argo + "argo-archive-db.externalsecret.yaml: key", per + "secrets.tf: secret_id"},
		{"role on a secret", eph + "iam.tf", `"forecasting_external_secrets_forecasting_exchange`, "secretmanager.secretAccessor\"", "secretmanager.viewer\"", "secret-access-missing", team + "app-secrets.externalsecret.yaml: key", eph + "iam.tf: role"},
		{"secret of a right", eph + "iam.tf", `"forecasting_external_secrets_forecasting_exchange`, `"forecasting-exchange-prod"`, `"forecasting-exchange-dev"`, "secret-access-missing", team + "app-secrets.externalsecret.yaml: key", eph + "iam.tf: secret_id"},
		{"state prefix", per + "versions.tf", "", `"mlops/prod/persistent"`, `"mlops/prod/lasting"`, "remote-state-mismatch", eph + "data.tf: prefix", per + "versions.tf: prefix"},
		{"state bucket", eph + "data.tf", "", `"mlops-prod-tfstate"`, `"mlops-tfstate"`, "remote-state-mismatch", eph + "data.tf: bucket", per + "versions.tf: "},
		{"the same prefix", eph + "versions.tf", "", `"mlops/prod/ephemeral"`, `"mlops/prod/persistent"`, "state-prefix-shared", "environments/prod/", "environments/prod/"},
		{"output", per + "outputs.tf", "", `output "node_service_account"`, `output "nodes"`, "remote-state-output", eph, per + `outputs.tf: output "`},
		{"output that is read", eph + "cluster.tf", "", "outputs.network", "outputs.networks", "remote-state-output", eph + "cluster.tf: network", per + `outputs.tf: output "network"`},
		{"role of the nodes", per + "iam.tf", "", "roles/container.defaultNodeServiceAccount", "roles/container.viewer", "node-service-account-roles", eph + "node_pools.tf: service_account", per + `accounts.tf: resource "google_service_account"`},
	}
}

// TestOneSidedChanges changes each fact of the reference platform that stands in
// two layers in one of them: the matching rule finds it, no other does, and the
// finding shows both lines.
func TestOneSidedChanges(t *testing.T) {
	t.Parallel()
	if n := len(facts()); n < 25 {
		t.Fatalf("only %d facts", n)
	}
	m := inMemory(t, "prod")
	for _, f := range facts() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			changed := m.changed(t, f.file, f.anchor, f.before, f.after)
			found := changed.contracts(t)
			if len(found) == 0 {
				t.Fatal("nothing is found")
			}
			begins := func(at diag.Range, want string) bool {
				return strings.HasPrefix(at.Path+": "+changed.line(at), want)
			}
			both := false
			for _, d := range found {
				if d.Rule != f.rule {
					t.Errorf("also found: %s: %s [%s]", d.Range, d.Summary, d.Rule)
				}
				if len(d.Related) == 0 {
					t.Errorf("%s: one side only", d.Range)
					continue
				}
				other := d.Related[0].Range
				both = both || d.Rule == f.rule && begins(d.Range, f.at) && begins(other, f.other)
			}
			if !both {
				for _, d := range found {
					other := d.Related[0].Range
					t.Errorf("%s: %s\n  at    %s: %s\n  other %s: %s\n  want  %s\n  and   %s", d.Rule, d.Summary, d.Range.Path, changed.line(d.Range), other.Path, changed.line(other), f.at, f.other)
				}
			}
		})
	}
}
