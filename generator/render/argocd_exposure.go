package render

import (
	"net/url"

	"strake/generator/spec"
)

// iapName is the name of all that puts Identity-Aware Proxy in front of the
// server. The Service is our own and not the install's: an annotation on an
// object that somebody else applies would be there one day and gone the next.
const iapName = argocdServer + "-iap"

// iap is the proxy in front of the server, or nil.
func iap(e *spec.Effective) *spec.IAP {
	if e.ArgoCD.Exposure == nil {
		return nil
	}
	return e.ArgoCD.Exposure.IAP
}

// argocdExposure is the way in from outside for the host of the URL. Argo CD
// asks for its own login all the same: it does not read who the proxy let in.
func argocdExposure(e *spec.Effective) []object {
	i := iap(e)
	if i == nil {
		return nil
	}
	x := exposure{
		name:        iapName,
		from:        iapPath,
		metadata:    func(name string) m { return metadata(e, e.ArgoCD.Namespace, name, "exposure") },
		host:        at("argocd.url", urlHost(e.ArgoCD.URL)),
		certificate: i.Certificate,
		policy:      i.SecurityPolicy,
		staticIP:    i.StaticIP,
		healthPath:  "/healthz",
		healthPort:  8080,
		// Logs and events are streams: the default would cut them after 30 seconds.
		timeout: 3600,
	}
	if i.OAuthClient != nil {
		x.client = at(iapPath+".oauthClient", m{{"secretName", argocdIAPSecret}})
	}
	service := object{from: iapPath, doc: m{
		{"apiVersion", "v1"},
		{"kind", "Service"},
		{"metadata", append(x.metadata(iapName), kv{"annotations", x.annotations()})},
		{"spec", m{
			{"type", "ClusterIP"},
			{"ports", list{m{{"name", httpPort}, {"port", 80}, {"protocol", "TCP"}, {"targetPort", 8080}}}},
			{"selector", m{{nameLabel, argocdServer}}},
		}},
	}}
	return append([]object{service}, x.objects()...)
}

const iapPath = "argocd.exposure.iap"

// iapClient is an OAuth client of one's own. Google manages one otherwise.
func iapClient(e *spec.Effective) []object {
	i := iap(e)
	if i == nil || i.OAuthClient == nil {
		return nil
	}
	const from = iapPath + ".oauthClient"
	return []object{fetchedSecret(e, argocdIAPSecret, e.ArgoCD.Namespace, from,
		fetched{"client_id", i.OAuthClient.ID, from + ".id"},
		fetched{"client_secret", i.OAuthClient.Secret, from + ".secret"},
	)}
}

// urlHost is the host of a URL.
func urlHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
