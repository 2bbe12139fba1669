//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/argoproj/argo-workflows/v3/config"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"strake/e2e/harness"
	"strake/generator/spec"
)

// engine is the rendered platform of staging, which has an archive, with the
// real workflow controller and PostgreSQL. What the tests' own Pods do is said
// by the tests: nothing in them runs.
type engine struct {
	c        *harness.Cluster
	e        *spec.Effective
	rendered map[string][]*unstructured.Unstructured // by app

	persistence config.PersistConfig
	database    *harness.Postgres
	controller  *harness.Process
}

// scenario is something that the platform must be able to do. Where reason is
// set it runs on a tree that was broken on purpose, and must fail for that
// reason: it proves that the same scenario elsewhere can fail at all.
type scenario struct {
	name   string
	proven string // or what was broken
	run    func(context.Context) error
	reason []string // each is part of the error
	// alone keeps the others from running meanwhile: it changes what is theirs too.
	alone bool

	seconds float64
	result  chan error
}

// TestWorkflows runs the reference pipelines under the real workflow controller
// with the rendered configuration, rights and objects.
func TestWorkflows(t *testing.T) {
	w := newEngine(t)
	logs(t, w.c.Name+"-workflow-controller")
	if err := w.refusesWithoutRights(shared.ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := w.start(shared.ctx); err != nil {
		t.Fatal(err)
	}
	record("leads with the token of the rendered account and the rendered configuration; its tables are in PostgreSQL", time.Since(began).Seconds())

	scenarios := slices.Concat(w.runs(), w.retries(), w.reports(), w.proofs())
	go perform(shared.ctx, scenarios)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			err := <-s.result
			switch {
			case len(s.reason) == 0 && err != nil:
				t.Fatal(err)
			case len(s.reason) > 0 && err == nil:
				t.Fatal("the tree is broken and the scenario has not noticed")
			}
			for _, reason := range s.reason {
				if !strings.Contains(err.Error(), reason) {
					t.Errorf("it failed, but not for the reason %q: %v", reason, err)
				}
			}
			if err != nil {
				t.Logf("%s, and it fails as it must: %v", s.proven, err)
			}
			if !t.Failed() && len(s.reason) == 0 {
				record(s.proven, s.seconds)
			}
		})
	}
}

// perform runs scenarios, some at a time, and then those that run alone.
func perform(ctx context.Context, scenarios []*scenario) {
	run := func(s *scenario) {
		began := time.Now()
		limit, cancel := context.WithTimeout(ctx, 90*time.Second)
		defer cancel()
		err := s.run(limit)
		s.seconds = time.Since(began).Seconds()
		s.result <- err
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, 6)
	for _, s := range scenarios {
		if s.alone {
			continue
		}
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			run(s)
		})
	}
	group.Wait()
	for _, s := range scenarios {
		if s.alone {
			run(s)
		}
	}
}

// record enters what was proven into the table, with the seconds of the proof
// itself, since several run at once.
func record(what string, seconds float64) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.rows = append(shared.rows, row{component: "Argo Workflows, PostgreSQL", proven: what, seconds: seconds})
}

