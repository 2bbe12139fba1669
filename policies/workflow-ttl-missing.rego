# METADATA
# title: Finished workflows are never deleted
# description: |
#   Each Workflow object stays in etcd until something deletes it. Without a ttlStrategy thousands pile up, the API server slows
#   down, and the controller lists them all at every start.
# custom:
#   severity: warning
#   slug: workflow-ttl-missing
package strake.rules.workflow_ttl_missing

import data.strake.lib

findings contains f if {
	some w in lib.runnable
	not lib.sets(w, "ttlStrategy")
	not retained
	f := {
		"object": w.object,
		"path": w.path,
		"severity": severity,
		"summary": sprintf("the %s %s has no ttlStrategy", [w.kind, w.name]),
		"detail": "Set ttlStrategy.secondsAfterCompletion here, or for all workflows in workflowDefaults of the controller's configuration.",
	}
}

# retentionPolicy of the controller bounds the number of finished workflows.
retained if {
	some c in lib.configs
	count(c.values.retentionpolicy.value) > 0
}

default severity := "warning"

severity := "info" if count(lib.configs) == 0
