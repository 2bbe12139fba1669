package strake.rules.pvc_unresolved_test

import data.strake.fixture
import data.strake.rules.pvc_unresolved as rule

pod := `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgresql, namespace: argo}
spec: {template: {spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: pg}}], containers: []}}}
`

other(kind, name, ns) := sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: %s, namespace: %s}", [kind, name, ns])

these(texts) := fixture.prod(concat("\n---\n", texts))

test_silent_when_found if {
	f := rule.findings with input as these([pod, other("PersistentVolumeClaim", "pg", "argo")])
	count(f) == 0
}

test_fires_for_a_volume_without_a_claim if {
	f := rule.findings with input as these([pod, "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pg}"])
	fixture.paths(f) == {"0:spec.template.spec.volumes.0.persistentVolumeClaim.claimName"}
	fixture.severities(f) == {"error"}
}

test_fires_for_another_namespace if {
	f := rule.findings with input as these([pod, other("PersistentVolumeClaim", "pg", "ml")])
	fixture.severities(f) == {"error"}
}

test_warns_when_nothing_of_storage_is_rendered if {
	f := rule.findings with input as these([pod])
	fixture.severities(f) == {"warning"}
}

test_fires_in_a_workflow if {
	f := rule.findings with input as these([`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  volumes: [{name: data, persistentVolumeClaim: {claimName: cache}}]
  templates: [{name: main, container: {image: i}}]
`])
	fixture.paths(f) == {"0:spec.volumes.0.persistentVolumeClaim.claimName"}
}
