package strake.rules.auth_mode_server_test

import data.strake.fixture
import data.strake.rules.auth_mode_server as rule

server(args) := sprintf(
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
`,
	[args],
)

test_fires_in_prod if {
	f := rule.findings with input as fixture.prod(server("[server, --auth-mode=server]"))
	fixture.paths(f) == {"0:spec.template.spec.containers.0.args.1"}
	fixture.severities(f) == {"error"}
}

test_fires_for_two_words if {
	f := rule.findings with input as fixture.prod(server("[server, --auth-mode, server]"))
	fixture.paths(f) == {"0:spec.template.spec.containers.0.args.1"}
}

test_fires_beside_another_mode if {
	f := rule.findings with input as fixture.prod(server("[server, --auth-mode=client, --auth-mode=server]"))
	fixture.paths(f) == {"0:spec.template.spec.containers.0.args.2"}
}

test_warns_in_dev if {
	f := rule.findings with input as fixture.dev(server("[server, --auth-mode=server]"))
	fixture.severities(f) == {"warning"}
}

test_fires_in_dev_behind_a_load_balancer if {
	f := rule.findings with input as fixture.dev(concat("\n---\n", [server("[server, --auth-mode=server]"), `
apiVersion: v1
kind: Service
metadata: {name: argo-server, namespace: argo}
spec: {type: LoadBalancer, selector: {app: argo-server}}
`]))
	fixture.severities(f) == {"error"}
}

test_silent_for_client if {
	f := rule.findings with input as fixture.prod(server("[server, --auth-mode=client]"))
	count(f) == 0
}

test_silent_for_the_default if {
	f := rule.findings with input as fixture.prod(server("[server]"))
	count(f) == 0
}

test_silent_for_another_program if {
	f := rule.findings with input as fixture.prod(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway}
spec: {template: {spec: {containers: [{name: gateway, image: "example.com/gateway:1.2.3", args: ["--auth-mode=server"]}]}}}
`)
	count(f) == 0
}
