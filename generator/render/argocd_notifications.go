package render

import (
	"slices"

	"strake/generator/spec"
)

// notice is a trigger and the one message it sends.
type notice struct {
	// trigger has the name that Argo CD's own catalogue gives it.
	trigger string
	about   string
	when    string
	oncePer string
	// title says what happened, in the words after the Application's name.
	title, color string
	// link is put behind the Application's address.
	link string
	// detail is a template for the text below the title.
	detail string
}

// Colors of the bar beside a message.
const (
	colorBad     = "#c62828"
	colorUnknown = "#f9a825"
	colorGood    = "#2e7d32"
	colorPlain   = "#546e7a"
)

// Templates of details. What a cluster says is a text that somebody else wrote:
// Slack takes <!channel> for an order.
const (
	quoteForSlack   = `trunc 1500 | replace "&" "&amp;" | replace "<" "&lt;" | replace ">" "&gt;" | toJson`
	operationDetail = `{{ .app.status.operationState.message | toString | ` + quoteForSlack + ` }}`
	conditionDetail = `{{ $text := "" }}{{ range .app.status.conditions }}{{ $text = printf "%s%s: %s\n" $text .type .message }}{{ end }}{{ $text | ` + quoteForSlack + ` }}`
	revisionDetail  = `{{ printf "Revision %s" .app.status.sync.revision | ` + quoteForSlack + ` }}`
	projectDetail   = `{{ printf "Project %s" .app.spec.project | ` + quoteForSlack + ` }}`
)

// notices are the triggers of Argo CD's catalogue. A trigger fires when its
// expression becomes true; oncePer keeps it from firing again for the same
// value. Fields may be missing: a new Application has no status.
func notices() []notice {
	return []notice{
		{"on-created", "An Application was created.", "true", "app.metadata.name", "was created", colorPlain, "", projectDetail},
		{"on-deleted", "An Application is being deleted.", "app.metadata.deletionTimestamp != nil", "app.metadata.name", "is being deleted", colorUnknown, "", projectDetail},
		{
			"on-deployed", "An Application is synced and healthy, once for each commit.",
			"app.status?.operationState?.phase in ['Succeeded'] and app.status?.health?.status == 'Healthy'",
			"app.status?.operationState?.syncResult?.revision", "was deployed", colorGood, "", revisionDetail,
		},
		{"on-health-degraded", "An Application is degraded.", "app.status?.health?.status == 'Degraded'", "", "is degraded", colorBad, "", conditionDetail},
		{"on-sync-failed", "A sync failed.", "app.status?.operationState?.phase in ['Error', 'Failed']", "", "could not be synced", colorBad, "?operation=true", operationDetail},
		{"on-sync-running", "A sync began.", "app.status?.operationState?.phase in ['Running']", "", "is being synced", colorPlain, "?operation=true", projectDetail},
		{"on-sync-status-unknown", "What an Application should be cannot be told.", "app.status?.sync?.status == 'Unknown'", "", "cannot be compared with Git", colorUnknown, "", conditionDetail},
		{"on-sync-succeeded", "A sync succeeded.", "app.status?.operationState?.phase in ['Succeeded']", "", "was synced", colorGood, "?operation=true", revisionDetail},
	}
}

// usedTriggers are those that an Application of the environment subscribes to:
// the platform's by argocd.notifications.subscriptions, a tenant's by its
// contact.
func usedTriggers(e *spec.Effective) map[string]string {
	used := make(map[string]string)
	for i := range e.Tenants {
		if e.Tenants[i].Contact.Slack == "" {
			continue
		}
		for _, trigger := range contactTriggers() {
			if used[trigger] == "" {
				used[trigger] = tenantPath(&e.Tenants[i]) + ".contact.slack"
			}
		}
	}
	for trigger := range e.ArgoCD.Notifications.Subscriptions {
		used[trigger] = "argocd.notifications.subscriptions." + trigger
	}
	return used
}

// argocdNotices is argocd-notifications-cm. Who hears of what stands on the
// Applications, as annotations.
func argocdNotices(e *spec.Effective) object {
	marks := append(officialLabels("argocd-notifications-controller"), kv{"app.kubernetes.io/component", "notifications-controller"})
	n := e.ArgoCD.Notifications
	if n == nil || n.Slack == nil {
		return argocdConfig(e, argocdNoticesConfigMap, "argocd", marks, nil)
	}
	data := m{
		{"context", embedded{m{
			{"argocdUrl", at("argocd.url", e.ArgoCD.URL)},
			{"environment", at("environment", e.Environment)},
		}}},
		{"service.slack", at("argocd.notifications.slack", embedded{m{{"token", "$" + argocdSlackKey}}})},
	}
	used := usedTriggers(e)
	var templates, triggers m
	for _, t := range notices() {
		if from := used[t.trigger]; from != "" {
			templates = append(templates, kv{"template." + t.trigger, at(from, embedded{t.template()})})
			triggers = append(triggers, kv{"trigger." + t.trigger, at(from, embedded{t.condition()})})
		}
	}
	return argocdConfig(e, argocdNoticesConfigMap, "argocd.notifications", marks, slices.Concat(data, templates, triggers))
}

func (n notice) condition() list {
	return list{m{
		{"description", n.about},
		{"oncePer", optional(n.oncePer)},
		{"send", list{n.trigger}},
		{"when", n.when},
	}}
}

// template is the message. The attachment is a JSON text, so each value is
// encoded.
func (n notice) template() m {
	return m{
		{"message", "{{ .app.metadata.name }} " + n.title + " in {{ .context.environment }}."},
		{"slack", m{{"attachments", `[{
  "color": "` + n.color + `",
  "title": "Open it in Argo CD",
  "title_link": {{ printf "%s/applications/%s/%s` + n.link + `" .context.argocdUrl .app.metadata.namespace .app.metadata.name | toJson }},
  "text": ` + n.detail + `
}]
`}}},
	}
}
