# METADATA
# title: Shared helpers
# description: |
#   What the rules share. input is {environment, objects[], spec, external, today};
#   an object is known by its index in input.objects. Nothing here is a finding.
package strake.lib

# indices maps a kind to the places of its objects in input.objects.
indices[object.kind] contains i if some i, object in input.objects

# rendered tells whether any object of a kind is there. Where a whole kind is
# absent the repository is only a part, and what refers to it cannot be judged.
rendered(kind) if count(indices[kind]) > 0

rendered_any(kinds) if {
	some kind in kinds
	rendered(kind)
}

name(o) := object.get(o, ["metadata", "name"], "")

namespace(o) := object.get(o, ["metadata", "namespace"], "")

annotation(o, key) := object.get(o, ["metadata", "annotations", key], "")

label(o, key) := object.get(o, ["metadata", "labels", key], "")

# id names an object in a sentence.
id(o) := sprintf("%s %s", [o.kind, name(o)]) if namespace(o) == ""

id(o) := sprintf("%s %s/%s", [o.kind, namespace(o), name(o)]) if namespace(o) != ""

# same_namespace compares two namespaces. An object without one is applied to a
# namespace that only its Application knows: it fits any.
same_namespace(a, b) if a == b

same_namespace("", b) if b != ""

same_namespace(a, "") if a != ""

# namespaces are those that any rendered object is in, or that are rendered.
namespaces contains namespace(o) if {
	some o in input.objects
	namespace(o) != ""
}

namespaces contains name(input.objects[i]) if some i in indices.Namespace

# system_namespace holds for namespaces that the cluster or its add-ons own.
system_namespace(ns) if regex.match(`^(kube-|gke-|gmp-|istio-|config-management-|cnrm-|anthos-)`, ns)

system_namespace(ns) if ns in {"external-secrets", "cert-manager", "argocd", "ingress-nginx", "monitoring", "flux-system"}

# stage is what the environment is for.
stage := lower(object.get(input, ["spec", "stage"], "")) if object.get(input, ["spec", "stage"], "") != ""

stage := lower(object.get(input, "environment", "")) if object.get(input, ["spec", "stage"], "") == ""

# prod holds for environments that people depend on.
prod if {
	contains(stage, "prod")
	not regex.match(`(non|pre)[-_]?prod`, stage)
}

# dev holds for environments that nobody depends on.
dev if regex.match(`(^|[^a-z])(dev|develop|development|local|sandbox|playground)([^a-z]|$)`, stage)

# severe is error in prod and warning elsewhere.
default severe := "warning"

severe := "error" if prod

# autopilot clusters place and taint by themselves.
autopilot if object.get(input, ["spec", "cluster", "mode"], "") == "autopilot"

# yaml_value parses a string of a ConfigMap; undefined where it is not YAML.
yaml_value(text) := yaml.unmarshal(text) if {
	is_string(text)
	yaml.is_valid(text)
}

# templated holds for strings that are filled in later, by Argo or by a shell.
templated(text) if contains(text, "{{")

templated(text) if contains(text, "$(")

templated(text) if contains(text, "${")

# seconds reads a duration as Argo writes it: 90, "90", 10m, 1h30m, 2d.
seconds(v) := v if is_number(v)

seconds(v) := to_number(v) if {
	is_string(v)
	regex.match(`^[0-9]+$`, v)
}

seconds(v) := to_number(trim_suffix(v, "d")) * 86400 if {
	is_string(v)
	regex.match(`^[0-9]+d$`, v)
}

seconds(v) := time.parse_duration_ns(v) / 1000000000 if {
	is_string(v)
	regex.match(`^([0-9]+(\.[0-9]+)?(ms|h|m|s))+$`, v)
}

# external_named holds for objects that the spec says exist without being rendered.
external_named(kind, ns, object_name) if {
	some e in object.get(input, "external", [])
	e.kind == kind
	e.name == object_name
	same_namespace(e.namespace, ns)
}

# has_spec tells whether the repository has a spec.
has_spec if count(as_object(object.get(input, "spec", {}))) > 0
