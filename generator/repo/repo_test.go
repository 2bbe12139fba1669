package repo

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
	"strake/generator/tree"
)

// git runs the real git, so that what is read was written by what users have.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// commit writes files and commits everything.
func commit(t testing.TB, dir, message string, files map[string]string) string {
	t.Helper()
	write(t, dir, files)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	return git(t, dir, "rev-parse", "HEAD")
}

// sample is a repository with two commits on main.
func sample(t testing.TB) (dir, first, second string) {
	t.Helper()
	dir = t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	first = commit(t, dir, "first", map[string]string{
		"environments/platform.yaml": "a: 1\n", "overlays/dev/app/kustomization.yaml": "old\n", "base/app/v1-12345678/x.yaml": "x\n", "README.md": "r\n",
	})
	second = commit(t, dir, "second", map[string]string{"overlays/dev/app/kustomization.yaml": "new\n", "overlays/prod/app/kustomization.yaml": "p\n"})
	return dir, first, second
}

func open(t testing.TB, dir string) *Repo {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func contents(x *tree.Tree) map[string]string {
	out := map[string]string{}
	for f := range x.All() {
		out[f.Path] = string(f.Data)
	}
	return out
}

func TestTreeOfARevision(t *testing.T) {
	t.Parallel()
	dir, first, second := sample(t)
	git(t, dir, "tag", "light", first)
	git(t, dir, "tag", "-a", "-m", "annotated", "v1.0", first)
	git(t, dir, "tag", "-a", "-m", "tag of a tag", "nested", "v1.0")
	git(t, dir, "branch", "feature/x", first)
	git(t, dir, "update-ref", "refs/remotes/origin/main", first)
	git(t, dir, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	git(t, dir, "checkout", "-q", "-b", "side", first)
	side := commit(t, dir, "side", map[string]string{"side.txt": "s"})
	git(t, dir, "checkout", "-q", "main")
	git(t, dir, "merge", "-q", "--no-ff", "-m", "merge", "side")
	merged := git(t, dir, "rev-parse", "HEAD")
	git(t, dir, "branch", "cafe", first) // a name that could be the beginning of an object's

	for _, packed := range []bool{false, true} {
		if packed {
			git(t, dir, "gc", "-q", "--aggressive")
		}
		r := open(t, dir)
		for rev, want := range map[string]string{
			"HEAD": merged, "@": merged, "main": merged, "refs/heads/main": merged, "heads/main": merged,
			"HEAD~1": second, "HEAD~": second, "HEAD^": second, "HEAD^1": second, "HEAD^2": side, "HEAD^2~1": first, "HEAD~2": first, "@~1^": first, "HEAD~0": merged, "HEAD^0": merged,
			"light": first, "v1.0": first, "nested": first, "v1.0^{}": first, "v1.0^{commit}": first, "nested~0": first,
			"feature/x": first, "origin/main": first, "origin": first, "cafe": first,
			second: second, second[:7]: second, second[:8]: second, strings.ToUpper(second[:9]): second,
		} {
			x, sha, err := r.Tree(rev)
			if err != nil {
				t.Errorf("packed %v: %s: %v", packed, rev, err)
				continue
			}
			if sha != want {
				t.Errorf("packed %v: %s = %s, want %s", packed, rev, sha, want)
			}
			if got := git(t, dir, "rev-parse", rev+"^{commit}"); got != want {
				t.Errorf("the test is wrong: git says %s = %s", rev, got)
			}
			if listed := git(t, dir, "ls-tree", "-r", "--name-only", want); strings.Join(x.Paths(), "\n") != listed {
				t.Errorf("packed %v: %s holds %v, git lists %s", packed, rev, x.Paths(), listed)
			}
		}
	}
	r := open(t, dir)
	x, _, err := r.Tree("HEAD~1", "overlays/dev", "base/app/v1-12345678/x.yaml", "nowhere", "over")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"overlays/dev/app/kustomization.yaml": "new\n", "base/app/v1-12345678/x.yaml": "x\n"}, contents(x)); d != "" {
		t.Error(d)
	}
	x, sha, err := r.Tree("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
	if err != nil || x.Len() != 0 || sha != emptyTree {
		t.Errorf("empty tree = %d files, %s, %v", x.Len(), sha, err)
	}
}

func TestNoSuchRevision(t *testing.T) {
	t.Parallel()
	dir, first, second := sample(t)
	r := open(t, dir)
	blob := git(t, dir, "rev-parse", "HEAD:README.md")
	for _, rev := range []string{
		"", "nope", "origin/main", "HEAD~2", "HEAD~99999999999999999999", "HEAD^2", "^", "~1", "~", "^1", "HEAD^{tree}", "HEAD^{", "HEAD~1x", "HEAD@{1}", "@{u}", "main@{upstream}", "HEAD:README.md",
		first + ".." + second, "-h", "HEAD ", "../../x", "refs/../HEAD", strings.Repeat("0", 40), blob, blob[:8], "abc", "\x00", "HEAD^{/first}", ":/first",
	} {
		_, _, err := r.Tree(rev)
		if !errors.Is(err, ErrNoRevision) {
			t.Errorf("%q: error = %v, want ErrNoRevision", rev, err)
		}
	}
}

func FuzzResolve(f *testing.F) {
	dir, first, _ := sample(f)
	r := open(f, dir)
	for _, seed := range []string{"HEAD~1^2", "main^{commit}", first, "@{-1}", "^{}", "~~~", "refs/heads/../../config"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rev string) {
		_, sha, err := r.Tree(rev, "none")
		if err == nil && len(sha) != 40 {
			t.Errorf("%q = %q without an error", rev, sha)
		}
	})
}

