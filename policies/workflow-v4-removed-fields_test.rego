package strake.rules.workflow_v4_removed_fields_test

import data.strake.fixture
import data.strake.rules.workflow_v4_removed_fields as rule

objects(version) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec: {template: {spec: {containers: [{name: c, image: "quay.io/argoproj/workflow-controller:%s"}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w, namespace: ml}
spec:
  schedule: "0 3 * * *"
  workflowSpec:
    entrypoint: main
    podPriority: 1
    synchronization: {mutex: {name: a}}
    templates:
      - name: main
        synchronization: {semaphore: {configMapKeyRef: {name: a, key: b}}}
        container: {image: i}
`,
	[version],
))

test_fires_for_version_4 if {
	f := rule.findings with input as objects("v4.0.10")
	fixture.paths(f) == {
		"1:spec.schedule",
		"1:spec.workflowSpec.podPriority",
		"1:spec.workflowSpec.synchronization.mutex",
		"1:spec.workflowSpec.templates.0.synchronization.semaphore",
	}
}

test_silent_for_version_3 if {
	f := rule.findings with input as objects("v3.7.18")
	count(f) == 0
}

test_silent_for_an_unknown_version if {
	f := rule.findings with input as objects("latest")
	count(f) == 0
}
