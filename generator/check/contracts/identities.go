package contracts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// annotationAccount links a ServiceAccount to a Google service account.
// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#kubernetes-sa-to-iam
const annotationAccount = "iam.gke.io/gcp-service-account"

const roleWorkloadIdentity = "roles/iam.workloadIdentityUser"

// serviceAccount is a ServiceAccount that the environment renders.
type serviceAccount struct {
	workload
	o *manifest.Object
}

func (s serviceAccount) annotationPath() manifest.Path {
	return s.o.At("metadata", "annotations", annotationAccount)
}

// place is where the ServiceAccount gets its name.
func (s serviceAccount) place() diag.Range {
	at, _ := s.o.Locate(s.o.At("metadata", "name"))
	return at
}

func (r *run) serviceAccounts() []serviceAccount {
	var out []serviceAccount
	for _, o := range r.objects {
		if o.Kind == "ServiceAccount" && o.Group() == "" {
			email := stringAt(o.Fields, "metadata", "annotations", annotationAccount)
			out = append(out, serviceAccount{workload{o.Namespace, o.Name, email}, o})
		}
	}
	return out
}

// workload is a ServiceAccount as it is rendered, or without a link where
// nothing here renders it.
func (r *run) workload(namespace, name string) (workload, *serviceAccount) {
	for _, s := range r.serviceAccounts() {
		if s.namespace == namespace && s.name == name {
			return s.workload, &s
		}
	}
	return workload{namespace: namespace, name: name}, nil
}

// identities: each linked ServiceAccount has its binding, each binding its
// ServiceAccount, and both the pool of their cluster.
func (r *run) identities() {
	accounts := r.serviceAccounts()
	for _, s := range accounts {
		if s.email != "" {
			r.link(s)
		}
	}
	for _, g := range r.grants {
		switch g.member.kind {
		case brokenMember:
			r.find("workload-identity-member", diag.Error, g.Resource, g.at.Range, "member",
				fmt.Sprintf("%s names nobody: %s", g.Address, g.member.problem), "IAM takes the member as it is written, or refuses it; no pod ever gets the role.")
		case workloadMember, directMember, namespaceGroup, poolGroup:
			if r.poolOf(g) && g.member.kind != poolGroup && !r.alone() {
				r.named(g, accounts)
			}
		}
	}
}

// alone reports whether the manifests are not all there are: what they lack is
// then not missing.
func (r *run) alone() bool { return r.in.Partial || len(r.objects) == 0 }

// link: a ServiceAccount with the annotation may act as the account only when
// the account says so.
func (r *run) link(s serviceAccount) {
	a := r.account(s.email)
	if a == nil {
		r.foreignAccount(s)
		return
	}
	var bound, near *grant
	for _, g := range r.given("account", roleWorkloadIdentity) {
		if text(g.target).is(s.email) {
			bound = g // how the account is named is wrong, and is said there
			break
		}
		if !names(g.target, a.Resource, "projects/"+hole+"/serviceAccounts/"+a.email) {
			continue
		}
		near = g
		if r.admits(g.member, s.workload) {
			bound = g
			break
		}
		if r.dangling(g) {
			bound = g // what is wrong is the member, and is said there
			break
		}
	}
	if bound != nil {
		return
	}
	if !r.complete() {
		r.undecided("the binding of " + a.Address)
		return
	}
	other := related(a.Range, "the account")
	if near != nil {
		other = related(line(near.Resource, near.at), "who may act as the account")
	}
	r.finding("workload-identity-unbound", diag.Error, s.o, s.annotationPath(),
		fmt.Sprintf("%s is linked to %s, which does not let it in", s.workload, s.email),
		fmt.Sprintf("Give serviceAccount:%s.svc.id.goog[%s] %s on %s.", r.poolProject(), s.workload, roleWorkloadIdentity, a.Address), other)
}

// admits: the member of a binding stands for the ServiceAccount itself.
func (r *run) admits(m member, s workload) bool {
	if m.kind == workloadMember {
		return m.namespace.may(s.namespace) && m.name.may(s.name)
	}
	return m.is(workload{namespace: s.namespace, name: s.name})
}

