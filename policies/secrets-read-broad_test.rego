package strake.rules.secrets_read_broad_test

import data.strake.fixture
import data.strake.rules.secrets_read_broad as rule

rbac(account, rules) := sprintf(
	`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: ml}
rules: [%s]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: %s, namespace: ml}]
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  serviceAccountName: runner
  templates: [{name: main, container: {image: i}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: ml}
spec: {template: {spec: {serviceAccountName: api, containers: [{name: a, image: i}]}}}
`,
	[rules, account],
)

test_fires_for_a_workflow_account if {
	f := rule.findings with input as fixture.prod(rbac("runner", "{apiGroups: [\"\"], resources: [secrets], verbs: [get]}"))
	fixture.paths(f) == {"0:rules.0"}
	fixture.severities(f) == {"error"}
}

test_fires_for_wildcards if {
	f := rule.findings with input as fixture.prod(rbac("runner", "{apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}"))
	count(f) == 1
}

test_silent_for_named_secrets if {
	f := rule.findings with input as fixture.prod(rbac("runner", "{apiGroups: [\"\"], resources: [secrets], resourceNames: [a], verbs: [get]}"))
	count(f) == 0
}

test_warns_for_another_workload if {
	f := rule.findings with input as fixture.prod(rbac("api", "{apiGroups: [\"\"], resources: [secrets], verbs: [list]}"))
	fixture.severities(f) == {"warning"}
}

test_silent_for_an_account_that_runs_nothing_here if {
	f := rule.findings with input as fixture.prod(rbac("operator", "{apiGroups: [\"\"], resources: [secrets], verbs: [list]}"))
	count(f) == 0
}

test_silent_for_other_resources if {
	f := rule.findings with input as fixture.prod(rbac("runner", "{apiGroups: [\"\"], resources: [configmaps], verbs: [get]}"))
	count(f) == 0
}

test_silent_for_the_operator_of_secrets if {
	text := replace(rbac("api", "{apiGroups: [\"\"], resources: [secrets], verbs: [list]}"), "image: i}]}}}", "image: \"ghcr.io/external-secrets/external-secrets:v2.9.0\"}]}}}")
	f := rule.findings with input as fixture.prod(text)
	count(f) == 0
}
