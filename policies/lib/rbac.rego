package strake.lib

# grants are the rules that bindings give to service accounts: namespace ("" for
# the whole cluster), account {namespace, name}, role (index), rule (index and
# value), binding (index).
grants := [g |
	some kind in ["RoleBinding", "ClusterRoleBinding"]
	some b in indices[kind]
	binding := input.objects[b]
	some subject in as_array(object.get(binding, "subjects", []))
	subject.kind == "ServiceAccount"
	some r in role_indices(binding)
	some i, rule in as_array(object.get(input.objects[r], "rules", []))
	g := {
		"namespace": scope_of(binding),
		"account": {"namespace": subject_namespace(subject, binding), "name": subject.name},
		"role": r,
		"index": i,
		"rule": rule,
		"binding": b,
	}
]

scope_of(binding) := "" if binding.kind == "ClusterRoleBinding"

scope_of(binding) := namespace(binding) if binding.kind == "RoleBinding"

subject_namespace(subject, binding) := object.get(subject, "namespace", namespace(binding))

# role_indices are the rendered roles that a binding names.
role_indices(binding) := {i |
	some i in indices[binding.roleRef.kind]
	o := input.objects[i]
	name(o) == binding.roleRef.name
	role_in_reach(o, binding)
}

role_in_reach(o, _) if o.kind == "ClusterRole"

role_in_reach(o, binding) if {
	o.kind == "Role"
	same_namespace(namespace(o), namespace(binding))
}

# grants_to are the grants that reach an account.
grants_to(account) := [g |
	some i in grants_named[account.name]
	g := grants[i]
	same_namespace(g.account.namespace, account.namespace)
]

grants_named[g.account.name] contains i if some i, g in grants

# allows holds when a rule covers a verb on a resource of a group.
allows(rule, group, resource, verb) if {
	some g in as_array(object.get(rule, "apiGroups", []))
	g in {group, "*"}
	some r in as_array(object.get(rule, "resources", []))
	resource_matches(r, resource)
	some v in as_array(object.get(rule, "verbs", []))
	v in {verb, "*"}
}

resource_matches(resource, resource)

resource_matches("*", _)

resource_matches(r, resource) if {
	startswith(r, "*/")
	endswith(resource, trim_prefix(r, "*"))
}

unrestricted(rule) if count(as_array(object.get(rule, "resourceNames", []))) == 0

# may holds when an account has a verb on a resource in a namespace ("" asks for
# the whole cluster).
may(account, ns, group, resource, verb) if {
	some g in grants_to(account)
	g.namespace in {"", ns}
	allows(g.rule, group, resource, verb)
}

# workflow_accounts are the service accounts that workflow pods run as.
workflow_accounts contains {"namespace": p.namespace, "name": p.service_account} if {
	some p in argo_pods
	not templated(p.service_account)
	p.workflow.kind != "ClusterWorkflowTemplate"
}

# pods_as are the workflow pods that run as an account.
pods_as(account) := [p |
	some p in argo_pods
	p.namespace == account.namespace
	p.service_account == account.name
]

# account_indices are the places of a rendered service account.
account_indices(account) := {i |
	some i in indices.ServiceAccount
	o := input.objects[i]
	name(o) == account.name
	same_namespace(namespace(o), account.namespace)
}

account_known(account) if count(account_indices(account)) > 0

account_known(account) if external_named("ServiceAccount", account.namespace, account.name)

# built_in holds for the roles that every cluster has.
built_in(role) if role in {"cluster-admin", "admin", "edit", "view"}

built_in(role) if startswith(role, "system:")
