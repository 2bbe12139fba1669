# METADATA
# title: A role is bound to nobody
# description: |
#   Rights in a Role or ClusterRole that no binding names have no effect. Often the role was written to mend something, and the
#   cause is elsewhere.
# custom:
#   severity: warning
#   slug: role-unbound
package strake.rules.role_unbound

import data.strake.lib

findings contains f if {
	some kind in ["Role", "ClusterRole"]
	some i in lib.indices[kind]
	o := input.objects[i]
	not bound(o)
	not aggregated(o)
	not o.aggregationRule
	f := {
		"object": i,
		"path": ["metadata", "name"],
		"severity": severity(kind),
		"summary": sprintf("no binding names the %s %s: it has no effect", [kind, lib.name(o)]),
		"detail": "Bind it to a service account with a RoleBinding or ClusterRoleBinding, or remove it.",
	}
}

bound(o) if {
	some kind in ["RoleBinding", "ClusterRoleBinding"]
	some i in lib.indices[kind]
	binding := input.objects[i]
	binding.roleRef.kind == o.kind
	binding.roleRef.name == lib.name(o)
	reaches(binding, o)
}

reaches(_, o) if o.kind == "ClusterRole"

reaches(binding, o) if {
	o.kind == "Role"
	lib.same_namespace(lib.namespace(binding), lib.namespace(o))
}

# aggregated roles give their rules to another one.
aggregated(o) if {
	some key, value in object.get(o, ["metadata", "labels"], {})
	contains(key, "/aggregate-to-")
	value == "true"
}

# A role that collects others names their labels itself.
aggregated(o) if {
	o.kind == "ClusterRole"
	some i in lib.indices.ClusterRole
	some selector in lib.as_array(object.get(input.objects[i], ["aggregationRule", "clusterRoleSelectors"], []))
	wanted := object.get(selector, "matchLabels", {})
	count(wanted) > 0
	every key, value in wanted {
		object.get(o, ["metadata", "labels", key], null) == value
	}
}

# Where no binding at all is rendered, they are kept elsewhere; and so they may
# be for a ClusterRole where more is delivered beside this.
severity(kind) := "info" if {
	not lib.rendered_any(["RoleBinding", "ClusterRoleBinding"])
} else := "info" if {
	kind == "ClusterRole"
	input.partial
} else := "warning"
