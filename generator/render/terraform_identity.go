package render

import (
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
	"strake/generator/terraform"
)

func itoa(n int) string { return strconv.Itoa(n) }

// principal is who gets a right: a Google service account, or a ServiceAccount
// of the cluster, which IAM names by the project's identity pool.
type principal struct{ email, namespace, name string }

// right is a role of one identity on one thing.
type right struct {
	who  principal
	kind rightKind
	// on is the name of the thing, and its location where it has one.
	on, role, from string
}

// rightKind is the kind of thing that a right is on.
type rightKind int

const (
	onProject rightKind = iota
	onBucket
	onDataset
	onSecret
	onRegistry
	onAccount
)

// account is the resource of a Google service account that this root creates,
// or nothing.
func (r *root) account(email string) string {
	if r.name != spec.Persistent || !slices.ContainsFunc(ownAccounts(r.e), func(a ownAccount) bool { return a.email == email }) {
		return ""
	}
	id, _ := r.e.OwnAccount(email)
	return "google_service_account." + r.local("google_service_account", id)
}

// ownAccount is a Google service account that is created here.
type ownAccount struct{ id, email, about, from string }

// ownAccounts lists the Google service accounts of the project that the spec
// names, and the one that the nodes run as.
func ownAccounts(e *spec.Effective) []ownAccount {
	var all []ownAccount
	add := func(email, about, from string) {
		id, own := e.OwnAccount(email)
		if own && !slices.ContainsFunc(all, func(a ownAccount) bool { return a.email == email }) {
			all = append(all, ownAccount{id, email, about, from})
		}
	}
	if !e.Cluster.Existing {
		add(e.Account(spec.NodeAccount(e.Cluster.Name)), "Nodes of "+e.Cluster.Name, "cluster.name")
	}
	for i := range e.Tenants {
		t := &e.Tenants[i]
		add(t.ServiceAccount.GoogleServiceAccount, "Tenant "+t.Name, tenantPath(t)+".serviceAccount.googleServiceAccount")
	}
	if p := database(e); p != nil && p.CloudSQL != "" && !p.Existing {
		add(p.GoogleServiceAccount, "Archive of Argo Workflows", "archive.postgresql.googleServiceAccount")
	}
	for _, d := range e.Databases {
		for j, u := range d.Users {
			add(e.Account(u.IAM), "User of "+d.Name, "databases["+d.Name+"].users["+itoa(j)+"].iam")
		}
	}
	slices.SortStableFunc(all, func(a, b ownAccount) int { return strings.Compare(a.id, b.id) })
	return all
}

// accounts is the Google service accounts that are created here.
func (r *root) accounts() terraform.Content {
	var out terraform.Content
	for _, a := range ownAccounts(r.e) {
		out = append(out, resource("google_service_account", r.local("google_service_account", a.id)).Has(
			terraform.Set("account_id", a.id),
			terraform.Set("display_name", a.about),
			keep(),
		).Because(a.from))
	}
	return out
}

// home says which root a right belongs into. Those of Google service accounts
// are as lasting as the accounts. A ServiceAccount of the cluster is known to IAM
// only once the project has an identity pool, which the first cluster makes: its
// rights are made after the cluster, and go with it.
func (r *root) home(g right) spec.TerraformRootName {
	pooled := g.who.email == "" || g.kind == onAccount
	if pooled && r.rendered[spec.Ephemeral] {
		return spec.Ephemeral
	}
	return spec.Persistent
}

// grants is the rights that this root gives, each on the narrowest thing that
// the role can be given on, and each by itself: what others gave stays.
func (r *root) grants() terraform.Content {
	var out terraform.Content
	for _, g := range iamRights(r.e, r.stored) {
		if r.home(g) == r.name {
			out = append(out, r.grant(g))
		}
	}
	return out
}

