// Command rig starts the control plane of one environment after the other,
// applies the rendered reference platform to each, and leaves them running until
// it is told to stop. It is what e2e/rig.sh up runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"strake/e2e/harness"
	"strake/generator/diag"
	"strake/generator/spec"
)

type options struct{ dir, path, strake, root, ready string }

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "directory of data, logs and kubeconfigs")
	flag.StringVar(&o.path, "path", os.Getenv("PATH"), "where the components are looked up")
	flag.StringVar(&o.strake, "strake", "strake", "the strake program")
	flag.StringVar(&o.root, "root", ".", "repository whose overlays are applied")
	flag.StringVar(&o.ready, "ready", "", "file to make once everything is up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "rig:", err)
		os.Exit(3)
	}
}

func run(ctx context.Context, o options) (err error) {
	rig, err := harness.New(harness.Config{
		Dir: o.dir, Path: o.path, Log: func(line string) { fmt.Println(line) },
		Sources: map[string]string{
			"argocd": os.Getenv("STRAKE_MOD_ARGOCD"), "external-secrets": os.Getenv("STRAKE_MOD_EXTERNAL_SECRETS"),
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rig.Close()) }()
	environments, err := os.ReadDir(filepath.Join(o.root, "overlays"))
	if err != nil {
		return err
	}
	for _, e := range environments {
		if err := deliver(ctx, rig, o, e.Name()); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	fmt.Print(`
The reference platform is applied, one cluster per environment. Pods run without
running anything. To look around:

  e2e/rig.sh exec kubectl get pods -A
  RIG_ENV=prod e2e/rig.sh exec kubectl -n argo get deployments
  e2e/rig.sh down

`)
	if o.ready != "" {
		if err := os.WriteFile(o.ready, nil, 0o644); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return rig.Died()
}

// deliver brings one environment's cluster up and applies its overlays.
func deliver(ctx context.Context, rig *harness.Rig, o options, env string) error {
	cluster, err := rig.StartCluster(ctx, env, harness.Whole())
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(o.root, "environments", env, "effective.yaml"))
	if err != nil {
		return err
	}
	effective, findings := spec.ParseEffective("effective.yaml", data)
	if findings.AtLeast(diag.Error) {
		return fmt.Errorf("effective.yaml: %s", findings[0].Summary)
	}
	if err := cluster.AddNodes(ctx, effective); err != nil {
		return err
	}
	overlays, err := os.ReadDir(filepath.Join(o.root, "overlays", env))
	if err != nil {
		return err
	}
	var apps []string
	for _, overlay := range overlays {
		apps = append(apps, overlay.Name())
	}
	var parts [][]*unstructured.Unstructured
	for _, app := range harness.Waves(apps) {
		dir := "overlays/" + env + "/" + app
		cmd := exec.CommandContext(ctx, o.strake, "build", dir)
		cmd.Dir, cmd.Stderr = o.root, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("strake build %s: %w", dir, err)
		}
		objects, err := harness.Parse(out)
		if err != nil {
			return err
		}
		parts = append(parts, objects)
	}
	if err := cluster.Expect(ctx, slices.Concat(parts...)); err != nil {
		return err
	}
	for _, objects := range parts {
		if err := cluster.ApplyAll(ctx, objects); err != nil {
			return err
		}
	}
	return nil
}