// newEngine has everything of staging in place but the process of the
// controller.
func newEngine(t *testing.T) *engine {
	t.Helper()
	w := &engine{e: effective(t, shared.root, "staging"), rendered: map[string][]*unstructured.Unstructured{}}
	for _, app := range apps(t, shared.root, "staging") {
		w.rendered[app] = overlay(t, shared.root, "staging", app)
	}
	w.renderReporting(t)
	if err := w.readPersistence(); err != nil {
		t.Fatal(err)
	}
	var cluster, database error
	var group sync.WaitGroup
	group.Go(func() { cluster = w.startCluster(shared.ctx) })
	group.Go(func() { database = w.startDatabase(shared.ctx) })
	group.Wait()
	if err := errors.Join(cluster, database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.c.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, app := range apps(t, shared.root, "staging") {
		if err := w.c.ApplyAll(shared.ctx, w.rendered[app]); err != nil {
			t.Fatalf("%s: %v", app, err)
		}
		if err := w.c.Secrets(shared.ctx, w.rendered[app], w.secret); err != nil {
			t.Fatalf("%s: %v", app, err)
		}
	}
	return w
}

// startCluster starts the control plane, with the nodes of the environment. The
// Spot pool has grown: more scenarios run at once than two nodes could take, and
// where there is no room on Spot the rendered placement falls back, as it should.
func (w *engine) startCluster(ctx context.Context) error {
	var err error
	if w.c, err = shared.rig.StartCluster(ctx, "staging-workflows", harness.Whole()); err != nil {
		return err
	}
	if err := w.c.AddNodes(ctx, w.e); err != nil {
		return err
	}
	if err := w.c.MoreNodes(ctx, w.e, w.e.Spot.Pool, 10); err != nil {
		return err
	}
	return w.c.Expect(ctx, slices.Concat(slices.Collect(maps.Values(w.rendered))...))
}

// readPersistence reads the archive's settings as the controller does, and
// holds the keys of the Secret they name against the ExternalSecret that makes it.
func (w *engine) readPersistence() error {
	objects := w.rendered["argo-workflows"]
	cm, err := harness.Find(objects, "ConfigMap", "workflow-controller-configmap")
	if err != nil {
		return err
	}
	text, _, err := unstructured.NestedString(cm.Object, "data", "persistence")
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict([]byte(text), &w.persistence); err != nil {
		return fmt.Errorf("persistence: %w", err)
	}
	p := w.persistence.PostgreSQL
	if p == nil || !w.persistence.Archive {
		return fmt.Errorf("staging has no archive in PostgreSQL: %s", text)
	}
	// The proxy of Cloud SQL listens on the pod's own loopback and speaks TLS
	// from there on. So it does not between the controller and the proxy.
	if ip := net.ParseIP(p.Host); ip == nil || !ip.IsLoopback() || p.SSL {
		return fmt.Errorf("the archive is at %s, ssl %t, not at a proxy on loopback without TLS", p.GetHostname(), p.SSL)
	}
	if p.UsernameSecret.Name != p.PasswordSecret.Name {
		return fmt.Errorf("user and password are in two Secrets: %s and %s", p.UsernameSecret.Name, p.PasswordSecret.Name)
	}
	made, err := harness.Find(objects, "ExternalSecret", p.UsernameSecret.Name)
	if err != nil {
		return err
	}
	var keys []string
	entries, _, err := unstructured.NestedSlice(made.Object, "spec", "data")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		keys = append(keys, fmt.Sprint(entry.(map[string]any)["secretKey"]))
	}
	slices.Sort(keys)
	want := []string{p.UsernameSecret.Key, p.PasswordSecret.Key}
	slices.Sort(want)
	if diff := cmp.Diff(want, keys); diff != "" {
		return fmt.Errorf("ExternalSecret %s (-wanted by the controller +made):\n%s", made.GetName(), diff)
	}
	return nil
}

// secret is the value of a key of any Secret: user and password of the archive,
// where the key says so.
func (w *engine) secret(key string) string {
	switch key {
	case w.persistence.PostgreSQL.UsernameSecret.Key:
		return w.database.User
	case w.persistence.PostgreSQL.PasswordSecret.Key:
		return w.database.Password
	default:
		return "a secret of the tests"
	}
}

func (w *engine) startDatabase(ctx context.Context) error {
	p := w.persistence.PostgreSQL
	var err error
	w.database, err = shared.rig.StartPostgres(ctx, harness.Postgres{Port: p.Port, Database: p.Database, User: "archivist", Password: "on-loopback-only"})
	return err
}

// object finds a rendered object of the platform itself.
func (w *engine) object(kind, name string) (*unstructured.Unstructured, error) {
	return harness.Find(w.rendered["argo-workflows"], kind, name)
}

