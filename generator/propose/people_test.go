package propose

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"strake/e2e/github"
)

// clone checks a branch out with the real git and returns a runner in it.
func (f *forge) clone(branch string) func(args ...string) {
	f.t.Helper()
	dir := filepath.Join(f.t.TempDir(), "clone")
	git := func(args ...string) {
		f.t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=bob", "GIT_AUTHOR_EMAIL=bob@example.com", "GIT_COMMITTER_NAME=bob", "GIT_COMMITTER_EMAIL=bob@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			f.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	remote := strings.Replace(f.url, "http://", "http://x:t0ken@", 1) + "/example/mlops.git"
	git("clone", "--quiet", "--branch", branch, remote, dir)
	return func(args ...string) {
		f.t.Helper()
		git(append([]string{"-C", dir}, args...)...)
	}
}

// TestHandEditsUnderOurMessage: whoever amends or merges keeps our message and
// is no less a person for it.
func TestHandEditsUnderOurMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		edit func(git func(...string))
	}{
		{"amended", func(git func(...string)) {
			git("rm", "--quiet", "overlays/dev/a.yaml")
			git("commit", "--quiet", "--amend", "--no-edit")
			git("push", "--quiet", "--force", "origin", "strake/dev")
		}},
		{"merged with a change of their own", func(git func(...string)) {
			git("merge", "--quiet", "--no-ff", "--no-commit", "origin/main")
			git("rm", "--quiet", "overlays/dev/a.yaml")
			git("commit", "--quiet", "-m", "Merge branch 'main' into strake/dev")
			git("push", "--quiet", "origin", "strake/dev")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t, nil)
			run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a", "overlays/dev/b.yaml": "b"}))
			f.push("main", "alice", map[string]string{"docs.md": "new"})
			test.edit(f.clone("strake/dev"))
			out := quiet(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b", "overlays/dev/b.yaml": "b"}), Blocked)
			if !strings.Contains(out.Reason, "by bob") {
				t.Errorf("reason: %s", out.Reason)
			}
		})
	}
}

// TestUpdateBranchButton: GitHub's own merge of base is nobody's work.
func TestUpdateBranchButton(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
	run(t, f, p)
	f.push("main", "alice", map[string]string{"docs.md": "new"})
	f.ok(f.UpdateBranch(1))
	quiet(t, f, p, Unchanged)
	if out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"})); out.Operation != Updated {
		t.Errorf("got %v", out)
	}
}

// TestPushWhileClosing: a commit that arrives while the pull request is being
// closed must not go with the branch.
func TestPushWhileClosing(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
	run(t, f, p)
	f.push("main", "alice", map[string]string{"overlays/dev/a.yaml": "a"})
	var theirs string
	raced := f.once(http.MethodPatch, "/pulls/1", func() { theirs = f.push("strake/dev", "bob", map[string]string{"mine": "work"}) })
	out := run(t, f, p)
	if !*raced || out.Operation != Closed || f.head("strake/dev") != theirs {
		t.Errorf("got %v; the branch is at %q, bob pushed %q", out, f.head("strake/dev"), theirs)
	}
}

// TestPushWhileProposing: a commit that arrives in the middle blocks.
func TestPushWhileProposing(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
	var theirs string
	raced := f.once(http.MethodPatch, "git/refs", func() { theirs = f.push("strake/dev", "bob", map[string]string{"mine": "work"}) })
	out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"}))
	if !*raced || out.Operation != Blocked || f.head("strake/dev") != theirs {
		t.Errorf("got %v; the branch is at %q, bob pushed %q", out, f.head("strake/dev"), theirs)
	}
}

// TestHistoryOfItsOwn: a branch that shares nothing with base is somebody's.
func TestHistoryOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	git := f.clone("main")
	git("checkout", "--quiet", "--orphan", "strake/dev")
	git("commit", "--quiet", "-m", "from nothing")
	git("push", "--quiet", "origin", "strake/dev")
	quiet(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}), Blocked)
}

// TestLargeRepository reads directory by directory where GitHub truncates.
func TestLargeRepository(t *testing.T) {
	t.Parallel()
	f := newForge(t, map[string]string{"README.md": "mine", "overlays/dev/a.yaml": "a", "overlays/dev/old.yaml": "old", "zz/y": "y"})
	f.Truncate(1)
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "b", "overlays/dev/sub/new.yaml": "n"}, "overlays/dev/old.yaml")
	if out := run(t, f, p); out.Operation != Created {
		t.Fatalf("got %v", out)
	}
	quiet(t, f, p, Unchanged)
	f.ok(f.Merge(1))
	quiet(t, f, p, Unchanged)
}

// TestRefusals: what GitHub says when something about the repository or the
// token is wrong, and what a person is told to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	token := func(p map[string]github.Access) map[string]github.Token {
		return map[string]github.Token{"t0ken": {Login: "strake[bot]", Kind: github.App, Permissions: p}}
	}
	for _, test := range []struct {
		name   string
		config github.Config
		setUp  func(*forge)
		want   string
	}{
		{"a token that cannot see the repository", github.Config{Tokens: token(map[string]github.Access{})}, nil, "the token cannot see example/mlops"},
		{"a token that is not known", github.Config{Tokens: map[string]github.Token{}}, nil, "the token in GITHUB_TOKEN is not valid"},
		{"a token that may only read", github.Config{Tokens: token(map[string]github.Access{"contents": github.Read, "pull_requests": github.Read})}, nil, "permissions: {contents: write"},
		{"an empty repository", github.Config{Files: map[string]string{}}, func(f *forge) { f.ok(f.DeleteBranch("main")) }, "branch main of example/mlops does not exist: push it first"},
		{"no base branch", github.Config{}, func(f *forge) {
			f.push("other", "alice", map[string]string{"x": "x"})
			f.ok(f.DeleteBranch("main"))
		}, "branch main of example/mlops does not exist: push it first"},
		{"a branch where ours need a directory", github.Config{}, func(f *forge) { f.push("strake", "bob", map[string]string{"x": "x"}) }, "a branch named strake is in the way"},
		{"a protected branch", github.Config{}, func(f *forge) {
			run(f.t, f, proposal("d0", map[string]string{"a": "0"}))
			f.ok(f.Protect("strake/*", github.Protection{}))
		}, "a rule of example/mlops forbids the write"},
		{"a ruleset", github.Config{}, func(f *forge) {
			run(f.t, f, proposal("d0", map[string]string{"a": "0"}))
			f.ok(f.Protect("strake/*", github.Protection{Ruleset: true}))
		}, "a rule of example/mlops forbids the write"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForgeWith(t, test.config)
			if test.setUp != nil {
				test.setUp(f)
			}
			_, err := f.client(t).Run(context.Background(), []Proposal{proposal("d1", map[string]string{"a": "a"})})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestEnterprise proposes below /api/v3.
func TestEnterprise(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	f.url += "/api/v3"
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
	if out := run(t, f, p); out.Operation != Created || !strings.HasSuffix(out.URL, "/example/mlops/pull/1") {
		t.Errorf("got %v", out)
	}
	quiet(t, f, p, Unchanged)
}
