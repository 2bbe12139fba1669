package render

import (
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"sigs.k8s.io/yaml"

	"strake/generator/spec"
)

const reportSpec = `apiVersion: strake/v1alpha1
kind: Platform
metadata: {name: mlops}
spec:
  strake: {version: 0.1.x}
  repository: {url: https://github.com/example/mlops, branch: main}
  defaults:
    cloud: {project: mlops-dev, region: asia-northeast1}
    cluster:
      nodePools:
        - {name: system, machineType: e2-standard-2, min: 1, max: 3}
        - {name: spot, machineType: e2-standard-4, spot: true, min: 0, max: 5}
        - {name: own, machineType: e2-standard-4, min: 0, max: 5, dedicated: own}
    workflows: {activeDeadline: 3h}
    spot: {pool: spot}
    secrets: {gcpSecretManager: {}}
  environments:
    - {name: dev}
  tenants:
    - name: forecasting
      contact: {failedRuns: {webhook: {secret: forecasting-webhook}, image: "example.com/curl@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
      pipelines: [{name: train, image: "example.com/train@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", tasks: [{name: fit, command: [fit]}]}]
    - name: vision
      pool: own
      contact: {failedRuns: {webhook: {secret: vision-webhook}, image: "example.com/curl@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
      pipelines: [{name: train, image: "example.com/train@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", tasks: [{name: fit, command: [fit]}]}]
    - name: quiet
      pipelines: [{name: train, image: "example.com/train@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", tasks: [{name: fit, command: [fit]}]}]
`

// TestFailedRuns: each pipeline of a tenant that wants it ends in the report,
// whose address is in no object, and which waits for no Spot node.
func TestFailedRuns(t *testing.T) {
	t.Parallel()
	out := renderedTree(t, loaded(t, reportSpec))
	read := func(path string) (template wfv1.WorkflowTemplate, found bool) {
		f, found := out.Get("overlays/dev/" + path)
		if err := yaml.UnmarshalStrict(f.Data, &template); found && err != nil {
			t.Fatal(err)
		}
		return template, found
	}
	for tenant, taints := range map[string]int{"forecasting": 0, "vision": 1} {
		pipeline, _ := read(tenant + "/train.workflowtemplate.yaml")
		hook := pipeline.Spec.Hooks.GetExitHook()
		if hook == nil || hook.TemplateRef == nil {
			t.Fatalf("%s: a run ends without a report", tenant)
		}
		report, found := read(tenant + "/" + hook.TemplateRef.Name + ".workflowtemplate.yaml")
		if !found || report.GetTemplateByName(hook.TemplateRef.Template) == nil {
			t.Fatalf("%s: the report is not there", tenant)
		}
		send := report.GetTemplateByName("send")
		if len(send.Tolerations) != taints || send.NodeSelector["cloud.google.com/gke-spot"] != "" {
			t.Errorf("%s: the report runs on %v %v", tenant, send.NodeSelector, send.Tolerations)
		}
		args, from := send.Container.Args, send.Container.Env[0].ValueFrom
		if args[len(args)-1] != "$(WEBHOOK)" || from == nil || from.SecretKeyRef.Name != reportSecret {
			t.Errorf("%s: the address comes from %v, %v", tenant, args, from)
		}
		if _, found := out.Get("overlays/dev/" + tenant + "/" + reportSecret + ".externalsecret.yaml"); !found {
			t.Errorf("%s: the address is fetched from nowhere", tenant)
		}
	}
	quiet, _ := read("quiet/train.workflowtemplate.yaml")
	if _, found := read("quiet/" + reportName + ".workflowtemplate.yaml"); found || quiet.Spec.Hooks != nil {
		t.Error("a tenant without failedRuns has a report")
	}
}

// TestFailedRunsOfOwnTemplate: a template with an exit handler of its own keeps
// it, and any other gets the report beside the hooks that it has.
func TestFailedRunsOfOwnTemplate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines, want string
	}{
		"none":   {"", "report"},
		"onExit": {"  onExit: main\n", ""},
		"exit":   {"  hooks: {exit: {template: main}}\n", ""},
		"other":  {"  hooks: {running: {template: main, expression: workflow.status == \"Running\"}}\n", "report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := loaded(t, reportSpec)
			p := &e.Tenants[0].Pipelines[0]
			p.Tasks, p.Template = nil, "train.yaml"
			e.Templates = []spec.Template{{Path: "train.yaml", Content: "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nspec:\n  entrypoint: main\n" + c.lines + "  templates:\n  - {name: main, container: {image: a, command: [a]}}\n"}}
			f, _ := renderedTree(t, e).Get("overlays/dev/" + e.Tenants[0].Name + "/train.workflowtemplate.yaml")
			var template wfv1.WorkflowTemplate
			if err := yaml.UnmarshalStrict(f.Data, &template); err != nil {
				t.Fatal(err)
			}
			got := ""
			if hook := template.Spec.Hooks.GetExitHook(); hook != nil && hook.TemplateRef != nil {
				got = hook.TemplateRef.Template
			}
			if got != c.want {
				t.Errorf("a run ends in %q, want %q:\n%s", got, c.want, f.Data)
			}
			if strings.Contains(c.lines, "running") && template.Spec.Hooks["running"].Template != "main" {
				t.Error("the user's own hook is gone")
			}
		})
	}
}
