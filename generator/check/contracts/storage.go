package contracts

import (
	"fmt"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// stateful are the types that hold what cannot be made again.
func stateful() []string {
	return []string{
		"google_storage_bucket", "google_bigquery_dataset", "google_bigquery_table", "google_sql_database_instance",
		"google_secret_manager_secret", "google_artifact_registry_repository", "google_kms_crypto_key",
		"google_filestore_instance", "google_redis_instance", "google_spanner_instance", "google_alloydb_cluster",
	}
}

// guarded are those that Terraform itself must refuse to destroy.
func guarded() []string {
	return []string{
		"google_storage_bucket", "google_bigquery_dataset", "google_bigquery_table", "google_sql_database_instance",
		"google_secret_manager_secret", "google_kms_crypto_key", "google_alloydb_cluster", "google_spanner_instance",
	}
}

// storage: buckets that are open or forget, and data that one command deletes.
func (r *run) storage() {
	for _, t := range r.roots {
		for _, res := range t.Of("google_storage_bucket") {
			r.bucket(t, res)
		}
		if t.layer == ephemeral {
			continue // nothing is to be kept there; layers says so
		}
		for _, res := range t.Of(guarded()...) {
			r.keep(t, res)
		}
	}
}

func (r *run) bucket(t *root, res *terraform.Resource) {
	type want struct {
		path, good, summary, detail string
		only                        bool // in the persistent layer only
	}
	for _, w := range []want{
		{"public_access_prevention", "enforced", "may be made public", `Write public_access_prevention = "enforced".`, false},
		{"uniform_bucket_level_access", "true", "has rights on single objects", "Write uniform_bucket_level_access = true: then IAM alone decides.", false},
		{"versioning.enabled", "true", "keeps no older versions", "Write versioning { enabled = true }, and a lifecycle_rule that deletes old versions.", true},
	} {
		if w.only && t.layer != persistent {
			continue
		}
		v := res.Get(w.path)
		if text(v).may(w.good) {
			continue
		}
		r.find("bucket-hardening", diag.Warning, res, line(res, v), w.path, res.Address+" "+w.summary, w.detail)
	}
}

// keep: what is persistent is not destroyed by a plan that nobody read.
// https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy
func (r *run) keep(t *root, res *terraform.Resource) {
	if text(res.Get("deletion_policy")).is("PREVENT") {
		return
	}
	prevent := res.Lifecycle.PreventDestroy
	if is, known := truth(prevent); is || !known {
		return
	}
	severity := diag.Warning
	if t.layer == persistent {
		severity = diag.Error
	}
	at := res.Range
	if !prevent.Unset() {
		at = prevent.Range
	}
	r.find("prevent-destroy-missing", severity, res, at, "lifecycle.prevent_destroy",
		res.Address+" can be destroyed by a plan",
		"Write lifecycle { prevent_destroy = true }: Terraform then refuses every plan that destroys or replaces it.")
}

// locations: data that lies far from where it is used.
func (r *run) locations() {
	for _, c := range r.clusters_ {
		region := regionOf(c.location)
		if region == "" {
			continue
		}
		for _, t := range r.roots {
			for _, res := range t.Of("google_storage_bucket", "google_bigquery_dataset", "google_artifact_registry_repository") {
				v := res.Get("location")
				s, ok := v.Str()
				if !ok || near(strings.ToLower(s), region) || r.said["location "+res.Address] {
					continue
				}
				r.said["location "+res.Address] = true
				r.find("location-mismatch", diag.Warning, res, v.Range, "location",
					fmt.Sprintf("%s is in %s, and the cluster in %s", res.Address, s, region),
					"Put data beside the cluster that uses it: what crosses regions is slow and is paid for, and BigQuery loads only from its own location.",
					related(line(c.Resource, c.Get("location")), "the cluster"))
			}
		}
	}
}

func regionOf(location pattern) string {
	if !location.known() || location == "" {
		return ""
	}
	s := string(location)
	if zoneForm.MatchString(s) {
		return s[:len(s)-2]
	}
	return s
}

// near reports whether a location holds a region: the region, a multi-region,
// or a pair of regions of that continent.
// https://cloud.google.com/storage/docs/locations
func near(location, region string) bool {
	continent, _, _ := strings.Cut(region, "-")
	switch location {
	case region:
		return true
	case "us", "nam4":
		return continent == "us" || continent == "northamerica"
	case "eu", "eur4", "eur5", "eur7", "eur8", "europe":
		return continent == "europe"
	case "asia", "asia1":
		return continent == "asia"
	default:
		return false
	}
}

// layers: what is kept does not stand among, or hang on, what is thrown away.
func (r *run) layers() {
	for _, t := range r.roots {
		if t.layer == ephemeral {
			for _, res := range t.Of(stateful()...) {
				r.find("stateful-in-ephemeral", diag.Error, res, res.Range, "",
					res.Address+" holds data and stands in the ephemeral root",
					"Move it to the persistent root: the ephemeral one is what may be destroyed and made again.")
			}
		}
		if t.layer != persistent {
			continue
		}
		for _, res := range t.Of("google_container_cluster", "google_container_node_pool") {
			r.find("cluster-in-persistent", diag.Warning, res, res.Range, "",
				res.Address+" stands in the persistent root",
				"Move it to the ephemeral root: a cluster is made again, and everything in the persistent root is kept from that.")
		}
	}
}

// deletionProtection: by layer and environment.
func (r *run) deletionProtection() {
	for _, t := range r.roots {
		for _, res := range t.Of("google_container_cluster") {
			v := res.Get("deletion_protection")
			if r.prod && t.layer != ephemeral && no(v) {
				r.find("deletion-protection", diag.Error, res, v.Range, "deletion_protection",
					res.Address+" is a cluster of production that one command deletes",
					"Write deletion_protection = true, or keep the cluster in an ephemeral root where it is meant to go.")
			}
		}
		if t.layer == ephemeral {
			continue
		}
		for _, res := range t.Of("google_sql_database_instance", "google_bigquery_table") {
			if v := res.Get("deletion_protection"); no(v) && (r.prod || t.layer == persistent) {
				r.find("deletion-protection", diag.Error, res, v.Range, "deletion_protection",
					res.Address+" holds data that one command deletes", "Write deletion_protection = true.")
			}
		}
	}
}