// foreignAccount: the account is none of the roots'. Where it should be one, it
// is missing; those of other projects are not ours to know.
func (r *run) foreignAccount(s serviceAccount) {
	id, rest, _ := strings.Cut(s.email, "@")
	project, isAccount := strings.CutSuffix(rest, ".iam.gserviceaccount.com")
	if !isAccount {
		r.finding("workload-identity-account", diag.Error, s.o, s.annotationPath(),
			fmt.Sprintf("%q is no e-mail of a Google service account", s.email),
			"Write NAME@PROJECT.iam.gserviceaccount.com.", r.clusterSide()...)
		return
	}
	if len(r.accounts) == 0 || !slices.ContainsFunc(r.projects(), func(p pattern) bool { return p.is(project) }) || r.referred("google_service_account", "account_id", id) {
		return
	}
	if !r.complete() {
		r.undecided("the account " + s.email)
		return
	}
	emails := make([]string, len(r.accounts))
	for i, a := range r.accounts {
		emails[i] = string(a.email)
	}
	detail, near := "Make it with a google_service_account, or refer to it with a data source.", r.accounts[closest(s.email, emails)]
	if mean := diag.DidYouMean(s.email, emails); mean != "" {
		detail = fmt.Sprintf("Did you mean %s? ", mean) + detail
	}
	r.finding("workload-identity-account", diag.Error, s.o, s.annotationPath(),
		fmt.Sprintf("no Terraform makes the account %s, which %s is linked to", s.email, s.workload), detail,
		related(near.Range, "an account of the environment"))
}

// referred reports whether a data source refers to something that exists
// already.
func (r *run) referred(kind, argument, value string) bool {
	for _, t := range r.roots {
		for _, data := range t.Data {
			if data.Type == kind && text(data.Get(argument)).may(value) {
				return true
			}
		}
	}
	return false
}

// projects are those that the environment has things in.
func (r *run) projects() []pattern {
	var out []pattern
	for _, c := range r.clusters_ {
		out = append(out, c.project, c.poolProject())
	}
	for _, a := range r.accounts {
		out = append(out, a.root.project(a.Resource))
	}
	return out
}

// poolProject is the project of the environment's workload identity pool.
func (r *run) poolProject() pattern {
	for _, c := range r.clusters_ {
		if p := c.poolProject(); p != "" {
			return p
		}
	}
	return hole
}

func (r *run) clusterSide() []diag.Related {
	for _, c := range r.clusters_ {
		return []diag.Related{related(line(c.Resource, c.Get("workload_identity_config.workload_pool")), "the cluster's pool of identities")}
	}
	return nil
}

// poolOf: a member is in the pool of the environment's cluster. It returns
// false where that is not so, since nothing else can then be said of it.
func (r *run) poolOf(g *grant) bool {
	if len(r.clusters_) == 0 {
		return true
	}
	for _, c := range r.clusters_ {
		if p := c.poolProject(); p != "" && p.meets(g.member.project) {
			return true
		}
	}
	c := r.clusters_[0]
	pool := c.poolProject()
	summary := fmt.Sprintf("%s names the pool %s.svc.id.goog, and the cluster's is %s.svc.id.goog", g.Address, g.member.project, pool)
	if pool == "" {
		if r.said["no pool"] {
			return false
		}
		r.said["no pool"] = true
		summary = fmt.Sprintf("%s names the pool %s.svc.id.goog, and the cluster has no Workload Identity", g.Address, g.member.project)
	}
	r.find("workload-identity-pool", diag.Error, g.Resource, g.at.Range, "member", summary,
		"The pool is that of the cluster's project, whatever project the account or the bucket is in.",
		related(line(c.Resource, c.Get("workload_identity_config.workload_pool")), "the cluster's pool"))
	return false
}

// dangling reports whether a member names a ServiceAccount that is certainly
// not there.
func (r *run) dangling(g *grant) bool {
	m := g.member
	if m.kind != workloadMember && m.kind != directMember || !m.namespace.known() || !m.name.known() || r.alone() {
		return m.kind == workloadMember && !r.samePool(m) || m.kind == brokenMember
	}
	if !r.samePool(m) {
		return true
	}
	if m.name.is("default") || r.external(string(m.namespace), string(m.name)) {
		return false
	}
	_, s := r.workload(string(m.namespace), string(m.name))
	return s == nil
}

func (r *run) samePool(m member) bool {
	return len(r.clusters_) == 0 || slices.ContainsFunc(r.clusters_, func(c *cluster) bool {
		p := c.poolProject()
		return p != "" && p.meets(m.project)
	})
}

// external reports whether a ServiceAccount is made by a Helm release that the
// spec names.
func (r *run) external(namespace, name string) bool {
	workflows := mapAt(r.in.Spec, "workflows")
	if workflows["install"] != "external" || namespace != cmp.Or(stringAt(workflows, "namespace"), "argo") {
		return false
	}
	helm := mapAt(workflows, "helm")
	return name == cmp.Or(stringAt(helm, "controllerServiceAccount"), "argo-workflows-workflow-controller") ||
		name == cmp.Or(stringAt(helm, "serverServiceAccount"), "argo-workflows-server")
}

