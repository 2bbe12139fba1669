# METADATA
# title: The retry policy does not fit a lost Spot node
# description: |
#   A pre-empted pod ends as Failed or, when its node vanished first, as Error. OnFailure, which is the default, misses the second;
#   OnError and OnTransientError miss the first; Always without an expression also repeats steps that fail by themselves, at full cost.
# custom:
#   severity: warning
#   slug: retry-policy-not-for-preemption
package strake.rules.retry_policy_not_for_preemption

import data.strake.lib

advice := "Use retryPolicy Always with an expression on lastRetry.status and lastRetry.message, such as lastRetry.status == \"Error\" || lastRetry.message matches 'imminent node shutdown|pod deleted'."

findings contains f if {
	some pod in lib.argo_pods
	lib.prefers_spot(pod)
	retry := lib.retry(pod)
	some problem in [problem_of(retry.value)]
	f := {
		"object": retry.object,
		"path": retry.path,
		"summary": problem,
		"detail": advice,
	}
}

# Since 3.5 an expression without a policy means Always.
policy(retry) := object.get(retry, "retryPolicy", "") if object.get(retry, "retryPolicy", "") != ""

policy(retry) := "Always" if {
	object.get(retry, "retryPolicy", "") == ""
	expression(retry) != ""
}

policy(retry) := "OnFailure" if {
	object.get(retry, "retryPolicy", "") == ""
	expression(retry) == ""
}

expression(retry) := object.get(retry, "expression", "")

problem_of(retry) := "retryPolicy is Always without an expression: a step on Spot nodes that fails by itself is repeated too" if {
	policy(retry) == "Always"
	expression(retry) == ""
}

problem_of(retry) := "retryPolicy is OnFailure: a pod that vanishes with its Spot node ends as Error and is not retried" if {
	policy(retry) == "OnFailure"
}

problem_of(retry) := "retryPolicy is OnError: a pod that is ended by its Spot node is Failed and is not retried" if {
	policy(retry) == "OnError"
}

problem_of(retry) := "retryPolicy is OnTransientError: the loss of a Spot node is not among the transient errors" if {
	policy(retry) == "OnTransientError"
	not transient_pattern
}

transient_pattern if {
	some c in lib.controllers
	some e in c.container.env
	e.name == "TRANSIENT_ERROR_PATTERN"
}
