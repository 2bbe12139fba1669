# METADATA
# title: A binding names a role or a service account that is not there
# description: |
#   The API server accepts such a binding and it gives nobody anything: a name was misspelt, or the object was renamed or lies
#   in another namespace.
# custom:
#   severity: error
#   slug: binding-unresolved
package strake.rules.binding_unresolved

import data.strake.lib

bindings contains i if {
	some kind in ["RoleBinding", "ClusterRoleBinding"]
	some i in lib.indices[kind]
}

findings contains f if {
	some i in bindings
	o := input.objects[i]
	count(lib.role_indices(o)) == 0
	not lib.built_in(o.roleRef.name)
	not lib.external_named(o.roleRef.kind, lib.namespace(o), o.roleRef.name)
	f := {
		"object": i,
		"path": ["roleRef", "name"],
		"severity": role_severity(o.roleRef.kind),
		"summary": sprintf("the %s %s, which %s binds, is not rendered", [o.roleRef.kind, o.roleRef.name, lib.id(o)]),
		"detail": sprintf("Name a %s that is rendered%s.", [o.roleRef.kind, candidates(o)]),
	}
}

role_severity("Role") := "error" if {
	lib.rendered("Role")
	not input.partial
}

# Beside one overlay of many, others are delivered.
role_severity("Role") := "warning" if {
	lib.rendered("Role")
	input.partial
}

role_severity("Role") := "info" if not lib.rendered("Role")

# A ClusterRole may come with another installation.
role_severity("ClusterRole") := "warning" if lib.rendered("ClusterRole")

role_severity("ClusterRole") := "info" if not lib.rendered("ClusterRole")

candidates(o) := sprintf(": %s", [concat(", ", sort(names))]) if {
	names := {lib.name(r) |
		some j in lib.indices[o.roleRef.kind]
		r := input.objects[j]
		lib.role_in_reach(r, o)
	}
	count(names) in numbers.range(1, 8)
} else := ""

findings contains f if {
	some i in bindings
	o := input.objects[i]
	some j, subject in lib.as_array(object.get(o, "subjects", []))
	subject.kind == "ServiceAccount"
	ns := lib.subject_namespace(subject, o)
	not lib.account_known({"namespace": ns, "name": subject.name})
	subject.name != "default"
	f := {
		"object": i,
		"path": ["subjects", j, subject_field(subject)],
		"severity": subject_severity(ns),
		"summary": sprintf("the ServiceAccount %s/%s, to which %s gives rights, is not rendered", [ns, subject.name, lib.id(o)]),
		"detail": sprintf("Name a service account that is rendered%s.", [elsewhere(subject.name)]),
	}
}

subject_field(subject) := "namespace" if count(indices_named(subject.name)) > 0

subject_field(subject) := "name" if count(indices_named(subject.name)) == 0

indices_named(account) := {i |
	some i in lib.indices.ServiceAccount
	lib.name(input.objects[i]) == account
}

elsewhere(account) := sprintf(": %s is in %s", [account, concat(", ", sort({lib.namespace(input.objects[i]) | some i in indices_named(account)}))]) if {
	count(indices_named(account)) > 0
} else := ""

# In a namespace of which nothing is rendered, service accounts are not either.
subject_severity(ns) := "error" if {
	not input.partial
	lib.rendered("ServiceAccount")
	ns in lib.namespaces
} else := "warning" if {
	lib.rendered("ServiceAccount")
	not lib.system_namespace(ns)
} else := "info"
