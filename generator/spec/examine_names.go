package spec

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Names that Strake gives to what it renders. A user's object of the same name
// would be built twice, or be taken for ours.
const (
	storeAccount   = "external-secrets"
	loginAccount   = "tenant-login"
	loginToken     = "tenant-login.service-account-token"
	artifactSecret = "artifact-repository"
	reportTemplate = "report-failed-run"
	reportWebhook  = "report-failed-run-webhook"
	clusterCA      = "kube-root-ca.crt" // Kubernetes writes it into every namespace
)

// taken reports names of a tenant that something rendered has already.
func (x *examiner) taken(at string, t *Tenant) {
	if slices.Contains([]string{"tenant-guardrails", "argo-workflows-external"}, t.Name) {
		x.report(ruleName, at+".name", fmt.Sprintf("base/%s is a base of Strake's own", t.Name), "Choose another name for the tenant.")
	}
	if slices.Contains([]string{storeAccount, loginAccount}, t.ServiceAccount.Name) {
		x.report(ruleName, at+".serviceAccount.name", fmt.Sprintf("%s is a ServiceAccount that Strake renders", t.ServiceAccount.Name),
			"Workflows must not run as it. Choose another name.")
	}
	ours := []string{loginToken}
	if t.Contact.FailedRuns != nil {
		ours = append(ours, reportWebhook)
	}
	if x.e.Artifacts != nil && x.e.Artifacts.S3 != nil {
		ours = append(ours, artifactSecret)
	}
	for _, name := range ours {
		if _, both := t.Secrets[name]; both {
			x.report(ruleName, at+".secrets."+name, name+" is a Secret that Strake renders", "Choose another name.")
		}
	}
	if _, both := t.Config[clusterCA]; both {
		x.report(ruleName, at+".config."+clusterCA, clusterCA+" is a ConfigMap that Kubernetes writes into every namespace", "Choose another name.")
	}
}

// failedRuns checks what reports the tenant's failed runs.
func (x *examiner) failedRuns(at string, t *Tenant) {
	if t.Contact.FailedRuns == nil {
		return
	}
	x.image(at+".contact.failedRuns.image", t.Contact.FailedRuns.Image)
	for _, p := range t.Pipelines {
		if p.Name == reportTemplate {
			x.report(ruleName, at+".pipelines["+p.Name+"].name", p.Name+" is a WorkflowTemplate that Strake renders", "Choose another name.")
		}
	}
}

// artifactPaths refuses places where an artifact cannot be written: a task's
// root file system is read-only, and the directory of each output becomes an
// empty volume, which hides what the image has there.
func (x *examiner) artifactPaths(at string, t *Task) {
	for _, name := range sortedKeys(t.Outputs) {
		x.artifactPath(at+".tasks["+t.Name+"].outputs."+name, t.Outputs[name])
	}
	for _, name := range sortedKeys(t.Inputs) {
		if t.Inputs[name].Path != "" {
			x.artifactPath(at+".tasks["+t.Name+"].inputs."+name+".path", t.Inputs[name].Path)
		}
	}
}

func (x *examiner) artifactPath(at, file string) {
	if !x.settled(at) || strings.Contains(file, "{{") {
		return
	}
	clean := path.Clean(file)
	switch {
	case !path.IsAbs(file):
		x.report(ruleValue, at, fmt.Sprintf("path %q is not absolute", shorten(file)), "Write a path such as /tmp/dataset.parquet.")
	case path.Dir(clean) == "/":
		x.report(ruleValue, at, fmt.Sprintf("path %q stands in the root directory, which is read-only", shorten(file)), "Write a path such as /tmp/dataset.parquet.")
	case slices.ContainsFunc(systemDirs(), func(dir string) bool { return clean == dir || strings.HasPrefix(clean, dir+"/") }):
		x.report(ruleValue, at, fmt.Sprintf("path %q stands in a directory of the system", shorten(file)),
			"The directory of an artifact becomes an empty volume, and what the image has there would be hidden. Write a path such as /tmp/dataset.parquet.")
	}
}
