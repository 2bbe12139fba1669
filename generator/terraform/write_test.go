package terraform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	body := Content{
		NewBlock("resource", "google_storage_bucket", "data").Has(
			Set("name", "btcusd-data").Because("buckets.name"),
			Set("force_destroy", false),
			Set("nothing", nil),
			NewBlock("versioning").Has(Set("enabled", true)),
			NewBlock("auto"),
			Set("labels", Object{{"team", "ml"}, {"a/b", 3}, {"none", nil}}).Because("buckets.labels"),
		).Because("buckets").Saying("Kept\nfor ever."),
		NewBlock("output", "x").Has(
			Set("value", Template{"principal://", Reference("data.google_project.main.number"), "/${x}"}),
			Set("short", Template{Reference("a.b[0].c")}),
			Set("all", Tuple{"a", Reference("b.c"), 1}),
			Set("long", Call{"jsonencode", []any{Tuple{Object{{"n", "v"}}}}}),
		),
	}
	data, lines, err := Write("# Header.", "top", body)
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Header.

# Kept
# for ever.
resource "google_storage_bucket" "data" {
  name          = "btcusd-data"
  force_destroy = false

  versioning {
    enabled = true
  }

  auto {}

  labels = {
    team  = "ml"
    "a/b" = 3
  }
}

output "x" {
  value = "principal://${data.google_project.main.number}/$${x}"
  short = a.b[0].c
  all   = ["a", b.c, 1]
  long = jsonencode([
    {
      n = "v"
    },
  ])
}
`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Line{
		{1, "top"},
		{3, "buckets"},
		{6, "buckets.name"},
		{7, "buckets"},
		{15, "buckets.labels"},
		{19, "buckets"},
		{20, "top"},
	}, lines); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	if again := hclwrite.Format(data); string(again) != string(data) {
		t.Errorf("it is not formatted:\n%s", again)
	}
}

// What a user wrote stays text, whatever it holds.
func TestTextIsNeverCode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`${file("/etc/passwd")}`, `%{ if true }x%{ endif }`, `$${a}`, `%%{a}`, `"quoted"`, "two\nlines", `back\slash`, "${", "%{", "$", "日本",
	} {
		data, _, err := Write("", "", Content{Set("a", text), Set("b", Template{text, Reference("x.y"), text}), Set("c", Object{{text, text}})})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		f, diags := hclsyntax.ParseConfig(data, "", hcl.InitialPos)
		if diags.HasErrors() {
			t.Errorf("%q: %v", text, diags)
			continue
		}
		attributes := f.Body.(*hclsyntax.Body).Attributes
		if v, diags := attributes["a"].Expr.Value(nil); diags.HasErrors() || v.AsString() != text {
			t.Errorf("%q reads back as %#v: %v", text, v, diags)
		}
		if n := len(attributes["b"].Expr.Variables()); n != 1 {
			t.Errorf("%q: the template has %d references, want 1", text, n)
		}
		if v, diags := attributes["c"].Expr.Value(nil); diags.HasErrors() || v.AsValueMap()[text].AsString() != text {
			t.Errorf("%q reads back as %#v: %v", text, v, diags)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]Content{
		"a call as a reference":  {Set("a", Reference(`file("x")`))},
		"an operator":            {Set("a", Reference("a.b + c.d"))},
		"a name that is none":    {Set("a b", 1)},
		"a function that is not": {Set("a", Call{Function: "f("})},
		"a number with a point":  {Set("a", 1.5)},
		"strings side by side":   {Set("a", Template{"$", "{x}", Reference("a.b")})},
		"a map":                  {Set("a", map[string]string{})},
	} {
		if _, _, err := Write("", "", body); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	k, ok := Known("google_container_cluster")
	if !ok || !k.Has("node_config.workload_metadata_config.mode") || k.Has("network_policy") || !strings.Contains(k.Source, "container_cluster") {
		t.Errorf("the row of the cluster is %+v", k)
	}
	if _, ok := Known("google_storage_bucket_iam_binding"); ok {
		t.Error("a binding takes away what others gave: it must not be known")
	}
}
