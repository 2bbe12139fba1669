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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"strake/e2e/harness"
)

// poll is how long Argo CD may take to see a new commit by itself (by default
// three minutes).
const poll = 5 * time.Second

// TestArgoCD delivers an environment with the official Argo CD, from a real git
// server, through the rendered Applications and projects.
func TestArgoCD(t *testing.T) {
	t.Parallel()
	s := bootstrapped(t, "argocd-prod", "prod", newHub(t))
	t.Run("installation", func(t *testing.T) {
		proves(t, "kube-apiserver, Argo CD", "the official manifests of Argo CD, vendored, with the rendered overlay: built by stock kustomize, accepted without a warning; its programs run with the rendered ConfigMaps")
		testInstallation(t, s)
	})
	t.Run("root", func(t *testing.T) {
		proves(t, "Argo CD", "from the rendered Application root alone every overlay of an environment becomes Synced and Healthy, whole, and stays so without being applied again")
		testRoot(t, s)
	})
	if t.Failed() {
		return
	}
	t.Run("self-heal", func(t *testing.T) {
		proves(t, "Argo CD", "a hand edit in the cluster, of the platform's objects or a tenant's, is healed within seconds; with selfHeal: false it is not")
		testSelfHeal(t, s)
	})
	t.Run("update and prune", func(t *testing.T) {
		proves(t, "Argo CD", "one merge commit that changes two Applications is picked up and rolled out by both; what its revert removes is pruned")
		testUpdate(t, s)
	})
	t.Run("tenant's project", func(t *testing.T) {
		proves(t, "Argo CD", "a tenant's Application cannot leave the rendered project: namespaces, kinds, repositories")
		testProject(t, s)
	})
	if t.Failed() {
		return
	}
	t.Run("confirmation", func(t *testing.T) {
		proves(t, "Argo CD", "a Namespace that leaves Git stays until somebody confirms it, and then goes")
		testConfirmation(t, s)
	})
}

