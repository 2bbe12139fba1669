package strake.rules.automount_token_executor_test

import data.strake.fixture
import data.strake.rules.automount_token_executor as rule

workflow(extra) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  automountServiceAccountToken: false
  %s
  templates: [{name: main, container: {image: i}}]
`,
	[extra],
)

secret(name) := sprintf(
	`
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: ml, annotations: {kubernetes.io/service-account.name: executor}}
type: kubernetes.io/service-account-token
`,
	[name],
)

these(texts) := fixture.prod(concat("\n---\n", texts))

test_fires_without_an_executor if {
	f := rule.findings with input as these([workflow("arguments: {}")])
	fixture.paths(f) == {"0:spec.automountServiceAccountToken"}
}

test_fires_without_a_token if {
	f := rule.findings with input as these([workflow("executor: {serviceAccountName: executor}")])
	count(f) == 1
}

test_silent_with_both if {
	f := rule.findings with input as these([workflow("executor: {serviceAccountName: executor}"), secret("executor.service-account-token")])
	count(f) == 0
}

test_silent_with_a_named_token if {
	f := rule.findings with input as these([workflow("executor: {serviceAccountName: executor}"), secret("tok"), `
apiVersion: v1
kind: ServiceAccount
metadata: {name: executor, namespace: ml, annotations: {workflows.argoproj.io/service-account-token.name: tok}}
`])
	count(f) == 0
}

test_silent_with_the_default if {
	f := rule.findings with input as these([replace(workflow("arguments: {}"), "automountServiceAccountToken: false", "automountServiceAccountToken: true")])
	count(f) == 0
}
