# METADATA
# title: A Spot node does not wait as long as the pod wants
# description: |
#   GKE gives user pods 15 seconds when a Spot node is taken away. What a pod wanted to do in a longer terminationGracePeriodSeconds is
#   not done.
# custom:
#   severity: warning
#   slug: spot-grace-period
package strake.rules.spot_grace_period

import data.strake.lib

# limit is what user pods get: https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
limit := 15

# The default of 30 seconds is nobody's wish and is not reported.
findings contains f if {
	some pod in lib.workloads
	lib.selects_spot(pod)
	wish := pod.spec.terminationGracePeriodSeconds
	wish > limit
	wish != 30
	f := {
		"object": pod.object,
		"path": array.concat(pod.path, ["terminationGracePeriodSeconds"]),
		"summary": sprintf("the pod wants %d seconds to end, and a Spot node gives it %d", [wish, limit]),
		"detail": "Save state while running, not at the end. From GKE 1.35 a node pool can be given up to 120 seconds.",
	}
}