// launch runs the controller in the place of one of the Pods of its Deployment,
// which the cluster has made and placed, and which run nothing.
//
// Four times are shortened, so that nobody waits for them: after what time a
// workflow is looked at again (10 s), how long the controller hopes to see a Pod
// that it has just made (10 s), and how long the result of a lost Pod is waited
// for (2 min, of which one is rendered).
func (w *engine) launch(ctx context.Context) (*harness.Process, error) {
	deployment, err := w.object("Deployment", "workflow-controller")
	if err != nil {
		return nil, err
	}
	var pod string
	err = harness.Until(ctx, 30*time.Second, func(ctx context.Context) error {
		pods, err := w.c.Clients.CoreV1().Pods(deployment.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: "app=workflow-controller"})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			if p.Status.Phase == corev1.PodRunning {
				pod = max(pod, p.Name)
			}
		}
		if pod == "" {
			return fmt.Errorf("none of %d Pods of the workflow controller runs", len(pods.Items))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w.c.StartWorkflowController(ctx, deployment, pod,
		"DEFAULT_REQUEUE_TIME=1s", "TASK_RESULT_TIMEOUT_DURATION=3s", "RECENTLY_DELETED_POD_DURATION=3s", "RECENTLY_STARTED_POD_DURATION=1s")
}

// refusesWithoutRights takes the controller's cluster role away. The controller
// must not start, and must say why; then the binding is put back.
func (w *engine) refusesWithoutRights(ctx context.Context) error {
	binding, err := w.object("ClusterRoleBinding", "argo-binding")
	if err != nil {
		return err
	}
	if err := w.c.Delete(ctx, binding); err != nil {
		return err
	}
	controller, err := w.launch(ctx)
	if err == nil {
		return errors.Join(errors.New("the controller starts without its rights"), controller.Close())
	}
	if !strings.Contains(err.Error(), "is forbidden") || !strings.Contains(err.Error(), "system:serviceaccount:argo:argo") {
		return fmt.Errorf("without its rights the controller does not start, but not for that reason: %w", err)
	}
	_, err = w.c.Apply(ctx, binding, false)
	return err
}

// start starts the controller for the scenarios and looks at its tables, and
// whether it clears the archive after the rendered time.
func (w *engine) start(ctx context.Context) error {
	var err error
	if w.controller, err = w.launch(ctx); err != nil {
		return err
	}
	return harness.Until(ctx, 20*time.Second, func(ctx context.Context) error {
		for _, table := range []string{w.persistence.PostgreSQL.TableName, "argo_archived_workflows", "argo_archived_workflows_labels"} {
			if _, err := w.database.Query(ctx, "select count(*) from "+table); err != nil {
				return err
			}
		}
		log, err := os.ReadFile(w.controller.Log)
		if ttl := fmt.Sprintf(`"ttl":%q`, time.Duration(w.persistence.ArchiveTTL)); err == nil && !bytes.Contains(log, []byte(ttl)) {
			err = fmt.Errorf("the controller does not say %s of the archive", ttl)
		}
		return err
	})
}

// reconfigure changes the controller's ConfigMap and waits until the controller
// has taken the change.
func (w *engine) reconfigure(ctx context.Context, change func(*unstructured.Unstructured)) error {
	cm, err := w.object("ConfigMap", "workflow-controller-configmap")
	if err != nil {
		return err
	}
	cm = cm.DeepCopy()
	change(cm)
	taken := func() (int, error) {
		data, err := os.ReadFile(w.controller.Log)
		return bytes.Count(data, []byte("Configuration updated")), err
	}
	before, err := taken()
	if err != nil {
		return err
	}
	if _, err := w.c.Apply(ctx, cm, false); err != nil {
		return err
	}
	return harness.Until(ctx, 20*time.Second, func(context.Context) error {
		now, err := taken()
		if err == nil && now == before {
			err = errors.New("the controller has not taken its configuration")
		}
		return err
	})
}
