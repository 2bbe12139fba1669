# METADATA
# title: A pod selects nodes that no pool has
# description: |
#   No declared node pool has the labels that the pod selects: it stays Pending, and the autoscaler adds no node for it.
# custom:
#   severity: error
#   slug: node-selector-without-pool
package strake.rules.node_selector_without_pool

import data.strake.lib

findings contains f if {
	count(lib.pools) > 0
	some pod in lib.pods
	wanted := lib.asked_of_pool(pod.node_selector)
	count(wanted) > 0
	not some_pool(wanted)
	f := {
		"object": pod.object,
		"path": pod.selector_path,
		"summary": sprintf("no node pool has the labels %s, which %s selects", [labels(wanted), pod.name]),
		"detail": sprintf("Select labels of one of the pools %s, or declare the pool under cluster.nodePools.", [concat(", ", sort(object.keys(lib.pools)))]),
	}
}

some_pool(wanted) if {
	some pool in lib.pools
	lib.fits(wanted, pool.labels)
}

labels(wanted) := concat(", ", [sprintf("%s=%v", [k, wanted[k]]) | some k in sort(object.keys(wanted))])
