# METADATA
# title: The linked Google service account cannot exist
# description: |
#   With an annotation that is no e-mail of a service account the metadata server gives out no token, and every call to Google Cloud
#   fails.
# custom:
#   severity: error
#   slug: workload-identity-annotation
package strake.rules.workload_identity_annotation

import data.strake.lib

key := "iam.gke.io/gcp-service-account"

# The account's name has 6 to 30 characters. A project of a domain, such as
# example.com:ml, is written ml.example.com here.
email := `^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9-]{4,28}[a-z0-9](\.[a-z0-9-]+)*\.iam\.gserviceaccount\.com$`

findings contains f if {
	some i in lib.indices.ServiceAccount
	o := input.objects[i]
	value := lib.annotation(o, key)
	value != ""
	not regex.match(email, value)
	not endswith(value, "@developer.gserviceaccount.com")
	f := {
		"object": i,
		"path": ["metadata", "annotations", key],
		"summary": sprintf("%q is not the e-mail of a Google service account", [value]),
		"detail": "Write NAME@PROJECT.iam.gserviceaccount.com, or remove the annotation and bind roles to the Kubernetes service account itself.",
	}
}

# The annotation stands on the service account, not on pods.
findings contains f if {
	some pod in lib.workloads
	path := array.concat(array.slice(pod.path, 0, count(pod.path) - 1), ["metadata", "annotations", key])
	object.get(input.objects[pod.object], path, "") != ""
	f := {
		"object": pod.object,
		"path": path,
		"summary": sprintf("%s has no effect on a pod", [key]),
		"detail": "Put the annotation on the ServiceAccount that the pod runs as.",
	}
}
