package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// InCluster is how an Argo CD names the cluster that it runs in.
const InCluster = "https://kubernetes.default.svc"

// argocdNamespace is where Argo CD is installed: the service accounts of its
// manifests are bound there.
const argocdNamespace = "argocd"

// Ports of what all Argo CDs of the rig share. The repo-server turns a revision
// of a repository into manifests and knows no cluster.
const (
	redisPort      = 6380
	repoServerPort = 8081
	repoMetrics    = 8084
	// controllerMetrics and the numbers after it, one for each cluster.
	controllerMetrics = 8200
)

// ArgoCD is an Argo CD that manages the cluster it is installed in, as each
// environment has its own.
type ArgoCD struct {
	*Cluster
}

// delivery is what the Argo CDs of a rig share.
type delivery struct {
	once    sync.Once
	failure error
}

// StartArgoCD installs the objects of Argo CD's own manifests (definitions,
// rights, configuration) and runs the application controller with the token of
// its service account: it may do what its rights say. It looks for new commits
// as often as poll says (timeout.reconciliation of argocd-cm). Projects are there
// before it starts: it refuses an application whose project it has not seen yet.
func (c *Cluster) StartArgoCD(ctx context.Context, poll time.Duration, projects ...*unstructured.Unstructured) (*ArgoCD, error) {
	r := c.rig
	r.delivery.once.Do(func() { r.delivery.failure = r.startRepoServer(ctx) })
	if r.delivery.failure != nil {
		return nil, r.delivery.failure
	}
	objects, err := r.argocdObjects()
	if err != nil {
		return nil, err
	}
	if err := c.ApplyAll(ctx, append(objects, projects...)); err != nil {
		return nil, fmt.Errorf("install Argo CD: %w", err)
	}
	kubeconfig, err := c.TokenKubeconfig(ctx, argocdNamespace, "argocd-application-controller")
	if err != nil {
		return nil, err
	}
	metrics := controllerMetrics + c.number
	_, err = r.Start(ctx, Command{
		Name: c.Name + "-argocd-application-controller", Program: "argocd",
		Args: []string{
			fmt.Sprintf("--redis=127.0.0.1:%d", redisPort), fmt.Sprintf("--redisdb=%d", 1+c.number),
			fmt.Sprintf("--repo-server=127.0.0.1:%d", repoServerPort), "--repo-server-plaintext", fmt.Sprintf("--metrics-port=%d", metrics),
			"--self-heal-backoff-timeout-seconds=0", // tests edit the same application again and again
		},
		Env: append(argocdEnv("argocd-application-controller"),
			"KUBECONFIG="+kubeconfig, "ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_RECONCILIATION_TIMEOUT="+poll.String()),
		Ready: Answers(fmt.Sprintf("http://127.0.0.1:%d/healthz", metrics)),
	})
	return &ArgoCD{Cluster: c}, err
}

