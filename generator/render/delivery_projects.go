package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// memberRole is the role of a tenant's group in its project: proj:<tenant>:member.
const memberRole = "member"

// projects are what Applications may bring from where to where: one for the
// platform, one for each tenant, and Argo CD's own, which everything may use
// until it is locked.
func projects(e *spec.Effective, delivered []app) []object {
	out := []object{lockedProject(e), platformProject(e, delivered)}
	for i := range e.Tenants {
		out = append(out, tenantProject(e, &e.Tenants[i]))
	}
	return out
}

func project(e *spec.Effective, name, from string, t *spec.Tenant, subscriptions, body m) object {
	meta := argocdMetadata(e, name, t)
	meta = append(meta, kv{"annotations", append(m{{"argocd.argoproj.io/sync-wave", strconv.Itoa(projectWave)}}, subscriptions...)})
	if name != spec.DefaultProject {
		meta = append(meta, kv{"finalizers", list{cascade}})
	}
	return object{from: from, doc: m{
		{"apiVersion", argocdAPI},
		{"kind", "AppProject"},
		{"metadata", meta},
		{"spec", body},
	}}
}

// lockedProject takes from Argo CD's default project what it allows: an
// Application that names no project is in it
// (docs/user-guide/projects.md of Argo CD).
func lockedProject(e *spec.Effective) object {
	return project(e, spec.DefaultProject, "argocd", nil, nil, m{
		{"description", "Locked: nothing may be delivered through it."},
		{"sourceRepos", list{}},
		{"destinations", list{}},
		{"clusterResourceWhitelist", list{}},
		{"namespaceResourceBlacklist", list{groupKind("*", "*")}},
	})
}

// platformProject is for what the platform's own team delivers. It may reach
// the namespaces of its overlays, and make the cluster-wide kinds that they hold.
func platformProject(e *spec.Effective, delivered []app) object {
	namespaces := map[string]any{e.ArgoCD.Namespace: at("argocd.namespace", e.ArgoCD.Namespace)}
	kinds := map[string]m{}
	for _, a := range delivered {
		if a.tenant != nil {
			continue
		}
		if a.namespace != "" {
			namespaces[a.namespace] = at(a.from, a.namespace)
		}
		for _, o := range slices.Concat(a.baseObjects, a.objects) {
			kind, _ := o.doc.get("kind").(string)
			if clusterWide(kind) {
				kinds[kind+"."+groupOf(o.doc)] = groupKind(groupOf(o.doc), kind)
				continue
			}
			meta, _ := o.doc.get("metadata").(m)
			if ns, _ := meta.get("namespace").(string); ns != "" && namespaces[ns] == nil {
				namespaces[ns] = at(o.from, ns)
			}
		}
	}
	for group, names := range vendoredKinds(e) {
		for _, kind := range names {
			kinds[kind+"."+group] = groupKind(group, kind)
		}
	}
	allowed := list{}
	for _, key := range slices.Sorted(maps.Keys(kinds)) {
		allowed = append(allowed, kinds[key])
	}
	var destinations list
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		destinations = append(destinations, destination(namespaces[name]))
	}
	return project(e, spec.PlatformProject, "argocd", nil, platformSubscriptions(e), m{
		{"description", "What the platform's team delivers: definitions, controllers, and what bounds the tenants."},
		{"sourceRepos", list{at("repository.url", e.Repository.URL)}},
		{"destinations", destinations},
		{"clusterResourceWhitelist", allowed},
		{"orphanedResources", m{{"warn", true}, {"ignore", platformOrphans(e)}}},
		{"syncWindows", syncWindows(e)},
	})
}

// vendoredKinds are the cluster-wide kinds, by group, that the official
// manifests hold which overlays lie on.
func vendoredKinds(e *spec.Effective) map[string][]string {
	kinds := map[string][]string{}
	if vendorsArgoCD(e) || e.OperatorNamespace() != "" {
		kinds[rbacGroup] = []string{"ClusterRole", "ClusterRoleBinding"}
		kinds[definitionsGroup] = []string{"CustomResourceDefinition"}
	}
	if e.OperatorNamespace() != "" {
		kinds["admissionregistration.k8s.io"] = []string{"ValidatingWebhookConfiguration"}
	}
	if runsWorkflows(e) && e.Workflows.CRDs == "vendored" {
		kinds[definitionsGroup] = []string{"CustomResourceDefinition"}
	}
	return kinds
}

