package argocd_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/argocd"
	"strake/generator/manifest"
)

// repository makes a repository without a spec: each file of manifests is an
// overlay, and every other file just stands there.
func repository(tb testing.TB, text string) *check.Input {
	tb.Helper()
	all := files(text)
	in := &check.Input{}
	in.Repository.URLs = []string{"https://github.com/example/gitops"}
	in.Repository.Files = func() []string { return slices.Sorted(maps.Keys(all)) }
	in.Repository.Read = func(name string) ([]byte, bool) {
		body, ok := all[name]
		return []byte(body), ok
	}
	in.Repository.List = func(dir string) ([]string, bool) {
		var names []string
		for name := range all {
			if rest, below := strings.CutPrefix(name, dir+"/"); below {
				first, _, _ := strings.Cut(rest, "/")
				names = append(names, first)
			}
		}
		return names, len(names) > 0
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if path.Base(name) != "objects.yaml" {
			continue
		}
		objects, findings := manifest.Split(name, []byte(all[name]))
		if len(findings) > 0 {
			tb.Fatalf("the test's own YAML: %v\n%s", findings, all[name])
		}
		in.Overlays = append(in.Overlays, check.Overlay{Dir: path.Dir(name), App: path.Base(path.Dir(name)), Objects: objects})
	}
	return in
}

func topology(tb testing.TB, text string) []string {
	tb.Helper()
	return lines(argocd.New().Topology(repository(tb, text)).Sorted())
}

const head = `# file: argocd/objects.yaml
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: apps, namespace: argocd}
spec:
  sourceRepos: ["https://github.com/example/gitops"]
  destinations: [{server: "https://kubernetes.default.svc", namespace: "app-*"}]
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: apps, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: ["missingkey=error"]
`

const template = `
  template:
    metadata: {name: "{{.path.basename}}"}
    spec:
      project: apps
      source: {repoURL: "https://github.com/example/gitops", targetRevision: main, path: "{{.path.path}}"}
      destination: {server: "https://kubernetes.default.svc", namespace: "app-{{.path.basename}}"}
`

