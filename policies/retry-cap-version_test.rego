package strake.rules.retry_cap_version_test

import data.strake.fixture
import data.strake.rules.retry_cap_version as rule

objects(version) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec: {template: {spec: {containers: [{name: c, image: "quay.io/argoproj/workflow-controller:%s"}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  templates:
    - name: main
      retryStrategy: {limit: 3, backoff: {duration: 1m, cap: 10m}}
      container: {image: i}
`,
	[version],
))

test_versions[version] if {
	some version, expected in {"v3.6.19": 1, "v3.5.15": 1, "v3.7.0": 0, "v4.1.2": 0, "latest": 0}
	f := rule.findings with input as objects(version)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as objects("v3.6.19")
	fixture.paths(f) == {"1:spec.templates.0.retryStrategy.backoff.cap"}
}

test_silent_without_a_controller if {
	f := rule.findings with input as object.union(objects("v3.6.19"), {"objects": [objects("v3.6.19").objects[1]]})
	count(f) == 0
}
