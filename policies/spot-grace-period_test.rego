package strake.rules.spot_grace_period_test

import data.strake.fixture
import data.strake.rules.spot_grace_period as rule

pod(seconds, selector) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec: {template: {spec: {terminationGracePeriodSeconds: %s, nodeSelector: %s, containers: []}}}
`,
	[seconds, selector],
))

spot := "{cloud.google.com/gke-spot: \"true\"}"

test_fires if {
	f := rule.findings with input as pod("300", spot)
	fixture.paths(f) == {"0:spec.template.spec.terminationGracePeriodSeconds"}
}

test_silent_within_the_limit if {
	f := rule.findings with input as pod("15", spot)
	count(f) == 0
}

test_silent_off_spot if {
	f := rule.findings with input as pod("300", "{}")
	count(f) == 0
}
