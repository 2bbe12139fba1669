package strake.rules.archive_without_logs_test

import data.strake.fixture
import data.strake.rules.archive_without_logs as rule

config := `
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  persistence: "archive: true"
`

repository(logs) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: ml}
data:
  default-v1: "{archiveLogs: %s, gcs: {bucket: b}}"
`,
	[logs],
)

test_fires if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [config, repository("false")]))
	fixture.paths(f) == {"0:data.persistence"}
	fixture.severities(f) == {"warning"}
}

test_silent_with_logs if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [config, repository("true")]))
	count(f) == 0
}

test_informs_without_repositories if {
	f := rule.findings with input as fixture.prod(config)
	fixture.severities(f) == {"info"}
}
