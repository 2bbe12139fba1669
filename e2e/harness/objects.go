package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Manager is the field manager of everything the rig applies. It is the one
// that Argo CD uses, so that the two do not fight.
const Manager = "argocd-controller"

// Resource returns the client of an object's kind and namespace. Discovery is
// read again when the kind is new.
func (c *Cluster) Resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		mapping, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.Dynamic.Resource(mapping.Resource), nil
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return c.Dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

// Apply is kubectl apply --server-side --force-conflicts with strict field
// validation. With dryRun the server judges and stores nothing.
func (c *Cluster) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	client, err := c.Resource(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: Manager, Force: &force, FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return client.Patch(ctx, object.GetName(), types.ApplyPatchType, data, options)
}

// Create is a POST with strict field validation.
func (c *Cluster) Create(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	client, err := c.Resource(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return nil, err
	}
	options := metav1.CreateOptions{FieldManager: Manager, FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return client.Create(ctx, object, options)
}

// Get reads an object like the one given.
func (c *Cluster) Get(ctx context.Context, like *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := c.Resource(like.GroupVersionKind(), like.GetNamespace())
	if err != nil {
		return nil, err
	}
	return client.Get(ctx, like.GetName(), metav1.GetOptions{})
}

// Delete removes an object and waits until it is gone.
func (c *Cluster) Delete(ctx context.Context, like *unstructured.Unstructured) error {
	client, err := c.Resource(like.GroupVersionKind(), like.GetNamespace())
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	err = client.Delete(ctx, like.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return Until(ctx, 30*time.Second, func(ctx context.Context) error {
		_, err := client.Get(ctx, like.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("%s %s is still there", like.GetKind(), like.GetName())
	})
}

// order of first application: what others need comes first. It is the order in
// which kubectl and Argo CD apply a set of objects.
func order() []string {
	return []string{"Namespace", "CustomResourceDefinition", "PriorityClass", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ResourceQuota", "LimitRange", "ConfigMap", "Secret"}
}

// Sorted returns the objects in the order in which they can be created.
func Sorted(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	rank := func(o *unstructured.Unstructured) int {
		if i := slices.Index(order(), o.GetKind()); i >= 0 {
			return i
		}
		return len(order())
	}
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return sorted
}

// ApplyAll applies a set in order and waits for CRDs to be served. All refusals
// are returned together.
func (c *Cluster) ApplyAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	var errs []error
	for _, object := range Sorted(objects) {
		if _, err := c.Apply(ctx, object, false); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err))
			continue
		}
		if object.GetKind() == "CustomResourceDefinition" {
			if err := c.established(ctx, object); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// established waits until a CRD's kind is served.
func (c *Cluster) established(ctx context.Context, crd *unstructured.Unstructured) error {
	return Until(ctx, 30*time.Second, func(ctx context.Context) error {
		live, err := c.Get(ctx, crd)
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		for _, entry := range conditions {
			condition, _ := entry.(map[string]any)
			if condition["type"] == "Established" && condition["status"] == "True" {
				return nil
			}
		}
		return fmt.Errorf("%s is not established", crd.GetName())
	})
}

// Final is an error that no waiting mends: Until returns it at once.
type Final struct{ Err error }

func (f Final) Error() string { return f.Err.Error() }

// Unwrap returns the error itself.
func (f Final) Unwrap() error { return f.Err }

// Until asks until the answer is nil, a Final error, or the time is over; then
// it returns the last answer.
func Until(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	limit, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := ask(limit)
		var final Final
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final):
			return final.Err
		case last == nil || limit.Err() == nil && !strings.Contains(err.Error(), "would exceed context deadline"): // a client that gives up early
			last = err
		}
		select {
		case <-limit.Done():
			return fmt.Errorf("not within %s: %w", within, last)
		case <-tick.C:
		}
	}
}

// Know reports whether the API server serves a kind.
func (c *Cluster) Know(kind schema.GroupVersionKind) error {
	_, err := c.Resource(kind, "")
	return err
}
