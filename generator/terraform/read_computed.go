package terraform

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// derived is how an attribute that only the provider sets follows from what is
// configured: a text in which {x} is the attribute x of the resource. {project}
// and {region} fall back to the provider block, as in the provider itself.
//
// Source: hashicorp/terraform-provider-google, website/docs/r/<type>.html.markdown
// and d/<type>.html.markdown, "Attributes Reference": "an identifier for the
// resource with format …", "Format: …". What the documentation leaves open, or
// where the API answers with the number of the project, is not in the table.
func derived() map[string]map[string]string {
	return map[string]map[string]string{
		"google_service_account": {
			"email":  "{account_id}@{project}.iam.gserviceaccount.com",
			"name":   "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
			"member": "serviceAccount:{account_id}@{project}.iam.gserviceaccount.com",
			"id":     "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
		},
		"google_container_cluster":                 {"id": "projects/{project}/locations/{location}/clusters/{name}"},
		"google_container_node_pool":               {"id": "{project}/{location}/{cluster}/{name}"},
		"google_storage_bucket":                    {"id": "{name}", "url": "gs://{name}", "self_link": "https://www.googleapis.com/storage/v1/b/{name}"},
		"google_bigquery_dataset":                  {"id": "projects/{project}/datasets/{dataset_id}"},
		"google_bigquery_table":                    {"id": "projects/{project}/datasets/{dataset_id}/tables/{table_id}"},
		"google_secret_manager_secret":             {"id": "projects/{project}/secrets/{secret_id}"},
		"google_sql_database_instance":             {"connection_name": "{project}:{region}:{name}"},
		"google_sql_database":                      {"id": "projects/{project}/instances/{instance}/databases/{name}"},
		"google_artifact_registry_repository":      {"id": "projects/{project}/locations/{location}/repositories/{repository_id}"},
		"google_pubsub_topic":                      {"id": "projects/{project}/topics/{name}"},
		"google_pubsub_subscription":               {"id": "projects/{project}/subscriptions/{name}"},
		"google_kms_key_ring":                      {"id": "projects/{project}/locations/{location}/keyRings/{name}"},
		"google_kms_crypto_key":                    {"id": "{key_ring}/cryptoKeys/{name}"},
		"google_project_service":                   {"id": "{project}/{service}"},
		"google_compute_network":                   {"id": "projects/{project}/global/networks/{name}", "self_link": "https://www.googleapis.com/compute/v1/projects/{project}/global/networks/{name}"},
		"google_compute_subnetwork":                {"id": "projects/{project}/regions/{region}/subnetworks/{name}", "self_link": "https://www.googleapis.com/compute/v1/projects/{project}/regions/{region}/subnetworks/{name}"},
		"google_compute_router":                    {"id": "projects/{project}/regions/{region}/routers/{name}"},
		"google_compute_router_nat":                {"id": "{project}/{region}/{router}/{name}"},
		"google_compute_address":                   {"id": "projects/{project}/regions/{region}/addresses/{name}"},
		"google_compute_global_address":            {"id": "projects/{project}/global/addresses/{name}"},
		"google_iam_workload_identity_pool":        {"id": "projects/{project}/locations/global/workloadIdentityPools/{workload_identity_pool_id}"},
		"google_project":                           {"id": "projects/{project_id}"},
		"data.google_project":                      {"project_id": "{project}", "id": "projects/{project}"},
		"data.google_client_config":                {"project": "{project}", "region": "{region}"},
		"data.google_container_cluster":            {"id": "projects/{project}/locations/{location}/clusters/{name}"},
		"data.google_storage_bucket":               {"id": "{name}", "url": "gs://{name}"},
		"data.google_sql_database_instance":        {},
		"data.google_secret_manager_secret":        {"id": "projects/{project}/secrets/{secret_id}"},
		"data.google_compute_network":              {"id": "projects/{project}/global/networks/{name}"},
		"data.google_compute_subnetwork":           {"id": "projects/{project}/regions/{region}/subnetworks/{name}"},
		"data.google_artifact_registry_repository": {"id": "projects/{project}/locations/{location}/repositories/{repository_id}"},
		"terraform_data":                           {},
	}
}

// defaulted are the attributes that the provider block gives a value where the
// resource has none. Source: "If it is not provided, the provider project is
// used", in nearly every page of the provider.
func defaulted() []string { return []string{"project", "region", "zone"} }

// derivable lists the attributes of a resource type that are derived.
func derivable(kind string, data bool) []string {
	if data {
		kind = "data." + kind
	}
	var names []string
	for name := range derived()[kind] {
		names = append(names, name)
	}
	if strings.HasPrefix(strings.TrimPrefix(kind, "data."), "google_") {
		names = append(names, "project")
	}
	slices.Sort(names)
	return names
}

// derive gives an attribute that only the provider sets, where it follows from
// what is configured.
func (r *reader) derive(in *instance, name string) (cty.Value, bool) {
	kind := in.resourceType()
	google := strings.HasPrefix(kind, "google_")
	if in.data() {
		kind = "data." + kind
	}
	switch {
	case kind == "data.terraform_remote_state" && name == "outputs":
		return r.remoteState(in)
	case kind == "terraform_data" && name == "output":
		return r.resourceAttribute(in, "input"), true
	case kind == "google_container_cluster" && name == "workload_identity_config":
		return r.autopilotIdentity(in)
	case kind == "data.google_service_account" && (name == "email" || name == "name" || name == "member"):
		return r.namedServiceAccount(in, name)
	case google && slices.Contains(defaulted(), name) && r.derivedText(kind, name) == "":
		return r.providerDefault(in, name)
	}
	text := r.derivedText(kind, name)
	if text == "" {
		return cty.NilVal, false
	}
	return r.fill(in, text), true
}

