package strake.lib

# workflow_paths says where Argo's kinds keep a workflow's spec.
workflow_paths := {
	"Workflow": ["spec"],
	"WorkflowTemplate": ["spec"],
	"ClusterWorkflowTemplate": ["spec"],
	"CronWorkflow": ["spec", "workflowSpec"],
}

argoproj(o) if startswith(o.apiVersion, "argoproj.io/")

# workflow_specs are the specs of workflows: object, path, kind, namespace, spec.
workflow_specs := [w |
	some kind, path in workflow_paths
	some i in indices[kind]
	o := input.objects[i]
	argoproj(o)
	spec := object.get(o, path, null)
	is_object(spec)
	w := {"object": i, "path": path, "kind": kind, "name": name(o), "namespace": namespace(o), "spec": spec}
]

# runnable are the specs that something can be started from: a library of
# templates has no entrypoint, and a reference is judged where it points.
runnable := [w |
	some w in workflow_specs
	object.get(w.spec, "entrypoint", "") != ""
	not w.spec.workflowTemplateRef
]

# callers are the CronWorkflows and Workflows that start a template by name.
callers(w) := [c |
	some c in workflow_specs
	w.kind in {"WorkflowTemplate", "ClusterWorkflowTemplate"}
	c.spec.workflowTemplateRef.name == w.name
	called_in(c, w)
]

called_in(c, w) if {
	w.kind == "ClusterWorkflowTemplate"
	c.spec.workflowTemplateRef.clusterScope == true
}

called_in(c, w) if {
	w.kind == "WorkflowTemplate"
	not c.spec.workflowTemplateRef.clusterScope == true
	same_namespace(c.namespace, w.namespace)
}

# sets holds when a field of a workflow's spec has a value: its own, its
# callers' (every one), or the controller's default.
sets(w, field) if object.get(w.spec, field, null) != null

sets(_, field) if object.get(workflow_defaults, field, null) != null

sets(w, field) if {
	all := callers(w)
	count(all) > 0
	every c in all {
		object.get(c.spec, field, null) != null
	}
}

# own_templates are the templates of all workflow specs, with those written
# inline in a task or a step: object, path, workflow, template (what
# templateDefaults adds is in it).
own_templates := array.concat(listed_templates, inline_templates)

listed_templates := [t |
	some w in workflow_specs
	some i, template in as_array(object.get(w.spec, "templates", []))
	is_object(template)
	t := template_entry(w, array.concat(w.path, ["templates", i]), template)
]

inline_templates := [t |
	some outer in listed_templates
	some place in inline_places(outer.template)
	t := template_entry(outer.workflow, array.concat(outer.path, place.path), place.inline)
]

inline_places(template) := array.concat(
	[{"path": ["dag", "tasks", i, "inline"], "inline": task.inline} |
		some i, task in as_array(object.get(template, ["dag", "tasks"], []))
		is_object(task.inline)
	],
	[{"path": ["steps", i, j, "inline"], "inline": step.inline} |
		some i, group in as_array(object.get(template, "steps", []))
		some j, step in as_array(group)
		is_object(step.inline)
	],
)

template_entry(w, path, template) := {
	"object": w.object,
	"path": path,
	"workflow": w,
	"own": template,
	"template": object.union(as_object(object.get(w.spec, "templateDefaults", {})), template),
}

# pod_templates are the templates that become a pod.
pod_templates := [t |
	some t in own_templates
	some type in ["container", "script", "containerSet", "resource", "data"]
	t.own[type]
]

# first_set is the first of the values that is given and not empty.
first_set(values, otherwise) := v if {
	given := [x | some x in values; not x in [null, {}, [], ""]]
	v := array.concat(given, [otherwise])[0]
}

