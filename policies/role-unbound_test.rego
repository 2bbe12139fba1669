package strake.rules.role_unbound_test

import data.strake.fixture
import data.strake.rules.role_unbound as rule

role := `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: extra, namespace: argo}
rules: []
`

binding(ns, kind, target) := sprintf(
	`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: %s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}
subjects: [{kind: ServiceAccount, name: argo, namespace: argo}]
`,
	[ns, kind, target],
)

test_fires_for_an_unbound_role if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [role, binding("argo", "Role", "other")]))
	fixture.paths(f) == {"0:metadata.name"}
	fixture.severities(f) == {"warning"}
}

test_silent_when_bound if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [role, binding("argo", "Role", "extra")]))
	count(f) == 0
}

test_fires_when_bound_in_another_namespace if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [role, binding("ml", "Role", "extra")]))
	count(f) == 1
}

test_fires_when_a_cluster_role_of_the_name_is_bound if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [role, binding("argo", "ClusterRole", "extra")]))
	count(f) == 1
}

test_informs_without_any_binding if {
	f := rule.findings with input as fixture.prod(role)
	fixture.severities(f) == {"info"}
}

test_silent_for_aggregated_roles if {
	f := rule.findings with input as fixture.prod(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: argo-aggregate-to-view, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: []
`)
	count(f) == 0
}

collected(value) := sprintf(
	`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: broker, labels: {duck.example.com/addressable: "%s"}}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: resolver}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {duck.example.com/addressable: "true"}}]}
rules: []
---
%s`,
	[value, binding("argo", "ClusterRole", "resolver")],
)

test_silent_for_a_role_that_another_collects if {
	f := rule.findings with input as fixture.prod(collected("true"))
	count(f) == 0
}

test_fires_for_a_role_that_none_collects if {
	f := rule.findings with input as fixture.prod(collected("no"))
	fixture.severities(f) == {"warning"}
}

test_informs_of_a_cluster_role_in_one_overlay_of_many if {
	f := rule.findings with input as fixture.part(collected("no"))
	fixture.severities(f) == {"info"}
}
