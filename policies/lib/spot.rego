package strake.lib

# spot_labels are what GKE puts on Spot and preemptible nodes, and on the nodes
# of the built-in Spot class.
spot_labels := {
	"cloud.google.com/gke-spot": "true",
	"cloud.google.com/gke-provisioning": "spot",
	"cloud.google.com/gke-preemptible": "true",
	"cloud.google.com/compute-class": "autopilot-spot",
}

spot_taint := {"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NoSchedule"}

# selects_spot holds when a pod can run on nothing but Spot nodes.
selects_spot(pod) if {
	some key, value in spot_labels
	pod.node_selector[key] == value
}

selects_spot(pod) if {
	pool := pod.node_selector["cloud.google.com/gke-nodepool"]
	pools[pool].spot
}

selects_spot(pod) if {
	terms := pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
	count(terms) > 0
	every term in terms {
		spot_term(term)
	}
}

selects_spot(pod) if {
	count(pools) > 0
	asked := asked_of_pool(pod.node_selector)
	count(asked) > 0
	matching := [p | some p in pools; fits(asked, p.labels)]
	count(matching) > 0
	every p in matching {
		p.spot
	}
}

spot_term(term) if {
	some e in term.matchExpressions
	e.operator == "In"
	spot_labels[e.key] in e.values
	count(e.values) == 1
}

# asked_of_pool is what a selector asks of a pool: not what every node has without
# anybody declaring it, such as kubernetes.io/os in all official manifests.
asked_of_pool(selector) := {k: v | some k, v in selector; not given(k)}

given(key) if {
	some prefix in ["kubernetes.io/", "node.kubernetes.io/", "topology.kubernetes.io/", "topology.gke.io/", "beta.kubernetes.io/", "failure-domain.beta.kubernetes.io/", "iam.gke.io/"]
	startswith(key, prefix)
}

given(key) if {
	startswith(key, "cloud.google.com/")
	not key in {"cloud.google.com/gke-nodepool", "cloud.google.com/gke-spot", "cloud.google.com/gke-provisioning", "cloud.google.com/gke-accelerator"}
}

# fits holds when all that a selector asks for is on a node.
fits(selector, labels) if {
	every key, value in selector {
		object.get(labels, key, null) == value
	}
}

# prefers_spot holds when Spot is one of the places a pod asks for.
prefers_spot(pod) if selects_spot(pod)

prefers_spot(pod) if {
	walk(pod.affinity, [_, e])
	is_object(e)
	spot_labels[e.key] in e.values
}

prefers_spot(pod) if {
	some p in pools
	p.spot
	walk(pod.affinity.nodeAffinity, [_, term])
	is_object(term)
	count(object.get(term, "matchExpressions", [])) > 0
	term_fits(term, p.labels)
}

# term_fits holds when a node with the labels satisfies a term.
term_fits(term, labels) if {
	every e in term.matchExpressions {
		e.operator == "In"
		object.get(labels, e.key, null) in e.values
	}
}

# pools are the node pools that the spec declares, by name, with the labels and
# taints that their nodes carry.
pools[pool.name] := {"spot": spot, "gpu": gpu, "labels": labels, "taints": taints} if {
	not autopilot
	some pool in as_array(object.get(input, ["spec", "cluster", "nodePools"], []))
	spot := object.get(pool, "spot", false) == true
	gpu := is_object(object.get(pool, "gpu", null))
	labels := object.union_n([
		{"cloud.google.com/gke-nodepool": pool.name},
		{k: v | some k, v in spot_node_labels; spot},
		{"cloud.google.com/gke-accelerator": pool.gpu.type | gpu},
		{"dedicated": pool.dedicated | object.get(pool, "dedicated", "") != ""},
		as_object(object.get(pool, "labels", {})),
	])
	taints := array.concat(
		array.concat(
			[spot_taint | spot],
			[{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"} | gpu],
		),
		array.concat(
			[{"key": "dedicated", "value": pool.dedicated, "effect": "NoSchedule"} | object.get(pool, "dedicated", "") != ""],
			[t |
				some t in as_array(object.get(pool, "taints", []))
				object.get(t, "effect", "NoSchedule") != "PreferNoSchedule"
			],
		),
	)
}

spot_node_labels := {"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-provisioning": "spot"}

# asks_gpu holds when a container of the pod requests an accelerator. GKE then
# adds the toleration for the GPU taint by itself.
asks_gpu(pod) if {
	some c in containers
	c.object == pod.object
	array.slice(c.path, 0, count(pod.path)) == pod.path
	some list in ["limits", "requests"]
	object.get(c.container, ["resources", list, "nvidia.com/gpu"], null) != null
}
