package strake.rules.pod_gc_without_logs_test

import data.strake.fixture
import data.strake.rules.pod_gc_without_logs as rule

repository(archive) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml}
data:
  default-v1: |
    archiveLogs: %s
    gcs: {bucket: b}
`,
	[archive],
)

workflow(extra) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  %s
  templates: [{name: main, container: {image: i}}]
`,
	[extra],
)

these(texts) := fixture.prod(concat("\n---\n", texts))

gc := "podGC: {strategy: OnPodCompletion}"

test_fires if {
	f := rule.findings with input as these([workflow(gc), repository("false")])
	fixture.paths(f) == {"0:spec.podGC"}
	fixture.severities(f) == {"warning"}
}

test_silent_with_archived_logs if {
	f := rule.findings with input as these([workflow(gc), repository("true")])
	count(f) == 0
}

test_silent_with_its_own_archive if {
	f := rule.findings with input as these([workflow("podGC: {strategy: OnPodSuccess}\n  archiveLogs: true"), repository("false")])
	count(f) == 0
}

test_silent_without_gc if {
	f := rule.findings with input as these([workflow("arguments: {}"), repository("false")])
	count(f) == 0
}

test_informs_when_no_repository_is_known if {
	f := rule.findings with input as these([workflow(gc)])
	fixture.severities(f) == {"info"}
}

test_fires_for_the_controllers_default if {
	f := rule.findings with input as these([workflow("arguments: {}"), repository("false"), `
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  workflowDefaults: |
    spec: {podGC: {strategy: OnPodCompletion}}
`])
	fixture.paths(f) == {"2:data.workflowDefaults.spec.podGC"}
}
