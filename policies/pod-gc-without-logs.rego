# METADATA
# title: Pods are deleted and their logs are not kept
# description: |
#   podGC deletes the pod and kubectl logs with it. Without archiveLogs argo logs and the UI have nothing to show for a run that failed
#   in the night.
# custom:
#   severity: warning
#   slug: pod-gc-without-logs
package strake.rules.pod_gc_without_logs

import data.strake.lib

findings contains f if {
	some w in lib.workflow_specs
	strategy := object.get(w.spec, ["podGC", "strategy"], "")
	strategy != ""
	not w.spec.archiveLogs == true
	not lib.logs_archived(w.namespace)
	not every_template_archives(w)
	f := {
		"object": w.object,
		"path": array.concat(w.path, ["podGC"]),
		"severity": severity,
		"summary": sprintf("podGC %s deletes the pods of %s %s, and logs are not archived", [strategy, w.kind, w.name]),
		"detail": advice,
	}
}

findings contains f if {
	some c in lib.configs
	entry := c.values.workflowdefaults
	strategy := object.get(entry.value, ["spec", "podGC", "strategy"], "")
	strategy != ""
	count(without_logs) > 0
	f := {
		"object": c.object,
		"path": array.concat(entry.path, ["spec", "podGC"]),
		"summary": sprintf("podGC %s deletes the pods of all workflows, and logs are not archived in %s", [strategy, concat(", ", sort(without_logs))]),
		"detail": advice,
	}
}

advice := "Set archiveLogs: true in the artifact repository or in the workflow's spec."

without_logs := {w.namespace |
	some w in lib.runnable
	w.namespace != ""
	not w.spec.podGC
	not w.spec.archiveLogs == true
	not lib.logs_archived(w.namespace)
	not every_template_archives(w)
}

every_template_archives(w) if {
	pods := [p | some p in lib.argo_pods; p.object == w.object]
	count(pods) > 0
	every p in pods {
		p.template.template.archiveLocation.archiveLogs == true
	}
}

# Repositories and defaults may lie in a part that is not rendered here.
default severity := "warning"

severity := "info" if count(lib.repositories) + count(lib.configs) == 0