const service = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: app-web}
spec: {ports: [{port: 80}]}
`

func TestSets(t *testing.T) {
	t.Parallel()
	git := "  generators: [{git: {repoURL: \"https://github.com/example/gitops\", revision: main, directories: [{path: \"apps/*\"}]}}]"
	web := "# file: apps/web/objects.yaml\n" + service
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"fits", head + git + template + web, []string{}},
		{"a kind that the project does not permit, in three of four", head + git + template + web +
			"# file: apps/a/objects.yaml\n" + namespace("a") + "# file: apps/b/objects.yaml\n" + namespace("b") + "# file: apps/c/objects.yaml\n" + namespace("c"), []string{
			"warning application-cascade 11 spec.syncPolicy: whoever deletes the Application a deletes Namespace app-a",
			"error application-not-permitted 18 spec.template.spec.project: the project apps does not permit the cluster-scoped kind Namespace, which apps/a holds",
		}},
		{"what stays when the set goes", strings.Replace(head, "  goTemplate: true", "  syncPolicy: {preserveResourcesOnDeletion: true}\n  goTemplate: true", 1) + git + template + "# file: apps/a/objects.yaml\n" + namespace("a"), []string{
			"error application-not-permitted 19 spec.template.spec.project: the project apps does not permit the cluster-scoped kind Namespace, which apps/a holds",
		}},
		{"nothing matches", head + git + template, []string{
			"warning applicationset-empty 14 spec.generators: the ApplicationSet apps makes no Application",
		}},
		{"a path that is not there", head + "  generators: [{list: {elements: [{path: {basename: web, path: apps/web}}, {path: {basename: api, path: apps/api}}]}}]" + template + web, []string{
			"error application-path-missing 19 spec.template.spec.source.path: the repository has no directory apps/api",
		}},
		{"two of one name", head + "  generators: [{list: {elements: [{path: {basename: web, path: apps/web}}, {path: {basename: web, path: apps/web}}]}}]" + template + web, []string{
			"error argocd-invalid 16 spec.template.metadata.name: the ApplicationSet apps makes two Applications of the name web",
		}},
		{"a key that is missing", head + "  generators: [{list: {elements: [{name: web}]}}]" + template + web, []string{
			"error argocd-invalid 15 spec.template: the ApplicationSet apps makes no Applications: the template cannot be filled in: executing \"\" at <.path.basename>: map has no entry for key \"path\"",
		}},
		{"clusters", head + "  generators: [{clusters: {}}]" + strings.ReplaceAll(template, "{{.path.path}}", "apps/nowhere") + web, []string{
			"info applicationset-unknown 14 spec.generators[0].clusters: which Applications the ApplicationSet apps makes is not known here: the generator clusters asks the cluster",
			"error application-path-missing 19 spec.template.spec.source.path: the repository has no directory apps/nowhere",
		}},
		{"directories on every cluster", head + "  generators: [{matrix: {generators: [{git: {repoURL: \"https://github.com/example/gitops\", revision: main, directories: [{path: \"apps/*\"}]}}, {clusters: {}}]}}]" +
			strings.Replace(template, `server: "https://kubernetes.default.svc"`, `server: "{{.server}}"`, 1) + "# file: apps/a/objects.yaml\n" + namespace("a"), []string{
			"warning application-cascade 11 spec.syncPolicy: whoever deletes the Application a deletes Namespace app-a",
			"info applicationset-unknown 14 spec.generators[0].matrix.generators[1].clusters: which Applications the ApplicationSet apps makes is not known here: the generator clusters asks the cluster",
			"error application-not-permitted 18 spec.template.spec.project: the project apps does not permit the cluster-scoped kind Namespace, which apps/a holds",
		}},
		{"a patch for one of them", head + git + template + "  templatePatch: |\n    {{ if eq .path.basename \"a\" }}\n    spec: {source: {path: apps/b}, project: other}\n    {{ end }}\n" + web + "# file: apps/a/x.yaml\n" + service, []string{
			"error application-path-missing 19 spec.template.spec.source.path: the repository has no directory apps/b",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, topology(t, test.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func namespace(name string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: app-" + name + "}\n"
}

// TestFold says once, with the names of the others, what holds for several
// Applications of a set.
func TestFold(t *testing.T) {
	t.Parallel()
	elements := ""
	for _, name := range []string{"a", "b", "c"} {
		elements += "{path: {basename: " + name + ", path: apps/" + name + "}},"
	}
	found := argocd.New().Topology(repository(t, head+"  generators: [{list: {elements: ["+elements+"]}}]"+template)).Sorted()
	if len(found) != 1 || !strings.Contains(found[0].Detail, "So it is with 2 other Applications of the ApplicationSet: b, c.") {
		t.Errorf("got %v", found)
	}
}

// application is one that delivers apps/web.
func application(project, destination string) string {
	return "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec:\n  project: " + project +
		"\n  source: {repoURL: \"https://github.com/example/gitops\", targetRevision: main, path: apps/web}\n  destination: " + destination + "\n"
}

func appProject(name, meta, spec string) string {
	return "---\napiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: " + name + ", namespace: argocd" + meta + "}\nspec: {sourceRepos: [\"https://github.com/example/gitops\"], " + spec + "}\n"
}

func TestProjects(t *testing.T) {
	t.Parallel()
	web := "# file: apps/web/objects.yaml\n" + service
	const start = "# file: argocd/objects.yaml\n"
	settings := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata:\n  globalProjects: |\n    - projectName: everywhere\n      labelSelector: {matchLabels: {team: web}}\n"
	everywhere := appProject("everywhere", "", `namespaceResourceWhitelist: [{group: "", kind: Service}], destinations: []`)
	narrow := `namespaceResourceWhitelist: [{group: apps, kind: Deployment}], destinations: [{server: "*", namespace: "*"}]`
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"a cluster by name, and any address", start + appProject("p", "", `destinations: [{server: "*", namespace: "app-*"}]`) + application("p", "{name: prod, namespace: app-web}") + web, []string{}},
		{"a cluster by name, and one address, which may be its own", start + appProject("p", "", `destinations: [{server: "https://10.0.0.1", namespace: "app-*"}]`) + application("p", "{name: prod, namespace: app-web}") + web, []string{}},
		{"a cluster by name, and another namespace", start + appProject("p", "", `destinations: [{server: "https://10.0.0.1", namespace: "other"}]`) + application("p", "{name: prod, namespace: app-web}") + web, []string{
			`error application-not-permitted 13 spec.destination: the project p does not permit the namespace "app-web" on prod`,
		}},
		{"a cluster by address, and one name", start + appProject("p", "", `destinations: [{name: prod, namespace: "app-*"}]`) + application("p", "{server: \"https://10.0.0.1\", namespace: app-web}") + web, []string{}},
		{"the cluster of Argo CD is known", start + appProject("p", "", `destinations: [{server: "https://10.0.0.1", namespace: "app-*"}]`) + application("p", "{name: in-cluster, namespace: app-web}") + web, []string{
			`error application-not-permitted 13 spec.destination: the project p does not permit the namespace "app-web" on in-cluster`,
		}},
		{"global project", start + everywhere + appProject("p", ", labels: {team: web}", narrow) + settings + application("p", "{name: prod, namespace: app-web}") + web, []string{}},
		{"global project for others", start + everywhere + appProject("p", ", labels: {team: api}", narrow) + settings + application("p", "{name: prod, namespace: app-web}") + web, []string{
			"error application-not-permitted 24 spec.project: the project p does not permit the kind Service, which apps/web holds",
		}},
		{"global project that is not known", start + appProject("p", ", labels: {team: web}", narrow) + application("p", "{name: prod, namespace: app-web}") + web, []string{
			"info application-not-permitted 4 metadata.labels: what the project p permits is not wholly known: by itself it does not permit all that 1 Application delivers: web",
		}},
		{"labels of kustomize choose nothing", start + appProject("p", ", labels: {app.kubernetes.io/part-of: x}", narrow) + application("p", "{name: prod, namespace: app-web}") + web, []string{
			"error application-not-permitted 11 spec.project: the project p does not permit the kind Service, which apps/web holds",
		}},
		{"globalProjects that is no list", start + appProject("p", "", `destinations: [{server: "*", namespace: "*"}]`) + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata: {globalProjects: \"{a: b}\"}\n" + application("p", "{name: prod, namespace: app-web}") + web, []string{
			"error argocd-setting 10 data.globalProjects: globalProjects is no list of label selectors and projects",
		}},
		{"the project that stands nearest", "# file: prod/argocd/objects.yaml\n" + appProject("p", "", `destinations: [{server: "*", namespace: app-web}]`) + application("p", "{name: in-cluster, namespace: app-web}") +
			"# file: dev/argocd/objects.yaml\n" + appProject("p", "", `destinations: [{server: "*", namespace: other}]`) + web, []string{}},
		{"several kinds at once", start + appProject("p", "", `namespaceResourceWhitelist: [], clusterResourceWhitelist: [], destinations: [{server: "*", namespace: "*"}], namespaceResourceBlacklist: [{group: "", kind: Service}, {group: "", kind: Secret}]`) +
			application("p", "{name: in-cluster, namespace: app-web}") + web + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: app-web}\n---\n" + namespace("x"), []string{
			"error application-not-permitted 11 spec.project: the project p does not permit 2 kinds that apps/web holds: Service, Secret",
			"error application-not-permitted 11 spec.project: the project p does not permit the cluster-scoped kind Namespace, which apps/web holds",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, topology(t, test.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
