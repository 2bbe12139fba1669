package strake.rules.external_secret_api_version_test

import data.strake.fixture
import data.strake.rules.external_secret_api_version as rule

thing(version, kind) := fixture.prod(sprintf(
	`
apiVersion: %s
kind: %s
metadata: {name: a, namespace: ml}
`,
	[version, kind],
))

test_fires_for_v1beta1[kind] if {
	some kind in ["ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"]
	f := rule.findings with input as thing("external-secrets.io/v1beta1", kind)
	fixture.paths(f) == {"0:apiVersion"}
}

test_silent_for_v1 if {
	f := rule.findings with input as thing("external-secrets.io/v1", "ExternalSecret")
	count(f) == 0
}

test_silent_for_push_secrets if {
	f := rule.findings with input as thing("external-secrets.io/v1alpha1", "PushSecret")
	count(f) == 0
}
