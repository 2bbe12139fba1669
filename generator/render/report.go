package render

import (
	"slices"

	"strake/generator/spec"
)

// Names of what reports a tenant's failed runs.
const (
	reportName   = "report-failed-run"
	reportSecret = "report-failed-run-webhook"
	reportKey    = "url"
	// reportDeadline bounds one try to report, in seconds.
	reportDeadline = 300
)

// reportsFailures reports whether failed runs of a tenant are told to a channel.
func reportsFailures(e *spec.Effective, t *spec.Tenant) bool {
	return runsWorkflows(e) && t.Contact.FailedRuns != nil && len(t.Pipelines) > 0
}

// failureReport is the exit handler of a tenant's pipelines and the Secret that
// it reads, in the tenant's own namespace.
//
// It sends to an incoming webhook, which is bound to one channel. A token could
// write to all of them, and whoever may run workflows in a namespace can read
// what stands there. A template of Argo's kind http would need an agent that
// reads the Secret through the API, and so the right to read Secrets for every
// pod of the tenant; a container gets it from the kubelet.
func failureReport(e *spec.Effective, t *spec.Tenant) []object {
	if !reportsFailures(e, t) || e.Secrets == nil {
		return nil
	}
	from := tenantPath(t) + ".contact.failedRuns"
	report := t.Contact.FailedRuns
	secret := fetchedSecret(e, reportSecret, t.Namespace, from+".webhook", fetched{reportKey, report.Webhook, from + ".webhook"})
	return []object{secret, {from: from, doc: m{
		{"apiVersion", argoAPI},
		{"kind", "WorkflowTemplate"},
		{"metadata", tenantMetadata(t, reportName, "pipeline")},
		{"spec", m{
			{"entrypoint", "report"},
			{"serviceAccountName", at(tenantPath(t)+".serviceAccount.name", t.ServiceAccount.Name)},
			{"activeDeadlineSeconds", reportDeadline},
			{"securityContext", podSecurity()},
			{"templates", list{
				m{
					{"name", "report"},
					{"steps", list{list{m{
						{"name", "send"},
						{"template", "send"},
						{"when", "{{workflow.status}} != Succeeded"},
					}}}},
				},
				sendReport(e, t, from),
			}},
		}},
	}}}
}

// sendReport is the pod that sends. It runs on the tenant's own pool or on nodes
// without a taint, and never for want of anything else on a Spot pool: a run that
// failed because there were no Spot nodes would wait for one to say so. The kubelet puts the address into its
// arguments, so it stands in no object; the names in the message are of
// Kubernetes' own alphabet and need no encoding.
func sendReport(e *spec.Effective, t *spec.Tenant, from string) m {
	retry, retryFrom := retryFor(e, t, &spec.Pipeline{}, nil)
	out := m{{"name", "send"}}
	out = append(out, reportPlace(e, t).fields()...)
	return append(out,
		kv{"retryStrategy", retryStrategy(e, t.Pool, retry, retryFrom)},
		kv{"activeDeadlineSeconds", reportDeadline},
		kv{"container", m{
			{"image", at(from+".image", t.Contact.FailedRuns.Image)},
			{"command", list{"curl"}},
			{"args", list{
				"--disable", "--fail", "--silent", "--show-error",
				"--max-time", "30", "--retry", "5", "--retry-connrefused",
				"--header", "Content-Type: application/json",
				"--data", `{"text": ":x: {{workflow.namespace}}/{{workflow.name}} in ` + e.Environment + `: {{workflow.status}}"}`,
				"$(WEBHOOK)",
			}},
			{"env", list{m{
				{"name", "WEBHOOK"},
				{"valueFrom", m{{"secretKeyRef", secretKey(reportSecret, reportKey)}}},
			}}},
			{"resources", m{
				{"requests", m{{"cpu", "10m"}, {"memory", "32Mi"}}},
				{"limits", m{{"memory", "64Mi"}}},
			}},
			{"securityContext", containerContext()},
		}},
	)
}

func reportPlace(e *spec.Effective, t *spec.Tenant) placement {
	if t.Pool == "" {
		return placement{}
	}
	return place(e, t.Pool, tenantPath(t)+".pool")
}

// exitHook calls the report at the end of a run: nothing where the tenant has
// none.
func exitHook(e *spec.Effective, t *spec.Tenant) any {
	if !reportsFailures(e, t) {
		return nil
	}
	return at(tenantPath(t)+".contact.failedRuns", m{{"exit", m{{"templateRef", m{{"name", reportName}, {"template", "report"}}}}}})
}

// hook adds the report to a user's own template, unless it has an exit handler
// of its own.
func (o *templateOverlay) hook(s m) m {
	ours := asMap(exitHook(o.e, o.t))
	if ours == nil || s.get("onExit") != nil || slices.ContainsFunc(asMap(s.get("hooks")), func(f kv) bool { return f.k == "exit" }) {
		return s
	}
	return s.inside("hooks", func(theirs m) m { return theirs.fill(ours) })
}
