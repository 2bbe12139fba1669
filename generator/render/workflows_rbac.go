package render

import (
	"strings"

	"strake/generator/spec"
)

// ServiceAccounts of the embedded install, named as in the official manifests.
const (
	controllerAccount = "argo"
	serverAccount     = "argo-server"
)

// workflowsRBAC is what the controller and the server may do: the rules of the
// official install of the same scope, rule for rule (manifests/cluster-install
// and manifests/namespace-install of Argo Workflows v3.7). A missing rule stops
// the controller, so additions are new Roles and nothing patches these.
//
// A server that takes nothing but its callers' tokens has fewer: see
// clientServerRules.
func workflowsRBAC(e *spec.Effective) []object {
	ns := e.Workflows.Namespace
	clusterWide := e.Workflows.Scope != "namespace"
	objects := []object{
		serviceAccount(e, controllerAccount, "controller"),
		serviceAccount(e, serverAccount, "server"),
	}
	if !clusterWide {
		return append(objects,
			role(e, ns, "argo-role", "controller", append(controllerInstallRules(), controllerRules(false)...)),
			binding(e, ns, "argo-binding", "controller", "argo-role", controllerAccount),
			role(e, ns, "argo-server-role", "server", serverRules(e, false)),
			binding(e, ns, "argo-server-binding", "server", "argo-server-role", serverAccount),
		)
	}
	objects = append(objects,
		role(e, ns, "argo-role", "controller", controllerInstallRules()),
		binding(e, ns, "argo-binding", "controller", "argo-role", controllerAccount),
		role(e, "", "argo-cluster-role", "controller", controllerRules(true)),
		binding(e, "", "argo-binding", "controller", "argo-cluster-role", controllerAccount),
		role(e, "", "argo-server-cluster-role", "server", serverRules(e, true)),
		binding(e, "", "argo-server-binding", "server", "argo-server-cluster-role", serverAccount),
	)
	return append(objects, aggregateRoles(e)...)
}

// rule is one rule of a role; resources and verbs are separated by spaces.
func rule(group, resources, verbs string, names ...string) m {
	return m{
		{"apiGroups", list{group}},
		{"resources", strs(strings.Fields(resources))},
		{"verbs", strs(strings.Fields(verbs))},
		{"resourceNames", strs(names)},
	}
}

// controllerInstallRules are needed in the controller's own namespace only:
// the lease it leads by, and the Secrets its configuration names.
func controllerInstallRules() list {
	return list{
		rule("coordination.k8s.io", "leases", "create get update"),
		rule("", "secrets", "get"),
	}
}

func controllerRules(clusterWide bool) list {
	namespaces, templates := "", ""
	if clusterWide {
		namespaces = " namespaces"
		templates = " clusterworkflowtemplates clusterworkflowtemplates/finalizers"
	}
	rules := list{
		rule("", "pods pods/exec", "create get list watch update patch delete"),
		rule("", "configmaps"+namespaces, "get watch list"),
		rule("", "persistentvolumeclaims persistentvolumeclaims/finalizers", "create update delete get"),
		rule("argoproj.io", "workflows workflows/finalizers workflowtasksets workflowtasksets/finalizers workflowartifactgctasks",
			"get list watch update patch delete create"),
		rule("argoproj.io", "workflowtemplates workflowtemplates/finalizers"+templates, "get list watch"),
		rule("argoproj.io", "workflowtaskresults", "list watch deletecollection"),
		rule("", "serviceaccounts", "get list"),
		rule("argoproj.io", "cronworkflows cronworkflows/finalizers", "get list watch update patch delete"),
		rule("", "events", "create patch"),
		rule("policy", "poddisruptionbudgets", "create get delete"),
	}
	if clusterWide {
		// Of the Secrets of other namespaces only the CA that the agent of http templates trusts.
		rules = append(rules, rule("", "secrets", "get", "argo-workflows-agent-ca-certificates"))
	}
	return rules
}

// onlyClients reports whether every call to the server comes with a token of
// the cluster.
func onlyClients(e *spec.Effective) bool {
	return len(e.Workflows.Server.AuthModes) == 1 && e.Workflows.Server.AuthModes[0] == "client"
}

