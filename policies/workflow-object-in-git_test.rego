package strake.rules.workflow_object_in_git_test

import data.strake.fixture
import data.strake.rules.workflow_object_in_git as rule

workflow(kind, annotations) := fixture.prod(sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: %s
metadata: {name: w, namespace: ml, annotations: %s}
spec: {workflowTemplateRef: {name: t}}
`,
	[kind, annotations],
))

test_fires if {
	f := rule.findings with input as workflow("Workflow", "{}")
	fixture.paths(f) == {"0:kind"}
}

test_silent_for_a_hook if {
	f := rule.findings with input as workflow("Workflow", "{argocd.argoproj.io/hook: PostSync}")
	count(f) == 0
}

test_silent_for_a_template if {
	f := rule.findings with input as workflow("WorkflowTemplate", "{}")
	count(f) == 0
}
