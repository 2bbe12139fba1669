# METADATA
# title: The load balancer speaks HTTP to an Argo CD that wants HTTPS
# description: |
#   With Identity-Aware Proxy the load balancer ends TLS. Without server.insecure argocd-server answers every request with a redirect
#   to HTTPS, which comes back through the same load balancer, for ever.
# custom:
#   severity: warning
#   slug: argocd-iap-insecure
package strake.rules.argocd_iap_insecure

import data.strake.lib

findings contains f if {
	some i in lib.indices.ConfigMap
	o := input.objects[i]
	lib.name(o) == "argocd-cmd-params-cm"
	object.get(o, ["data", "server.insecure"], "") != "true"
	some service in proxied
	lib.same_namespace(service.namespace, lib.namespace(o))
	f := {
		"object": i,
		"path": ["data", "server.insecure"],
		"summary": sprintf("the Service %s is behind Identity-Aware Proxy, and argocd-server redirects to HTTPS", [service.name]),
		"detail": `Write server.insecure: "true", or have the load balancer speak HTTPS with cloud.google.com/app-protocols.`,
		"related": [{"object": service.object, "path": service.path, "message": "the proxy"}],
	}
}

# proxied are the Services of argocd-server whose BackendConfig has the proxy on.
proxied contains {"object": b.object, "path": b.path, "name": lib.name(o), "namespace": b.namespace} if {
	some b in lib.backend_configs
	o := input.objects[b.object]
	object.get(o, ["spec", "selector", "app.kubernetes.io/name"], "") == "argocd-server"
	not contains(lib.annotation(o, "cloud.google.com/app-protocols"), "HTTPS")
	some j in lib.indices.BackendConfig
	config := input.objects[j]
	lib.name(config) == b.name
	lib.same_namespace(lib.namespace(config), b.namespace)
	config.spec.iap.enabled == true
	not insecure_flag
}

# insecure_flag holds where the flag is given instead of the parameter.
insecure_flag if {
	some entry in lib.workload_containers
	lib.image_name(object.get(entry.container, "image", "")) == "argocd"
	"--insecure" in lib.container_words(entry.container)
}
