package render

import (
	"maps"
	"slices"
	"strings"

	"strake/generator/spec"
)

// roleSyncAll is the role of whoever is on call. It changes nothing that Git
// says.
const roleSyncAll = "role:sync-all"

// argocdRBAC is argocd-rbac-cm: who may do what in the whole of Argo CD. What a
// tenant's group may do stands in the tenant's AppProject, which reaches no
// other.
func argocdRBAC(e *spec.Effective) object {
	r := &e.ArgoCD.RBAC
	const from = "argocd.rbac"
	return argocdConfig(e, argocdRBACConfigMap, from, officialLabels(argocdRBACConfigMap), m{
		// Also where it is empty: what stood here before must not stay.
		{"policy.csv", policyCSV(r.Groups)},
		{"policy.default", at(from+".default", r.Default)},
		{"policy.matchMode", "glob"},
		{"scopes", at(from+".scopes", "["+strings.Join(r.Scopes, ", ")+"]")},
	})
}

// policyCSV gives groups their roles. A role is written only if a group has it.
// The spec refuses a group that would not be one field of its line.
func policyCSV(groups map[string][]string) rows {
	policy := rows{}
	var bindings rows
	needed := false
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		for _, role := range slices.Compact(slices.Sorted(slices.Values(groups[group]))) {
			bindings = append(bindings, at("argocd.rbac.groups."+group, "g, "+csvField(group)+", "+role))
			needed = needed || role == roleSyncAll
		}
	}
	if needed {
		policy = append(policy,
			"g, "+roleSyncAll+", role:readonly",
			"p, "+roleSyncAll+", applications, sync, */*, allow",
			"p, "+roleSyncAll+", applications, action/apps/*/restart, */*, allow",
		)
	}
	return append(policy, bindings...)
}

// csvField is a field of a policy, which is a line of CSV: the name of a group in
// a directory holds commas.
func csvField(s string) string {
	if strings.Contains(s, ",") {
		return `"` + s + `"`
	}
	return s
}
