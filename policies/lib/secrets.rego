package strake.lib

# secret_kinds are what becomes a Secret in the cluster.
secret_kinds := {"Secret", "ExternalSecret", "ClusterExternalSecret", "SealedSecret", "Certificate", "VaultStaticSecret", "Service"}

# secret_sources are the Secrets that the environment will have: namespace,
# name, keys (null where they cannot be known).
secret_sources := [s |
	some kind in secret_kinds
	some i in indices[kind]
	o := input.objects[i]
	some found in secret_of(o)
	s := object.union(found, {"object": i, "namespace": namespace(o)})
]

secret_of(o) := [{"name": name(o), "keys": keys}] if {
	o.kind == "Secret"
	object.get(o, "type", "Opaque") != "kubernetes.io/service-account-token"
	keys := object.keys(as_object(object.get(o, "data", {}))) | object.keys(as_object(object.get(o, "stringData", {})))
}

secret_of(o) := [{"name": name(o), "keys": null}] if {
	o.kind == "Secret"
	o.type == "kubernetes.io/service-account-token"
}

secret_of(o) := [{"name": object.get(o, ["spec", "target", "name"], name(o)), "keys": external_keys(o)}] if o.kind == "ExternalSecret"

secret_of(o) := [{"name": object.get(o, ["spec", "externalSecretName"], name(o)), "keys": null}] if o.kind == "ClusterExternalSecret"

secret_of(o) := [{"name": name(o), "keys": null}] if o.kind in {"SealedSecret"}

secret_of(o) := [{"name": o.spec.secretName, "keys": null}] if o.kind == "Certificate"

secret_of(o) := [{"name": o.spec.destination.name, "keys": null}] if o.kind == "VaultStaticSecret"

# A Service or a Route of OpenShift asks for its certificate in an annotation.
secret_of(o) := [{"name": certificate, "keys": null} |
	some key in ["service.beta.openshift.io/serving-cert-secret-name", "service.alpha.openshift.io/serving-cert-secret-name"]
	certificate := object.get(o, ["metadata", "annotations", key], "")
	certificate != ""
] if {
	o.kind == "Service"
}

# external_keys are the keys an ExternalSecret writes; dataFrom and templates
# that take them from elsewhere leave them unknown.
external_keys(o) := null if {
	some field in ["dataFrom"]
	count(as_array(object.get(o, ["spec", field], []))) > 0
} else := null if {
	count(as_array(object.get(o, ["spec", "target", "template", "templateFrom"], []))) > 0
} else := object.keys(as_object(object.get(o, ["spec", "target", "template", "data"], {}))) | merged_keys(o) if {
	count(as_object(object.get(o, ["spec", "target", "template", "data"], {}))) > 0
} else := null if {
	object.get(o, ["spec", "target", "creationPolicy"], "Owner") == "Merge"
} else := data_keys(o)

data_keys(o) := {d.secretKey | some d in as_array(object.get(o, ["spec", "data"], []))}

merged_keys(o) := data_keys(o) if object.get(o, ["spec", "target", "template", "mergePolicy"], "Replace") == "Merge"

merged_keys(o) := set() if object.get(o, ["spec", "target", "template", "mergePolicy"], "Replace") != "Merge"

# secret_state says what is known of a key of a Secret: "found", "no key" or
# "no secret". An empty key asks for the Secret alone.
secret_state(ns, secret, key) := source_state(secret_sources, ns, secret, key)

source_state(sources, ns, object_name, key) := "found" if {
	some s in sources
	s.name == object_name
	same_namespace(s.namespace, ns)
	has_key(s.keys, key)
} else := "no key" if {
	some s in sources
	s.name == object_name
	same_namespace(s.namespace, ns)
} else := "no object"

has_key(null, _)

has_key(keys, key) if {
	keys != null
	key in keys
}

has_key(keys, "") if keys != null

# config_map_sources are the ConfigMaps that the environment will have.
config_map_sources := [s |
	some i in indices.ConfigMap
	o := input.objects[i]
	keys := object.keys(as_object(object.get(o, "data", {}))) | object.keys(as_object(object.get(o, "binaryData", {})))
	s := {"object": i, "namespace": namespace(o), "name": name(o), "keys": keys}
]

# source_severity says how sure we may be that what is not rendered is missing:
# error where the namespace has others of its kind, warning where only other
# namespaces have, or more is delivered beside this, info where nothing of the
# kind is rendered at all.
source_severity(sources, ns) := "error" if {
	not input.partial
	some s in sources
	same_namespace(s.namespace, ns)
} else := "warning" if {
	count(sources) > 0
} else := "info"
