package strake.rules.workflow_version_cve_test

import data.strake.fixture
import data.strake.rules.workflow_version_cve as rule

controller(image) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller}
spec: {template: {spec: {containers: [{name: a, image: "%s"}]}}}
`,
	[image],
))

test_versions[image] if {
	some image, expected in {
		"quay.io/argoproj/workflow-controller:v3.5.10": 1,
		"quay.io/argoproj/workflow-controller:v3.6.19": 1,
		"quay.io/argoproj/workflow-controller:v3.7.6": 1,
		"quay.io/argoproj/workflow-controller:v3.7.14": 1,
		"quay.io/argoproj/workflow-controller:v3.7.15": 0,
		"quay.io/argoproj/workflow-controller:v3.7.18": 0,
		"quay.io/argoproj/argocli:v4.0.5": 1,
		"quay.io/argoproj/argocli:v4.0.10": 0,
		"mirror.example.com/argoproj/argoexec:v4.1.0-nonroot": 0,
		"mirror.example.com/argoproj/argoexec:v3.6.0-nonroot": 1,
		"quay.io/argoproj/argocd:v2.14.21": 0,
		"quay.io/argoproj/workflow-controller:latest": 0,
	}
	f := rule.findings with input as controller(image)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as controller("quay.io/argoproj/workflow-controller:v3.7.6")
	fixture.paths(f) == {"0:spec.template.spec.containers.0.image"}
}

test_silent_for_another_project if {
	f := rule.findings with input as controller("example.com/tools/workflow-controller:v1.0.0")
	count(f) == 0
}
