package strake.rules.sso_insecure_test

import data.strake.fixture
import data.strake.rules.sso_insecure as rule

config(sso) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  sso: |
    %s
`,
	[sso],
)

test_cases[sso] if {
	some sso, expected in {
		"{issuer: \"https://id.example.com\", redirectUrl: \"https://argo.example.com/oauth2/callback\"}": 0,
		"{issuer: \"https://id.example.com\", insecureSkipVerify: true}": 1,
		"{issuer: \"https://id.example.com\", insecureSkipVerify: false}": 0,
		"{issuer: \"http://id.example.com\"}": 1,
		"{issuer: \"https://id.example.com\", redirectUrl: \"http://localhost:2746/oauth2/callback\"}": 1,
	}
	f := rule.findings with input as fixture.prod(config(sso))
	count(f) == expected
}

test_path if {
	f := rule.findings with input as fixture.prod(config("insecureSkipVerify: true"))
	fixture.paths(f) == {"0:data.sso.insecureSkipVerify"}
}

test_localhost_in_dev if {
	f := rule.findings with input as fixture.dev(config("redirectUrl: \"http://localhost:2746/oauth2/callback\""))
	count(f) == 0
}
