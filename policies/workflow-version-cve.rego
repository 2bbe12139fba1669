# METADATA
# title: This version of Argo Workflows has known vulnerabilities
# description: |
#   CVE-2025-62156 (files outside the directory when an artifact is unpacked), CVE-2025-62157 (credentials in the controller's log),
#   CVE-2026-31892 and CVE-2026-54526 (a podSpecPatch gets around workflowRestrictions).
# custom:
#   severity: error
#   slug: workflow-version-cve
package strake.rules.workflow_version_cve

import data.strake.lib

# fixed maps a minor version to the first release without them; the minors that
# are missing here have none.
fixed := {"3.7": [3, 7, 15], "4.0": [4, 0, 6]}

findings contains f if {
	some c in lib.containers
	text := object.get(c.container, "image", "")
	lib.image_name(text) in {"workflow-controller", "argocli", "argoexec"}
	contains(lib.image(text).repository, "argoproj/")
	version := lib.image_version(text)
	vulnerable(version)
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["image"]),
		"summary": sprintf("Argo Workflows %s has vulnerabilities that are fixed in later releases", [concat(".", [sprintf("%d", [n]) | some n in version])]),
		"detail": "Use v3.7.15 or later, v4.0.6 or later, or v4.1. Helm charts pin the version with appVersion.",
	}
}

vulnerable(version) if lib.older(version, [3, 7])

vulnerable(version) if {
	first := fixed[sprintf("%d.%d", [version[0], version[1]])]
	lib.older(version, first)
}
