# METADATA
# title: A namespace does not enforce a Pod Security level
# description: |
#   Without the label pod-security.kubernetes.io/enforce any pod is admitted, privileged ones included, and a workflow may be any pod.
# custom:
#   severity: warning
#   slug: namespace-pod-security
package strake.rules.namespace_pod_security

import data.strake.lib

key := "pod-security.kubernetes.io/enforce"

findings contains f if {
	some i in lib.indices.Namespace
	o := input.objects[i]
	not lib.system_namespace(lib.name(o))
	lib.label(o, key) == ""
	f := {
		"object": i,
		"path": ["metadata", "labels"],
		"summary": sprintf("the namespace %s enforces no Pod Security level", [lib.name(o)]),
		"detail": sprintf("Set the label %s to restricted, or to baseline where a pod needs it.", [key]),
	}
}

findings contains f if {
	some i in lib.indices.Namespace
	o := input.objects[i]
	not lib.system_namespace(lib.name(o))
	lib.label(o, key) == "privileged"
	f := {
		"object": i,
		"path": ["metadata", "labels", key],
		"summary": sprintf("the namespace %s admits privileged pods", [lib.name(o)]),
		"detail": "Use restricted, or baseline where a pod needs it.",
	}
}
