# METADATA
# title: An ExternalSecret names a store that is not there
# description: |
#   Without its store the operator writes no Secret, and the pods that need it wait in CreateContainerConfigError.
# custom:
#   severity: error
#   slug: secret-store-unresolved
package strake.rules.secret_store_unresolved

import data.strake.lib

findings contains f if {
	some i in lib.indices.ExternalSecret
	o := input.objects[i]
	ref := o.spec.secretStoreRef
	kind := object.get(ref, "kind", "SecretStore")
	not found(kind, ref.name, lib.namespace(o))
	f := {
		"object": i,
		"path": ["spec", "secretStoreRef", "name"],
		"severity": severity(kind, lib.namespace(o)),
		"summary": sprintf("the %s %s is not rendered%s", [kind, ref.name, where(kind, lib.namespace(o))]),
		"detail": sprintf("Name a %s that is rendered, or set secretStoreRef.kind.", [kind]),
	}
}

where("ClusterSecretStore", _) := ""

where("SecretStore", ns) := sprintf(" in the namespace %s", [ns])

found(kind, store, ns) if {
	some i in lib.indices[kind]
	o := input.objects[i]
	lib.name(o) == store
	in_reach(kind, o, ns)
}

in_reach("ClusterSecretStore", _, _)

in_reach("SecretStore", o, ns) if lib.same_namespace(lib.namespace(o), ns)

severity("ClusterSecretStore", _) := "warning" if lib.rendered("ClusterSecretStore")

severity("ClusterSecretStore", _) := "info" if not lib.rendered("ClusterSecretStore")

severity("SecretStore", ns) := "error" if {
	ns in lib.namespaces
	lib.rendered("SecretStore")
} else := "info"

# A store for all namespaces has to say where its service account is.
findings contains f if {
	some i in lib.indices.ClusterSecretStore
	o := input.objects[i]
	walk(o.spec, [path, ref])
	count(path) > 0
	path[count(path) - 1] == "serviceAccountRef"
	object.get(ref, "namespace", "") == ""
	f := {
		"object": i,
		"path": array.concat(["spec"], path),
		"severity": "error",
		"summary": sprintf("serviceAccountRef of the ClusterSecretStore %s has no namespace", [lib.name(o)]),
		"detail": "A ClusterSecretStore has no namespace of its own: name the service account's.",
	}
}
