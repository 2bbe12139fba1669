package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"strake/generator/manifest"
	"strake/generator/tree"
)

// run starts the program in a directory and returns its exit code and output.
func run(t testing.TB, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	env := Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &talk, Dir: dir,
		Getenv: func(string) string { return "" },
		Now:    func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
	}
	code = Main(args, env)
	return code, out.String(), talk.String()
}

// edit replaces text in a file; the old text must be there.
func edit(t testing.TB, file, old, now string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not contain %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), old, now, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func reference(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := copyPlatform(repository(t), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBuildIsStockKustomize compares every overlay of the reference platform
// with the kustomize program of the version that is linked.
func TestBuildIsStockKustomize(t *testing.T) {
	t.Parallel()
	root := repository(t)
	kustomize := filepath.Join(root, "bin", "kustomize")
	if _, err := os.Stat(kustomize); err != nil {
		t.Fatalf("%s is not built: make bin/kustomize", kustomize)
	}
	overlays, err := filepath.Glob(filepath.Join(root, "overlays", "*", "*"))
	if err != nil || len(overlays) < 12 {
		t.Fatalf("%d overlays, %v", len(overlays), err)
	}
	for _, overlay := range overlays {
		rel, err := filepath.Rel(root, overlay)
		if err != nil {
			t.Fatal(err)
		}
		want, err := exec.Command(kustomize, "build", overlay).Output()
		if err != nil {
			t.Fatalf("kustomize build %s: %v", rel, err)
		}
		code, got, talk := run(t, root, "build", rel)
		if code != exitClean {
			t.Fatalf("strake build %s: exit %d: %s", rel, code, talk)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-kustomize +strake):\n%s", rel, diff)
		}
	}
}

// loaded opens a directory and reads its spec.
func loaded(t *testing.T, dir string) (*workspace, *platform) {
	t.Helper()
	g := &global{env: Env{Dir: dir, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}, quiet: true}
	w, err := g.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	p, err := w.load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return w, p
}

// objects builds an environment of a directory as it stands on disk.
func objects(t *testing.T, dir, env string) []*manifest.Object {
	t.Helper()
	w, p := loaded(t, dir)
	got, err := objectsOf(context.Background(), stage{name: env, fsys: w.fsys, dirs: overlayDirs(p.comparison.Committed, "", env)})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestOneEnvironmentMoves applies what the pull request of dev contains after
// a change that reaches every environment and every base, and proves that no
// object of staging and prod changes.
func TestOneEnvironmentMoves(t *testing.T) {
	t.Parallel()
	dir := reference(t)
	before := map[string][]*manifest.Object{}
	for _, env := range []string{"dev", "staging", "prod"} {
		before[env] = objects(t, dir, env)
	}
	spec := filepath.Join(dir, "environments", "platform.yaml")
	edit(t, spec, "namespace: argo\n", "namespace: argo-workflows\n")
	edit(t, filepath.Join(dir, "environments", "tenants", "forecasting.yaml"), "GCS_BUCKET_NAME:", "BUCKET_NAME:")
	if code, out, talk := run(t, dir, "render", "--env", "dev"); code != exitClean {
		t.Fatalf("exit %d: %s%s", code, out, talk)
	}
	if len(manifest.Diff(before["dev"], objects(t, dir, "dev"))) < 20 {
		t.Error("dev did not move")
	}
	for _, env := range []string{"staging", "prod"} {
		if changes := manifest.Diff(before[env], objects(t, dir, env)); len(changes) > 0 {
			t.Errorf("%s: %d objects changed, first %s", env, len(changes), changes[0].ID)
		}
	}
	code, out, _ := run(t, dir, "render", "--check")
	if code != exitClean || !strings.Contains(out, "drift-pending") || strings.Contains(out, "error:") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// TestProposalHoldsOneEnvironment looks at what propose would commit.
func TestProposalHoldsOneEnvironment(t *testing.T) {
	t.Parallel()
	dir := reference(t)
	_, p := loaded(t, dir)
	for _, env := range p.names() {
		changes := fileChanges(tree.New(), p.comparison, env)
		if len(changes) < 20 {
			t.Errorf("%s: %d files", env, len(changes))
		}
		for _, c := range changes {
			if !strings.HasPrefix(c.Path, "base/") && !strings.HasPrefix(c.Path, "overlays/"+env+"/") && !strings.HasPrefix(c.Path, "environments/"+env+"/") {
				t.Errorf("the pull request of %s writes %s", env, c.Path)
			}
		}
	}
}
