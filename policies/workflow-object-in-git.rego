# METADATA
# title: A Workflow object is kept in Git
# description: |
#   A Workflow is one run, not a definition. In Git it runs when it is applied, is applied again after its ttl deleted it, and with
#   generateName neither kustomize nor Argo CD can handle it.
# custom:
#   severity: error
#   slug: workflow-object-in-git
package strake.rules.workflow_object_in_git

import data.strake.lib

findings contains f if {
	some i in lib.indices.Workflow
	o := input.objects[i]
	lib.argoproj(o)
	lib.annotation(o, "argocd.argoproj.io/hook") == ""
	f := {
		"object": i,
		"path": ["kind"],
		"summary": sprintf("the Workflow %s is one run, and Git would start it again and again", [lib.name(o)]),
		"detail": "Make it a WorkflowTemplate, started by a CronWorkflow or with argo submit --from. As a hook of an Argo CD sync it needs the annotation argocd.argoproj.io/hook.",
	}
}
