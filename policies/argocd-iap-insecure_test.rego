package strake.rules.argocd_iap_insecure_test

import data.strake.fixture
import data.strake.rules.argocd_iap_insecure as rule

text(params, iap, more) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cmd-params-cm, namespace: argocd}
data: %s
---
apiVersion: cloud.google.com/v1
kind: BackendConfig
metadata: {name: argocd, namespace: argocd}
spec: {iap: {enabled: %s}}
---
apiVersion: v1
kind: Service
metadata:
  name: argocd-server
  namespace: argocd
  annotations: {cloud.google.com/backend-config: '{"default": "argocd"}'%s}
spec: {selector: {app.kubernetes.io/name: argocd-server}, ports: [{port: 80}]}
`,
	[params, iap, more],
)

these(params, iap, more) := fixture.prod(text(params, iap, more))

test_cases[name] if {
	some name, c in {
		"insecure": [`{server.insecure: "true"}`, "true", "", 0],
		"not said": [`{}`, "true", "", 1],
		"said not to be": [`{server.insecure: "false"}`, "true", "", 1],
		"no proxy": [`{}`, "false", "", 0],
		"HTTPS to the pod": [`{}`, "true", `, cloud.google.com/app-protocols: '{"http": "HTTPS"}'`, 0],
	}
	f := rule.findings with input as these(c[0], c[1], c[2])
	count(f) == c[3]
}

test_place if {
	f := rule.findings with input as these("{}", "true", "")
	fixture.paths(f) == {"0:data.server.insecure"}
}

test_silent_for_another_service if {
	other := replace(text("{}", "true", ""), "app.kubernetes.io/name: argocd-server", "app: shop")
	f := rule.findings with input as fixture.prod(other)
	count(f) == 0
}
