package render

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"strake/generator/spec"
	"strake/generator/terraform"
	"strake/generator/tree"
)

// underneath is a platform whose both roots are rendered.
func underneath(change ...func(e *spec.Effective)) *spec.Effective {
	return platform(slices.Concat([]func(e *spec.Effective){func(e *spec.Effective) {
		e.Terraform = &spec.Terraform{Render: true, State: &spec.TerraformState{Bucket: "mlops-prod-tfstate"}}
		e.Cluster.Private = true
		e.Registries = []spec.Registry{{Name: "ml"}, {Name: "quay", Remote: "quay.io"}}
		e.Tenants = []spec.Tenant{{
			Name: "forecasting", Namespace: "forecasting",
			Data: spec.Data{
				Buckets:  []spec.DataBucket{{Name: "mlops-prod-data", DeleteAfter: "30d"}},
				Datasets: []spec.Dataset{{Name: "btcusd", Tables: []spec.Table{{Name: "ohlcv", Schema: "environments/ohlcv.json"}}}},
			},
			ServiceAccount: spec.ServiceAccount{
				Name: "workflow-runner", Roles: []string{"roles/bigquery.jobUser"},
				Buckets:  []spec.BucketGrant{{Name: "mlops-prod-data", Role: "roles/storage.objectUser"}},
				Datasets: []spec.DatasetGrant{{Name: "btcusd", Role: "roles/bigquery.dataEditor"}},
			},
		}}
		e.Files = []spec.File{{Path: "environments/ohlcv.json", Content: `[{"name": "open", "type": "NUMERIC"}]`}}
	}}, change)...)
}

// shapes are the kinds of layer that the code tells apart.
func shapes() map[string]*spec.Effective {
	return map[string]*spec.Effective{
		"whole": underneath(),
		"linked": underneath(func(e *spec.Effective) {
			e.Tenants[0].ServiceAccount.GoogleServiceAccount = "forecasting@mlops-prod.iam.gserviceaccount.com"
			e.Archive.PostgreSQL.User.IAM = "argo@mlops-prod.iam"
			e.Archive.PostgreSQL.GoogleServiceAccount = "argo@mlops-prod.iam.gserviceaccount.com"
			e.Databases = []spec.Database{{Name: "other", Engine: "POSTGRES_17", Tier: "db-perf-optimized-N-2", HighAvailability: true, Users: []spec.SQLUser{{IAM: "reader"}, {IAM: "x@elsewhere.iam.gserviceaccount.com"}}}}
		}),
		"autopilot": underneath(func(e *spec.Effective) {
			e.Cluster.Mode, e.Cluster.NodePools = "autopilot", nil
			e.Cluster.ControlPlane = spec.ControlPlane{DNSEndpoint: true, AuthorizedNetworks: []spec.AuthorizedNetwork{{Name: "vpn", CIDR: "203.0.113.7/32"}}}
			e.Cluster.Maintenance = &spec.Maintenance{Window: spec.MaintenanceWindow{Start: "23:30", Duration: "4h", Days: []string{"SU", "TU"}}}
		}),
		"existing": underneath(func(e *spec.Effective) {
			e.Cluster.Existing = true
			e.Network = &spec.Network{Existing: true, Name: "shared"}
			e.Terraform.State.Existing = true
			e.Artifacts.GCS.Existing = true
			e.Archive.PostgreSQL.Existing = true
			e.Secrets.GCPSecretManager.Existing = true
			e.Registries[0].Existing, e.Registries[1].Existing = true, true
			e.Tenants[0].Data.Buckets[0].Existing, e.Tenants[0].Data.Datasets[0].Existing = true, true
		}),
		"existing network": underneath(func(e *spec.Effective) {
			e.Network = &spec.Network{Existing: true, Name: "shared", Subnetwork: "nodes"}
		}),
		"persistent alone": underneath(func(e *spec.Effective) {
			e.Terraform.Render, e.Terraform.Persistent = false, &spec.TerraformRoot{Render: true}
		}),
		"ephemeral alone": underneath(func(e *spec.Effective) {
			e.Terraform.Render, e.Terraform.Ephemeral = false, &spec.TerraformRoot{Render: true}
		}),
		"ephemeral alone in an existing network": underneath(func(e *spec.Effective) {
			e.Terraform.Render, e.Terraform.Ephemeral = false, &spec.TerraformRoot{Render: true}
			e.Network = &spec.Network{Existing: true, Name: "shared"}
		}),
		"bare": underneath(func(e *spec.Effective) {
			e.Tenants, e.Archive, e.Artifacts, e.Secrets, e.Workflows, e.Registries = nil, nil, nil, nil, nil, nil
			e.Cluster.Private = false
		}),
		"pools": underneath(func(e *spec.Effective) {
			e.Lifecycle = "ephemeral"
			e.Cloud.ProjectNumber = "123456789012"
			e.Cluster.NodePools = append(e.Cluster.NodePools, spec.NodePool{
				Name: "gpu", MachineType: "g2-standard-12", Spot: true, Max: 2, GPU: &spec.GPU{Type: "nvidia-l4", Count: 1}, Dedicated: "training",
				Zones: []string{"asia-northeast1-a"}, DiskGb: 200, DiskType: "pd-ssd", Taints: []spec.Taint{{Key: "team", Value: "ml", Effect: "NoExecute"}, {Key: "x", Effect: "PreferNoSchedule"}},
			})
		}),
	}
}

