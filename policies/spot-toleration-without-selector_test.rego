package strake.rules.spot_toleration_without_selector_test

import data.strake.fixture
import data.strake.rules.spot_toleration_without_selector as rule

pod(kind, extra) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: %s
metadata: {name: p}
spec:
  template:
    spec:
      %s
      tolerations: [{key: cloud.google.com/gke-spot, operator: Exists}]
      containers: [{name: a, image: i}]
`,
	[kind, extra],
))

test_fires if {
	f := rule.findings with input as pod("Deployment", "hostname: a")
	fixture.paths(f) == {"0:spec.template.spec.tolerations"}
}

test_silent_with_a_selector if {
	f := rule.findings with input as pod("Deployment", "nodeSelector: {cloud.google.com/gke-spot: \"true\"}")
	count(f) == 0
}

test_silent_with_a_preference if {
	f := rule.findings with input as pod("Deployment", "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: cloud.google.com/gke-spot, operator: In, values: [\"true\"]}]}}]}}")
	count(f) == 0
}

test_silent_for_a_daemon_set if {
	f := rule.findings with input as pod("DaemonSet", "hostname: a")
	count(f) == 0
}
