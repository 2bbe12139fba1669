package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/apis/core"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// create takes one object down the create path of the server that serves its
// group. Of an object of no built-in group only its metadata is judged.
// The second result is the object without what does not fit its type.
func (c *Checker) create(ctx context.Context, o *manifest.Object) (diag.List, *manifest.Object) {
	gv, err := schema.ParseGroupVersion(o.APIVersion)
	if err != nil {
		return diag.List{o.Finding("api-decode", diag.Error, o.At("apiVersion"),
			fmt.Sprintf("apiVersion %q is not a group and a version", o.APIVersion), "Write it as group/version, or v1 for the core group.")}, o
	}
	for _, cat := range c.catalogues {
		if !cat.scheme.IsGroupRegistered(gv.Group) {
			continue
		}
		gvk := gv.WithKind(o.Kind)
		t, known := cat.goType(gvk)
		if !known {
			return diag.List{noSuchKind(o, cat, gvk)}, o
		}
		findings, clean := c.decode(ctx, o, cat, gvk, t)
		return append(findings, managed(o)...), clean
	}
	return append(c.custom(o), managed(o)...), o
}

// noSuchKind is the server's answer to a kind that its group does not have.
func noSuchKind(o *manifest.Object, cat *catalogue, gvk schema.GroupVersionKind) diag.Diagnostic {
	summary := fmt.Sprintf("there is no kind %q in %s", gvk.Kind, gvk.GroupVersion())
	var detail string
	at := o.At("kind")
	if versions := cat.versions(gvk.GroupKind()); len(versions) > 0 {
		at, detail = o.At("apiVersion"), fmt.Sprintf("%s is served as %s.", gvk.Kind, diag.OneOf(versions))
	} else if kind := diag.DidYouMean(gvk.Kind, cat.kinds(gvk.GroupVersion())); kind != "" {
		detail = fmt.Sprintf("Did you mean %q?", kind)
	}
	return o.Finding("api-decode", diag.Error, at, summary, detail)
}

// decode reads the object strictly. What does not fit is reported and left out,
// and the rest goes on to validation, so that one run finds all mistakes.
func (c *Checker) decode(ctx context.Context, o *manifest.Object, cat *catalogue, gvk schema.GroupVersionKind, t reflect.Type) (diag.List, *manifest.Object) {
	misfits := c.shape.Misfits(map[string]any(o.Fields), t, nil)
	var findings diag.List
	for _, m := range misfits {
		findings = append(findings, misfitFinding(o, m))
	}
	clean := o
	if len(misfits) > 0 {
		pruned := *o
		pruned.Fields = check.Prune(o.Fields, misfits)
		clean = &pruned
	}
	findings = append(findings, c.duplicates(clean, t)...)
	data, err := json.Marshal(clean.Fields)
	if err != nil {
		return append(findings, o.Finding("api-decode", diag.Error, nil, "the object cannot be written as JSON: "+err.Error(), "")), clean
	}
	obj, _, err := cat.decoder.Decode(data, nil, nil)
	if err != nil {
		findings = append(findings, undecodable(o, err))
	}
	if obj == nil || (err != nil && !runtime.IsStrictDecodingError(err)) {
		return findings, clean
	}
	strategy, ok := cat.strategies[gvk.GroupKind()]
	if !ok {
		return findings, clean
	}
	return append(findings, validate(asRequest(ctx, gvk), clean, obj, strategy, misfits, findings)...), clean
}

// asRequest says in which version the object came: some strategies judge by it.
func asRequest(ctx context.Context, gvk schema.GroupVersionKind) context.Context {
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{IsResourceRequest: true, APIGroup: gvk.Group, APIVersion: gvk.Version})
}

// misfitFinding reports a field that the type does not have, or a value that it
// cannot hold.
func misfitFinding(o *manifest.Object, m check.Misfit) diag.Diagnostic {
	last := m.Path[len(m.Path)-1].Key
	if !m.Unknown {
		return finding(o, "api-decode", diag.Error, m.Path, fmt.Sprintf("%s has the wrong type: %s", m.Path, m.Reason), "")
	}
	detail := "The API server refuses it, or drops it in silence when validation is off."
	if s := m.Suggestion(); s != "" {
		detail = fmt.Sprintf("Did you mean %q? ", s) + detail
	} else if len(m.Known) <= 12 {
		detail = "Known here: " + strings.Join(m.Known, ", ") + ". " + detail
	}
	return finding(o, "api-decode", diag.Error, m.Path, fmt.Sprintf("unknown field %q", last), detail)
}

// undecodable reports what the decoder refuses and the shape did not explain.
func undecodable(o *manifest.Object, err error) diag.Diagnostic {
	text := strings.TrimPrefix(err.Error(), "strict decoding error: ")
	if isSecret(o) {
		text = "the API server cannot decode it"
	}
	return finding(o, "api-decode", diag.Error, nil, text, "")
}

// finding starts a finding whose source line is masked where a secret stands in
// it.
func finding(o *manifest.Object, rule string, severity diag.Severity, at manifest.Path, summary, detail string) diag.Diagnostic {
	d := o.Finding(rule, severity, at, summary, detail)
	d.Sensitive = isSecret(o) || manifest.IsSensitive(o, at)
	return d
}