// roots parses the rendered roots of an environment, by directory and file.
func roots(t *testing.T, out *tree.Tree) map[string]map[string]*hclsyntax.Body {
	t.Helper()
	parsed := map[string]map[string]*hclsyntax.Body{}
	for f := range out.All() {
		if path.Ext(f.Path) != ".tf" {
			continue
		}
		body, diags := hclsyntax.ParseConfig(f.Data, f.Path, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s: %v\n%s", f.Path, diags, f.Data)
		}
		if again := hclwrite.Format(f.Data); !bytes.Equal(again, f.Data) {
			t.Errorf("%s is not formatted (-written +formatted):\n%s", f.Path, cmp.Diff(string(f.Data), string(again)))
		}
		dir := path.Base(path.Dir(f.Path))
		if parsed[dir] == nil {
			parsed[dir] = map[string]*hclsyntax.Body{}
		}
		parsed[dir][path.Base(f.Path)] = body.Body.(*hclsyntax.Body)
	}
	return parsed
}

// judgeRoots holds what every root must hold to.
func judgeRoots(t *testing.T, parsed map[string]map[string]*hclsyntax.Body) {
	t.Helper()
	outputs := map[string]bool{}
	for _, body := range parsed["persistent"] {
		for _, b := range body.Blocks {
			if b.Type == "output" {
				outputs[b.Labels[0]] = true
			}
		}
	}
	for dir, files := range parsed {
		declared := map[string]bool{}
		for name, body := range files {
			for _, b := range body.Blocks {
				address := strings.Join(b.Labels, ".")
				if b.Type == "data" {
					address = "data." + address
				}
				if declared[b.Type+" "+address] && b.Type != "import" {
					t.Errorf("%s/%s: %s %s is declared twice", dir, name, b.Type, address)
				}
				declared[b.Type+" "+address], declared[address] = true, true
			}
		}
		for name, body := range files {
			for _, b := range body.Blocks {
				judgeBlock(t, path.Join(dir, name), b, declared, outputs)
			}
		}
	}
}

// judgeBlock checks that all attributes are known, that all references resolve,
// and that nothing is written that must never be.
func judgeBlock(t *testing.T, at string, b *hclsyntax.Block, declared, outputs map[string]bool) {
	t.Helper()
	walk(b.Body, "", func(p string, a *hclsyntax.Attribute) {
		if a == nil || path.Base(p) == "ignore_changes" || strings.HasSuffix(p, ".ignore_changes") {
			return
		}
		for _, v := range a.Expr.Variables() {
			r := reference(v)
			switch {
			case strings.HasPrefix(r, "data.terraform_remote_state.persistent.outputs."):
				if !declared["data.terraform_remote_state.persistent"] || !outputs[strings.Split(r, ".")[4]] {
					t.Errorf("%s: %s.%s reads %s, which nothing exports", at, strings.Join(b.Labels, "."), p, r)
				}
			case !declared[strings.Join(strings.Split(r, ".")[:min(2, strings.Count(r, ".")+1)], ".")] && !declared[strings.Join(strings.Split(r, ".")[:min(3, strings.Count(r, ".")+1)], ".")]:
				t.Errorf("%s: %s.%s refers to %s, which is not declared", at, strings.Join(b.Labels, "."), p, r)
			}
		}
	})
	if b.Type != "resource" && b.Type != "data" || b.Labels[0] == "terraform_remote_state" {
		return
	}
	kind := b.Labels[0]
	if b.Type == "data" {
		kind = "data." + kind
	}
	known, ok := terraform.Known(kind)
	if !ok {
		t.Errorf("%s: %s is not in the table of what may be written", at, kind)
		return
	}
	walk(b.Body, "", func(p string, _ *hclsyntax.Attribute) {
		if !known.Has(p) {
			t.Errorf("%s: %s has %s, which is not in the table", at, kind, p)
		}
	})
	stateful := []string{"google_storage_bucket", "google_bigquery_dataset", "google_bigquery_table", "google_sql_database_instance", "google_sql_database", "google_secret_manager_secret", "google_artifact_registry_repository", "google_service_account", "google_compute_network"}
	if b.Type == "resource" && slices.Contains(stateful, kind) {
		protected := slices.ContainsFunc(b.Body.Blocks, func(in *hclsyntax.Block) bool {
			return in.Type == "lifecycle" && in.Body.Attributes["prevent_destroy"] != nil
		})
		if !protected || !strings.HasPrefix(at, "persistent/") {
			t.Errorf("%s: %s could be destroyed", at, strings.Join(b.Labels, "."))
		}
	}
}

