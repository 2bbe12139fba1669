# METADATA
# title: The executor's rights are not create and patch on workflowtaskresults
# description: |
#   A workflow pod reports its result by creating and patching a WorkflowTaskResult: without the right every step fails at its end.
#   It needs nothing else, and what else it has, the code of the step has too.
# custom:
#   severity: error
#   slug: executor-rights
package strake.rules.executor_rights

import data.strake.lib

# executors are the accounts that report results.
executors contains account if {
	some pod in lib.argo_pods
	account := {"namespace": pod.namespace, "name": executor(pod)}
	not lib.templated(account.name)
	pod.workflow.kind != "ClusterWorkflowTemplate"
}

executor(pod) := lib.first_set(
	[
		object.get(pod.template.template, ["executor", "serviceAccountName"], ""),
		object.get(pod.workflow.spec, ["executor", "serviceAccountName"], ""),
	],
	pod.service_account,
)

judged if lib.rendered_any(["Role", "ClusterRole"])

findings contains f if {
	judged
	some account in executors
	some i in lib.account_indices(account)
	missing := [v |
		some v in ["create", "patch"]
		not lib.may(account, account.namespace, "argoproj.io", "workflowtaskresults", v)
	]
	count(missing) > 0
	f := {
		"object": i,
		"path": ["metadata", "name"],
		"summary": sprintf("workflow pods run as %s, which may not %s workflowtaskresults", [account.name, concat(" or ", missing)]),
		"detail": "Bind a Role in its namespace with {apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [create, patch]} to it.",
	}
}

findings contains f if {
	some account in executors
	some g in lib.grants_to(account)
	extra := {v | some v in object.get(g.rule, "verbs", []); not v in {"create", "patch"}}
	count(extra) > 0
	"workflowtaskresults" in object.get(g.rule, "resources", [])
	f := {
		"object": g.role,
		"path": ["rules", g.index, "verbs"],
		"severity": "warning",
		"summary": sprintf("%s, which workflow pods run as, may also %s workflowtaskresults", [account.name, concat(", ", sort(extra))]),
		"detail": "create and patch are all that the executor uses since Argo Workflows 3.4.",
	}
}

# What the executors before 3.4 needed: rights over other pods.
findings contains f if {
	some account in executors
	not manages_resources(account)
	some g in lib.grants_to(account)
	not "*" in object.get(g.rule, "resources", [])
	some severity, actions in powers(g.rule)
	count(actions) > 0
	f := {
		"object": g.role,
		"path": ["rules", g.index],
		"severity": severity,
		"summary": sprintf("%s, which workflow pods run as, may %s", [account.name, concat(", ", sort(actions))]),
		"detail": "The executor has not needed rights on pods since Argo Workflows 3.4. Remove the rule.",
	}
}

powers(rule) := {
	"error": strong,
	"warning": {a | some a in weak; count(strong) == 0},
} if {
	strong := {sprintf("%s %s", [v, r]) |
		some [r, v] in [["pods", "create"], ["pods/exec", "create"]]
		lib.allows(rule, "", r, v)
	}
	weak := {sprintf("%s pods", [v]) |
		some v in ["patch", "update", "delete"]
		lib.allows(rule, "", "pods", v)
	}
}

# A resource template does with the account whatever it was written for.
manages_resources(account) if {
	some pod in resource_pods
	pod.namespace == account.namespace
	pod.service_account == account.name
}

resource_pods := [pod | some pod in lib.argo_pods; pod.template.own.resource]
