package spec

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/diag"
)

// PlatformProject is the AppProject of what the platform's own team delivers.
const PlatformProject = "platform"

// delivers reports whether Strake renders Applications here.
func (x *examiner) delivers() bool { return x.e.ArgoCD != nil && x.e.ArgoCD.Install != "none" }

// argocd checks that Argo CD can be logged in to, and that what it needs of
// others is there.
func (x *examiner) argocd() {
	x.delivery()
	if !x.delivers() {
		return
	}
	cd := x.e.ArgoCD
	if reservedNamespace(cd.Namespace) {
		x.report(ruleNamespace, "argocd.namespace", fmt.Sprintf("namespace %s is reserved", cd.Namespace), "Kubernetes and GKE keep it for themselves. Write another, such as argocd.")
	}
	if x.runs() && cd.Namespace == x.e.Workflows.Namespace && x.settled("workflows.namespace") {
		x.report(ruleNamespace, "argocd.namespace", fmt.Sprintf("namespace %s is the one of Argo Workflows", cd.Namespace), "Its NetworkPolicies would cut Argo CD off, and whoever reads the Secrets of one reads those of the other. Write another, such as argocd.")
	}
	x.access(cd)
	x.vendored(cd)
	x.tenantKinds(cd)
	x.applications()
	x.argocdConfig(cd)
	x.argocdLogin(cd)
	x.repositoryCredentials(cd)
	x.exposure(cd)
	x.subscriptions(cd)
}

// delivery checks that whoever looks at an environment that does not follow
// its branch finds out why.
func (x *examiner) delivery() {
	d := x.e.Delivery
	if d.Sync == "manual" && d.Reason == "" && len(d.Approvers) == 0 && x.settled("delivery") {
		x.report(ruleRequired, "delivery.sync", "sync is manual and nothing says why", "Write reason, or name the approvers who press Sync.")
	}
	if d.Sync == "auto" && d.Reason != "" && x.settled("delivery.sync") {
		x.add(diag.Warning, ruleExclusive, "delivery.reason", "a reason is given and sync is auto", "Write sync: manual, or remove the reason.")
	}
}

// access checks that somebody can log in: an administrator who is turned off
// before anybody else can administrate locks everybody out.
func (x *examiner) access(cd *ArgoCD) {
	if !x.settled("argocd.admin") || !x.settled("argocd.sso") || !x.settled("argocd.rbac.groups") || !x.settled("argocd.url") {
		return
	}
	if cd.URL == "" {
		for _, need := range []struct {
			set        bool
			path, what string
		}{
			{cd.SSO != nil, "argocd.sso", "the login sends people back to it"},
			{cd.Exposure != nil, "argocd.exposure", "the Ingress is for its host"},
			{cd.Notifications != nil, "argocd.notifications", "messages link to it"},
		} {
			if need.set {
				x.report(ruleRequired, need.path, "argocd.url is missing", "Write url: https://argocd.example.com, because "+need.what+".")
				break
			}
		}
	}
	if cd.Admin {
		return
	}
	administrators := false
	for _, roles := range cd.RBAC.Groups {
		administrators = administrators || slices.Contains(roles, "role:admin")
	}
	switch {
	case cd.SSO == nil:
		x.report(ruleAccess, "argocd.admin", "the administrator is off and there is no other login", "Set argocd.sso, or leave admin on.")
	case !administrators:
		x.report(ruleAccess, "argocd.admin", "the administrator is off and no group has role:admin", "Write rbac: {groups: {my-admins: [role:admin]}}, or leave admin on.")
	}
}

// vendored checks what only matters when Strake patches the official manifests.
func (x *examiner) vendored(cd *ArgoCD) {
	if cd.Install != "vendored" && x.settled("argocd.install") {
		for _, field := range []struct {
			set  bool
			path string
		}{
			{cd.Pool != "", "argocd.pool"},
			{len(cd.Resources) > 0, "argocd.resources"},
			{cd.Banner != nil && cd.Banner.Color != "", "argocd.banner.color"},
		} {
			if field.set {
				x.add(diag.Warning, ruleExclusive, field.path, strings.TrimPrefix(field.path, "argocd.")+" is set and install is "+cd.Install, "Whoever installs Argo CD owns its pods. Write install: vendored, or remove the field.")
			}
		}
		return
	}
	if cd.Pool == "" || !x.settled("argocd.pool") || x.autopilot() {
		return
	}
	pool, known := x.e.Pool(cd.Pool)
	switch {
	case !known:
		x.report(rulePool, "argocd.pool", fmt.Sprintf("node pool %q is not declared", cd.Pool), "Declared: "+strings.Join(poolNames(x.e), ", ")+".")
	case pool.Spot:
		x.report(rulePool, "argocd.pool", fmt.Sprintf("pool %s is a Spot pool", cd.Pool), "When its nodes go, nothing is delivered until others come. Name an on-demand pool.")
	case len(pool.NodeLabels()) == 0:
		x.report(rulePool, "argocd.pool", fmt.Sprintf("pool %s has no label of its own", cd.Pool), "By its name alone it could not be replaced: Argo CD would wait for a pool that is gone. Write dedicated: "+cd.Pool+" in the pool.")
	}
}

func poolNames(e *Effective) []string {
	names := make([]string, len(e.Cluster.NodePools))
	for i, p := range e.Cluster.NodePools {
		names[i] = p.Name
	}
	return names
}

// assertions checks that they are about a project and a group that exist
// somewhere: one that is about nothing would always hold. A tenant that lives in
// another environment only is meant, too: here nobody may do anything with it.
func (l *loader) assertions() {
	projects, groups := []string{PlatformProject}, []string{}
	for _, x := range l.examined {
		if x.e.ArgoCD != nil {
			groups = append(groups, sortedKeys(x.e.ArgoCD.RBAC.Groups)...)
		}
		for _, t := range x.e.Tenants {
			projects = append(projects, t.Name)
			if t.Group != "" {
				groups = append(groups, t.Group)
			}
		}
	}
	for _, x := range l.examined {
		if x.e.ArgoCD == nil || x.e.ArgoCD.Install == "none" {
			continue
		}
		before := len(x.found)
		for i, a := range x.e.ArgoCD.RBAC.Assertions {
			at := fmt.Sprintf("argocd.rbac.assertions[%d]", i)
			x.declared(at+".project", "project", a.Project, projects)
			x.declared(at+".group", "group", a.Group, groups)
		}
		l.found = append(l.found, x.found[before:].In(x.e.Environment)...)
	}
}

func (x *examiner) declared(path, what, name string, known []string) {
	if name == "" || slices.Contains(known, name) {
		return
	}
	detail := "Declared: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ") + "."
	if guess := diag.DidYouMean(name, known); guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	x.report(ruleReference, path, fmt.Sprintf("%s %q is not declared", what, name), detail)
}
