# METADATA
# title: Artifacts cross the network in clear text
# description: |
#   With insecure, or with a plain http endpoint, the keys of the store and every artifact can be read and changed on the way.
# custom:
#   severity: warning
#   slug: artifact-repository-insecure
package strake.rules.artifact_repository_insecure

import data.strake.lib

findings contains f if {
	some r in lib.repositories
	r.value.s3.insecure == true
	f := {
		"object": r.object,
		"path": array.concat(r.path, ["s3", "insecure"]),
		"summary": sprintf("s3.insecure is true: artifacts and keys go to %v in clear text", [object.get(r.value.s3, "endpoint", "the store")]),
		"detail": "Give the store a certificate and leave insecure out. caSecret names the certificate of an own authority.",
	}
}

findings contains f if {
	some r in lib.repositories
	endpoint := r.value.s3.endpoint
	regex.match(`^[a-z]+://`, endpoint)
	f := {
		"object": r.object,
		"path": array.concat(r.path, ["s3", "endpoint"]),
		"severity": "error",
		"summary": sprintf("s3.endpoint %q has a scheme: Argo takes it for a part of the host", [endpoint]),
		"detail": "Write host:port. TLS is used unless insecure is true.",
	}
}
