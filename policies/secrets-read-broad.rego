# METADATA
# title: A service account may read every Secret
# description: |
#   Environment variables and volumes from Secrets are resolved by the kubelet: a pod needs no right to read them. With it, any code
#   in the pod reads every password of the namespace.
# custom:
#   severity: error
#   slug: secrets-read-broad
package strake.rules.secrets_read_broad

import data.strake.lib

findings contains f if {
	some g in lib.grants
	verbs := broad(g.rule)
	count(verbs) > 0
	some severity in [severity_of(g, verbs)]
	f := {
		"object": g.role,
		"path": ["rules", g.index],
		"severity": severity,
		"summary": sprintf("the ServiceAccount %s/%s may %s every Secret%s", [g.account.namespace, g.account.name, concat(", ", sort(verbs)), scope(g.namespace)]),
		"detail": "Leave secrets out of the role, or name the ones that are meant in resourceNames with the verb get.",
		"related": [{"object": g.binding, "path": ["roleRef"], "message": "the binding"}],
	}
}

# broad are the verbs that read Secrets nobody named. resourceNames do not bound
# a watch or a list in the way one would expect.
broad(rule) := {v |
	some v in ["get", "list", "watch"]
	lib.allows(rule, "", "secrets", v)
	lib.unrestricted(rule)
}

scope("") := " of the cluster"

scope(ns) := sprintf(" of the namespace %s", [ns]) if ns != ""

workflow_account(account) if {
	some a in lib.workflow_accounts
	a.name == account.name
	lib.same_namespace(a.namespace, account.namespace)
}

argo_account(account) if {
	some c in array.concat(lib.controllers, [object.union(s, {"namespace": s.pod.namespace, "service_account": s.pod.service_account}) | some s in lib.servers])
	account.name == c.service_account
	lib.same_namespace(account.namespace, c.namespace)
}

argo_account(account) if lib.external_named("ServiceAccount", account.namespace, account.name)

severity_of(g, _) := "error" if workflow_account(g.account)

# Argo's own manifests give its controller and its server get: for the database,
# for single sign-on and for the keys of artifact repositories.
severity_of(g, verbs) := "warning" if {
	not workflow_account(g.account)
	argo_account(g.account)
	count(verbs & {"list", "watch"}) > 0
}

# Operators such as External Secrets do read all Secrets, from namespaces of
# their own.
severity_of(g, _) := "warning" if {
	not workflow_account(g.account)
	not argo_account(g.account)
	not lib.system_namespace(g.account.namespace)
	not secrets_operator(g.account)
	runs_a_workload(g.account)
}

# secrets_operator is the account of the External Secrets Operator: writing
# Secrets is its work, in whatever namespace it is.
secrets_operator(account) if {
	some entry in lib.workload_containers
	entry.pod.service_account == account.name
	lib.same_namespace(entry.pod.namespace, account.namespace)
	lib.image_name(object.get(entry.container, "image", "")) == "external-secrets"
}

runs_a_workload(account) if {
	some pod in lib.workloads
	pod.service_account == account.name
	lib.same_namespace(pod.namespace, account.namespace)
}
