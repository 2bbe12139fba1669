//go:build unix

package tree

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func openRoot(t testing.TB, root string) *Dir {
	t.Helper()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func writeAll(t testing.TB, root string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func contents(t *Tree) map[string]string {
	out := map[string]string{}
	for f := range t.All() {
		out[f.Path] = string(f.Data)
	}
	return out
}

func symlink(t testing.TB, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// hostile is a repository with everything in it that should not be read.
func hostile(t testing.TB) (root, outside string) {
	t.Helper()
	root, outside = t.TempDir(), t.TempDir()
	writeAll(t, outside, map[string]string{"secret": "s3cret", "dir/secret": "s3cret"})
	writeAll(t, root, map[string]string{
		"base/app/v1/a.yaml": "a\n", "overlays/dev/b.yaml": "b\n", "environments/platform.yaml": "p\n", "README.md": "r\n",
		".git/config": "[core]\n", ".strake/journal.new": "{}", "overlays/dev/empty.yaml": "",
		"overlays/dev/big.yaml":  strings.Repeat("#", MaxFileSize+1),
		"overlays/dev/full.yaml": strings.Repeat("#", MaxFileSize),
	})
	at := func(name string) string { return filepath.Join(root, "overlays/dev", name) }
	symlink(t, "b.yaml", at("link.yaml"))
	symlink(t, "../../base/app/v1/a.yaml", at("up.yaml"))
	symlink(t, filepath.Join(outside, "secret"), at("absolute.yaml"))
	symlink(t, "../../../"+filepath.Base(outside)+"/secret", at("relative.yaml"))
	symlink(t, outside, at("outside"))
	symlink(t, "../../base", at("inside"))
	symlink(t, "nowhere", at("dangling.yaml"))
	symlink(t, "loop.yaml", at("loop.yaml"))
	if err := syscall.Mkfifo(at("pipe.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root, outside
}

func TestLoad(t *testing.T) {
	t.Parallel()
	root, _ := hostile(t)
	d := openRoot(t, root)
	done := make(chan struct{})
	go func() {
		defer close(done)
		loaded, findings, err := d.Load(t.Context(), "overlays", "base", "environments", ".gitattributes", "nowhere/at/all", "README.md")
		if err != nil {
			t.Error(err)
			return
		}
		have := contents(loaded)
		if len(have["overlays/dev/full.yaml"]) != MaxFileSize {
			t.Error("a file of just the size is not read")
		}
		delete(have, "overlays/dev/full.yaml")
		want := map[string]string{
			"base/app/v1/a.yaml": "a\n", "overlays/dev/b.yaml": "b\n", "environments/platform.yaml": "p\n", "README.md": "r\n",
			"overlays/dev/empty.yaml": "", "overlays/dev/link.yaml": "b\n", "overlays/dev/up.yaml": "a\n",
		}
		if d := cmp.Diff(want, have); d != "" {
			t.Error(d)
		}
		got := map[string]string{}
		for _, f := range findings {
			got[strings.TrimPrefix(f.Range.Path, "overlays/dev/")] = f.Severity.String()
			if f.Rule != RuleUnread || f.Detail == "" || strings.Contains(f.Summary, "s3cret") {
				t.Errorf("finding %+v", f)
			}
		}
		wantFindings := map[string]string{
			"absolute.yaml": "error", "relative.yaml": "error", "outside": "error", "inside": "warning", "dangling.yaml": "warning",
			"loop.yaml": "error", "pipe.yaml": "error", "big.yaml": "error",
		}
		if d := cmp.Diff(wantFindings, got); d != "" {
			t.Error(d)
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("waits for a pipe")
	}
}

func TestLoadBelowALink(t *testing.T) {
	t.Parallel()
	root, outside := hostile(t)
	if err := os.RemoveAll(filepath.Join(root, "overlays")); err != nil {
		t.Fatal(err)
	}
	symlink(t, filepath.Join(outside, "dir"), filepath.Join(root, "overlays"))
	loaded, findings, err := openRoot(t, root).Load(t.Context(), "overlays/secret")
	if err != nil || loaded.Len() != 0 || len(findings) != 1 || findings[0].Range.Path != "overlays" {
		t.Errorf("read through a link: %v, %v, %v", loaded.Paths(), findings, err)
	}
}

func TestLoadRefusesPathsOutside(t *testing.T) {
	t.Parallel()
	d := openRoot(t, t.TempDir())
	for _, prefix := range []string{"..", "../x", "/etc", "a/../../b", "./a", ""} {
		if _, _, err := d.Load(t.Context(), prefix); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	root := t.TempDir()
	writeAll(t, root, map[string]string{"a": "a", "d/b": "b"})
	for _, name := range []string{"a", "d"} {
		if err := os.Chmod(filepath.Join(root, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	loaded, findings, err := openRoot(t, root).Load(t.Context())
	if err != nil || loaded.Len() != 0 || len(findings) != 2 {
		t.Errorf("%v, %v, %v", loaded.Paths(), findings, err)
	}
}

func TestFS(t *testing.T) {
	t.Parallel()
	root, _ := hostile(t)
	clean := t.TempDir()
	writeAll(t, clean, map[string]string{"a/b/c.yaml": "c", "d.yaml": "d"})
	if err := fstest.TestFS(openRoot(t, clean).FS(), "a/b/c.yaml", "d.yaml"); err != nil {
		t.Error(err)
	}
	fsys := openRoot(t, root).FS()
	for name, want := range map[string]error{
		"overlays/dev/absolute.yaml": nil, "overlays/dev/relative.yaml": nil, "overlays/dev/outside/secret": nil, "overlays/dev/loop.yaml": nil,
		"overlays/dev/pipe.yaml": ErrIrregular, "overlays/dev/big.yaml": ErrTooLarge, "../x": fs.ErrInvalid, "/etc/passwd": fs.ErrInvalid,
		"overlays": nil, "nowhere": fs.ErrNotExist,
	} {
		data, err := fs.ReadFile(fsys, name)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for name, want := range map[string]string{"overlays/dev/link.yaml": "b\n", "overlays/dev/inside/app/v1/a.yaml": "a\n"} {
		if data, err := fs.ReadFile(fsys, name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}
