# METADATA
# title: The archive keeps workflows and not their logs
# description: |
#   The database archive stores the workflow object. Logs are only kept by archiveLogs, in the artifact repository: without it an
#   archived run that failed cannot be explained.
# custom:
#   severity: warning
#   slug: archive-without-logs
package strake.rules.archive_without_logs

import data.strake.lib

findings contains f if {
	some p in lib.archives
	not keeps_logs
	f := {
		"object": p.object,
		"path": p.path,
		"severity": severity,
		"summary": "workflows are archived and their logs are not",
		"detail": "Set archiveLogs: true in the artifact repository.",
	}
}

keeps_logs if {
	some r in lib.repositories
	r.value.archiveLogs == true
}

keeps_logs if lib.workflow_defaults.archiveLogs == true

default severity := "warning"

# The repositories of the tenants may lie in a part that is not rendered here.
severity := "info" if count(lib.repositories) == 0
