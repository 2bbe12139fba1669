package strake.rules.pod_security_policy_removed_test

import data.strake.fixture
import data.strake.rules.pod_security_policy_removed as rule

test_fires if {
	f := rule.findings with input as fixture.prod(`
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: restricted}
`)
	fixture.paths(f) == {"0:kind"}
}

role(resource) := fixture.prod(sprintf(
	`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{apiGroups: [policy], resources: [%s], verbs: [use]}]
`,
	[resource],
))

test_warns_for_a_role if {
	f := rule.findings with input as role("podsecuritypolicies")
	fixture.paths(f) == {"0:rules.0"}
	fixture.severities(f) == {"warning"}
}

test_silent_for_other_kinds if {
	f := rule.findings with input as role("poddisruptionbudgets")
	count(f) == 0
}
