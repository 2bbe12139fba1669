package strake.rules.artifact_repository_default_annotation_test

import data.strake.fixture
import data.strake.rules.artifact_repository_default_annotation as rule

config_map(annotations) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml, annotations: %s}
data:
  default-v1: |
    gcs: {bucket: b}
`,
	[annotations],
)

test_fires_without_annotation if {
	f := rule.findings with input as fixture.prod(config_map("{}"))
	fixture.paths(f) == {"0:metadata.annotations.workflows.argoproj.io/default-artifact-repository"}
}

test_fires_for_an_unknown_key if {
	f := rule.findings with input as fixture.prod(config_map("{workflows.argoproj.io/default-artifact-repository: v2}"))
	fixture.paths(f) == {"0:metadata.annotations.workflows.argoproj.io/default-artifact-repository"}
}

test_silent_with_a_known_key if {
	f := rule.findings with input as fixture.prod(config_map("{workflows.argoproj.io/default-artifact-repository: default-v1}"))
	count(f) == 0
}

test_fires_without_data if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories}
`)
	count(f) == 1
}

test_silent_when_every_workflow_names_a_key if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [config_map("{}"), `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  artifactRepositoryRef: {key: default-v1}
  templates: [{name: main, container: {image: i}}]
`]))
	count(f) == 0
}
