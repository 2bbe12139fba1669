package strake.rules.pool_taint_not_tolerated_test

import data.strake.fixture
import data.strake.rules.pool_taint_not_tolerated as rule

pod(selector, tolerations, resources) := fixture.with_pools(sprintf(
	`
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: ml}
spec:
  nodeSelector: %s
  tolerations: %s
  containers: [{name: a, image: i, resources: %s}]
`,
	[selector, tolerations, resources],
))

test_cases[name] if {
	some name, c in {
		"dedicated without toleration": ["{dedicated: web}", "[]", "{}", 1],
		"dedicated with toleration": ["{dedicated: web}", "[{key: dedicated, value: web}]", "{}", 0],
		"a label that every node has beside it": ["{dedicated: web, kubernetes.io/os: linux}", "[]", "{}", 1],
		"wrong value": ["{dedicated: web}", "[{key: dedicated, value: batch}]", "{}", 1],
		"gpu without request": ["{cloud.google.com/gke-accelerator: nvidia-l4}", "[{key: cloud.google.com/gke-spot, operator: Exists}]", "{}", 1],
		"gpu with request": ["{cloud.google.com/gke-accelerator: nvidia-l4}", "[{key: cloud.google.com/gke-spot, operator: Exists}]", "{limits: {nvidia.com/gpu: 1}}", 0],
		"another pool takes it": ["{kubernetes.io/os: linux}", "[]", "{}", 0],
		"spot has its own rule": ["{cloud.google.com/gke-nodepool: spot}", "[]", "{}", 0],
		"a Spot pool takes it but for its Spot taint": ["{cloud.google.com/gke-spot: \"true\"}", "[]", "{}", 0],
		"no selector": ["{}", "[]", "{}", 0],
	}
	f := rule.findings with input as pod(c[0], c[1], c[2])
	count(f) == c[3]
}

test_path if {
	f := rule.findings with input as pod("{dedicated: web}", "[]", "{}")
	fixture.paths(f) == {"0:spec.nodeSelector"}
}

test_silent_without_a_spec if {
	f := rule.findings with input as object.union(pod("{dedicated: web}", "[]", "{}"), {"spec": {"cluster": {"nodePools": []}}})
	count(f) == 0
}
