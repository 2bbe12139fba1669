# METADATA
# title: Artifacts of different pods get the same key
# description: |
#   The key format says where in the bucket an artifact goes. Without the workflow's and the pod's name two runs overwrite each
#   other; without the namespace two tenants that share a bucket do.
# custom:
#   severity: error
#   slug: artifact-key-format
package strake.rules.artifact_key_format

import data.strake.lib

formats := [
	["gcs", "keyFormat", "bucket"],
	["s3", "keyFormat", "bucket"],
	["oss", "keyFormat", "bucket"],
	["azure", "blobNameFormat", "container"],
]

# keys are the key formats that repositories set, and Argo's default.
keys := [k |
	some r in lib.repositories
	some f in formats
	store := r.value[f[0]]
	is_object(store)
	k := object.union(r, {
		"format": object.get(store, f[1], "{{workflow.name}}/{{pod.name}}"),
		"bucket": sprintf("%s:%v", [f[0], object.get(store, f[2], "")]),
		"field": sprintf("%s.%s", [f[0], f[1]]),
		"at": array.concat(r.path, [f[0], f[1]]),
	})
]

findings contains f if {
	some k in keys
	missing := [v | some v in ["workflow", "pod"]; not names(k.format, v)]
	count(missing) > 0
	f := {
		"object": k.object,
		"path": k.at,
		"summary": sprintf("%s has no {{%s.name}}: artifacts overwrite each other", [k.field, concat(".name}} and no {{", missing)]),
		"detail": "Use {{workflow.namespace}}/{{workflow.name}}/{{pod.name}}.",
	}
}

findings contains f if {
	some k in keys
	every v in ["workflow", "pod"] {
		names(k.format, v)
	}
	not names_namespace(k.format)
	shared(k)
	f := {
		"object": k.object,
		"path": k.at,
		"severity": "warning",
		"summary": sprintf("%s has no {{workflow.namespace}} and the bucket is shared: tenants may overwrite each other's artifacts", [k.field]),
		"detail": "Use {{workflow.namespace}}/{{workflow.name}}/{{pod.name}}.",
	}
}

names(format, "workflow") if regex.match(`\{\{\s*workflow\.(name|uid)\s*\}\}`, format)

names(format, "pod") if regex.match(`\{\{\s*pod\.name\s*\}\}`, format)

names_namespace(format) if regex.match(`\{\{\s*workflow\.(namespace|uid)\s*\}\}`, format)

# shared: two namespaces use the bucket with one format, or all use the
# controller's own repository.
shared(k) if {
	some other in keys
	other.bucket == k.bucket
	other.format == k.format
	other.namespace != k.namespace
}

shared(k) if {
	k.controller
	count({w.namespace | some w in lib.workflow_specs}) > 1
}
