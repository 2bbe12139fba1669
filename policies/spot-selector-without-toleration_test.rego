package strake.rules.spot_selector_without_toleration_test

import data.strake.fixture
import data.strake.rules.spot_selector_without_toleration as rule

workflow(spec, template) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
%s
  templates:
    - name: main
      container: {image: i}
%s
`,
	[spec, template],
)

spot := `  nodeSelector: {cloud.google.com/gke-spot: "true"}`

toleration := `tolerations: [{key: cloud.google.com/gke-spot, operator: Equal, value: "true", effect: NoSchedule}]`

test_fires_at_the_workflows_selector if {
	f := rule.findings with input as fixture.prod(workflow(spot, ""))
	fixture.paths(f) == {"0:spec.nodeSelector"}
	fixture.severities(f) == {"error"}
}

test_fires_at_the_templates_selector if {
	f := rule.findings with input as fixture.prod(workflow("", concat("", ["    ", spot])))
	fixture.paths(f) == {"0:spec.templates.0.nodeSelector"}
}

test_silent_with_the_toleration if {
	f := rule.findings with input as fixture.prod(workflow(concat("\n", [spot, concat("", ["  ", toleration])]), ""))
	count(f) == 0
}

test_fires_when_the_template_replaces_the_tolerations if {
	f := rule.findings with input as fixture.prod(workflow(
		concat("\n", [spot, concat("", ["  ", toleration])]),
		"      tolerations: [{key: nvidia.com/gpu, operator: Exists}]",
	))
	count(f) == 1
}

test_silent_when_everything_is_tolerated if {
	f := rule.findings with input as fixture.prod(workflow(concat("\n", [spot, "  tolerations: [{operator: Exists}]"]), ""))
	count(f) == 0
}

test_fires_for_a_deployment if {
	f := rule.findings with input as fixture.prod(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {template: {spec: {nodeSelector: {cloud.google.com/gke-spot: "true"}, containers: [{name: a, image: i}]}}}
`)
	fixture.paths(f) == {"0:spec.template.spec.nodeSelector"}
}

test_silent_on_autopilot if {
	f := rule.findings with input as object.union(fixture.prod(workflow(spot, "")), {"spec": {"cluster": {"mode": "autopilot"}}})
	count(f) == 0
}

test_warns_without_a_spec_outside_prod if {
	f := rule.findings with input as fixture.dev(workflow(spot, ""))
	fixture.severities(f) == {"warning"}
}
