package render

import (
	"slices"

	"strake/generator/spec"
)

// anyLoginAccount is whom the server takes a login for before it looks at a
// tenant's namespace, and wherever the login is in no tenant's group.
const anyLoginAccount = "argo-server-login"

// delegatesLogin reports whether each login acts as a ServiceAccount of the
// namespace it asks about. A server of scope namespace never does.
func delegatesLogin(e *spec.Effective) bool {
	w := e.Workflows
	return w.Scope != "namespace" && w.Server.SSO != nil && w.Server.SSO.RBAC && slices.Contains(w.Server.AuthModes, "sso")
}

// anyLogin is the ServiceAccount of every login. The server refuses one that no
// account of its own namespace matches, before it asks the tenant's
// (server/auth/gatekeeper.go rbacAuthorization). It has no rights, and the lowest
// precedence: a tenant's account is taken only if its precedence is higher.
func anyLogin(e *spec.Effective) []object {
	if !delegatesLogin(e) {
		return nil
	}
	const from = "workflows.server.sso.rbac"
	ns := e.Workflows.Namespace
	account := append(metadata(e, ns, anyLoginAccount, "server"), kv{"annotations", m{
		{"workflows.argoproj.io/rbac-rule", "true"},
		{"workflows.argoproj.io/rbac-rule-precedence", "0"},
	}})
	return append([]object{{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "ServiceAccount"},
		{"metadata", account},
		{"automountServiceAccountToken", false},
	}}}, accountToken(from, anyLoginAccount, func(name string) m { return metadata(e, ns, name, "server") }))
}

// accountToken is the Secret that holds the token of a ServiceAccount. Kubernetes
// makes none of itself since 1.24, and the server looks for one of this name
// (util/secrets TokenName). It is filled in the cluster and holds nothing in Git.
func accountToken(from, account string, metadata func(name string) m) object {
	return object{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "Secret"},
		{"metadata", append(metadata(account+".service-account-token"), kv{"annotations", m{{"kubernetes.io/service-account.name", account}}})},
		{"type", tokenType},
	}}
}
