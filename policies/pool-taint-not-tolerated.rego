# METADATA
# title: No node pool that fits a pod lets it on
# description: |
#   Every node pool that has the labels a pod selects also has a taint that the pod does not tolerate. It stays Pending until its
#   deadline.
# custom:
#   severity: error
#   slug: pool-taint-not-tolerated
package strake.rules.pool_taint_not_tolerated

import data.strake.lib

findings contains f if {
	some pod in lib.pods
	asked := lib.asked_of_pool(pod.node_selector)
	count(asked) > 0
	fitting := {pool_name: refused |
		some pool_name, pool in lib.pools
		lib.fits(asked, pool.labels)

		# The Spot taint has a rule of its own, which works without a spec too.
		refused := [t | some t in pool.taints; t != lib.spot_taint; not tolerated(pod, t)]
	}
	count(fitting) > 0
	every _, refused in fitting {
		count(refused) > 0
	}
	t := [x | some refused in fitting; some x in refused][0]
	f := {
		"object": pod.object,
		"path": pod.selector_path,
		"summary": sprintf("%s selects the node pool %s and does not tolerate its taint %s=%s:%s", [pod.name, concat(", ", sort(object.keys(fitting))), t.key, object.get(t, "value", ""), object.get(t, "effect", "NoSchedule")]),
		"detail": "Add the toleration beside the selector. On an Argo template it replaces the workflow's tolerations.",
	}
}

tolerated(pod, t) if lib.tolerates(pod.tolerations, object.union({"effect": "NoSchedule"}, t))

# GKE adds this toleration to pods that request a GPU.
tolerated(pod, t) if {
	t.key == "nvidia.com/gpu"
	lib.asks_gpu(pod)
}

# A template without tolerations takes those of the DAG that runs it.
tolerated(pod, t) if {
	pod.argo
	not pod.template.own.tolerations
	some parent in lib.own_templates
	parent.object == pod.object
	some type in ["dag", "steps"]
	parent.own[type]
	lib.tolerates(lib.as_array(object.get(parent.own, "tolerations", [])), object.union({"effect": "NoSchedule"}, t))
}
