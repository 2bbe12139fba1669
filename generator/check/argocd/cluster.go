package argocd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// annotations of an object that are strings.
func annotations(o *manifest.Object) map[string]string {
	out := map[string]string{}
	value, _ := check.Value(o.Fields, keys(nil, "metadata", "annotations"))
	m, _ := value.(map[string]any)
	for key, v := range m {
		if s, ok := v.(string); ok {
			out[key] = s
		}
	}
	return out
}

// syncAnnotations judges what an object says about its own sync.
// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks/
func (r *run) syncAnnotations(o *manifest.Object) {
	const (
		rule   = "sync-annotation"
		prefix = "argocd.argoproj.io/"
	)
	known := map[string][]string{
		prefix + "hook":               {"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"},
		prefix + "hook-delete-policy": {"HookSucceeded", "HookFailed", "BeforeHookCreation"},
	}
	have := annotations(o)
	if wave, ok := have[prefix+"sync-wave"]; ok {
		if _, err := strconv.Atoi(wave); err != nil {
			r.add(find(o, rule, diag.Warning, keys(nil, "metadata", "annotations", prefix+"sync-wave"), fmt.Sprintf("the sync wave %q is no number: Argo CD takes it for wave 0", wave), `Write a whole number in quotes, such as "-1".`))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		for word := range strings.SplitSeq(have[key], ",") {
			word = strings.TrimSpace(word)
			if word == "" || slices.Contains(known[key], word) {
				continue
			}
			detail := "Known: " + strings.Join(known[key], ", ") + "."
			if meant := diag.DidYouMean(word, known[key]); meant != "" {
				detail = "Did you mean " + meant + "?"
			}
			r.add(find(o, rule, diag.Error, keys(nil, "metadata", "annotations", key), fmt.Sprintf("Argo CD knows no %s %q", strings.TrimPrefix(key, prefix), word), detail))
		}
	}
}

// secretOwners finds an ExternalSecret that owns a Secret which Argo CD's own
// manifests have: the operator refuses it, or deletes it with its own object.
func (r *run) secretOwners() {
	for _, o := range r.in.Objects() {
		if o.Kind != "ExternalSecret" || o.Fields == nil {
			continue
		}
		name, ok := specString(o.Fields, "spec", "target", "name")
		if !ok {
			name = o.Name
		}
		policy, ok := specString(o.Fields, "spec", "target", "creationPolicy")
		if !slices.Contains([]string{"argocd-secret", "argocd-notifications-secret"}, name) || policy == "Merge" || policy == "CreateOrMerge" || policy == "None" {
			continue
		}
		if !ok {
			policy = "Owner"
		}
		r.add(find(o, "argocd-secret-owned", diag.Error, keys(nil, "spec", "target", "creationPolicy"), fmt.Sprintf("the ExternalSecret %s has the creation policy %s for the Secret %s, which belongs to Argo CD", o.Name, policy, name),
			"Argo CD's manifests make the Secret, and its server writes keys of its own into argocd-secret. Write creationPolicy: Merge."))
	}
}

// backends follows the BackendConfigs that Services of GKE name.
// https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration
func (r *run) backends() {
	const annotation = "cloud.google.com/backend-config"
	configs := map[string]*manifest.Object{}
	for _, o := range r.in.Objects() {
		if o.Kind == "BackendConfig" && o.Group() == "cloud.google.com" && o.Fields != nil {
			configs[o.Namespace+"/"+o.Name] = o
		}
	}
	for _, o := range r.in.Objects() {
		text, ok := annotations(o)[annotation]
		if o.Kind != "Service" || o.Group() != "" || !ok {
			continue
		}
		at := keys(nil, "metadata", "annotations", annotation)
		var value struct {
			Default string            `json:"default"`
			Ports   map[string]string `json:"ports"`
		}
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			r.add(find(o, "backend-config-unresolved", diag.Error, at, "the annotation "+annotation+" is no JSON", `Write '{"default": "NAME"}' or '{"ports": {"http": "NAME"}}'.`))
			continue
		}
		names := slices.Sorted(maps.Values(value.Ports))
		if value.Default != "" {
			names = append(names, value.Default)
		}
		for _, name := range slices.Compact(names) {
			config := configs[o.Namespace+"/"+name]
			if config == nil {
				severity := diag.Error
				switch {
				case len(configs) == 0 && r.in.Partial:
					severity = diag.Info
				case r.in.Partial:
					severity = diag.Warning
				}
				r.add(find(o, "backend-config-unresolved", severity, at, fmt.Sprintf("there is no BackendConfig %s in the namespace of %s", name, o.ID()),
					"The load balancer then goes without its health check, and without Identity-Aware Proxy. Mend the name, or render it in the same namespace."))
				continue
			}
			r.insecureBehindProxy(o, config)
		}
	}
}

// insecureBehindProxy finds an Argo CD that redirects to TLS where the load
// balancer has ended it already.
func (r *run) insecureBehindProxy(service, config *manifest.Object) {
	selector, _ := specString(service.Fields, "spec", "selector", "app.kubernetes.io/name")
	on, _ := check.Value(config.Fields, keys(nil, "spec", "iap", "enabled"))
	parameters := r.configMap(parametersName)
	if selector != "argocd-server" || on != true || parameters == nil || data(parameters)["server.insecure"] == "true" {
		return
	}
	f := find(parameters, "argocd-behind-proxy", diag.Warning, keys(nil, "data", "server.insecure"), "Identity-Aware Proxy stands before argocd-server, which answers with a redirect to TLS",
		`The load balancer ends TLS and speaks HTTP to the server: browsers go round in circles, and its health check fails. Write server.insecure: "true".`)
	at, _ := config.Locate(keys(nil, "spec", "iap"))
	f.Related = append(f.Related, diag.Related{Range: at, Message: config.ID()})
	r.add(f)
}

// values judges keys of argocd-cm that take few values.
func (r *run) values(o *manifest.Object, have map[string]string) {
	const rule = "argocd-setting"
	boolean := []string{"true", "false"}
	known := map[string][]string{
		"admin.enabled": boolean, "users.anonymous.enabled": boolean, "exec.enabled": boolean, "ui.bannerpermanent": boolean, "server.rbac.log.enforce.enable": boolean,
		"ui.bannerposition":                  {"top", "bottom", "both"},
		"application.resourceTrackingMethod": {"annotation", "label", "annotation+label"},
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if value := have[key]; value != "" && !slices.Contains(known[key], value) {
			r.add(find(o, rule, diag.Error, keys(nil, "data", key), fmt.Sprintf("%s is %q", key, value), "Write "+diag.OneOf(known[key])+"."))
		}
	}
	if value := have["timeout.reconciliation"]; value != "" {
		if _, err := time.ParseDuration(value); err != nil {
			r.add(find(o, rule, diag.Error, keys(nil, "data", "timeout.reconciliation"), fmt.Sprintf("timeout.reconciliation is no duration: %q", value), "Write 180s or 3m; 0s turns it off."))
		}
	}
	if have["exec.enabled"] == "true" {
		r.add(find(o, rule, diag.Warning, keys(nil, "data", "exec.enabled"), "shells in pods can be opened from Argo CD's pages", "Whoever has the right exec has the pod's service account and secrets. Remove the key."))
	}
}
