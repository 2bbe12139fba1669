package strake.rules.retry_missing_on_spot_test

import data.strake.fixture
import data.strake.rules.retry_missing_on_spot as rule

template(extra) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
%s
  templates:
    - name: main
      dag: {tasks: [{name: train, template: train}]}
    - name: train
      container: {image: i}
`,
	[extra],
)

on_spot := `  nodeSelector: {cloud.google.com/gke-spot: "true"}`

test_fires_on_the_template if {
	f := rule.findings with input as fixture.prod(template(on_spot))
	fixture.paths(f) == {"0:spec.templates.1"}
}

test_silent_off_spot if {
	f := rule.findings with input as fixture.prod(template(""))
	count(f) == 0
}

test_silent_with_retry_of_the_workflow if {
	f := rule.findings with input as fixture.prod(template(concat("\n", [on_spot, "  retryStrategy: {limit: 3}"])))
	count(f) == 0
}

test_silent_with_template_defaults if {
	f := rule.findings with input as fixture.prod(template(concat("\n", [on_spot, "  templateDefaults: {retryStrategy: {limit: 3}}"])))
	count(f) == 0
}

test_silent_with_the_controllers_default if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [template(on_spot), `
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  workflowDefaults: |
    spec:
      retryStrategy: {limit: 3}
`]))
	count(f) == 0
}

test_fires_in_a_cron_workflow if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w, namespace: ml}
spec:
  schedules: ["0 3 * * *"]
  workflowSpec:
    entrypoint: main
    templates:
      - name: main
        nodeSelector: {cloud.google.com/gke-provisioning: spot}
        container: {image: i}
`)
	fixture.paths(f) == {"0:spec.workflowSpec.templates.0"}
}

test_fires_for_a_required_affinity if {
	f := rule.findings with input as fixture.prod(template(`
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions: [{key: cloud.google.com/gke-spot, operator: In, values: ["true"]}]
`))
	count(f) == 1
}

test_fires_for_a_declared_spot_pool if {
	f := rule.findings with input as fixture.with_pools(template(`  nodeSelector: {cloud.google.com/gke-nodepool: spot}`))
	count(f) == 1
}

test_silent_when_the_dag_is_retried if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  nodeSelector: {cloud.google.com/gke-spot: "true"}
  templates:
    - name: main
      retryStrategy: {limit: 1}
      dag: {tasks: [{name: train, template: train}]}
    - name: train
      container: {image: i}
`)
	count(f) == 0
}
