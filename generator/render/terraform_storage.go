package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
	"strake/generator/terraform"
)

// How long a bucket keeps what was deleted or written over. Soft delete is
// Cloud Storage's own default, said so that no change of the default changes it.
const (
	softDelete    = 7 * 24 * 60 * 60
	keptVersions  = 3
	stateVersions = 30
)

// bucket is one bucket of the environment.
type bucket struct {
	name, deleteAfter, from string
	existing, state         bool
}

// buckets lists the buckets of an environment by name, each once. The first to
// name one decides: the examiner reports where two disagree.
func buckets(e *spec.Effective) []bucket {
	var all []bucket
	add := func(b bucket) {
		if !slices.ContainsFunc(all, func(have bucket) bool { return have.name == b.name }) {
			all = append(all, b)
		}
	}
	for _, name := range []spec.TerraformRootName{spec.Persistent, spec.Ephemeral} {
		if s, ok := e.TerraformState(name); ok {
			add(bucket{name: s.Bucket, from: "terraform.state", existing: s.Existing, state: true})
		}
	}
	if e.Artifacts != nil && e.Artifacts.GCS != nil {
		g := e.Artifacts.GCS
		add(bucket{name: g.Bucket, deleteAfter: g.DeleteAfter, from: "artifacts.gcs", existing: g.Existing})
	}
	for i := range e.Tenants {
		t := &e.Tenants[i]
		for _, b := range t.Data.Buckets {
			add(bucket{name: b.Name, deleteAfter: b.DeleteAfter, from: tenantPath(t) + ".data.buckets[" + b.Name + "]", existing: b.Existing})
		}
	}
	slices.SortFunc(all, func(a, b bucket) int { return strings.Compare(a.name, b.name) })
	return all
}

// storage is the buckets that are created here.
func (r *root) storage() terraform.Content {
	var out terraform.Content
	for _, b := range buckets(r.e) {
		if b.existing {
			continue
		}
		local := r.local("google_storage_bucket", b.name)
		if b.state {
			out = append(out, terraform.NewBlock("import").Has(
				terraform.Set("to", terraform.Reference("google_storage_bucket."+local)),
				terraform.Set("id", b.name),
			).Because(b.from).Saying("The state of this root is in the bucket, so it was there first: made by hand, and\ntaken over by the first apply."))
		}
		out = append(out, r.bucket(b, local))
	}
	return out
}

func (r *root) bucket(b bucket, local string) terraform.Part {
	versions := keptVersions
	if b.state {
		versions = stateVersions
	}
	parts := []terraform.Part{
		terraform.Set("name", b.name),
		terraform.Set("location", r.e.Cloud.Region).Because("cloud.region"),
		terraform.Set("force_destroy", false),
		terraform.Set("public_access_prevention", "enforced"),
		terraform.Set("uniform_bucket_level_access", true),
		terraform.NewBlock("versioning").Has(terraform.Set("enabled", true)),
		terraform.NewBlock("soft_delete_policy").Has(terraform.Set("retention_duration_seconds", softDelete)),
	}
	if days, err := strconv.Atoi(strings.TrimSuffix(b.deleteAfter, "d")); err == nil {
		parts = append(parts, lifecycleRule(terraform.Set("age", days)).Because(b.from+".deleteAfter"))
	}
	parts = append(parts, lifecycleRule(terraform.Set("num_newer_versions", versions), terraform.Set("with_state", "ARCHIVED")), keep())
	return resource("google_storage_bucket", local).Has(parts...).Because(b.from)
}

// lifecycleRule deletes what meets a condition.
func lifecycleRule(condition ...terraform.Part) terraform.Part {
	return terraform.NewBlock("lifecycle_rule").Has(
		terraform.NewBlock("condition").Has(condition...),
		terraform.NewBlock("action").Has(terraform.Set("type", "Delete")),
	)
}

// bigquery is the datasets and tables that are created here.
func (r *root) bigquery() terraform.Content {
	var out terraform.Content
	seen := map[string]bool{}
	for i := range r.e.Tenants {
		t := &r.e.Tenants[i]
		for _, d := range t.Data.Datasets {
			if d.Existing || seen[d.Name] {
				continue
			}
			seen[d.Name] = true
			from := tenantPath(t) + ".data.datasets[" + d.Name + "]"
			local := r.local("google_bigquery_dataset", d.Name)
			out = append(out, resource("google_bigquery_dataset", local).Has(
				terraform.Set("dataset_id", d.Name),
				terraform.Set("location", r.e.Cloud.Region).Because("cloud.region"),
				terraform.Set("delete_contents_on_destroy", false),
				keep(),
			).Because(from))
			for _, table := range d.Tables {
				out = append(out, r.table(d.Name, local, table, from+".tables["+table.Name+"]"))
			}
		}
	}
	return out
}