// Stop ends Argo CD and the cluster that it runs in. The repo-server stays: the
// others use it.
func (a *ArgoCD) Stop() error {
	a.rig.mu.Lock()
	processes := slices.Clone(a.rig.processes)
	a.rig.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(processes) {
		if strings.HasPrefix(p.Name, a.Name+"-") {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// startRepoServer starts redis and the repo-server.
func (r *Rig) startRepoServer(ctx context.Context) error {
	dir, err := r.Dir("argocd")
	if err != nil {
		return err
	}
	_, err = r.Start(ctx, Command{
		Name: "redis", Program: "redis-server",
		Args: []string{"--port", fmt.Sprint(redisPort), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--databases", "64", "--dir", dir},
		Ready: func(ctx context.Context) error {
			out, err := r.Run(ctx, nil, "redis-cli", "-p", fmt.Sprint(redisPort), "ping")
			if err == nil && strings.TrimSpace(out) != "PONG" {
				err = fmt.Errorf("redis answers %q", out)
			}
			return err
		},
	})
	if err != nil {
		return err
	}
	// What it remembers of a branch it forgets before anyone asks again.
	env := append(argocdEnv("argocd-repo-server"), "ARGOCD_RECONCILIATION_TIMEOUT=1s")
	for variable, sub := range map[string]string{"ARGOCD_TLS_DATA_PATH": "tls", "ARGOCD_SSH_DATA_PATH": "ssh", "ARGOCD_GNUPGHOME": "gpg"} {
		path, err := r.Dir("argocd", sub)
		if err != nil {
			return err
		}
		env = append(env, variable+"="+path)
	}
	_, err = r.Start(ctx, Command{
		Name: "argocd-repo-server", Program: "argocd",
		Args: []string{
			"--address=127.0.0.1", fmt.Sprintf("--port=%d", repoServerPort), "--metrics-address=127.0.0.1", fmt.Sprintf("--metrics-port=%d", repoMetrics),
			fmt.Sprintf("--redis=127.0.0.1:%d", redisPort), "--disable-tls",
		},
		Env:   env,
		Ready: Answers(fmt.Sprintf("http://127.0.0.1:%d/healthz", repoMetrics)),
	})
	return err
}

// argocdEnv chooses the program that the one binary is.
func argocdEnv(program string) []string {
	return []string{"ARGOCD_BINARY_NAME=" + program, "ARGOCD_GPG_ENABLED=false"}
}

// argocdObjects reads what the rig applies of Argo CD's manifests: everything
// but what runs it.
func (r *Rig) argocdObjects() ([]*unstructured.Unstructured, error) {
	path, err := r.Source("argocd", "manifests", "core-install.yaml")
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	namespaced := []string{"ConfigMap", "Role", "RoleBinding", "Secret", "ServiceAccount"}
	global := []string{"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
	namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	namespace.SetName(argocdNamespace)
	objects := []*unstructured.Unstructured{namespace}
	for _, o := range all {
		switch {
		case o.GetName() == "applicationsets.argoproj.io": // a megabyte that nothing here reads
			continue
		case slices.Contains(namespaced, o.GetKind()):
			o.SetNamespace(argocdNamespace)
		case !slices.Contains(global, o.GetKind()):
			continue
		}
		if o.GetKind() == "Secret" && o.GetName() == "argocd-secret" {
			// argocd-server makes this key when it starts; the controller waits for it.
			o.Object["stringData"] = map[string]any{"server.secretkey": "throw-away key of a server that does not run"}
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// Application is what the rig reads of an Application.
type Application struct {
	metav1.ObjectMeta `json:"metadata"`
	// Operation is a synchronisation that was asked for and is not done.
	Operation map[string]any `json:"operation"`
	Status    struct {
		Sync struct {
			Status   string `json:"status"`
			Revision string `json:"revision"`
		} `json:"sync"`
		Health struct {
			Status string `json:"status"`
		} `json:"health"`
		ReconciledAt   string               `json:"reconciledAt"`
		Conditions     []Condition          `json:"conditions"`
		Resources      []ManagedResource    `json:"resources"`
		History        []map[string]any     `json:"history"`
		OperationState ApplicationOperation `json:"operationState"`
	} `json:"status"`
}

// Condition of an Application: in Argo CD all of them tell of trouble.
type Condition struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// ManagedResource is an object that an Application delivers.
type ManagedResource struct {
	Group     string `json:"group"`
	Version   string `json:"version"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	Health    struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	} `json:"health"`
}

// Like is an object as Get takes it.
func (m ManagedResource) Like() *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: m.Group, Version: m.Version, Kind: m.Kind})
	o.SetNamespace(m.Namespace)
	o.SetName(m.Name)
	return o
}

func (m ManagedResource) String() string {
	return strings.TrimPrefix(strings.Join([]string{m.Kind, m.Namespace, m.Name}, " "), " ")
}

// ApplicationOperation is the last synchronisation.
type ApplicationOperation struct {
	Phase      string `json:"phase"`
	Message    string `json:"message"`
	StartedAt  string `json:"startedAt"`
	FinishedAt string `json:"finishedAt"`
	SyncResult struct {
		Revision  string `json:"revision"`
		Resources []struct {
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
			Status    string `json:"status"`
			Message   string `json:"message"`
		} `json:"resources"`
	} `json:"syncResult"`
}

// Describe tells in what state an Application is and why.
func (a *Application) Describe() string {
	op := a.Status.OperationState
	lines := []string{fmt.Sprintf("%s: %s, %s at %.8s; last operation %s %s", a.Name, a.Status.Sync.Status, a.Status.Health.Status, a.Status.Sync.Revision, op.Phase, op.Message)}
	for _, c := range a.Status.Conditions {
		lines = append(lines, "  condition "+c.Type+": "+c.Message)
	}
	for _, r := range a.Status.Resources {
		healthy := r.Health.Status == "" || r.Health.Status == "Healthy"
		if r.Status != "Synced" || !healthy {
			lines = append(lines, fmt.Sprintf("  %s: %s %s %s", r, r.Status, r.Health.Status, r.Health.Message))
		}
	}
	for _, r := range op.SyncResult.Resources {
		if r.Status == "SyncFailed" {
			lines = append(lines, fmt.Sprintf("  %s %s %s: %s", r.Kind, r.Namespace, r.Name, r.Message))
		}
	}
	return strings.Join(lines, "\n")
}

func application(name string) *unstructured.Unstructured {
	return ManagedResource{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Namespace: argocdNamespace, Name: name}.Like()
}

// Application reads one.
func (a *ArgoCD) Application(ctx context.Context, name string) (*Application, error) {
	object, err := a.Get(ctx, application(name))
	if err != nil {
		return nil, err
	}
	app := &Application{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, app); err != nil {
		return nil, fmt.Errorf("application %s: %w", name, err)
	}
	return app, nil
}

// refreshAnnotation asks Argo CD to look now. It takes the annotation away when
// it has looked.
const refreshAnnotation = "argocd.argoproj.io/refresh"

// Refresh lets Argo CD compare applications with Git anew and waits until it
// has: with hard, from manifests that it builds again.
func (a *ArgoCD) Refresh(ctx context.Context, hard bool, names ...string) error {
	kind := "normal"
	if hard {
		kind = "hard"
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{refreshAnnotation: kind}}})
	if err != nil {
		return err
	}
	for _, name := range names {
		client, err := a.Resource(application(name).GroupVersionKind(), argocdNamespace)
		if err != nil {
			return err
		}
		if _, err := client.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("refresh %s: %w", name, err)
		}
	}
	return Until(ctx, 2*time.Minute, func(ctx context.Context) error {
		for _, name := range names {
			app, err := a.Application(ctx, name)
			if err != nil {
				return err
			}
			if _, asked := app.Annotations[refreshAnnotation]; asked {
				return fmt.Errorf("the controller has not looked at %s", name)
			}
		}
		return nil
	})
}

// Delivered is nil when applications are Synced with a revision and, when
// asked, Healthy. A synchronisation of that revision that failed is final.
func (a *ArgoCD) Delivered(ctx context.Context, revision string, healthy bool, names ...string) error {
	var errs []error
	for _, name := range names {
		app, err := a.Application(ctx, name)
		if err == nil {
			err = app.delivered(revision, healthy)
		}
		if final, ok := errors.AsType[Final](err); ok {
			return final
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// delivered is nil when the application is where it should be.
func (a *Application) delivered(revision string, healthy bool) error {
	op := a.Status.OperationState
	state := errors.New(a.Describe())
	busy := a.Operation != nil || op.Phase == "Running"
	switch {
	case slices.ContainsFunc(a.Status.Conditions, func(c Condition) bool { return c.Type == "InvalidSpecError" }):
		return Final{state}
	case !busy && op.SyncResult.Revision == revision && (op.Phase == "Failed" || op.Phase == "Error"):
		return Final{state}
	case a.Status.Sync.Status != "Synced" || a.Status.Sync.Revision != revision || busy:
		return state
	case healthy && a.Status.Health.Status != "Healthy":
		return state
	}
	return nil
}
