package strake.rules.workload_identity_annotation_test

import data.strake.fixture
import data.strake.rules.workload_identity_annotation as rule

account(value) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ml, annotations: {iam.gke.io/gcp-service-account: "%s"}}
`,
	[value],
))

test_values[value] if {
	some value, expected in {
		"runner@mlops-prod.iam.gserviceaccount.com": 0,
		"runner@example.com:mlops-prod.iam.gserviceaccount.com": 1,
		"workflow-runner@mlops-prod.iam.gserviceaccount.com": 0,
		"runner@mlops-prod.example.com.iam.gserviceaccount.com": 0,
		"runner": 1,
		"runner@mlops-prod": 1,
		"PROJECT@PROJECT.iam.gserviceaccount.com": 1,
		"123-compute@developer.gserviceaccount.com": 0,
		"": 0,
	}
	f := rule.findings with input as account(value)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as account("runner")
	fixture.paths(f) == {"0:metadata.annotations.iam.gke.io/gcp-service-account"}
}

test_fires_on_a_pod if {
	f := rule.findings with input as fixture.prod(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  template:
    metadata: {annotations: {iam.gke.io/gcp-service-account: "runner@mlops-prod.iam.gserviceaccount.com"}}
    spec: {containers: []}
`)
	fixture.paths(f) == {"0:spec.template.metadata.annotations.iam.gke.io/gcp-service-account"}
}
