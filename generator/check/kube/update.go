package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/core"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// Updates says what the API server would say to objects that stand in the
// cluster as before has them, and are to be as after has them: that a field
// cannot be changed. What is wrong with an object by itself is Run's to say.
func (c *Checker) Updates(ctx context.Context, before, after []*manifest.Object) diag.List {
	standing := make(map[string]*manifest.Object, len(before))
	for _, o := range before {
		standing[o.ID()] = o
	}
	var findings diag.List
	for _, o := range after {
		old := standing[o.ID()]
		if old == nil || old.APIVersion != o.APIVersion || replaced(o) || reflect.DeepEqual(old.Fields, o.Fields) {
			continue
		}
		findings = append(findings, c.update(ctx, old, o)...)
	}
	return findings.Sorted()
}

// replaced reports whether Argo CD makes the object anew where it cannot be
// changed: with the sync option Force, and for hooks, which by default go before
// they come.
func replaced(o *manifest.Object) bool {
	metadata, _ := o.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	options, _ := annotations["argocd.argoproj.io/sync-options"].(string)
	for option := range strings.SplitSeq(options, ",") {
		if strings.TrimSpace(option) == "Force=true" {
			return true
		}
	}
	_, hook := annotations["argocd.argoproj.io/hook"]
	return hook
}

// update runs rest.BeforeUpdate, as a request does that changes an object.
func (c *Checker) update(ctx context.Context, before, after *manifest.Object) (findings diag.List) {
	defer func() {
		if reason := recover(); reason != nil {
			findings = diag.List{after.Finding("check-failed", diag.Error, nil, fmt.Sprintf("the change of %s could not be validated: %v", after.ID(), reason),
				"The code of the API server failed on this object. Whether the server would take the change is not known.")}
		}
	}()
	gv, err := schema.ParseGroupVersion(after.APIVersion)
	if err != nil {
		return nil
	}
	ctx = asRequest(ctx, gv.WithKind(after.Kind))
	old, _, strategy := c.standing(ctx, before)
	obj, own, _ := c.standing(ctx, after)
	if old == nil || obj == nil || strategy == nil {
		return nil
	}
	settle(before, old, obj)
	ctx = genericapirequest.WithNamespace(warning.WithWarningRecorder(ctx, &warnings{}), namespaceOf(obj))
	rec := &updateRecorder{RESTUpdateStrategy: strategy}
	err = rest.BeforeUpdate(rec, ctx, obj, old)
	for _, e := range rec.errs {
		if !slices.ContainsFunc(own, func(x *field.Error) bool { return x.Type == e.Type && x.Field == e.Field && x.Detail == e.Detail }) {
			findings = append(findings, immutable(after, e))
		}
	}
	if err != nil && len(rec.errs) == 0 && len(own) == 0 {
		findings = append(findings, after.Finding("api-immutable", diag.Error, nil, lowerFirst(err.Error()), ""))
	}
	return findings
}

// immutable reports one field that cannot be changed. Some messages go on with
// a dump of both objects: the diff is the reader's to see.
func immutable(o *manifest.Object, e *field.Error) diag.Diagnostic {
	short := *e
	short.Detail, _, _ = strings.Cut(e.Detail, "\n")
	path := asWritten(o, e.Field)
	at := check.FieldPath(o, path)
	return finding(o, "api-immutable", diag.Error, at, path+": "+describe(o, &short, at),
		"The object stands in the cluster, and the API server refuses this change of it. Take the change back, give the object a new name, or have it deleted and made anew: "+
			"Argo CD does that with the annotation argocd.argoproj.io/sync-options: Replace=true,Force=true.")
}

// updateRecorder keeps the errors of a strategy as values.
type updateRecorder struct {
	rest.RESTUpdateStrategy
	errs field.ErrorList
}

// ValidateUpdate keeps what the strategy says.
func (r *updateRecorder) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	r.errs = r.RESTUpdateStrategy.ValidateUpdate(ctx, obj, old)
	return r.errs
}

