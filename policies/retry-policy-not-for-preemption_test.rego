package strake.rules.retry_policy_not_for_preemption_test

import data.strake.fixture
import data.strake.rules.retry_policy_not_for_preemption as rule

template(retry) := fixture.prod(sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  nodeSelector: {cloud.google.com/gke-spot: "true"}
  templates:
    - name: main
      retryStrategy: %s
      container: {image: i}
`,
	[retry],
))

test_policies[retry] if {
	some retry, expected in {
		"{limit: 3}": 1,
		"{limit: 3, retryPolicy: OnFailure}": 1,
		"{limit: 3, retryPolicy: OnError}": 1,
		"{limit: 3, retryPolicy: OnTransientError}": 1,
		"{limit: 3, retryPolicy: Always}": 1,
		"{limit: 3, retryPolicy: Always, expression: x}": 0,
		"{limit: 3, expression: x}": 0,
	}
	f := rule.findings with input as template(retry)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as template("{limit: 3}")
	fixture.paths(f) == {"0:spec.templates.0.retryStrategy"}
}

test_silent_off_spot if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  retryStrategy: {limit: 3}
  templates: [{name: main, container: {image: i}}]
`)
	count(f) == 0
}

test_one_finding_for_a_shared_strategy if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: a
  nodeSelector: {cloud.google.com/gke-spot: "true"}
  retryStrategy: {limit: 3}
  templates: [{name: a, container: {image: i}}, {name: b, container: {image: i}}]
`)
	fixture.paths(f) == {"0:spec.retryStrategy"}
}
