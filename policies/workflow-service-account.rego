# METADATA
# title: A workflow runs as the wrong service account
# description: |
#   Without a service account of its own a workflow runs as default, whose rights every pod of the namespace shares. One that is not
#   rendered keeps its pods from being created; a powerful one gives its rights to the code of every step.
# custom:
#   severity: error
#   slug: workflow-service-account
package strake.rules.workflow_service_account

import data.strake.lib

starts(pod) if object.get(pod.workflow.spec, "entrypoint", "") != ""

findings contains f if {
	some pod in lib.argo_pods
	starts(pod)
	pod.service_account == "default"
	not called_with_account(pod.workflow)
	f := {
		"object": pod.object,
		"path": place(pod),
		"severity": default_severity,
		"summary": sprintf("the %s %s runs as the service account default", [pod.workflow.kind, pod.workflow.name]),
		"detail": "Set spec.serviceAccountName to an account with the executor's rights and nothing else.",
	}
}

default default_severity := "warning"

default_severity := "info" if count(lib.configs) == 0

place(pod) := array.concat(pod.path, ["serviceAccountName"]) if {
	pod.template.own.serviceAccountName
} else := array.concat(pod.workflow.path, ["serviceAccountName"]) if {
	pod.workflow.spec.serviceAccountName
} else := pod.workflow.path

called_with_account(w) if {
	callers := lib.callers(w)
	count(callers) > 0
	every c in callers {
		object.get(c.spec, "serviceAccountName", "") != ""
	}
}

findings contains f if {
	some pod in lib.argo_pods
	pod.workflow.kind != "ClusterWorkflowTemplate"
	account := {"namespace": pod.namespace, "name": pod.service_account}
	account.name != "default"
	not lib.templated(account.name)
	not lib.account_known(account)
	f := {
		"object": pod.object,
		"path": place(pod),
		"severity": missing_severity(account),
		"summary": sprintf("the service account %s is not rendered in the namespace %s: its pods cannot be created", [account.name, account.namespace]),
		"detail": sprintf("Name an account of the namespace%s.", [known(account.namespace)]),
	}
}

known(ns) := sprintf(": %s", [concat(", ", sort(names))]) if {
	names := {lib.name(o) |
		some i in lib.indices.ServiceAccount
		o := input.objects[i]
		lib.same_namespace(lib.namespace(o), ns)
	}
	count(names) > 0
} else := ""

# Accounts of a namespace of which none is rendered are kept elsewhere.
missing_severity(account) := "error" if {
	some i in lib.indices.ServiceAccount
	lib.same_namespace(lib.namespace(input.objects[i]), account.namespace)
} else := "info"

findings contains f if {
	some account in lib.workflow_accounts
	some i in role_bindings
	binding := input.objects[i]
	some j, subject in lib.as_array(object.get(binding, "subjects", []))
	subject.kind == "ServiceAccount"
	subject.name == account.name
	lib.same_namespace(lib.subject_namespace(subject, binding), account.namespace)
	powerful(binding)
	pods := lib.pods_as(account)
	f := {
		"object": i,
		"path": ["subjects", j],
		"summary": sprintf("%s gives the service account %s, which workflow pods run as, the role %s", [lib.id(binding), account.name, binding.roleRef.name]),
		"detail": "Every step of every workflow in the namespace has these rights. Bind a Role with what is needed, or use an account that no workflow runs as.",
		"related": [{"object": pods[0].object, "path": pods[0].path, "message": "a workflow that runs as it"}],
	}
}

role_bindings contains i if {
	some kind in ["RoleBinding", "ClusterRoleBinding"]
	some i in lib.indices[kind]
}

powerful(binding) if binding.roleRef.name in {"cluster-admin", "admin", "edit"}

powerful(binding) if {
	some r in lib.role_indices(binding)
	some rule in input.objects[r].rules
	"*" in rule.verbs
	"*" in rule.resources
}

findings contains f if {
	some c in array.concat(lib.controllers, lib.servers)
	account := {"namespace": c.pod.namespace, "name": c.pod.service_account}
	account.name != "default"
	account in lib.workflow_accounts
	pods := lib.pods_as(account)
	f := {
		"object": pods[0].object,
		"path": place(pods[0]),
		"summary": sprintf("workflow pods run as %s, the account of %s", [account.name, c.pod.name]),
		"detail": "Give workflows an account of their own: Argo's may create pods and read Secrets.",
	}
}