func (r *root) table(dataset, local string, table spec.Table, from string) terraform.Part {
	content, _ := r.e.File(table.Schema)
	schema, err := jsonValue(content)
	if err != nil {
		schema = terraform.Tuple{} // the examiner has reported it
	}
	return resource("google_bigquery_table", r.local("google_bigquery_table", dataset+"."+table.Name)).Has(
		terraform.Set("dataset_id", terraform.Reference("google_bigquery_dataset."+local+".dataset_id")),
		terraform.Set("table_id", table.Name),
		terraform.Set("deletion_protection", true),
		terraform.Set("schema", terraform.Call{Function: "jsonencode", Args: []any{schema}}).Because(from+".schema"),
		keep(),
	).Because(from)
}

// jsonValue turns a JSON text into a value of Terraform, keys in the order of
// the text.
func jsonValue(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return nextJSON(d)
}

func nextJSON(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			items := terraform.Tuple{}
			for d.More() {
				item, err := nextJSON(d)
				if err != nil {
					return nil, err
				}
				items = append(items, item)
			}
			_, err := d.Token()
			return items, err
		}
		fields := terraform.Object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := nextJSON(d)
			if err != nil {
				return nil, err
			}
			fields = append(fields, terraform.Field{Key: key.(string), Value: value})
		}
		_, err := d.Token()
		return fields, err
	case json.Number:
		n, err := strconv.Atoi(t.String())
		if err != nil {
			return nil, fmt.Errorf("%s is no whole number", t)
		}
		return n, nil
	default: // string, bool, nil
		return token, nil
	}
}

// registries is the repositories of images that are created here.
func (r *root) registries() terraform.Content {
	var out terraform.Content
	for _, g := range r.e.Registries {
		if g.Existing {
			continue
		}
		from := "registries[" + g.Name + "]"
		parts := []terraform.Part{
			terraform.Set("location", r.e.Cloud.Region).Because("cloud.region"),
			terraform.Set("repository_id", g.Name),
			terraform.Set("format", "DOCKER"),
		}
		if g.Remote != "" {
			parts = append(parts,
				terraform.Set("mode", "REMOTE_REPOSITORY").Because(from+".remote"),
				terraform.NewBlock("remote_repository_config").Has(remoteRegistry(g.Remote)).Because(from+".remote"))
		}
		out = append(out, resource("google_artifact_registry_repository", r.local("google_artifact_registry_repository", g.Name)).
			Has(append(parts, keep())...).Because(from))
	}
	return out
}

// remoteRegistry is the registry behind a repository that passes it on: Docker
// Hub has a name of its own, any other a URL
// (https://cloud.google.com/artifact-registry/docs/repositories/remote-repo).
func remoteRegistry(host string) terraform.Part {
	if host == "docker.io" || host == "registry-1.docker.io" {
		return terraform.NewBlock("docker_repository").Has(terraform.Set("public_repository", "DOCKER_HUB"))
	}
	return terraform.NewBlock("common_repository").Has(terraform.Set("uri", "https://"+host))
}

// secrets is the secrets of the store, without their values: those are written
// by whoever has them, and are in no file and in no state.
func (r *root) secrets() terraform.Content {
	var out terraform.Content
	before := ""
	for _, s := range r.stored {
		if s.name == "" || s.name == before || r.e.SecretExists(s.name) {
			continue
		}
		before = s.name
		out = append(out, resource("google_secret_manager_secret", r.local("google_secret_manager_secret", s.name)).Has(
			terraform.Set("project", optionalValue(r.secretProject())).Because("secrets.gcpSecretManager.project"),
			terraform.Set("secret_id", s.name),
			terraform.NewBlock("replication").Has(terraform.NewBlock("auto")),
			keep(),
		).Because(s.from))
	}
	return out
}

// secretProject is the project of the store when it is not the provider's.
func (r *root) secretProject() string {
	if s := r.e.Secrets; s != nil && s.GCPSecretManager != nil && s.GCPSecretManager.Project != r.e.Cloud.Project {
		return s.GCPSecretManager.Project
	}
	return ""
}

// optionalValue turns "" into nothing.
func optionalValue(s string) any {
	if s == "" {
		return nil
	}
	return s
}
