# METADATA
# title: backoff.cap needs Argo Workflows 3.7
# description: |
#   Before 3.7 there is no field backoff.cap: a cluster with minimal CRDs drops it and the wait between retries doubles without
#   bound.
# custom:
#   severity: error
#   slug: retry-cap-version
package strake.rules.retry_cap_version

import data.strake.lib

findings contains f if {
	lib.older(lib.version, [3, 7])
	some w in lib.workflow_specs
	walk(w.spec, [path, backoff])
	count(path) >= 2
	path[count(path) - 1] == "backoff"
	path[count(path) - 2] == "retryStrategy"
	backoff.cap
	f := {
		"object": w.object,
		"path": array.concat(w.path, array.concat(path, ["cap"])),
		"summary": sprintf("backoff.cap does not exist in Argo Workflows %v.%v", [lib.version[0], lib.version[1]]),
		"detail": "Leave it out, or run Argo Workflows 3.7 or later.",
	}
}
