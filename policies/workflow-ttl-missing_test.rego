package strake.rules.workflow_ttl_missing_test

import data.strake.fixture
import data.strake.rules.workflow_ttl_missing as rule

objects(config, extra) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  %s
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  %s
  templates: [{name: main, container: {image: i}}]
`,
	[config, extra],
))

test_fires if {
	f := rule.findings with input as objects("nodeEvents: '{enabled: true}'", "arguments: {}")
	fixture.paths(f) == {"1:spec"}
}

test_silent_with_its_own if {
	f := rule.findings with input as objects("nodeEvents: '{enabled: true}'", "ttlStrategy: {secondsAfterCompletion: 60}")
	count(f) == 0
}

test_silent_with_a_default if {
	f := rule.findings with input as objects("workflowDefaults: '{spec: {ttlStrategy: {secondsAfterCompletion: 60}}}'", "arguments: {}")
	count(f) == 0
}

test_silent_with_a_retention_policy if {
	f := rule.findings with input as objects("retentionPolicy: '{completed: 50}'", "arguments: {}")
	count(f) == 0
}
