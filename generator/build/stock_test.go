package build_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"strake/generator/build"
	"strake/generator/diag"
)

// stock finds the command whose output ours must equal: STRAKE_KUSTOMIZE, or
// bin/kustomize as `make bin/kustomize` builds it. Only a machine that has
// neither and cannot build one skips, and says so.
func stock(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	command := os.Getenv("STRAKE_KUSTOMIZE")
	if command == "" {
		command = filepath.Join(root, "bin", "kustomize")
		if _, err := os.Stat(command); err != nil {
			command = filepath.Join(t.TempDir(), "kustomize")
			make := exec.Command("go", "build", "-o", command, "sigs.k8s.io/kustomize/kustomize/v5")
			make.Dir = filepath.Join(root, "e2e", "tools", "kustomize")
			make.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
			if out, err := make.CombinedOutput(); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("CI must compare with the stock kustomize: run make bin/kustomize first\n%s", out)
				}
				t.Skipf("NOT COMPARED WITH THE STOCK KUSTOMIZE: there is no bin/kustomize (make bin/kustomize) and it cannot be built here\n%s", out)
			}
		}
	}
	out, err := exec.Command(command, "version").Output()
	if err != nil || strings.TrimSpace(string(out)) != "v5.7.1" {
		t.Fatalf("%s is %q (%v), want v5.7.1, which has the library that we link", command, out, err)
	}
	return command
}

// archive reads a test repository and the directories that its first line says
// to build.
func archive(t testing.TB, name string) (fstest.MapFS, []string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	dirs, ok := strings.CutPrefix(first, "build: ")
	if !ok {
		t.Fatalf("%s does not start with build:", name)
	}
	return repo(string(data)), strings.Fields(dirs)
}

// onDisk writes a repository to a new directory.
func onDisk(t testing.TB, files fs.FS) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func stockBuild(t testing.TB, command, dir string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	run := exec.Command(command, "build", dir)
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		t.Fatalf("kustomize build: %v\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes()
}

func TestEqualsStockKustomize(t *testing.T) {
	t.Parallel()
	command := stock(t)
	names, err := filepath.Glob("testdata/stock/*.txtar")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d test repositories (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			files, dirs := archive(t, name)
			disk := onDisk(t, files)
			for kind, fsys := range map[string]fs.FS{"in memory": files, "on disk": os.DirFS(disk)} {
				overlays, err := build.Overlays(t.Context(), fsys, dirs)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range overlays {
					if o.Findings.AtLeast(diag.Error) {
						t.Errorf("%s, %s: %s", kind, o.Dir, strings.Join(lines(o.Findings), "\n"))
						continue
					}
					if diff := cmp.Diff(string(stockBuild(t, command, filepath.Join(disk, o.Dir))), string(o.YAML)); diff != "" {
						t.Errorf("%s, %s (-stock +ours):\n%s", kind, o.Dir, diff)
					}
					for _, d := range o.Findings {
						if d.Rule == build.RulePositions && strings.Contains(d.Summary, "for this overlay") {
							t.Errorf("%s, %s: the marked build disagrees: %s", kind, o.Dir, d.Detail)
						}
					}
					for _, object := range o.Objects {
						if len(object.Layers) == 0 || object.Layers[0].Range.Path == "" {
							t.Errorf("%s, %s: nobody knows where %s comes from", kind, o.Dir, object.ID())
						}
					}
				}
			}
		})
	}
}

// TestRepositoryEqualsStock builds every overlay of this repository.
func TestRepositoryEqualsStock(t *testing.T) {
	t.Parallel()
	command := stock(t)
	root := "../.."
	dirs, _, err := build.Discover(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return !strings.HasPrefix(dir, "overlays/") })
	overlays, err := build.Overlays(t.Context(), os.DirFS(root), dirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range overlays {
		if o.Findings.AtLeast(diag.Error) {
			t.Errorf("%s: %s", o.Dir, strings.Join(lines(o.Findings), "\n"))
			continue
		}
		if diff := cmp.Diff(string(stockBuild(t, command, filepath.Join(root, o.Dir))), string(o.YAML)); diff != "" {
			t.Errorf("%s (-stock +ours):\n%s", o.Dir, diff)
		}
	}
}