const definitionsGroup = "apiextensions.k8s.io"

// clusterWide reports whether a kind that Strake renders has no namespace.
func clusterWide(kind string) bool {
	switch kind {
	case "Namespace", "PersistentVolume", "PriorityClass", "StorageClass", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding",
		"ClusterSecretStore", "ClusterExternalSecret", "ClusterWorkflowTemplate", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		return true
	}
	return false
}

func groupKind(group, kind string) m { return m{{"group", group}, {"kind", kind}} }

func destination(namespace any) m {
	return m{{"server", inCluster}, {"namespace", namespace}}
}

// platformOrphans are objects that controllers make where the platform's
// overlays are, beside those that have an owner.
func platformOrphans(e *spec.Effective) list {
	orphans := list{
		groupKind("coordination.k8s.io", "Lease"), // who leads
		groupKind(argocdGroup, "Workflow"),        // a run that somebody started
	}
	if e.Workflows != nil && e.Workflows.Server.SSO != nil {
		orphans = append(orphans, append(groupKind("", "Secret"), kv{"name", "sso"})) // the server's key for cookies
	}
	// Argo CD's own objects, where somebody else installs it, and the Secrets that it
	// makes itself.
	return append(orphans, append(groupKind("*", "*"), kv{"name", "argocd-*"}))
}

// tenantProject is the boundary of a team's deliveries: its namespace, its
// repositories, and kinds that neither bound it nor reach beyond its namespace.
func tenantProject(e *spec.Effective, t *spec.Tenant) object {
	from := tenantPath(t)
	repositories := list{at("repository.url", e.Repository.URL)}
	seen := map[string]bool{e.Repository.URL: true}
	for i := range t.Apps {
		if a := &t.Apps[i]; a.Repository != "" && !seen[a.Repository] {
			seen[a.Repository] = true
			repositories = append(repositories, at(from+".apps["+a.Name+"].repository", a.Repository))
		}
	}
	return project(e, t.Name, from, t, tenantSubscriptions(e, t), m{
		{"description", "What the team " + t.Name + " delivers."},
		{"sourceRepos", repositories},
		{"destinations", list{destination(at(from+".namespace", t.Namespace))}},
		{"clusterResourceWhitelist", list{}},
		{"namespaceResourceWhitelist", tenantKinds(e)},
		{"roles", memberRoles(t)},
		{"orphanedResources", m{{"warn", true}, {"ignore", list{groupKind(argocdGroup, "Workflow")}}}},
		{"syncWindows", syncWindows(e)},
	})
}

// tenantKinds is what a team may deliver. A list of what is allowed, since one of
// what is forbidden lets in whatever the next controller brings. Argo CD also
// hides from the tree, with its log, each child that the project does not allow
// (getResourceTree of its controller), so what controllers make of a team's
// objects is here too: pods, replica sets, runs.
//
// Not here: quota, limits, walls, roles, stores, Secrets (their values would
// stand in Git), and endpoints, which lead to pods of others
// (CVE-2021-25740).
func tenantKinds(e *spec.Effective) list {
	kinds := []string{
		"ConfigMap", "PersistentVolumeClaim", "Pod", "Service", "ServiceAccount",
		"apps/Deployment", "apps/ReplicaSet", "apps/StatefulSet",
		"autoscaling/HorizontalPodAutoscaler",
		"batch/CronJob", "batch/Job",
		"cloud.google.com/BackendConfig",
		"external-secrets.io/ExternalSecret",
		"gateway.networking.k8s.io/HTTPRoute",
		"monitoring.googleapis.com/PodMonitoring",
		"networking.gke.io/FrontendConfig", "networking.gke.io/ManagedCertificate",
		"networking.k8s.io/Ingress",
		"policy/PodDisruptionBudget",
	}
	if runsWorkflows(e) {
		kinds = append(kinds, "argoproj.io/CronWorkflow", "argoproj.io/Workflow", "argoproj.io/WorkflowTemplate")
	}
	var out list
	for _, kind := range kinds {
		out = append(out, parsedKind(kind))
	}
	for i, kind := range e.ArgoCD.TenantKinds {
		if !slices.Contains(kinds, kind) {
			out = append(out, at("argocd.tenantKinds["+strconv.Itoa(i)+"]", parsedKind(kind)))
		}
	}
	return out
}

