package argocd

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

const (
	// settingsName is the ConfigMap of Argo CD's settings.
	settingsName = "argocd-cm"
	// parametersName is the ConfigMap of its components' parameters.
	parametersName = "argocd-cmd-params-cm"
)

// settings judges the ConfigMaps that Argo CD is configured with.
func (r *run) settings(p *policy) {
	r.placement()
	if o := r.configMap(parametersName); o != nil && data(o)["server.disable.auth"] == "true" {
		r.add(find(o, "argocd-auth-disabled", diag.Error, keys(nil, "data", "server.disable.auth"), "Argo CD asks nobody who they are",
			"Everybody who reaches the server is an administrator. Remove the key, and set up a login."))
	}
	o := r.configMap(settingsName)
	if o == nil {
		return
	}
	values := data(o)
	if values["users.anonymous.enabled"] == "true" {
		r.add(find(o, "argocd-anonymous", diag.Error, keys(nil, "data", "users.anonymous.enabled"), "who is not logged in has the default role",
			"Remove the key: policy.default is for those who have logged in."))
	}
	r.login(p, o, values)
	r.values(o, values)
	r.kustomizeOptions(o, values)
	r.stylesheet(o, values)
	for _, t := range r.texts(o, "argocd-setting", func(key string) bool { return key == "oidc.config" || key == "dex.config" }) {
		r.literals(t, t.value, nil)
	}
}

// login finds an Argo CD that nobody can administrate, or that everybody with
// one password can.
func (r *run) login(p *policy, o *manifest.Object, values map[string]string) {
	at := keys(nil, "data", "admin.enabled")
	sso := values["oidc.config"] != "" || values["dex.config"] != ""
	if values["oidc.config"] != "" && values["dex.config"] != "" {
		r.add(find(o, "argocd-setting", diag.Warning, keys(nil, "data", "dex.config"), "both oidc.config and dex.config are set, and Argo CD reads oidc.config", "Remove dex.config."))
	}
	if sso && values["url"] == "" {
		r.add(find(o, "argocd-setting", diag.Error, keys(nil, "data"), "there is a login and url is missing", "The identity provider sends people back to url: write https://argocd.example.com."))
	}
	if values["admin.enabled"] != "false" {
		if r.prod && sso {
			r.add(find(o, "argocd-admin-enabled", diag.Warning, at, "the built-in administrator is on, beside a login", `Write admin.enabled: "false", with a group that has role:admin: a shared password has no name.`))
		}
		return
	}
	accounts := slices.ContainsFunc(slices.Collect(maps.Keys(values)), func(key string) bool { return strings.HasPrefix(key, "accounts.") })
	administrators := slices.ContainsFunc(p.statements, func(s statement) bool { return s.is("g") && s.fields[2] == "role:admin" })
	switch {
	case !sso && !accounts:
		r.add(find(o, "argocd-admin-lockout", diag.Error, at, "the administrator is off, and there is no other login", `Set oidc.config or dex.config, or write admin.enabled: "true".`))
	case p.o == nil: // the policy is kept elsewhere
	case !administrators && p.defaultRole != "role:admin":
		r.add(find(o, "argocd-admin-lockout", diag.Error, at, "the administrator is off, and no group has role:admin", "Write g, GROUP, role:admin into policy.csv of argocd-rbac-cm."))
	}
}

var optionName = regexp.MustCompile(`--[a-z_-]+`)

// kustomizeOptions finds flags that let a repository out of itself.
func (r *run) kustomizeOptions(o *manifest.Object, values map[string]string) {
	const rule = "argocd-kustomize-options"
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !strings.HasPrefix(key, "kustomize.buildOptions") {
			continue
		}
		at, flags := keys(nil, "data", key), optionName.FindAllString(values[key], -1)
		for _, flag := range flags {
			switch flag {
			case "--enable-exec", "--enable-alpha-plugins":
				r.add(find(o, rule, diag.Error, at, fmt.Sprintf("%s lets every repository run programs in the repo server", flag), "Remove the flag."))
			case "--load_restrictor":
				r.add(find(o, rule, diag.Error, at, "kustomize no longer knows --load_restrictor", "Remove the flag."))
			case "--enable-helm":
				r.add(find(o, rule, diag.Warning, at, "--enable-helm fetches charts while manifests are made", "Render the chart into the repository: what is deployed is then what was reviewed."))
			}
		}
		if strings.Contains(values[key], "LoadRestrictionsNone") {
			r.add(find(o, rule, diag.Error, at, "LoadRestrictionsNone lets every repository read the repo server's files", "Remove the flag."))
		}
	}
}

