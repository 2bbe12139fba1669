# METADATA
# title: A workflow has no deadline
# description: |
#   A workflow whose pods never start, or never end, runs until somebody looks: it holds its nodes, and with concurrencyPolicy
#   Forbid no later run starts.
# custom:
#   severity: warning
#   slug: deadline-missing
package strake.rules.deadline_missing

import data.strake.lib

findings contains f if {
	some w in lib.runnable
	not lib.sets(w, "activeDeadlineSeconds")
	f := {
		"object": w.object,
		"path": w.path,
		"severity": severity,
		"summary": sprintf("the %s %s has no activeDeadlineSeconds", [w.kind, w.name]),
		"detail": "Set it to the longest time that a run may take, with waiting for nodes and all retries, here or for all workflows in workflowDefaults of the controller's configuration.",
	}
}

# The controller's defaults are not known where its configuration is not rendered.
default severity := "warning"

severity := "info" if count(lib.configs) == 0
