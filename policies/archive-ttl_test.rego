package strake.rules.archive_ttl_test

import data.strake.fixture
import data.strake.rules.archive_ttl as rule

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

test_fires if {
	f := rule.findings with input as config("archive: true")
	fixture.paths(f) == {"0:data.persistence"}
}

test_silent_with_a_ttl if {
	f := rule.findings with input as config("{archive: true, archiveTTL: 180d}")
	count(f) == 0
}

test_silent_without_an_archive if {
	f := rule.findings with input as config("{archive: false, nodeStatusOffLoad: true}")
	count(f) == 0
}