func isSecret(o *manifest.Object) bool { return o.Kind == "Secret" && o.Group() == "" }

// recorder keeps the errors of a strategy as values: rest.BeforeCreate turns
// them into text.
type recorder struct {
	rest.RESTCreateStrategy
	errs field.ErrorList
}

func (r *recorder) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	r.errs = r.RESTCreateStrategy.Validate(ctx, obj)
	return r.errs
}

// warnings collects what the server would print to the client.
type warnings struct{ texts []string }

func (w *warnings) AddWarning(_, text string) { w.texts = append(w.texts, text) }

// normalizeClusterIPs does what the Service's storage does ahead of the
// strategy: a client that writes only clusterIP (None, for a headless Service)
// means the list of that one. k8s.io/kubernetes/pkg/registry/core/service/storage.
func normalizeClusterIPs(s *core.Service) {
	if s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0 {
		s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
	}
}

// validate runs rest.BeforeCreate, as a create request does.
func validate(ctx context.Context, o *manifest.Object, obj runtime.Object, strategy rest.RESTCreateStrategy, misfits []check.Misfit, known diag.List) diag.List {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return diag.List{undecodable(o, err)}
	}
	findings := scope(o, accessor, strategy)
	rest.FillObjectMetaSystemFields(accessor)
	if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
		// The server adds five characters of its own.
		accessor.SetName(accessor.GetGenerateName() + "xxxxx")
	}
	if s, ok := obj.(*core.Service); ok {
		normalizeClusterIPs(s)
	}
	said := &warnings{}
	ctx = genericapirequest.WithNamespace(warning.WithWarningRecorder(ctx, said), accessor.GetNamespace())
	rec := &recorder{RESTCreateStrategy: strategy}
	err = rest.BeforeCreate(rec, ctx, obj)
	for _, e := range distinct(o, rec.errs) {
		if !explained(e, misfits) {
			findings = append(findings, invalid(o, e))
		}
	}
	var status apierrors.APIStatus
	switch {
	case err == nil || len(rec.errs) > 0:
	case errors.As(err, &status) && status.Status().Details != nil && len(status.Status().Details.Causes) > 0:
		// Metadata is validated after, and apart from, the strategy.
		for _, cause := range status.Status().Details.Causes {
			summary, detail := withoutExample(cause.Field + ": " + lowerFirst(cause.Message))
			findings = append(findings, finding(o, "api-invalid", diag.Error, check.FieldPath(o, cause.Field), summary, detail))
		}
	default:
		findings = append(findings, o.Finding("api-invalid", diag.Error, nil, lowerFirst(err.Error()), ""))
	}
	for _, text := range said.texts {
		if d := warned(o, text); !repeats(d, known) && !classOfGKE(accessor, text) {
			findings = append(findings, d)
		}
	}
	return findings
}

// distinct drops what the server says twice: of two lists of supported values
// the later, narrower one stays; an error of a field that a default filled in
// from another field goes when that other field has the same one.
func distinct(o *manifest.Object, errs field.ErrorList) field.ErrorList {
	var out field.ErrorList
	for i, e := range errs {
		repeated := slices.ContainsFunc(errs[i+1:], func(later *field.Error) bool {
			return later.Field == e.Field && later.Type == e.Type && later.Type == field.ErrorTypeNotSupported
		})
		if _, written := check.Value(o.Fields, check.FieldPath(o, e.Field)); !written && e.Type == field.ErrorTypeInvalid {
			repeated = repeated || slices.ContainsFunc(errs, func(other *field.Error) bool {
				return other != e && other.Type == e.Type && other.Detail == e.Detail && reflect.DeepEqual(plain(other.BadValue), plain(e.BadValue))
			})
		}
		if !repeated {
			out = append(out, e)
		}
	}
	return out
}

// plain makes an int32 and the IntOrString of the same number equal.
func plain(value any) string { return fmt.Sprint(value) }

// asWritten turns a field of the server's internal CRD, which keeps what all
// versions share in one place, into that of the first version.
func asWritten(o *manifest.Object, path string) string {
	if o.Kind != "CustomResourceDefinition" {
		return path
	}
	for _, f := range []struct{ internal, written string }{
		{"spec.validation.", "spec.versions[0].schema."},
		{"spec.subresources", "spec.versions[0].subresources"},
		{"spec.additionalPrinterColumns", "spec.versions[0].additionalPrinterColumns"},
	} {
		if rest, ok := strings.CutPrefix(path, f.internal); ok {
			return f.written + rest
		}
	}
	return path
}

