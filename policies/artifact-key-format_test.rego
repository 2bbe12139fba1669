package strake.rules.artifact_key_format_test

import data.strake.fixture
import data.strake.rules.artifact_key_format as rule

repository(ns, format) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: %s}
data:
  default-v1: |
    gcs:
      bucket: b
      %s
`,
	[ns, format],
)

test_formats[format] if {
	some format, expected in {
		"keyFormat: \"{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}\"": 0,
		"keyFormat: \"{{workflow.name}}/{{pod.name}}\"": 0,
		"keyFormat: \"x/{{workflow.uid}}/{{pod.name}}\"": 0,
		"keyFormat: \"{{workflow.name}}\"": 1,
		"keyFormat: \"artifacts/{{pod.name}}\"": 1,
		"keyFormat: artifacts": 1,
		"serviceAccountKeySecret: {}": 0,
	}
	f := rule.findings with input as fixture.prod(repository("ml", format))
	count(f) == expected
}

test_path if {
	f := rule.findings with input as fixture.prod(repository("ml", "keyFormat: x"))
	fixture.paths(f) == {"0:data.default-v1.gcs.keyFormat"}
	fixture.severities(f) == {""}
}

test_warns_for_a_shared_bucket if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [
		repository("a", "keyFormat: \"{{workflow.name}}/{{pod.name}}\""),
		repository("b", "keyFormat: \"{{workflow.name}}/{{pod.name}}\""),
	]))
	fixture.paths(f) == {"0:data.default-v1.gcs.keyFormat", "1:data.default-v1.gcs.keyFormat"}
	fixture.severities(f) == {"warning"}
}

test_silent_for_a_prefix_of_their_own if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [
		repository("a", "keyFormat: \"a/{{workflow.name}}/{{pod.name}}\""),
		repository("b", "keyFormat: \"b/{{workflow.name}}/{{pod.name}}\""),
	]))
	count(f) == 0
}
