package strake.rules.workflow_service_account_test

import data.strake.fixture
import data.strake.rules.workflow_service_account as rule

workflow(account) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  %s
  templates: [{name: main, container: {image: i}}]
`,
	[account],
)

config := `
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data: {}
`

runner := `
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ml}
`

these(texts) := fixture.prod(concat("\n---\n", texts))

test_warns_for_default if {
	f := rule.findings with input as these([workflow("arguments: {}"), config])
	fixture.paths(f) == {"0:spec"}
	fixture.severities(f) == {"warning"}
}

test_silent_for_an_account if {
	f := rule.findings with input as these([workflow("serviceAccountName: runner"), config, runner])
	count(f) == 0
}

test_fires_for_an_unknown_account if {
	f := rule.findings with input as these([workflow("serviceAccountName: ruNner"), runner])
	fixture.paths(f) == {"0:spec.serviceAccountName"}
	fixture.severities(f) == {"error"}
}

test_informs_when_no_account_is_rendered if {
	f := rule.findings with input as these([workflow("serviceAccountName: runner")])
	fixture.severities(f) == {"info"}
}

test_fires_for_a_powerful_account if {
	f := rule.findings with input as these([workflow("serviceAccountName: runner"), runner, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: runner, namespace: ml}]
`])
	fixture.paths(f) == {"2:subjects.0"}
}

test_fires_for_the_controllers_account if {
	f := rule.findings with input as these([workflow("serviceAccountName: runner"), runner, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: ml}
spec: {template: {spec: {serviceAccountName: runner, containers: [{name: c, image: "quay.io/argoproj/workflow-controller:v3.7.18"}]}}}
`])
	fixture.paths(f) == {"0:spec.serviceAccountName"}
}

test_silent_for_a_library if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec: {templates: [{name: main, container: {image: i}}]}
`)
	count(f) == 0
}
