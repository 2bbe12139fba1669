package render

import (
	"maps"
	"slices"
	"strings"

	"strake/generator/spec"
)

// The store of a namespace and the ServiceAccount that reads it. Google IAM
// names the ServiceAccount, so that a namespace reads its own secrets only: a
// store for the whole cluster would let every tenant read every secret.
const (
	secretStoreName           = "gcp-secret-manager"
	secretStoreServiceAccount = "external-secrets"
)

// fetched is one key of a Secret, the secret of the store that holds its value,
// and the path of the spec that says so.
type fetched struct {
	key  string
	ref  spec.SecretRef
	from string
}

// externalSecret is a Secret of a namespace whose values come from the store:
// keys of the Secret to secrets of the store. from is the path of the map in
// the spec.
func externalSecret(name, namespace string, keys map[string]spec.SecretRef, e *spec.Effective, from string) object {
	var all []fetched
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		all = append(all, fetched{key, keys[key], from + "." + key})
	}
	return fetchedSecret(e, name, namespace, from, all...)
}

// fetchedSecret is an externalSecret whose keys stand in places of their own.
func fetchedSecret(e *spec.Effective, name, namespace, from string, keys ...fetched) object {
	var data list
	for _, f := range keys {
		version := f.ref.Version
		if version == "" {
			version = "latest"
		}
		data = append(data, at(f.from, m{
			{"secretKey", f.key},
			{"remoteRef", m{
				{"key", f.ref.Secret},
				{"version", version},
				// The defaults of the definition, said: the API server adds them inside this
				// list, and Argo CD would see a difference that never goes away.
				{"conversionStrategy", "Default"},
				{"decodingStrategy", "None"},
				{"metadataPolicy", "None"},
			}},
		}))
	}
	return object{
		from: from,
		doc: m{
			{"apiVersion", "external-secrets.io/v1"},
			{"kind", "ExternalSecret"},
			{"metadata", metadata(e, namespace, name, "secrets")},
			{"spec", m{
				{"refreshPolicy", "Periodic"},
				{"refreshInterval", at("secrets.refreshInterval", refreshInterval(e))},
				{"secretStoreRef", m{{"kind", "SecretStore"}, {"name", secretStoreName}}},
				{"target", m{
					{"name", name},
					{"creationPolicy", "Owner"},
					// A secret that is missing for an hour must not take a running workflow's away.
					{"deletionPolicy", "Retain"},
				}},
				{"data", data},
			}},
		},
	}
}

// secretStore is the store of a namespace with the ServiceAccount it reads as.
// Nothing where the spec has no store.
func secretStore(e *spec.Effective, namespace, serviceAccount, from string) []object {
	if e.Secrets == nil || e.Secrets.GCPSecretManager == nil {
		return nil
	}
	project := at("secrets.gcpSecretManager.project", optional(e.Secrets.GCPSecretManager.Project))
	if project == nil {
		project = at("cloud.project", e.Cloud.Project)
	}
	location := at("cluster.location", optional(e.Cluster.Location))
	if location == nil {
		location = at("cloud.region", e.Cloud.Region)
	}
	return []object{
		{
			from: from,
			doc: m{
				{"apiVersion", "v1"},
				{"kind", "ServiceAccount"},
				{"metadata", metadata(e, namespace, serviceAccount, "secrets")},
				// The operator asks for tokens of this account; no pod runs as it.
				{"automountServiceAccountToken", false},
			},
		},
		{
			from: from,
			doc: m{
				{"apiVersion", "external-secrets.io/v1"},
				{"kind", "SecretStore"},
				{"metadata", metadata(e, namespace, secretStoreName, "secrets")},
				{"spec", m{{"provider", m{{"gcpsm", at("secrets.gcpSecretManager", m{
					{"projectID", project},
					{"auth", m{{"workloadIdentity", m{
						{"clusterLocation", location},
						{"clusterName", at("cluster.name", e.Cluster.Name)},
						{"clusterProjectID", at("cloud.project", e.Cloud.Project)},
						{"serviceAccountRef", m{{"name", serviceAccount}}},
					}}}},
				})}}}}},
			},
		},
	}
}

// refreshInterval is the spec's duration in the grammar of Go, which knows no
// days.
func refreshInterval(e *spec.Effective) string {
	if e.Secrets != nil {
		if d, err := spec.ParseDuration(e.Secrets.RefreshInterval); err == nil && d > 0 {
			return d.String()
		}
	}
	return "1h0m0s"
}

// secretKey selects a key of a Secret in the same namespace.
func secretKey(name, key string) m { return m{{"name", name}, {"key", key}} }

// metadata names an object and says whose it is. Objects outside the namespace
// of Argo Workflows are part of the platform.
func metadata(e *spec.Effective, namespace, name, component string) m {
	return m{
		{"name", name},
		{"namespace", optional(namespace)},
		{"labels", labels(partOf(e, namespace), name, component)},
	}
}

func partOf(e *spec.Effective, namespace string) string {
	if e.Workflows != nil && (namespace == "" || namespace == e.Workflows.Namespace) {
		return "argo-workflows"
	}
	return e.Platform
}

// labels are the recommended labels of Kubernetes. They never stand in a
// selector: selectors cannot be changed.
func labels(partOf, name, component string) m {
	return m{
		{"app.kubernetes.io/component", component},
		{"app.kubernetes.io/managed-by", "strake"},
		{"app.kubernetes.io/name", name},
		{"app.kubernetes.io/part-of", optional(partOf)},
	}
}

// addTemplate puts literals beside the values that an ExternalSecret fetches.
func addTemplate(externalSecret m, data m) { shapeSecret(externalSecret, nil, data) }

// shapeSecret gives the Secret that an ExternalSecret makes labels of its own, and
// literals beside what is fetched. Without labels of its own it gets those of
// the ExternalSecret.
func shapeSecret(externalSecret, marks, data m) {
	template := m{{"engineVersion", "v2"}}
	if data != nil {
		template = append(template, kv{"mergePolicy", "Merge"})
	}
	if marks != nil {
		template = append(template, kv{"metadata", m{{"labels", marks}}})
	}
	template = append(template, kv{"data", data})
	body, _ := externalSecret.get("spec").(m)
	for i, f := range body {
		if target, ok := f.v.(m); ok && f.k == "target" {
			body[i].v = append(target, kv{"template", template})
		}
	}
}

// literalText keeps a text as it is in a field that holds a Go template.
func literalText(text string) string { return strings.ReplaceAll(text, "{{", "{{`{{`}}") }
