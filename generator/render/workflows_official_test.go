package render

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"sigs.k8s.io/yaml"

	"strake/generator/spec"
)

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// officialCRDs are the minimal definitions that Argo ships, by name.
func officialCRDs(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob(argoFile(t, "manifests", "base", "crds", "minimal", "argoproj.io_*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	out := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, file := range files {
		var c apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict([]byte(read(t, file)), &c); err != nil {
			t.Fatal(err)
		}
		out[c.Name] = &c
	}
	return out
}

func TestCRDsAreTheOfficialOnes(t *testing.T) {
	t.Parallel()
	official := officialCRDs(t)
	ours := live(t, workflowsCRDs(platform()))
	if len(ours) != len(official) {
		t.Errorf("%d definitions, want %d", len(ours), len(official))
	}
	for name, want := range official {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := ours["CustomResourceDefinition/"+name]
			if doc == nil {
				t.Fatal("missing")
			}
			got := typed[apiextensionsv1.CustomResourceDefinition](t, doc)
			if diff := cmp.Diff(want.Spec.Names, got.Spec.Names); diff != "" {
				t.Error(diff)
			}
			if got.Spec.Group != want.Spec.Group || got.Spec.Scope != want.Spec.Scope || len(got.Spec.Versions) != len(want.Spec.Versions) {
				t.Fatalf("group %s, scope %s, %d versions", got.Spec.Group, got.Spec.Scope, len(got.Spec.Versions))
			}
			a, b := got.Spec.Versions[0], want.Spec.Versions[0]
			if a.Name != b.Name || a.Served != b.Served || a.Storage != b.Storage || a.Deprecated != b.Deprecated {
				t.Errorf("version %s, served %t, storage %t", a.Name, a.Served, a.Storage)
			}
			if diff := cmp.Diff(b.Subresources, a.Subresources); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(columnsOf(b), columnsOf(a)); diff != "" {
				t.Error(diff)
			}
			x, y := a.Schema.OpenAPIV3Schema, b.Schema.OpenAPIV3Schema
			if diff := cmp.Diff(y.Required, x.Required); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(y.Properties)), slices.Sorted(maps.Keys(x.Properties))); diff != "" {
				t.Error(diff)
			}
			for field, property := range x.Properties {
				if property.Type != y.Properties[field].Type {
					t.Errorf("%s is a %s, want %s", field, property.Type, y.Properties[field].Type)
				}
			}
		})
	}
}

// columnsOf are the printer columns without their descriptions, which are ours.
func columnsOf(v apiextensionsv1.CustomResourceDefinitionVersion) []apiextensionsv1.CustomResourceColumnDefinition {
	out := slices.Clone(v.AdditionalPrinterColumns)
	for i := range out {
		out[i].Description = ""
	}
	return out
}

func TestCRDsAreValid(t *testing.T) {
	t.Parallel()
	for id, doc := range live(t, workflowsCRDs(platform())) {
		c := typed[apiextensionsv1.CustomResourceDefinition](t, doc)
		apiextensionsv1.SetDefaults_CustomResourceDefinition(c)
		apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&c.Spec)
		c.Status.StoredVersions = []string{"v1alpha1"}
		var internal apiextensions.CustomResourceDefinition
		if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(c, &internal, nil); err != nil {
			t.Fatal(err)
		}
		if errs := validation.ValidateCustomResourceDefinition(t.Context(), &internal); len(errs) > 0 {
			t.Errorf("%s: %v", id, errs)
		}
	}
}

// rights is a set of "scope group/resource verb name" that a ServiceAccount has.
type rights map[string]bool

func (r rights) add(scope string, rules []rbacv1.PolicyRule) {
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{"*"}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range names {
						r[strings.Join([]string{scope, group + "/" + resource, verb, name}, " ")] = true
					}
				}
			}
		}
	}
}

// rightsOf follows the bindings of a ServiceAccount through a set of objects.
func rightsOf(t *testing.T, objects []map[string]any, account string) rights {
	t.Helper()
	rules := map[string][]rbacv1.PolicyRule{}
	for _, doc := range objects {
		switch doc["kind"] {
		case "Role", "ClusterRole":
			rules[identify(doc)] = typed[rbacv1.ClusterRole](t, doc).Rules
		}
	}
	out := rights{}
	for _, doc := range objects {
		if doc["kind"] != "RoleBinding" && doc["kind"] != "ClusterRoleBinding" {
			continue
		}
		b := typed[rbacv1.RoleBinding](t, doc)
		if !slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool { return s.Kind == "ServiceAccount" && s.Name == account }) {
			continue
		}
		scope := "namespace"
		if doc["kind"] == "ClusterRoleBinding" {
			scope = "cluster"
		}
		granted, ok := rules[b.RoleRef.Kind+"/"+b.RoleRef.Name]
		if !ok {
			t.Errorf("%s names %s %s, which is not there", identify(doc), b.RoleRef.Kind, b.RoleRef.Name)
		}
		out.add(scope, granted)
	}
	return out
}

