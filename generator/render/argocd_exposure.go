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

// argocdExposure is the way in from outside: a GKE Ingress for the host of the
// URL, straight to the pods. The proxy lets in only whom IAM names, and Argo CD
// asks for its own login all the same: it does not read who the proxy let in.
func argocdExposure(e *spec.Effective) []object {
	i := iap(e)
	if i == nil {
		return nil
	}
	host := at("argocd.url", urlHost(e.ArgoCD.URL))
	return []object{iapService(e), iapBackend(e, i), iapFrontend(e), iapCertificate(e, i, host), iapIngress(e, i, host)}
}

const iapPath = "argocd.exposure.iap"

// iapMetadata names an object of the way in.
func iapMetadata(e *spec.Effective, name string, annotations m) m {
	return append(metadata(e, e.ArgoCD.Namespace, name, "exposure"), kv{"annotations", annotations})
}

func iapService(e *spec.Effective) object {
	return object{from: iapPath, doc: m{
		{"apiVersion", "v1"},
		{"kind", "Service"},
		{"metadata", iapMetadata(e, iapName, m{
			{"cloud.google.com/backend-config", `{"default": "` + iapName + `"}`},
			{"cloud.google.com/neg", `{"ingress": true}`},
		})},
		{"spec", m{
			{"type", "ClusterIP"},
			{"ports", list{m{{"name", "http"}, {"port", 80}, {"protocol", "TCP"}, {"targetPort", 8080}}}},
			{"selector", m{{"app.kubernetes.io/name", argocdServer}}},
		}},
	}}
}

func iapBackend(e *spec.Effective, i *spec.IAP) object {
	proxy := m{{"enabled", true}}
	if i.OAuthClient != nil {
		proxy = append(proxy, kv{"oauthclientCredentials", at(iapPath+".oauthClient", m{{"secretName", argocdIAPSecret}})})
	}
	var armor m
	if i.SecurityPolicy != "" {
		armor = m{{"name", at(iapPath+".securityPolicy", i.SecurityPolicy)}}
	}
	return object{from: iapPath, doc: m{
		{"apiVersion", "cloud.google.com/v1"},
		{"kind", "BackendConfig"},
		{"metadata", iapMetadata(e, iapName, nil)},
		{"spec", m{
			{"iap", proxy},
			{"healthCheck", m{
				{"type", "HTTP"},
				{"requestPath", "/healthz"},
				{"port", 8080},
				{"checkIntervalSec", 15},
				{"timeoutSec", 5},
			}},
			{"securityPolicy", armor},
			// Logs and events are streams: the default would cut them after 30 seconds.
			{"timeoutSec", 3600},
			{"connectionDraining", m{{"drainingTimeoutSec", 60}}},
		}},
	}}
}

func iapFrontend(e *spec.Effective) object {
	return object{from: iapPath, doc: m{
		{"apiVersion", "networking.gke.io/v1beta1"},
		{"kind", "FrontendConfig"},
		{"metadata", iapMetadata(e, iapName, nil)},
		{"spec", m{{"redirectToHttps", m{{"enabled", true}}}}},
	}}
}

func iapCertificate(e *spec.Effective, i *spec.IAP, host any) object {
	return object{from: iapPath + ".certificate", doc: m{
		{"apiVersion", "networking.gke.io/v1"},
		{"kind", "ManagedCertificate"},
		{"metadata", iapMetadata(e, i.Certificate, nil)},
		{"spec", m{{"domains", list{host}}}},
	}}
}

func iapIngress(e *spec.Effective, i *spec.IAP, host any) object {
	return object{from: iapPath, doc: m{
		{"apiVersion", "networking.k8s.io/v1"},
		{"kind", "Ingress"},
		{"metadata", iapMetadata(e, iapName, m{
			// GKE reads the class here and nowhere else.
			{"kubernetes.io/ingress.class", "gce"},
			{"kubernetes.io/ingress.global-static-ip-name", at(iapPath+".staticIP", optional(i.StaticIP))},
			{"networking.gke.io/managed-certificates", at(iapPath+".certificate", i.Certificate)},
			{"networking.gke.io/v1beta1.FrontendConfig", iapName},
		})},
		{"spec", m{{"rules", list{m{
			{"host", host},
			{"http", m{{"paths", list{m{
				{"path", "/"},
				{"pathType", "Prefix"},
				{"backend", m{{"service", m{{"name", iapName}, {"port", m{{"name", "http"}}}}}}},
			}}}}},
		}}}}},
	}}
}

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
