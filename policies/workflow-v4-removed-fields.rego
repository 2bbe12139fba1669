# METADATA
# title: Argo Workflows 4 has removed this field
# description: |
#   Version 4 took away CronWorkflow.spec.schedule, synchronization.mutex and semaphore, and podPriority. A CronWorkflow with only the
#   old field never runs.
# custom:
#   severity: error
#   slug: workflow-v4-removed-fields
package strake.rules.workflow_v4_removed_fields

import data.strake.lib

findings contains f if {
	not lib.older(lib.version, [4, 0])
	some i in lib.indices.CronWorkflow
	o := input.objects[i]
	object.get(o, ["spec", "schedule"], "") != ""
	f := finding(i, ["spec", "schedule"], "schedule", "schedules, a list")
}

findings contains f if {
	not lib.older(lib.version, [4, 0])
	some w in lib.workflow_specs
	walk(w.spec, [path, value])
	count(path) > 0
	some field, instead in {"mutex": "mutexes, a list", "semaphore": "semaphores, a list"}
	path[count(path) - 1] == "synchronization"
	object.get(value, field, null) != null
	f := finding(w.object, array.concat(w.path, array.concat(path, [field])), sprintf("synchronization.%s", [field]), instead)
}

findings contains f if {
	not lib.older(lib.version, [4, 0])
	some w in lib.workflow_specs
	object.get(w.spec, "podPriority", null) != null
	f := finding(w.object, array.concat(w.path, ["podPriority"]), "podPriority", "podPriorityClassName")
}

finding(i, path, field, instead) := {
	"object": i,
	"path": path,
	"summary": sprintf("%s does not exist in Argo Workflows %d.%d", [field, lib.version[0], lib.version[1]]),
	"detail": sprintf("Write %s.", [instead]),
}
