package strake.rules.secret_reference_unresolved_test

import data.strake.fixture
import data.strake.rules.secret_reference_unresolved as rule

sources := `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: app-secrets, namespace: ml}
spec: {data: [{secretKey: API_KEY, remoteRef: {key: a}}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-config, namespace: ml}
data: {DATASET: x}
`

template(container) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  templates: [{name: main, container: {image: i, %s}}]
`,
	[container],
)

deployment(spec) := sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: ml}
spec: {template: {spec: {%s}}}
`,
	[spec],
)

these(texts) := fixture.prod(concat("\n---\n", texts))

test_env[env] if {
	some env, expected in {
		"secretKeyRef: {name: app-secrets, key: API_KEY}": set(),
		"secretKeyRef: {name: app-secrets, key: API_KEI}": {"error"},
		"secretKeyRef: {name: app-secret, key: API_KEY}": {"error"},
		"secretKeyRef: {name: app-secret, key: API_KEY, optional: true}": set(),
		"configMapKeyRef: {name: app-config, key: DATASET}": set(),
		"configMapKeyRef: {name: app-config, key: TABLE}": {"error"},
		"configMapKeyRef: {name: \"{{workflow.parameters.c}}\", key: TABLE}": set(),
		"configMapKeyRef: {name: kube-root-ca.crt, key: ca.crt}": set(),
	}
	f := rule.findings with input as these([sources, template(sprintf("env: [{name: A, valueFrom: {%s}}]", [env]))])
	fixture.severities(f) == expected
}

test_path_in_a_template if {
	f := rule.findings with input as these([sources, template("envFrom: [{secretRef: {name: nope}}]")])
	fixture.paths(f) == {"2:spec.templates.0.container.envFrom.0.secretRef.name"}
}

test_volumes if {
	f := rule.findings with input as these([sources, deployment(`volumes: [
		{name: a, secret: {secretName: nope}},
		{name: b, secret: {secretName: app-secrets, items: [{key: OTHER, path: o}]}},
		{name: c, configMap: {name: app-config}},
		{name: d, projected: {sources: [{configMap: {name: nope}}, {serviceAccountToken: {path: t}}]}},
		{name: e, emptyDir: {}}
	], containers: []`)])
	fixture.paths(f) == {
		"2:spec.template.spec.volumes.0.secret.secretName",
		"2:spec.template.spec.volumes.1.secret.secretName",
		"2:spec.template.spec.volumes.3.projected.sources.0.configMap.name",
	}
}

test_warns_when_the_namespace_has_no_secrets if {
	f := rule.findings with input as these([
		replace(sources, "namespace: ml", "namespace: other"),
		template("envFrom: [{secretRef: {name: app-secrets}}]"),
	])
	fixture.severities(f) == {"warning"}
}

test_informs_when_no_secret_is_rendered if {
	f := rule.findings with input as these([template("envFrom: [{secretRef: {name: app-secrets}}]")])
	fixture.severities(f) == {"info"}
}

test_artifact_repository if {
	f := rule.findings with input as these([sources, `
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml}
data:
  default-v1: |
    s3: {bucket: b, accessKeySecret: {name: app-secrets, key: API_KEY}, secretKeySecret: {name: nope, key: a}}
`])
	fixture.paths(f) == {"2:data.default-v1.s3.secretKeySecret.name"}
	count(f) == 1
}

test_sealed_secrets_count if {
	f := rule.findings with input as these([template("envFrom: [{secretRef: {name: sealed}}]"), `
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed, namespace: ml}
`])
	count(f) == 0
}

test_warns_in_one_overlay_of_many if {
	f := rule.findings with input as fixture.part(concat("\n---\n", [sources, template("envFrom: [{secretRef: {name: other}}]")]))
	fixture.severities(f) == {"warning"}
}

test_silent_for_a_serving_certificate if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [
		sources,
		`
apiVersion: v1
kind: Service
metadata: {name: api, namespace: ml, annotations: {service.beta.openshift.io/serving-cert-secret-name: api-tls}}
spec: {ports: [{port: 443}]}
`,
		template("envFrom: [{secretRef: {name: api-tls}}]"),
	]))
	count(f) == 0
}
