package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// The Secret that the server's login is read from.
const (
	loginSecretName   = "argo-server-sso"
	loginClientID     = "client-id"
	loginClientSecret = "client-secret"
)

// executorUser is the user of Argo's images (USER 8737 in its Dockerfile).
const executorUser = 8737

// controllerConfig is the data of workflow-controller-configmap: one key for
// each field of Argo's type config.Config, each value a YAML text. What the
// spec says under workflows.config is laid over.
//
// There is no workflowRestrictions: Secure compares a running workflow with its
// template and with workflowDefaults, so that each merge that touches either
// fails the runs under way; and Strict forbids ad-hoc runs. A platform that
// wants either sets it in workflows.config.
func controllerConfig(e *spec.Effective) m {
	keys := controllerKeys(e)
	data := make(m, 0, len(keys))
	for _, f := range keys {
		data = append(data, textOf(f))
	}
	return data
}

// controllerKeys is the configuration before its values are texts, by key.
func controllerKeys(e *spec.Effective) m {
	w := e.Workflows
	config := m{
		{"artifactRepository", at("artifacts", artifactRepository(e))},
		{"executor", executorConfig(e)},
		{"mainContainer", m{{"securityContext", m{
			{"allowPrivilegeEscalation", false},
			{"capabilities", m{{"drop", list{"ALL"}}}},
		}}}},
		// Said although it is the default: the NetworkPolicy opens this port.
		{"metricsConfig", m{
			{"enabled", true},
			{"path", "/metrics"},
			{"port", 9090},
			{"secure", true},
		}},
		{"namespaceParallelism", at("workflows.parallelism.perNamespace", positive(w.Parallelism.PerNamespace))},
		{"parallelism", at("workflows.parallelism.total", positive(w.Parallelism.Total))},
		{"persistence", at("archive", persistence(e))},
		{"sso", at("workflows.server.sso", loginConfig(w.Server.SSO))},
		{"workflowDefaults", workflowDefaults(e)},
	}
	var present m
	for _, f := range config {
		if !absent(f.v) {
			present = append(present, f)
		}
	}
	merged := laidOver(present, w.Config, "workflows.config")
	slices.SortFunc(merged, func(a, b kv) int { return strings.Compare(a.k, b.k) })
	return merged
}

// controllerPersistence is what the configuration says about the archive, the
// user's own part included.
func controllerPersistence(e *spec.Effective) m {
	for _, f := range controllerKeys(e) {
		if strings.EqualFold(f.k, "persistence") {
			return asMap(f.v)
		}
	}
	return nil
}