// stylesheet follows ui.cssurl to the file that it names.
func (r *run) stylesheet(o *manifest.Object, values map[string]string) {
	const rule = "argocd-stylesheet"
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if strings.HasSuffix(key, ".css") {
			r.add(find(o, rule, diag.Warning, keys(nil, "data", key), fmt.Sprintf("Argo CD does not read %s from argocd-cm", key), "Put it into the ConfigMap argocd-styles-cm, mounted at /shared/app/custom in argocd-server."))
		}
	}
	for _, cm := range r.in.Objects() {
		if cm.Kind != "ConfigMap" || cm.Fields == nil {
			continue
		}
		for key, css := range data(cm) {
			if strings.HasSuffix(key, ".css") && strings.Contains(css, ".nav-bar") {
				r.add(find(cm, rule, diag.Warning, keys(nil, "data", key), "the style is for .nav-bar, which Argo CD no longer has", "Write .sidebar, and a banner beside it: ui.bannercontent does not depend on the page."))
			}
		}
	}
	file, own := strings.CutPrefix(values["ui.cssurl"], "./custom/")
	server := r.object("Deployment", "argocd-server")
	if !own || server == nil {
		return
	}
	if !r.mounted(server, file) {
		r.add(find(o, rule, diag.Error, keys(nil, "data", "ui.cssurl"), fmt.Sprintf("argocd-server has no file custom/%s", file),
			fmt.Sprintf("Mount a ConfigMap with the key %s at /shared/app/custom in argocd-server.", file)))
	}
}

// mounted reports whether a file of a ConfigMap is mounted where argocd-server
// serves it from.
func (r *run) mounted(server *manifest.Object, file string) bool {
	for _, pod := range check.PodTemplates(server, check.WorkflowDefaults{}) {
		volumes := map[string]string{} // name → ConfigMap
		list, _ := pod.Spec["volumes"].([]any)
		for _, v := range list {
			m, _ := v.(map[string]any)
			name, _ := m["name"].(string)
			source, _ := m["configMap"].(map[string]any)
			volumes[name], _ = source["name"].(string)
		}
		for _, c := range pod.Containers() {
			mounts, _ := c.Fields["volumeMounts"].([]any)
			for _, v := range mounts {
				m, _ := v.(map[string]any)
				at, _ := m["mountPath"].(string)
				name, _ := m["name"].(string)
				cm := r.configMap(volumes[name])
				_, there := data(cm)[file]
				if (path.Clean(at) == "/shared/app/custom" || path.Clean(at) == "/shared/app/custom/"+file) && (cm == nil && volumes[name] != "" || there) {
					return true
				}
			}
		}
	}
	return false
}

// secretWords are the ends of keys whose values are secrets.
var secretWords = regexp.MustCompile(`(?i)(secret|token|password|passwd|privatekey|apikey|apikeys|credentials?)$`)

// literals finds secrets that stand in a setting. Argo CD fills in $KEY from
// argocd-secret and $SECRET:KEY from another Secret.
func (r *run) literals(t text, value any, at manifest.Path) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			here := keys(at, key)
			s, isText := v[key].(string)
			if isText && s != "" && !strings.HasPrefix(s, "$") && secretWords.MatchString(key) {
				d := t.finding("argocd-secret-literal", here, fmt.Sprintf("%s of %s stands in Git", key, t.key), "Write $KEY, which Argo CD takes from its Secret, or $SECRET:KEY. This one is to be replaced: it is known now.")
				d.Sensitive = true
				r.add(d)
				continue
			}
			r.literals(t, v[key], here)
		}
	case []any:
		for i, item := range v {
			r.literals(t, item, index(at, i))
		}
	}
}

// placement finds a part of Argo CD that does not run where the others do: the
// application controller is a StatefulSet, and patches for Deployments miss it.
func (r *run) placement() {
	type part struct {
		o    *manifest.Object
		pool string
		at   manifest.Path
	}
	var parts []part
	placed := 0
	for _, o := range r.in.Objects() {
		if (o.Kind != "Deployment" && o.Kind != "StatefulSet") || !strings.HasPrefix(o.Name, "argocd-") || o.Fields == nil {
			continue
		}
		for _, pod := range check.PodTemplates(o, check.WorkflowDefaults{}) {
			at := pod.At(manifest.Step{Key: "nodeSelector"})
			selector, _ := pod.Spec["nodeSelector"].(map[string]any)
			var pairs []string
			for _, key := range slices.Sorted(maps.Keys(selector)) {
				if key == "kubernetes.io/os" || key == "kubernetes.io/arch" {
					continue
				}
				if key == "cloud.google.com/gke-nodepool" {
					r.add(find(o, "argocd-placement", diag.Warning, keys(at, key), fmt.Sprintf("%s is tied to a node pool by its name", o.Name), "When the pool is replaced by another, Argo CD waits for one that is gone, and cannot repair itself. Select a label of your own."))
				}
				pairs = append(pairs, fmt.Sprintf("%s=%v", key, selector[key]))
			}
			if len(pairs) > 0 {
				placed++
			}
			parts = append(parts, part{o, strings.Join(pairs, ","), at})
		}
	}
	if placed == 0 || placed == len(parts) {
		return
	}
	for _, p := range parts {
		if p.pool == "" {
			r.add(find(p.o, "argocd-placement", diag.Warning, p.at, fmt.Sprintf("%s runs anywhere, and other parts of Argo CD have nodes of their own", p.o.Name), "Patch all Deployments and the StatefulSet: target the label app.kubernetes.io/part-of=argocd."))
		}
	}
}
