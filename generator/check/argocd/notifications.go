package argocd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

const (
	notificationsName = "argocd-notifications-cm"
	subscribe         = "notifications.argoproj.io/subscribe"

	ruleNotification = "argocd-notification-unresolved"
)

// notifier is what the notifications controller is configured with.
type notifier struct{ services, templates, triggers []string }

// notifications follows each subscription to its trigger, the trigger to its
// templates, and both to the service.
func (r *run) notifications() {
	o := r.configMap(notificationsName)
	if o == nil {
		return // it is kept elsewhere
	}
	var n notifier
	for _, key := range slices.Sorted(maps.Keys(data(o))) {
		kind, name, _ := strings.Cut(key, ".")
		switch kind {
		case "service":
			// service.<type> or service.<type>.<name>
			if _, own, named := strings.Cut(name, "."); named {
				name = own
			}
			n.services = append(n.services, name)
		case "template":
			n.templates = append(n.templates, name)
		case "trigger":
			n.triggers = append(n.triggers, name)
		}
	}
	interesting := func(key string) bool {
		kind, _, _ := strings.Cut(key, ".")
		return slices.Contains([]string{"service", "template", "trigger", "subscriptions", "defaultTriggers"}, kind)
	}
	for _, t := range r.texts(o, "argocd-notification-config", interesting) {
		kind, _, _ := strings.Cut(t.key, ".")
		switch kind {
		case "service":
			r.literals(t, t.value, nil)
		case "trigger":
			r.trigger(t, n)
		case "defaultTriggers":
			for i, name := range list(t.value) {
				r.named(t, manifest.Path{{Index: i}}, "trigger", name, n.triggers)
			}
		case "subscriptions":
			r.subscriptions(t, n)
		}
	}
	for _, o := range r.in.Objects() {
		if o.Group() == group && (o.Kind == "Application" || o.Kind == "AppProject") && o.Fields != nil {
			r.subscribed(o, n)
		}
	}
}

// list returns the strings of a list; of anything else, none.
func list(value any) []string {
	items, _ := value.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, _ := item.(string)
		out = append(out, s)
	}
	return out
}

// trigger judges one trigger: a list of conditions, each with templates.
func (r *run) trigger(t text, n notifier) {
	items, ok := t.value.([]any)
	if !ok {
		r.add(t.finding("argocd-notification-config", nil, fmt.Sprintf("%s is no list", t.key), "Write a list of conditions: - when: EXPRESSION, send: [TEMPLATE]."))
		return
	}
	for i, item := range items {
		at := manifest.Path{{Index: i}}
		m, _ := item.(map[string]any)
		if when, _ := m["when"].(string); when == "" {
			r.add(t.finding("argocd-notification-config", at, fmt.Sprintf("a condition of %s has no when", t.key), "Write when: app.status.operationState.phase in ['Error', 'Failed']."))
		}
		for j, name := range list(m["send"]) {
			r.named(t, index(keys(at, "send"), j), "template", name, n.templates)
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if known := []string{"when", "send", "oncePer", "description"}; !slices.Contains(known, key) {
				r.add(t.finding("argocd-notification-config", keys(at, key), fmt.Sprintf("a condition has no field %q", key), "Known: "+strings.Join(known, ", ")+"."))
			}
		}
	}
}

func (r *run) subscriptions(t text, n notifier) {
	items, _ := t.value.([]any)
	for i, item := range items {
		at := manifest.Path{{Index: i}}
		m, _ := item.(map[string]any)
		for j, name := range list(m["triggers"]) {
			r.named(t, index(keys(at, "triggers"), j), "trigger", name, n.triggers)
		}
		for j, recipient := range list(m["recipients"]) {
			service, _, _ := strings.Cut(recipient, ":")
			r.named(t, index(keys(at, "recipients"), j), "service", service, n.services)
		}
	}
}

// named reports a name that the configuration does not have.
func (r *run) named(t text, at manifest.Path, what, name string, known []string) {
	if name == "" || slices.Contains(known, name) {
		return
	}
	r.add(t.finding(ruleNotification, at, fmt.Sprintf("there is no %s %q", what, name), meant(what, name, known)))
}

func meant(what, name string, known []string) string {
	switch near := diag.DidYouMean(name, known); {
	case near != "":
		return "Did you mean " + near + "?"
	case len(known) > 0:
		return "There are: " + strings.Join(known, ", ") + "."
	default:
		return fmt.Sprintf("%s has no %s.", notificationsName, what)
	}
}

// subscribed judges the annotations subscribe.TRIGGER.SERVICE and
// subscribe.SERVICE, the second of which takes the default triggers.
// https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/subscriptions/
func (r *run) subscribed(o *manifest.Object, n notifier) {
	value, _ := check.Value(o.Fields, keys(nil, "metadata", "annotations"))
	annotations, _ := value.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		rest, ours := strings.CutPrefix(key, subscribe+".")
		if !ours {
			continue
		}
		at := keys(nil, "metadata", "annotations", key)
		missing := func(what, name string, known []string) {
			if !slices.Contains(known, name) {
				r.add(find(o, ruleNotification, diag.Error, at, fmt.Sprintf("there is no %s %q", what, name), meant(what, name, known)))
			}
		}
		trigger, service, both := strings.Cut(rest, ".")
		if !both {
			missing("service", trigger, n.services)
			continue
		}
		missing("trigger", trigger, n.triggers)
		missing("service", service, n.services)
	}
}