func TestWhatIsNoFileIsAFinding(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	for name, target := range map[string]string{
		"link.yaml": "overlays/dev/app/kustomization.yaml", "overlays/up.yaml": "../README.md", "chain.yaml": "link.yaml",
		"out.yaml": "../../etc/passwd", "absolute.yaml": "/etc/passwd", "dir": "overlays/dev", "dangling": "nowhere", "loop": "loop",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	write(t, dir, map[string]string{"big.bin": strings.Repeat("0123456789abcdef", tree.MaxFileSize/16) + "!", "full.bin": strings.Repeat("0123456789abcdef", tree.MaxFileSize/16), "model.lfs": pointer})
	if err := os.WriteFile(filepath.Join(dir, "run.sh"), []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	other, _, _ := sample(t)
	git(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "sub")
	commit(t, dir, "odd", nil)

	r := open(t, dir)
	committed, _, err := r.Tree("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	staged, err := r.Staged()
	if err != nil {
		t.Fatal(err)
	}
	for where, x := range map[string]*tree.Tree{"commit": committed, "index": staged} {
		got := map[string]string{}
		for _, d := range x.Findings() {
			got[d.Range.Path] = d.Severity.String() + " " + d.Rule
		}
		want := map[string]string{
			"out.yaml": "error file-unread", "absolute.yaml": "error file-unread", "big.bin": "error file-unread",
			"dir": "warning file-unread", "dangling": "warning file-unread", "loop": "warning file-unread", "sub": "warning file-unread",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: findings %s", where, d)
		}
		have := contents(x)
		for name, data := range map[string]string{"link.yaml": "new\n", "overlays/up.yaml": "r\n", "chain.yaml": "new\n", "model.lfs": pointer, "run.sh": "#!"} {
			if have[name] != data {
				t.Errorf("%s: %s = %q, want %q", where, name, have[name], data)
			}
		}
		if len(have["full.bin"]) != tree.MaxFileSize {
			t.Errorf("%s: full.bin has %d bytes", where, len(have["full.bin"]))
		}
		for _, name := range []string{"out.yaml", "absolute.yaml", "big.bin", "dangling", "loop", "sub"} {
			if _, ok := have[name]; ok {
				t.Errorf("%s: %s was read", where, name)
			}
		}
	}
}

func TestHostileTreeNames(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	blob := git(t, dir, "rev-parse", "HEAD:README.md")
	mktree := func(entries string) string {
		cmd := exec.Command("git", "mktree")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(entries)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("mktree: %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	inner := mktree("100644 blob " + blob + "\tpasswd\n")
	top := mktree("040000 tree " + inner + "\t..\n100644 blob " + blob + "\tgood\n")
	c := git(t, dir, "commit-tree", "-m", "hostile", top)
	x, _, err := open(t, dir).Tree(c)
	if err != nil {
		t.Skipf("the library refuses the tree: %v", err)
	}
	if d := cmp.Diff([]string{"good"}, x.Paths()); d != "" || len(x.Findings()) != 1 {
		t.Errorf("paths %s, findings %v", d, x.Findings())
	}
}

func TestStaged(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	for _, version := range []string{"2", "4"} {
		git(t, dir, "update-index", "--index-version", version)
		write(t, dir, map[string]string{"overlays/dev/app/kustomization.yaml": "staged " + version + "\n", "new.yaml": "n\n", "intended.yaml": "i\n"})
		git(t, dir, "add", "overlays", "new.yaml")
		git(t, dir, "add", "--intent-to-add", "intended.yaml")
		write(t, dir, map[string]string{"overlays/dev/app/kustomization.yaml": "edited after\n", "untracked.yaml": "u\n"})
		git(t, dir, "rm", "-q", "--cached", "--ignore-unmatch", "README.md")
		x, err := open(t, dir).Staged()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"environments/platform.yaml": "a: 1\n", "base/app/v1-12345678/x.yaml": "x\n", "overlays/prod/app/kustomization.yaml": "p\n",
			"overlays/dev/app/kustomization.yaml": "staged " + version + "\n", "new.yaml": "n\n",
		}
		if d := cmp.Diff(want, contents(x)); d != "" {
			t.Errorf("version %s: %s", version, d)
		}
	}
	x, err := open(t, dir).Staged("overlays/prod", "new.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"new.yaml", "overlays/prod/app/kustomization.yaml"}, x.Paths()); d != "" {
		t.Error(d)
	}
}

func TestStagedConflict(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	git(t, dir, "checkout", "-q", "-b", "other")
	commit(t, dir, "theirs", map[string]string{"README.md": "theirs\n"})
	git(t, dir, "checkout", "-q", "main")
	commit(t, dir, "ours", map[string]string{"README.md": "ours\n"})
	cmd := exec.Command("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "merge", "other")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("merged without a conflict: %s", out)
	}
	r := open(t, dir)
	x, err := r.Staged()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := x.Get("README.md"); ok || len(x.Findings()) != 1 || x.Findings()[0].Severity != diag.Error {
		t.Errorf("a conflict was read: %v", x.Findings())
	}
	if got, err := r.Dirty(); err != nil || !cmp.Equal(got, []string{"README.md"}) {
		t.Errorf("dirty = %v, %v", got, err)
	}
}

func TestChangedAndDirty(t *testing.T) {
	t.Parallel()
	dir, first, _ := sample(t)
	commit(t, dir, "ignore", map[string]string{
		".gitignore": "*.log\n/build/\n# no\n", "overlays/.gitignore": "!keep.log\nlocal*\n", "overlays/tracked.log": "t\n", "gone.txt": "g\n", "crlf.txt": "a\nb\n", "mode.sh": "m\n",
	})
	git(t, dir, "add", "-f", "overlays/tracked.log")
	commit(t, dir, "tracked", nil)
	r := open(t, dir)
	if got, err := r.Dirty(); err != nil || len(got) != 0 {
		t.Fatalf("clean tree: dirty = %v, %v", got, err)
	}
	write(t, dir, map[string]string{
		"a.log": "ignored", "build/x": "ignored", "overlays/keep.log": "not ignored", "overlays/local.yaml": "ignored", ".git/info/exclude": "*.tmp\n", "b.tmp": "ignored",
		"overlays/new/untracked.yaml": "u", "environments/platform.yaml": "a: 2\n", "overlays/tracked.log": "changed\n", "crlf.txt": "a\r\nb\r\n",
		"nested/.git/HEAD": "ref: refs/heads/x\n", "nested/file": "of another repository", ".strake/.gitignore": "*\n", ".strake/journal": "{}",
	})
	if err := os.Remove(filepath.Join(dir, "gone.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "mode.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"staged.txt": "s"})
	git(t, dir, "add", "staged.txt")
	if err := os.Remove(filepath.Join(dir, "staged.txt")); err != nil {
		t.Fatal(err)
	}
	dirty := []string{"environments/platform.yaml", "gone.txt", "mode.sh", "overlays/keep.log", "overlays/new/untracked.yaml", "overlays/tracked.log", "staged.txt"}
	got, err := r.Dirty()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(dirty, got); d != "" {
		t.Errorf("dirty: %s", d)
	}
	if got, err = r.Dirty("overlays/new", "gone.txt"); err != nil || !cmp.Equal(got, []string{"gone.txt", "overlays/new/untracked.yaml"}) {
		t.Errorf("dirty below prefixes = %v, %v", got, err)
	}
	got, err = r.Changed(first)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		".gitignore", "crlf.txt", "environments/platform.yaml", "mode.sh", "overlays/.gitignore", "overlays/dev/app/kustomization.yaml",
		"overlays/keep.log", "overlays/new/untracked.yaml", "overlays/prod/app/kustomization.yaml", "overlays/tracked.log",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("changed: %s", d)
	}
}

// A file edited in the same second as the index was written, to the same size,
// is seen: git's "racily clean" entry.
func TestDirtySeesASameSizedEditAtOnce(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	for i := range 20 {
		write(t, dir, map[string]string{"f": "aaaa"})
		git(t, dir, "add", "f")
		write(t, dir, map[string]string{"f": "bbbb"})
		if i%2 == 0 { // even with the time put back
			info, err := os.Stat(filepath.Join(dir, ".git/index"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, "f"), time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := open(t, dir).Dirty(); err != nil || !cmp.Equal(got, []string{"f"}) {
			t.Fatalf("dirty = %v, %v", got, err)
		}
	}
}

func TestDirtyKnowsLFS(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	// sha256 of "content\n"
	commit(t, dir, "pointer", map[string]string{"m.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53\nsize 8\n"})
	r := open(t, dir)
	write(t, dir, map[string]string{"m.bin": "content\n"})
	if got, err := r.Dirty(); err != nil || len(got) != 0 {
		t.Errorf("checked out content: dirty = %v, %v", got, err)
	}
	write(t, dir, map[string]string{"m.bin": "changed\n"})
	if got, err := r.Dirty(); err != nil || !cmp.Equal(got, []string{"m.bin"}) {
		t.Errorf("changed content: dirty = %v, %v", got, err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir, _, second := sample(t)
	sub := filepath.Join(dir, "overlays/dev/app")
	if err := os.MkdirAll(filepath.Join(sub, ".git"), 0o755); err != nil { // no repository: git passes by
		t.Fatal(err)
	}
	r := open(t, sub)
	if r.Root() != dir {
		t.Errorf("root = %s, want %s", r.Root(), dir)
	}
	if r.Branch() != "main" {
		t.Errorf("branch = %q", r.Branch())
	}
	if _, ok := r.Remote("origin"); ok {
		t.Error("a remote that is not there")
	}
	for in, want := range map[string]string{
		"https://github.com/example/x":                      "https://github.com/example/x",
		"https://user:token@github.com/example/x.git":       "https://github.com/example/x.git",
		"https://x-access-token:ghs_1@github.com/example/x": "https://github.com/example/x",
		"https://ghp_token@github.com/example/x":            "https://github.com/example/x",
		"git@github.com:example/x.git":                      "git@github.com:example/x.git",
		"ssh://git@github.com/example/x.git":                "ssh://git@github.com/example/x.git",
		"ssh://git:secret@github.com:22/example/x.git":      "ssh://git@github.com:22/example/x.git",
		"../relative/x": "../relative/x",
	} {
		git(t, dir, "config", "remote.origin.url", in)
		if got, ok := open(t, dir).Remote("origin"); !ok || got != want {
			t.Errorf("remote %s = %q, want %q", in, got, want)
		}
	}
	git(t, dir, "checkout", "-q", "--detach")
	if got := open(t, dir).Branch(); got != "" {
		t.Errorf("detached: branch = %q", got)
	}

	tree2 := filepath.Join(t.TempDir(), "linked")
	git(t, dir, "worktree", "add", "-q", "-b", "linked", tree2)
	write(t, tree2, map[string]string{"only-here.yaml": "h"})
	git(t, tree2, "add", "only-here.yaml")
	l := open(t, tree2)
	if l.Root() != tree2 || l.Branch() != "linked" {
		t.Errorf("linked: root %s, branch %s", l.Root(), l.Branch())
	}
	if _, sha, err := l.Tree("main"); err != nil || sha != second {
		t.Errorf("linked: main = %s, %v", sha, err)
	}
	if x, err := l.Staged("only-here.yaml"); err != nil || x.Len() != 1 {
		t.Errorf("linked: index = %v, %v", x, err)
	}
	if got, err := l.Dirty(); err != nil || !cmp.Equal(got, []string{"only-here.yaml"}) {
		t.Errorf("linked: dirty = %v, %v", got, err)
	}

	empty := t.TempDir()
	if _, err := Open(empty); !errors.Is(err, ErrNoRepository) {
		t.Errorf("no repository: %v", err)
	}
	git(t, empty, "init", "-q", "-b", "trunk")
	u := open(t, empty)
	if u.Branch() != "trunk" {
		t.Errorf("unborn branch = %q", u.Branch())
	}
	if x, err := u.Staged(); err != nil || x.Len() != 0 {
		t.Errorf("unborn index = %v, %v", x, err)
	}
	write(t, empty, map[string]string{"a": "a"})
	if got, err := u.Dirty(); err != nil || !cmp.Equal(got, []string{"a"}) {
		t.Errorf("unborn: dirty = %v, %v", got, err)
	}
	if _, _, err := u.Tree("HEAD"); !errors.Is(err, ErrNoRevision) {
		t.Errorf("unborn HEAD: %v", err)
	}
}

func TestClonesOfAllKinds(t *testing.T) {
	t.Parallel()
	dir, _, second := sample(t)
	git(t, dir, "config", "uploadpack.allowFilter", "true")
	clone := func(args ...string) string {
		to := filepath.Join(t.TempDir(), "clone")
		git(t, t.TempDir(), append(append([]string{"clone", "-q"}, args...), "file://"+dir, to)...)
		return to
	}
	check := func(name, dir string) *Repo {
		t.Helper()
		r := open(t, dir)
		x, sha, err := r.Tree("origin/main")
		if err != nil || sha != second || x.Len() != 5 {
			t.Errorf("%s: %s, %v", name, sha, err)
		}
		return r
	}
	shared := filepath.Join(t.TempDir(), "shared")
	git(t, t.TempDir(), "clone", "-q", "--shared", dir, shared)
	check("shared", shared)

	shallow := check("shallow", clone("--depth", "1"))
	var u *Unsupported
	if _, _, err := shallow.Tree("HEAD~1"); !errors.As(err, &u) || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("shallow: %v", err)
	}
	if _, _, err := shallow.Tree("v9"); !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "shallow") {
		t.Errorf("shallow, unknown name: %v", err)
	}

	partial := clone("--filter=blob:none")
	r := check("partial", partial) // the blobs of HEAD came with the checkout
	if _, _, err := r.Tree("HEAD~1"); !errors.As(err, &u) || !strings.Contains(err.Error(), "git archive") {
		t.Errorf("partial: %v", err)
	}
	git(t, partial, "archive", "-o", os.DevNull, "HEAD~1")
	if _, _, err := open(t, partial).Tree("HEAD~1"); err != nil {
		t.Errorf("partial, after the way out: %v", err)
	}

	sparse := clone("--sparse")
	git(t, sparse, "sparse-checkout", "set", "overlays/dev")
	r = check("sparse", sparse)
	if got, err := r.Dirty(); err != nil || len(got) != 0 {
		t.Errorf("sparse: dirty = %v, %v", got, err)
	}
	git(t, sparse, "sparse-checkout", "set", "--cone", "--sparse-index", "overlays/dev")
	if _, err := open(t, sparse).Staged(); !errors.As(err, &u) || !strings.Contains(err.Error(), "--no-sparse-index") {
		t.Errorf("sparse index: %v", err)
	}
	git(t, sparse, "sparse-checkout", "reapply", "--no-sparse-index")
	if _, err := open(t, sparse).Staged(); err != nil {
		t.Errorf("sparse index, after the way out: %v", err)
	}
	split := clone()
	git(t, split, "update-index", "--split-index")
	if _, err := open(t, split).Staged(); !errors.As(err, &u) || !strings.Contains(err.Error(), "--no-split-index") {
		t.Errorf("split index: %v", err)
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"sha256": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
				t.Fatal(err)
			}
			git(t, dir, "init", "-q", "--object-format=sha256")
		}, "only sha1"},
		"reftable": {func(t *testing.T, dir string) {
			git(t, dir, "config", "core.repositoryformatversion", "1")
			git(t, dir, "config", "extensions.refStorage", "reftable")
		}, "git refs migrate"},
		"unknown extension": {func(t *testing.T, dir string) {
			git(t, dir, "config", "core.repositoryformatversion", "1")
			git(t, dir, "config", "extensions.fromTheFuture", "true")
		}, "fromTheFuture"},
		"format version": {func(t *testing.T, dir string) {
			git(t, dir, "config", "core.repositoryformatversion", "7")
		}, "version 7"},
		"broken config": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".git/config": "[core\n"})
		}, "git config --list"},
		"lost worktree": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{".git": "gitdir: /nowhere/at/all\n"})
		}, "git worktree repair"},
		"strange .git": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{".git": "hello\n"})
		}, "git status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _, _ := sample(t)
			tt.prepare(t, dir)
			_, err := Open(dir)
			var u *Unsupported
			if !errors.As(err, &u) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want *Unsupported with %q", err, tt.want)
			}
		})
	}
}

