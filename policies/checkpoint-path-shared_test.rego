package strake.rules.checkpoint_path_shared_test

import data.strake.fixture
import data.strake.rules.checkpoint_path_shared as rule

workflow(name, value, extra) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: %s, namespace: ml}
spec:
  entrypoint: main
  %s
  templates:
    - name: main
      container: {image: i, env: [{name: GCS_CHECKPOINT_PATH, value: "%s"}]}
`,
	[name, extra, value],
)

test_fires_for_a_literal if {
	f := rule.findings with input as fixture.prod(workflow("w", "data/state.pkl", "arguments: {}"))
	fixture.paths(f) == {"0:spec.templates.0.container.env.0.value"}
}

test_silent_with_the_runs_id if {
	f := rule.findings with input as fixture.prod(workflow("w", "data/{{workflow.uid}}/state.pkl", "arguments: {}"))
	count(f) == 0
}

test_silent_with_a_mutex if {
	f := rule.findings with input as fixture.prod(workflow("w", "data/state.pkl", "synchronization: {mutexes: [{name: a}]}"))
	count(f) == 0
}

test_fires_for_two_workflows_in_spite_of_mutexes if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [
		workflow("a", "data/state.pkl", "synchronization: {mutexes: [{name: a}]}"),
		workflow("b", "data/state.pkl", "synchronization: {mutexes: [{name: b}]}"),
	]))
	count(f) == 2
}

test_silent_when_runs_never_overlap if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [workflow("w", "data/state.pkl", "arguments: {}"), `
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: c, namespace: ml}
spec:
  concurrencyPolicy: Forbid
  workflowSpec: {workflowTemplateRef: {name: w}}
`]))
	count(f) == 0
}
