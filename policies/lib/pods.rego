package strake.lib

# workload_paths says where kinds keep their pod spec.
workload_paths := {
	"Pod": ["spec"],
	"PodTemplate": ["template", "spec"],
	"Deployment": ["spec", "template", "spec"],
	"StatefulSet": ["spec", "template", "spec"],
	"DaemonSet": ["spec", "template", "spec"],
	"ReplicaSet": ["spec", "template", "spec"],
	"ReplicationController": ["spec", "template", "spec"],
	"Job": ["spec", "template", "spec"],
	"Rollout": ["spec", "template", "spec"],
	"CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
}

# workloads are the pods of Kubernetes' own kinds:
# object, path of the pod spec, namespace, spec, node_selector, tolerations.
workloads := [pod |
	some kind, path in workload_paths
	some i in indices[kind]
	o := input.objects[i]
	spec := object.get(o, path, null)
	is_object(spec)
	pod := {
		"object": i,
		"path": path,
		"namespace": namespace(o),
		"argo": false,
		"name": id(o),
		"spec": spec,
		"service_account": object.get(spec, "serviceAccountName", "default"),
		"node_selector": as_object(object.get(spec, "nodeSelector", {})),
		"selector_path": array.concat(path, ["nodeSelector"]),
		"tolerations": as_array(object.get(spec, "tolerations", [])),
		"affinity": as_object(object.get(spec, "affinity", {})),
	}
]

# pods are all pods that the environment would run: those of workloads and those
# that Argo makes of templates.
pods := array.concat(workloads, argo_pods)

as_object(v) := v if is_object(v)

as_object(v) := {} if not is_object(v)

as_array(v) := v if is_array(v)

as_array(v) := [] if not is_array(v)

# containers are all containers of all pods: object, path, pod, container.
containers := array.concat(workload_containers, argo_containers)

workload_containers := [c |
	some pod in workloads
	some list in ["containers", "initContainers", "ephemeralContainers"]
	some i, container in as_array(object.get(pod.spec, list, []))
	is_object(container)
	c := {"object": pod.object, "path": array.concat(pod.path, [list, i]), "pod": pod, "container": container}
]

# container_words are the command and the arguments of a container.
container_words(c) := array.concat(as_array(object.get(c, "command", [])), as_array(object.get(c, "args", [])))

# has_flag holds when the words set a flag to a value, in either spelling.
has_flag(words, flag, value) if sprintf("%s=%s", [flag, value]) in words

has_flag(words, flag, value) if {
	some i
	words[i] == flag
	words[i + 1] == value
}

# tolerates holds when a list of tolerations lets a pod onto a tainted node.
tolerates(tolerations, taint) if {
	some t in tolerations
	object.get(t, "effect", "") in {"", taint.effect}
	toleration_matches(t, taint)
}

toleration_matches(t, taint) if {
	object.get(t, "operator", "Equal") == "Exists"
	object.get(t, "key", "") in {"", taint.key}
}

toleration_matches(t, taint) if {
	object.get(t, "operator", "Equal") in {"Equal", ""}
	t.key == taint.key
	object.get(t, "value", "") == object.get(taint, "value", "")
}
