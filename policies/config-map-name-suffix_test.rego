package strake.rules.config_map_name_suffix_test

import data.strake.fixture
import data.strake.rules.config_map_name_suffix as rule

named(name) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, namespace: argo}
`,
	[name],
))

test_names[name] if {
	some name, expected in {
		"artifact-repositories-tg82b9254m": 1,
		"workflow-controller-configmap-tg82b9254m": 1,
		"artifact-repositories": 0,
		"artifact-repositories-team": 0,
		"app-config-tg82b9254m": 0,
	}
	f := rule.findings with input as named(name)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as named("artifact-repositories-tg82b9254m")
	fixture.paths(f) == {"0:metadata.name"}
}

test_silent_when_the_controller_is_told if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap-tg82b9254m, namespace: argo}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec: {template: {spec: {containers: [{name: c, image: "quay.io/argoproj/workflow-controller:v3.7.18", args: [--configmap, workflow-controller-configmap-tg82b9254m]}]}}}
`)
	count(f) == 0
}
