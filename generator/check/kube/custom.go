package kube

import (
	"fmt"
	"reflect"
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// custom judges what the server judges of an object of any kind, also of one
// whose CustomResourceDefinition is not at hand: its metadata.
func (c *Checker) custom(o *manifest.Object) diag.List {
	fields, isMap := o.Fields["metadata"].(map[string]any)
	if !isMap {
		return nil
	}
	base := o.At("metadata")
	misfits := c.shape.Misfits(fields, reflect.TypeFor[metav1.ObjectMeta](), base)
	var findings diag.List
	for _, m := range misfits {
		// The kinds of Argo Workflows are decoded as a whole, elsewhere.
		if o.Group() != "argoproj.io" {
			findings = append(findings, misfitFinding(o, m))
		}
	}
	pruned := check.Prune(o.Fields, misfits)
	var metadata metav1.ObjectMeta
	if !convert(pruned["metadata"].(map[string]any), &metadata) {
		return findings
	}
	if metadata.Name == "" && metadata.GenerateName != "" {
		metadata.Name = metadata.GenerateName + "xxxxx"
	}
	metadata.ManagedFields = nil // see managed
	// Whether the kind is namespaced is its definition's to say.
	namespaced := metadata.Namespace != ""
	errs := apivalidation.ValidateObjectMeta(&metadata, namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	for _, e := range errs {
		if !explained(e, misfits) {
			findings = append(findings, invalid(o, e))
		}
	}
	return append(findings, c.duplicateMetadata(o, fields, base)...)
}

// duplicateMetadata finds items of metadata that server-side apply cannot tell
// apart.
func (c *Checker) duplicateMetadata(o *manifest.Object, fields map[string]any, at manifest.Path) diag.List {
	var findings diag.List
	c.walk(o, fields, reflect.TypeFor[metav1.ObjectMeta](), at, &findings)
	return findings
}

// managed reports what the server itself keeps in an object: an export of a
// live object has it, and server-side apply takes none of it.
func managed(o *manifest.Object) diag.List {
	path := o.At("metadata", "managedFields")
	value, _ := check.Value(o.Fields, path)
	if list, ok := value.([]any); !ok || len(list) == 0 {
		return nil
	}
	return diag.List{o.Finding("api-invalid", diag.Error, slices.Clip(path),
		fmt.Sprintf("%s: it is the server's to write, and server-side apply refuses an object that has it", path),
		"Remove it, and what else the server writes: creationTimestamp, generation, resourceVersion, selfLink, uid and status.")}
}
