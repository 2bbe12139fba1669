//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"strake/e2e/harness"
)

// rootApplication delivers the projects and the Applications, itself included.
const rootApplication = "root"

// bootstrapped starts a cluster with the official Argo CD in it, as the rendered
// tree wants it, and does what a person does by hand there, once: the
// installation, its configuration, the project platform and the Application
// root. The tree stands where the rendered Applications say, on github.com.
func bootstrapped(t *testing.T, name, env string, h *hub) *site {
	t.Helper()
	c, err := shared.rig.StartCluster(shared.ctx, name, harness.Whole())
	if err != nil {
		t.Fatal(err)
	}
	logs(t, name+"-argocd")
	e := effective(t, h.clone, env)
	if err := c.AddNodes(shared.ctx, e); err != nil {
		t.Fatal(err)
	}
	s := &site{ArgoCD: &harness.ArgoCD{Cluster: c}, env: env, hub: h, repository: e.Repository.URL}
	t.Cleanup(func() { // nobody else uses it, and it would go on looking
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	h.onGitHub(t)
	h.vendor(t)
	h.replace(t, "environments/platform.yaml", "argocd: {banner: {text: PRODUCTION}}",
		fmt.Sprintf("argocd: {banner: {text: PRODUCTION}, config: {timeout.reconciliation: %s}}", poll))
	if _, err := strake(h.clone, nil, "render"); err != nil {
		t.Fatal(err)
	}
	h.merge(t, "the official Argo CD, which looks for commits more often")
	s.expect(t)
	s.install(t)
	if s.ArgoCD, err = c.RunArgoCD(shared.ctx); err != nil {
		t.Fatal(err)
	}
	for _, app := range apps(t, h.clone, env) {
		if app == "argocd-apps" {
			app = rootApplication
		}
		s.apps = append(s.apps, app)
	}
	return s
}

// onGitHub serves the repository as https://github.com, with a certificate that
// only those trust who were told to.
func (h *hub) onGitHub(t *testing.T) {
	t.Helper()
	address, certificate, err := shared.rig.Host("github.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.StartTLS(address+":443", certificate); err != nil {
		t.Fatal(err)
	}
}

// vendor takes the official manifests of Argo CD, those of the module that its
// programs are built from, into the repository, and has the spec deliver them.
func (h *hub) vendor(t *testing.T) {
	t.Helper()
	manifests, err := shared.rig.Source("argocd", "manifests", "install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.replace(t, "environments/platform.yaml", "install: external", "install: vendored")
	if _, err := strake(h.clone, nil, "vendor", "argocd", "--from", manifests); err != nil {
		t.Fatal(err)
	}
}

// expect puts into the cluster what others install: the definitions of External
// Secrets.
func (s *site) expect(t *testing.T) {
	t.Helper()
	own := func(o *unstructured.Unstructured) bool {
		return o.GetKind() != "ExternalSecret" && o.GetKind() != "SecretStore"
	}
	foreign := slices.DeleteFunc(everything(t, s.hub.clone, s.env), own)
	for _, o := range foreign {
		o.SetNamespace("") // their namespaces come with the tree
	}
	if err := s.Expect(shared.ctx, foreign); err != nil {
		t.Fatal(err)
	}
}

// kubectl is a person at the terminal, an administrator of the cluster.
func (s *site) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.run(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *site) run(args ...string) (string, error) {
	return shared.rig.Run(shared.ctx, []string{"KUBECONFIG=" + s.Kubeconfig}, "kubectl", args...)
}

// apply is kubectl apply, which must not be warned of anything unexpected.
func (s *site) apply(t *testing.T, args ...string) {
	t.Helper()
	out := s.kubectl(t, append([]string{"apply", "--server-side"}, args...)...)
	for line := range strings.Lines(out) {
		warning, warned := strings.CutPrefix(strings.TrimSpace(line), "Warning: ")
		if warned && !slices.Contains(expectedWarnings, warning) {
			t.Errorf("kubectl apply %s: the API server warns: %s", strings.Join(args, " "), warning)
		}
	}
}

// install is what the documentation tells a person to do with Argo CD.
func (s *site) install(t *testing.T) {
	t.Helper()
	overlays := s.hub.clone + "/overlays/" + s.env + "/"
	s.apply(t, "-k", overlays+"argocd-crds")
	// kubectl wait does not wait for a condition that nobody has written yet.
	err := harness.Until(shared.ctx, 30*time.Second, func(context.Context) error {
		_, err := s.run("wait", "--for=condition=Established", "crd/applications.argoproj.io", "crd/appprojects.argoproj.io")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, "-k", overlays+"argocd")
	s.trust(t, "github.com")
}

// trust is argocd cert add-tls: Argo CD takes the rig's authority for a server.
func (s *site) trust(t *testing.T, server string) {
	t.Helper()
	authority, err := os.ReadFile(s.CA())
	if err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(map[string]any{"data": map[string]any{server: string(authority)}})
	if err != nil {
		t.Fatal(err)
	}
	s.kubectl(t, "-n", "argocd", "patch", "configmap", "argocd-tls-certs-cm", "--type=merge", "-p", string(patch))
}

// overlayOf is the overlay that an Application delivers.
func overlayOf(app string) string {
	if app == rootApplication {
		return "argocd-apps"
	}
	return app
}

// plant makes the root, and the project that it needs.
func (s *site) plant(t *testing.T) {
	t.Helper()
	apps := s.hub.clone + "/overlays/" + s.env + "/argocd-apps/"
	s.apply(t, "-f", apps+"platform.appproject.yaml")
	s.apply(t, "-f", apps+"root.application.yaml")
}

// settled waits until Applications are Synced with a revision and Healthy,
// however often one has to try. Meanwhile it does the External Secrets
// Operator's part.
func (s *site) settled(revision string, within time.Duration, names ...string) error {
	return harness.Until(shared.ctx, within, func(ctx context.Context) error {
		if err := s.fetchSecrets(ctx); err != nil {
			return err
		}
		var errs []error
		for _, name := range names {
			app, err := s.Application(ctx, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			at := app.Status.Sync
			if at.Status != "Synced" || at.Revision != revision || app.Status.Health.Status != "Healthy" || app.Operation != nil || app.Status.OperationState.Phase == "Running" {
				errs = append(errs, errors.New(app.Describe()))
			}
		}
		return errors.Join(errs...)
	})
}
