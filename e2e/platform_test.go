//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"strake/e2e/harness"
	"strake/generator/diag"
	"strake/generator/spec"
)

// environments of the reference platform, in the order of its spec.
func environments(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, name := range []string{"dev", "staging", "prod"} {
		if _, err := os.Stat(filepath.Join(shared.root, "overlays", name)); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// effective is an environment's spec as it was rendered.
func effective(t *testing.T, root, env string) *spec.Effective {
	t.Helper()
	path := filepath.Join("environments", env, "effective.yaml")
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	e, findings := spec.ParseEffective(path, data)
	if findings.AtLeast(diag.Error) {
		t.Fatal(findings)
	}
	return e
}

// strake runs the product in a directory and returns its standard output.
func strake(dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(shared.ctx, shared.strake, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("strake %s: %w\n%s%s", strings.Join(args, " "), err, talk.String(), out.String())
	}
	return out.Bytes(), nil
}

// apps of an environment, in the order in which they are delivered.
func apps(t *testing.T, root, env string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "overlays", env))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return harness.Waves(names)
}

// overlay builds one overlay with the product.
func overlay(t *testing.T, root, env, app string) []*unstructured.Unstructured {
	t.Helper()
	out, err := strake(root, nil, "build", "overlays/"+env+"/"+app)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := harness.Parse(out)
	if err != nil {
		t.Fatalf("%s/%s: %v", env, app, err)
	}
	if len(objects) == 0 {
		t.Fatalf("%s/%s has no objects", env, app)
	}
	return objects
}

// everything is all that an environment renders, app by app.
func everything(t *testing.T, root, env string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, app := range apps(t, root, env) {
		all = append(all, overlay(t, root, env, app)...)
	}
	return all
}

// environmentCluster is the cluster of an environment.
func environmentCluster(t *testing.T, env string) *harness.Cluster {
	t.Helper()
	c, err := shared.rig.StartCluster(shared.ctx, env, harness.Whole())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// logs prints the ends of the logs that matter when a test has failed.
func logs(t *testing.T, components ...string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs:\n%s", shared.rig.Tails(40, components...))
		}
	})
}
