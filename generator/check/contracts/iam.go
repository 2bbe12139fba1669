package contracts

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// broadRoles are roles that are given on one thing, never on a project: there
// they reach every bucket, dataset and secret that it has.
func broadRoles() map[string]string {
	return map[string]string{
		"roles/owner":                          "the resources that are meant",
		"roles/editor":                         "the resources that are meant",
		"roles/bigquery.dataEditor":            "google_bigquery_dataset_iam_member",
		"roles/bigquery.dataOwner":             "google_bigquery_dataset_iam_member",
		"roles/bigquery.admin":                 "google_bigquery_dataset_iam_member",
		"roles/storage.admin":                  "google_storage_bucket_iam_member",
		"roles/storage.objectAdmin":            "google_storage_bucket_iam_member",
		"roles/secretmanager.secretAccessor":   "google_secret_manager_secret_iam_member",
		"roles/secretmanager.admin":            "google_secret_manager_secret_iam_member",
		"roles/iam.serviceAccountUser":         "google_service_account_iam_member",
		"roles/iam.serviceAccountTokenCreator": "google_service_account_iam_member",
	}
}

// projectRoles: rights on a whole project that one thing of it would do for.
// https://cloud.google.com/iam/docs/using-iam-securely
func (r *run) projectRoles() {
	for _, g := range r.grants {
		if g.on != "project" || g.member.kind == otherMember {
			continue
		}
		at := line(g.Resource, g.Get("role"))
		if instead, broad := broadRoles()[string(g.role)]; broad {
			r.find("iam-project-role-broad", diag.Error, g.Resource, at, "role",
				fmt.Sprintf("%s gives %s on the whole project", g.Address, g.role),
				"Give it where it is needed: "+instead+".")
		} else if g.role.is("roles/storage.objectViewer") {
			r.find("iam-project-role-broad", diag.Warning, g.Resource, at, "role",
				fmt.Sprintf("%s gives %s on the whole project: it reads every bucket", g.Address, g.role),
				"Give it on one bucket. To pull images, roles/artifactregistry.reader on the repository is enough.")
		}
	}
}

// authoritative: resources that take a role, or all roles, from whoever is not
// listed. https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_project_iam
func (r *run) authoritative() {
	for _, t := range r.roots {
		for _, res := range t.Resources {
			stem, form, ok := iamForm(res.Type)
			if !ok || form == "member" {
				continue
			}
			project := slices.Contains([]string{"google_project_iam", "google_folder_iam", "google_organization_iam"}, stem)
			rival := r.rival(t, res, stem, form)
			severity := diag.Warning
			if project || rival != nil || form == "policy" {
				severity = diag.Error
			}
			what := "takes the role from everybody whom it does not list"
			if form == "policy" {
				what = "takes every role from everybody whom it does not list"
			}
			var other []diag.Related
			if rival != nil {
				what = "undoes " + rival.Address + " at every apply"
				other = append(other, related(rival.Range, "undone"))
			}
			r.find("iam-authoritative", severity, res, res.Range, "", res.Address+" "+what,
				"Use "+stem+"_member, which adds one member and leaves the others.", other...)
		}
	}
}

// rival finds a _member that an authoritative resource fights with.
func (r *run) rival(t *root, res *terraform.Resource, stem, form string) *terraform.Resource {
	key := cmp.Or(targets()[stem][1], "project")
	for _, other := range t.Of(stem + "_member") {
		sameRole := form == "policy" || text(other.Get("role")) == text(res.Get("role"))
		if sameRole && text(other.Get(key)) == text(res.Get(key)) && slices.Equal(other.Get(key).Resources, res.Get(key).Resources) {
			return other
		}
	}
	return nil
}

var accountIDForm = regexp.MustCompile(`^projects/[^/]+/serviceAccounts/[^@/]+@[^@/]+\.gserviceaccount\.com$`)

// iamTargets: how an IAM resource names what it is about.
func (r *run) iamTargets() {
	for _, t := range r.roots {
		for _, res := range t.Resources {
			stem, _, ok := iamForm(res.Type)
			target, listed := targets()[stem]
			if !ok || !listed {
				continue
			}
			v := res.Get(target[1])
			if s, known := v.Str(); stem == "google_service_account_iam" && known && !accountIDForm.MatchString(s) {
				r.find("service-account-id-format", diag.Error, res, v.Range, target[1],
					fmt.Sprintf("%s is not the name of a service account", v.Display()),
					"Write google_service_account.NAME.name, or projects/PROJECT/serviceAccounts/EMAIL.")
			}
			r.unlinked(t, res, target[0], v)
		}
	}
}

// unlinked: a target that is named by a variable although the root makes it:
// Terraform then does not know that one comes after the other.
func (r *run) unlinked(t *root, res *terraform.Resource, on string, v terraform.Value) {
	kind := map[string][2]string{
		"bucket": {"google_storage_bucket", "name"}, "dataset": {"google_bigquery_dataset", "dataset_id"},
		"secret": {"google_secret_manager_secret", "secret_id"}, "repository": {"google_artifact_registry_repository", "repository_id"},
	}[on]
	if kind[0] == "" || len(v.Refs) == 0 || slices.ContainsFunc(v.Refs, func(f terraform.Ref) bool { return !strings.HasPrefix(f.Address, "var.") }) {
		return
	}
	for _, made := range t.Of(kind[0]) {
		name := made.Get(kind[1])
		sameVariable := slices.EqualFunc(name.Refs, v.Refs, func(a, b terraform.Ref) bool { return a.Address == b.Address })
		got, known := v.Str()
		meant := known && name.Is(got) || !known && sameVariable && len(name.Refs) > 0
		if made.Module != res.Module || slices.Contains(v.Resources, made.Block) || !meant {
			continue
		}
		r.find("iam-target-variable", diag.Warning, res, v.Range, on,
			fmt.Sprintf("%s names %s by a variable", res.Address, made.Address),
			fmt.Sprintf("Write %s.%s: a reference makes Terraform create the one before the other.", made.Address, kind[1]),
			related(made.Range, "made here"))
		return
	}
}

// nodeRoles: what a node's own account needs.
// https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
func (r *run) nodeRoles() {
	seen := map[*account]bool{}
	for _, p := range r.pools {
		v := p.get("service_account")
		for _, a := range r.accounts {
			if seen[a] || !names(v, a.Resource, a.email) {
				continue
			}
			seen[a] = true
			granted := slices.ContainsFunc(r.given("project", "roles/container.defaultNodeServiceAccount", "roles/container.nodeServiceAccount", "roles/logging.logWriter", "roles/editor", "roles/owner"),
				func(g *grant) bool {
					return g.member.kind == unknownMember || g.member.email.meets(a.email) && g.member.email != ""
				})
			if granted {
				continue
			}
			if !r.complete() {
				r.undecided("the roles of " + a.Address)
				continue
			}
			r.find("node-service-account-roles", diag.Warning, p.res, v.Range, "node_config.service_account",
				fmt.Sprintf("%s runs as %s, which may not write logs and metrics", p.title(), a.Address),
				"Give the account roles/container.defaultNodeServiceAccount on the project.", related(a.Range, "the account"))
		}
	}
}
