package argocd

import (
	"fmt"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"google.golang.org/grpc/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// project judges an AppProject with Argo CD's own validation. That one stops at
// its first mistake: each part is judged in a project of its own, and then the
// whole, for what stands twice.
func (r *run) project(p *project) {
	clean := true
	try := func(at manifest.Path, spec v1alpha1.AppProjectSpec) bool {
		part := v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: p.o.Name}, Spec: spec}
		if err := part.ValidateProject(); err != nil {
			clean = false
			r.add(find(p.o, ruleInvalid, diag.Error, at, said(err), ""))
			return false
		}
		return true
	}
	spec := keys(nil, "spec")
	for i, d := range p.Spec.Destinations {
		try(index(keys(spec, "destinations"), i), v1alpha1.AppProjectSpec{Destinations: []v1alpha1.ApplicationDestination{d}})
	}
	for i, repo := range p.Spec.SourceRepos {
		try(index(keys(spec, "sourceRepos"), i), v1alpha1.AppProjectSpec{SourceRepos: []string{repo}})
	}
	for i, role := range p.Spec.Roles {
		at := index(keys(spec, "roles"), i)
		if !try(keys(at, "name"), v1alpha1.AppProjectSpec{Roles: []v1alpha1.ProjectRole{{Name: role.Name}}}) {
			continue
		}
		for j, policy := range role.Policies {
			try(index(keys(at, "policies"), j), v1alpha1.AppProjectSpec{Roles: []v1alpha1.ProjectRole{{Name: role.Name, Policies: []string{policy}}}})
		}
		for j, name := range role.Groups {
			try(index(keys(at, "groups"), j), v1alpha1.AppProjectSpec{Roles: []v1alpha1.ProjectRole{{Name: role.Name, Groups: []string{name}}}})
		}
	}
	for i, w := range p.Spec.SyncWindows {
		if w != nil {
			window := *w // Validate writes the time zone
			try(index(keys(spec, "syncWindows"), i), v1alpha1.AppProjectSpec{SyncWindows: v1alpha1.SyncWindows{&window}})
		}
	}
	for i, a := range p.Spec.DestinationServiceAccounts {
		try(index(keys(spec, "destinationServiceAccounts"), i), v1alpha1.AppProjectSpec{DestinationServiceAccounts: []v1alpha1.ApplicationDestinationServiceAccount{a}})
	}
	if clean && try(spec, *p.Spec.DeepCopy()) {
		r.windows(p)
	}
	r.wildcards(p)
}

// said is the message of an error without gRPC's words.
func said(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Message()
	}
	return err.Error()
}

// wildcards judges what a project leaves open.
func (r *run) wildcards(p *project) {
	const rule = "project-wildcard"
	if p.o.Name == v1alpha1.DefaultAppProjectName {
		if len(p.Spec.SourceRepos) > 0 && len(p.Spec.Destinations) > 0 {
			r.add(find(p.o, "project-default-open", diag.Error, keys(nil, "spec", "sourceRepos"), "the project default still permits something",
				"Every Application that names no project is in it. Lock it: sourceRepos: [] and destinations: []."))
		}
		return
	}
	for i, repo := range p.Spec.SourceRepos {
		if repo == "*" {
			r.add(find(p.o, rule, diag.Error, index(keys(nil, "spec", "sourceRepos"), i), fmt.Sprintf("the project %s takes manifests from any repository", p.o.Name), "List the repositories."))
		}
	}
	everywhere := len(p.Spec.ClusterResourceWhitelist) > 0 // such a project reaches every namespace in any case
	for i, d := range p.Spec.Destinations {
		at := index(keys(nil, "spec", "destinations"), i)
		switch {
		case d.Server == "*" || d.Name == "*":
			key := "server"
			if d.Name == "*" {
				key = "name"
			}
			r.add(find(p.o, rule, diag.Error, keys(at, key), fmt.Sprintf("the project %s delivers to any cluster", p.o.Name), "Name the cluster: https://kubernetes.default.svc is the one that Argo CD runs in."))
		case d.Namespace == "*":
			severity := diag.Error
			if everywhere {
				severity = diag.Warning
			}
			r.add(find(p.o, rule, severity, keys(at, "namespace"), fmt.Sprintf("the project %s delivers to any namespace", p.o.Name), "List the namespaces: whoever may sync here may also replace Argo CD."))
		}
	}
	for i, k := range p.Spec.ClusterResourceWhitelist {
		if k.Group == "*" && k.Kind == "*" {
			r.add(find(p.o, rule, diag.Warning, index(keys(nil, "spec", "clusterResourceWhitelist"), i), fmt.Sprintf("the project %s may create every kind that the cluster has", p.o.Name),
				"List the kinds: with ClusterRoleBinding among them, whoever may sync here is the cluster's administrator."))
		}
	}
}
