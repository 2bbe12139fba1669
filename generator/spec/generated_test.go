package spec

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	gofmt "go/format"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite generated files and expected results")

// TestGenerated fails when a file that follows from the types is stale. `go
// generate` rewrites them.
func TestGenerated(t *testing.T) {
	t.Parallel()
	for _, g := range []struct {
		name, path string
		want       func(testing.TB) []byte
	}{
		{"docs", "zz_generated_docs.go", generateDocs},
		{"schema", "../../environments/platform.schema.json", func(testing.TB) []byte { return Schema() }},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			want := g.want(t)
			if *update {
				if err := os.WriteFile(g.path, want, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			got, err := os.ReadFile(g.path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is stale: run go generate ./generator/spec", g.path)
			}
		})
	}
}

// generateDocs reads the comments of the types.
func generateDocs(t testing.TB) []byte {
	t.Helper()
	fields, types := map[string]string{}, map[string]string{}
	for _, name := range []string{"types.go", "types_argocd.go", "types_cost.go", "types_terraform.go", "documents.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range decl.Specs {
				typ, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				structure, ok := typ.Type.(*ast.StructType)
				if !ok {
					continue
				}
				types[typ.Name.Name] = publicName(oneLine(decl.Doc), typ.Name.Name)
				for _, f := range structure.Fields.List {
					for _, n := range f.Names {
						if n.IsExported() {
							fields[typ.Name.Name+"."+n.Name] = oneLine(f.Doc)
						}
					}
				}
			}
		}
	}
	var b bytes.Buffer
	b.WriteString("// Code generated from the comments in types*.go and documents.go; DO NOT EDIT.\n\npackage spec\n\n")
	for _, m := range []struct {
		name, doc string
		texts     map[string]string
	}{
		{"fieldDocs", "is the comment of each field, by type and field", fields},
		{"typeDocs", "is the comment of each type", types},
	} {
		fmt.Fprintf(&b, "// %s %s.\nfunc %s() map[string]string {\n\treturn map[string]string{\n", m.name, m.doc, m.name)
		for _, key := range slices.Sorted(maps.Keys(m.texts)) {
			fmt.Fprintf(&b, "\t\t%q: %q,\n", key, m.texts[key])
		}
		b.WriteString("\t}\n}\n\n")
	}
	out, err := gofmt.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// publicName begins a type's comment with the word that users know.
func publicName(doc, name string) string {
	known := strings.ToUpper(name[:1]) + strings.TrimSuffix(name[1:], "Document")
	return known + strings.TrimPrefix(doc, name)
}

func oneLine(doc *ast.CommentGroup) string { return strings.Join(strings.Fields(doc.Text()), " ") }

// TestEveryFieldIsDocumented also holds the tags to the formats that exist.
func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	docs := fieldDocs()
	for _, k := range append(documentKinds(), documentKind{kind: "Effective", typ: reflect.TypeFor[effectiveDocument]()}) {
		for _, d := range walk(shapeOf(k.typ), "", func(string) bool { return false }) {
			doc := docs[d.f.owner]
			if doc == "" {
				t.Errorf("%s %s (%s) has no comment", k.kind, d.path, d.f.owner)
			}
			if doc != "" && !strings.HasSuffix(doc, ".") {
				t.Errorf("%s: comment %q does not end in a full stop", d.f.owner, doc)
			}
			for _, f := range []string{d.f.tag.format, d.f.tag.keys, d.f.tag.items} {
				if f != "" && lookupFormat(f) == nil {
					t.Errorf("%s: format %q does not exist", d.f.owner, f)
				}
			}
			if d.f.tag.hasDefault && d.f.shape.kind == text && lookupFormat(d.f.tag.format) != nil {
				if rule, want := lookupFormat(d.f.tag.format)(d.f.tag.value); rule != "" {
					t.Errorf("%s: default %q is refused: %s", d.f.owner, d.f.tag.value, want)
				}
			}
		}
	}
}

// TestSchemaAcceptsReferencePlatform holds the schema against the files that it
// is for, and against a typing error in them.
func TestSchemaAcceptsReferencePlatform(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("platform.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("platform.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		data, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	for _, name := range []string{"platform.yaml", "tenants/forecasting.yaml", "tenants/vision.yaml", "releases/dev.yaml", "releases/staging.yaml", "releases/prod.yaml"} {
		data, err := os.ReadFile("../../environments/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(string(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := validate(strings.Replace(string(data), "spec:", "spek:", 1)); err == nil {
			t.Errorf("%s: the schema accepts spek for spec", name)
		}
	}
	if err := validate("apiVersion: strake/v1alpha1\nkind: Facts\nmetadata: {name: dev}\nspec: {persistent: {project_number: \"1\"}}\n"); err != nil {
		t.Errorf("Facts: %v", err)
	}
	if err := validate("apiVersion: strake/v1alpha1\nkind: Other\nmetadata: {name: dev}\nspec: {}\n"); err == nil {
		t.Error("the schema accepts an unknown kind")
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field, want string
		ok          bool
	}{
		{"archive.postgresql.cloudSQL", "Platform spec.defaults.archive.postgresql.cloudSQL", true},
		{"spec.defaults.archive.postgresql.cloudSQL", "The proxy runs beside the controller", true},
		{"spec.environments[prod].archive.ttl", "Default: 180d", true},
		{"tenants.pipelines.tasks", "Tasks form a DAG", true},
		{"tenants[forecasting].pipelines[chart-movement].tasks[train-model].image", "by digest", true},
		{"pipelines.retry.limit", "how many times", true},
		{"tenants.config.app-config.KEY", "ConfigMaps by name", true},
		{"release.images", "TENANT/PIPELINE", true},
		{"facts.persistent", "${facts.NAME}", true},
		{"workflows", "Fields:", true},
		{"metadata.name", "Name of the platform", true},
		{"archive.postgresql.cloudSql", "did you mean archive.postgresql.cloudSQL?", false},
		{"archve.ttl", "did you mean archive.ttl?", false},
		{"nothing.like.it", `no field "nothing.like.it"`, false},
		{"", "no field", false},
		{"[", "no field", false},
	} {
		got, ok := Explain(c.field)
		if ok != c.ok || !strings.Contains(got, c.want) {
			t.Errorf("Explain(%q) = %q, %t; want %q, %t", c.field, got, ok, c.want, c.ok)
		}
	}
	if text, _ := Explain("archive"); !strings.Contains(text, "overlays/<env>/argo-workflows/patches/") {
		t.Errorf("Explain(archive) names no file it reaches:\n%s", text)
	}
}

func TestReferenceNamesEveryField(t *testing.T) {
	t.Parallel()
	page := string(Reference())
	for _, want := range []string{"`spec.defaults.archive.postgresql.cloudSQL`", "`spec.pipelines.tasks.inputs.from`", "`spec.images`", "`spec.persistent`", "`spec.environments.extends`", "## Release"} {
		if !strings.Contains(page, want) {
			t.Errorf("the reference lacks %s", want)
		}
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| `") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 6 {
			t.Errorf("broken row: %s", line)
		}
	}
}