// databaseSecrets are the names of the Secrets that a persistence logs in with,
// sorted.
func databaseSecrets(persistence m) []string {
	var out []string
	for _, server := range persistence {
		for _, f := range asMap(server.v) {
			if name := text(asMap(f.v), "name"); name != "" && strings.HasSuffix(strings.ToLower(f.k), "secret") {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// textOf makes the value of a key a text, with the source it had.
func textOf(f kv) kv {
	if s, ok := f.v.(sourced); ok {
		return kv{f.k, sourced{s.source, embedded{s.v}}}
	}
	return kv{f.k, embedded{f.v}}
}

// executorConfig is the init and wait container of each workflow pod. The image
// is the variant that does not run as root, which tenants' namespaces forbid.
// Its root filesystem stays writable: argoexec writes beside its volumes
// (argo-workflows issue 10787).
func executorConfig(e *spec.Effective) m {
	return m{
		{"image", at("workflows.version", executorImage(e))},
		{"imagePullPolicy", "IfNotPresent"},
		{"resources", m{
			{"requests", m{{"cpu", "100m"}, {"memory", "128Mi"}}},
			{"limits", m{{"cpu", "500m"}, {"memory", "512Mi"}}},
		}},
		{"securityContext", m{
			{"allowPrivilegeEscalation", false},
			{"capabilities", m{{"drop", list{"ALL"}}}},
			{"runAsNonRoot", true},
			{"runAsUser", executorUser},
			{"seccompProfile", m{{"type", "RuntimeDefault"}}},
		}},
	}
}

func executorImage(e *spec.Effective) string {
	return "quay.io/argoproj/argoexec:" + executorTag(e)
}

func executorTag(e *spec.Effective) string { return e.Workflows.Version + "-nonroot" }

// workflowDefaults reach every workflow, also those that no pipeline of ours
// describes.
//
// They place no pod. The controller merges them deep into a workflow that
// chooses nodes of its own (workflow/util/merge.go): two selectors would add up
// to none, and a run that nobody gave a retry would be lost on a Spot node.
func workflowDefaults(e *spec.Effective) m {
	w := e.Workflows
	return m{{"spec", m{
		{"activeDeadlineSeconds", at("workflows.activeDeadline", seconds(w.ActiveDeadline))},
		{"podGC", at("workflows.podGC", m{
			{"strategy", at("workflows.podGC.strategy", optional(w.PodGC.Strategy))},
			{"deleteDelayDuration", at("workflows.podGC.deleteDelay", optional(argoDuration(w.PodGC.DeleteDelay)))},
		})},
		{"securityContext", podContext()},
		{"serviceAccountName", commonRunner(e)},
		{"ttlStrategy", at("workflows.ttl", m{
			{"secondsAfterSuccess", at("workflows.ttl.afterSuccess", seconds(w.TTL.AfterSuccess))},
			{"secondsAfterFailure", at("workflows.ttl.afterFailure", seconds(w.TTL.AfterFailure))},
		})},
	}}}
}

// commonRunner is the ServiceAccount that every tenant's pods run as, or nil
// where tenants call it by different names. A run that names none would be
// default, which may not even report its result. A controller of scope namespace
// runs nothing where the tenants' accounts are.
func commonRunner(e *spec.Effective) any {
	if e.Workflows.Scope == "namespace" || len(e.Tenants) == 0 {
		return nil
	}
	name := e.Tenants[0].ServiceAccount.Name
	for i := range e.Tenants {
		if e.Tenants[i].ServiceAccount.Name != name {
			return nil
		}
	}
	return at(tenantPath(&e.Tenants[0])+".serviceAccount.name", optional(name))
}

// loginConfig is the server's OpenID Connect client.
func loginConfig(sso *spec.SSO) m {
	if sso == nil {
		return nil
	}
	const from = "workflows.server.sso."
	return m{
		{"issuer", at(from+"issuer", sso.Issuer)},
		{"clientId", at(from+"clientID", secretKey(loginSecretName, loginClientID))},
		{"clientSecret", at(from+"clientSecret", secretKey(loginSecretName, loginClientSecret))},
		{"redirectUrl", at(from+"redirectURL", sso.RedirectURL)},
		{"scopes", at(from+"scopes", strs(sso.Scopes))},
		{"rbac", at(from+"rbac", m{{"enabled", sso.RBAC}})},
	}
}

// laidOver merges the user's values over ours: maps deep, all else as a whole,
// and null removes. Argo matches keys in any case, so a key takes the place of
// ours in whatever case it is written, under our spelling.
func laidOver(base m, over map[string]any, from string) m {
	out := slices.Clone(base)
	for _, key := range slices.Sorted(maps.Keys(over)) {
		value, source := over[key], from+"."+key
		i := slices.IndexFunc(out, func(f kv) bool { return strings.EqualFold(f.k, key) })
		if i < 0 {
			if value != nil {
				out = append(out, kv{key, literal(value, source)})
			}
			continue
		}
		if value == nil {
			out = slices.Delete(out, i, i+1)
			continue
		}
		out[i].v = merged(out[i].v, value, source)
	}
	return out
}

func merged(ours, theirs any, source string) any {
	outer, isSourced := ours.(sourced)
	inner := ours
	if isSourced {
		inner = outer.v
	}
	base, isMap := inner.(m)
	over, overMap := theirs.(map[string]any)
	if !isMap || !overMap {
		return literal(theirs, source)
	}
	result := laidOver(base, over, source)
	if result == nil {
		result = m{}
	}
	if isSourced {
		return sourced{outer.source, result}
	}
	return result
}

// literal turns a value that was read from YAML into ours, with its sources.
func literal(v any, from string) any {
	switch t := v.(type) {
	case map[string]any:
		out := make(m, 0, len(t))
		for _, key := range slices.Sorted(maps.Keys(t)) {
			if t[key] != nil {
				out = append(out, kv{key, literal(t[key], from+"."+key)})
			}
		}
		return at(from, out)
	case []any:
		out := make(list, 0, len(t))
		for i, item := range t {
			out = append(out, literal(item, from+"["+strconv.Itoa(i)+"]"))
		}
		return at(from, out)
	default:
		return at(from, v)
	}
}

// positive turns zero, which means no bound, into nothing.
func positive(n int) any {
	if n <= 0 {
		return nil
	}
	return n
}
