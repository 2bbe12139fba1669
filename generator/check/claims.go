package check

import (
	"cmp"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// Claim is something that one environment takes for itself, and of which no
// other may have the same: a place for a state, an identity.
type Claim struct {
	Rule, Key string
	// Source names what makes the claim. Where two environments have that in
	// common too, as one root of Terraform for both, it is one claim.
	Source string
	// Summary goes on after the names of the environments: "share the identity x".
	Summary, Detail string
	Range           diag.Range
	Object          string
}

func (c Claim) compare(other Claim) int {
	return cmp.Or(cmp.Compare(c.Rule, other.Rule), cmp.Compare(c.Key, other.Key), cmp.Compare(c.Source, other.Source), c.Range.Compare(other.Range))
}

// Claimer is a Check that says what an environment claims.
type Claimer interface {
	Claims(in *Input) []Claim
}

// sharedClaims finds what two environments both take for themselves.
func sharedClaims(summaries []Summary) diag.List {
	type claimed struct {
		environment string
		Claim
	}
	groups := map[[2]string][]claimed{}
	for _, s := range summaries {
		for _, c := range s.Claims {
			key := [2]string{c.Rule, c.Key}
			known := slices.ContainsFunc(groups[key], func(have claimed) bool {
				return have.Source == c.Source || have.environment == s.Environment
			})
			if !known {
				groups[key] = append(groups[key], claimed{s.Environment, c})
			}
		}
	}
	var findings diag.List
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		slices.SortFunc(group, func(a, b claimed) int {
			return cmp.Or(cmp.Compare(a.environment, b.environment), a.compare(b.Claim))
		})
		first := group[0]
		d := diag.Diagnostic{Rule: first.Rule, Severity: diag.Error, Detail: first.Detail, Range: first.Range, Object: first.Object}
		for i, c := range group {
			d.Environments = append(d.Environments, c.environment)
			if i > 0 {
				d.Related = append(d.Related, diag.Related{Range: c.Range, Message: "the same in " + c.environment})
			}
		}
		d.Summary = strings.Join(d.Environments, " and ") + " " + first.Summary
		findings = append(findings, d)
	}
	return findings
}

// joins reports whether the manifests of an environment name what only
// Terraform could have made.
func joins(in *Input) bool {
	return slices.ContainsFunc(in.Objects(), func(o *manifest.Object) bool {
		switch {
		case o.Kind == "ServiceAccount" && o.Group() == "":
			return mapAt(mapAt(o.Fields, "metadata"), "annotations")["iam.gke.io/gcp-service-account"] != nil
		case o.Group() == "external-secrets.io" && (o.Kind == "SecretStore" || o.Kind == "ClusterSecretStore"):
			return Has(o.Fields, "spec", "provider", "gcpsm")
		case o.Kind == "ConfigMap" && strings.HasSuffix(o.Name, controllerConfigMap):
			return Has(ControllerConfig(o), "artifactRepository", "gcs")
		}
		return false
	})
}

// withoutTerraform says once that manifests were held against no Terraform.
func withoutTerraform(summaries []Summary) diag.List {
	var names []string
	for _, s := range summaries {
		if s.Joins && !s.Terraform {
			names = append(names, s.Environment)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return diag.List{{
		Rule: "contracts-skipped", Severity: diag.Info, Environments: names,
		Summary: "no Terraform is known to belong to these manifests: the identities, buckets and secrets that they name were held against nothing",
		Detail:  "Say where it is with terraform.path of the spec, or let it be rendered with terraform.render.",
	}}
}
