package strake.rules.secret_store_unresolved_test

import data.strake.fixture
import data.strake.rules.secret_store_unresolved as rule

secret(kind, name) := sprintf(
	`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a, namespace: ml}
spec: {secretStoreRef: {kind: %s, name: %s}}
`,
	[kind, name],
)

store(kind, ns) := sprintf(
	`
apiVersion: external-secrets.io/v1
kind: %s
metadata: {name: gcp, namespace: %s}
spec: {provider: {gcpsm: {projectID: p}}}
`,
	[kind, ns],
)

these(texts) := fixture.prod(concat("\n---\n", texts))

test_silent_when_found if {
	f := rule.findings with input as these([secret("SecretStore", "gcp"), store("SecretStore", "ml")])
	count(f) == 0
}

test_fires_for_another_name if {
	f := rule.findings with input as these([secret("SecretStore", "gpc"), store("SecretStore", "ml")])
	fixture.paths(f) == {"0:spec.secretStoreRef.name"}
	fixture.severities(f) == {"error"}
}

test_fires_for_another_namespace if {
	f := rule.findings with input as these([secret("SecretStore", "gcp"), store("SecretStore", "argo")])
	count(f) == 1
}

test_fires_for_the_wrong_kind if {
	f := rule.findings with input as these([secret("ClusterSecretStore", "gcp"), store("SecretStore", "ml")])
	fixture.severities(f) == {"info"}
}

test_informs_when_no_store_is_rendered if {
	f := rule.findings with input as these([secret("SecretStore", "gcp")])
	fixture.severities(f) == {"info"}
}

test_fires_for_a_cluster_store_without_a_namespace if {
	f := rule.findings with input as fixture.prod(`
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: gcp}
spec: {provider: {gcpsm: {auth: {workloadIdentity: {serviceAccountRef: {name: eso}}}}}}
`)
	fixture.paths(f) == {"0:spec.provider.gcpsm.auth.workloadIdentity.serviceAccountRef"}
}
