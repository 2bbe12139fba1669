# METADATA
# title: Workflows run in the namespace of their controller
# description: |
#   A workflow can use any service account, ConfigMap and Secret of its namespace. Beside the controller these are the controller's
#   own rights, its configuration and the password of the archive.
# custom:
#   severity: warning
#   slug: workflow-in-controller-namespace
package strake.rules.workflow_in_controller_namespace

import data.strake.lib

findings contains f if {
	some w in lib.workflow_specs
	w.kind != "ClusterWorkflowTemplate"
	w.namespace != ""
	some c in lib.controllers
	c.namespace == w.namespace
	f := {
		"object": w.object,
		"path": ["metadata", "namespace"],
		"severity": lib.severe,
		"summary": sprintf("the %s %s is in the namespace %s, where the workflow controller runs", [w.kind, w.name, w.namespace]),
		"detail": "Move it to a namespace of its team. A controller for one namespace takes another with --managed-namespace.",
		"related": [{"object": c.object, "path": ["metadata", "namespace"], "message": "the workflow controller"}],
	}
}
