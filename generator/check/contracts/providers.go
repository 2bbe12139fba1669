package contracts

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// providers: what Terraform is run with, and on what.
func (r *run) providers() {
	for _, t := range r.roots {
		r.pins(t)
		for _, p := range t.Providers {
			if p.Name == "kubernetes" || p.Name == "helm" || p.Name == "kubectl" {
				r.clusterProvider(t, &p)
			}
		}
		for _, res := range t.Of("helm_release") {
			r.helmSets(t, res)
		}
	}
}

// pins: a root that takes whatever version is newest changes by itself.
// https://developer.hashicorp.com/terraform/language/providers/requirements#version-constraints
func (r *run) pins(t *root) {
	at := diag.Range{Path: t.Dir}
	if len(t.Resources) > 0 {
		at = t.Resources[0].Range
	} else if t.Backend != nil {
		at = t.Backend.Range
	}
	if t.RequiredVersion.Absent() {
		r.find("terraform-version-unpinned", diag.Warning, nil, at, "required_version",
			t.Dir+" runs with any version of Terraform", `Write terraform { required_version = "~> 1.11" }.`)
	}
	pinned := map[string]terraform.RequiredProvider{}
	for _, p := range t.RequiredProviders {
		pinned[p.Name] = p
	}
	var used []string
	for _, res := range append(slices.Clone(t.Resources), t.Data...) {
		name, _, _ := strings.Cut(res.Type, "_")
		if configured, _, _ := strings.Cut(res.Provider, "."); configured != "" {
			name = configured
		}
		if res.Module == "" && name != "terraform" {
			used = append(used, name)
		}
	}
	slices.Sort(used)
	for _, name := range slices.Compact(used) {
		p, listed := pinned[name]
		if listed && !p.Version.Absent() {
			continue
		}
		where := at
		if listed {
			where = p.Range
		}
		r.find("provider-unpinned", diag.Warning, nil, where, "required_providers."+name,
			fmt.Sprintf("%s takes whatever version of the provider %s is newest", t.Dir, name),
			"Pin it under required_providers, and commit .terraform.lock.hcl: a new major version removes arguments and changes defaults.")
	}
}

// clusterProvider: the kubernetes provider warns of being configured from a
// cluster of the same root.
// https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs#stacking-with-managed-kubernetes-cluster-resources
func (r *run) clusterProvider(t *root, p *terraform.Provider) {
	var found *terraform.Value
	var made *terraform.Resource
	p.Each(func(_ string, v terraform.Value) {
		for _, address := range v.Resources {
			res := t.Find(address)
			if found == nil && res != nil && !res.Data && res.Type == "google_container_cluster" {
				found, made = &v, res
			}
		}
	})
	if found == nil {
		return
	}
	r.find("provider-in-cluster-root", diag.Warning, nil, found.Range, "provider."+p.Name,
		fmt.Sprintf("the provider %s is configured from %s of the same root", p.Name, made.Address),
		"Leave what runs in the cluster to Argo CD, or put it into a root of its own that reads the cluster as data: a plan that replaces the cluster cannot reach what is in it.",
		related(made.Range, "the cluster"))
}

// helmSets: version 3 of the provider takes set as a list of objects.
// https://registry.terraform.io/providers/hashicorp/helm/latest/docs/guides/v3-upgrade-guide
func (r *run) helmSets(t *root, res *terraform.Resource) {
	for _, p := range t.RequiredProviders {
		if p.Name == "helm" && olderThan3(p.Version) {
			return
		}
	}
	for _, name := range []string{"set", "set_sensitive", "set_list"} {
		for _, b := range res.Blocks(name) {
			if b.Form == terraform.AttributeForm {
				continue
			}
			r.find("helm-set-block", diag.Error, res, b.Range, name,
				fmt.Sprintf("%s has a block %s, which version 3 of the helm provider does not know", res.Address, name),
				fmt.Sprintf("Write %s = [{ name = …, value = … }], or put the values into a file under values.", name))
			break
		}
	}
}