// clientServerRules are what the server does in its own name where every call
// is made in the caller's (server/auth/gatekeeper.go getClients):
//
//   - it reads its configuration, and the artifact repository of the namespace
//     of a run (workflow/artifactrepositories);
//   - it keeps workflows and templates at hand (server/apiserver/argoserver.go
//     Run), and asks for the templates of the cluster only if it may get, list
//     and watch them (util/rbac);
//   - it writes down events that could not be dispatched (server/event).
//
// The official rules beyond these are for those who log in without a token of
// their own. Receivers of webhooks are the exception: the server looks up their
// Secrets (server/auth/webhook), of any namespace, so whoever has one grants it.
func clientServerRules(clusterWide bool) list {
	cached := "workflows workflowtemplates"
	if clusterWide {
		cached += " clusterworkflowtemplates"
	}
	return list{
		rule("", "configmaps", "get"),
		rule("", "events", "create patch"),
		rule("argoproj.io", cached, "get list watch"),
	}
}

// archiveReader lets a server without other rights to Secrets log in to the
// archive. The official rules hold it already.
func archiveReader(e *spec.Effective) []object {
	names := databaseSecrets(controllerPersistence(e))
	if !onlyClients(e) || len(names) == 0 {
		return nil
	}
	ns, name := e.Workflows.Namespace, "argo-server-archive"
	out := []object{
		role(e, ns, name, "server", list{rule("", "secrets", "get", names...)}),
		binding(e, ns, name, "server", name, serverAccount),
	}
	for i := range out {
		out[i].from = "archive"
	}
	return out
}

func serverRules(e *spec.Effective, clusterWide bool) list {
	if onlyClients(e) {
		return clientServerRules(clusterWide)
	}
	kinds := "eventsources sensors workflows workfloweventbindings workflowtemplates cronworkflows"
	if clusterWide {
		kinds += " clusterworkflowtemplates"
	} else {
		kinds += " cronworkflows/finalizers"
	}
	return list{
		rule("", "configmaps", "get watch list"),
		rule("", "secrets", "get create"),
		rule("", "pods pods/exec pods/log", "get list watch delete"),
		rule("", "events", "watch create patch"),
		rule("", "serviceaccounts", "get list watch"),
		rule("argoproj.io", kinds, "create get list watch update patch delete"),
	}
}

// aggregateRoles extend the roles view, edit and admin of Kubernetes to the
// kinds of Argo Workflows.
func aggregateRoles(e *spec.Effective) []object {
	kinds := "workflows workflows/finalizers workfloweventbindings workfloweventbindings/finalizers " +
		"workflowtemplates workflowtemplates/finalizers cronworkflows cronworkflows/finalizers " +
		"clusterworkflowtemplates clusterworkflowtemplates/finalizers workflowtaskresults workflowtaskresults/finalizers"
	change := "create delete deletecollection get list patch update watch"
	var out []object
	for _, a := range []struct{ to, kinds, verbs string }{
		{"view", kinds, "get list watch"},
		{"edit", kinds, change},
		{"admin", kinds + " workflowtasksets workflowtasksets/finalizers", change},
	} {
		o := role(e, "", "argo-aggregate-to-"+a.to, "rbac", list{rule("argoproj.io", a.kinds, a.verbs)})
		o.doc[2].v = m{
			{"name", "argo-aggregate-to-" + a.to},
			{"labels", append(labels("argo-workflows", "argo-aggregate-to-"+a.to, "rbac"),
				kv{"rbac.authorization.k8s.io/aggregate-to-" + a.to, "true"})},
		}
		out = append(out, o)
	}
	return out
}

func serviceAccount(e *spec.Effective, name, component string) object {
	return object{from: "workflows", doc: m{
		{"apiVersion", "v1"},
		{"kind", "ServiceAccount"},
		{"metadata", metadata(e, e.Workflows.Namespace, name, component)},
	}}
}

// role is a Role, or a ClusterRole where there is no namespace.
func role(e *spec.Effective, namespace, name, component string, rules list) object {
	kind := "Role"
	if namespace == "" {
		kind = "ClusterRole"
	}
	return object{from: "workflows.scope", doc: m{
		{"apiVersion", rbacAPI},
		{"kind", kind},
		{"metadata", metadata(e, namespace, name, component)},
		{"rules", rules},
	}}
}

// binding gives a role of the same scope to ServiceAccounts of the install's
// namespace.
func binding(e *spec.Effective, namespace, name, component, role string, accounts ...string) object {
	kind := "Role"
	if namespace == "" {
		kind = "ClusterRole"
	}
	var subjects list
	for _, account := range accounts {
		subjects = append(subjects, m{
			{"kind", "ServiceAccount"},
			{"name", account},
			{"namespace", e.Workflows.Namespace},
		})
	}
	return object{from: "workflows.scope", doc: m{
		{"apiVersion", rbacAPI},
		{"kind", kind + "Binding"},
		{"metadata", metadata(e, namespace, name, component)},
		{"roleRef", m{{"apiGroup", rbacGroup}, {"kind", kind}, {"name", role}}},
		{"subjects", subjects},
	}}
}
