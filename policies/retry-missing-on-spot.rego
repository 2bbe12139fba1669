# METADATA
# title: A step on Spot nodes is not retried
# description: |
#   A Spot node goes away with 15 seconds notice, and the pod on it ends as Failed. Without a retryStrategy the whole
#   workflow fails with it.
# custom:
#   severity: warning
#   slug: retry-missing-on-spot
package strake.rules.retry_missing_on_spot

import data.strake.lib

findings contains f if {
	some pod in lib.argo_pods
	lib.prefers_spot(pod)
	not lib.retry(pod)
	not retried_by_parent(pod)
	f := {
		"object": pod.object,
		"path": pod.path,
		"summary": sprintf("%s runs on Spot nodes and has no retryStrategy", [pod.name]),
		"detail": "Set retryStrategy on the template or in spec.templateDefaults, with retryPolicy Always and an expression that matches a lost node. It has no effect on a DAG task or a step.",
	}
}

# retried_by_parent holds when a DAG or a list of steps that runs the template
# is itself retried.
retried_by_parent(pod) if {
	some t in lib.own_templates
	t.object == pod.object
	t.own.retryStrategy
	some call in array.concat(
		lib.as_array(object.get(t.own, ["dag", "tasks"], [])),
		[step | some group in lib.as_array(object.get(t.own, "steps", [])); some step in lib.as_array(group)],
	)
	call.template == pod.template.own.name
}