// Extensions that change nothing for a reader are no obstacle: sparse checkouts
// and relative working trees set them.
func TestHarmlessExtensions(t *testing.T) {
	t.Parallel()
	dir, _, second := sample(t)
	git(t, dir, "config", "core.repositoryformatversion", "1")
	for _, name := range []string{"worktreeConfig", "relativeWorktrees", "preciousObjects", "noop"} {
		write(t, dir, map[string]string{".git/config": "[core]\n\trepositoryformatversion = 1\n[extensions]\n\t" + name + " = true\n\tobjectFormat = sha1\n\trefStorage = files\n"})
		if _, sha, err := open(t, dir).Tree("HEAD"); err != nil || sha != second {
			t.Errorf("%s: %s, %v", name, sha, err)
		}
	}
}

func TestCorruptObjects(t *testing.T) {
	t.Parallel()
	dir, _, _ := sample(t)
	blob := git(t, dir, "rev-parse", "HEAD:README.md")
	at := filepath.Join(dir, ".git/objects", blob[:2], blob[2:])
	if err := os.Chmod(at, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, bytes.Repeat([]byte{7}, 20), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, dir).Tree("HEAD"); err == nil {
		t.Error("a corrupt object was read")
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	var u *Unsupported
	if _, _, err := open(t, dir).Tree("HEAD"); !errors.As(err, &u) || !strings.Contains(err.Error(), "git fsck") {
		t.Errorf("a missing object: %v", err)
	}
	write(t, dir, map[string]string{".git/index": "DIRC\x00\x00\x00\x09"})
	if _, err := open(t, dir).Staged(); !errors.As(err, &u) {
		t.Errorf("an index of the future: %v", err)
	}
}