// named: whom a member names is rendered, and knows of it.
func (r *run) named(g *grant, accounts []serviceAccount) {
	m := g.member
	if !m.namespace.known() || !m.name.known() {
		r.unknown(g.Resource, "member", g.at)
		return
	}
	namespace, name := string(m.namespace), string(m.name)
	if m.kind == namespaceGroup {
		if !r.rendersNamespace(namespace) {
			r.nobody(g, accounts, "the namespace "+namespace, namespace, "")
		}
		return
	}
	if m.name.is("default") || r.external(namespace, name) {
		return
	}
	_, s := r.workload(namespace, name)
	if s == nil {
		r.nobody(g, accounts, "the ServiceAccount "+namespace+"/"+name, namespace, name)
		return
	}
	if m.kind == workloadMember && g.role.may(roleWorkloadIdentity) {
		r.linkedBack(g, s)
	}
}

// linkedBack: without the annotation the pods never act as the account. A
// ServiceAccount that is linked to another account is judged there.
func (r *run) linkedBack(g *grant, s *serviceAccount) {
	for _, a := range r.accounts {
		if s.email != "" || !names(g.target, a.Resource, "projects/"+hole+"/serviceAccounts/"+a.email) {
			continue
		}
		stranger := func(other serviceAccount) bool { return a.email.is(other.email) && !r.bound(other.workload) }
		if slices.ContainsFunc(r.serviceAccounts(), stranger) {
			return // one that is linked is not let in: that one was meant
		}
		r.finding("workload-identity-unlinked", diag.Error, s.o, s.o.At("metadata", "name"),
			fmt.Sprintf("%s may act as %s and is not linked to it", s.workload, a.email),
			fmt.Sprintf("Annotate it with %s: %s. Without it the pods act as nobody.", annotationAccount, a.email),
			related(line(g.Resource, g.at), "who may act as the account"))
		return
	}
}

// rendersNamespace reports whether anything here stands in a namespace.
func (r *run) rendersNamespace(namespace string) bool {
	return slices.ContainsFunc(r.objects, func(o *manifest.Object) bool {
		return o.Namespace == namespace || o.Kind == "Namespace" && o.Group() == "" && o.Name == namespace
	})
}

// nobody: a member that nothing here renders. Namespaces that are somebody
// else's are a warning only.
func (r *run) nobody(g *grant, accounts []serviceAccount, what, namespace, name string) {
	nearest, close := r.nearest(g, accounts, namespace, name)
	severity := diag.Warning
	if close || r.rendersNamespace(namespace) {
		severity = diag.Error
	}
	detail := "The role reaches no pod. Correct the member, or remove the grant."
	var other []diag.Related
	if nearest != nil {
		other = append(other, related(nearest.place(), "a ServiceAccount of the environment"))
		if close {
			detail = fmt.Sprintf("Did you mean %s? ", nearest.workload) + detail
		}
	}
	r.find("workload-identity-no-service-account", severity, g.Resource, line(g.Resource, g.at), "member",
		fmt.Sprintf("%s names %s, which nothing here renders", g.Address, what), detail, other...)
}

// nearest finds the ServiceAccount that a member was probably meant to name:
// one that differs in one of the two names, before all those that do not hold
// the same right by another member.
func (r *run) nearest(g *grant, accounts []serviceAccount, namespace, name string) (*serviceAccount, bool) {
	holds := func(s serviceAccount) bool {
		return slices.ContainsFunc(r.grants, func(other *grant) bool {
			return other != g && other.on == g.on && other.role == g.role && text(other.target) == text(g.target) && r.admits(other.member, s.workload)
		})
	}
	var best *serviceAccount
	bestScore := 0
	for _, s := range accounts {
		score := 0
		if s.name == name {
			score += 4
		} else if diag.DidYouMean(name, []string{s.name}) != "" {
			score += 2
		}
		if s.namespace == namespace {
			score += 4
		} else if diag.DidYouMean(namespace, []string{s.namespace}) != "" {
			score += 3
		}
		if score > 0 && !holds(s) {
			score++
		}
		if score > bestScore {
			best, bestScore = &s, score
		}
	}
	return best, bestScore >= 5
}

// identityClaims are the ServiceAccounts that IAM gives rights to: the same one
// in two environments has the rights of both.
// https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#identity_sameness
func (r *run) identityClaims() []check.Claim {
	seen := map[string]bool{}
	var out []check.Claim
	for _, g := range r.grants {
		m := g.member
		if m.kind != workloadMember && m.kind != directMember || !m.project.known() || !m.namespace.known() || !m.name.known() {
			continue
		}
		_, s := r.workload(string(m.namespace), string(m.name))
		key := fmt.Sprintf("%s.svc.id.goog[%s/%s]", m.project, m.namespace, m.name)
		if s == nil || seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, check.Claim{
			Rule: "workload-identity-shared", Key: key, Source: g.root.Dir, Range: line(g.Resource, g.at), Object: g.Address,
			Summary: "share the identity " + key,
			Detail:  "A cluster in the same project has the same pool of identities: give each environment a project, or a namespace, of its own. Until then each may do what the others may.",
		})
	}
	return out
}
