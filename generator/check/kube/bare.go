package kube

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/discovery"
	discoveryvalidation "k8s.io/kubernetes/pkg/apis/discovery/validation"
)

// bare is the strategy of a namespaced kind whose own one lies in a package
// that brings controllers with it. It validates with the same functions; what
// the server would drop or warn of beside that is not known.
type bare[T runtime.Object] struct {
	runtime.ObjectTyper
	names.NameGenerator
	create func(T) field.ErrorList
	update func(obj, old T) field.ErrorList
}

func bareOf[T runtime.Object](create func(T) field.ErrorList, update func(obj, old T) field.ErrorList) rest.RESTCreateStrategy {
	return bare[T]{legacyscheme.Scheme, names.SimpleNameGenerator, create, update}
}

func endpoints() rest.RESTCreateStrategy {
	return bareOf[*core.Endpoints](corevalidation.ValidateEndpointsCreate, corevalidation.ValidateEndpointsUpdate)
}

func endpointSlices() rest.RESTCreateStrategy {
	return bareOf[*discovery.EndpointSlice](discoveryvalidation.ValidateEndpointSliceCreate, discoveryvalidation.ValidateEndpointSliceUpdate)
}

// The methods below make bare a rest.RESTCreateStrategy and a
// rest.RESTUpdateStrategy.

func (bare[T]) NamespaceScoped() bool                                            { return true }
func (bare[T]) PrepareForCreate(context.Context, runtime.Object)                 {}
func (bare[T]) PrepareForUpdate(context.Context, runtime.Object, runtime.Object) {}
func (bare[T]) Canonicalize(runtime.Object)                                      {}
func (bare[T]) WarningsOnCreate(context.Context, runtime.Object) []string        { return nil }
func (bare[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
func (bare[T]) AllowCreateOnUpdate() bool      { return false }
func (bare[T]) AllowUnconditionalUpdate() bool { return true }

func (p bare[T]) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return p.create(obj.(T))
}

func (p bare[T]) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return p.update(obj.(T), old.(T))
}
