package strake.rules.executor_rights_test

import data.strake.fixture
import data.strake.rules.executor_rights as rule

objects(rules) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ml}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  serviceAccountName: runner
  templates: [{name: main, container: {image: i}}, {name: other, container: {image: i}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: ml}
rules: [%s]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: runner, namespace: ml}]
`,
	[rules],
))

enough := "{apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [create, patch]}"

test_silent_for_the_minimum if {
	f := rule.findings with input as objects(enough)
	count(f) == 0
}

test_fires_for_a_missing_verb if {
	f := rule.findings with input as objects("{apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [create]}")
	fixture.paths(f) == {"0:metadata.name"}
	fixture.severities(f) == {""}
}

test_warns_for_more_verbs if {
	f := rule.findings with input as objects("{apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [create, patch, get, delete]}")
	fixture.paths(f) == {"2:rules.0.verbs"}
	fixture.severities(f) == {"warning"}
}

test_warns_for_patch_on_pods if {
	f := rule.findings with input as objects(concat(", ", [enough, "{apiGroups: [\"\"], resources: [pods], verbs: [get, watch, patch]}"]))
	fixture.paths(f) == {"2:rules.1"}
	fixture.severities(f) == {"warning"}
}

test_fires_for_exec if {
	f := rule.findings with input as objects(concat(", ", [enough, "{apiGroups: [\"\"], resources: [pods/exec], verbs: [create]}"]))
	fixture.severities(f) == {"error"}
}

test_silent_where_roles_are_elsewhere if {
	f := rule.findings with input as object.union(objects(enough), {"objects": array.slice(objects(enough).objects, 0, 2)})
	count(f) == 0
}

test_the_executors_own_account_counts if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ml}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: executor, namespace: ml}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  serviceAccountName: runner
  automountServiceAccountToken: false
  executor: {serviceAccountName: executor}
  templates: [{name: main, container: {image: i}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: ml}
rules: []
`)
	fixture.paths(f) == {"1:metadata.name"}
}
