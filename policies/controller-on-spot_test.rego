package strake.rules.controller_on_spot_test

import data.strake.fixture
import data.strake.rules.controller_on_spot as rule

deployment(name, extra) := sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: argo}
spec:
  template:
    spec:
      %s
      containers: [{name: a, image: "example.com/a:1", command: [%s]}]
`,
	[name, extra, name],
)

spot := "nodeSelector: {cloud.google.com/gke-spot: \"true\"}"

test_fires_for_a_selector if {
	f := rule.findings with input as fixture.prod(deployment("workflow-controller", spot))
	fixture.paths(f) == {"0:spec.template.spec.nodeSelector"}
	fixture.severities(f) == {"error"}
}

test_fires_for_a_toleration if {
	f := rule.findings with input as fixture.dev(deployment("argocd-repo-server", "tolerations: [{key: cloud.google.com/gke-spot, operator: Exists}]"))
	fixture.paths(f) == {"0:spec.template.spec.tolerations"}
	fixture.severities(f) == {"warning"}
}

test_silent_on_demand if {
	f := rule.findings with input as fixture.prod(deployment("workflow-controller", "nodeSelector: {kubernetes.io/os: linux}"))
	count(f) == 0
}

test_silent_for_other_deployments if {
	f := rule.findings with input as fixture.prod(deployment("api", spot))
	count(f) == 0
}