func reference(v hcl.Traversal) string {
	var parts []string
	for _, step := range v {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			parts = append(parts, s.Name)
		case hcl.TraverseAttr:
			parts = append(parts, s.Name)
		}
	}
	return strings.Join(parts, ".")
}

func walk(body *hclsyntax.Body, under string, do func(p string, a *hclsyntax.Attribute)) {
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		do(under+name, body.Attributes[name])
	}
	for _, b := range body.Blocks {
		do(under+b.Type, nil)
		walk(b.Body, under+b.Type+".", do)
	}
}

func TestRoots(t *testing.T) {
	t.Parallel()
	for name, e := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := Environment(e)
			if err != nil {
				t.Fatal(err)
			}
			judgeRoots(t, roots(t, out))
		})
	}
}

// The committed roots are what 'terraform fmt -check' accepts as far as it can
// be had here, every reference in them resolves, and none of them has an
// attribute that nobody looked up.
func TestCommittedRoots(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"dev", "staging", "prod"} {
		committed := tree.New()
		files, err := filepath.Glob(filepath.Join("..", "..", "environments", env, "*", "*.tf"))
		if err != nil || len(files) < 10 {
			t.Fatalf("%s has %d files of Terraform: %v", env, len(files), err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			committed.Put(tree.File{Path: filepath.ToSlash(strings.TrimPrefix(f, filepath.Join("..", ".."))), Data: data})
		}
		judgeRoots(t, roots(t, committed))
	}
}

// root text of one file, for tests of what is in it.
func rootFile(t *testing.T, e *spec.Effective, root, name string) string {
	t.Helper()
	out, err := Environment(e)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := out.Get(fmt.Sprintf("environments/%s/%s/%s", e.Environment, root, name))
	return string(f.Data)
}

func TestNoPersistentRootNeedsTheEphemeral(t *testing.T) {
	t.Parallel()
	for name, e := range shapes() {
		out, err := Environment(e)
		if err != nil {
			t.Fatal(err)
		}
		for f := range out.All() {
			if strings.Contains(f.Path, "/persistent/") && (bytes.Contains(f.Data, []byte("terraform_remote_state")) || bytes.Contains(f.Data, []byte("google_container_"))) {
				t.Errorf("%s: %s depends on the ephemeral root", name, f.Path)
			}
		}
	}
}

func TestExistingIsNeverCreated(t *testing.T) {
	t.Parallel()
	parsed := roots(t, func() *tree.Tree { out, _ := Environment(shapes()["existing"]); return out }())
	for dir, files := range parsed {
		for name, body := range files {
			for _, b := range body.Blocks {
				if b.Type == "resource" && !strings.HasSuffix(b.Labels[0], "_iam_member") {
					t.Errorf("%s/%s creates %s", dir, name, strings.Join(b.Labels, "."))
				}
			}
		}
	}
	iam := rootFile(t, shapes()["existing"], "ephemeral", "iam.tf")
	for _, want := range []string{`"mlops-prod-artifacts"`, `"btcusd"`, "roles/secretmanager.secretAccessor", "roles/cloudsql.client"} {
		if !strings.Contains(iam, want) {
			t.Errorf("nothing is granted on %s:\n%s", want, iam)
		}
	}
}
