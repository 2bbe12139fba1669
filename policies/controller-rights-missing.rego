# METADATA
# title: The workflow controller lacks rights it needs
# description: |
#   A strategic merge patch over a role's rules replaces the list, and the controller can no longer create pods or read the
#   results of steps. Workflows then hang, and only the controller's log says why.
# custom:
#   severity: error
#   slug: controller-rights-missing
package strake.rules.controller_rights_missing

import data.strake.lib

# everywhere is what the controller needs in each namespace whose workflows it
# runs. Source: manifests/namespace-install/workflow-controller-rbac in
# argo-workflows v3.7. Finalizers count only where the admission plugin
# OwnerReferencesPermissionEnforcement is on, which GKE's is not.
everywhere := [
	{"group": "", "resource": "pods", "verbs": {"create", "get", "list", "watch", "update", "patch", "delete"}},
	{"group": "", "resource": "pods/exec", "verbs": {"create", "get"}},
	{"group": "", "resource": "configmaps", "verbs": {"get", "watch", "list"}},
	{"group": "", "resource": "persistentvolumeclaims", "verbs": {"create", "update", "delete", "get"}},
	{"group": "argoproj.io", "resource": "workflows", "verbs": {"get", "list", "watch", "update", "patch", "delete", "create"}},
	{"group": "argoproj.io", "resource": "workflowtasksets", "verbs": {"get", "list", "watch", "update", "patch", "delete", "create"}},
	{"group": "argoproj.io", "resource": "workflowartifactgctasks", "verbs": {"get", "list", "watch", "update", "patch", "delete", "create"}},
	{"group": "argoproj.io", "resource": "workflowtemplates", "verbs": {"get", "list", "watch"}},
	{"group": "argoproj.io", "resource": "workflowtaskresults", "verbs": {"list", "watch", "deletecollection"}},
	{"group": "", "resource": "serviceaccounts", "verbs": {"get", "list"}},
	{"group": "argoproj.io", "resource": "cronworkflows", "verbs": {"get", "list", "watch", "update", "patch", "delete"}},
	{"group": "", "resource": "events", "verbs": {"create", "patch"}},
	{"group": "policy", "resource": "poddisruptionbudgets", "verbs": {"create", "get", "delete"}},
]

at_home := array.concat(
	[{"group": "coordination.k8s.io", "resource": "leases", "verbs": {"create", "get", "update"}}],
	[{"group": "", "resource": "secrets", "verbs": {"get"}} | count(lib.persistences) > 0],
)

cluster_only := [{"group": "argoproj.io", "resource": "clusterworkflowtemplates", "verbs": {"get", "list", "watch"}} |
	lib.rendered("ClusterWorkflowTemplate")
]

# One finding for each controller and each scope: rights are mended in one role.
findings contains f if {
	judged
	some c in lib.controllers
	missing := lacks(c, work_namespace(c), needed(c))
	count(missing) > 0
	f := finding(c, work_namespace(c), missing)
}

findings contains f if {
	judged
	some c in lib.controllers
	missing := lacks(c, c.namespace, [n | some n in at_home; wanted(c, n)])
	count(missing) > 0
	f := finding(c, c.namespace, missing)
}

# judged: where no role is rendered at all, they are kept elsewhere.
judged if lib.rendered_any(["Role", "ClusterRole"])

# work_namespace is where the controller runs workflows; "" is everywhere.
work_namespace(c) := c.managed if c.namespaced

work_namespace(c) := "" if not c.namespaced

needed(c) := everywhere if c.namespaced

needed(c) := array.concat(everywhere, cluster_only) if not c.namespaced

wanted(_, n) if n.resource != "leases"

wanted(c, n) if {
	n.resource == "leases"
	not elects_nobody(c)
}

elects_nobody(c) if {
	some e in c.container.env
	e.name == "LEADER_ELECTION_DISABLE"
	e.value == "true"
}

account(c) := {"namespace": c.namespace, "name": c.service_account}

lacks(c, ns, needs) := [m |
	some n in needs
	verbs := {v | some v in n.verbs; not lib.may(account(c), ns, n.group, n.resource, v)}
	count(verbs) > 0
	m := {"group": n.group, "resource": n.resource, "verbs": verbs}
]

finding(c, ns, missing) := {
	"object": place(c, ns).object,
	"path": place(c, ns).path,
	"summary": sprintf("the workflow controller's service account %s lacks rights %s: %s", [c.service_account, where(ns), concat("; ", [sentence(m) | some m in missing])]),
	"detail": "Do not replace the rules of its role: add what is new as a JSON6902 patch {op: add, path: /rules/-}, or as a Role of its own with a binding.",
	"related": [{"object": c.object, "path": array.concat(c.pod.path, ["serviceAccountName"]), "message": "the workflow controller"}],
}

where("") := "in the whole cluster"

where(ns) := sprintf("in the namespace %s", [ns]) if ns != ""

sentence(m) := sprintf("%s %s", [concat(", ", sort(m.verbs)), m.resource]) if m.group == ""

sentence(m) := sprintf("%s %s.%s", [concat(", ", sort(m.verbs)), m.resource, m.group]) if m.group != ""

# place is the rules of a role that the account has in the scope, the well-known
# ones first, or else the controller itself.
place(c, ns) := {"object": roles[0][1], "path": ["rules"]} if {
	roles := sort([[rank(input.objects[r]), r] | some r in roles_of(c, ns)])
	count(roles) > 0
} else := {"object": c.object, "path": array.concat(c.pod.path, ["serviceAccountName"])}

roles_of(c, ns) := {r |
	some kind in ["RoleBinding", "ClusterRoleBinding"]
	some b in lib.indices[kind]
	binding := input.objects[b]
	lib.scope_of(binding) == ns
	some subject in lib.as_array(object.get(binding, "subjects", []))
	subject.name == c.service_account
	lib.same_namespace(lib.subject_namespace(subject, binding), c.namespace)
	some r in lib.role_indices(binding)
}

rank(o) := 0 if lib.name(o) in {"argo-role", "argo-cluster-role", "argo-workflows-workflow-controller"}

rank(o) := 1 if not lib.name(o) in {"argo-role", "argo-cluster-role", "argo-workflows-workflow-controller"}
