# METADATA
# title: A database lies on a network file system
# description: |
#   PostgreSQL and MySQL need locks and fsync that NFS does not promise: after a node is lost, two servers may write the same files.
# custom:
#   severity: error
#   slug: database-on-nfs
package strake.rules.database_on_nfs

import data.strake.lib

findings contains f if {
	some pod in lib.workloads
	database(pod)
	some v in lib.volumes(pod)
	some problem in [problem_of(pod, v)]
	f := {
		"object": problem.object,
		"path": problem.path,
		"summary": sprintf("the database of %s lies on %s", [pod.name, problem.what]),
		"detail": "Use a managed database, or a ReadWriteOnce claim on a block device.",
	}
}

database(pod) if {
	some c in pod.spec.containers
	regex.match(`^(postgres|postgresql|mysql|mariadb|percona|mongo|mongodb)(-|$)`, lib.image_name(object.get(c, "image", "")))
}

problem_of(pod, v) := {"object": pod.object, "path": array.concat(v.path, ["nfs"]), "what": "NFS"} if {
	v.volume.nfs
} else := {"object": i, "path": ["spec", "nfs"], "what": "NFS"} if {
	some i in lib.indices.PersistentVolume
	volume := input.objects[i]
	volume.spec.nfs
	some j in claims(pod, v)
	bound(input.objects[j], volume)
} else := {"object": j, "path": ["spec", "accessModes"], "what": "a claim that many nodes may write"} if {
	some j in claims(pod, v)
	"ReadWriteMany" in input.objects[j].spec.accessModes
}

claims(pod, v) := {j |
	some j in lib.indices.PersistentVolumeClaim
	o := input.objects[j]
	lib.name(o) == v.volume.persistentVolumeClaim.claimName
	lib.same_namespace(lib.namespace(o), pod.namespace)
}

bound(claim, volume) if claim.spec.volumeName == lib.name(volume)

bound(claim, volume) if {
	volume.spec.claimRef.name == lib.name(claim)
}

bound(claim, volume) if {
	claim.spec.storageClassName == volume.spec.storageClassName
	claim.spec.storageClassName != ""
}

# An address of another cloud is a copied example.
findings contains f if {
	some i in lib.indices.PersistentVolume
	server := input.objects[i].spec.nfs.server
	endswith(server, ".amazonaws.com")
	f := {
		"object": i,
		"path": ["spec", "nfs", "server"],
		"severity": address_severity,
		"summary": sprintf("the volume lies on %s, a file system of AWS", [server]),
		"detail": "Nodes on Google Cloud do not reach it. Use a persistent disk or Filestore.",
	}
}

address_severity := "error" if object.get(input, ["spec", "cloud", "project"], "") != ""

address_severity := "warning" if object.get(input, ["spec", "cloud", "project"], "") == ""
