package strake.rules.deadline_missing_test

import data.strake.fixture
import data.strake.rules.deadline_missing as rule

config(defaults) := sprintf(
	`
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  workflowDefaults: |
    spec: %s
`,
	[defaults],
)

template(extra) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
%s
  templates: [{name: main, container: {image: i}}]
`,
	[extra],
)

both(defaults, extra) := fixture.prod(concat("\n---\n", [config(defaults), template(extra)]))

test_fires if {
	f := rule.findings with input as both("{}", "  entrypoint: main")
	fixture.paths(f) == {"1:spec"}
	fixture.severities(f) == {"warning"}
}

test_silent_with_a_deadline if {
	f := rule.findings with input as both("{}", "  entrypoint: main\n  activeDeadlineSeconds: 60")
	count(f) == 0
}

test_silent_with_a_default if {
	f := rule.findings with input as both("{activeDeadlineSeconds: 60}", "  entrypoint: main")
	count(f) == 0
}

test_silent_for_a_library if {
	f := rule.findings with input as both("{}", "  arguments: {}")
	count(f) == 0
}

test_informs_when_the_defaults_are_not_known if {
	f := rule.findings with input as fixture.prod(template("  entrypoint: main"))
	fixture.severities(f) == {"info"}
}

test_silent_when_every_caller_sets_it if {
	f := rule.findings with input as fixture.prod(concat("\n---\n", [config("{}"), template("  entrypoint: main"), `
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: c, namespace: ml}
spec:
  workflowSpec:
    activeDeadlineSeconds: 60
    workflowTemplateRef: {name: w}
`]))
	count(f) == 0
}
