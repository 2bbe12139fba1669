# METADATA
# title: A pod tolerates Spot nodes and does not ask for them
# description: |
#   A toleration lets a pod onto Spot nodes, it does not send it there. Whether it runs on cheap nodes that may vanish is then up to the
#   scheduler.
# custom:
#   severity: info
#   slug: spot-toleration-without-selector
package strake.rules.spot_toleration_without_selector

import data.strake.lib

findings contains f if {
	some pod in lib.pods
	input.objects[pod.object].kind != "DaemonSet"
	some t in pod.tolerations
	t.key == "cloud.google.com/gke-spot"
	not lib.prefers_spot(pod)
	count(pod.node_selector) == 0
	f := {
		"object": pod.object,
		"path": place(pod),
		"summary": sprintf("%s tolerates Spot nodes and neither selects nor prefers them", [pod.name]),
		"detail": "Add the nodeSelector {cloud.google.com/gke-spot: \"true\"}, or a node affinity that prefers it, or remove the toleration.",
	}
}

place(pod) := array.concat(pod.path, ["tolerations"]) if {
	pod.argo
	pod.template.own.tolerations
} else := array.concat(pod.workflow.path, ["tolerations"]) if {
	pod.argo
	pod.workflow.spec.tolerations
} else := pod.path if {
	pod.argo
} else := array.concat(pod.path, ["tolerations"])
