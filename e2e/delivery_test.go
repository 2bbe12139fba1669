//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"strake/e2e/github"
	"strake/e2e/harness"
)

// Who works on the repository of the tests.
const (
	robotToken  = "robot-token"
	personToken = "person-token"
)

// hub is the stand-in for GitHub with the reference platform on main, and a
// person's clone of it.
type hub struct {
	*github.Server
	api   string // URL
	git   string // URL, as Argo CD fetches
	clone string // directory
}

// platform is the reference platform of this repository, file by file.
func platform(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, top := range []string{"base", "overlays", "environments", ".gitattributes", ".gitignore"} {
		err := filepath.WalkDir(filepath.Join(shared.root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(shared.root, path)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(path)
			files[filepath.ToSlash(name)] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// newHub serves the platform of this repository under the name that its spec
// has.
func newHub(t *testing.T) *hub {
	t.Helper()
	files := platform(t)
	// In the rig's directory, which goes with the run however it ends.
	dir, err := shared.rig.Dir("github", t.Name())
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{clone: filepath.Join(dir, "clone")}
	h.Server, err = github.New(github.Config{
		Dir: dir, Owner: "example", Name: "mlops-gitops", Files: files, DeleteBranchOnMerge: true,
		Tokens: map[string]github.Token{
			robotToken:  {Login: "strake[bot]", Kind: github.App, Permissions: map[string]github.Access{"contents": github.Write, "pull_requests": github.Write}},
			personToken: {Login: "person"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.api, err = h.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("GitHub stand-in: %v", err)
		}
		if unknown := h.Unknown(); len(unknown) > 0 {
			t.Errorf("requests that the stand-in does not know: %v", unknown)
		}
	})
	h.git = h.api + "/example/mlops-gitops.git"
	h.run(t, "", "clone", "-q", strings.Replace(h.git, "http://", "http://person:"+personToken+"@", 1), h.clone)
	h.run(t, h.clone, "config", "user.name", "person")
	h.run(t, h.clone, "config", "user.email", "person@example.com")
	return h
}

// run is git in a directory.
func (h *hub) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(shared.ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// replace changes text in a file of the clone, where it must stand.
func (h *hub) replace(t *testing.T, path, old, text string) {
	t.Helper()
	full := filepath.Join(h.clone, path)
	data, err := os.ReadFile(full)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(full, []byte(strings.ReplaceAll(string(data), old, text)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// merge commits what changed in the clone on a branch, merges the branch into
// main with a merge commit and pushes. It returns the merge commit.
func (h *hub) merge(t *testing.T, subject string) string {
	t.Helper()
	h.run(t, h.clone, "checkout", "-q", "-b", "change")
	h.run(t, h.clone, "add", "-A")
	h.run(t, h.clone, "commit", "-q", "-m", subject)
	h.run(t, h.clone, "checkout", "-q", "main")
	h.run(t, h.clone, "merge", "-q", "--no-ff", "-m", "Merge: "+subject, "change")
	h.run(t, h.clone, "branch", "-q", "-d", "change")
	h.run(t, h.clone, "push", "-q", "origin", "main")
	return h.run(t, h.clone, "rev-parse", "HEAD")
}

// pull brings the clone to main and returns the commit.
func (h *hub) pull(t *testing.T) string {
	t.Helper()
	h.run(t, h.clone, "pull", "-q", "--ff-only")
	return h.run(t, h.clone, "rev-parse", "HEAD")
}

// site is an environment's cluster with its own Argo CD and an Application for
// each overlay.
type site struct {
	*harness.ArgoCD
	env        string
	hub        *hub
	repository string // URL that the rendered Applications have
	apps       []string
}

// newSite starts a cluster with an Argo CD in it, which looks for new commits as
// often as poll says. It delivers nothing yet.
func newSite(t *testing.T, name, env string, parts harness.Parts, poll time.Duration, h *hub) *site {
	t.Helper()
	c, err := shared.rig.StartCluster(shared.ctx, name, parts)
	if err != nil {
		t.Fatal(err)
	}
	logs(t, name+"-argocd", "argocd-repo-server")
	if parts.Nodes {
		if err := c.AddNodes(shared.ctx, effective(t, h.clone, env)); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{env: env, hub: h, apps: apps(t, h.clone, env)}
	// These Applications are the test's own, and so are their projects: what
	// Argo CD is told about itself is not theirs to deliver.
	s.apps = slices.DeleteFunc(s.apps, func(app string) bool { return strings.HasPrefix(app, "argocd") })
	var all []*unstructured.Unstructured
	for _, app := range s.apps {
		all = append(all, overlay(t, h.clone, env, app)...)
	}
	if err := c.Expect(shared.ctx, all); err != nil {
		t.Fatal(err)
	}
	projects, err := s.projects()
	if err != nil {
		t.Fatal(err)
	}
	if s.ArgoCD, err = c.StartArgoCD(shared.ctx, poll, projects...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // nobody else uses it, and it would go on looking
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// isTenant reports whether an overlay is a tenant's own, and not the platform's.
func (s *site) isTenant(app string) bool { return slices.Contains(s.apps, app+"-guardrails") }

// namespace of an overlay, "" for one without.
func (s *site) namespace(app string) (string, error) {
	data, err := os.ReadFile(filepath.Join(s.hub.clone, "overlays", s.env, app, "kustomization.yaml"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if name, found := strings.CutPrefix(line, "namespace: "); found {
			return strings.TrimSpace(name), nil
		}
	}
	return "", nil
}

// Projects beside those of the tenants, which have their names: the platform's,
// and one that forbids nothing, as Argo CD's default project.
const (
	platformProject = "platform"
	openProject     = "open"
)

// projects of a site.
func (s *site) projects() ([]*unstructured.Unstructured, error) {
	anything := []any{map[string]any{"group": "*", "kind": "*"}}
	// What a tenant's overlay holds.
	tenants := []any{
		map[string]any{"group": "", "kind": "ConfigMap"},
		map[string]any{"group": "external-secrets.io", "kind": "ExternalSecret"},
		map[string]any{"group": "argoproj.io", "kind": "WorkflowTemplate"},
		map[string]any{"group": "argoproj.io", "kind": "CronWorkflow"},
	}
	list := []*unstructured.Unstructured{
		project(platformProject, s.hub.git, "*", anything, anything),
		project(openProject, "*", "*", anything, anything),
	}
	for _, app := range s.apps {
		if !s.isTenant(app) {
			continue
		}
		namespace, err := s.namespace(app)
		if err != nil {
			return nil, err
		}
		list = append(list, project(app, s.hub.git, namespace, []any{}, tenants))
	}
	return list, nil
}

// project is an AppProject: what its applications may bring from where to where.
func project(name, repository, namespace string, cluster, namespaced []any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
		"metadata": map[string]any{"name": name, "namespace": "argocd"},
		"spec": map[string]any{
			"sourceRepos":                []any{repository},
			"destinations":               []any{map[string]any{"server": harness.InCluster, "namespace": namespace}},
			"clusterResourceWhitelist":   cluster,
			"namespaceResourceWhitelist": namespaced,
		},
	}}
}

// application brings a directory of a repository to a namespace.
func (s *site) application(name, project, repository, revision, path, namespace string) *unstructured.Unstructured {
	destination := map[string]any{"server": harness.InCluster}
	if namespace != "" {
		destination["namespace"] = namespace
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{"name": name, "namespace": "argocd"},
		"spec": map[string]any{
			"project":     project,
			"source":      map[string]any{"repoURL": repository, "targetRevision": revision, "path": path},
			"destination": destination,
			"syncPolicy": map[string]any{
				"automated":   map[string]any{"prune": true, "selfHeal": true},
				"syncOptions": []any{"CreateNamespace=false", "ServerSideApply=true", "PruneLast=true", "ApplyOutOfSyncOnly=true", "RespectIgnoreDifferences=true", "FailOnSharedResource=true"},
				// Nothing is expected to need a second attempt.
				"retry": map[string]any{"limit": int64(0)},
			},
		},
	}}
}

// deliver makes the applications, wave after wave as the platform's
// Argo CD will, and waits for each.
func (s *site) deliver(t *testing.T, revision string, healthy bool) error {
	t.Helper()
	crds := func(app string) bool { return strings.HasSuffix(app, "-crds") }
	for _, wave := range []func(string) bool{
		crds,
		func(app string) bool { return !crds(app) && !s.isTenant(app) },
		s.isTenant,
	} {
		began := time.Now()
		names := slices.DeleteFunc(slices.Clone(s.apps), func(app string) bool { return !wave(app) })
		for _, app := range names {
			if err := s.applyOwn(app); err != nil {
				return fmt.Errorf("%s: application %s: %w", s.env, app, err)
			}
		}
		if err := s.delivered(revision, healthy, names...); err != nil {
			return fmt.Errorf("%s: %w", s.env, err)
		}
		t.Logf("%s: %s in %.1f s", s.env, strings.Join(names, ", "), time.Since(began).Seconds())
	}
	return nil
}

// applyOwn makes the test's own Application of an overlay.
func (s *site) applyOwn(app string) error {
	namespace, err := s.namespace(app)
	if err != nil {
		return err
	}
	project := platformProject
	if s.isTenant(app) {
		project = app
	}
	_, err = s.Apply(shared.ctx, s.application(app, project, s.hub.git, "main", "overlays/"+s.env+"/"+app, namespace), false)
	return err
}

// delivered waits for applications, and does the External Secrets Operator's
// part meanwhile.
func (s *site) delivered(revision string, healthy bool, names ...string) error {
	return harness.Until(shared.ctx, 3*time.Minute, func(ctx context.Context) error {
		if err := s.fetchSecrets(ctx); err != nil {
			return err
		}
		return s.Delivered(ctx, revision, healthy, names...)
	})
}

// fetchSecrets reports every SecretStore and ExternalSecret as ready, as the
// External Secrets Operator does, which does not run here.
func (s *site) fetchSecrets(ctx context.Context) error {
	for _, resource := range []string{"secretstores", "externalsecrets"} {
		client := s.Dynamic.Resource(schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: resource})
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, o := range list.Items {
			if _, done, _ := unstructured.NestedSlice(o.Object, "status", "conditions"); done {
				continue
			}
			status, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
				"type": "Ready", "status": "True", "reason": "Valid", "message": "the test says so", "lastTransitionTime": metav1.Now(),
			}}}})
			if err != nil {
				return err
			}
			if _, err := client.Namespace(o.GetNamespace()).Patch(ctx, o.GetName(), types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
				return err
			}
		}
	}
	return nil
}

// managed lists what the applications have delivered.
func (s *site) managed(ctx context.Context) ([]harness.ManagedResource, error) {
	var all []harness.ManagedResource
	for _, name := range s.apps {
		app, err := s.Application(ctx, name)
		if err != nil {
			return nil, err
		}
		if len(app.Status.Resources) == 0 {
			return nil, fmt.Errorf("application %s delivers nothing", name)
		}
		all = append(all, app.Status.Resources...)
	}
	return all, nil
}

// snapshot is every delivered object as it is stored.
type snapshot map[string]*unstructured.Unstructured

func (s *site) snapshot(ctx context.Context) (snapshot, error) {
	managed, err := s.managed(ctx)
	if err != nil {
		return nil, err
	}
	out := snapshot{}
	for _, m := range managed {
		if out[m.String()], err = s.Get(ctx, m.Like()); err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
	}
	return out, nil
}

// unmoved holds the cluster against an earlier snapshot: no object came, went or
// was written. What controllers report in a status is no write.
func (s *site) unmoved(ctx context.Context, before snapshot) error {
	after, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for name, o := range before {
		now, there := after[name]
		if !there {
			errs = append(errs, fmt.Errorf("%s: %s is not delivered any more", s.env, name))
		} else if diff := cmp.Diff(written(o), written(now)); diff != "" {
			errs = append(errs, fmt.Errorf("%s: %s was written:\n%s", s.env, name, diff))
		}
	}
	for name := range after {
		if before[name] == nil {
			errs = append(errs, fmt.Errorf("%s: %s is new", s.env, name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// written is an object without what its status moves. Who wrote which field,
// and when, is part of it.
func written(o *unstructured.Unstructured) map[string]any {
	stored := o.DeepCopy()
	unstructured.RemoveNestedField(stored.Object, "status")
	if stored.GetKind() == "Application" {
		// Its status is no subresource: what its controller reports, and what it is
		// asked, counts as written.
		unstructured.RemoveNestedField(stored.Object, "operation")
		unstructured.RemoveNestedField(stored.Object, "metadata", "annotations", "argocd.argoproj.io/refresh")
		stored.SetGeneration(0)
		stored.SetManagedFields(nil)
	}
	stored.SetResourceVersion("")
	stored.SetManagedFields(slices.DeleteFunc(stored.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Subresource != "" }))
	return stored.Object
}

// value reads one string of a live object.
func (s *site) value(ctx context.Context, like *unstructured.Unstructured, fields ...string) (string, error) {
	live, err := s.Get(ctx, like)
	if err != nil {
		return "", err
	}
	text, _, err := unstructured.NestedString(live.Object, fields...)
	return text, err
}

// object names an object of the core or of another group.
func object(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}