// testInstallation holds what the running Argo CD says of itself against the
// spec. That the API server takes it all was seen when it was applied.
func testInstallation(t *testing.T, s *site) {
	want := effective(t, s.hub.clone, s.env).ArgoCD
	// It starts anew when it has made its own keys.
	err := harness.Until(shared.ctx, 30*time.Second, func(ctx context.Context) error {
		got, err := s.Settings(ctx)
		if err != nil {
			return err
		}
		if got.URL != want.URL || got.OIDCConfig.Issuer != want.SSO.OIDC.Issuer || got.OIDCConfig.ClientID != want.SSO.OIDC.ClientID || !got.UserLoginsDisabled || want.Admin {
			err = harness.Final{Err: fmt.Errorf("argocd-server has not the rendered argocd-cm: %+v", got)}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testRoot(t *testing.T, s *site) {
	head := s.hub.run(t, s.hub.clone, "rev-parse", "HEAD")
	began := time.Now()
	s.plant(t)
	if err := s.settled(head, 3*time.Minute, s.apps...); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d Applications, Synced and Healthy in %.1f s", len(s.apps), time.Since(began).Seconds())
	for _, app := range s.apps {
		var want []string
		for _, o := range overlay(t, s.hub.clone, s.env, overlayOf(app)) {
			want = append(want, harness.ManagedResource{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}.String())
		}
		live, err := s.Application(shared.ctx, app)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range live.Status.Resources {
			got = append(got, r.String())
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: what Argo CD manages (+) is not what Strake builds (-):\n%s", app, diff)
		}
	}
	if err := steady(shared.ctx, s, nil); err != nil {
		t.Fatal(err)
	}
	// The proof: an object that does not stay as it was applied is noticed.
	if err := steady(shared.ctx, s, handEdits(s)[0].make); !errors.Is(err, errRestless) {
		t.Errorf("with an object that another writer changes: %v, want %v", err, errRestless)
	}
	if err := s.delivered(head, true, s.apps...); err != nil {
		t.Fatal(err)
	}
}

// errRestless is Argo CD applying again what it has applied.
var errRestless = errors.New("it does not come to rest")

// steady is nil when Argo CD, looking again, finds nothing to do: after building
// every manifest anew, and after its own time to look has come. A disturbance
// comes between.
func steady(ctx context.Context, s *site, disturb func(context.Context) error) error {
	before := map[string]*harness.Application{}
	for _, name := range s.apps {
		app, err := s.Application(ctx, name)
		if err != nil {
			return err
		}
		before[name] = app
	}
	objects, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	if disturb != nil {
		if err := disturb(ctx); err != nil {
			return err
		}
	}
	if err := s.Refresh(ctx, true, s.apps...); err != nil {
		return err
	}
	looked := map[string]string{}
	return harness.Until(ctx, 6*poll, func(ctx context.Context) error {
		var waiting []error
		for _, name := range s.apps {
			app, err := s.Application(ctx, name)
			if err != nil {
				return err
			}
			was := before[name].Status
			if app.Status.Sync.Status != "Synced" || len(app.Status.History) != len(was.History) || app.Status.OperationState.StartedAt != was.OperationState.StartedAt {
				return harness.Final{Err: fmt.Errorf("%w:\n%s", errRestless, app.Describe())}
			}
			if looked[name] == "" {
				looked[name] = app.Status.ReconciledAt
			}
			if app.Status.ReconciledAt == looked[name] {
				waiting = append(waiting, fmt.Errorf("the controller has not looked at %s again by itself", name))
			}
		}
		if len(waiting) > 0 {
			return errors.Join(waiting...)
		}
		if err := s.unmoved(ctx, objects); err != nil {
			return harness.Final{Err: fmt.Errorf("objects are written though nothing changed: %w", err)}
		}
		return nil
	})
}

// handEdit is a change that a person makes in the cluster.
type handEdit struct {
	app  string
	make func(context.Context) error
	// healed is nil when the cluster is as Git says.
	healed func(context.Context) error
}

// handEdits: a value of the platform's is overwritten, one of a tenant's, and an
// object deleted.
func handEdits(s *site) []handEdit {
	config := object("v1", "ConfigMap", "argo", "workflow-controller-configmap")
	tenants := object("v1", "ConfigMap", "forecasting", "app-config")
	wall := object("networking.k8s.io/v1", "NetworkPolicy", "forecasting", "default-deny")
	return []handEdit{
		{
			app: "argo-workflows",
			make: func(ctx context.Context) error {
				_, err := s.Clients.CoreV1().ConfigMaps("argo").Patch(ctx, config.GetName(), types.MergePatchType,
					[]byte(`{"data": {"parallelism": "999"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
				return err
			},
			healed: func(ctx context.Context) error {
				got, err := s.value(ctx, config, "data", "parallelism")
				if err == nil && got != "200" {
					err = fmt.Errorf("parallelism is %q, Git says 200", got)
				}
				return err
			},
		},
		{
			app: "forecasting",
			make: func(ctx context.Context) error {
				_, err := s.Clients.CoreV1().ConfigMaps("forecasting").Patch(ctx, tenants.GetName(), types.MergePatchType,
					[]byte(`{"data": {"BIGQUERY_DATASET_NAME": "by-hand"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
				return err
			},
			healed: func(ctx context.Context) error {
				got, err := s.value(ctx, tenants, "data", "BIGQUERY_DATASET_NAME")
				if err == nil && got != "btcusd" {
					err = fmt.Errorf("the data set is %q, Git says btcusd", got)
				}
				return err
			},
		},
		{
			app: "forecasting-guardrails",
			make: func(ctx context.Context) error {
				return s.Clients.NetworkingV1().NetworkPolicies("forecasting").Delete(ctx, wall.GetName(), metav1.DeleteOptions{})
			},
			healed: func(ctx context.Context) error {
				_, err := s.Get(ctx, wall)
				return err
			},
		},
	}
}

// errLeft is an edit that Argo CD saw and left as it was.
var errLeft = errors.New("the edit is seen and left")

// healed makes an edit and waits until Argo CD has taken it back. One that it
// has seen twice without doing anything is not going to be taken back.
func healed(ctx context.Context, s *site, e handEdit) error {
	if err := e.healed(ctx); err != nil {
		return fmt.Errorf("before the edit: %w", err)
	}
	was, err := s.Application(ctx, e.app)
	if err != nil {
		return err
	}
	if err := e.make(ctx); err != nil {
		return err
	}
	seen := 0
	return harness.Until(ctx, 30*time.Second, func(ctx context.Context) error {
		err := e.healed(ctx)
		if err == nil {
			return s.Delivered(ctx, was.Status.Sync.Revision, true, e.app)
		}
		if err := s.Refresh(ctx, false, e.app); err != nil {
			return err
		}
		app, failure := s.Application(ctx, e.app)
		if failure != nil {
			return failure
		}
		idle := app.Operation == nil && app.Status.OperationState.StartedAt == was.Status.OperationState.StartedAt
		if app.Status.Sync.Status == "OutOfSync" && idle {
			seen++
		}
		if seen > 1 {
			return harness.Final{Err: fmt.Errorf("%w: %w\n%s", errLeft, err, app.Describe())}
		}
		return err
	})
}

// seconds is how long Argo CD may take to heal what it watches.
const seconds = 10 * time.Second

func testSelfHeal(t *testing.T, s *site) {
	for _, e := range handEdits(s) {
		began := time.Now()
		if err := healed(shared.ctx, s, e); err != nil {
			t.Fatalf("%s: %v", e.app, err)
		}
		took := time.Since(began)
		t.Logf("%s: healed after %.1f s", e.app, took.Seconds())
		if took > seconds {
			t.Errorf("%s: healed after %s, want %s", e.app, took, seconds)
		}
	}
	// The proof: where the spec says selfHeal: false the same edits stay, and Argo
	// CD says so.
	before := s.hub.run(t, s.hub.clone, "rev-parse", "HEAD")
	s.hub.replace(t, "environments/platform.yaml", "argocd: {banner: {text: PRODUCTION}", "argocd: {sync: {selfHeal: false}, banner: {text: PRODUCTION}")
	s.change(t, "no self-heal")
	for _, e := range handEdits(s) {
		if err := healed(shared.ctx, s, e); !errors.Is(err, errLeft) {
			t.Errorf("%s, selfHeal: false: %v, want %v", e.app, err, errLeft)
		}
	}
	s.hub.run(t, s.hub.clone, "checkout", "-q", before, "--", ".")
	s.change(t, "self-heal again")
	for _, e := range handEdits(s) {
		if err := harness.Until(shared.ctx, 30*time.Second, e.healed); err != nil {
			t.Errorf("%s, selfHeal: true again: %v", e.app, err)
		}
	}
}

// change renders what the clone's spec says of the Applications, merges it and
// waits until the root has brought it.
func (s *site) change(t *testing.T, subject string) {
	t.Helper()
	if _, err := strake(s.hub.clone, nil, "render"); err != nil {
		t.Fatal(err)
	}
	head := s.hub.merge(t, subject)
	if err := s.Refresh(shared.ctx, false, rootApplication); err != nil {
		t.Fatal(err)
	}
	if err := s.delivered(head, true, rootApplication); err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
}

// testUpdate merges a change of the spec, then its revert.
func testUpdate(t *testing.T, s *site) {
	h, ctx := s.hub, shared.ctx
	config := object("v1", "ConfigMap", "argo", "workflow-controller-configmap")
	added := object("v1", "ConfigMap", "ml-vision", "thresholds")
	server := object("apps/v1", "Deployment", "argo", "argo-server")
	checksum := []string{"spec", "template", "metadata", "annotations", "checksum/workflow-controller-configmap"}
	first, err := s.value(ctx, server, checksum...)
	if err != nil || first == "" {
		t.Fatalf("checksum %q, %v", first, err)
	}

	h.replace(t, "environments/platform.yaml", "parallelism: {total: 200, ", "parallelism: {total: 240, ")
	h.replace(t, "environments/tenants/vision.yaml", "config:\n", "config:\n    thresholds: {IOU: \"0.5\"}\n")
	if _, err := strake(h.clone, nil, "render"); err != nil {
		t.Fatal(err)
	}
	// Nobody tells Argo CD: it looks by itself.
	merge := h.merge(t, "more at once, and thresholds")
	if err := s.delivered(merge, true, s.apps...); err != nil {
		t.Fatalf("the merge commit is not delivered: %v", err)
	}
	if got, err := s.value(ctx, config, "data", "parallelism"); err != nil || got != "240" {
		t.Errorf("parallelism is %q after the merge, want 240 (%v)", got, err)
	}
	if got, err := s.value(ctx, added, "data", "IOU"); err != nil || got != "0.5" {
		t.Errorf("the added ConfigMap holds %q, want 0.5 (%v)", got, err)
	}
	second, err := s.value(ctx, server, checksum...)
	if err != nil || second == first {
		t.Errorf("argo-server is not rolled out with the new configuration: checksum %q, %v", second, err)
	}

	h.run(t, h.clone, "revert", "-m", "1", "--no-edit", "HEAD")
	h.run(t, h.clone, "push", "-q", "origin", "main")
	back := h.run(t, h.clone, "rev-parse", "HEAD")
	if err := s.Refresh(ctx, false, s.apps...); err != nil {
		t.Fatal(err)
	}
	if err := s.delivered(back, true, s.apps...); err != nil {
		t.Fatalf("the revert is not delivered: %v", err)
	}
	if _, err := s.Get(ctx, added); !apierrors.IsNotFound(err) {
		t.Errorf("the ConfigMap whose file was removed is not pruned: %v", err)
	}
	if got, err := s.value(ctx, config, "data", "parallelism"); err != nil || got != "200" {
		t.Errorf("parallelism is %q after the revert, want 200 (%v)", got, err)
	}
	if got, err := s.value(ctx, server, checksum...); err != nil || got != first {
		t.Errorf("argo-server is not rolled back: checksum %q, want %q, %v", got, first, err)
	}
}

// attempt is something that a tenant's Application must not do.
type attempt struct {
	name      string
	manifest  string
	apiGroup  string // apiVersion
	kind      string
	namespace string // that the object would be in
	target    string // namespace of the Application; "" is the tenant's
	foreign   bool   // from a repository that the project does not name
	want      string
}

func attempts() []attempt {
	return []attempt{
		{name: "other-namespace", apiGroup: "v1", kind: "ConfigMap", namespace: "argo", want: "namespace argo is not permitted in project 'forecasting'"},
		{name: "cluster-role", apiGroup: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", manifest: "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n", want: "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project forecasting"},
		{name: "new-namespace", apiGroup: "v1", kind: "Namespace", want: "resource :Namespace is not permitted in project forecasting"},
		{name: "own-quota", apiGroup: "v1", kind: "ResourceQuota", namespace: "forecasting", manifest: "spec: {hard: {pods: '10000'}}\n", want: "resource :ResourceQuota is not permitted in project forecasting"},
		{name: "own-rights", apiGroup: "rbac.authorization.k8s.io/v1", kind: "Role", namespace: "forecasting", manifest: "rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]\n", want: "resource rbac.authorization.k8s.io:Role is not permitted in project forecasting"},
		{name: "other-target", apiGroup: "v1", kind: "ConfigMap", namespace: "argo", target: "argo", want: "do not match any of the allowed destinations in project 'forecasting'"},
		{name: "other-repository", apiGroup: "v1", kind: "ConfigMap", namespace: "forecasting", foreign: true, want: "is not permitted in project 'forecasting'"},
	}
}

// errPassed is an attempt that was let through.
var errPassed = errors.New("the project let it through")

// fenced makes every attempt as an Application of a project. It is nil when each
// is refused, with the reason that the tenant's project gives, and nothing was
// written.
func fenced(ctx context.Context, s *site, project string) error {
	var errs []error
	for _, a := range attempts() {
		target, repository := "forecasting", s.repository
		if a.target != "" {
			target = a.target
		}
		if a.foreign { // the same one under a name that the project does not list
			repository = s.hub.git
		}
		app := s.application("attempt-"+a.name, project, repository, "attempts", a.name, target)
		if _, err := s.Apply(ctx, app, false); err != nil {
			return err
		}
	}
	for _, a := range attempts() {
		err := harness.Until(ctx, 30*time.Second, func(ctx context.Context) error { return refused(ctx, s, a) })
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a.name, err))
		}
		like := object(a.apiGroup, a.kind, a.namespace, "attempt-"+a.name)
		if _, err := s.Get(ctx, like); err == nil {
			errs = append(errs, fmt.Errorf("%s: %s was written", a.name, a.kind))
		} else if !apierrors.IsNotFound(err) {
			return err
		}
		// The next run begins without any of it.
		if err := s.Delete(ctx, object("argoproj.io/v1alpha1", "Application", "argocd", "attempt-"+a.name)); err != nil {
			return err
		}
		if err := s.Delete(ctx, like); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// refused is nil once Argo CD has said why an attempt is not to be.
func refused(ctx context.Context, s *site, a attempt) error {
	app, err := s.Application(ctx, "attempt-"+a.name)
	if err != nil {
		return err
	}
	said := app.Describe()
	invalid := false
	for _, condition := range app.Status.Conditions {
		invalid = invalid || condition.Type == "InvalidSpecError"
	}
	phase := app.Status.OperationState.Phase
	switch {
	case strings.Contains(said, a.want) && (invalid || phase == "Failed"):
		return nil
	case phase == "Succeeded":
		return harness.Final{Err: fmt.Errorf("%w:\n%s", errPassed, said)}
	case invalid || phase == "Failed" || phase == "Error":
		return harness.Final{Err: fmt.Errorf("refused for another reason than %q:\n%s", a.want, said)}
	default:
		return fmt.Errorf("no verdict yet:\n%s", said)
	}
}

func testProject(t *testing.T, s *site) {
	files := map[string]string{}
	for _, a := range attempts() {
		namespace := ""
		if a.namespace != "" {
			namespace = ", namespace: " + a.namespace
		}
		files[a.name+"/object.yaml"] = fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: attempt-%s%s}\n%s", a.apiGroup, a.kind, a.name, namespace, a.manifest)
	}
	if _, err := s.hub.Push("attempts", "tenant", files); err != nil {
		t.Fatal(err)
	}
	anything := []any{map[string]any{"group": "*", "kind": "*"}}
	if _, err := s.Apply(shared.ctx, project(openProject, "*", "*", anything, anything), false); err != nil {
		t.Fatal(err)
	}
	if err := fenced(shared.ctx, s, "forecasting"); err != nil {
		t.Error(err)
	}
	// The proof: in a project that allows everything each of them passes.
	err := fenced(shared.ctx, s, openProject)
	for _, a := range attempts() {
		if err == nil || !strings.Contains(err.Error(), a.name+": "+errPassed.Error()) {
			t.Errorf("%s is refused by a project that allows everything: %v", a.name, err)
		}
	}
}

// errGone is a Namespace that went without being asked for.
var errGone = errors.New("it goes, and nobody has confirmed it")

// moved moves the tenant vision to another namespace, by a change of the spec.
// What stands in the one before, and whoever runs in it, would go with it. It is
// nil when Argo CD waits for a word about that, also when it looks again.
func moved(t *testing.T, s *site, from, to string) error {
	t.Helper()
	ctx := shared.ctx
	s.hub.replace(t, "environments/tenants/vision.yaml", "namespace: "+from, "namespace: "+to)
	s.change(t, "vision moves to "+to)
	want := "Waiting for pruning confirmation of v1/Namespace/" + from
	waits := func(ctx context.Context) error {
		if err := s.fetchSecrets(ctx); err != nil {
			return err
		}
		if live, err := s.Get(ctx, object("v1", "Namespace", "", from)); err != nil || live.GetDeletionTimestamp() != nil {
			return harness.Final{Err: errors.Join(fmt.Errorf("namespace %s: %w", from, errGone), err)}
		}
		live, err := s.Application(ctx, "vision-guardrails")
		if err != nil {
			return err
		}
		if op := live.Status.OperationState; op.Phase != "Running" || op.Message != want {
			return errors.New(live.Describe())
		}
		return nil
	}
	if err := harness.Until(ctx, time.Minute, waits); err != nil {
		return err
	}
	if err := s.Refresh(ctx, true, "vision-guardrails"); err != nil {
		return err
	}
	return waits(ctx)
}

func testConfirmation(t *testing.T, s *site) {
	// The namespace that comes is not one of those whose going somebody confirms;
	// the one that goes still is.
	s.hub.replace(t, "environments/platform.yaml", "argocd: {banner: {text: PRODUCTION}", "argocd: {sync: {confirmDelete: [PersistentVolumeClaim]}, banner: {text: PRODUCTION}")
	if err := moved(t, s, "ml-vision", "vision"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(shared.ctx, object("v1", "Namespace", "", "vision")); err != nil {
		t.Errorf("the namespace that comes: %v", err)
	}
	s.kubectl(t, "-n", "argocd", "annotate", "application", "vision-guardrails", "argocd.argoproj.io/deletion-approved="+time.Now().UTC().Format(time.RFC3339))
	err := s.settled(s.hub.run(t, s.hub.clone, "rev-parse", "HEAD"), 2*time.Minute, "vision-guardrails")
	if err != nil {
		t.Fatalf("after the confirmation: %v", err)
	}
	if _, err := s.Get(shared.ctx, object("v1", "Namespace", "", "ml-vision")); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is confirmed to go and still there: %v", err)
	}
	// The proof: the other one goes without a word.
	if err := moved(t, s, "vision", "ml-vision"); !errors.Is(err, errGone) {
		t.Errorf("with a Namespace that needs no confirmation: %v, want %v", err, errGone)
	}
}
