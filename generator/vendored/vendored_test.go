package vendored_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/tree"
	"strake/generator/vendored"
)

func component(t *testing.T, name string) vendored.Component {
	t.Helper()
	c, ok := vendored.Find(name)
	if !ok {
		t.Fatalf("no component %s", name)
	}
	return c
}

// official are manifests of External Secrets, as few as make them so.
func official(tag string) string {
	var docs []string
	for _, name := range []string{"clustersecretstores", "externalsecrets", "secretstores"} {
		docs = append(docs, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: "+name+".external-secrets.io}\n")
	}
	for _, name := range []string{"external-secrets", "external-secrets-cert-controller", "external-secrets-webhook"} {
		docs = append(docs, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: "+name+", namespace: default}\n"+
			"spec: {template: {spec: {containers: [{name: main, image: \""+tag+"\"}]}}}\n")
	}
	return strings.Join(docs, "---\n")
}

const image = "ghcr.io/external-secrets/external-secrets:v2.9.0"

func take(t *testing.T, texts ...string) (*tree.Tree, diag.List) {
	t.Helper()
	var sources []vendored.Source
	for _, text := range texts {
		sources = append(sources, vendored.Source{Name: "install.yaml", Data: []byte(text)})
	}
	return vendored.Take(component(t, "external-secrets"), "v2.9.0", "deploy", sources)
}

