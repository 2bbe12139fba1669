//go:build unix

package tree

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// helperVariable makes the test binary a command that renders: its value says
// how, see runHelper.
const helperVariable = "STRAKE_TREE_TEST_HELPER"

func TestMain(m *testing.M) {
	if how := os.Getenv(helperVariable); how != "" {
		os.Exit(runHelper(how))
	}
	os.Exit(m.Run())
}

// runHelper does what a rendering command does: it finishes an interrupted
// write, then renders a generation. how is "root|generation|die|pause": it kills
// itself before step number die (0: never), and rests before each step.
func runHelper(how string) int {
	part := strings.Split(how, "|")
	die, err := strconv.Atoi(part[2])
	if err != nil {
		panic(err)
	}
	pause, err := time.ParseDuration(part[3])
	if err != nil {
		panic(err)
	}
	steps, applying := 0, false
	err = renderGeneration(context.Background(), part[0], part[1], func(name string) error {
		steps++
		if !applying && (strings.HasPrefix(name, "rename ") || strings.HasPrefix(name, "delete ")) {
			applying = true
			fmt.Println("applying")
		}
		if steps == die {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {}
		}
		time.Sleep(pause)
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// renderGeneration is a rendering command.
func renderGeneration(ctx context.Context, root, generation string, step func(string) error) (err error) {
	d, err := Open(root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if _, err := d.recover(ctx, WriteOptions{Step: step}); err != nil {
		return err
	}
	committed, _, err := d.Load(ctx, "base", "overlays", "environments", ".gitattributes")
	if err != nil {
		return err
	}
	c := Comparison{Committed: committed, Fresh: generationOf(generation), Attributes: Patterns()}
	// What is committed is one generation or the other: no file is foreign.
	_, err = d.Write(ctx, NewPlan(c, PlanOptions{Force: true}), WriteOptions{Step: step})
	return err
}

// generationOf renders every file of two environments anew for each
// generation, under names of which some are new and some are no more.
func generationOf(name string) map[string]*Tree {
	fresh := map[string]*Tree{}
	for _, env := range []string{"dev", "prod"} {
		t := New(File{Path: "environments/" + env + "/effective.yaml", Data: []byte(ours("generation: " + name + "\n"))})
		for app := range 3 {
			overlay := fmt.Sprintf("overlays/%s/app%d/", env, app)
			base := fmt.Sprintf("base/app%d/%s-12345678/", app, name)
			t.Put(File{Path: overlay + "kustomization.yaml", Data: []byte(ours("resources: [../../../" + base + "]\n"))})
			t.Put(File{Path: overlay + "patches/patch.yaml", Data: []byte(ours(strings.Repeat("generation "+name+"\n", 2000)))})
			t.Put(File{Path: overlay + "patches/only-" + name + ".yaml", Data: []byte(ours(""))})
			t.Put(File{Path: overlay + "custom/kustomization.yaml", Data: []byte("patches: []\n"), Seed: true})
			t.Put(File{Path: base + "deployment.yaml", Data: []byte(ours("image: " + name + "\n"))})
		}
		fresh[env] = t
	}
	return fresh
}

// theirs are files that no write may touch.
func theirs() map[string]string {
	return map[string]string{
		"overlays/dev/app0/custom/kustomization.yaml": "patches: [mine.yaml]\n",
		"overlays/dev/app0/custom/mine.yaml":          "mine\n",
		"overlays/dev/app0/custom/copy.yaml":          ours("mine now\n"),
		"overlays/dev/app0/notes.md":                  "foreign\n",
		"base/app0/old-12345678/notes.md":             "foreign\n",
		"base/app0/custom/patch.yaml":                 "mine\n",
		"environments/platform.yaml":                  "kind: Platform\n",
		"README.md":                                   "mine\n",
	}
}

// scratch is a temporary directory, in memory where the system has one: a kill
// is the same there, and thousands of waits for a disk are not.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "strake-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// settle writes a generation without ceremony.
func settle(t testing.TB, root, generation string) {
	t.Helper()
	writeAll(t, root, expected(generation))
}

// expected is the whole tree of a generation, byte for byte.
func expected(generation string) map[string]string {
	all := New()
	for _, fresh := range generationOf(generation) {
		all.Merge(fresh)
	}
	want := contents(all)
	maps.Copy(want, theirs())
	want[".gitattributes"] = string(AttributesBlock(nil, Patterns()))
	return want
}

// onDisk is every file below root but those of .strake.
func onDisk(t testing.TB, root string) map[string]string {
	t.Helper()
	have := map[string]string{}
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		if rel == stateDir {
			return fs.SkipDir
		}
		if d.IsDir() {
			entries, err := os.ReadDir(at)
			if err == nil && len(entries) == 0 {
				have[filepath.ToSlash(rel)+"/"] = "an empty directory"
			}
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(at)
			have[filepath.ToSlash(rel)] = "link to " + target
			return err
		}
		data, err := os.ReadFile(at)
		have[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Errorf("look at %s: %v", root, err)
	}
	return have
}

// progress checks that every file is wholly of one of two generations or the
// user's, and says whether both are there.
func progress(t testing.TB, have, before, after map[string]string) (mixed bool) {
	t.Helper()
	olds, news := 0, 0
	for name, data := range have {
		old, wasThere := before[name]
		now, willBe := after[name]
		switch {
		case strings.HasSuffix(name, "/"): // a directory made or emptied just now
		case wasThere && willBe && old == now && data == old:
		case wasThere && data == old:
			olds++
		case willBe && data == now:
			news++
		default:
			t.Errorf("%s is neither old nor new: %.80q", name, data)
		}
	}
	for name := range before {
		_, stays := after[name]
		if _, there := have[name]; !there && stays {
			t.Errorf("%s is gone", name)
		} else if !there {
			news++
		}
	}
	return olds > 0 && news > 0
}

func helper(t testing.TB, root, generation string, die int, pause time.Duration) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d|%s", helperVariable, root, generation, die, pause), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// planOf is what leads from files to a generation.
func planOf(t testing.TB, files map[string]string, generation string) *Plan {
	t.Helper()
	committed := New()
	for name, data := range files {
		committed.Put(File{Path: name, Data: []byte(data)})
	}
	return NewPlan(Comparison{Committed: committed, Fresh: generationOf(generation), Attributes: Patterns()}, PlanOptions{Force: true})
}

// killed reports whether a process ended by SIGKILL.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// finish is the next command: afterwards the tree is the new one.
func finish(t testing.TB, root, generation string) {
	t.Helper()
	if err := renderGeneration(t.Context(), root, generation, nil); err != nil {
		t.Errorf("the next command: %v", err)
	}
	if d := cmp.Diff(expected(generation), onDisk(t, root)); d != "" {
		t.Errorf("after the next command: %s", d)
	}
	if pending, err := openRoot(t, root).Pending(); err != nil || pending {
		t.Errorf("still pending: %v, %v", pending, err)
	}
	if _, err := os.Stat(filepath.Join(root, stagePath)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("staged files are left: %v", err)
	}
}

// TestKilledAtAnyInstant renders a change of everything and kills the process
// before each single step, and with signals at random times, 200 times and
// more between the first rename and the last. It also kills the command that
// finishes what the first left.
func TestKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	const wanted, signals = 200, 40
	before, after := expected("old"), expected("new")
	staging := 1 // steps before the first rename: the journal, and a file each
	for _, ch := range planOf(t, before, "new").Changes {
		if !ch.Delete {
			staging++
		}
	}
	var inWindow atomic.Int64
	look := func(t testing.TB, root string) {
		if progress(t, onDisk(t, root), before, after) {
			inWindow.Add(1)
			if pending, err := openRoot(t, root).Pending(); err != nil || !pending {
				t.Errorf("half a tree without a journal: %v, %v", pending, err)
			}
		}
	}
	var workers sync.WaitGroup
	var next atomic.Int64
	var ended atomic.Bool
	for range 4 {
		workers.Go(func() {
			for !ended.Load() {
				die := int(next.Add(1))
				root := scratch(t)
				settle(t, root, "old")
				out, err := helper(t, root, "new", die, 0).CombinedOutput()
				if err == nil {
					ended.Store(true) // it has fewer steps than that
				} else if !killed(err) {
					t.Errorf("step %d: %v\n%s", die, err, out)
				}
				look(t, root)
				// The commands that finish it are killed as well, each of them one
				// file further. Their steps begin with the first file.
				for further := range 3 {
					if pending, err := openRoot(t, root).Pending(); err != nil || !pending {
						break
					}
					out, err := helper(t, root, "new", die-staging+1+further, 0).CombinedOutput()
					if err != nil && !killed(err) {
						t.Errorf("step %d, finished %d times: %v\n%s", die, further, err, out)
					}
					look(t, root)
				}
				finish(t, root, "new")
			}
		})
	}
	workers.Wait()
	byStep := inWindow.Load()

	for range 4 {
		workers.Go(func() {
			for tries := 0; (inWindow.Load() < wanted || inWindow.Load() < byStep+signals) && tries < 200 && !t.Failed(); tries++ {
				root := scratch(t)
				settle(t, root, "old")
				killAtRandom(t, root)
				look(t, root)
				if pending, err := openRoot(t, root).Pending(); err == nil && pending {
					killAtRandom(t, root) // and the one that finishes it
					look(t, root)
				}
				finish(t, root, "new")
			}
		})
	}
	workers.Wait()
	t.Logf("killed %d times between the first rename and the last: %d before a chosen step, %d by signals", inWindow.Load(), byStep, inWindow.Load()-byStep)
	if inWindow.Load() < wanted {
		t.Errorf("only %d kills between the first rename and the last, want %d", inWindow.Load(), wanted)
	}
}

// killAtRandom renders and kills from outside, some time after the first
// rename.
func killAtRandom(t testing.TB, root string) {
	t.Helper()
	cmd := helper(t, root, "new", 0, 500*time.Microsecond)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil && !errors.Is(err, io.EOF) || err == nil && line != "applying\n" {
		t.Errorf("helper said %q, %v", line, err)
	}
	time.Sleep(time.Duration(rand.Int64N(int64(25 * time.Millisecond))))
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil && !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil && !killed(err) {
		t.Errorf("helper: %v", err)
	}
}

// Two commands at once: one of them writes its whole tree, and the other says
// why it did not, or writes its own after it.
func TestTwoWritersAtOnce(t *testing.T) {
	t.Parallel()
	for range 8 {
		root := scratch(t)
		settle(t, root, "old")
		var both sync.WaitGroup
		var failed atomic.Int64
		for _, generation := range []string{"left", "right"} {
			both.Go(func() {
				out, err := helper(t, root, generation, 0, 200*time.Microsecond).CombinedOutput()
				if err == nil {
					return
				}
				failed.Add(1)
				text := string(out)
				if !strings.Contains(text, ErrLocked.Error()) && !strings.Contains(text, ErrChanged.Error()) && !strings.Contains(text, ErrPending.Error()) {
					t.Errorf("%s: %v: %s", generation, err, text)
				}
			})
		}
		both.Wait()
		if failed.Load() == 2 {
			t.Error("neither wrote")
		}
		have := onDisk(t, root)
		if left, right := cmp.Diff(expected("left"), have), cmp.Diff(expected("right"), have); left != "" && right != "" {
			t.Errorf("a mixture of both:\n%s\n%s", left, right)
		}
	}
}

// While a command writes, what others read is always whole.
func TestReadersSeeWholeFiles(t *testing.T) {
	t.Parallel()
	root := scratch(t)
	settle(t, root, "old")
	before, after := expected("old"), expected("new")
	cmd := helper(t, root, "new", 0, 2*time.Millisecond)
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { done <- cmd.Wait() }()
	d := openRoot(t, root)
	for looks := 0; ; looks++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if looks < 3 {
				t.Errorf("looked only %d times", looks)
			}
			if d := cmp.Diff(after, onDisk(t, root)); d != "" {
				t.Error(d)
			}
			return
		default:
		}
		loaded, findings, err := d.Load(t.Context(), "base", "overlays", "environments", "README.md", ".gitattributes")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings { // listed, and deleted before it was read
			if !strings.Contains(f.Summary, "no such file") {
				t.Errorf("finding: %+v", f)
			}
		}
		for name, data := range contents(loaded) {
			if data != before[name] && data != after[name] {
				t.Errorf("%s is neither old nor new", name)
			}
		}
	}
}
