package strake.rules.secret_in_git_test

import data.strake.fixture
import data.strake.rules.secret_in_git as rule

test_fires_for_string_data if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: hunter2}
`)
	fixture.paths(f) == {"0:stringData.password"}
	every x in f {
		x.sensitive == true
		not contains(x.summary, "hunter2")
		not contains(x.detail, "hunter2")
	}
}

test_fires_for_data if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {password: aHVudGVyMg==}
`)
	fixture.paths(f) == {"0:data.password"}
}

test_silent_for_token_secrets_and_empty_ones if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: Secret
metadata: {name: runner.service-account-token}
type: kubernetes.io/service-account-token
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret}
data: {}
---
apiVersion: v1
kind: Secret
metadata: {name: repo, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: git, url: "https://github.com/example/x"}
---
apiVersion: v1
kind: Secret
metadata: {name: sops}
stringData: {password: "ENC[AES256_GCM,data:abc]"}
`)
	count(f) == 0
}

env(name, value) := fixture.prod(sprintf(
	`
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          image: i
          env: [{name: "%s", value: "%s"}]
`,
	[name, value],
))

test_environment[name] if {
	some name, expected in {
		"DB_PASSWORD": 1,
		"EXCHANGE_API_KEY": 1,
		"githubToken": 0,
		"GITHUB_TOKEN": 1,
		"dbPassword": 1,
		"DB_PASSWORD_FILE": 0,
		"SECRET_NAME": 0,
		"TOKEN_URL": 0,
		"COMPASS": 0,
		"MAX_TOKENS": 0,
	}
	f := rule.findings with input as env(name, "hunter2")
	count(f) == expected
}

test_values[value] if {
	some value, expected in {
		"hunter2": 1,
		"$(OTHER)": 0,
		"{{inputs.parameters.x}}": 0,
		"/var/run/secrets/token": 0,
		"projects/p/secrets/s/versions/1": 0,
		"": 0,
		"false": 0,
	}
	f := rule.findings with input as env("TOKEN", value)
	count(f) == expected
}

test_fires_in_a_workflow_template if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w}
spec:
  templates:
    - name: main
      script: {image: i, source: x, env: [{name: API_KEY, value: abc}]}
`)
	fixture.paths(f) == {"0:spec.templates.0.script.env.0.value"}
}

controller(key, text) := fixture.prod(sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  %s: |
    %s
`,
	[key, text],
))

test_fires_for_the_database_password if {
	f := rule.findings with input as controller("persistence", "postgresql: {host: h, password: hunter2}")
	fixture.paths(f) == {"0:data.persistence.postgresql.password"}
	every x in f {
		contains(x.summary, "persistence.postgresql.password")
		not contains(x.summary, "hunter2")
	}
}

test_fires_under_the_single_config_key if {
	f := rule.findings with input as controller("config", "persistence: {postgresql: {host: h, password: hunter2}}")
	fixture.paths(f) == {"0:data.config.persistence.postgresql.password"}
}

test_silent_for_a_reference_to_a_secret if {
	f := rule.findings with input as controller("persistence", "postgresql: {passwordSecret: {name: db, key: password}}")
	count(f) == 0
}

test_fires_for_a_password_in_a_url if {
	f := rule.findings with input as env("DATABASE_URL", "postgres://u:hunter2@db:5432/x")
	count(f) == 1
}

test_silent_for_a_url_without_a_password if {
	f := rule.findings with input as env("DATABASE_URL", "postgres://u:$(DB_PASS)@db:5432/x")
	count(f) == 0
}
