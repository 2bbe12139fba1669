package strake.rules.namespace_pod_security_test

import data.strake.fixture
import data.strake.rules.namespace_pod_security as rule

namespace(name, labels) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: Namespace
metadata: {name: %s, labels: %s}
`,
	[name, labels],
))

test_fires_without_labels if {
	f := rule.findings with input as namespace("ml", "{}")
	fixture.paths(f) == {"0:metadata.labels"}
}

test_fires_for_privileged if {
	f := rule.findings with input as namespace("ml", "{pod-security.kubernetes.io/enforce: privileged}")
	count(f) == 1
}

# The levels themselves are the API server's to judge: rule pod-security-label.
test_silent_for_an_unknown_level if {
	f := rule.findings with input as namespace("ml", "{pod-security.kubernetes.io/enforce: strict}")
	count(f) == 0
}

test_silent_for_restricted if {
	f := rule.findings with input as namespace("ml", "{pod-security.kubernetes.io/enforce: restricted}")
	count(f) == 0
}

test_silent_for_the_clusters_own if {
	f := rule.findings with input as namespace("kube-system", "{}")
	count(f) == 0
}