func TestTake(t *testing.T) {
	t.Parallel()
	list := "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}\n"
	role := "# why it is there\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \"system:x/Y\"}\n"
	out, found := take(t, official(image), list, strings.ReplaceAll(role, "\n", "\r\n"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := []string{
		".gitattributes",
		"crds/clustersecretstores.external-secrets.io.yaml", "crds/externalsecrets.external-secrets.io.yaml", "crds/kustomization.yaml",
		"crds/secretstores.external-secrets.io.yaml",
		"install/external-secrets-cert-controller.deployment.default.yaml", "install/external-secrets-webhook.deployment.default.yaml",
		"install/external-secrets.deployment.default.yaml", "install/kustomization.yaml", "install/one.configmap.yaml",
		"install/system-x-y.clusterrole.yaml", "install/two.configmap.yaml", "vendored.yaml",
	}
	const dir = "deploy/vendor/external-secrets/v2.9.0/"
	var have []string
	for _, file := range out.Paths() {
		have = append(have, strings.TrimPrefix(file, dir))
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("files (-want +have):\n%s", diff)
	}
	if f, _ := out.Get(dir + "install/system-x-y.clusterrole.yaml"); string(f.Data) != role {
		t.Errorf("the document is not as it was published, with git's line ends: %q", f.Data)
	}
	for f := range out.All() {
		if tree.Owned(f.Data) {
			t.Errorf("%s has the header of a rendered file", f.Path)
		}
	}
	if found := vendored.Edited(out, "deploy"); len(found) > 0 {
		t.Errorf("what was just taken is edited: %v", found)
	}
}

func TestTakeRefuses(t *testing.T) {
	t.Parallel()
	whole := official(image)
	for name, c := range map[string]struct{ text, want string }{
		"another version":    {official("ghcr.io/external-secrets/external-secrets:v2.8.0"), "Deployment external-secrets runs ghcr.io/external-secrets/external-secrets:v2.8.0"},
		"no tag":             {official("ghcr.io/external-secrets/external-secrets"), "runs ghcr.io/external-secrets/external-secrets"},
		"another image":      {official("example.com:5000/shop:v2.9.0"), "no image in them is external-secrets"},
		"cut off":            {whole[:strings.LastIndex(whole, "---")], "they have no Deployment external-secrets-webhook"},
		"cut off in a line":  {whole[:len(whole)-3], ""},
		"empty":              {" \n", "this is no YAML"},
		"a page":             {"\n<html></html>", "this is no YAML"},
		"no objects":         {"a: 1\n", "apiVersion"},
		"an object twice":    {whole + "---\n" + whole, "is there twice"},
		"binary":             {"\x7fELF\x00", "binary"},
		"another project's":  {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\n", "they have no CustomResourceDefinition"},
		"a duplicate key":    {whole + "---\napiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: x}\n", "kind"},
		"a name like a path": {whole + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: 3}\n", "not a string"},
	} {
		out, found := take(t, c.text)
		if out != nil || len(found) == 0 || !strings.Contains(summaries(found), c.want) {
			t.Errorf("%s: %v, want a finding with %q", name, found, c.want)
		}
	}
	// A mirror and a digest are no other version.
	if _, found := take(t, official("registry.example.com:5000/mirror/external-secrets:v2.9.0@sha256:0123")); len(found) > 0 {
		t.Errorf("a mirror: %v", found)
	}
	// No name leads out of the directory.
	out, found := take(t, whole+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../../../etc/passwd}\n")
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, file := range out.Paths() {
		if strings.Contains(file, "/../") || !strings.HasPrefix(file, "deploy/vendor/external-secrets/v2.9.0/") {
			t.Errorf("file %s", file)
		}
	}
}

func summaries(found diag.List) string {
	var all []string
	for _, d := range found {
		all = append(all, d.Summary)
	}
	return strings.Join(all, "\n")
}

// TestDigest agrees with the program that people check with.
func TestDigest(t *testing.T) {
	t.Parallel()
	one := []vendored.Source{{Name: "a", Data: []byte("a\n")}}
	if have := vendored.Digest(one); have != "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7" {
		t.Errorf("printf 'a\\n' | sha256sum prints another: %s", have)
	}
	two := append(one, vendored.Source{Name: "b", Data: []byte("b\n")})
	if have := vendored.Digest(two); have != "a0ec3f531bc13ffd8fa37e6c75d95bfffb69287b1c13f3b9add256d1f4f77850" {
		t.Errorf("sha256sum a b | sha256sum prints another: %s", have)
	}
}

func TestEdited(t *testing.T) {
	t.Parallel()
	fresh := func() fstest.MapFS {
		out, found := take(t, official(image))
		if len(found) > 0 {
			t.Fatal(found)
		}
		files := fstest.MapFS{}
		for f := range out.All() {
			files[f.Path] = &fstest.MapFile{Data: f.Data}
		}
		return files
	}
	const dir = "deploy/vendor/external-secrets/v2.9.0/"
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"as taken":          {func(fstest.MapFS) {}, ""},
		"another record":    {func(f fstest.MapFS) { f[dir+"vendored.yaml"].Data = []byte("component: argocd\nversion: v1.0.0\n") }, "this is the record of argocd v1.0.0"},
		"no record":         {func(f fstest.MapFS) { delete(f, dir+"vendored.yaml") }, "cannot be read"},
		"a broken record":   {func(f fstest.MapFS) { f[dir+"vendored.yaml"].Data = []byte("component: [") }, "cannot be read"},
		"an unknown field":  {func(f fstest.MapFS) { f[dir+"vendored.yaml"].Data = []byte("componnet: x\n") }, "cannot be read"},
		"an edited file":    {func(f fstest.MapFS) { f[dir+"crds/kustomization.yaml"].Data = []byte("resources: []\n") }, "the file is not what was taken"},
		"a file that left":  {func(f fstest.MapFS) { delete(f, dir+"install/kustomization.yaml") }, "the file was taken and is gone"},
		"one that came":     {func(f fstest.MapFS) { f[dir+"install/x.yaml"] = &fstest.MapFile{} }, "the file was not taken"},
		"no vendor":         {func(f fstest.MapFS) { clear(f) }, ""},
		"somebody else's":   {func(f fstest.MapFS) { f["deploy/vendor/github.com/x/y.go"] = &fstest.MapFile{} }, ""},
		"a path in records": {func(f fstest.MapFS) { escape(f, dir) }, "which is no file of this directory"},
	} {
		files := fresh()
		c.change(files)
		found := vendored.Edited(files, "deploy")
		if (c.want == "") != (len(found) == 0) || !strings.Contains(summaries(found), c.want) {
			t.Errorf("%s: %v, want %q", name, found, c.want)
		}
	}
}

func escape(files fstest.MapFS, dir string) {
	files[dir+"vendored.yaml"].Data = []byte("component: external-secrets\nversion: v2.9.0\nfiles: {../../../../secret: aa}\n")
}

// TestMissing names the command to run, once for each part that an overlay lies
// on.
func TestMissing(t *testing.T) {
	t.Parallel()
	need := vendored.Need{Component: component(t, "argocd"), Version: "v2.14.21", Part: vendored.Install, Environment: "dev"}
	found := vendored.Missing(fstest.MapFS{}, "", []vendored.Need{need})
	if len(found) != 1 || !strings.Contains(found[0].Detail, "strake vendor argocd --version v2.14.21") {
		t.Errorf("%v", found)
	}
	have := fstest.MapFS{"vendor/argocd/v2.14.21/install/kustomization.yaml": {}}
	if found := vendored.Missing(have, "", []vendored.Need{need}); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

func TestValidVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"v2.14.21": true, "v3.5.0-rc1": true, "v1.2.3-rc.1": true,
		"2.14.21": false, "latest": false, "v1.2": false, "v1.2.3/..": false, "v1.2.3-../x": false, "": false, "v1.2.3-": false,
	} {
		if vendored.ValidVersion(version) != want {
			t.Errorf("%q: want %t", version, want)
		}
	}
}

// FuzzTake: whatever is handed over, no file leads out of the version's
// directory, and what is taken is found unedited.
func FuzzTake(f *testing.F) {
	f.Add(official(image))
	f.Add(official(image) + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../x, namespace: ../y}\n")
	f.Add("kind: List\nitems: [{}]\n")
	c, _ := vendored.Find("external-secrets")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > manifest.MaxFile {
			return
		}
		out, found := vendored.Take(c, "v2.9.0", "", []vendored.Source{{Name: "x", Data: []byte(text)}})
		if (out == nil) != (len(found) > 0) {
			t.Fatalf("tree %v with findings %v", out, found)
		}
		if out == nil {
			return
		}
		for _, file := range out.Paths() {
			if !strings.HasPrefix(file, "vendor/external-secrets/v2.9.0/") || strings.Contains(file, "/../") {
				t.Errorf("file %s", file)
			}
		}
		if found := vendored.Edited(out, ""); len(found) > 0 {
			t.Errorf("taken and edited: %v", found)
		}
	})
}