// grant is one right as a resource.
func (r *root) grant(g right) terraform.Part {
	kind, target := r.target(g)
	parts := append(target,
		terraform.Set("role", g.role),
		terraform.Set("member", r.member(g)),
	)
	if r.name == spec.Ephemeral && !r.e.Cluster.Existing {
		parts = append(parts, terraform.Set("depends_on", terraform.Tuple{terraform.Reference("google_container_cluster." + mainName)}))
	}
	subject := g.who.namespace + "." + g.who.name
	if g.who.email != "" {
		subject, _, _ = strings.Cut(g.who.email, "@")
		if g.kind == onAccount {
			subject = g.who.namespace + "." + g.who.name
		}
	}
	on := g.on
	if g.kind == onAccount {
		on, _, _ = strings.Cut(g.on, "@")
	}
	name := strings.Join(slices.DeleteFunc([]string{subject, on, g.role[strings.LastIndexByte(g.role, '/')+1:]}, func(s string) bool { return s == "" }), ".")
	return resource(kind, r.local(kind, name)).Has(parts...).Because(g.from)
}

// target is the resource of a right and what it is on: what this root creates
// is referred to, so that it is there first; all else is named.
func (r *root) target(g right) (kind string, on []terraform.Part) {
	named := func(of, attribute string, created bool) any {
		if created && r.name == spec.Persistent {
			return terraform.Reference(of + "." + r.local(of, g.on) + "." + attribute)
		}
		return g.on
	}
	switch g.kind {
	case onBucket:
		created := slices.ContainsFunc(buckets(r.e), func(b bucket) bool { return b.name == g.on && !b.existing })
		return "google_storage_bucket_iam_member", []terraform.Part{terraform.Set("bucket", named("google_storage_bucket", "name", created))}
	case onDataset:
		return "google_bigquery_dataset_iam_member", []terraform.Part{terraform.Set("dataset_id", named("google_bigquery_dataset", "dataset_id", createsDataset(r.e, g.on)))}
	case onSecret:
		return "google_secret_manager_secret_iam_member", []terraform.Part{
			terraform.Set("project", optionalValue(r.secretProject())).Because("secrets.gcpSecretManager.project"),
			terraform.Set("secret_id", named("google_secret_manager_secret", "secret_id", !r.e.SecretExists(g.on))),
		}
	case onRegistry:
		created := slices.ContainsFunc(r.e.Registries, func(s spec.Registry) bool { return s.Name == g.on && !s.Existing })
		return "google_artifact_registry_repository_iam_member", []terraform.Part{
			terraform.Set("location", r.e.Cloud.Region).Because("cloud.region"),
			terraform.Set("repository", named("google_artifact_registry_repository", "repository_id", created)),
		}
	case onAccount:
		account := any("projects/" + g.on[strings.IndexByte(g.on, '@')+1:strings.Index(g.on, ".iam.")] + "/serviceAccounts/" + g.on)
		if own := r.account(g.on); own != "" {
			account = terraform.Reference(own + ".name")
		}
		return "google_service_account_iam_member", []terraform.Part{terraform.Set("service_account_id", account)}
	default:
		return "google_project_iam_member", []terraform.Part{terraform.Set("project", r.e.Cloud.Project).Because("cloud.project")}
	}
}

func createsDataset(e *spec.Effective, name string) bool {
	for _, t := range e.Tenants {
		for _, d := range t.Data.Datasets {
			if d.Name == name {
				return !d.Existing
			}
		}
	}
	return false
}

// member is an identity as IAM writes it
// (https://cloud.google.com/iam/docs/principal-identifiers).
func (r *root) member(g right) any {
	pool := r.e.Cloud.Project + ".svc.id.goog"
	switch {
	case g.kind == onAccount:
		return "serviceAccount:" + pool + "[" + g.who.namespace + "/" + g.who.name + "]"
	case g.who.email != "":
		if own := r.account(g.who.email); own != "" {
			return terraform.Reference(own + ".member")
		}
		return "serviceAccount:" + g.who.email
	}
	before, after := "principal://iam.googleapis.com/projects/", "/locations/global/workloadIdentityPools/"+pool+"/subject/ns/"+g.who.namespace+"/sa/"+g.who.name
	if r.e.Cloud.ProjectNumber != "" {
		return before + r.e.Cloud.ProjectNumber + after
	}
	return terraform.Template{before, r.projectNumber(), after}
}
