# What a team would run with conftest: four rules over one object at a time.
# The comparison favours this side, for Strake runs many more.
package main

import rego.v1

containers contains c if some c in input.spec.template.spec.containers

deny contains msg if {
	some c in containers
	endswith(c.image, ":latest")
	msg := sprintf("%s: image %s is not pinned", [input.metadata.name, c.image])
}

deny contains msg if {
	some c in containers
	not c.resources.requests
	msg := sprintf("%s: container %s has no requests", [input.metadata.name, c.name])
}

deny contains msg if {
	input.kind in {"Role", "ClusterRole"}
	some rule in input.rules
	"*" in rule.verbs
	msg := sprintf("%s: a rule allows every verb", [input.metadata.name])
}

deny contains msg if {
	input.kind == "Secret"
	count(object.get(input, "data", {})) > 0
	msg := sprintf("%s: a Secret with data", [input.metadata.name])
}
