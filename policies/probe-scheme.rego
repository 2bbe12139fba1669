# METADATA
# title: The probe and argo-server speak different schemes
# description: |
#   argo-server serves HTTPS unless --secure=false is given. A probe with the other scheme fails, the pod never becomes ready, and the
#   Service has no endpoints.
# custom:
#   severity: error
#   slug: probe-scheme
package strake.rules.probe_scheme

import data.strake.lib

findings contains f if {
	some s in lib.servers
	some kind in ["readinessProbe", "livenessProbe", "startupProbe"]
	probe := s.container[kind].httpGet
	has := object.get(probe, "scheme", "HTTP")
	has != scheme(s)
	f := {
		"object": s.object,
		"path": array.concat(s.path, [kind, "httpGet"]),
		"summary": sprintf("the %s speaks %s and argo-server %s", [kind, has, scheme(s)]),
		"detail": sprintf("Set scheme: %s.", [scheme(s)]),
	}
}

scheme(s) := "HTTP" if lib.has_flag(s.words, "--secure", "false")

scheme(s) := "HTTPS" if not lib.has_flag(s.words, "--secure", "false")
