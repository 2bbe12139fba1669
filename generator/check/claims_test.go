package check_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

// claimer claims what its environment's name says.
type claimer map[string][]check.Claim

func (claimer) Name() string { return "claimer" }

func (claimer) Run(context.Context, *check.Input) (diag.List, error) { return nil, nil }

func (c claimer) Claims(in *check.Input) []check.Claim { return c[in.Environment] }

func summarised(t *testing.T, in check.Input, c claimer) check.Summary {
	t.Helper()
	_, summary, err := check.Environment(t.Context(), in, []check.Check{c})
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func TestFleetFindsSharedClaims(t *testing.T) {
	t.Parallel()
	claim := func(key, source, path string) check.Claim {
		return check.Claim{Rule: "workload-identity-shared", Key: key, Source: source, Summary: "share " + key, Range: diag.Range{Path: path}}
	}
	c := claimer{
		"dev":     {claim("one", "dev", "dev.tf"), claim("common", "shared", "shared.tf"), claim("own", "dev", "dev.tf")},
		"staging": {claim("two", "staging", "staging.tf"), claim("common", "shared", "shared.tf")},
		"prod":    {claim("one", "prod", "prod.tf"), claim("common", "shared", "shared.tf")},
	}
	var summaries []check.Summary
	for _, env := range []string{"prod", "staging", "dev"} {
		summaries = append(summaries, summarised(t, check.Input{Environment: env}, c))
	}
	want := diag.List{{
		Rule: "workload-identity-shared", Severity: diag.Error, Summary: "dev and prod share one",
		Range: diag.Range{Path: "dev.tf"}, Environments: []string{"dev", "prod"},
		Related: []diag.Related{{Range: diag.Range{Path: "prod.tf"}, Message: "the same in prod"}},
	}}
	if diff := cmp.Diff(want, check.Fleet(summaries)); diff != "" {
		t.Errorf("a root for all of them is no second claim (-want +got):\n%s", diff)
	}
}

func TestFleetSaysWhatWasNotCompared(t *testing.T) {
	t.Parallel()
	linked := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: b, annotations: {iam.gke.io/gcp-service-account: a@b.iam.gserviceaccount.com}}\n"
	store := "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: a, namespace: b}\nspec: {provider: {gcpsm: {projectID: p}}}\n"
	artifacts := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: workflow-controller-configmap, namespace: argo}\ndata: {artifactRepository: \"gcs: {bucket: b}\"}\n"
	plain := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: b}\n"
	for name, test := range map[string]struct {
		text      string
		terraform []*terraform.Root
		said      bool
	}{
		"linked account":      {text: linked, said: true},
		"secret store":        {text: store, said: true},
		"artifact repository": {text: artifacts, said: true},
		"nothing to compare":  {text: plain},
		"compared":            {text: linked, terraform: []*terraform.Root{{Dir: "infra"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, bad := manifest.Split("objects.yaml", []byte(test.text))
			if len(bad) > 0 {
				t.Fatal(bad)
			}
			in := check.Input{Terraform: test.terraform, Overlays: []check.Overlay{{Dir: "overlays/dev", Objects: objects}}}
			var summaries []check.Summary
			for _, env := range []string{"prod", "dev"} {
				in.Environment = env
				summaries = append(summaries, summarised(t, in, claimer{}))
			}
			var said []string
			for _, d := range check.Fleet(summaries) {
				if d.Rule == "contracts-skipped" {
					said = append(said, strings.Join(d.Environments, " "))
				}
			}
			var want []string
			if test.said {
				want = []string{"dev prod"}
			}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Errorf("said once for both (-want +got):\n%s", diff)
			}
		})
	}
}