// olderThan3 reports that a constraint keeps the provider below version 3.
func olderThan3(v terraform.Value) bool {
	s, _ := v.Str()
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		bound := strings.TrimLeft(part, "<>=~! ")
		switch {
		case strings.HasPrefix(part, "~>"), strings.HasPrefix(part, "="), part == bound:
			if strings.HasPrefix(bound, "2.") || strings.HasPrefix(bound, "1.") || strings.HasPrefix(bound, "0.") || bound == "2" && !strings.HasPrefix(part, "~>") {
				return true
			}
		case strings.HasPrefix(part, "<") && (bound == "3" || strings.HasPrefix(bound, "3.0") || strings.HasPrefix(bound, "2.")):
			return true
		}
	}
	return false
}

// secretsInState: whatever Terraform is given, its state keeps in clear text.
// https://developer.hashicorp.com/terraform/language/state/sensitive-data
func (r *run) secretsInState() {
	for _, t := range r.roots {
		for _, res := range t.Resources {
			switch res.Type {
			case "kubernetes_secret", "kubernetes_secret_v1":
				for _, name := range []string{"data", "binary_data"} {
					if v := res.Get(name); !v.Unset() && (!v.Known() || len(v.Keys()) > 0) {
						r.secret(res, v, name, res.Address+" puts a Secret's content into the state", "Let External Secrets fill the Secret from Secret Manager. What is no secret belongs in a ConfigMap.")
					}
				}
			case "google_service_account_key":
				r.find("secret-in-state", diag.Error, res, res.Range, "private_key",
					res.Address+" puts a key that does not expire into the state",
					"Use Workload Identity: pods, and pipelines outside of Google Cloud, then need no key.")
			default:
				r.literals(res)
			}
		}
		for _, v := range t.Variables {
			if s, ok := v.Default.Str(); ok && s != "" && v.Sensitive && !placeholder(s) {
				r.findings = append(r.findings, diag.Diagnostic{
					Rule: "secret-in-state", Severity: diag.Error, Range: v.Default.Range, Field: "var." + v.Name, Sensitive: true,
					Summary: fmt.Sprintf("the sensitive variable %s has a default in Git", v.Name),
					Detail:  "Take the default out, and change the secret: whoever reads the repository, or its history, has it.",
				})
			}
		}
	}
}

// secretArguments are those that hold a secret, by type.
func secretArguments() map[string][]string {
	return map[string][]string{
		"google_secret_manager_secret_version": {"secret_data"},
		"google_sql_user":                      {"password"},
		"google_sql_database_instance":         {"root_password"},
		"google_redis_instance":                {"auth_string"},
		"random_password":                      nil,
	}
}

func (r *run) literals(res *terraform.Resource) {
	for _, name := range secretArguments()[res.Type] {
		v := res.Get(name)
		switch {
		case v.Unset():
		case v.Known() && len(v.Resources) == 0:
			r.secret(res, v, name, fmt.Sprintf("%s has its %s written in Git", res.Address, name), instead(res.Type))
		case res.Type == "google_secret_manager_secret_version":
			r.secret(res, v, name, res.Address+" puts the secret into the state", instead(res.Type))
		}
	}
}

func instead(kind string) string {
	switch kind {
	case "google_secret_manager_secret_version":
		return "Make the secret without a version and add the value with gcloud, or use secret_data_wo, which the state does not keep."
	case "google_sql_user":
		return "Log in with IAM (type = \"CLOUD_IAM_SERVICE_ACCOUNT\"), or use password_wo, which the state does not keep."
	default:
		return "Use a write-only argument, or set it outside of Terraform."
	}
}

func (r *run) secret(res *terraform.Resource, v terraform.Value, field, summary, detail string) {
	r.find("secret-in-state", diag.Error, res, v.Range, field, summary, detail)
	r.findings[len(r.findings)-1].Sensitive = true
}

// placeholder reports a default that is no secret by anybody's measure.
func placeholder(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "<") || s == "changeme" || s == "change-me" || strings.Trim(s, "x*") == ""
}
