package render

import (
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
)

const (
	rbacAPI     = "rbac.authorization.k8s.io/v1"
	rbacGroup   = "rbac.authorization.k8s.io"
	memberName  = "tenant-member"
	loginName   = "tenant-login"
	tokenType   = "kubernetes.io/service-account-token"
	executeRole = "workflow-executor"
	// guardrailsBaseName is the base that the guardrails of all tenants lie on.
	guardrailsBaseName = "tenant-guardrails"
)

// guardrails is the app that bounds a tenant: its namespace, limits, network,
// identities and rights. It belongs to the platform, and the tenant's own app
// holds none of its kinds.
//
// What is the same for all tenants is a base that they share. The overlay adds
// what the tenant or the environment decides.
func guardrails(e *spec.Effective, t *spec.Tenant) app {
	objects := []object{namespace(e, t)}
	objects = append(objects, quota(t)...)
	objects = append(objects, environmentPolicies(e, t)...)
	objects = append(objects, members(e, t)...)
	objects = append(objects, login(e, t)...)
	if runsWorkflows(e) {
		if repository, ok := artifactRepositories(e, t.Namespace); ok {
			objects = append(objects, repository)
		}
		if keys, ok := artifactSecret(e, t.Namespace); ok {
			objects = append(objects, keys)
		}
	}
	objects = append(objects, secretStore(e, t.Namespace, secretStoreServiceAccount, tenantPath(t))...)
	return app{
		name:        t.Name + "-guardrails",
		base:        guardrailsBaseName,
		baseVersion: "v1",
		baseObjects: guardrailsBase(e, t),
		namespace:   t.Namespace,
		objects:     ownedBy(t, objects),
		patches:     identity(t),
		from:        tenantPath(t),
	}
}

// guardrailsBase is alike for every tenant whose pods run under a
// ServiceAccount of the same name. Its objects have no namespace: the overlay's
// namespace: gives it, and the binding's subject follows because the
// ServiceAccount stands beside it.
func guardrailsBase(e *spec.Effective, t *spec.Tenant) []object {
	objects := []object{containerDefaults(), runner(t)}
	objects = append(objects, basePolicies()...)
	if runsWorkflows(e) {
		objects = append(objects, executor(t)...)
	}
	for i := range objects {
		objects[i].from = "tenants"
	}
	return objects
}

// baseMetadata names an object of the base, which knows neither tenant nor
// namespace.
func baseMetadata(name, component string) m {
	return m{{"name", name}, {"labels", labels("", name, component)}}
}

// containerDefaults lets pods that say nothing about resources pass the quota,
// which else refuses them. CPU has no default limit: it would slow down without
// need what could use an idle node.
func containerDefaults() object {
	return object{doc: m{
		{"apiVersion", "v1"},
		{"kind", "LimitRange"},
		{"metadata", baseMetadata("container-defaults", "limits")},
		{"spec", m{{"limits", list{m{
			{"type", "Container"},
			{"defaultRequest", m{{"cpu", "100m"}, {"memory", "256Mi"}}},
			{"default", m{{"memory", "1Gi"}}},
		}}}}},
	}}
}

// runner is the ServiceAccount of workflow pods.
func runner(t *spec.Tenant) object {
	return object{doc: m{
		{"apiVersion", "v1"},
		{"kind", "ServiceAccount"},
		{"metadata", baseMetadata(t.ServiceAccount.Name, "identity")},
	}}
}

// executor lets the pods of a workflow report their results, and nothing else:
// the controller reads them, the kubelet reads Secrets, and nobody patches pods
// (docs/workflow-rbac.md of Argo Workflows).
func executor(t *spec.Tenant) []object {
	return []object{
		{doc: m{
			{"apiVersion", rbacAPI},
			{"kind", "Role"},
			{"metadata", baseMetadata(executeRole, "rbac")},
			{"rules", list{rule("argoproj.io", "workflowtaskresults", "create patch")}},
		}},
		{doc: m{
			{"apiVersion", rbacAPI},
			{"kind", "RoleBinding"},
			{"metadata", baseMetadata(executeRole, "rbac")},
			{"roleRef", m{{"apiGroup", rbacGroup}, {"kind", "Role"}, {"name", executeRole}}},
			{"subjects", list{m{{"kind", "ServiceAccount"}, {"name", t.ServiceAccount.Name}}}},
		}},
	}
}

// identity links the runner to a Google service account. Without the annotation
// IAM names the ServiceAccount itself.
func identity(t *spec.Tenant) []patch {
	email := t.ServiceAccount.GoogleServiceAccount
	if email == "" {
		return nil
	}
	from := tenantPath(t) + ".serviceAccount.googleServiceAccount"
	return []patch{{
		file: t.ServiceAccount.Name + ".serviceaccount.yaml",
		from: from,
		doc: m{
			{"apiVersion", "v1"},
			{"kind", "ServiceAccount"},
			{"metadata", m{
				{"name", t.ServiceAccount.Name},
				{"annotations", m{{"iam.gke.io/gcp-service-account", at(from, email)}}},
			}},
		},
	}}
}

