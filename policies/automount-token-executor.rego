# METADATA
# title: The executor has no token to report with
# description: |
#   automountServiceAccountToken: false keeps the token out of the step, and out of the executor too: Argo then needs
#   executor.serviceAccountName, and a Secret with that account's token. Without both every step fails at its end.
# custom:
#   severity: error
#   slug: automount-token-executor
package strake.rules.automount_token_executor

import data.strake.lib

findings contains f if {
	some pod in lib.argo_pods
	off(pod)
	executor(pod) == ""
	f := {
		"object": pod.object,
		"path": place(pod),
		"summary": "automountServiceAccountToken is false and no executor.serviceAccountName is set",
		"detail": "Set executor.serviceAccountName beside it, and render a Secret of type kubernetes.io/service-account-token for that account.",
	}
}

findings contains f if {
	some pod in lib.argo_pods
	off(pod)
	account := executor(pod)
	account != ""
	not lib.templated(account)
	pod.workflow.kind != "ClusterWorkflowTemplate"
	not token(pod.namespace, account)
	f := {
		"object": pod.object,
		"path": place(pod),
		"summary": sprintf("automountServiceAccountToken is false and no Secret holds a token of the executor's account %s", [account]),
		"detail": sprintf("Render a Secret %s.service-account-token of type kubernetes.io/service-account-token with the annotation kubernetes.io/service-account.name: %s.", [account, account]),
	}
}

off(pod) if object.get(pod.template.template, "automountServiceAccountToken", null) == false

off(pod) if {
	object.get(pod.template.template, "automountServiceAccountToken", null) == null
	object.get(pod.workflow.spec, "automountServiceAccountToken", null) == false
}

executor(pod) := lib.first_set(
	[
		object.get(pod.template.template, ["executor", "serviceAccountName"], ""),
		object.get(pod.workflow.spec, ["executor", "serviceAccountName"], ""),
	],
	"",
)

place(pod) := array.concat(pod.path, ["automountServiceAccountToken"]) if {
	pod.template.own.automountServiceAccountToken == false
} else := array.concat(pod.workflow.path, ["automountServiceAccountToken"]) if {
	pod.workflow.spec.automountServiceAccountToken == false
} else := array.concat(pod.workflow.path, ["templateDefaults", "automountServiceAccountToken"])

token(ns, account) if {
	some i in lib.indices.Secret
	o := input.objects[i]
	o.type == "kubernetes.io/service-account-token"
	lib.same_namespace(lib.namespace(o), ns)
	lib.annotation(o, "kubernetes.io/service-account.name") == account
	named(o, ns, account)
}

named(o, _, account) if lib.name(o) == sprintf("%s.service-account-token", [account])

named(o, ns, account) if {
	some i in lib.account_indices({"namespace": ns, "name": account})
	lib.annotation(input.objects[i], "workflows.argoproj.io/service-account-token.name") == lib.name(o)
}
