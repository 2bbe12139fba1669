package strake.rules.controller_rights_missing_test

import data.strake.fixture
import data.strake.rules.controller_rights_missing as rule

controller(args) := sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec:
  template:
    spec:
      serviceAccountName: argo
      containers: [{name: workflow-controller, image: "quay.io/argoproj/workflow-controller:v3.7.18", args: %s}]
`,
	[args],
)

full := `
  - {apiGroups: [""], resources: [pods, pods/exec], verbs: [create, get, list, watch, update, patch, delete]}
  - {apiGroups: [""], resources: [configmaps], verbs: [get, watch, list]}
  - {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create, update, delete, get]}
  - {apiGroups: [argoproj.io], resources: [workflows, workflowtasksets, workflowartifactgctasks], verbs: [get, list, watch, update, patch, delete, create]}
  - {apiGroups: [argoproj.io], resources: [workflowtemplates], verbs: [get, list, watch]}
  - {apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [list, watch, deletecollection]}
  - {apiGroups: [""], resources: [serviceaccounts], verbs: [get, list]}
  - {apiGroups: [argoproj.io], resources: [cronworkflows], verbs: [get, list, watch, update, patch, delete]}
  - {apiGroups: [""], resources: [events], verbs: [create, patch]}
  - {apiGroups: [policy], resources: [poddisruptionbudgets], verbs: [create, get, delete]}
`

leases := `
  - {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update]}
`

role(kind, name, rules) := sprintf(
	`
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: %s, namespace: argo}
rules:
%s
`,
	[kind, name, rules],
)

binding(kind, role_kind, role_name) := sprintf(
	`
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: %s-binding, namespace: argo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}
subjects: [{kind: ServiceAccount, name: argo, namespace: argo}]
`,
	[kind, role_name, role_kind, role_name],
)

namespaced(rules) := fixture.prod(concat("\n---\n", [
	controller("[--namespaced]"),
	role("Role", "argo-role", rules),
	binding("RoleBinding", "Role", "argo-role"),
]))

cluster(cluster_rules, home_rules) := fixture.prod(concat("\n---\n", [
	controller("[]"),
	role("ClusterRole", "argo-cluster-role", cluster_rules),
	binding("ClusterRoleBinding", "ClusterRole", "argo-cluster-role"),
	role("Role", "argo-role", home_rules),
	binding("RoleBinding", "Role", "argo-role"),
]))

test_silent_for_a_full_namespace_install if {
	f := rule.findings with input as namespaced(concat("", [full, leases]))
	count(f) == 0
}

test_fires_when_rules_were_replaced if {
	f := rule.findings with input as namespaced(`  - {apiGroups: [""], resources: [secrets], verbs: [get]}`)
	fixture.paths(f) == {"1:rules"}
	some x in f
	contains(x.summary, "deletecollection, list, watch workflowtaskresults.argoproj.io")
}

test_silent_for_a_full_cluster_install if {
	f := rule.findings with input as cluster(full, leases)
	count(f) == 0
}

test_fires_at_the_cluster_role if {
	f := rule.findings with input as cluster(`  - {apiGroups: [""], resources: [pods], verbs: ["*"]}`, leases)
	fixture.paths(f) == {"1:rules"}
}

test_fires_at_the_home_role if {
	f := rule.findings with input as cluster(full, `  - {apiGroups: [""], resources: [secrets], verbs: [get]}`)
	fixture.paths(f) == {"3:rules"}
}

test_a_role_is_not_enough_for_a_cluster_install if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [
		controller("[]"),
		role("Role", "argo-role", concat("", [full, leases])),
		binding("RoleBinding", "Role", "argo-role"),
	]))
	fixture.paths(f) == {"0:spec.template.spec.serviceAccountName"}
}

test_a_wildcard_is_enough if {
	f := rule.findings with input as namespaced(`  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`)
	count(f) == 0
}

test_the_archive_needs_secrets if {
	f := rule.findings with input as object.union(namespaced(""), {"objects": array.concat(
		namespaced(concat("", [full, leases])).objects,
		[{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "workflow-controller-configmap", "namespace": "argo"}, "data": {"persistence": "archive: true"}}],
	)})
	count(f) == 1
	some x in f
	contains(x.summary, "get secrets")
}

test_silent_where_no_role_is_rendered if {
	f := rule.findings with input as fixture.prod(controller("[]"))
	count(f) == 0
}
