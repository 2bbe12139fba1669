package strake.rules.gcp_service_account_key_test

import data.strake.fixture
import data.strake.rules.gcp_service_account_key as rule

pod(source) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  volumes: [{name: key, %s}]
  containers:
    - name: a
      image: i
      volumeMounts: [{name: key, mountPath: /secrets}]
      env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /secrets/key.json}]
`,
	[source],
))

test_fires_for_a_secret if {
	f := rule.findings with input as pod("secret: {secretName: user-gcp-sa}")
	fixture.paths(f) == {"0:spec.containers.0.env.0"}
}

test_silent_for_federated_credentials if {
	f := rule.findings with input as pod("configMap: {name: wif-config}")
	count(f) == 0
}

test_fires_for_an_artifact_repository if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml}
data:
  default-v1: "gcs: {bucket: b, serviceAccountKeySecret: {name: k, key: key.json}}"
`)
	fixture.paths(f) == {"0:data.default-v1.gcs.serviceAccountKeySecret"}
}

test_silent_for_workload_identity if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml}
data:
  default-v1: "gcs: {bucket: b}"
`)
	count(f) == 0
}
