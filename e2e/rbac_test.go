//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"strake/e2e/harness"
	"strake/generator/check"
	"strake/generator/check/argocd"
	"strake/generator/manifest"
)

// verdict is one question to the policy of Argo CD, and what shall be answered.
type verdict struct {
	subject, action, resource, object string
	may                               bool
}

// verdicts are what the reference platform promises: a tenant's group sees,
// syncs and restarts its own, and nothing of others; on-call sees and syncs
// everything; administrators do everything; everybody else nothing.
func verdicts() []verdict {
	const restart, elsewhere = "action/apps/Deployment/restart", "vision/vision"
	const own, platform = "forecasting/forecasting", "platform/argo-workflows"
	var out []verdict
	ask := func(subject string, may bool, questions ...[3]string) {
		for _, q := range questions {
			out = append(out, verdict{subject: subject, action: q[0], resource: q[1], object: q[2], may: may})
		}
	}
	ask("forecasting@example.com", true,
		[3]string{"get", "applications", own}, [3]string{"sync", "applications", own}, [3]string{"get", "logs", own}, [3]string{restart, "applications", own},
		[3]string{"get", "projects", "forecasting"})
	ask("forecasting@example.com", false,
		[3]string{"create", "applications", own}, [3]string{"update", "applications", own}, [3]string{"delete", "applications", own}, [3]string{"override", "applications", own},
		[3]string{"create", "exec", own}, [3]string{"get", "applications", elsewhere}, [3]string{"sync", "applications", elsewhere}, [3]string{"get", "logs", elsewhere},
		[3]string{restart, "applications", elsewhere}, [3]string{"get", "applications", platform}, [3]string{"sync", "applications", platform},
		[3]string{"get", "clusters", "*"}, [3]string{"update", "projects", "forecasting"}, [3]string{"get", "repositories", "*"})
	ask("vision@example.com", true, [3]string{"sync", "applications", elsewhere}, [3]string{"get", "logs", elsewhere})
	ask("vision@example.com", false, [3]string{"sync", "applications", own}, [3]string{"delete", "applications", platform}, [3]string{"create", "exec", elsewhere})
	ask("mlops-oncall@example.com", true,
		[3]string{"get", "applications", own}, [3]string{"sync", "applications", platform}, [3]string{"get", "logs", elsewhere}, [3]string{restart, "applications", own}, [3]string{"get", "clusters", "*"})
	ask("mlops-oncall@example.com", false,
		[3]string{"delete", "applications", own}, [3]string{"override", "applications", platform}, [3]string{"create", "exec", own}, [3]string{"update", "projects", "platform"})
	ask("mlops@example.com", true,
		[3]string{"create", "applications", platform}, [3]string{"delete", "applications", own}, [3]string{"create", "exec", own}, [3]string{"update", "clusters", "*"})
	ask("somebody@example.com", false, [3]string{"get", "applications", own}, [3]string{"get", "projects", "forecasting"})
	ask("role:readonly", true, [3]string{"get", "applications", platform})
	ask("role:readonly", false, [3]string{"sync", "applications", platform})
	return out
}

// policyOf is what decides in an environment: the ConfigMap with the policy, and
// the projects.
type policyOf struct {
	config   *unstructured.Unstructured
	projects []*unstructured.Unstructured
}

// input is the policy as the checks see it.
func (p policyOf) input() (*check.Input, error) {
	in := &check.Input{Environment: "prod"}
	for i, o := range append([]*unstructured.Unstructured{p.config}, p.projects...) {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		objects, findings := manifest.Split(fmt.Sprintf("%d.yaml", i), text)
		if len(findings) > 0 {
			return nil, fmt.Errorf("%s: %v", o.GetName(), findings)
		}
		in.Overlays = append(in.Overlays, check.Overlay{Dir: fmt.Sprint(i), Objects: objects})
	}
	return in, nil
}

// file is the policy as "argocd admin settings rbac can" reads it. The command
// knows no projects: the roles of the one that is asked about are written below
// the policy, as the server does.
func (p policyOf) file(project string) (string, error) {
	config := p.config.DeepCopy()
	csv, _, err := unstructured.NestedString(config.Object, "data", "policy.csv")
	if err != nil {
		return "", err
	}
	for _, o := range p.projects {
		if o.GetName() != project {
			continue
		}
		roles, _, err := unstructured.NestedSlice(o.Object, "spec", "roles")
		if err != nil {
			return "", err
		}
		for _, r := range roles {
			role := r.(map[string]any)
			subject := fmt.Sprintf("proj:%s:%s", project, role["name"])
			csv += fmt.Sprintf("p, %s, projects, get, %s, allow\n", subject, project)
			lines, _, _ := unstructured.NestedStringSlice(role, "policies")
			groups, _, _ := unstructured.NestedStringSlice(role, "groups")
			csv += strings.Join(lines, "\n") + "\n"
			for _, g := range groups {
				csv += fmt.Sprintf("g, %s, %s\n", g, subject)
			}
		}
	}
	if err := unstructured.SetNestedField(config.Object, csv, "data", "policy.csv"); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(config.Object)
	return string(text), err
}

