# METADATA
# title: A pod uses a service account key
# description: |
#   A key of a Google service account does not expire, works from anywhere, and has to be kept in a Secret. Workload Identity needs
#   none.
# custom:
#   severity: warning
#   slug: gcp-service-account-key
package strake.rules.gcp_service_account_key

import data.strake.lib

advice := "Use Workload Identity: grant the role to the Kubernetes service account, or link it with the annotation iam.gke.io/gcp-service-account, and remove the key."

findings contains f if {
	some c in lib.containers
	some i, e in lib.as_array(object.get(c.container, "env", []))
	e.name == "GOOGLE_APPLICATION_CREDENTIALS"
	some m in c.container.volumeMounts
	startswith(object.get(e, "value", ""), m.mountPath)
	some v in lib.volumes(c.pod)
	v.volume.name == m.name
	v.volume.secret
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["env", i]),
		"summary": sprintf("GOOGLE_APPLICATION_CREDENTIALS points into the Secret %s", [v.volume.secret.secretName]),
		"detail": advice,
	}
}

findings contains f if {
	some r in lib.repositories
	ref := r.value.gcs.serviceAccountKeySecret
	object.get(ref, "name", "") != ""
	f := {
		"object": r.object,
		"path": array.concat(r.path, ["gcs", "serviceAccountKeySecret"]),
		"summary": sprintf("the artifact repository uses a service account key from the Secret %s", [ref.name]),
		"detail": advice,
	}
}