// scope compares the object's namespace with the kind's scope, and puts a
// namespaced object without one where a request would have to go.
func scope(o *manifest.Object, accessor metav1.Object, strategy rest.RESTCreateStrategy) diag.List {
	switch {
	case strategy.NamespaceScoped() && o.Namespace == "":
		accessor.SetNamespace(metav1.NamespaceDefault)
		return diag.List{o.Finding("api-namespace", diag.Info, o.At("metadata"),
			fmt.Sprintf("%s %s names no namespace: it lands wherever it is applied to", o.Kind, o.Name),
			"Set namespace: in the kustomization, unless the delivery tool sets it on purpose.")}
	case !strategy.NamespaceScoped() && o.Namespace != "":
		accessor.SetNamespace("")
		return diag.List{o.Finding("api-namespace", diag.Warning, o.At("metadata", "namespace"),
			fmt.Sprintf("%s is not namespaced: the API server drops the namespace %q", o.Kind, o.Namespace),
			"Remove the field: the object is one for the whole cluster, and two environments that share a cluster share it.")}
	default:
		return nil
	}
}

// explained reports whether an error only follows from a misfit: what is
// missing stands there under another name, or with another type.
func explained(e *field.Error, misfits []check.Misfit) bool {
	return slices.ContainsFunc(misfits, func(m check.Misfit) bool {
		if !m.Unknown {
			return strings.HasPrefix(e.Field, m.Path.String())
		}
		meant := m.Suggestion()
		if meant == "" || e.Type != field.ErrorTypeRequired {
			return false
		}
		right := slices.Clone(m.Path)
		right[len(right)-1].Key = meant
		return strings.HasPrefix(e.Field, right.String())
	})
}

// invalid reports one error of a strategy.
func invalid(o *manifest.Object, e *field.Error) diag.Diagnostic {
	path := asWritten(o, e.Field)
	at := check.FieldPath(o, path)
	summary, detail := withoutExample(path + ": " + describe(o, e, at))
	if e.Type == field.ErrorTypeNotSupported {
		detail = supported(e)
	}
	return finding(o, "api-invalid", diag.Error, at, summary, detail)
}

// withoutExample moves the example that the server's messages on names end with
// to the detail, and drops the regular expression.
func withoutExample(text string) (summary, detail string) {
	summary, example, found := strings.Cut(text, " (e.g. ")
	if !found {
		return text, ""
	}
	example, _, _ = strings.Cut(example, ", regex used")
	return summary, "For example " + strings.Join(strings.Fields(strings.TrimSuffix(example, ")")), " ") + "."
}

// describe is the error's body. Values that are not short scalars, and all
// values of a Secret, are left out.
func describe(o *manifest.Object, e *field.Error, at manifest.Path) string {
	if isSecret(o) || manifest.IsSensitive(o, at) || !isShort(e.BadValue) {
		text := lowerFirst(e.Type.String())
		if e.Detail != "" {
			text += ": " + e.Detail
		}
		return text
	}
	return lowerFirst(e.ErrorBody())
}

func isShort(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return len(v) <= 100
	default:
		text := fmt.Sprint(v)
		kind := reflect.Indirect(reflect.ValueOf(value)).Kind()
		return len(text) <= 100 && kind != reflect.Struct && kind != reflect.Map && kind != reflect.Slice
	}
}

// supported turns "supported values: "A", "B"" into advice.
func supported(e *field.Error) string {
	_, list, found := strings.Cut(e.Detail, "supported values: ")
	got, isString := e.BadValue.(string)
	if !found {
		return ""
	}
	if !isString {
		got = fmt.Sprint(e.BadValue)
	}
	var values []string
	for part := range strings.SplitSeq(list, ", ") {
		values = append(values, strings.Trim(part, `"`))
	}
	if meant := diag.DidYouMean(got, values); meant != "" {
		return fmt.Sprintf("Did you mean %q?", meant)
	}
	return ""
}

// warned reports one of the server's warnings, which begin with a field path
// where they are about a field.
func warned(o *manifest.Object, text string) diag.Diagnostic {
	var at manifest.Path
	if prefix, _, found := strings.Cut(text, ": "); found && !strings.Contains(prefix, " ") {
		if path := check.FieldPath(o, prefix); len(path) > 0 && o.Fields[path[0].Key] != nil {
			at = path
		}
	}
	return finding(o, "api-warning", diag.Warning, at, lowerFirst(text), "")
}

// classOfGKE reports whether a warning is about the one way to choose the class
// of a GKE Ingress: its controller reads the annotation alone.
// https://cloud.google.com/kubernetes-engine/docs/concepts/ingress#controller_summary
func classOfGKE(object metav1.Object, text string) bool {
	const annotation = "kubernetes.io/ingress.class"
	class := object.GetAnnotations()[annotation]
	return (class == "gce" || class == "gce-internal") && strings.Contains(text, strconv.Quote(annotation)+" is deprecated")
}

// repeats reports whether a warning is about a field that has a finding anyway.
func repeats(d diag.Diagnostic, known diag.List) bool {
	return d.Field != "" && slices.ContainsFunc(known, func(k diag.Diagnostic) bool {
		return k.Field == d.Field || strings.HasPrefix(k.Field, d.Field+".")
	})
}

// lowerFirst makes a sentence of the server a summary of ours: "Invalid value"
// becomes "invalid value", "CPU" stays.
func lowerFirst(s string) string {
	if len(s) < 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'a' || s[1] > 'z' {
		return strings.TrimSuffix(s, ".")
	}
	return strings.TrimSuffix(strings.ToLower(s[:1])+s[1:], ".")
}
