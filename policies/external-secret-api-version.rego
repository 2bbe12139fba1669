# METADATA
# title: This version of the External Secrets API is no longer served
# description: |
#   The External Secrets Operator serves only external-secrets.io/v1 since 0.17.0 (May 2025). An object of v1beta1 cannot be applied.
# custom:
#   severity: error
#   slug: external-secret-api-version
package strake.rules.external_secret_api_version

import data.strake.lib

findings contains f if {
	some kind in ["ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"]
	some i in lib.indices[kind]
	version := input.objects[i].apiVersion
	startswith(version, "external-secrets.io/")
	version != "external-secrets.io/v1"
	f := {
		"object": i,
		"path": ["apiVersion"],
		"summary": sprintf("%s is no longer served for the kind %s", [version, kind]),
		"detail": "Write external-secrets.io/v1. The fields are the same.",
	}
}
