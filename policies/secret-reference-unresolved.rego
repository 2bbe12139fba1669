# METADATA
# title: A pod refers to a Secret or a ConfigMap that is not there
# description: |
#   The pod waits in CreateContainerConfigError or ContainerCreating until the object appears, and a workflow waits with it until its
#   deadline.
# custom:
#   severity: error
#   slug: secret-reference-unresolved
package strake.rules.secret_reference_unresolved

import data.strake.lib

findings contains f if {
	some r in references
	not r.optional
	not lib.templated(r.name)
	not given(r)
	state := lib.source_state(sources(r.kind), r.namespace, r.name, r.key)
	state != "found"
	f := {
		"object": r.object,
		"path": r.path,
		"severity": severity(r, state),
		"summary": sprintf("%s refers to the %s %s%s, and %s", [r.by, r.kind, r.name, key_words(r.key), words(state, r)]),
		"detail": sprintf("Mend the name, render the %s in the namespace of the pod, or set optional: true.", [r.kind]),
	}
}

key_words("") := ""

key_words(key) := sprintf(" with the key %s", [key]) if key != ""

words("no key", _) := "it has no such key"

words("no object", r) := sprintf("none of that name is rendered in the namespace %s", [r.namespace]) if r.namespace != ""

words("no object", r) := "none of that name is rendered" if r.namespace == ""

sources("Secret") := lib.secret_sources

sources("ConfigMap") := lib.config_map_sources

severity(_, "no key") := "error"

severity(r, "no object") := lib.source_severity(sources(r.kind), r.namespace)

# given are objects that the cluster or a program in it makes.
given(r) if {
	r.kind == "ConfigMap"
	r.name in {"istio-ca-root-cert", "kube-root-ca.crt", "openshift-service-ca.crt"}
}

given(r) if {
	r.kind == "Secret"
	r.name in {"argocd-redis", "argocd-initial-admin-secret"}
}

given(r) if {
	r.kind == "Secret"
	endswith(r.name, ".service-account-token")
}

# references are all that pods take from Secrets and ConfigMaps.
references := array.concat(array.concat(of_env, of_env_from), array.concat(of_volumes, of_configuration))

of_env := [r |
	some c in lib.containers
	placed(c.pod)
	some i, e in lib.as_array(object.get(c.container, "env", []))
	some field, kind in {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}
	ref := e.valueFrom[field]
	r := reference(c, kind, ref, ["env", i, "valueFrom", field], sprintf("the variable %v", [e.name]), object.get(ref, "key", ""))
]

of_env_from := [r |
	some c in lib.containers
	placed(c.pod)
	some i, e in lib.as_array(object.get(c.container, "envFrom", []))
	some field, kind in {"secretRef": "Secret", "configMapRef": "ConfigMap"}
	ref := e[field]
	r := reference(c, kind, ref, ["envFrom", i, field], "envFrom", "")
]

# placed: pods of a ClusterWorkflowTemplate run in the caller's namespace.
placed(pod) if input.objects[pod.object].kind != "ClusterWorkflowTemplate"

reference(c, kind, ref, path, by, key) := {
	"object": c.object,
	"path": array.concat(array.concat(c.path, path), ["name"]),
	"namespace": c.pod.namespace,
	"kind": kind,
	"name": object.get(ref, "name", ""),
	"key": key,
	"optional": object.get(ref, "optional", false),
	"by": sprintf("%s of container %v", [by, object.get(c.container, "name", "main")]),
}

of_volumes := [r |
	some pod in lib.pods
	placed(pod)
	some v in lib.volumes(pod)
	some found in volume_references(v.volume)
	r := {
		"object": pod.object,
		"path": array.concat(v.path, found.path),
		"namespace": pod.namespace,
		"kind": found.kind,
		"name": found.name,
		"key": found.key,
		"optional": found.optional,
		"by": sprintf("the volume %v", [v.volume.name]),
	}
]

volume_references(v) := array.concat(
	array.concat(
		[{"kind": "Secret", "name": v.secret.secretName, "key": key, "optional": object.get(v.secret, "optional", false), "path": ["secret", "secretName"]} |
			some key in item_keys(v.secret)
		],
		[{"kind": "ConfigMap", "name": v.configMap.name, "key": key, "optional": object.get(v.configMap, "optional", false), "path": ["configMap", "name"]} |
			some key in item_keys(v.configMap)
		],
	),
	[{"kind": kind, "name": source[field].name, "key": key, "optional": object.get(source[field], "optional", false), "path": ["projected", "sources", i, field, "name"]} |
		some i, source in lib.as_array(object.get(v, ["projected", "sources"], []))
		some field, kind in {"secret": "Secret", "configMap": "ConfigMap"}
		some key in item_keys(source[field])
	],
)

item_keys(source) := [item.key | some item in source.items] if source.items

item_keys(source) := [""] if not source.items

# of_configuration are what Argo's own configuration takes from Secrets.
of_configuration := array.concat(
	[r |
		some repository in lib.repositories
		some store in ["gcs", "s3", "azure", "oss"]
		some field in ["accessKeySecret", "secretKeySecret", "sessionTokenSecret", "serviceAccountKeySecret", "accountKeySecret", "caSecret"]
		ref := repository.value[store][field]
		r := {
			"object": repository.object,
			"path": array.concat(repository.path, [store, field, "name"]),
			"namespace": repository.namespace,
			"kind": "Secret",
			"name": object.get(ref, "name", ""),
			"key": object.get(ref, "key", ""),
			"optional": object.get(ref, "optional", false),
			"by": sprintf("%s.%s of the artifact repository", [store, field]),
		}
		not repository.controller
	],
	[r |
		some c in lib.configs
		entry := c.values.sso
		some field in ["clientId", "clientSecret"]
		ref := entry.value[field]
		r := {
			"object": c.object,
			"path": array.concat(entry.path, [field, "name"]),
			"namespace": c.namespace,
			"kind": "Secret",
			"name": object.get(ref, "name", ""),
			"key": object.get(ref, "key", ""),
			"optional": object.get(ref, "optional", false),
			"by": sprintf("sso.%s", [field]),
		}
	],
)