# argo_pods are the pods that Argo makes, in the form of workloads. Scheduling
# fields are not merged: the template's stand in place of the workflow's.
argo_pods := [pod |
	some t in pod_templates
	spec := t.workflow.spec
	d := workflow_defaults
	own_selector := as_object(object.get(t.template, "nodeSelector", {}))
	pod := {
		"object": t.object,
		"path": t.path,
		"namespace": t.workflow.namespace,
		"argo": true,
		"name": sprintf("template %s of %s", [object.get(t.own, "name", "(inline)"), id(input.objects[t.object])]),
		"spec": t.template,
		"workflow": t.workflow,
		"template": t,
		"service_account": first_set(
			[
				object.get(t.template, "serviceAccountName", ""),
				object.get(spec, "serviceAccountName", ""),
				object.get(d, "serviceAccountName", ""),
			],
			"default",
		),
		"node_selector": first_set([own_selector, object.get(spec, "nodeSelector", {}), object.get(d, "nodeSelector", {})], {}),
		"selector_path": selector_path(t, own_selector, spec),
		"tolerations": first_set(
			[
				object.get(t.template, "tolerations", []),
				object.get(spec, "tolerations", []),
				object.get(d, "tolerations", []),
			],
			[],
		),
		"affinity": first_set(
			[
				object.get(t.template, "affinity", {}),
				object.get(spec, "affinity", {}),
				object.get(d, "affinity", {}),
			],
			{},
		),
	}
]

selector_path(t, own, _) := array.concat(t.path, ["nodeSelector"]) if {
	count(own) > 0
	t.own.nodeSelector
}

selector_path(t, own, _) := array.concat(t.workflow.path, ["templateDefaults", "nodeSelector"]) if {
	count(own) > 0
	not t.own.nodeSelector
}

selector_path(t, own, spec) := array.concat(t.workflow.path, ["nodeSelector"]) if {
	count(own) == 0
	spec.nodeSelector
}

selector_path(t, own, spec) := t.path if {
	count(own) == 0
	not spec.nodeSelector
}

argo_containers := [c |
	some pod in argo_pods
	some place in template_containers(pod.template.own)
	c := {"object": pod.object, "path": array.concat(pod.path, place.path), "pod": pod, "container": place.container}
]

template_containers(template) := array.concat(
	[{"path": [field], "container": template[field]} |
		some field in ["container", "script"]
		is_object(template[field])
	],
	[{"path": place, "container": container} |
		some list in [["containerSet", "containers"], ["initContainers"], ["sidecars"]]
		some i, container in as_array(object.get(template, list, []))
		is_object(container)
		place := array.concat(list, [i])
	],
)

# volumes are what a pod may mount, with their paths.
volumes(pod) := [{"path": array.concat(pod.path, ["volumes", i]), "volume": v} |
	some i, v in as_array(object.get(pod.spec, "volumes", []))
] if not pod.argo

volumes(pod) := array.concat(
	[{"path": array.concat(pod.path, ["volumes", i]), "volume": v} |
		some i, v in as_array(object.get(pod.template.own, "volumes", []))
	],
	[{"path": array.concat(pod.workflow.path, ["volumes", i]), "volume": v} |
		some i, v in as_array(object.get(pod.workflow.spec, "volumes", []))
	],
) if pod.argo

# controllers are the Deployments that run the workflow controller: object,
# namespace, service_account, words, namespaced, managed, version.
controllers := [c |
	some entry in workload_containers
	some i in [entry.object]
	o := input.objects[i]
	o.kind in {"Deployment", "StatefulSet"}
	controller_container(entry.container)
	words := container_words(entry.container)
	c := {
		"object": i,
		"path": entry.path,
		"pod": entry.pod,
		"container": entry.container,
		"namespace": namespace(o),
		"service_account": entry.pod.service_account,
		"words": words,
		"namespaced": namespaced_install(words),
		"managed": managed_namespace(words, namespace(o)),
	}
]

controller_container(c) if image_name(object.get(c, "image", "")) == "workflow-controller"

controller_container(c) if "workflow-controller" in container_words(c)

default namespaced_install(_) := false

namespaced_install(words) if {
	some word in words
	word in {"--namespaced", "--namespaced=true"}
}

managed_namespace(words, otherwise) := first_set(
	array.concat(
		[trim_prefix(w, "--managed-namespace=") | some w in words; startswith(w, "--managed-namespace=")],
		[words[i + 1] | some i, w in words; w == "--managed-namespace"],
	),
	otherwise,
)

# servers are the containers of argo-server.
servers := [s |
	some entry in workload_containers
	server_container(entry.container)
	s := object.union(entry, {"words": container_words(entry.container)})
]

server_container(c) if {
	image_name(object.get(c, "image", "")) == "argocli"
	"server" in container_words(c)
}

