package strake.rules.cloudsql_proxy_v1_test

import data.strake.fixture
import data.strake.rules.cloudsql_proxy_v1 as rule

pod(image, args) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: digdag}
spec: {template: {spec: {containers: [{name: proxy, image: "%s", args: %s}]}}}
`,
	[image, args],
))

test_fires_for_the_image if {
	f := rule.findings with input as pod("gcr.io/cloudsql-docker/gce-proxy:1.17", "[\"-instances=p:r:i=tcp:5432\"]")
	fixture.paths(f) == {"0:spec.template.spec.containers.0.image"}
}

test_fires_for_an_old_flag if {
	f := rule.findings with input as pod("gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.3", "[\"-instances=p:r:i=tcp:5432\"]")
	fixture.paths(f) == {"0:spec.template.spec.containers.0.args.0"}
}

test_silent_for_the_new_one if {
	f := rule.findings with input as pod("gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.3", "[\"--private-ip\", \"p:r:i\"]")
	count(f) == 0
}
