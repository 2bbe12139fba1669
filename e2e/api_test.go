//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"strake/e2e/harness"
)

// kindsWithoutCRD are rendered kinds whose definition is in no Go module that
// the rig can read: nothing here proves them.
var kindsWithoutCRD = []string{}

// expectedWarnings are what the API server says of objects that are right.
var expectedWarnings = []string{
	// The one name that Argo CD gives to a project's finalizer
	// (pkg/apis/application/v1alpha1, ResourcesFinalizerName).
	`metadata.finalizers: "resources-finalizer.argocd.argoproj.io": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`,
}

// TestAPIServer holds every object of every overlay against a real API server:
// first a dry run, then for real, then once more, which must change nothing.
func TestAPIServer(t *testing.T) {
	proves(t, "kube-apiserver", "every object of every overlay is accepted, and applied again changes nothing")
	for _, env := range environments(t) {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			c := environmentCluster(t, env)
			logs(t, env+"-kube-apiserver")
			if err := c.Expect(shared.ctx, everything(t, shared.root, env)); err != nil {
				t.Fatal(err)
			}
			total, unknown := 0, []string{}
			for _, app := range apps(t, shared.root, env) {
				objects := harness.Sorted(overlay(t, shared.root, env, app))
				total += len(objects)
				for _, o := range objects {
					if err := c.Know(o.GroupVersionKind()); err != nil {
						unknown = append(unknown, o.GroupVersionKind().String())
						continue
					}
					if err := applied(shared.ctx, c, o); err != nil {
						t.Errorf("%s: %s %s/%s: %v", app, o.GetKind(), o.GetNamespace(), o.GetName(), err)
					}
				}
			}
			slices.Sort(unknown)
			if diff := cmp.Diff(kindsWithoutCRD, slices.Compact(unknown)); diff != "" {
				t.Errorf("kinds without a definition (-listed +met):\n%s", diff)
			}
			warnings := slices.DeleteFunc(c.Warnings.All(), func(w string) bool { return slices.Contains(expectedWarnings, w) })
			if len(warnings) > 0 {
				t.Errorf("the API server warns:\n%s", strings.Join(warnings, "\n"))
			}
			t.Logf("%d objects", total)
		})
	}
}

// applied judges an object by dry run, applies it, and applies it again.
//
// A dry run stores nothing, so what stands in a Namespace is judged when the
// Namespace is there: objects are taken in order, one after the other.
func applied(ctx context.Context, c *harness.Cluster, o *unstructured.Unstructured) error {
	if _, err := c.Apply(ctx, o, true); err != nil {
		return fmt.Errorf("dry run: %w", err)
	}
	if err := c.ApplyAll(ctx, []*unstructured.Unstructured{o}); err != nil {
		return err
	}
	return unchanged(ctx, c, o)
}

// unchanged applies an object that is there already, first as a dry run, whose
// answer is compared with the object, then for real. Controllers write to the
// same objects: when one did so meanwhile, the question is asked again.
func unchanged(ctx context.Context, c *harness.Cluster, o *unstructured.Unstructured) error {
	return harness.Until(ctx, 10*time.Second, func(ctx context.Context) error {
		before, err := c.Get(ctx, o)
		if err != nil {
			return err
		}
		judged, err := c.Apply(ctx, o, true)
		if err != nil {
			return harness.Final{Err: fmt.Errorf("applied again: %w", err)}
		}
		after, err := c.Get(ctx, o)
		if err != nil {
			return err
		}
		if before.GetResourceVersion() != after.GetResourceVersion() {
			return errors.New("somebody else writes to it")
		}
		if diff := cmp.Diff(wanted(before), wanted(judged)); diff != "" {
			return harness.Final{Err: fmt.Errorf("applied again, it changes:\n%s", diff)}
		}
		_, err = c.Apply(ctx, o, false)
		return err
	})
}

// wanted is an object without what the server and controllers write.
func wanted(o *unstructured.Unstructured) map[string]any {
	c := o.DeepCopy()
	delete(c.Object, "status")
	c.SetResourceVersion("")
	c.SetManagedFields(nil)
	return c.Object
}
