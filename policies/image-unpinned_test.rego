package strake.rules.image_unpinned_test

import data.strake.fixture
import data.strake.rules.image_unpinned as rule

pod(image) := sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {template: {spec: {containers: [{name: a, image: "%s"}]}}}
`,
	[image],
)

digest := "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

test_prod[image] if {
	some image, expected in {
		"PLACEHOLDER_IMAGE": {"error"},
		"registry/<image>:1": {"error"},
		"registry.example.com:5000/app": {"error"},
		"app": {"error"},
		"app:latest": {"error"},
		"registry.example.com:5000/app:1.2.3": {"warning"},
		"quay.io/argoproj/argocli:v3.7.18": set(),
		"quay.io/argoproj/argocli:stable": {"warning"},
		"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.3": set(),
		"{{workflow.parameters.image}}": set(),
		"": set(),
	}
	f := rule.findings with input as fixture.prod(pod(image))
	fixture.severities(f) == expected
}

test_silent_with_a_digest[image] if {
	some image in [sprintf("app@%s", [digest]), sprintf("app:latest@%s", [digest])]
	f := rule.findings with input as fixture.prod(pod(image))
	count(f) == 0
}

test_tags_are_enough_in_dev if {
	f := rule.findings with input as fixture.dev(pod("registry.example.com/app:1.2.3"))
	count(f) == 0
}

test_fires_in_a_template if {
	f := rule.findings with input as fixture.dev(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w}
spec:
  templates:
    - name: main
      containerSet: {containers: [{name: a, image: "a:1"}, {name: b, image: b}]}
`)
	fixture.paths(f) == {"0:spec.templates.0.containerSet.containers.1.image"}
}

# Argo CD's official manifests name their companions by tag.
test_argocd[labels] if {
	some labels, expected in {"part-of: argocd": set(), "part-of: shop": {"warning"}}
	f := rule.findings with input as fixture.prod(sprintf(
		`
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-redis, labels: {app.kubernetes.io/%s}}
spec: {template: {spec: {containers: [{name: redis, image: "redis:7.2.11-alpine"}]}}}
`,
		[labels],
	))
	fixture.severities(f) == expected
}