// namespace carries the Pod Security Standard. The version is the cluster's, so
// that an upgrade of the cluster does not change what is admitted.
func namespace(e *spec.Effective, t *spec.Tenant) object {
	version := "latest"
	if e.Cluster.Version != "" {
		version = "v" + strings.TrimPrefix(e.Cluster.Version, "v")
	}
	marks := slices.Concat(
		labels(t.Name, t.Namespace, "namespace"),
		podSecurityLabels("", "restricted"),
		podSecurityLabels("-version", at("cluster.version", version)),
	)
	return object{from: tenantPath(t) + ".namespace", doc: m{
		{"apiVersion", "v1"},
		{"kind", "Namespace"},
		{"metadata", m{
			{"name", at(tenantPath(t)+".namespace", t.Namespace)},
			{"labels", marks},
		}},
	}}
}

// quota bounds the namespace. In the words of the spec, cpu is requested CPU,
// since unused CPU is nobody's, and memory bounds both requests and limits,
// since memory that was promised twice ends in an eviction.
func quota(t *spec.Tenant) []object {
	hard := map[string]any{}
	from := tenantPath(t) + ".quota"
	short := map[string][]string{
		"cpu":               {"requests.cpu"},
		"memory":            {"requests.memory", "limits.memory"},
		"ephemeral-storage": {"requests.ephemeral-storage"},
		"storage":           {"requests.storage"},
		"nvidia.com/gpu":    {"requests.nvidia.com/gpu"},
	}
	for name, quantity := range t.Quota {
		for _, full := range short[name] {
			if _, own := t.Quota[full]; !own {
				hard[full] = at(from+"."+name, quantity)
			}
		}
		if short[name] == nil {
			hard[name] = at(from+"."+name, quantity)
		}
	}
	if len(hard) == 0 {
		return nil
	}
	return []object{{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "ResourceQuota"},
		{"metadata", tenantMetadata(t, "tenant-quota", "limits")},
		{"spec", m{{"hard", sorted(hard)}}},
	}}}
}

// members gives the team's group what it needs to run workflows, and to read
// what they and the services do. There are no Secrets, no exec, and nothing that Git owns can be
// changed. Whoever may create a Workflow can run as any ServiceAccount of the
// namespace, so no powerful one may ever stand there.
func members(e *spec.Effective, t *spec.Tenant) []object {
	if t.Group == "" {
		return nil
	}
	pods := "get list watch"
	var rules list
	if runsWorkflows(e) {
		rules = append(rules,
			rule("argoproj.io", "workflows", "create delete get list patch update watch"),
			rule("argoproj.io", "cronworkflows workflowtemplates", "get list watch"),
		)
		// To retry a workflow is to delete its failed pods, in the caller's name
		// (server/workflow/workflow_server.go RetryWorkflow).
		pods = "delete get list watch"
	}
	rules = append(rules,
		rule("", "pods", pods),
		rule("", "pods/log", "get"),
		rule("", "events", "get list watch"),
	)
	if len(t.Services) > 0 {
		rules = append(rules,
			rule("", "services", "get list watch"),
			rule("apps", "deployments replicasets", "get list watch"),
		)
	}
	from := tenantPath(t) + ".group"
	subjects := list{at(from, m{{"apiGroup", rbacGroup}, {"kind", "Group"}, {"name", t.Group}})}
	if logsIn(e, t) {
		subjects = append(subjects, m{{"kind", "ServiceAccount"}, {"name", loginName}, {"namespace", t.Namespace}})
	}
	return []object{
		{from: from, doc: m{
			{"apiVersion", rbacAPI},
			{"kind", "Role"},
			{"metadata", tenantMetadata(t, memberName, "rbac")},
			{"rules", rules},
		}},
		{from: from, doc: m{
			{"apiVersion", rbacAPI},
			{"kind", "RoleBinding"},
			{"metadata", tenantMetadata(t, memberName, "rbac")},
			{"roleRef", m{{"apiGroup", rbacGroup}, {"kind", "Role"}, {"name", memberName}}},
			{"subjects", subjects},
		}},
	}
}

// logsIn reports whether members come to the UI by single sign-on and act as a
// ServiceAccount of their namespace.
func logsIn(e *spec.Effective, t *spec.Tenant) bool {
	return t.Group != "" && runsWorkflows(e) && e.Workflows.Server.SSO != nil && e.Workflows.Server.SSO.RBAC &&
		slices.Contains(e.Workflows.Server.AuthModes, "sso")
}

// login is the ServiceAccount that a member acts as.
func login(e *spec.Effective, t *spec.Tenant) []object {
	if !logsIn(e, t) {
		return nil
	}
	account := tenantMetadata(t, loginName, "identity")
	account = append(account, kv{"annotations", m{
		{"workflows.argoproj.io/rbac-rule", at(tenantPath(t)+".group", strconv.Quote(t.Group)+" in groups")},
		// Higher than that of an account in the server's own namespace, which the
		// server would else prefer.
		{"workflows.argoproj.io/rbac-rule-precedence", "10"},
	}})
	return []object{
		{from: "workflows.server.sso.rbac", doc: m{
			{"apiVersion", "v1"},
			{"kind", "ServiceAccount"},
			{"metadata", account},
			{"automountServiceAccountToken", false},
		}},
		accountToken("workflows.server.sso.rbac", loginName, func(name string) m { return tenantMetadata(t, name, "identity") }),
	}
}
