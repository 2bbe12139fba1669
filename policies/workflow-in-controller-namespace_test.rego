package strake.rules.workflow_in_controller_namespace_test

import data.strake.fixture
import data.strake.rules.workflow_in_controller_namespace as rule

objects(ns) := sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec: {template: {spec: {containers: [{name: c, image: "quay.io/argoproj/workflow-controller:v3.7.18"}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w, namespace: %s}
spec: {workflowSpec: {workflowTemplateRef: {name: w}}}
`,
	[ns],
)

test_fires_in_prod if {
	f := rule.findings with input as fixture.prod(objects("argo"))
	fixture.paths(f) == {"1:metadata.namespace"}
	fixture.severities(f) == {"error"}
}

test_warns_elsewhere if {
	f := rule.findings with input as fixture.dev(objects("argo"))
	fixture.severities(f) == {"warning"}
}

test_silent_in_another_namespace if {
	f := rule.findings with input as fixture.prod(objects("ml"))
	count(f) == 0
}
