package contracts

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

// store is a SecretStore, or ClusterSecretStore, in Secret Manager.
// https://external-secrets.io/latest/provider/google-secrets-manager/
type store struct {
	o        *manifest.Object
	project  string
	cluster  string
	location string
	reader   *workload // nil where the operator's own account reads
}

func (r *run) stores() []store {
	var out []store
	for _, o := range r.objects {
		if o.Group() != "external-secrets.io" || o.Kind != "SecretStore" && o.Kind != "ClusterSecretStore" {
			continue
		}
		gcp := mapAt(o.Fields, "spec", "provider", "gcpsm")
		if gcp == nil {
			continue
		}
		auth := mapAt(gcp, "auth", "workloadIdentity")
		s := store{o: o, project: stringAt(gcp, "projectID"), cluster: stringAt(auth, "clusterName"), location: stringAt(auth, "clusterLocation")}
		if name := stringAt(auth, "serviceAccountRef", "name"); name != "" {
			namespace := stringAt(auth, "serviceAccountRef", "namespace")
			if namespace == "" {
				namespace = o.Namespace
			}
			w, _ := r.workload(namespace, name)
			s.reader = &w
		}
		out = append(out, s)
	}
	return out
}

// secretKey is a name that an ExternalSecret reads from Secret Manager.
type secretKey struct {
	o    *manifest.Object
	path manifest.Path
	key  string
}

func secretKeys(o *manifest.Object) []secretKey {
	var out []secretKey
	items, _ := mapAt(o.Fields, "spec")["data"].([]any)
	for i, item := range items {
		m, _ := item.(map[string]any)
		if key := stringAt(m, "remoteRef", "key"); key != "" {
			out = append(out, secretKey{o, o.At("spec", "data", i, "remoteRef", "key"), key})
		}
	}
	items, _ = mapAt(o.Fields, "spec")["dataFrom"].([]any)
	for i, item := range items {
		m, _ := item.(map[string]any)
		if key := stringAt(m, "extract", "key"); key != "" {
			out = append(out, secretKey{o, o.At("spec", "dataFrom", i, "extract", "key"), key})
		}
	}
	return out
}

// secretSide is a secret of Secret Manager.
type secretSide struct {
	*terraform.Resource
	id, project pattern
}

func (r *run) secrets() []secretSide {
	var out []secretSide
	for _, t := range r.roots {
		for _, res := range t.Of("google_secret_manager_secret", "google_secret_manager_regional_secret") {
			out = append(out, secretSide{res, text(res.Get("secret_id")), t.project(res)})
		}
	}
	return out
}

// externalSecrets: what is read exists, and may be read.
func (r *run) externalSecrets() {
	stores := r.stores()
	for _, s := range stores {
		r.storeCluster(s)
	}
	secrets := r.secrets()
	for _, o := range r.objects {
		if o.Group() != "external-secrets.io" || o.Kind != "ExternalSecret" {
			continue
		}
		ref := mapAt(o.Fields, "spec", "secretStoreRef")
		for _, s := range stores {
			kind := stringAt(ref, "kind")
			if kind == "" {
				kind = "SecretStore"
			}
			if s.o.Kind != kind || s.o.Name != stringAt(ref, "name") || kind == "SecretStore" && s.o.Namespace != o.Namespace {
				continue
			}
			for _, k := range secretKeys(o) {
				r.readable(k, s, secrets)
			}
		}
	}
}

// storeCluster: the store asks for a token of a cluster by name and place.
func (r *run) storeCluster(s store) {
	if s.cluster == "" || len(r.clusters_) == 0 {
		return
	}
	for _, c := range r.clusters_ {
		if c.name.may(s.cluster) && (s.location == "" || c.location == "" || c.location.may(s.location)) {
			return
		}
	}
	c := r.clusters_[0]
	field, v := "clusterName", c.Get("name")
	if c.name.may(s.cluster) {
		field, v = "clusterLocation", c.Get("location")
	}
	if !r.complete() {
		r.undecided("the cluster " + s.cluster)
		return
	}
	r.finding("secret-store-cluster", diag.Error, s.o, s.o.At("spec", "provider", "gcpsm", "auth", "workloadIdentity", field),
		fmt.Sprintf("the store reads as the cluster %s in %s, and Terraform makes %s in %s", s.cluster, s.location, c.name, c.location),
		"Both have to say the same: no secret can be read otherwise.", related(line(c.Resource, v), "the cluster"))
}

