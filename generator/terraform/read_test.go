package terraform_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// files splits a text at lines "-- NAME --", as txtar does; what stands before
// the first is main.tf.
func files(text string) fstest.MapFS {
	out := fstest.MapFS{}
	name := "main.tf"
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out[name] = &fstest.MapFile{Data: []byte(b.String())}
		}
		b.Reset()
	}
	for line := range strings.Lines(text) {
		if next, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok {
			flush()
			name = strings.TrimSuffix(next, " --")
			continue
		}
		b.WriteString(line)
	}
	flush()
	return out
}

func read(t *testing.T, text string) (*terraform.Root, diag.List) {
	t.Helper()
	return terraform.Read(files(text), ".", terraform.Options{})
}

func clean(t *testing.T, text string) *terraform.Root {
	t.Helper()
	root, found := read(t, text)
	for _, d := range found {
		if d.Severity > diag.Info {
			t.Errorf("%s: %s [%s]", d.Range, d.Summary, d.Rule)
		}
	}
	return root
}

// show writes findings as lines.
func show(found diag.List) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n", d.Range, d.Severity, d.Summary, d.Rule)
		if strings.HasPrefix(d.Detail, "Did you mean") {
			fmt.Fprintf(&b, "  %s\n", d.Detail)
		}
	}
	return b.String()
}

