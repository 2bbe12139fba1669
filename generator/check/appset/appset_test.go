package appset_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"strake/generator/check/appset"
)

const here = "https://github.com/example/gitops"

// repository is one with these files.
func repository(files map[string]string) appset.Repository {
	return appset.Repository{
		Here:  func(url string) bool { return url == here },
		Files: func() []string { return slices.Sorted(maps.Keys(files)) },
		Read: func(name string) ([]byte, bool) {
			text, ok := files[name]
			return []byte(text), ok
		},
	}
}

func files() map[string]string {
	return map[string]string{
		"apps/api/kustomization.yaml":       "",
		"apps/web/deep/kustomization.yaml":  "",
		"apps/old/kustomization.yaml":       "",
		"apps/.hidden/a.yaml":               "",
		".github/workflows/a.yaml":          "",
		"clusters/dev/config.yaml":          "name: dev\naddress: {server: https://dev}\nports: [1, 2]\nsize: 3\n",
		"clusters/prod/config.json":         `[{"name": "prod-a", "address": {"server": "https://a"}}, {"name": "prod-b", "address": {"server": "https://b"}}]`,
		"clusters/prod/readme.md":           "x",
		"clusters/empty/config.yaml":        "",
		"broken/config.yaml":                "a: [",
		"Odd_Name/x.yaml":                   "",
		"tenants/a/b/namespace_config.yaml": "quota: 1000000\n",
	}
}