// parsedKind reads GROUP/KIND, or a KIND of the core group.
func parsedKind(s string) m {
	group, kind, found := strings.Cut(s, "/")
	if !found {
		return groupKind("", s)
	}
	return groupKind(group, kind)
}

// memberRoles lets a team's group see its Applications and their logs, sync them
// to what they follow, and restart what runs. It changes nothing else, opens no
// shell, and sees nothing of others. Actions: resource_customizations of Argo CD.
func memberRoles(t *spec.Tenant) list {
	if t.Group == "" {
		return nil
	}
	may := func(resource, action string) string {
		return strings.Join([]string{"p", "proj:" + t.Name + ":" + memberRole, resource, action, t.Name + "/*", "allow"}, ", ")
	}
	group := t.Group
	if strings.Contains(group, ",") { // a policy is a line of CSV
		group = strconv.Quote(group)
	}
	from := tenantPath(t) + ".group"
	return list{m{
		{"name", memberRole},
		{"description", "The team's group: see, sync, logs, restart."},
		{"groups", list{at(from, group)}},
		{"policies", list{
			may("applications", "get"),
			may("applications", "sync"),
			may("applications", "action/apps/Deployment/restart"),
			may("applications", "action/apps/StatefulSet/restart"),
			may("logs", "get"),
		}},
	}}
}

// syncWindows hold all Applications of the environment.
func syncWindows(e *spec.Effective) list {
	var out list
	for i, w := range e.Delivery.Windows {
		kind, schedule := "deny", w.Deny
		if w.Allow != "" {
			kind, schedule = "allow", w.Allow
		}
		out = append(out, at("delivery.windows["+strconv.Itoa(i)+"]", m{
			{"kind", kind},
			{"schedule", schedule},
			{"duration", goDuration(w.Duration)},
			{"timeZone", w.TimeZone},
			{"applications", list{"*"}},
			{"manualSync", w.ManualSync},
		}))
	}
	return out
}

// subscription is the annotation that makes a project's Applications report to
// a channel (docs/operator-manual/notifications/subscriptions.md of Argo CD).
func subscription(trigger, from, channel string) kv {
	return kv{"notifications.argoproj.io/subscribe." + trigger + ".slack", at(from, channel)}
}

func platformSubscriptions(e *spec.Effective) m {
	n := e.ArgoCD.Notifications
	if n == nil || n.Slack == nil {
		return nil
	}
	var out m
	for _, trigger := range slices.Sorted(maps.Keys(n.Subscriptions)) {
		out = append(out, subscription(trigger, "argocd.notifications.subscriptions."+trigger, n.Subscriptions[trigger]))
	}
	return out
}

// tenantSubscriptions tell a team of its failures. One without a channel is
// looked after by the platform's team.
func tenantSubscriptions(e *spec.Effective, t *spec.Tenant) m {
	switch n := e.ArgoCD.Notifications; {
	case n == nil || n.Slack == nil:
		return nil
	case t.Contact.Slack == "":
		return platformSubscriptions(e)
	}
	var out m
	for _, trigger := range contactTriggers() {
		out = append(out, subscription(trigger, tenantPath(t)+".contact.slack", t.Contact.Slack))
	}
	return out
}

// contactTriggers are what a tenant's channel hears of.
func contactTriggers() []string { return []string{"on-health-degraded", "on-sync-failed"} }
