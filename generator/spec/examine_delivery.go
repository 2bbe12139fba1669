package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Names that Argo CD's objects have beside those of overlays and tenants.
const (
	// RootApplication delivers the Applications, itself among them.
	RootApplication = "root"
	// DefaultProject is made by Argo CD itself. It is locked.
	DefaultProject = "default"
)

// maxApplicationName is what fits into the label that Argo CD before 3.0 marks
// its objects with.
const maxApplicationName = 63

// boundaries are the kinds that bound a tenant or reach beyond its namespace: a
// project that lets them in is no boundary.
func boundaries() []string {
	return []string{
		"LimitRange", "Namespace", "Node", "PersistentVolume", "ResourceQuota", "Secret",
		"argoproj.io/AppProject", "argoproj.io/Application", "argoproj.io/ApplicationSet", "argoproj.io/ClusterWorkflowTemplate",
		"admissionregistration.k8s.io/MutatingWebhookConfiguration", "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
		"apiextensions.k8s.io/CustomResourceDefinition",
		"external-secrets.io/ClusterExternalSecret", "external-secrets.io/ClusterSecretStore", "external-secrets.io/SecretStore",
		"networking.k8s.io/NetworkPolicy", "scheduling.k8s.io/PriorityClass", "storage.k8s.io/StorageClass",
		"rbac.authorization.k8s.io/ClusterRole", "rbac.authorization.k8s.io/ClusterRoleBinding",
		"rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/RoleBinding",
	}
}

// tenantKinds keeps the tenants' projects closed.
func (x *examiner) tenantKinds(cd *ArgoCD) {
	for i, kind := range cd.TenantKinds {
		if slices.Contains(boundaries(), kind) {
			x.report(ruleExclusive, fmt.Sprintf("argocd.tenantKinds[%d]", i), kind+" is not for tenants",
				"It bounds them, or reaches beyond their namespace. Put it into custom/ of the tenant's guardrails.")
		}
	}
}

// applications checks that each Application and project has a name of its own,
// and follows something.
func (x *examiner) applications() {
	taken := map[string]string{RootApplication: "the platform", "argocd": "the platform", "argocd-crds": "the platform"}
	if x.runs() {
		taken["argo-workflows"], taken["argo-workflows-crds"] = "the platform", "the platform"
	}
	for _, t := range x.e.Tenants {
		at := "tenants[" + t.Name + "]"
		if t.Name == PlatformProject || t.Name == DefaultProject || t.Name == RootApplication {
			x.report(ruleCollision, at+".name", fmt.Sprintf("tenant %s would have a name that Argo CD's objects have", t.Name),
				"Each tenant has a project and an Application of its name. Taken: "+strings.Join([]string{DefaultProject, PlatformProject, RootApplication}, ", ")+".")
		}
		taken[t.Name], taken[t.Name+"-guardrails"] = "tenant "+t.Name, "tenant "+t.Name
	}
	for _, t := range x.e.Tenants {
		for _, a := range t.Apps {
			at, name := "tenants["+t.Name+"].apps["+a.Name+"]", t.Name+"-"+a.Name
			switch owner := taken[name]; {
			case owner != "":
				x.report(ruleCollision, at+".name", fmt.Sprintf("app %s of tenant %s needs the Application %s, which is taken", a.Name, t.Name, name), "It is of "+owner+". Give the app another name.")
			case len(name) > maxApplicationName:
				x.report(ruleName, at+".name", fmt.Sprintf("the Application %s has %d characters", name, len(name)), fmt.Sprintf("At most %d fit into a label. Give the app a shorter name.", maxApplicationName))
			}
			taken[name] = "tenant " + t.Name
			if a.Repository != "" && len(a.Revision) == 0 && x.settled(at+".revision") {
				x.report(ruleRequired, at+".revision", fmt.Sprintf("app %s has a repository and no revision", a.Name),
					fmt.Sprintf("Write revision: {%s: v1.0.0}. Without one every push to its main branch reaches the cluster.", x.e.Stage))
			}
		}
	}
}