server_container(c) if {
	image_name(object.get(c, "image", "")) != "argocli"
	"server" in container_words(c)
	contains(object.get(c, "name", ""), "argo-server")
}

# configs are the controller's ConfigMaps with their values parsed:
# object, namespace, values {key: {value, path}}. Argo ignores the case of keys.
configs := [c |
	some i in indices.ConfigMap
	o := input.objects[i]
	controller_config_name(o)
	c := {"object": i, "namespace": namespace(o), "values": config_values(object.get(o, "data", {}))}
]

controller_config_name(o) if endswith(name(o), "workflow-controller-configmap")

controller_config_name(o) if {
	some c in controllers
	name(o) in flag_values(c.words, "--configmap")
	same_namespace(namespace(o), c.namespace)
}

flag_values(words, flag) := {v |
	some w in words
	startswith(w, sprintf("%s=", [flag]))
	v := trim_prefix(w, sprintf("%s=", [flag]))
} | {words[i + 1] | some i, w in words; w == flag}

config_values(fields) := {lower(key): {"value": value, "path": ["data", key]} |
	some key, text in fields
	value := yaml_value(text)
} if {
	not fields.config
}

config_values(fields) := {lower(key): {"value": value, "path": ["data", "config", key]} |
	some key, value in yaml_value(fields.config)
} if {
	fields.config
}

# workflow_defaults is the spec that controllers add to every workflow.
workflow_defaults := object.union_n([as_object(object.get(c.values.workflowdefaults.value, "spec", {})) |
	some c in configs
])

# persistences are the archive databases that controllers are told of.
persistences := [p |
	some c in configs
	entry := c.values.persistence
	is_object(entry.value)
	p := {"object": c.object, "namespace": c.namespace, "path": entry.path, "value": entry.value}
]

archives := [p | some p in persistences; p.value.archive == true]

# repositories are the artifact repositories: those of ConfigMaps named
# artifact-repositories, by key, and the controllers' own.
repositories := array.concat(
	[r |
		some i in indices.ConfigMap
		o := input.objects[i]
		name(o) == "artifact-repositories"
		some key, text in object.get(o, "data", {})
		value := yaml_value(text)
		is_object(value)
		r := {"object": i, "namespace": namespace(o), "path": ["data", key], "key": key, "value": value, "controller": false}
	],
	[r |
		some c in configs
		entry := c.values.artifactrepository
		is_object(entry.value)
		r := {"object": c.object, "namespace": c.namespace, "path": entry.path, "key": "", "value": entry.value, "controller": true}
	],
)

# logs_archived holds when logs of workflows in a namespace are kept.
logs_archived(ns) if {
	some r in repositories
	r.value.archiveLogs == true
	not r.controller
	same_namespace(r.namespace, ns)
}

logs_archived(_) if {
	some r in repositories
	r.value.archiveLogs == true
	r.controller
}

logs_archived(_) if workflow_defaults.archiveLogs == true

# retry is the retry strategy of a pod with the place it is written at: the
# template's, templateDefaults', the workflow's, or the controller's default.
retry(pod) := {"value": pod.template.own.retryStrategy, "object": pod.object, "path": array.concat(pod.path, ["retryStrategy"])} if {
	pod.template.own.retryStrategy
} else := {
	"value": pod.workflow.spec.templateDefaults.retryStrategy,
	"object": pod.object,
	"path": array.concat(pod.workflow.path, ["templateDefaults", "retryStrategy"]),
} if {
	pod.workflow.spec.templateDefaults.retryStrategy
} else := {"value": pod.workflow.spec.retryStrategy, "object": pod.object, "path": array.concat(pod.workflow.path, ["retryStrategy"])} if {
	pod.workflow.spec.retryStrategy
} else := {"value": value, "object": pod.object, "path": pod.path} if {
	value := default_retry
}

default_retry := workflow_defaults.retryStrategy if workflow_defaults.retryStrategy

default_retry := workflow_defaults.templateDefaults.retryStrategy if {
	not workflow_defaults.retryStrategy
	workflow_defaults.templateDefaults.retryStrategy
}

# version is that of the controller that runs, as [major, minor, patch].
version := v if {
	found := [x | some c in controllers; x := image_version(object.get(c.container, "image", ""))]
	count(found) > 0
	v := found[0]
}
