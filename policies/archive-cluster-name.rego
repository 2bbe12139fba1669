# METADATA
# title: The archive does not name its cluster
# description: |
#   Clusters that share a database tell their workflows apart by clusterName. With the default two of them show, and delete, each
#   other's.
# custom:
#   severity: warning
#   slug: archive-cluster-name
package strake.rules.archive_cluster_name

import data.strake.lib

findings contains f if {
	some p in lib.archives
	object.get(p.value, "clusterName", "") in {"", "default"}
	f := {
		"object": p.object,
		"path": p.path,
		"summary": "the archive has no clusterName: a second cluster with this database would mix its workflows with these",
		"detail": "Set clusterName to a name that no other cluster uses. Workflows archived under the old name are then no longer listed.",
	}
}
