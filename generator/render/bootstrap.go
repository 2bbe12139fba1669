package render

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"strake/generator/spec"
)

// Bootstrap is a shell script of the first commands for an environment, in
// their order: what has to be in the cluster before Argo CD delivers the rest.
// Each step waits for what the next one needs. It is for a person who runs it
// line by line, so it says why.
func Bootstrap(e *spec.Effective) string {
	s := &script{e: e}
	s.head()
	s.terraform()
	s.cluster()
	delivered := apps(e)
	s.definitions(delivered)
	s.operator()
	switch {
	case !delivers(e):
		s.everything(delivered)
	default:
		s.secrets()
		s.argocd()
		s.root()
	}
	return s.out.String()
}

type script struct {
	e    *spec.Effective
	out  strings.Builder
	step int
}

// line writes a command or a comment.
func (s *script) line(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// title begins a step.
func (s *script) title(text string) {
	s.step++
	s.line("\n# %d. %s", s.step, text)
}

// fieldManager is the name that Argo CD applies under (common.ArgoCDSSAManager).
// What is applied here under another name would stay in the cluster when it
// leaves Git, because somebody else still owned it.
const fieldManager = "argocd-controller"

// overlay builds an overlay for a pipe.
func (s *script) overlay(name string) string {
	return "strake build " + quote(path.Join(s.e.Repository.Root, "overlays", s.e.Environment, name))
}

// apply applies an overlay as Argo CD will.
func (s *script) apply(name string) {
	flags := "--server-side"
	if delivers(s.e) {
		flags += " --force-conflicts --field-manager=" + fieldManager
	}
	s.line("%s | kubectl apply %s -f -", s.overlay(name), flags)
}

// rollout waits for a workload.
func (s *script) rollout(namespace, workload string) {
	s.line("kubectl -n %s rollout status %s --timeout=5m", quote(namespace), quote(workload))
}

// quote makes a word of the shell out of a text.
func quote(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@"
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func (s *script) head() {
	s.line("#!/usr/bin/env bash")
	s.line("# The first commands for %s of %s, in their order. Strake ran none of them.", s.e.Environment, s.e.Platform)
	s.line("# Read each one, run it, and look at what it says: later ones need it.")
	s.line("set -euo pipefail")
	s.line("")
	s.line("# What is applied here must be what Argo CD will find: rendered, checked, and merged.")
	s.line("strake render --check --env %s", quote(s.e.Environment))
	s.line("strake check --env %s", quote(s.e.Environment))
}

// terraform makes what has to be there before: what is rendered is applied, and
// what is only read is somebody else's.
func (s *script) terraform() {
	t := s.e.Terraform
	if t == nil {
		return
	}
	var ours, theirs []string
	for _, r := range []struct {
		name string
		root *spec.TerraformRoot
	}{{"persistent", t.Persistent}, {"ephemeral", t.Ephemeral}} {
		switch {
		case r.root != nil && r.root.Path != "":
			theirs = append(theirs, r.root.Path)
		case t.Render || r.root != nil && r.root.Render:
			ours = append(ours, path.Join(s.e.Repository.Root, "environments", s.e.Environment, r.name))
		}
	}
	if t.Path != "" && len(ours)+len(theirs) == 0 {
		theirs = []string{t.Path}
	}
	if len(ours)+len(theirs) == 0 {
		return
	}
	s.title("What Terraform makes: the cluster, its accounts, and the secrets without their values.")
	for _, root := range theirs {
		s.line("# %s must have been applied, by whoever does.", root)
	}
	if state := t.State; state != nil && !state.Existing && len(ours) > 0 {
		s.line("# The state is kept in gs://%s. Terraform cannot make that bucket itself:", state.Bucket)
		s.line("gcloud storage buckets describe %s > /dev/null || gcloud storage buckets create %s --project %s --location %s --uniform-bucket-level-access --public-access-prevention",
			quote("gs://"+state.Bucket), quote("gs://"+state.Bucket), quote(s.e.Cloud.Project), quote(s.e.Cloud.Region))
		s.line("gcloud storage buckets update %s --versioning", quote("gs://"+state.Bucket))
	}
	for _, root := range ours {
		s.line("terraform -chdir=%s init", quote(root))
		s.line("terraform -chdir=%s apply # read the plan before you agree", quote(root))
	}
}

func (s *script) cluster() {
	s.title("The cluster.")
	if s.e.Cluster.Private {
		s.line("# Its nodes are private. Run this from where its control plane can be reached.")
	}
	s.line("gcloud container clusters get-credentials %s --location %s --project %s",
		quote(s.e.Cluster.Name), quote(s.e.Cluster.Location), quote(s.e.Cloud.Project))
	s.line("kubectl config current-context # must be that cluster")
}

// definitions come first: nothing of their kinds can be applied before.
func (s *script) definitions(delivered []app) {
	var names []string
	for _, a := range delivered {
		if a.plain {
			names = append(names, a.name)
		}
	}
	if len(names) == 0 {
		return
	}
	s.title("Definitions, before anything of their kinds.")
	for _, name := range names {
		s.apply(name)
		s.line("%s | kubectl wait --for=condition=Established --timeout=1m -f -", s.overlay(name))
	}
}

// operator brings the secrets, before what asks for them.
func (s *script) operator() {
	if s.e.Secrets == nil {
		return
	}
	if ns := s.e.OperatorNamespace(); ns != "" {
		s.title("External Secrets. Its webhook must answer before a SecretStore is applied.")
		s.apply(operatorApp)
		for _, part := range []string{"", "-cert-controller", "-webhook"} {
			s.rollout(ns, "deployment/"+operatorApp+part)
		}
		return
	}
	s.title("External Secrets, which somebody else installs, must be there.")
	s.line("kubectl wait --for=condition=Established --timeout=1m crd/externalsecrets.external-secrets.io crd/secretstores.external-secrets.io")
}

// secrets lists what the store must hold for Argo CD to start its work.
func (s *script) secrets() {
	type value struct{ secret, version string }
	var values []value
	for _, o := range argocdSecrets(s.e) {
		data, _ := specField(o.doc, "data").(list)
		for _, item := range data {
			if at, ok := item.(sourced); ok {
				item = at.v
			}
			key, _ := item.(m)
			ref, _ := key.get("remoteRef").(m)
			name, _ := ref.get("key").(string)
			version, _ := ref.get("version").(string)
			if v := (value{name, version}); name != "" && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	if len(values) == 0 {
		return
	}
	project := s.e.Cloud.Project
	if store := s.e.Secrets.GCPSecretManager; store != nil && store.Project != "" {
		project = store.Project
	}
	s.title("Values that Argo CD reads. Each must be there; gcloud secrets versions add makes one.")
	for _, v := range values {
		s.line("gcloud secrets versions describe %s --secret %s --project %s", quote(v.version), quote(v.secret), quote(project))
	}
}

// argocd is Argo CD, or what is said to one that is there.
func (s *script) argocd() {
	cd := s.e.ArgoCD
	if vendorsArgoCD(s.e) {
		s.title("Argo CD " + cd.Version + ".")
		s.apply(argocdApp)
		for _, w := range argocdWorkloads() {
			s.rollout(cd.Namespace, strings.ToLower(w.kind)+"/"+w.name)
		}
	} else {
		s.title("Argo CD " + cd.Version + ", which somebody else installs, must be there. Its configuration is laid over.")
		s.line("kubectl wait --for=condition=Established --timeout=1m crd/applications.argoproj.io crd/appprojects.argoproj.io")
		s.rollout(cd.Namespace, "statefulset/argocd-application-controller")
		s.apply(argocdApp)
		if iap(s.e) != nil {
			s.line("# It reads when it starts that the load balancer ends TLS.")
			s.line("kubectl -n %s rollout restart deployment/%s", quote(cd.Namespace), argocdServer)
		}
	}
	if len(argocdSecrets(s.e)) > 0 {
		s.line("kubectl -n %s wait --for=condition=Ready --timeout=5m externalsecret --all", quote(cd.Namespace))
	}
	if cd.Admin {
		s.line("# The administrator's first password: argocd admin initial-password -n %s. Change it, and delete its Secret.", quote(cd.Namespace))
	}
	if cd.RepositoryCredentials == nil {
		s.line("# argocd.repositoryCredentials is not set: %s must be readable without a login,", s.e.Repository.URL)
		s.line("# or a Secret for it must be made by hand now (argocd.argoproj.io/secret-type: repository).")
	}
}

// root hands the environment over to Argo CD.
func (s *script) root() {
	cd := s.e.ArgoCD
	s.title("The root. From here on Argo CD delivers " + deliveryName(s.e) + ", itself included.")
	s.apply(deliveryApp)
	s.line("kubectl -n %s get applications", quote(cd.Namespace))
	if iap(s.e) != nil {
		s.line("# DNS of %s must lead to the address of this Ingress; its certificate waits for that.", urlHost(cd.URL))
		s.line("kubectl -n %s get ingress %s", quote(cd.Namespace), iapName)
	}
	if s.e.Delivery.Sync == "manual" {
		s.line("# Somebody must press Sync: delivery.sync is manual.")
	}
}

func deliveryName(e *spec.Effective) string {
	if e.Delivery.Revision != "" {
		return e.Delivery.Revision
	}
	return "the branch " + e.Delivery.Branch
}

// everything applies all overlays where nothing delivers them.
func (s *script) everything(delivered []app) {
	s.title("The overlays. Nothing delivers this environment: run these again after each change. They delete nothing.")
	for _, a := range delivered {
		if !a.plain && a.name != operatorApp {
			s.apply(a.name)
		}
	}
	for i := range s.e.Tenants {
		for _, a := range s.e.Tenants[i].Apps {
			if a.Repository != "" {
				s.line("# %s of %s stands in %s.", a.Name, s.e.Tenants[i].Name, a.Repository)
				continue
			}
			s.line("strake build %s | kubectl apply --server-side -f -", quote(path.Clean(a.Path)))
		}
	}
}