// officialRBAC are the roles and bindings of an official install.
func officialRBAC(t *testing.T, install string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, component := range []string{"workflow-controller-rbac", "argo-server-rbac"} {
		files, err := filepath.Glob(argoFile(t, "manifests", install, component, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no manifests of %s: %v", install, err)
		}
		for _, file := range files {
			for text := range strings.SplitSeq(read(t, file), "\n---\n") {
				var doc map[string]any
				if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
					t.Fatal(err)
				}
				if doc["kind"] != "Kustomization" {
					out = append(out, doc)
				}
			}
		}
	}
	return out
}

func TestRightsAreThoseOfTheOfficialInstall(t *testing.T) {
	t.Parallel()
	for scope, install := range map[string]string{"cluster": "cluster-install-no-crds", "namespace": "namespace-install"} {
		for _, account := range []string{controllerAccount, serverAccount} {
			t.Run(scope+" "+account, func(t *testing.T) {
				t.Parallel()
				e := platform(func(e *spec.Effective) { e.Workflows.Scope = scope })
				got := rightsOf(t, slices.Collect(maps.Values(live(t, workflows(e)))), account)
				want := rightsOf(t, officialRBAC(t, install), account)
				if len(want) < 20 {
					t.Fatalf("found only the rights %v", want)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("rights (-official +ours):\n%s", diff)
				}
			})
		}
	}
}

// A server that makes every call in its caller's name has no more rights than
// what it does in its own.
func TestServerOfClientsHasFewRights(t *testing.T) {
	t.Parallel()
	kinds := func(scope string, names ...string) rights {
		out := rights{scope + " /configmaps get *": true, scope + " /events create *": true, scope + " /events patch *": true}
		for _, name := range names {
			for _, verb := range []string{"get", "list", "watch"} {
				out[scope+" argoproj.io/"+name+" "+verb+" *"] = true
			}
		}
		return out
	}
	clients := func(e *spec.Effective) {
		e.Workflows.Server.AuthModes, e.Workflows.Server.SSO = []string{"client"}, nil
	}
	for name, test := range map[string]struct {
		e       *spec.Effective
		want    rights
		secrets []string
	}{
		"archive":    {platform(clients), kinds("cluster", "workflows", "workflowtemplates", "clusterworkflowtemplates"), []string{archiveSecretName}},
		"no archive": {platform(clients, func(e *spec.Effective) { e.Archive = nil }), kinds("cluster", "workflows", "workflowtemplates", "clusterworkflowtemplates"), nil},
		"namespace":  {platform(clients, func(e *spec.Effective) { e.Workflows.Scope = "namespace" }), kinds("namespace", "workflows", "workflowtemplates"), []string{archiveSecretName}},
		"a login of one's own": {platform(clients, func(e *spec.Effective) {
			e.Workflows.Config = map[string]any{"persistence": map[string]any{"postgresql": map[string]any{"passwordSecret": map[string]any{"name": "mine"}}}}
		}), kinds("cluster", "workflows", "workflowtemplates", "clusterworkflowtemplates"), []string{archiveSecretName, "mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range test.secrets {
				test.want["namespace /secrets get "+secret] = true
			}
			got := rightsOf(t, slices.Collect(maps.Values(live(t, workflows(test.e)))), serverAccount)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAggregateRolesAreTheOfficialOnes(t *testing.T) {
	t.Parallel()
	ours := live(t, workflows(platform()))
	seen := 0
	for _, doc := range officialRBAC(t, "cluster-install-no-crds") {
		want := typed[rbacv1.ClusterRole](t, docOf(doc, "kind", "ClusterRole"))
		if len(want.Labels) == 0 {
			continue
		}
		seen++
		if ours["ClusterRole/"+want.Name] == nil {
			t.Errorf("%s is missing", want.Name)
			continue
		}
		got := typed[rbacv1.ClusterRole](t, ours["ClusterRole/"+want.Name])
		for label, value := range want.Labels {
			if got.Labels[label] != value {
				t.Errorf("%s: label %s is %q", want.Name, label, got.Labels[label])
			}
		}
		a, b := rights{}, rights{}
		a.add("", want.Rules)
		b.add("", got.Rules)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %s", want.Name, cmp.Diff(a, b))
		}
	}
	if seen != 3 {
		t.Errorf("compared %d roles, want 3", seen)
	}
}

// docOf returns the document when its key has the value, and else an empty one.
func docOf(doc map[string]any, key, value string) map[string]any {
	if doc[key] == value {
		return doc
	}
	return map[string]any{}
}
