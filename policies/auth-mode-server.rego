# METADATA
# title: Argo's server lets every caller act as itself
# description: |
#   With --auth-mode=server there is no login: whoever reaches the port has the rights of the server's service account, which
#   may create workflows, and so pods with any service account of the namespace.
# custom:
#   severity: error
#   slug: auth-mode-server
package strake.rules.auth_mode_server

import data.strake.lib

findings contains f if {
	some s in lib.servers
	lib.has_flag(s.words, "--auth-mode", "server")
	f := {
		"object": s.object,
		"path": place(s),
		"severity": severity,
		"summary": "argo-server runs with --auth-mode=server: nobody has to log in",
		"detail": "Use --auth-mode=client, or --auth-mode=sso with an identity provider. Both may be given.",
	}
}

place(s) := array.concat(s.path, ["args", i]) if {
	some i, word in s.container.args
	word in {"--auth-mode=server", "--auth-mode"}
	flagged(s.container.args, i)
} else := array.concat(s.path, ["command"])

flagged(args, i) if args[i] == "--auth-mode=server"

flagged(args, i) if {
	args[i] == "--auth-mode"
	args[i + 1] == "server"
}

default severity := "error"

# A local cluster that nobody else reaches is what the mode is for.
severity := "warning" if {
	lib.dev
	not exposed
}

exposed if {
	some i in lib.indices.Service
	o := input.objects[i]
	o.spec.type in {"LoadBalancer", "NodePort"}
	for_server(o)
}

exposed if {
	some kind in ["Ingress", "HTTPRoute"]
	some i in lib.indices[kind]
	walk(input.objects[i].spec, [_, v])
	v == "argo-server"
}

for_server(service) if contains(lib.name(service), "argo-server")

for_server(service) if service.spec.selector.app == "argo-server"
