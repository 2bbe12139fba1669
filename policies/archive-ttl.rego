# METADATA
# title: Archived workflows are never deleted
# description: |
#   Without archiveTTL the tables grow until the disk is full, and personal data in parameters is kept without end.
# custom:
#   severity: warning
#   slug: archive-ttl
package strake.rules.archive_ttl

import data.strake.lib

findings contains f if {
	some p in lib.archives
	object.get(p.value, "archiveTTL", "") == ""
	f := {
		"object": p.object,
		"path": p.path,
		"summary": "the archive has no archiveTTL: it grows for ever",
		"detail": "Set archiveTTL in days, such as 180d.",
	}
}
