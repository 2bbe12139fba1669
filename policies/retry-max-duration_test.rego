package strake.rules.retry_max_duration_test

import data.strake.fixture
import data.strake.rules.retry_max_duration as rule

template(deadline, backoff) := fixture.prod(sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  activeDeadlineSeconds: %s
  templates:
    - name: main
      retryStrategy: {limit: 3, backoff: %s}
      container: {image: i}
`,
	[deadline, backoff],
))

test_cases[name] if {
	some name, c in {
		"ten minutes of three hours": ["10800", "{duration: 1m, maxDuration: 10m}", 1],
		"a number of seconds": ["10800", "{duration: 1m, maxDuration: \"600\"}", 1],
		"longer than the deadline": ["10800", "{duration: 1m, maxDuration: 12h}", 0],
		"a cap": ["10800", "{duration: 1m, cap: 10m}", 0],
		"a parameter": ["10800", "{duration: 1m, maxDuration: \"{{workflow.parameters.max}}\"}", 0],
		"no deadline": ["null", "{duration: 1m, maxDuration: 10m}", 0],
	}
	f := rule.findings with input as template(c[0], c[1])
	count(f) == c[2]
}

test_path if {
	f := rule.findings with input as template("10800", "{maxDuration: 10m}")
	fixture.paths(f) == {"0:spec.templates.0.retryStrategy.backoff.maxDuration"}
}

test_the_templates_own_deadline_counts if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w, namespace: ml}
spec:
  workflowSpec:
    entrypoint: main
    activeDeadlineSeconds: 10800
    templates:
      - name: main
        activeDeadlineSeconds: 60
        retryStrategy: {limit: 3, backoff: {maxDuration: 10m}}
        container: {image: i}
`)
	count(f) == 0
}
