# METADATA
# title: Runs share one checkpoint path
# description: |
#   With a fixed path two runs at the same time overwrite each other's state, and a retry goes on from what another run left there.
# custom:
#   severity: warning
#   slug: checkpoint-path-shared
package strake.rules.checkpoint_path_shared

import data.strake.lib

findings contains f if {
	some c in literals
	some problem in [problem_of(c)]
	f := {
		"object": c.object,
		"path": c.path,
		"summary": sprintf("%s is %q %s", [c.name, c.value, problem]),
		"detail": "Put {{workflow.uid}}, or a declared experiment's name, into the path, or let one run at a time use it with spec.synchronization.mutexes.",
	}
}

literals := [l |
	some c in lib.argo_containers
	some i, e in lib.as_array(object.get(c.container, "env", []))
	regex.match(`(?i)checkpoint`, object.get(e, "name", ""))
	regex.match(`(?i)(path|dir|uri|url|prefix|key|file|location|checkpoint)$`, e.name)
	value := object.get(e, "value", "")
	value != ""
	not lib.templated(value)
	l := {
		"object": c.object,
		"path": array.concat(c.path, ["env", i, "value"]),
		"name": e.name,
		"value": value,
		"workflow": c.pod.workflow,
	}
]

problem_of(c) := "in more than one workflow" if {
	count({l.object | some l in literals; l.value == c.value; lib.same_namespace(l.workflow.namespace, c.workflow.namespace)}) > 1
} else := "in every run, and runs may overlap" if {
	not one_at_a_time(c.workflow)
}

one_at_a_time(w) if object.get(w.spec, "synchronization", null) != null

one_at_a_time(w) if {
	w.kind == "CronWorkflow"
	input.objects[w.object].spec.concurrencyPolicy in {"Forbid", "Replace"}
}

one_at_a_time(w) if {
	callers := lib.callers(w)
	count(callers) > 0
	every c in callers {
		input.objects[c.object].spec.concurrencyPolicy in {"Forbid", "Replace"}
	}
}
