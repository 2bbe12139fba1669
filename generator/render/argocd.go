package render

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// Names of the official manifests of Argo CD, which it reads its configuration
// by. They do not depend on who installs it.
const (
	argocdConfigMap        = "argocd-cm"
	argocdRBACConfigMap    = "argocd-rbac-cm"
	argocdParamsConfigMap  = "argocd-cmd-params-cm"
	argocdNoticesConfigMap = "argocd-notifications-cm"
	argocdNoticesSecret    = "argocd-notifications-secret"
	argocdServer           = "argocd-server"
)

// argocdPart marks what is Argo CD's own. It reads no ConfigMap, and takes a
// value from no Secret, without this label (util/settings partOfArgoCDSelector).
var argocdPart = kv{partOfLabel, "argocd"}

// argocd is the Argo CD of the environment. Where somebody else installs it, the
// overlay holds what stands on its own: the ConfigMaps that every install has,
// and what Secrets and a way in need. Where its official manifests are vendored
// it lies on them, and the ConfigMaps are patches.
func argocd(e *spec.Effective) app {
	settings := []object{
		argocdSettings(e),
		argocdRBAC(e),
		argocdParams(e),
		argocdNotices(e),
	}
	a := app{name: argocdApp, base: "argocd", namespace: e.ArgoCD.Namespace, from: "argocd"}
	if vendorsArgoCD(e) {
		a.vendored = []string{path.Join("argocd", e.ArgoCD.Version, "install")}
		a.patches = argocdPatches(e, settings)
		a.objects = append(argocdStyle(e), platformNamespace(e, e.ArgoCD.Namespace, "argocd.namespace", "restricted"))
	} else {
		a.objects = settings
	}
	a.objects = append(a.objects, argocdSecrets(e)...)
	a.objects = append(a.objects, argocdExposure(e)...)
	return a
}

// argocdConfig is a ConfigMap of the install, which owns it together with us.
// So it is applied server-side, which leaves the keys of the install alone, and
// it is never deleted: Argo CD does not start without it.
//
// All of them are rendered at all times. What leaves the spec then leaves the
// ConfigMap, and nothing has to be pruned for it.
func argocdConfig(e *spec.Effective, name, from string, marks, data m) object {
	return object{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "ConfigMap"},
		{"metadata", m{
			{"name", name},
			{"namespace", at("argocd.namespace", e.ArgoCD.Namespace)},
			{"labels", marks},
			{"annotations", m{{objectOptions, "ServerSideApply=true,Prune=false,Delete=false"}}},
		}},
		{"data", data},
	}}
}

// officialLabels are those that the ConfigMaps of the official manifests have.
func officialLabels(name string) m { return m{{"app.kubernetes.io/name", name}, argocdPart} }

// argocdSettings is argocd-cm. What the spec says under argocd.config is laid
// over.
func argocdSettings(e *spec.Effective) object {
	cd := e.ArgoCD
	data := m{
		{"admin.enabled", at("argocd.admin", strconv.FormatBool(cd.Admin))},
		{"url", at("argocd.url", optional(cd.URL))},
	}
	if !cd.AtLeast(3, 0) {
		data = append(data,
			// By label, two Applications whose names are alike in 63 characters would own
			// each other's objects; and the operator of secrets copies labels. The default
			// since 3.0.
			kv{"application.resourceTrackingMethod", at("argocd.version", "annotation")},
			// Whoever may see an Application may read its pods' logs otherwise, whatever the
			// policy says about logs. Since 3.0 it is always so.
			kv{"server.rbac.log.enforce.enable", at("argocd.version", "true")},
		)
	}
	data = append(data, argocdLogin(cd)...)
	data = append(data, argocdBanner(e)...)
	own := make(map[string]any, len(cd.Config))
	for key, value := range cd.Config {
		own[key] = value
	}
	keys := laidOver(data, own, "argocd.config")
	all := make(map[string]any, len(keys))
	for _, f := range keys {
		all[f.k] = f.v
	}
	return argocdConfig(e, argocdConfigMap, "argocd", officialLabels(argocdConfigMap), sorted(all))
}

// argocdBanner stands above and below every page and cannot be closed, so that
// nobody takes one environment for another. Its color is a style sheet that the
// server needs a mount for, so only an install of our own has it.
func argocdBanner(e *spec.Effective) m {
	b := e.ArgoCD.Banner
	if b == nil {
		return nil
	}
	const from = "argocd.banner"
	var sheet any
	if styled(e) {
		sheet = at(from+".color", "./custom/"+argocdStyles)
	}
	return m{
		{"ui.cssurl", sheet},
		{"ui.bannercontent", at(from+".text", b.Text)},
		{"ui.bannerurl", at(from+".url", optional(b.URL))},
		{"ui.bannerpermanent", at(from, "true")},
		{"ui.bannerposition", at(from, "both")},
	}
}

// argocdLogin is the OpenID Connect client of people.
func argocdLogin(cd *spec.ArgoCD) m {
	if cd.SSO == nil || cd.SSO.OIDC == nil {
		return nil
	}
	const from = "argocd.sso.oidc."
	o := cd.SSO.OIDC
	config := m{
		{"name", at(from+"name", o.Name)},
		{"issuer", at(from+"issuer", o.Issuer)},
		{"clientID", at(from+"clientID", o.ClientID)},
		// A key of a Secret of its own: argocd-secret is written by the server.
		{"clientSecret", at(from+"clientSecret", "$"+argocdLoginSecret+":"+argocdLoginKey)},
		{"requestedScopes", at(from+"scopes", strs(o.Scopes))},
	}
	if o.GroupsClaim {
		claim := m{{"essential", true}}
		if isAzure(o.Issuer) {
			claim = append(claim, kv{"value", at(from+"issuer", "SecurityGroup")})
		}
		config = append(config, kv{"requestedIDTokenClaims", at(from+"groupsClaim", m{{"groups", claim}})})
	}
	return m{{"oidc.config", at("argocd.sso.oidc", embedded{config})}}
}

// isAzure reports whether an issuer is Microsoft Entra ID, once Azure AD, in one
// of its clouds.
func isAzure(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == "login.microsoftonline.com" || host == "login.microsoftonline.us" || host == "login.partner.microsoftonline.cn" || host == "sts.windows.net"
}

// argocdParams is argocd-cmd-params-cm: flags of the components, read when they
// start.
func argocdParams(e *spec.Effective) object {
	var data m
	if iap(e) != nil {
		// The load balancer ends TLS, and speaks HTTP to the pod.
		data = m{{"server.insecure", at("argocd.exposure.iap", "true")}}
	}
	return argocdConfig(e, argocdParamsConfigMap, "argocd", officialLabels(argocdParamsConfigMap), data)
}
