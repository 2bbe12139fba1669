package strake.rules.archive_secret_unresolved_test

import data.strake.fixture
import data.strake.rules.archive_secret_unresolved as rule

config := `
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  persistence: |
    archive: true
    postgresql:
      host: 127.0.0.1
      userNameSecret: {name: db, key: username}
      passwordSecret: {name: db, key: password}
`

external(ns, name, key) := sprintf(
	`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: es, namespace: %s}
spec:
  target: {name: %s}
  data:
    - {secretKey: username, remoteRef: {key: a}}
    - {secretKey: %s, remoteRef: {key: b}}
`,
	[ns, name, key],
)

these(texts) := fixture.prod(concat("\n---\n", texts))

test_silent_when_resolved if {
	f := rule.findings with input as these([config, external("argo", "db", "password")])
	count(f) == 0
}

test_fires_for_a_missing_key if {
	f := rule.findings with input as these([config, external("argo", "db", "pass")])
	count(f) == 1
	fixture.severities(f) == {"error"}
}

test_fires_for_another_name if {
	f := rule.findings with input as these([config, external("argo", "database", "password")])
	count(f) == 2
	fixture.severities(f) == {"error"}
}

test_warns_when_the_secret_is_in_another_namespace if {
	f := rule.findings with input as these([config, external("ml", "db", "password")])
	fixture.severities(f) == {"warning"}
}

test_informs_when_no_secret_is_rendered if {
	f := rule.findings with input as these([config])
	fixture.severities(f) == {"info"}
}

test_data_from_gives_any_key if {
	f := rule.findings with input as these([config, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: argo}
spec: {dataFrom: [{extract: {key: a}}]}
`])
	count(f) == 0
}
