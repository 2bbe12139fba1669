# METADATA
# title: PodSecurityPolicy no longer exists
# description: |
#   Kubernetes removed the kind in 1.25: applying it fails, and nothing enforces it.
# custom:
#   severity: error
#   slug: pod-security-policy-removed
package strake.rules.pod_security_policy_removed

import data.strake.lib

findings contains f if {
	some i in lib.indices.PodSecurityPolicy
	f := {
		"object": i,
		"path": ["kind"],
		"summary": "the kind PodSecurityPolicy was removed in Kubernetes 1.25",
		"detail": "Set the label pod-security.kubernetes.io/enforce on the namespaces.",
	}
}

# Rights to use one have no meaning either.
findings contains f if {
	some kind in ["Role", "ClusterRole"]
	some i in lib.indices[kind]
	some j, rule in lib.as_array(object.get(input.objects[i], "rules", []))
	"podsecuritypolicies" in object.get(rule, "resources", [])
	f := {
		"object": i,
		"path": ["rules", j],
		"severity": "warning",
		"summary": sprintf("%s gives rights on PodSecurityPolicies, which were removed in Kubernetes 1.25", [lib.id(input.objects[i])]),
		"detail": "Remove the rule.",
	}
}
