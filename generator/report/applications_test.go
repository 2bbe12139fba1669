package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"strake/generator/manifest"
	"strake/generator/report"
)

// overlayOf makes an overlay of objects in YAML.
func overlayOf(t *testing.T, environment, dir string, documents ...string) report.Overlay {
	t.Helper()
	out := report.Overlay{Environment: environment, Dir: dir}
	for _, document := range documents {
		o := &manifest.Object{}
		if err := yaml.Unmarshal([]byte(document), &o.Fields); err != nil {
			t.Fatal(err)
		}
		o.APIVersion, _ = o.Fields["apiVersion"].(string)
		o.Kind, _ = o.Fields["kind"].(string)
		metadata, _ := o.Fields["metadata"].(map[string]any)
		o.Name, _ = metadata["name"].(string)
		out.Objects = append(out.Objects, o)
	}
	return out
}

func argoApplication(name, wave, spec string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: " + name + ", annotations: {argocd.argoproj.io/sync-wave: \"" + wave + "\"}}\nspec: {" + spec + "}\n"
}

func TestApplications(t *testing.T) {
	t.Parallel()
	const (
		home = "https://github.com/example/gitops"
		here = "destination: {server: https://kubernetes.default.svc, namespace: shop}"
	)
	source := func(repository, path, revision string) string {
		return "source: {repoURL: " + repository + ", path: " + path + ", targetRevision: " + revision + "}"
	}
	root := argoApplication("root", "-4", "project: platform, "+source(home, "overlays/prod/apps/", "main")+", "+here+", syncPolicy: {automated: {prune: true, selfHeal: true}}")
	tests := map[string]struct {
		overlays []report.Overlay
		want     []string
	}{
		"none": {[]report.Overlay{overlayOf(t, "prod", "overlays/prod/shop", "apiVersion: app.k8s.io/v1beta1\nkind: Application\nmetadata: {name: other}\n")}, nil},
		"a tree, in the order of waves": {
			[]report.Overlay{
				overlayOf(t, "prod", "overlays/prod/apps",
					argoApplication("late", "2", "project: shop, "+source("https://github.com/example/shop", "deploy", "v1")+", "+here),
					root,
					argoApplication("early", "-1", "project: shop, "+source(home, "overlays/prod/nested", "main")+", destination: {name: other, namespace: shop}, syncPolicy: {automated: {enabled: false, prune: true}}"),
				),
				overlayOf(t, "prod", "overlays/prod/nested", argoApplication("leaf", "0", "project: shop, sources: [{repoURL: a}, {repoURL: b}], "+here+", syncPolicy: {automated: {}}")),
			},
			[]string{
				"ENVIRONMENT  APPLICATION  PROJECT   DELIVERS                                FOLLOWS  TO          SYNC",
				"prod         root         platform  overlays/prod/apps                      main     shop        auto, prune, self-heal",
				"prod           early      shop      overlays/prod/nested                    main     other shop  by hand",
				"prod             leaf     shop      2 sources                                        shop        auto",
				"prod           late       shop      https://github.com/example/shop deploy  v1       shop        by hand",
			},
		},
		"two that deliver each other": {
			[]report.Overlay{
				overlayOf(t, "prod", "a", argoApplication("one", "0", "project: p, "+source(home, "b", "main")+", "+here)),
				overlayOf(t, "prod", "b", argoApplication("two", "0", "project: p, "+source(home, "a", "main")+", "+here)),
			},
			[]string{
				"ENVIRONMENT  APPLICATION  PROJECT  DELIVERS  FOLLOWS  TO    SYNC",
				"prod         two          p        a         main     shop  by hand",
				"prod           one        p        b         main     shop  by hand",
			},
		},
		"environments apart": {
			[]report.Overlay{
				overlayOf(t, "dev", "apps", argoApplication("child", "0", "project: p, "+source(home, "x", "main")+", "+here)),
				overlayOf(t, "prod", "elsewhere", argoApplication("parent", "0", "project: p, "+source(home, "apps", "HEAD")+", "+here)),
			},
			[]string{
				"ENVIRONMENT  APPLICATION  PROJECT  DELIVERS  FOLLOWS  TO    SYNC",
				"dev          child        p        x         main     shop  by hand",
				"prod         parent       p        apps      HEAD     shop  by hand",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			count, err := report.Applications(&out, test.overlays, home)
			if err != nil || count != max(0, len(test.want)-1) {
				t.Errorf("%d, %v", count, err)
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				got = append(got, strings.TrimRight(line, " \n"))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestApplicationsToNowhere(t *testing.T) {
	t.Parallel()
	o := overlayOf(t, "prod", "a", argoApplication("one", "0", "project: p"))
	if _, err := report.Applications(broken{}, []report.Overlay{o}, ""); err == nil {
		t.Error("no error")
	}
}
