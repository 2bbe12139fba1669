package terraform_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"strake/generator/terraform"
)

// FuzzRead reads anything as a root beside a module, a file of values and an
// override: it never panics, and the facts can be walked and written.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`resource "a" "b" { name = "${var.x}-y" }`,
		"locals {\n a = local.b\n b = [for x in local.a : x...]\n}",
		`module "m" { source = "./m" for_each = toset(["a"]) x = each.key }`,
		`resource "a" "b" { dynamic "c" { for_each = var.x content { d = c.value } } }`,
		"variable \"x\" {\n type = list(object({a = optional(string, \"b\")}))\n default = [{}]\n}",
		`output "o" { value = a.b[*].c[0]["d"].e }`,
		"terraform {\n backend \"gcs\" {}\n required_providers { g = { source = \"x\" } }\n}",
		`data "terraform_remote_state" "s" { backend = "gcs" config = { bucket = "b" } }`,
		"output \"o\" { value = <<-EOT\n%{ for x in [1] ~}\n${x}\n%{ endfor }\nEOT\n}",
		`output "o" { value = try(jsondecode("{"), null, -(!true), 1 / 0, 1e999, cidrsubnet("::/0", 128, 1)) }`,
		"import {}\nmoved {}\nlocals {}\nmodule \"x\" {}\noutput \"x\" {}\nprovider \"x\" {}",
		strings.Repeat("(", 1000), `x = ` + strings.Repeat("!", 5000) + "true",
		`output "o" { value = { (null) = 1 } }`,
	} {
		f.Add([]byte(seed), []byte(`x = "v"`), []byte(`resource "a" "b" { lifecycle { prevent_destroy = true } }`))
	}
	f.Fuzz(func(t *testing.T, main, values, override []byte) {
		fsys := fstest.MapFS{
			"main.tf":          {Data: main},
			"terraform.tfvars": {Data: values},
			"x_override.tf":    {Data: override},
			"j.tf.json":        {Data: values},
			"m/main.tf":        {Data: []byte("variable \"x\" {}\noutput \"y\" { value = var.x }\n")},
		}
		roots, _, err := terraform.Find(fsys)
		if err != nil {
			t.Fatal(err)
		}
		read, found := terraform.ReadAll(fsys, append(roots, "."), terraform.Options{})
		for _, d := range found {
			if d.Rule == "" || d.Summary == "" || strings.Contains(d.Summary, "\n") {
				t.Errorf("unfit to print: %+v", d)
			}
		}
		for _, root := range read {
			if _, err := json.Marshal(root.JSON()); err != nil {
				t.Error(err)
			}
			for _, r := range append(root.Resources, root.Data...) {
				_ = r.Get("a.0.b")
				_ = r.Get("id").Display()
				r.Each(func(path string, v terraform.Value) { _ = r.Get(path) })
			}
		}
	})
}

// TestBombs reads files that are made to take time or memory.
func TestBombs(t *testing.T) {
	t.Parallel()
	doubling := "locals {\n  x0 = \"0123456789\"\n"
	for i := range 40 {
		doubling += "  x" + strconv.Itoa(i+1) + " = \"${local.x" + strconv.Itoa(i) + "}${local.x" + strconv.Itoa(i) + "}\"\n"
	}
	chain := "locals {\n  x0 = 1\n"
	for i := range 3000 {
		chain += "  x" + strconv.Itoa(i+1) + " = local.x" + strconv.Itoa(i) + "\n"
	}
	deep := "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]"
	for name, text := range map[string]string{
		"doubling":    doubling + "}\noutput \"o\" { value = local.x40 }\n",
		"chain":       chain + "}\noutput \"o\" { value = local.x3000 }\n",
		"loops":       "output \"o\" { value = " + deep + " }\n",
		"instances":   "resource \"a\" \"b\" {\n  count = 1000000000\n}\n",
		"wide":        "output \"o\" { value = format(\"%1000000000d\", 1) }\n",
		"product":     "output \"o\" { value = setproduct(range(1000), range(1000), range(1000), range(1000)) }\n",
		"replace":     "output \"o\" { value = replace(join(\"\", [for x in range(1000) : \"aaaaaaaaaaaaaaaaaaaa\"]), \"a\", join(\"\", [for x in range(1000) : \"bbbbbbbbbbbbbb\"])) }\n",
		"nested":      "output \"o\" { value = " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + " }\n",
		"operators":   "output \"o\" { value = 1" + strings.Repeat("+1", 100_000) + " }\n",
		"conditions":  "output \"o\" { value = " + strings.Repeat("true ? 1 : ", 100_000) + "1 }\n",
		"indexes":     "output \"o\" { value = local.a" + strings.Repeat("[0]", 100_000) + " }\nlocals { a = [] }\n",
		"directives":  "output \"o\" { value = \"" + strings.Repeat("%{ if true }", 50_000) + strings.Repeat("%{ endif }", 50_000) + "\" }\n",
		"number":      "output \"o\" { value = \"${1e999999999}\" }\n",
		"powers":      "locals {\n  a = 1e300\n  b = local.a * local.a\n}\noutput \"o\" { value = \"${local.b * local.b}\" }\n",
		"module":      "module \"m\" { source = \"./\" }\nmodule \"n\" { source = \"./.\" }\n",
		"blocks":      strings.Repeat("a {\n", 100_000) + strings.Repeat("}\n", 100_000),
		"many blocks": strings.Repeat("resource \"a\" \"b\" {}\n", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, found := read(t, text)
			o, ok := root.Output("o")
			if known := ok && o.Value.Known(); known && name != "chain" && name != "powers" {
				t.Errorf("the value is known: %s", o.Value.Display())
			}
			if len(found) == 0 && !ok {
				t.Error("nothing is said")
			}
		})
	}
}
