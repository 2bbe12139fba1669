package strake.rules.node_selector_without_pool_test

import data.strake.fixture
import data.strake.rules.node_selector_without_pool as rule

pod(selector) := fixture.with_pools(sprintf(
	`
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {nodeSelector: %s, containers: [{name: a, image: i}]}
`,
	[selector],
))

test_selectors[selector] if {
	some selector, expected in {
		"{tier: web}": 0,
		"{tier: batch}": 1,
		"{cloud.google.com/gke-nodepool: spot}": 0,
		"{cloud.google.com/gke-nodepool: spot-v1}": 1,
		"{cloud.google.com/gke-spot: \"true\"}": 0,
		"{cloud.google.com/gke-accelerator: nvidia-a100}": 1,
		"{kubernetes.io/os: linux}": 0,
		"{cloud.google.com/machine-family: c3}": 0,
		"{tier: web, dedicated: web}": 0,
		"{tier: web, cloud.google.com/gke-spot: \"true\"}": 1,
		"{}": 0,
	}
	f := rule.findings with input as pod(selector)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as pod("{tier: batch}")
	fixture.paths(f) == {"0:spec.nodeSelector"}
}

test_silent_without_a_spec if {
	f := rule.findings with input as object.union(pod("{tier: batch}"), {"spec": {"cluster": {"nodePools": []}}})
	count(f) == 0
}
