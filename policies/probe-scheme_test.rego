package strake.rules.probe_scheme_test

import data.strake.fixture
import data.strake.rules.probe_scheme as rule

server(args, probe) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: argo-server, namespace: argo}
spec:
  template:
    spec:
      containers:
        - name: argo-server
          image: quay.io/argoproj/argocli:v3.7.18
          args: %s
          readinessProbe: {httpGet: %s}
`,
	[args, probe],
))

test_cases[name] if {
	some name, c in {
		"https of both": ["[server]", "{path: /, port: 2746, scheme: HTTPS}", 0],
		"http probe": ["[server]", "{path: /, port: 2746}", 1],
		"http of both": ["[server, --secure=false]", "{path: /, port: 2746, scheme: HTTP}", 0],
		"https probe": ["[server, --secure=false]", "{path: /, port: 2746, scheme: HTTPS}", 1],
		"two words": ["[server, --secure, \"false\"]", "{path: /, port: 2746}", 0],
	}
	f := rule.findings with input as server(c[0], c[1])
	count(f) == c[2]
}

test_path if {
	f := rule.findings with input as server("[server]", "{path: /, port: 2746}")
	fixture.paths(f) == {"0:spec.template.spec.containers.0.readinessProbe.httpGet"}
}

test_silent_for_others if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: a, image: i, readinessProbe: {httpGet: {path: /, port: 80}}}]}
`)
	count(f) == 0
}
