# METADATA
# title: Input for the tests of rules
package strake.fixture

# objects reads a YAML stream.
objects(text) := [yaml.unmarshal(doc) | some doc in split(text, "\n---\n")]

# env is the input of an environment.
env(environment, text) := {"environment": environment, "objects": objects(text), "spec": null, "external": [], "today": ""}

prod(text) := env("prod", text)

dev(text) := env("dev", text)

# part is the input of one overlay of many.
part(text) := object.union(prod(text), {"partial": true})

# with_pools is the input of an environment whose spec declares node pools.
with_pools(text) := object.union(prod(text), {"spec": {"stage": "prod", "cluster": {"mode": "standard", "nodePools": [
	{"name": "system", "spot": false, "gpu": null},
	{"name": "spot", "spot": true, "gpu": null},
	{"name": "gpu", "spot": true, "gpu": {"type": "nvidia-l4", "count": 1}},
	{"name": "web", "dedicated": "web", "labels": {"tier": "web"}},
]}}})

# paths are the places of findings: "0:spec.templates.1".
paths(findings) := {p |
	some f in findings
	p := sprintf("%d:%s", [f.object, concat(".", [sprintf("%v", [step]) | some step in f.path])])
}

# severities are the findings' own severities; "" stands for the rule's.
severities(findings) := {object.get(f, "severity", "") | some f in findings}
