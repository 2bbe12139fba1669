package strake.rules.env_name_shell_test

import data.strake.fixture
import data.strake.rules.env_name_shell as rule

pod(name) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: a, image: i, env: [{name: "%s", value: x}]}]}
`,
	[name],
))

test_names[name] if {
	some name, expected in {"GCP-PROJECT": 1, "gcp.project": 1, "1ST": 1, "GCP_PROJECT": 0, "_x": 0, "{{inputs.parameters.n}}": 0}
	f := rule.findings with input as pod(name)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as pod("GCP-PROJECT")
	fixture.paths(f) == {"0:spec.containers.0.env.0.name"}
}

test_names_the_better_one if {
	f := rule.findings with input as pod("gcp-project")
	some x in f
	contains(x.detail, "GCP_PROJECT")
}
