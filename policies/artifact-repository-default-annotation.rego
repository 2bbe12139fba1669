# METADATA
# title: The default artifact repository is not named
# description: |
#   Argo finds the default key of the ConfigMap artifact-repositories in an annotation. Without it no repository is
#   found, nothing says so, and the first step that saves an artifact fails.
# custom:
#   severity: error
#   slug: artifact-repository-default-annotation
package strake.rules.artifact_repository_default_annotation

import data.strake.lib

key := "workflows.argoproj.io/default-artifact-repository"

findings contains f if {
	some i in lib.indices.ConfigMap
	o := input.objects[i]
	lib.name(o) == "artifact-repositories"
	lib.annotation(o, key) == ""
	not every_workflow_names_a_key(lib.namespace(o))
	f := {
		"object": i,
		"path": ["metadata", "annotations", key],
		"summary": sprintf("the ConfigMap artifact-repositories has no annotation %s", [key]),
		"detail": sprintf("Add the annotation with one of the keys under data: %s.", [keys(o)]),
	}
}

findings contains f if {
	some i in lib.indices.ConfigMap
	o := input.objects[i]
	lib.name(o) == "artifact-repositories"
	value := lib.annotation(o, key)
	value != ""
	not value in object.keys(lib.as_object(object.get(o, "data", {})))
	f := {
		"object": i,
		"path": ["metadata", "annotations", key],
		"summary": sprintf("the default artifact repository is %q, which is not a key of the ConfigMap", [value]),
		"detail": sprintf("Name one of the keys under data: %s.", [keys(o)]),
	}
}

every_workflow_names_a_key(ns) if {
	specs := [w | some w in lib.runnable; lib.same_namespace(w.namespace, ns)]
	count(specs) > 0
	every w in specs {
		object.get(w.spec, ["artifactRepositoryRef", "key"], "") != ""
	}
}

keys(o) := concat(", ", sort(object.keys(lib.as_object(object.get(o, "data", {}))))) if count(object.get(o, "data", {})) > 0

keys(o) := "there are none yet" if count(object.get(o, "data", {})) == 0
