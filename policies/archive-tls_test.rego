package strake.rules.archive_tls_test

import data.strake.fixture
import data.strake.rules.archive_tls as rule

config(db) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  persistence: |
    archive: true
    postgresql: %s
`,
	[db],
))

test_databases[db] if {
	some db, expected in {
		"{host: 10.0.0.5, port: 5432}": 1,
		"{host: db.argo.svc, ssl: false}": 1,
		"{host: 10.0.0.5, ssl: true}": 1,
		"{host: 10.0.0.5, ssl: true, sslMode: prefer}": 1,
		"{host: 10.0.0.5, ssl: false, sslMode: require}": 1,
		"{host: 10.0.0.5, ssl: true, sslMode: require}": 0,
		"{host: 10.0.0.5, ssl: true, sslMode: verify-full}": 0,
		"{host: 127.0.0.1}": 0,
		"{host: localhost}": 0,
	}
	f := rule.findings with input as config(db)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as config("{host: 10.0.0.5}")
	fixture.paths(f) == {"0:data.persistence.postgresql"}
}

test_silent_without_persistence if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap}
data: {nodeEvents: "enabled: true"}
`)
	count(f) == 0
}
