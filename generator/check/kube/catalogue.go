package kube

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"strake/generator/check"
)

// catalogue is one server's kinds with what it does when one is created.
type catalogue struct {
	scheme     *runtime.Scheme
	decoder    runtime.Decoder
	strategies map[schema.GroupKind]rest.RESTCreateStrategy
}

func newCatalogue(scheme *runtime.Scheme, strategies map[schema.GroupKind]rest.RESTCreateStrategy) *catalogue {
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	return &catalogue{scheme: scheme, decoder: codecs.UniversalDecoder(), strategies: strategies}
}

// builtin is kube-apiserver.
func builtin() *catalogue {
	return newCatalogue(legacyscheme.Scheme, strategies())
}

// extensions is apiextensions-apiserver, which serves CRDs. It has a scheme of
// its own.
func extensions() *catalogue {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return newCatalogue(scheme, map[schema.GroupKind]rest.RESTCreateStrategy{
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: customresourcedefinition.NewStrategy(scheme),
	})
}

// depth says how far the catalogue judges a kind. Every kind of a built-in
// group is answered for, also one that does not exist.
func (c *catalogue) depth(apiVersion, kind string) check.Depth {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || !c.scheme.IsGroupRegistered(gv.Group) {
		return check.Unknown
	}
	if _, ok := c.strategies[schema.GroupKind{Group: gv.Group, Kind: kind}]; ok && c.scheme.Recognizes(gv.WithKind(kind)) {
		return check.Full
	}
	return check.Decoded
}

// goType is the type that the server decodes a kind into.
func (c *catalogue) goType(gvk schema.GroupVersionKind) (reflect.Type, bool) {
	t, ok := c.scheme.AllKnownTypes()[gvk]
	return t, ok
}

// kinds lists the kinds of an API version, and the versions of a kind.
func (c *catalogue) kinds(gv schema.GroupVersion) []string {
	return slices.Sorted(maps.Keys(c.scheme.KnownTypes(gv)))
}

func (c *catalogue) versions(gk schema.GroupKind) []string {
	var out []string
	for _, gv := range c.scheme.VersionsForGroupKind(gk) {
		if _, gone := removedAPI(gv.String(), gk.Kind); !gone {
			out = append(out, gv.String())
		}
	}
	return out
}
