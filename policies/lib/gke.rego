package strake.lib

# backend_configs are the BackendConfigs that Services name, with the place. One
# without a name stands for an annotation that GKE cannot read.
backend_configs contains b if {
	some i in indices.Service
	o := input.objects[i]
	some key in ["cloud.google.com/backend-config", "beta.cloud.google.com/backend-config"]
	text := annotation(o, key)
	text != ""
	some named in backend_names(text)
	b := {"object": i, "path": ["metadata", "annotations", key], "namespace": namespace(o), "name": named}
}

backend_names(text) := names if {
	json.is_valid(text)
	value := json.unmarshal(text)
	is_object(value)
	names := {n |
		some n in array.concat([object.get(value, "default", "")], [p | some p in as_object(object.get(value, "ports", {}))])
		is_string(n)
		n != ""
	}
	count(names) > 0
} else := {""}