// nowhere lets the command make a client that it never uses.
const nowhere = `apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {token: none}}]
current-context: none
`

// can asks the argocd command.
func can(ctx context.Context, dir, policy string, v verdict) (bool, error) {
	kubeconfig, file := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "policy.yaml")
	if err := errors.Join(os.WriteFile(kubeconfig, []byte(nowhere), 0o600), os.WriteFile(file, []byte(policy), 0o600)); err != nil {
		return false, err
	}
	out, err := shared.rig.Run(ctx, []string{"ARGOCD_BINARY_NAME=argocd", "KUBECONFIG=" + kubeconfig}, "argocd",
		"admin", "settings", "rbac", "can", v.subject, v.action, v.resource, v.object, "--policy-file", file)
	switch answer := strings.TrimSpace(out); {
	case answer == "Yes" && err == nil:
		return true, nil
	case answer == "No" && err != nil: // it exits with 1
		return false, nil
	default:
		return false, fmt.Errorf("argocd admin settings rbac can: %q: %w", answer, err)
	}
}

// agree asks Argo CD's command and Strake, and compares both with what is
// promised. It returns what they disagree about.
func agree(ctx context.Context, dir string, p policyOf) error {
	in, err := p.input()
	if err != nil {
		return err
	}
	checker := argocd.New()
	table := verdicts()
	wrong := make([]error, len(table))
	var wait sync.WaitGroup
	for i, v := range table {
		wait.Go(func() {
			own := filepath.Join(dir, fmt.Sprint(i))
			project, _, _ := strings.Cut(v.object, "/")
			policy, err := p.file(project)
			if err := errors.Join(err, os.MkdirAll(own, 0o700)); err != nil {
				wrong[i] = err
				return
			}
			real, err := can(ctx, own, policy, v)
			strake := checker.May(in, v.subject, v.resource, v.action, v.object)
			if err != nil || real != v.may || strake != real {
				wrong[i] = errors.Join(err, fmt.Errorf("%s, %s %s %s: want %t, argocd says %t, Strake %t", v.subject, v.action, v.resource, v.object, v.may, real, strake))
			}
		})
	}
	wait.Wait()
	return errors.Join(wrong...)
}

// TestRBAC holds the rendered policy against Argo CD's own verdicts.
func TestRBAC(t *testing.T) {
	t.Parallel()
	proves(t, "Argo CD", "the rendered RBAC policy gives each group what is promised and nothing else; Strake's verdicts are those of argocd admin settings rbac can")
	if n := len(verdicts()); n < 30 {
		t.Fatalf("%d verdicts are too few", n)
	}
	var p policyOf
	config, err := harness.Find(overlay(t, shared.root, "prod", "argocd"), "ConfigMap", "argocd-rbac-cm")
	if err != nil {
		t.Fatal(err)
	}
	p.config = config
	for _, o := range overlay(t, shared.root, "prod", "argocd-apps") {
		if o.GetKind() == "AppProject" {
			p.projects = append(p.projects, o)
		}
	}
	if len(p.projects) < 3 {
		t.Fatalf("%d projects", len(p.projects))
	}
	if err := agree(shared.ctx, t.TempDir(), p); err != nil {
		t.Error(err)
	}
	// The proof: a line too many is noticed, by both.
	broken := policyOf{config: p.config.DeepCopy(), projects: slices.Clone(p.projects)}
	csv, _, _ := unstructured.NestedString(broken.config.Object, "data", "policy.csv")
	if err := unstructured.SetNestedField(broken.config.Object, csv+"p, vision@example.com, applications, sync, */*, allow\n", "data", "policy.csv"); err != nil {
		t.Fatal(err)
	}
	err = agree(shared.ctx, t.TempDir(), broken)
	if want := "vision@example.com, sync applications forecasting/forecasting: want false, argocd says true, Strake true"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("with a line too many: %v, want %s", err, want)
	}
}
