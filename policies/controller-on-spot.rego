# METADATA
# title: A controller runs on Spot nodes
# description: |
#   The workflow controller and Argo CD's application controller are single: while their node is being replaced no workflow goes on and
#   nothing is synced.
# custom:
#   severity: warning
#   slug: controller-on-spot
package strake.rules.controller_on_spot

import data.strake.lib

findings contains f if {
	some pod in lib.workloads
	o := input.objects[pod.object]
	o.kind in {"Deployment", "StatefulSet"}
	control_plane(o)
	some how in [way(pod)]
	f := {
		"object": pod.object,
		"path": array.concat(pod.path, [how[1]]),
		"severity": lib.severe,
		"summary": sprintf("%s %s Spot nodes", [lib.id(o), how[0]]),
		"detail": "Keep controllers on an on-demand pool: remove the toleration and the selector.",
	}
}

way(pod) := ["selects", "nodeSelector"] if {
	lib.selects_spot(pod)
	count(pod.node_selector) > 0
} else := ["selects", "affinity"] if {
	lib.selects_spot(pod)
} else := ["tolerates", "tolerations"] if {
	some t in pod.tolerations
	t.key in {"cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible"}
}

control_plane(o) if lib.label(o, "app.kubernetes.io/part-of") in {"argo-workflows", "argocd"}

control_plane(o) if {
	some c in array.concat(lib.controllers, lib.servers)
	input.objects[c.object] == o
}

control_plane(o) if regex.match(`^(argocd|argo-cd)-(application-controller|server|repo-server|applicationset-controller|redis|dex-server|notifications-controller)$`, lib.name(o))
