package strake.rules.network_policy_default_deny_test

import data.strake.fixture
import data.strake.rules.network_policy_default_deny as rule

namespace := `
apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec: {entrypoint: main, templates: []}
`

policy(spec) := sprintf(
	`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: ml}
spec: %s
`,
	[spec],
)

these(texts) := fixture.prod(concat("\n---\n", texts))

test_policies[spec] if {
	some spec, expected in {
		"{podSelector: {}, policyTypes: [Ingress, Egress]}": 0,
		"{podSelector: {}, policyTypes: [Ingress]}": 1,
		"{podSelector: {}}": 1,
		"{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress, Egress]}": 1,
		"{podSelector: {}, policyTypes: [Ingress, Egress], egress: [{}]}": 1,
		"{podSelector: {}, policyTypes: [Ingress, Egress], egress: [{ports: [{port: 53}]}]}": 0,
	}
	f := rule.findings with input as these([namespace, policy(spec)])
	count(f) == expected
}

test_path if {
	f := rule.findings with input as these([namespace, policy("{podSelector: {}}")])
	fixture.paths(f) == {"0:metadata.name"}
	fixture.severities(f) == {"warning"}
}

test_informs_when_no_policy_is_rendered if {
	f := rule.findings with input as these([namespace])
	fixture.severities(f) == {"info"}
}

test_fires_for_a_tenant_of_the_spec if {
	f := rule.findings with input as object.union(
		fixture.prod("apiVersion: v1\nkind: Namespace\nmetadata: {name: research}"),
		{"spec": {"tenants": [{"name": "research"}]}},
	)
	fixture.severities(f) == {"warning"}
}

test_silent_for_other_namespaces if {
	f := rule.findings with input as fixture.prod("apiVersion: v1\nkind: Namespace\nmetadata: {name: tools}")
	count(f) == 0
}
