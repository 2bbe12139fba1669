# METADATA
# title: A ConfigMap that is looked up by name has a hash in its name
# description: |
#   kustomize's configMapGenerator adds a hash to the name. Argo looks up artifact-repositories and
#   workflow-controller-configmap by their fixed names, does not find them, and goes on without.
# custom:
#   severity: error
#   slug: config-map-name-suffix
package strake.rules.config_map_name_suffix

import data.strake.lib

# kustomize's hash has ten of these characters (kyaml hasher).
hashed := `^(artifact-repositories|workflow-controller-configmap|argocd-cm|argocd-rbac-cm|argocd-cmd-params-cm)-[2456789bcdfghkmt]{10}$`

findings contains f if {
	some i in lib.indices.ConfigMap
	o := input.objects[i]
	regex.match(hashed, lib.name(o))
	fixed := regex.replace(lib.name(o), `-[^-]+$`, "")
	not lookup(fixed, lib.name(o))
	f := {
		"object": i,
		"path": ["metadata", "name"],
		"summary": sprintf("the ConfigMap is called %s and looked up as %s", [lib.name(o), fixed]),
		"detail": "Set generatorOptions.disableNameSuffixHash: true for it.",
	}
}

# A controller may be told the name.
lookup(_, full) if {
	some c in lib.controllers
	full in lib.flag_values(c.words, "--configmap")
}
