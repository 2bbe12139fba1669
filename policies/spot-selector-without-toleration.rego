# METADATA
# title: A pod selects Spot nodes and does not tolerate their taint
# description: |
#   Spot pools carry the taint cloud.google.com/gke-spot=true:NoSchedule. A pod that selects them without the toleration stays
#   Pending for ever, and nothing fails.
# custom:
#   severity: error
#   slug: spot-selector-without-toleration
package strake.rules.spot_selector_without_toleration

import data.strake.lib

findings contains f if {
	not lib.autopilot
	some pod in lib.pods
	lib.selects_spot(pod)
	not lib.tolerates(pod.tolerations, lib.spot_taint)
	not tolerated_by_parent(pod)
	tainted(pod)
	f := {
		"object": pod.object,
		"path": place(pod),
		"severity": severity,
		"summary": sprintf("%s selects Spot nodes and does not tolerate their taint", [pod.name]),
		"detail": "Add the toleration {key: cloud.google.com/gke-spot, operator: Equal, value: \"true\", effect: NoSchedule} beside the selector. On a template it replaces the workflow's tolerations.",
	}
}

# place is the selector, or the affinity where that selects.
place(pod) := pod.selector_path if count(pod.node_selector) > 0

place(pod) := pod.path if count(pod.node_selector) == 0

# tainted holds unless the spec declares a fitting Spot pool without the taint.
tainted(pod) if {
	not free_pool(pod)
}

free_pool(pod) if {
	some pool in lib.pools
	lib.fits(pod.node_selector, pool.labels)
	not lib.spot_taint in pool.taints
}

# Without a spec the taint is what GKE's documentation asks for, not a fact.
default severity := "error"

severity := "warning" if {
	count(lib.pools) == 0
	not lib.prod
}

# A template without scheduling fields takes those of the DAG that runs it.
tolerated_by_parent(pod) if {
	pod.argo
	some t in lib.own_templates
	t.object == pod.object
	not pod.template.own.tolerations
	some type in ["dag", "steps"]
	t.own[type]
	lib.tolerates(lib.as_array(object.get(t.own, "tolerations", [])), lib.spot_taint)
}
