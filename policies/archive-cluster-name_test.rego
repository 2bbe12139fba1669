package strake.rules.archive_cluster_name_test

import data.strake.fixture
import data.strake.rules.archive_cluster_name as rule

config(persistence) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  persistence: |
    %s
`,
	[persistence],
))

test_cases[persistence] if {
	some persistence, expected in {
		"archive: true": 1,
		"{archive: true, clusterName: default}": 1,
		"{archive: true, clusterName: ml-prod}": 0,
		"{archive: false}": 0,
	}
	f := rule.findings with input as config(persistence)
	count(f) == expected
}

test_path if {
	f := rule.findings with input as config("archive: true")
	fixture.paths(f) == {"0:data.persistence"}
}

test_the_single_config_key if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap}
data:
  config: |
    persistence: {archive: true}
`)
	fixture.paths(f) == {"0:data.config.persistence"}
}
