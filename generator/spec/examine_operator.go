package spec

import (
	"fmt"
	"strconv"

	"strake/generator/diag"
)

// OperatorNamespace is the namespace of the External Secrets Operator where
// Strake delivers it, or empty.
func (e *Effective) OperatorNamespace() string {
	if e.Secrets == nil || e.Secrets.Install != "vendored" {
		return ""
	}
	return e.Secrets.Namespace
}

// operator checks the External Secrets Operator that Strake delivers.
func (x *examiner) operator() {
	ns := x.e.OperatorNamespace()
	if ns == "" {
		return
	}
	const at = "secrets.namespace"
	switch {
	case reservedNamespace(ns):
		x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is reserved", ns), "Kubernetes and GKE keep it for themselves. Write another, such as external-secrets.")
	case x.delivers() && ns == x.e.ArgoCD.Namespace && x.settled("argocd.namespace"):
		x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is the one of Argo CD", ns), "Both overlays would own its Namespace. Write another, such as external-secrets.")
	case x.runs() && ns == x.e.Workflows.Namespace && x.settled("workflows.namespace"):
		x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is the one of Argo Workflows", ns), "Its NetworkPolicies would cut the operator off. Write another, such as external-secrets.")
	}
	n := versionNumbers.FindStringSubmatch(x.e.Secrets.Version)
	if n == nil || !x.settled("secrets.version") {
		return
	}
	major, _ := strconv.Atoi(n[1]) // the pattern has digits only
	minor, _ := strconv.Atoi(n[2])
	if major == 0 && minor < 16 {
		x.report(ruleValue, "secrets.version", "External Secrets "+x.e.Secrets.Version+" does not know external-secrets.io/v1", "Everything here is written in v1, which came with v0.16.0. Write v2.9.0.")
	}
}

// definitions checks where the definitions of Argo Workflows come from.
func (x *examiner) definitions() {
	w := x.e.Workflows
	if w == nil || w.CRDs != "vendored" || w.Install == "embedded" || !x.settled("workflows.install") {
		return
	}
	x.add(diag.Warning, ruleExclusive, "workflows.crds", "crds is vendored and install is "+w.Install,
		"Whoever installs Argo Workflows brings its definitions. Write install: embedded, or remove crds.")
}
