package strake.rules.binding_unresolved_test

import data.strake.fixture
import data.strake.rules.binding_unresolved as rule

objects(role_kind, role, account, ns) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ml}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: executor, namespace: ml}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}
subjects: [{kind: ServiceAccount, name: %s, namespace: %s}]
`,
	[role_kind, role, account, ns],
))

test_silent_when_all_is_there if {
	f := rule.findings with input as objects("Role", "executor", "runner", "ml")
	count(f) == 0
}

test_fires_for_a_missing_role if {
	f := rule.findings with input as objects("Role", "exekutor", "runner", "ml")
	fixture.paths(f) == {"2:roleRef.name"}
	fixture.severities(f) == {"error"}
}

test_fires_for_a_missing_account if {
	f := rule.findings with input as objects("Role", "executor", "ruNNer", "ml")
	fixture.paths(f) == {"2:subjects.0.name"}
	fixture.severities(f) == {"error"}
}

test_fires_for_another_namespace if {
	f := rule.findings with input as objects("Role", "executor", "runner", "lm")
	fixture.paths(f) == {"2:subjects.0.namespace"}
	fixture.severities(f) == {"warning"}
}

test_silent_for_built_in_roles if {
	f := rule.findings with input as objects("ClusterRole", "view", "runner", "ml")
	count(f) == 0
}

test_informs_when_no_cluster_role_is_rendered if {
	f := rule.findings with input as objects("ClusterRole", "operator-view", "runner", "ml")
	fixture.severities(f) == {"info"}
}

test_silent_for_external_accounts if {
	f := rule.findings with input as object.union(
		objects("Role", "executor", "argo-workflows-workflow-controller", "argo"),
		{"external": [{"kind": "ServiceAccount", "namespace": "argo", "name": "argo-workflows-workflow-controller"}]},
	)
	count(f) == 0
}

test_silent_for_groups if {
	f := rule.findings with input as fixture.prod(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, name: team@example.com}]
`)
	count(f) == 0
}

test_warns_in_one_overlay_of_many if {
	some role, account in {"exekutor": "runner", "executor": "ruNNer"}
	f := rule.findings with input as object.union(objects("Role", role, account, "ml"), {"partial": true})
	fixture.severities(f) == {"warning"}
}