// standing is the object as the server keeps it after it was created, with the
// errors that creating it has. It is nil for a kind without a strategy, and for
// what cannot be read: that has a finding of its own.
func (c *Checker) standing(ctx context.Context, o *manifest.Object) (runtime.Object, field.ErrorList, rest.RESTUpdateStrategy) {
	gv, err := schema.ParseGroupVersion(o.APIVersion)
	if err != nil {
		return nil, nil, nil
	}
	for _, cat := range c.catalogues {
		strategy, updates := cat.strategies[schema.GroupKind{Group: gv.Group, Kind: o.Kind}].(rest.RESTUpdateStrategy)
		t, known := cat.goType(gv.WithKind(o.Kind))
		if !updates || !known {
			continue
		}
		data, err := json.Marshal(check.Prune(o.Fields, c.shape.Misfits(map[string]any(o.Fields), t, nil)))
		if err != nil {
			return nil, nil, nil
		}
		obj, _, err := cat.decoder.Decode(data, nil, nil)
		if obj == nil || (err != nil && !runtime.IsStrictDecodingError(err)) {
			return nil, nil, nil
		}
		accessor, err := meta.Accessor(obj)
		if err != nil {
			return nil, nil, nil
		}
		return obj, created(ctx, obj, accessor, cat.strategies[schema.GroupKind{Group: gv.Group, Kind: o.Kind}]), strategy
	}
	return nil, nil, nil
}

// created does to an object what the server does when it is created.
func created(ctx context.Context, obj runtime.Object, accessor metav1.Object, strategy rest.RESTCreateStrategy) field.ErrorList {
	switch {
	case !strategy.NamespaceScoped():
		accessor.SetNamespace("")
	case accessor.GetNamespace() == "":
		accessor.SetNamespace(metav1.NamespaceDefault)
	}
	rest.FillObjectMetaSystemFields(accessor)
	// Both sides are one object; what the server derives from the uid is equal.
	accessor.SetUID(types.UID("00000000-0000-0000-0000-000000000000"))
	accessor.SetCreationTimestamp(metav1.Unix(0, 0))
	accessor.SetResourceVersion("")
	accessor.SetManagedFields(nil)
	if s, ok := obj.(*core.Service); ok {
		normalizeClusterIPs(s)
	}
	rec := &recorder{RESTCreateStrategy: strategy}
	ctx = genericapirequest.WithNamespace(warning.WithWarningRecorder(ctx, &warnings{}), accessor.GetNamespace())
	if err := rest.BeforeCreate(rec, ctx, obj); err != nil {
		return rec.errs
	}
	return nil
}

func namespaceOf(obj runtime.Object) string {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return ""
	}
	return accessor.GetNamespace()
}

// settle gives the old object what a cluster has done to it since, and the new
// one what it keeps of that.
func settle(before *manifest.Object, old, obj runtime.Object) {
	for _, o := range []runtime.Object{old, obj} {
		if accessor, err := meta.Accessor(o); err == nil {
			accessor.SetResourceVersion("1")
		}
	}
	switch o := old.(type) {
	case *core.Service:
		if n, ok := obj.(*core.Service); ok {
			allocate(o, n)
		}
	case *batch.Job:
		// The default of one field follows another, and stays when that changes.
		n, ok := obj.(*batch.Job)
		if _, written := check.Value(before.Fields, before.At("spec", "completions")); ok && !written && n.Spec.Completions == nil {
			n.Spec.Completions = o.Spec.Completions
		}
	case *core.PersistentVolumeClaim:
		// A claim that nothing has bound yet cannot even grow; but it soon is.
		o.Status.Phase = core.ClaimBound
		o.Status.Capacity = o.Spec.Resources.Requests.DeepCopy()
	case *apiextensions.CustomResourceDefinition:
		o.Status.Conditions = []apiextensions.CustomResourceDefinitionCondition{{Type: apiextensions.Established, Status: apiextensions.ConditionTrue}}
		for _, v := range o.Spec.Versions {
			if v.Storage {
				o.Status.StoredVersions = []string{v.Name}
			}
		}
	}
}

// allocate gives a Service the cluster address that it has, and keeps it for an
// object that names none. k8s.io/kubernetes/pkg/registry/core/service/storage,
// patchAllocatedValues.
func allocate(old, obj *core.Service) {
	const address = "10.0.0.1"
	if old.Spec.Type != core.ServiceTypeExternalName && old.Spec.ClusterIP == "" {
		old.Spec.ClusterIP, old.Spec.ClusterIPs = address, []string{address}
		old.Spec.IPFamilies = []core.IPFamily{core.IPv4Protocol}
	}
	if obj.Spec.Type == core.ServiceTypeExternalName {
		return
	}
	if obj.Spec.ClusterIP == "" {
		obj.Spec.ClusterIP = old.Spec.ClusterIP
	}
	if len(obj.Spec.ClusterIPs) == 0 {
		obj.Spec.ClusterIPs = slices.Clone(old.Spec.ClusterIPs)
	}
	if len(obj.Spec.IPFamilies) == 0 {
		obj.Spec.IPFamilies = slices.Clone(old.Spec.IPFamilies)
	}
	if obj.Spec.IPFamilyPolicy == nil {
		obj.Spec.IPFamilyPolicy = old.Spec.IPFamilyPolicy
	}
}