// shown is a value as a test compares it.
func shown(v terraform.Value) string {
	switch v.Kind() {
	case terraform.Unknown:
		if parts := v.Parts(); len(parts) > 0 {
			return "unknown " + fmt.Sprintf("%q", parts)
		}
		return "unknown: " + v.Reason()
	case terraform.List:
		items, _ := v.List()
		var out []string
		for _, i := range items {
			out = append(out, shown(i))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case terraform.Map:
		fields, _ := v.Map()
		var out []string
		for _, k := range v.Keys() {
			out = append(out, k+"="+shown(fields[k]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	default:
		return v.Display()
	}
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	const declarations = `
variable "region" { default = "asia-northeast1" }
variable "project" { type = string }
variable "pools" {
  type = list(object({ name = string, spot = optional(bool, false) }))
  default = [{ name = "system" }, { name = "spot", spot = "true" }]
}
variable "on" { type = bool }
locals {
  prefix = "${local.stage}-${var.region}"
  stage  = "dev"
  labels = { team = "ml", stage = local.stage }
}
provider "google" { project = "mlops-dev" }
resource "google_storage_bucket" "data" {
  name     = "data-${var.region}"
  location = "US"
  versioning { enabled = true }
  labels   = local.labels
}
resource "google_storage_bucket" "many" {
  for_each = toset(["a", "b"])
  name     = "many-${each.key}"
}
resource "google_storage_bucket" "counted" {
  count = 2
  name  = "counted-${count.index}"
}
resource "google_storage_bucket" "maybe" {
  count = var.on ? 1 : 0
  name  = "maybe"
}
resource "google_service_account" "runner" { account_id = "runner" }
resource "google_service_account" "foreign" {
  account_id = "runner"
  project    = var.project
}
resource "google_container_cluster" "auto" {
  name             = "auto"
  location         = "asia-northeast1"
  enable_autopilot = true
}
data "google_project" "this" {}
`
	tests := []struct{ expression, want string }{
		{`"a"`, `"a"`},
		{`1 + 2 * 3`, `7`},
		{`"n-${1}-${true}"`, `"n-1-true"`},
		{`local.prefix`, `"dev-asia-northeast1"`},
		{`local.labels.team`, `"ml"`},
		{`local.labels["stage"]`, `"dev"`},
		{`local.labels.none`, `unknown: there is no attribute named none`},
		{`var.project`, `unknown: variable "project" has no default and no value in a tfvars file`},
		{`"${var.project}-data"`, `unknown ["" "-data"]`},
		{`"serviceAccount:${var.project}.svc.id.goog[argo/${local.stage}]"`, `unknown ["serviceAccount:" ".svc.id.goog[argo/dev]"]`},
		{`format("%s.svc.id.goog[%s/%s]", var.project, "argo", "runner")`, `unknown ["" ".svc.id.goog[argo/runner]"]`},
		{`upper("${var.project}-data")`, `unknown: variable "project" has no default and no value in a tfvars file`},
		{`[1, var.project, "x"]`, `[1, unknown: variable "project" has no default and no value in a tfvars file, "x"]`},
		{`{ a = var.project, b = 1 }`, `{a=unknown: variable "project" has no default and no value in a tfvars file, b=1}`},
		{`merge({ a = var.project }, { b = 1 }).b`, `1`},
		{`var.on ? "a" : "b"`, `unknown: variable "on" has no default and no value in a tfvars file`},
		{`var.on ? "a" : "a"`, `"a"`},
		{`var.on && false`, `false`},
		{`var.on || true`, `true`},
		{`!var.on`, `unknown: variable "on" has no default and no value in a tfvars file`},
		{`google_storage_bucket.data.name`, `"data-asia-northeast1"`},
		{`google_storage_bucket.data.url`, `"gs://data-asia-northeast1"`},
		{`google_storage_bucket.data.versioning[0].enabled`, `true`},
		{`google_storage_bucket.data.labels["team"]`, `"ml"`},
		{`google_storage_bucket.data.storage_class`, `unknown: storage_class of google_storage_bucket.data is set by the provider`},
		{`google_storage_bucket.data.location == "US"`, `true`},
		{`google_storage_bucket.many["a"].name`, `"many-a"`},
		{`[for k, b in google_storage_bucket.many : "${k}:${b.name}"]`, `["a:many-a", "b:many-b"]`},
		{`{ for b in google_storage_bucket.many : b.name => true if b.name != "many-a" }`, `{many-b=true}`},
		{`google_storage_bucket.counted[*].name`, `["counted-0", "counted-1"]`},
		{`google_storage_bucket.counted[1].name`, `"counted-1"`},
		{`google_storage_bucket.maybe[0].name`, `"maybe"`},
		{`google_storage_bucket.maybe[*].name`, `unknown: count is not known: variable "on" has no default and no value in a tfvars file`},
		{`google_service_account.runner.email`, `"runner@mlops-dev.iam.gserviceaccount.com"`},
		{`google_service_account.runner.member`, `"serviceAccount:runner@mlops-dev.iam.gserviceaccount.com"`},
		{`google_service_account.runner.name`, `"projects/mlops-dev/serviceAccounts/runner@mlops-dev.iam.gserviceaccount.com"`},
		{`google_service_account.runner.unique_id`, `unknown: unique_id of google_service_account.runner is set by the provider`},
		{`google_service_account.foreign.email`, `unknown ["runner@" ".iam.gserviceaccount.com"]`},
		{`google_container_cluster.auto.id`, `"projects/mlops-dev/locations/asia-northeast1/clusters/auto"`},
		{`google_container_cluster.auto.workload_identity_config[0].workload_pool`, `"mlops-dev.svc.id.goog"`},
		{`data.google_project.this.project_id`, `"mlops-dev"`},
		{`data.google_project.this.number`, `unknown: number of data.google_project.this is read when Terraform runs`},
		{`var.pools[1].spot`, `true`},
		{`[for p in var.pools : p.name if !p.spot]`, `["system"]`},
		{`var.pools[*].name`, `["system", "spot"]`},
		{`path.module`, `"."`},
		{`terraform.workspace`, `unknown: the workspace is chosen when Terraform runs`},
		{`try(local.labels.none, "fallback")`, `"fallback"`},
		{`try(var.project, "fallback")`, `unknown: variable "project" has no default and no value in a tfvars file`},
		{`can(local.labels.none)`, `false`},
		{`lookup(local.labels, "x", "y")`, `"y"`},
		{`coalesce("", null, "z")`, `"z"`},
		{`toset(["b", "a", "a"])`, `["a", "b"]`},
		{`jsonencode({ a = [1, true] })`, `"{\"a\":[1,true]}"`},
		{`jsonencode({ a = var.project })`, `unknown: variable "project" has no default and no value in a tfvars file`},
		{`yamldecode("a: [1, x]").a[1]`, `"x"`},
		{`cidrsubnet("10.0.0.0/16", 4, 2)`, `"10.0.32.0/20"`},
		{`cidrhost("10.0.0.0/16", -2)`, `"10.0.255.254"`},
		{`cidrnetmask("172.16.0.0/12")`, `"255.240.0.0"`},
		{`cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)`, `["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/24", "10.1.48.0/20"]`},
		{`one([])`, `null`},
		{`length(google_storage_bucket.many)`, `2`},
		{`element(["a", "b"], 3)`, `"b"`},
		{`replace("a.b", ".", "-")`, `"a-b"`},
		{`replace("abc", "/[ab]/", "x")`, `"xxc"`},
		{`timestamp()`, `unknown: timestamp() is known only when Terraform runs`},
		{`sensitive("canary")`, `(sensitive)`},
		{`"%{ if true }yes%{ else }no%{ endif }"`, `"yes"`},
		{`"%{ for x in ["a", "b"] }${x},%{ endfor }"`, `"a,b,"`},
		{`concat(["a"], [["b"], ["c"]]...)`, `["a", "b", "c"]`},
	}
	for _, test := range tests {
		t.Run(test.expression, func(t *testing.T) {
			t.Parallel()
			root := clean(t, declarations+"\noutput \"it\" {\n  value = "+test.expression+"\n}\n")
			o, ok := root.Output("it")
			if !ok {
				t.Fatal("no output")
			}
			if got := shown(o.Value); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	_, found := read(t, `variable "region" {}
locals {
  a = local.b
  b = "x${local.a}"
}
resource "google_storage_bucket" "data" {
  name     = var.regoin
  location = local.reigon
  labels   = { x = google_storage_bucket.dat.name, y = data.google_project.p.number }
  storage_class = module.net.nam
  project  = module.none.x
  website { main_page_suffix = each.key }
  lifecycle { ignore_changes = [labels, node_config[0].taint] }
  depends_on = [google_storage_bucket.other]
}
module "net" { source = "./net" }
output "x" { value = uper("a") }
output "y" { value = path.modul }
output "z" { value = standard }
-- net/main.tf --
output "name" { value = "n" }
`)
	const want = `main.tf:4:11: error: local.a refers to itself [terraform-cycle]
main.tf:7:14: error: var.regoin is not declared [terraform-reference]
  Did you mean var.region?
main.tf:8:14: error: local.reigon is not declared [terraform-reference]
main.tf:9:20: error: google_storage_bucket.dat is not declared [terraform-reference]
  Did you mean google_storage_bucket.data?
main.tf:9:56: error: data.google_project.p is not declared [terraform-reference]
main.tf:10:19: error: module.net has no output "nam" [terraform-reference]
  Did you mean name?
main.tf:11:14: error: module.none is not declared [terraform-reference]
main.tf:12:32: error: each is used where no for_each is [terraform-reference]
main.tf:14:17: error: google_storage_bucket.other is not declared [terraform-reference]
main.tf:17:22: error: there is no function uper() [terraform-reference]
  Did you mean upper()?
main.tf:18:22: error: there is no path.modul [terraform-reference]
main.tf:19:22: error: standard is no whole reference [terraform-reference]
`
	if d := cmp.Diff(want, show(found)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestStateOfAnotherRoot(t *testing.T) {
	t.Parallel()
	fsys := files(`
-- dev/persistent/main.tf --
terraform {
  backend "gcs" {
    bucket = "state"
    prefix = "dev/persistent"
  }
}
variable "secret" {
  default   = "canary"
  sensitive = true
}
provider "google" { project = "mlops-dev" }
resource "google_service_account" "runner" { account_id = "runner" }
output "runner" { value = google_service_account.runner.name }
output "secret" {
  value     = var.secret
  sensitive = true
}
-- dev/ephemeral/main.tf --
data "terraform_remote_state" "persistent" {
  backend = "gcs"
  config  = { bucket = "state", prefix = "dev/persistent" }
}
data "terraform_remote_state" "other" {
  backend = "gcs"
  config  = { bucket = "state", prefix = "prod/persistent" }
}
output "runner" { value = data.terraform_remote_state.persistent.outputs.runner }
output "secret" { value = data.terraform_remote_state.persistent.outputs["secret"] }
output "other" { value = data.terraform_remote_state.other.outputs.runner }
output "none" { value = data.terraform_remote_state.persistent.outputs.runer }
`)
	roots, found := terraform.ReadAll(fsys, []string{"dev/ephemeral", "dev/persistent"}, terraform.Options{})
	if len(found) > 0 {
		t.Error(show(found))
	}
	for name, want := range map[string]string{
		"runner": `"projects/mlops-dev/serviceAccounts/runner@mlops-dev.iam.gserviceaccount.com"`,
		"secret": "(sensitive)",
		"other":  "unknown: outputs of data.terraform_remote_state.other is read when Terraform runs",
		"none":   "unknown: there is no attribute named runer",
	} {
		o, _ := roots[0].Output(name)
		if got := shown(o.Value); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestOverrides follows Terraform's rules for override files
// (https://developer.hashicorp.com/terraform/language/files/override): arguments
// replace, blocks of a kind replace all of that kind, and only a default
// provider may be overridden where there is none.
func TestOverrides(t *testing.T) {
	t.Parallel()
	root, found := read(t, `
-- main.tf --
terraform { required_version = ">= 1.9" }
variable "class" { default = "STANDARD" }
resource "google_storage_bucket" "a" {
  name          = "a"
  storage_class = var.class
  lifecycle_rule {
    condition { age = 1 }
    action { type = "Delete" }
  }
  lifecycle_rule {
    condition { age = 2 }
    action { type = "Delete" }
  }
}
-- a_override.tf --
variable "class" { default = "NEARLINE" }
resource "google_storage_bucket" "a" {
  location = "ASIA-NORTHEAST1"
  lifecycle_rule {
    condition { age = 3 }
    action { type = "Delete" }
  }
}
-- b_override.tf --
provider "google" { project = "mlops-dev" }
provider "google" {
  alias   = "other"
  project = "mlops-prod"
}
resource "google_storage_bucket" "b" { name = "b" }
`)
	bucket := root.Find("google_storage_bucket.a")
	for path, want := range map[string]string{"name": "a", "location": "ASIA-NORTHEAST1", "storage_class": "NEARLINE"} {
		if got, ok := bucket.Get(path).Str(); !ok || got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if rules := bucket.Blocks("lifecycle_rule"); len(rules) != 1 {
		t.Errorf("%d rules, want the override's", len(rules))
	}
	if len(root.Providers) != 1 {
		t.Errorf("%d providers, want the default one", len(root.Providers))
	}
	var at []string
	for _, d := range found {
		if d.Rule == "terraform-override" {
			at = append(at, d.Range.String())
		}
	}
	if diff := cmp.Diff([]string{"b_override.tf:2:1", "b_override.tf:6:1"}, at); diff != "" {
		t.Error(diff, show(found))
	}
}

// TestVariableFiles follows the order in which Terraform takes values
// (https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence).
func TestVariableFiles(t *testing.T) {
	t.Parallel()
	root := clean(t, `
-- main.tf --
terraform { required_version = ">= 1.9" }
variable "a" { default = "default" }
variable "b" { default = "default" }
variable "c" { default = "default" }
variable "d" { default = "default" }
output "a" { value = var.a }
output "b" { value = var.b }
output "c" { value = var.c }
output "d" { value = var.d }
-- terraform.tfvars --
b = "tfvars"
c = "tfvars"
d = "tfvars"
-- a.auto.tfvars --
c = "first"
d = "first"
-- b.auto.tfvars --
d = "last"
-- named.tfvars --
a = "never"
`)
	for name, want := range map[string]string{"a": "default", "b": "tfvars", "c": "first", "d": "last"} {
		output, ok := root.Output(name)
		if !ok {
			t.Fatalf("no output %s", name)
		}
		if got, _ := output.Value.Str(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
