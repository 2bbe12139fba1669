package github_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	gh "github.com/google/go-github/v60/github"

	"strake/e2e/github"
)

// git runs the real git as a user would, without any configuration.
func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=dora", "GIT_AUTHOR_EMAIL=dora@example.com", "GIT_COMMITTER_NAME=dora", "GIT_COMMITTER_EMAIL=dora@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(t, dir, args...)
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(out)
}

// remote is the address of the repository with a token as the password.
func (h *hub) remote(token string) string {
	auth := ""
	if token != "" {
		auth = "x-access-token:" + token + "@"
	}
	return strings.Replace(h.url, "http://", "http://"+auth, 1) + "/example/mlops.git"
}

func TestCloneFetchPush(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("work", "bob", map[string]string{"w": "1"})
	h.open("work", "main")
	dir := filepath.Join(t.TempDir(), "clone")
	must(t, ".", "clone", "--quiet", h.remote("t-alice"), dir)
	if got := must(t, dir, "rev-parse", "origin/work"); got != h.head("work") {
		t.Fatalf("cloned %s, the API has %s", got, h.head("work"))
	}
	// What is pushed is what the API sees, and the pull request follows.
	must(t, dir, "checkout", "--quiet", "work")
	big := strings.Repeat("0123456789abcdef\n", 200_000) // over http.postBuffer: git sends it in chunks
	if err := os.WriteFile(filepath.Join(dir, "big.txt"), []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "-c", "core.compression=0", "-c", "pack.compression=0", "add", "big.txt")
	must(t, dir, "commit", "--quiet", "-m", "by hand")
	must(t, dir, "-c", "pack.compression=0", "push", "--quiet", "origin", "work")
	pushed := must(t, dir, "rev-parse", "HEAD")
	if pr := h.pull(1); pr.GetHead().GetSHA() != pushed || pr.GetChangedFiles() != 2 {
		t.Errorf("the pull request stayed at %s: %v", pr.GetHead().GetSHA(), pr)
	}
	// What the API writes can be fetched, under the pull request's ref too.
	if err := h.Merge(1); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/pull/*/head:refs/remotes/pull/*")
	if got := must(t, dir, "rev-parse", "origin/main", "pull/1"); got != h.head("main")+"\n"+pushed {
		t.Errorf("fetched %s", got)
	}
	must(t, dir, "fsck", "--strict")
	// A push that lost a race is refused, and a deleted branch closes.
	must(t, dir, "checkout", "--quiet", "-B", "late", "origin/main~1")
	must(t, dir, "commit", "--quiet", "--allow-empty", "-m", "late")
	if out, err := git(t, dir, "push", "origin", "late:main"); err == nil || !strings.Contains(out, "[rejected]") {
		t.Errorf("not a fast forward: %v %s", err, out)
	}
	if out, err := git(t, dir, "push", "origin", "late:refs/pull/1/head"); err == nil || !strings.Contains(out, "deny updating a hidden ref") {
		t.Errorf("a pull request's ref: %v %s", err, out)
	}
	must(t, dir, "push", "--quiet", "origin", "late")
	h.open("late", "work")
	must(t, dir, "push", "--quiet", "origin", ":late")
	if pr := h.pull(2); pr.GetState() != "closed" {
		t.Errorf("the branch is gone: %v", pr)
	}
}

func TestGitAccess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		private            bool
		token, fetch, push string
	}{
		{false, "", "", "could not read Username"},
		{false, "t-alice", "", ""},
		{false, "t-reader", "", "Permission to example/mlops.git denied to reader[bot]"},
		{false, "wrong", "", "Authentication failed"}, // git shows its password only when it is asked

		{true, "", "could not read Username", "could not read Username"},
		{true, "t-app", "", ""},
		{true, "t-reader", "", "Permission to example/mlops.git denied to reader[bot]"},
		{true, "t-blind", "Repository not found", "Repository not found"},
		{true, "wrong", "Authentication failed", "Authentication failed"},
	} {
		t.Run(fmt.Sprint(test.private, " ", test.token), func(t *testing.T) {
			t.Parallel()
			h := start(t, func(c *github.Config) { c.Private = test.private })
			dir := t.TempDir()
			must(t, dir, "init", "--quiet")
			must(t, dir, "commit", "--quiet", "--allow-empty", "-m", "x")
			for _, step := range []struct {
				want string
				args []string
			}{
				{test.fetch, []string{"fetch", "--quiet", h.remote(test.token), "main"}},
				{test.push, []string{"push", h.remote(test.token), "HEAD:refs/heads/new"}},
			} {
				out, err := git(t, dir, step.args...)
				if (err != nil) != (step.want != "") || !strings.Contains(out, step.want) {
					t.Errorf("%s: %v\n%s\nwant %q", step.args[0], err, out, step.want)
				}
			}
			if made := h.head("new") != ""; made != (test.push == "") {
				t.Errorf("the branch was made: %v", made)
			}
		})
	}
}

func TestPushToAProtectedBranch(t *testing.T) {
	t.Parallel()
	h := start(t)
	if err := h.Protect("main", github.Protection{}); err != nil {
		t.Fatal(err)
	}
	before := h.head("main")
	dir := filepath.Join(t.TempDir(), "clone")
	must(t, ".", "clone", "--quiet", h.remote("t-alice"), dir)
	must(t, dir, "commit", "--quiet", "--allow-empty", "-m", "x")
	out, err := git(t, dir, "push", "origin", "main", "HEAD:refs/heads/free")
	if err == nil || !strings.Contains(out, "GH006: Protected branch update failed for refs/heads/main") || h.head("main") != before || h.head("free") == "" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestManyAtOnce has clients of both kinds write at the same time; -race and
// git fsck watch.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			branch := fmt.Sprintf("work-%d", i)
			client := h.as("t-app")
			dir := filepath.Join(t.TempDir(), branch)
			if out, err := git(t, ".", "clone", "--quiet", h.remote("t-bob"), dir); err != nil {
				t.Errorf("clone: %v %s", err, out)
				return
			}
			if _, err := h.Push(branch, "bob", map[string]string{branch: "1"}); err != nil {
				t.Error(err)
			}
			if _, _, err := client.PullRequests.Create(ctx(), owner, name, &gh.NewPullRequest{Title: &branch, Head: &branch, Base: new("main")}); err != nil {
				t.Error(err)
			}
			for _, args := range [][]string{
				{"fetch", "--quiet", "origin", branch},
				{"checkout", "--quiet", "-b", branch, "FETCH_HEAD"},
				{"commit", "--quiet", "--allow-empty", "-m", branch},
				{"push", "--quiet", "origin", branch},
			} {
				if out, err := git(t, dir, args...); err != nil {
					t.Errorf("%v: %v %s", args, err, out)
				}
			}
		})
	}
	all.Wait()
	pulls, err := h.Pulls()
	if err != nil || len(pulls) != 4 {
		t.Fatalf("%v %v", pulls, err)
	}
	var got, want []string
	for _, p := range pulls {
		got, want = append(got, p.HeadSHA), append(want, h.head(p.Head))
		if err := h.Merge(p.Number); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heads (-branch +pull request):\n%s", diff)
	}
	files, err := h.Files("main")
	if err != nil || len(files) != 7 {
		t.Errorf("main: %v %v", files, err)
	}
}
