package strake.rules.artifact_repository_insecure_test

import data.strake.fixture
import data.strake.rules.artifact_repository_insecure as rule

repository(s3) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml}
data:
  default-v1: |
    s3: %s
`,
	[s3],
))

test_warns_for_insecure if {
	f := rule.findings with input as repository("{endpoint: \"minio:9000\", bucket: b, insecure: true}")
	fixture.paths(f) == {"0:data.default-v1.s3.insecure"}
	fixture.severities(f) == {""}
}

test_fires_for_a_scheme if {
	f := rule.findings with input as repository("{endpoint: \"http://minio:9000\", bucket: b}")
	fixture.severities(f) == {"error"}
}

test_silent_for_tls if {
	f := rule.findings with input as repository("{endpoint: \"minio:9000\", bucket: b}")
	count(f) == 0
}

test_fires_for_the_controllers_repository if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  artifactRepository: |
    s3: {endpoint: "minio:9000", bucket: b, insecure: true}
`)
	fixture.paths(f) == {"0:data.artifactRepository.s3.insecure"}
}
