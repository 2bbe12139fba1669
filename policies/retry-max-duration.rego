# METADATA
# title: maxDuration ends the retries before a step can finish
# description: |
#   backoff.maxDuration is not the longest wait. It counts from the start of the first attempt: a step that runs longer is never
#   retried. The longest wait is backoff.cap.
# custom:
#   severity: warning
#   slug: retry-max-duration
package strake.rules.retry_max_duration

import data.strake.lib

findings contains f if {
	some s in strategies
	limit := lib.seconds(s.value.backoff.maxDuration)
	deadline := lib.seconds(s.deadline)
	limit > 0
	limit < deadline
	f := {
		"object": s.object,
		"path": array.concat(s.path, ["backoff", "maxDuration"]),
		"summary": sprintf("maxDuration %v is shorter than the %v seconds that the step may take: a long step is not retried", [s.value.backoff.maxDuration, deadline]),
		"detail": "maxDuration counts from the start of the first attempt. Write the longest wait as backoff.cap (Argo Workflows 3.7), and leave maxDuration out.",
	}
}

# strategies are all retry strategies with the deadline that binds the step.
strategies := array.concat(of_templates, of_workflows)

of_templates := [s |
	some t in lib.own_templates
	value := t.own.retryStrategy
	s := {
		"object": t.object,
		"path": array.concat(t.path, ["retryStrategy"]),
		"value": value,
		"deadline": lib.first_set([object.get(t.template, "activeDeadlineSeconds", null), workflow_deadline(t.workflow)], null),
	}
]

of_workflows := [s |
	some w in lib.workflow_specs
	some field in [["retryStrategy"], ["templateDefaults", "retryStrategy"]]
	value := object.get(w.spec, field, null)
	value != null
	s := {
		"object": w.object,
		"path": array.concat(w.path, field),
		"value": value,
		"deadline": workflow_deadline(w),
	}
]

workflow_deadline(w) := lib.first_set([object.get(w.spec, "activeDeadlineSeconds", null), object.get(lib.workflow_defaults, "activeDeadlineSeconds", null)], null)
