package strake.rules.image_registry_retired_test

import data.strake.fixture
import data.strake.rules.image_registry_retired as rule

pod(image) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: Pod
metadata: {name: api}
spec: {initContainers: [{name: a, image: "%s"}]}
`,
	[image],
))

test_images[image] if {
	some image, expected in {
		"asia.gcr.io/p/app:1": {"warning"},
		"gcr.io/my-project/app@sha256:x": {"warning"},
		"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2": set(),
		"gcr.io/distroless/static": set(),
		"k8s.gcr.io/pause:3.1": {"warning"},
		"docker.io/bitnami/postgresql:16.6.0": {"error"},
		"bitnami/postgresql:16.6.0": {"error"},
		"bitnamilegacy/postgresql:16": {"warning"},
		"asia-northeast1-docker.pkg.dev/p/r/app:1": set(),
		"quay.io/argoproj/argocli:v3.7.18": set(),
		"python:3.12": set(),
	}
	f := rule.findings with input as pod(image)
	fixture.severities(f) == expected
}

test_path if {
	f := rule.findings with input as pod("asia.gcr.io/p/app:1")
	fixture.paths(f) == {"0:spec.initContainers.0.image"}
}

test_silent_for_parameters if {
	f := rule.findings with input as pod("gcr.io/{{inputs.parameters.image}}")
	count(f) == 0
}