func (r *run) readable(k secretKey, s store, secrets []secretSide) {
	name := k.key
	if i := strings.LastIndex(name, "/"); i >= 0 {
		name = name[i+1:] // projects/P/secrets/NAME
	}
	var found *secretSide
	for _, exact := range []bool{true, false} {
		for _, candidate := range secrets {
			if s.project != "" && candidate.project != "" && !candidate.project.may(s.project) {
				continue
			}
			if found == nil && (exact && candidate.id.is(name) || !exact && candidate.id.may(name)) {
				found = &candidate
				if !exact {
					r.unknown(candidate.Resource, "secret_id", candidate.Get("secret_id"))
				}
			}
		}
	}
	if found == nil {
		if !r.secretNamed(name, secrets) {
			r.missingSecret(k, name, s, secrets)
		}
		return
	}
	if s.reader != nil {
		r.mayRead(k, *s.reader, found)
	}
}

// secretNamed reports whether a secret that no root makes is known to exist:
// somebody else made it.
func (r *run) secretNamed(name string, secrets []secretSide) bool {
	if r.referred("google_secret_manager_secret", "secret_id", name) || r.existing(name) {
		return true
	}
	known := make([]string, len(secrets))
	for i, s := range secrets {
		known[i] = string(s.id)
	}
	if r.rendered() || diag.DidYouMean(name, known) != "" || slices.Contains(known, name) {
		return false
	}
	return slices.ContainsFunc(r.grants, func(g *grant) bool {
		p := text(g.target)
		return g.on == "secret" && len(g.target.Resources) == 0 && (p.is(name) || strings.HasSuffix(string(p), "/secrets/"+name))
	})
}

func (r *run) missingSecret(k secretKey, name string, s store, secrets []secretSide) {
	if len(secrets) == 0 {
		return // secrets are made elsewhere
	}
	if !r.complete() {
		r.undecided("the secret " + name)
		return
	}
	known := make([]string, len(secrets))
	for i, candidate := range secrets {
		known[i] = string(candidate.id)
	}
	detail := "Make it with a google_secret_manager_secret, without its value."
	if mean := diag.DidYouMean(name, known); mean != "" {
		detail = fmt.Sprintf("Did you mean %s?", mean)
	}
	nearest := secrets[closest(name, known)]
	for _, candidate := range secrets {
		if candidate.id.is(name) { // of another project
			nearest = candidate
			detail = fmt.Sprintf("%s is in the project %s, and the store reads from %s.", candidate.Address, candidate.project, s.project)
		}
	}
	r.finding("secret-missing", diag.Error, k.o, k.path,
		fmt.Sprintf("no Terraform makes the secret %s in Secret Manager", name), detail,
		related(line(nearest.Resource, nearest.Get("secret_id")), "a secret of the environment"))
}

// mayRead: https://cloud.google.com/secret-manager/docs/access-control
func (r *run) mayRead(k secretKey, w workload, s *secretSide) {
	var grants []*grant
	for _, g := range r.given("secret", "roles/secretmanager.secretAccessor", "roles/secretmanager.admin") {
		if names(g.target, s.Resource, s.id) || strings.HasSuffix(string(text(g.target)), "/secrets/"+string(s.id)) {
			grants = append(grants, g)
		}
	}
	grants = append(grants, r.given("project", "roles/secretmanager.secretAccessor", "roles/secretmanager.admin", "roles/owner")...)
	if r.holds(grants, w) {
		return
	}
	if !r.complete() {
		r.undecided("the rights on " + string(s.id))
		return
	}
	other := related(s.Range, "the secret")
	for _, g := range r.grants {
		if g.on != "secret" || !g.member.is(w) {
			continue
		}
		if names(g.target, s.Resource, s.id) {
			other = related(line(g.Resource, g.Get("role")), "what it may do")
		} else if id := text(g.target); id.known() && !slices.ContainsFunc(r.secrets(), func(s secretSide) bool { return s.id.meets(id) }) {
			other = related(line(g.Resource, g.target), "what it may use")
		}
	}
	r.finding("secret-access-missing", diag.Error, k.o, k.path,
		fmt.Sprintf("%s may not read the secret %s", w, s.id),
		"Give it roles/secretmanager.secretAccessor on the secret, with a google_secret_manager_secret_iam_member.", other)
}
