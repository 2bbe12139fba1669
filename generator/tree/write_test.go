//go:build unix

package tree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
)

// planFor is what leads from the disk to a generation.
func planFor(t testing.TB, d *Dir, generation string) *Plan {
	t.Helper()
	committed, _, err := d.Load(t.Context(), "base", "overlays", "environments", ".gitattributes")
	if err != nil {
		t.Fatal(err)
	}
	return NewPlan(Comparison{Committed: committed, Fresh: generationOf(generation), Attributes: Patterns()}, PlanOptions{Force: true})
}

func TestWrite(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	settle(t, root, "old")
	d := openRoot(t, root)
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	unchanged := filepath.Join(root, "overlays/dev/app0/custom/kustomization.yaml")
	same := filepath.Join(root, ".gitattributes")
	for _, name := range []string{unchanged, same} {
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	plan := planFor(t, d, "new")
	result, err := d.Write(t.Context(), plan, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(expected("new"), onDisk(t, root)); d != "" {
		t.Error(d)
	}
	if len(result.Kept) != 0 || len(result.Written)+len(result.Deleted) != len(plan.Changes) || len(result.Deleted) != 9 || !slices.IsSorted(result.Written) {
		t.Errorf("result = %+v", result)
	}
	for _, name := range result.Written {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	for _, name := range []string{unchanged, same} {
		if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(old) {
			t.Errorf("%s was touched", name)
		}
	}
	if data, err := os.ReadFile(filepath.Join(root, ignorePath)); err != nil || string(data) != "*\n" {
		t.Errorf("%s = %q, %v", ignorePath, data, err)
	}
	if again := planFor(t, d, "new"); !again.Empty() {
		t.Errorf("a second plan has %v", again.Changes)
	}
	if result, err := d.Write(t.Context(), &Plan{}, WriteOptions{}); err != nil || len(result.Written) != 0 {
		t.Errorf("empty plan: %+v, %v", result, err)
	}
	if _, err := d.Write(t.Context(), &Plan{Refused: diag.List{{}}, Changes: []Change{{Path: "x"}}}, WriteOptions{}); !errors.As(err, new(*Refused)) {
		t.Errorf("refused plan: %v", err)
	}
}

// A failure before the journal leaves nothing behind; one after it leaves a
// journal that the next command finishes.
func TestFailureAtAnyStep(t *testing.T) {
	t.Parallel()
	before, after := expected("old"), expected("new")
	staged := len(after) - len(theirs()) // about: steps of one kind are alike, and need not all fail
	for fail := 1; ; fail++ {
		if fail > 3 && fail < staged-3 {
			continue
		}
		root := scratch(t)
		settle(t, root, "old")
		d := openRoot(t, root)
		steps, at := 0, ""
		_, err := d.Write(t.Context(), planFor(t, d, "new"), WriteOptions{Step: func(name string) error {
			if steps++; steps == fail {
				at = name
				return fmt.Errorf("write: %w", syscall.ENOSPC)
			}
			return nil
		}})
		if at == "" {
			if err != nil || fail < 30 {
				t.Errorf("after %d steps: %v", fail, err)
			}
			return
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: error = %v", at, err)
		}
		pending, pendingErr := d.Pending()
		if pendingErr != nil {
			t.Error(pendingErr)
		}
		if strings.HasPrefix(at, "stage ") || at == "journal" {
			if d := cmp.Diff(before, onDisk(t, root)); d != "" || pending {
				t.Errorf("%s: pending %v, tree changed: %s", at, pending, d)
			}
			if _, err := os.Stat(filepath.Join(root, stagePath)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: staged files are left", at)
			}
			continue
		}
		if !pending || !strings.Contains(err.Error(), journalPath) {
			t.Errorf("%s: pending %v, error %v", at, pending, err)
		}
		progress(t, onDisk(t, root), before, after)
		if _, err := d.Write(t.Context(), planFor(t, d, "old"), WriteOptions{}); !errors.Is(err, ErrPending) {
			t.Errorf("%s: a write over a pending one: %v", at, err)
		}
		result, err := d.Recover(t.Context())
		if err != nil || len(result.Kept) != 0 {
			t.Errorf("%s: recover: %+v, %v", at, result, err)
		}
		if d := cmp.Diff(after, onDisk(t, root)); d != "" {
			t.Errorf("%s: after recovery: %s", at, d)
		}
	}
}

// stopAt writes a generation until a step fails.
func stopAt(t testing.TB, d *Dir, generation string, number int) (done []string) {
	t.Helper()
	stop := errors.New("stop")
	_, err := d.Write(t.Context(), planFor(t, d, generation), WriteOptions{Step: func(name string) error {
		verb, file, _ := strings.Cut(name, " ")
		if verb != "rename" && verb != "delete" {
			return nil
		}
		if len(done) == number {
			return stop
		}
		done = append(done, file)
		return nil
	}})
	if !errors.Is(err, stop) {
		t.Fatalf("stopped with %v", err)
	}
	return done
}

// What a person changed while a write lay unfinished stays, and is named.
func TestRecoverKeepsWhatAPersonChanged(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	settle(t, root, "old")
	d := openRoot(t, root)
	done := stopAt(t, d, "new", 6)
	at := func(name string) string { return filepath.Join(root, name) }

	writeAll(t, root, map[string]string{
		done[5]:                                 "edited after it was renamed\n",
		"overlays/prod/app1/kustomization.yaml": "edited before it was renamed\n",
		"overlays/prod/app1/patches/only-new.yaml": "made where a new one comes\n",
		"overlays/prod/app1/patches/only-old.yaml": "edited before it was deleted\n",
	})
	if err := os.Remove(at("overlays/prod/app2/kustomization.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(at("overlays/prod/app0")); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	symlink(t, elsewhere, at("overlays/prod/app0"))
	human := onDisk(t, root)

	result, err := d.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, f := range result.Kept {
		if f.Rule != "drift-edited" || f.Severity != diag.Warning {
			t.Errorf("finding %+v", f)
		}
		kept[f.Range.Path] = true
	}
	want := map[string]bool{
		done[5]: true, "overlays/prod/app1/kustomization.yaml": true, "overlays/prod/app1/patches/only-new.yaml": true, "overlays/prod/app1/patches/only-old.yaml": true,
		"overlays/prod/app2/kustomization.yaml": true, "overlays/prod/app0/kustomization.yaml": true, "overlays/prod/app0/patches/patch.yaml": true,
		"overlays/prod/app0/patches/only-new.yaml": true, "overlays/prod/app0/patches/only-old.yaml": true,
	}
	if d := cmp.Diff(want, kept); d != "" {
		t.Errorf("kept: %s", d)
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) != 0 {
		t.Errorf("wrote through a link: %v, %v", entries, err)
	}
	have, after := onDisk(t, root), expected("new")
	for name := range human {
		if kept[name] && have[name] != human[name] {
			t.Errorf("%s was overwritten: %q", name, have[name])
		}
	}
	for name, data := range after {
		if !kept[name] && !strings.HasPrefix(name, "overlays/prod/app0/") && have[name] != data {
			t.Errorf("%s was not finished", name)
		}
	}
	if pending, err := d.Pending(); err != nil || pending {
		t.Errorf("pending %v, %v", pending, err)
	}
}

func TestWriteRefusesWhatChangedSinceThePlan(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(root string) error{
		"edited": func(root string) error {
			return os.WriteFile(filepath.Join(root, devKustomization0), []byte("x"), 0o644)
		},
		"deleted":     func(root string) error { return os.Remove(filepath.Join(root, devKustomization0)) },
		"made a link": func(root string) error { return relink(filepath.Join(root, devKustomization0)) },
		"made": func(root string) error {
			return os.WriteFile(filepath.Join(root, "overlays/dev/app0/patches/only-new.yaml"), nil, 0o644)
		},
		"made a directory": func(root string) error {
			return os.MkdirAll(filepath.Join(root, "overlays/dev/app0/patches/only-new.yaml"), 0o755)
		},
		"linked directory": func(root string) error { return relink(filepath.Join(root, "overlays/dev/app0")) },
		"file for a directory": func(root string) error {
			at := filepath.Join(root, "overlays/dev/app0")
			return errors.Join(os.RemoveAll(at), os.WriteFile(at, nil, 0o644))
		},
	} {
		root := t.TempDir()
		settle(t, root, "old")
		d := openRoot(t, root)
		plan := planFor(t, d, "new")
		if err := change(root); err != nil {
			t.Fatal(err)
		}
		before := onDisk(t, root)
		if _, err := d.Write(t.Context(), plan, WriteOptions{}); err == nil {
			t.Errorf("%s: written", name)
		}
		if d := cmp.Diff(before, onDisk(t, root)); d != "" {
			t.Errorf("%s: something was written: %s", name, d)
		}
	}
}

const devKustomization0 = "overlays/dev/app0/kustomization.yaml"

// relink moves what is at a path elsewhere and links to it.
func relink(at string) error {
	other := filepath.Join(filepath.Dir(at), "moved-"+filepath.Base(at))
	return errors.Join(os.Rename(at, other), os.Symlink(filepath.Base(other), at))
}

func TestForceReplacesALinkAndNotItsTarget(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	settle(t, root, "old")
	if err := relink(filepath.Join(root, devKustomization0)); err != nil {
		t.Fatal(err)
	}
	d := openRoot(t, root)
	if _, err := d.Write(t.Context(), planFor(t, d, "new"), WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	have, old, want := onDisk(t, root), expected("old"), expected("new")
	moved := "overlays/dev/app0/moved-kustomization.yaml"
	if have[devKustomization0] != want[devKustomization0] {
		t.Errorf("not replaced: %q", have[devKustomization0])
	}
	// The target is a file of ours that nothing renders: had it been written
	// through the link, it would be the new one; left over, it is gone.
	if data, ok := have[moved]; ok && data != old[devKustomization0] {
		t.Errorf("written through the link: %q", data)
	}
}

func TestCancelledWriteChangesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	settle(t, root, "old")
	d := openRoot(t, root)
	plan := planFor(t, d, "new")
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, err := d.Write(ctx, plan, WriteOptions{Step: func(string) error {
		if steps++; steps == 5 {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if d := cmp.Diff(expected("old"), onDisk(t, root)); d != "" {
		t.Error(d)
	}
	// Once the journal is there, the write goes through.
	ctx, cancel = context.WithCancel(t.Context())
	if _, err := d.Write(ctx, plan, WriteOptions{Step: func(name string) error {
		if strings.HasPrefix(name, "rename") {
			cancel()
		}
		return nil
	}}); err != nil {
		t.Errorf("cancelled half-way: %v", err)
	}
	if d := cmp.Diff(expected("new"), onDisk(t, root)); d != "" {
		t.Error(d)
	}
}

func TestUnsafePaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".", "..", "../x", "/etc/passwd", "a/../../x", "a//b", "./a", "a/.", ".git/config", "a/.git/hooks/post-checkout", ".GIT/config", ".git./config", "git~1/config",
		".g\u200cit/config", ".git /x", ".git::$INDEX_ALLOCATION/x", ".strake/journal", ".STRAKE/x", `a\b`, "a\x00b", "a\nb",
	} {
		root := t.TempDir()
		d := openRoot(t, root)
		if _, err := d.Write(t.Context(), &Plan{Changes: []Change{{Path: name, After: []byte("x")}}}, WriteOptions{}); err == nil {
			t.Errorf("%q: written", name)
		}
		if have := onDisk(t, root); len(have) != 0 {
			t.Errorf("%q: left %v", name, have)
		}
		// Nor from a journal that somebody brought along.
		data, err := json.Marshal(journal{Version: journalVersion, Entries: []entry{{Path: name, New: dataContent([]byte("x"))}}})
		if err != nil {
			t.Fatal(err)
		}
		writeAll(t, root, map[string]string{journalPath: string(data), staged(0): "x"})
		if _, err := d.Recover(t.Context()); err == nil {
			t.Errorf("%q: recovered", name)
		}
		if have := onDisk(t, root); len(have) != 0 {
			t.Errorf("%q: recovery left %v", name, have)
		}
	}
	for _, name := range []string{".gitattributes", ".github/workflows/x.yaml", "a/.gitignore", "gitops/x", "environments/dev/effective.yaml"} {
		if err := safePath(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := openRoot(t, t.TempDir()).Write(t.Context(), &Plan{Changes: []Change{{Path: "a"}, {Path: "a"}}}, WriteOptions{}); err == nil {
		t.Error("one path twice: written")
	}
}

// A repository may bring its own .strake: nothing in it leads anywhere.
func TestHostileState(t *testing.T) {
	t.Parallel()
	change := &Plan{Changes: []Change{{Path: "a.yaml", After: []byte("x")}}}
	for name, prepare := range map[string]func(root string) error{
		"linked state": func(root string) error {
			return errors.Join(os.Mkdir(filepath.Join(root, "victim"), 0o755), os.Symlink("victim", filepath.Join(root, stateDir)))
		},
		"file for state":  func(root string) error { return os.WriteFile(filepath.Join(root, stateDir), nil, 0o644) },
		"linked lock":     func(root string) error { return inState(root, "lock", "../victim") },
		"not a journal":   func(root string) error { return fileInState(root, "journal", "hello") },
		"no journal yet":  func(root string) error { return fileInState(root, "journal", "") },
		"another version": func(root string) error { return fileInState(root, "journal", `{"version": 2, "entries": []}`) },
		"unknown key":     func(root string) error { return fileInState(root, "journal", `{"version": 1, "run": "x"}`) },
		"linked journal":  func(root string) error { return inState(root, "journal", "../victim") },
	} {
		root := t.TempDir()
		if err := prepare(root); err != nil {
			t.Fatal(err)
		}
		before := onDisk(t, root)
		d := openRoot(t, root)
		_, writeErr := d.Write(t.Context(), change, WriteOptions{})
		_, recoverErr := d.Recover(t.Context())
		if writeErr == nil {
			t.Errorf("%s: written, recover says %v", name, recoverErr)
		}
		if d := cmp.Diff(before, onDisk(t, root)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	// These are put right.
	for name, prepare := range map[string]func(root string) error{
		"linked .gitignore": func(root string) error { return inState(root, ".gitignore", "../victim") },
		"linked stage":      func(root string) error { return inState(root, "stage", "..") },
		"linked draft":      func(root string) error { return inState(root, "journal.new", "../victim") },
		"stale stage":       func(root string) error { return errors.Join(os.MkdirAll(filepath.Join(root, stagePath, "x"), 0o755)) },
	} {
		root := t.TempDir()
		if err := errors.Join(prepare(root), os.WriteFile(filepath.Join(root, "victim"), []byte("whole"), 0o644)); err != nil {
			t.Fatal(err)
		}
		if _, err := openRoot(t, root).Write(t.Context(), change, WriteOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(map[string]string{"victim": "whole", "a.yaml": "x"}, onDisk(t, root)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	// A journal whose staged files are reached through a link, or are not what
	// it says, changes nothing.
	root := t.TempDir()
	data, err := json.Marshal(journal{Version: 1, Entries: []entry{{Path: "b", New: dataContent([]byte("x"))}, {Path: "c", New: dataContent([]byte("y"))}}})
	if err := errors.Join(err, fileInState(root, "journal", string(data)), os.Mkdir(filepath.Join(root, "d"), 0o755), os.Symlink("../d", filepath.Join(root, stagePath)),
		os.WriteFile(filepath.Join(root, "d/000000"), []byte("x"), 0o644)); err != nil {
		t.Fatal(err)
	}
	result, err := openRoot(t, root).Recover(t.Context())
	if err != nil || len(result.Kept) != 2 {
		t.Errorf("recover: %+v, %v", result, err)
	}
	if d := cmp.Diff(map[string]string{"d/000000": "x"}, onDisk(t, root)); d != "" {
		t.Error(d)
	}
}

func inState(root, name, target string) error {
	dir := filepath.Join(root, stateDir)
	return errors.Join(os.MkdirAll(dir, 0o755), os.Symlink(target, filepath.Join(dir, name)))
}

func fileInState(root, name, data string) error {
	dir := filepath.Join(root, stateDir)
	return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644))
}

func TestLocked(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	a, b := openRoot(t, root), openRoot(t, root)
	plan := &Plan{Changes: []Change{{Path: "x", After: []byte("x")}}}
	_, err := a.Write(t.Context(), plan, WriteOptions{Step: func(name string) error {
		if _, err := b.Write(t.Context(), plan, WriteOptions{}); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: a second writer: %v", name, err)
		}
		if pending, err := b.Pending(); err != nil || pending != (name == "rename x" || name == "drop journal") {
			t.Errorf("%s: pending = %v, %v", name, pending, err)
		}
		if pending, _ := b.Pending(); pending {
			if _, err := b.Recover(t.Context()); !errors.Is(err, ErrLocked) {
				t.Errorf("%s: recovery of a write under way: %v", name, err)
			}
		}
		return nil
	}})
	if err != nil {
		t.Error(err)
	}
	if result, err := b.Recover(t.Context()); err != nil || len(result.Written) != 0 {
		t.Errorf("nothing to recover: %+v, %v", result, err)
	}
}

// A directory that cannot be written to fails the write before anything is
// done. Root may write anywhere, so the command runs as somebody else.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	root := t.TempDir()
	settle(t, root, "old")
	locked := filepath.Join(root, "overlays/prod/app1")
	cmd := helper(t, root, "new", 0, 0)
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // as testing made it, it is for one user only
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		self, err := os.ReadFile(cmd.Path)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = filepath.Join(t.TempDir(), "helper") // the original may lie in a directory of root's
		if err := os.WriteFile(cmd.Path, self, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := filepath.WalkDir(root, func(at string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(at, nobody, nobody))
		}); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if err := os.Chmod(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err := os.Chmod(locked, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Skipf("cannot run as another user: %v", err)
	}
	if !strings.Contains(string(out), "overlays/prod/app1: permission denied") {
		t.Errorf("output = %s", out)
	}
	if d := cmp.Diff(expected("old"), onDisk(t, root)); d != "" {
		t.Errorf("something was written: %s", d)
	}
	if pending, err := openRoot(t, root).Pending(); err != nil || pending {
		t.Errorf("pending %v, %v", pending, err)
	}
	finish(t, root, "new")
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeAll(t, dir, map[string]string{"old.json": "old"})
	symlink(t, "old.json", at("link.json"))
	for _, name := range []string{"new.json", "old.json", "link.json"} {
		if err := WriteFile(at(name), []byte("report")); err != nil {
			t.Error(err)
		}
		if data, err := os.ReadFile(at(name)); err != nil || string(data) != "report" {
			t.Errorf("%s = %q, %v", name, data, err)
		}
	}
	if info, err := os.Lstat(at("link.json")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
	if err := WriteFile(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{dir, at("nowhere/x")} {
		if err := WriteFile(name, nil); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if got := slices.Sorted(maps.Keys(onDisk(t, dir))); !cmp.Equal(got, []string{"link.json", "new.json", "old.json"}) {
		t.Errorf("left behind: %v", got)
	}
}
