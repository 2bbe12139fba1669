# METADATA
# title: A pod mounts a claim that is not there
# description: |
#   A pod with a PersistentVolumeClaim that does not exist stays Pending. A PersistentVolume is not a claim: both are needed.
# custom:
#   severity: error
#   slug: pvc-unresolved
package strake.rules.pvc_unresolved

import data.strake.lib

findings contains f if {
	some pod in lib.pods
	some v in lib.volumes(pod)
	claim := v.volume.persistentVolumeClaim.claimName
	not lib.templated(claim)
	input.objects[pod.object].kind != "ClusterWorkflowTemplate"
	not claimed(pod.namespace, claim)
	f := {
		"object": pod.object,
		"path": array.concat(v.path, ["persistentVolumeClaim", "claimName"]),
		"severity": severity,
		"summary": sprintf("the PersistentVolumeClaim %s is not rendered in the namespace %s", [claim, pod.namespace]),
		"detail": sprintf("Render it%s, or use volumeClaimTemplates.", [volumes]),
	}
}

claimed(ns, claim) if {
	some i in lib.indices.PersistentVolumeClaim
	o := input.objects[i]
	lib.name(o) == claim
	lib.same_namespace(lib.namespace(o), ns)
}

# A StatefulSet makes claims called <template>-<name>-<ordinal>.
claimed(ns, claim) if {
	some i in lib.indices.StatefulSet
	o := input.objects[i]
	lib.same_namespace(lib.namespace(o), ns)
	some t in o.spec.volumeClaimTemplates
	startswith(claim, sprintf("%s-%s-", [t.metadata.name, lib.name(o)]))
}

volumes := " beside the PersistentVolume" if lib.rendered("PersistentVolume")

volumes := "" if not lib.rendered("PersistentVolume")

default severity := "warning"

severity := "error" if lib.rendered_any(["PersistentVolumeClaim", "PersistentVolume"])
