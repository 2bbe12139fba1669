package contracts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

var blockNumber = regexp.MustCompile(`\.[0-9]+(\.|$)`)

// attributes holds what Strake writes against the table of what was looked up
// in the provider's documentation: the provider itself cannot be asked.
func (r *run) attributes() {
	const advice = "This is a fault of Strake, not of your files: please report it."
	if r.in.Rendered == nil {
		return
	}
	for _, t := range r.roots {
		for _, res := range slices.Concat(t.Resources, t.Data) {
			name := res.Type
			if res.Data {
				name = "data." + name
			}
			kind, known := terraform.Known(name)
			switch {
			case !r.in.Rendered(res.Range.Path) || name == "data.terraform_remote_state":
			case !known:
				r.find("terraform-attribute-unlisted", diag.Error, res, res.Range, "",
					"the type "+name+" is in no table of what Strake may write", advice)
			default:
				r.unlisted(res, kind, advice)
			}
		}
	}
}

func (r *run) unlisted(res *terraform.Resource, kind terraform.Schema, advice string) {
	res.Each(func(path string, v terraform.Value) {
		path = strings.TrimSuffix(blockNumber.ReplaceAllString(path, "$1"), ".")
		if kind.Has(path) || path == "provider" || !r.in.Rendered(v.Range.Path) { // an override's is the user's
			return
		}
		r.find("terraform-attribute-unlisted", diag.Error, res, v.Range, path,
			fmt.Sprintf("%s of %s is in no table of what Strake may write", path, kind.Name), advice)
	})
}