func (r *reader) derivedText(kind, name string) string { return derived()[kind][name] }

// fill writes the attributes of a resource into a text.
func (r *reader) fill(in *instance, text string) cty.Value {
	var out strings.Builder
	known, marks := true, []cty.ValueMarks{}
	for {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(before)
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		text = after
		v, ok := r.given(in, name)
		if !ok {
			v = unknown("%s of %s is not set", name, in.set.item.address)
		}
		bare, m := v.Unmark()
		marks = append(marks, m)
		str, err := convert.Convert(bare, cty.String)
		switch {
		case err != nil || !bare.IsKnown() || str.IsNull():
			known = false
			out.WriteString(shape(m))
		case name == "project" && strings.Contains(str.AsString(), ":"):
			// A project of a domain is written differently in addresses.
			known = false
			out.WriteString(hole)
		default:
			out.WriteString(str.AsString())
		}
	}
	if known {
		return cty.StringVal(out.String()).WithMarks(without(marks)...)
	}
	v := cty.UnknownVal(cty.String).WithMarks(without(marks)...)
	return withPieces(v, out.String())
}

// given is an attribute as configured, or the provider block's.
func (r *reader) given(in *instance, name string) (cty.Value, bool) {
	if in.set.item.body.get(name) != nil {
		v := r.resourceAttribute(in, name)
		if bare, _ := v.Unmark(); !bare.IsKnown() || !bare.IsNull() {
			return v, true
		}
	}
	if slices.Contains(defaulted(), name) {
		return r.providerDefault(in, name)
	}
	return cty.NilVal, false
}

// providerDefault is what the resource's provider block says.
func (r *reader) providerDefault(in *instance, name string) (cty.Value, bool) {
	m := in.set.module
	p, at := r.providerOf(m, providerName(in.set.item))
	if p == nil || p.body.get(name) == nil {
		return cty.NilVal, false
	}
	return r.evaluate(&scope{module: at}, p.body.get(name)), true
}

// providerName is the configuration that a resource uses: its provider argument,
// or the first word of its type.
func providerName(it *item) string {
	if e := it.body.get("provider"); e != nil {
		if name := dotted(e); name != "" {
			return name
		}
	}
	name, _, _ := strings.Cut(it.labels[0], "_")
	if name == "google" && strings.HasPrefix(it.labels[0], "google-beta") {
		name = "google-beta"
	}
	return name
}

// providerOf finds the block of a provider's configuration: in the module
// itself, or where the module's caller says, or in the module around it.
func (r *reader) providerOf(m *module, name string) (*block, *module) {
	for ; m != nil; m = m.parent {
		kind, as, _ := strings.Cut(name, ".")
		for _, p := range m.config.providers {
			if p.labels[0] == kind && alias(p.body) == as {
				return p, m
			}
		}
		if m.parent == nil {
			break
		}
		passed := passedProviders(m.call)
		switch from, ok := passed[name]; {
		case ok:
			name = from
		case as != "":
			return nil, nil // an alias is handed over by name only
		case kind == "google-beta":
			// google and google-beta are configured apart.
		}
	}
	return nil, nil
}

// passedProviders is the providers argument of a module call.
func passedProviders(call *item) map[string]string {
	out := map[string]string{}
	for k, v := range pairs(call.body.get("providers")) {
		out[k] = dotted(v)
	}
	return out
}

// autopilotIdentity is the workload pool that every Autopilot cluster has.
// Source: cloud.google.com/kubernetes-engine/docs/concepts/autopilot-overview,
// "Workload Identity Federation for GKE" is pre-configured.
func (r *reader) autopilotIdentity(in *instance) (cty.Value, bool) {
	auto := r.resourceAttribute(in, "enable_autopilot")
	if in.set.item.body.get("enable_autopilot") == nil || !is(auto, cty.True) {
		return cty.NilVal, false
	}
	pool := r.fill(in, "{project}.svc.id.goog")
	return cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"workload_pool": pool}).Mark(open{})}), true
}

// namedServiceAccount: account_id of the data source may be the name alone, the
// address, or the whole resource name.
func (r *reader) namedServiceAccount(in *instance, name string) (cty.Value, bool) {
	v, ok := r.given(in, "account_id")
	bare, _ := v.UnmarkDeep()
	if !ok || !bare.IsKnown() || bare.IsNull() || bare.Type() != cty.String || strings.ContainsAny(bare.AsString(), "@/") {
		return cty.NilVal, false
	}
	return r.fill(in, derived()["google_service_account"][name]), true
}

// remoteState is the outputs of another root, where that root is in the
// repository too.
func (r *reader) remoteState(in *instance) (cty.Value, bool) {
	if r.opts.State == nil {
		return cty.NilVal, false
	}
	backend := r.value(in.set.module, in.scope, in.set.item.body.get("backend"))
	config := r.value(in.set.module, in.scope, in.set.item.body.get("config"))
	name, ok := backend.Str()
	if !ok {
		return cty.NilVal, false
	}
	outputs, ok := r.opts.State(name, config)
	if !ok {
		return cty.NilVal, false
	}
	fields := make(map[string]cty.Value, len(outputs))
	for k, v := range outputs {
		fields[k] = v.cty()
	}
	return cty.ObjectVal(fields), true
}
