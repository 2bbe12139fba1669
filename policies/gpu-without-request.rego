# METADATA
# title: A pod selects GPU nodes and asks for no GPU
# description: |
#   Without nvidia.com/gpu in its limits a container sees no accelerator, and the most expensive nodes of the cluster run a pod that
#   does not use them.
# custom:
#   severity: warning
#   slug: gpu-without-request
package strake.rules.gpu_without_request

import data.strake.lib

findings contains f if {
	some pod in lib.pods
	selects_gpu(pod)
	not lib.asks_gpu(pod)
	input.objects[pod.object].kind != "DaemonSet"
	f := {
		"object": pod.object,
		"path": pod.selector_path,
		"summary": sprintf("%s selects GPU nodes and no container has nvidia.com/gpu in its limits", [pod.name]),
		"detail": "Add resources.limits nvidia.com/gpu to the container that needs it, or select another pool.",
	}
}

selects_gpu(pod) if pod.node_selector["cloud.google.com/gke-accelerator"]

selects_gpu(pod) if {
	count(pod.node_selector) > 0
	fitting := [p | some p in lib.pools; lib.fits(pod.node_selector, p.labels)]
	count(fitting) > 0
	every p in fitting {
		p.gpu
	}
}
