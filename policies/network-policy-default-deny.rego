# METADATA
# title: A tenant's namespace has no default-deny NetworkPolicy
# description: |
#   Without one every pod of the cluster can reach the team's pods, and a step can send the team's data anywhere.
# custom:
#   severity: warning
#   slug: network-policy-default-deny
package strake.rules.network_policy_default_deny

import data.strake.lib

findings contains f if {
	some i in lib.indices.Namespace
	o := input.objects[i]
	tenant(lib.name(o))
	missing := [d | some d in ["Ingress", "Egress"]; not denied(lib.name(o), d)]
	count(missing) > 0
	f := {
		"object": i,
		"path": ["metadata", "name"],
		"severity": severity,
		"summary": sprintf("no NetworkPolicy denies %s by default in the namespace %s", [lower(concat(" and ", missing)), lib.name(o)]),
		"detail": "Add a NetworkPolicy with an empty podSelector and both policyTypes, and others that allow DNS, the API server, the metadata server and what the pods need.",
	}
}

# tenant namespaces are those the spec says, or where workflows are defined.
tenant(ns) if {
	some t in object.get(input, ["spec", "tenants"], [])
	object.get(t, "namespace", t.name) == ns
}

tenant(ns) if {
	some w in lib.workflow_specs
	w.namespace == ns
	not controller_namespace(ns)
}

controller_namespace(ns) if {
	some c in lib.controllers
	c.namespace == ns
}

denied(ns, direction) if {
	some i in lib.indices.NetworkPolicy
	o := input.objects[i]
	lib.same_namespace(lib.namespace(o), ns)
	count(object.get(o, ["spec", "podSelector"], {"none": true})) == 0
	direction in types(o)
	not open(o, direction)
}

# Without policyTypes a policy is about ingress, and about egress where it has
# rules for it.
types(o) := {t | some t in o.spec.policyTypes} if o.spec.policyTypes

types(o) := {"Ingress"} | {"Egress" | o.spec.egress} if not o.spec.policyTypes

# open: a rule without any condition allows everything.
open(o, direction) if {
	some rule in object.get(o.spec, lower(direction), [])
	count(rule) == 0
}

default severity := "warning"

severity := "info" if {
	not lib.rendered("NetworkPolicy")
	not lib.has_spec
}