// expand returns what a set makes: name, path and destination of each, with ?
// for one that is not whole, and the problems.
func expand(tb testing.TB, spec string) []string {
	tb.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte("metadata: {name: set, namespace: argocd}\nspec:\n  "+strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ")), &fields); err != nil {
		tb.Fatal(err)
	}
	apps, problems := appset.Expand(fields, repository(files()))
	out := []string{}
	for _, a := range apps {
		meta, _ := a.Fields["metadata"].(map[string]any)
		s, _ := a.Fields["spec"].(map[string]any)
		line := fmt.Sprint(meta["name"])
		for _, key := range slices.Sorted(maps.Keys(s)) {
			line += fmt.Sprintf(" %s=%v", key, s[key])
		}
		if a.Patch != "" {
			line += " patch=" + strings.TrimSpace(a.Patch)
		}
		if !a.Whole {
			line += " ?"
		}
		out = append(out, line)
	}
	for _, p := range problems {
		kind := "fails"
		if p.Unknown {
			kind = "unknown"
		}
		out = append(out, fmt.Sprintf("%s at %v: %s", kind, p.Path, p.Reason))
	}
	return out
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, spec string
		want       []string
	}{
		{"list", `
generators: [{list: {elements: [{env: dev, values: {ns: a}}, {env: prod}]}}]
template: {metadata: {name: "{{env}}-app"}, spec: {path: "x/{{ env }}", ns: "{{values.ns}}"}}
`, []string{"dev-app ns=a path=x/dev", "prod-app ns={{values.ns}} path=x/prod"}},
		{"list with a number", `
generators: [{list: {elements: [{env: dev, replicas: 3}]}}]
template: {metadata: {name: "{{env}}"}}
`, []string{"fails at [spec generators 0 list elements 0 replicas]: without goTemplate, every value of an element is a string"}},
		{"list with Go templates", `
goTemplate: true
generators: [{list: {elements: [{env: dev, replicas: 3, tags: [a, b]}]}}]
template: {metadata: {name: "{{.env | upper}}"}, spec: {count: "{{.replicas}}", tags: '{{join "," .tags}}', none: "{{.nothing}}"}}
`, []string{"DEV count=3 none=<no value> tags=a,b"}},
		{"missing key", `
goTemplate: true
goTemplateOptions: ["missingkey=error"]
generators: [{list: {elements: [{env: dev}]}}]
template: {metadata: {name: "{{.envv}}"}}
`, []string{"fails at [spec template]: the template cannot be filled in: executing \"\" at <.envv>: map has no entry for key \"envv\""}},
		{"elementsYaml", `
generators: [{list: {elements: [], elementsYaml: "- {env: dev}\n- {env: prod}"}}]
template: {metadata: {name: "{{env}}"}}
`, []string{"dev", "prod"}},
		{"directories", `
generators: [{git: {repoURL: "` + here + `", revision: HEAD, directories: [{path: "apps/*"}, {path: apps/old, exclude: true}]}}]
template: {metadata: {name: "{{path.basename}}-{{path[0]}}"}, spec: {path: "{{path}}"}}
`, []string{"api-apps path=apps/api", "web-apps path=apps/web"}},
		{"directories with Go templates", `
goTemplate: true
generators: [{git: {repoURL: "` + here + `", revision: HEAD, directories: [{path: "apps/*/*"}, {path: Odd_Name}], pathParamPrefix: src, values: {ns: "ns-{{.src.path.basename}}"}}}]
template: {metadata: {name: "{{.src.path.basenameNormalized}}"}, spec: {path: "{{.src.path.path}}", first: "{{index .src.path.segments 0}}", ns: "{{.values.ns}}"}}
`, []string{"odd-name first=Odd_Name ns=ns-Odd_Name path=Odd_Name", "deep first=apps ns=ns-deep path=apps/web/deep"}},
		{"files", `
generators: [{git: {repoURL: "` + here + `", revision: HEAD, files: [{path: "clusters/**/config.*"}]}}]
template: {metadata: {name: "{{name}}"}, spec: {server: "{{address.server}}", port: "{{ports.1}}", path: "{{path}}/{{path.filename}}"}}
`, []string{
			"dev path=clusters/dev/config.yaml port=2 server=https://dev",
			"{{name}} path=clusters/empty/config.yaml port={{ports.1}} server={{address.server}}",
			"prod-a path=clusters/prod/config.json port={{ports.1}} server=https://a",
			"prod-b path=clusters/prod/config.json port={{ports.1}} server=https://b",
		}},
		{"files: a star also matches slashes, and numbers are JSON's", `
generators: [{git: {repoURL: "` + here + `", revision: HEAD, files: [{path: "tenants/*_config.yaml"}]}}]
template: {metadata: {name: "{{path.filenameNormalized}}-{{quota}}"}}
`, []string{"namespace-config.yaml-1e+06"}},
		{"files that are broken", `
generators: [{git: {repoURL: "` + here + `", revision: HEAD, files: [{path: broken/config.yaml}]}}]
template: {metadata: {name: a}}
`, []string{"fails at [spec generators 0 git]: the file broken/config.yaml is no YAML: yaml: line 1: did not find expected node content"}},
		{"another repository", `
generators: [{git: {repoURL: "https://github.com/example/other", revision: HEAD, directories: [{path: "*"}]}}]
template: {metadata: {name: a}}
`, []string{"unknown at [spec generators 0 git]: the generator git reads another repository, https://github.com/example/other"}},
		{"matrix", `
generators:
  - matrix:
      generators:
        - list: {elements: [{env: dev, dir: apps}, {env: prod, dir: clusters}]}
        - git: {repoURL: "` + here + `", revision: HEAD, directories: [{path: "{{dir}}/*"}, {path: "*/empty", exclude: true}]}
template: {metadata: {name: "{{env}}-{{path.basename}}"}}
`, []string{"dev-api", "dev-old", "dev-web", "prod-dev", "prod-prod"}},
		{"matrix with Go templates: the first wins", `
goTemplate: true
generators: [{matrix: {generators: [{list: {elements: [{a: "1", m: {x: a}}]}}, {list: {elements: [{a: "2", b: "3", m: {x: b, z: b}}]}}]}}]
template: {metadata: {name: "{{.a}}{{.b}}{{.m.x}}{{.m.z}}"}}
`, []string{"13ab"}},
		{"matrix that disagrees", `
generators: [{matrix: {generators: [{list: {elements: [{a: "1"}]}}, {list: {elements: [{a: "2"}]}}]}}]
template: {metadata: {name: a}}
`, []string{`fails at [spec generators 0 matrix generators]: both generators give a, one "1" and the other "2"`}},
		{"matrix of three", `
generators: [{matrix: {generators: [{list: {elements: []}}, {list: {elements: []}}, {list: {elements: []}}]}}]
template: {metadata: {name: a}}
`, []string{"fails at [spec generators 0 matrix generators]: a matrix has two generators, and this one has 3"}},
		{"matrix with a cluster", `
generators: [{matrix: {generators: [{clusters: {}}, {git: {repoURL: "` + here + `", revision: HEAD, directories: [{path: "apps/*"}, {path: apps/old, exclude: true}]}}]}}]
template: {metadata: {name: "{{name}}-{{path.basename}}"}, spec: {path: "{{path}}", server: "{{server}}"}}
`, []string{
			"{{name}}-api path=apps/api server={{server}} ?",
			"{{name}}-web path=apps/web server={{server}} ?",
			"unknown at [spec generators 0 matrix generators 0 clusters]: the generator clusters asks the cluster",
		}},
		{"matrix with a cluster that the other refers to", `
goTemplate: true
generators: [{matrix: {generators: [{clusters: {}}, {git: {repoURL: "` + here + `", revision: HEAD, directories: [{path: "{{.name}}/*"}]}}]}}]
template: {metadata: {name: "{{.name}}"}}
`, []string{"unknown at [spec generators 0 matrix generators 0 clusters]: the generator clusters asks the cluster"}},
		{"matrix with a cluster and Go templates", `
goTemplate: true
generators: [{matrix: {generators: [{list: {elements: [{app: api}]}}, {clusters: {values: {a: "{{.app}}"}}}]}}]
template: {metadata: {name: "{{.name}}-{{.app}}"}, spec: {path: "apps/{{.app}}", ns: "{{.metadata.labels.ns}}"}}
`, []string{
			"{{.name}}-{{.app}} ns={{.metadata.labels.ns}} path=apps/api ?",
			"unknown at [spec generators 0 matrix generators 1 clusters]: the generator clusters asks the cluster",
		}},
		{"merge", `
generators:
  - merge:
      mergeKeys: [env]
      generators:
        - list: {elements: [{env: dev, size: "1"}, {env: prod, size: "1"}]}
        - list: {elements: [{env: prod, size: "9"}, {env: qa, size: "2"}]}
template: {metadata: {name: "{{env}}{{size}}"}}
`, []string{"dev1", "prod9"}},
		{"merge of what is twice", `
generators: [{merge: {mergeKeys: [env], generators: [{list: {elements: [{env: a}, {env: a}]}}, {list: {elements: []}}]}}]
template: {metadata: {name: a}}
`, []string{`fails at [spec generators 0 merge generators 0]: two sets of parameters have the same merge keys: "env"="a"`}},
		{"merge with clusters", `
generators: [{merge: {mergeKeys: [env], generators: [{clusters: {}}, {list: {elements: [{env: a}]}}]}}]
template: {metadata: {name: a}}
`, []string{"unknown at [spec generators 0 merge generators 0 clusters]: the generator clusters asks the cluster"}},
		{"selector", `
generators: [{list: {elements: [{env: dev}, {env: prod}, {env: qa}]}, selector: {matchExpressions: [{key: env, operator: NotIn, values: [qa]}], matchLabels: {env: prod}}}]
template: {metadata: {name: "{{env}}"}}
`, []string{"prod"}},
		{"nested selectors are off unless asked for", `
generators: [{matrix: {generators: [{list: {elements: [{a: x}, {a: w}]}, selector: {matchLabels: {a: x}}}, {list: {elements: [{b: z}]}}]}}]
template: {metadata: {name: "{{a}}{{b}}"}}
`, []string{"xz", "wz"}},
		{"nested selectors", `
applyNestedSelectors: true
generators: [{matrix: {generators: [{list: {elements: [{a: x}, {a: w}]}, selector: {matchLabels: {a: x}}}, {list: {elements: [{b: z}]}}]}}]
template: {metadata: {name: "{{a}}{{b}}"}}
`, []string{"xz"}},
		{"a generator's own template", `
generators: [{list: {elements: [{env: dev}], template: {metadata: {name: "own-{{env}}"}, spec: {path: own}}}}]
template: {metadata: {name: "{{env}}"}, spec: {path: base, ns: "{{env}}"}}
`, []string{"own-dev ns=dev path=own"}},
		{"template patch", `
goTemplate: true
generators: [{list: {elements: [{env: dev, patch: true}]}}]
template: {metadata: {name: "{{.env}}"}}
templatePatch: |
  {{ if .patch }}
  spec: {path: "{{.env}}"}
  {{ end }}
`, []string{"dev patch=spec: {path: \"dev\"}"}},
		{"a function that looks at the clock", `
goTemplate: true
generators: [{list: {elements: [{env: dev}]}}]
template: {metadata: {name: '{{now | date "2006"}}'}}
`, []string{`unknown at [spec template]: the template uses a function that is not followed here: function "now" not defined`}},
		{"loops in loops in loops", `
goTemplate: true
generators: [{list: {elements: [{l: [1]}]}}]
template: {metadata: {name: '{{range .l}}{{range $.l}}{{range $.l}}{{end}}{{end}}{{end}}'}}
`, []string{"unknown at [spec template]: the template uses a function that is not followed here: loops in loops, or templates in templates"}},
		{"a template that is none", `
goTemplate: true
generators: [{list: {elements: [{env: dev}]}}]
template: {metadata: {name: '{{.env'}}
`, []string{"fails at [spec template]: the template cannot be read: unclosed action"}},
		{"generators that ask", `
generators: [{pullRequest: {}}, {scmProvider: {}}, {plugin: {}}, {clusterDecisionResource: {}}, {list: {elements: [{env: dev}]}}]
template: {metadata: {name: "{{env}}"}}
`, []string{
			"dev",
			"unknown at [spec generators 0 pullRequest]: the generator pullRequest asks the Git host",
			"unknown at [spec generators 1 scmProvider]: the generator scmProvider asks the Git host",
			"unknown at [spec generators 2 plugin]: the generator plugin asks a program",
			"unknown at [spec generators 3 clusterDecisionResource]: the generator clusterDecisionResource asks the cluster",
		}},
		{"nothing", "generators: [{}]\ntemplate: {metadata: {name: a}}", []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, expand(t, test.spec)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFinalizer(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"{}":                                  "[resources-finalizer.argocd.argoproj.io]",
		"{preserveResourcesOnDeletion: true}": "<nil>",
		"{applicationsSync: create-update}":   "[resources-finalizer.argocd.argoproj.io]",
	} {
		var fields map[string]any
		text := "metadata: {name: s, namespace: argocd}\nspec: {syncPolicy: " + spec + ", generators: [{list: {elements: [{a: b}]}}], template: {metadata: {name: x, namespace: elsewhere}}}"
		if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
		apps, _ := appset.Expand(fields, appset.Repository{})
		meta, _ := apps[0].Fields["metadata"].(map[string]any)
		if got := fmt.Sprint(meta["finalizers"]); got != want || meta["namespace"] != "argocd" {
			t.Errorf("%s: finalizers %s in %v, want %s in argocd", spec, got, meta["namespace"], want)
		}
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	elements := strings.Repeat("{a: x},", 100)
	inner := "{matrix: {generators: [{list: {elements: [" + elements + "]}}, {list: {elements: [" + elements + "]}}]}}"
	got := expand(t, "generators: ["+inner+"]\ntemplate: {metadata: {name: a}}")
	if want := []string{"unknown at [spec generators 0 matrix generators]: it makes more than 5000 combinations"}; !slices.Equal(got, want) {
		t.Errorf("got %d lines, the last %q, want %q", len(got), got[len(got)-1], want)
	}
}

// FuzzExpand reads any set: it must end, and never panic.
func FuzzExpand(f *testing.F) {
	f.Add("goTemplate: true\ngenerators: [{list: {elements: [{a: b}]}}]\ntemplate: {metadata: {name: '{{.a}}'}}")
	f.Add("generators: [{git: {repoURL: \"" + here + "\", directories: [{path: \"[\"}]}}]\ntemplate: 1")
	f.Add("generators: [{git: {repoURL: \"" + here + "\", files: [{path: \"[!a-\\\\]*\"}]}}]\ntemplate: {a: '{{path}}'}")
	f.Add("generators: [{matrix: {generators: [{list: 1}, {merge: {mergeKeys: [a], generators: [1, 2]}}]}}]")
	f.Fuzz(func(_ *testing.T, spec string) {
		var fields map[string]any
		if len(spec) > 4096 || yaml.Unmarshal([]byte(spec), &fields) != nil {
			return
		}
		appset.Expand(map[string]any{"spec": fields}, repository(files()))
		appset.Template(map[string]any{"spec": fields})
	})
}
