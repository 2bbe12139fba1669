package github_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gh "github.com/google/go-github/v60/github"

	"strake/e2e/github"
)

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("work", "bob", map[string]string{"w": "w"})
	h.push("other", "bob", map[string]string{"o": "o"})
	client := h.as("t-app")
	for _, branch := range []string{"same", "second"} {
		if _, _, err := client.Git.CreateRef(ctx(), owner, name, ref("refs/heads/"+branch, h.head("main"))); err != nil {
			t.Fatal(err)
		}
	}
	alone, _, err := client.Git.CreateCommit(ctx(), owner, name, &gh.Commit{Message: new("alone"), Tree: &gh.Tree{SHA: new(blobTree(t, h, ""))}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Git.CreateRef(ctx(), owner, name, ref("refs/heads/alone", alone.GetSHA())); err != nil {
		t.Fatal(err)
	}
	create := func(title, head, base, body string) func() error {
		return func() error {
			_, _, err := client.PullRequests.Create(ctx(), owner, name, &gh.NewPullRequest{Title: &title, Head: &head, Base: &base, Body: &body})
			return err
		}
	}
	pr := h.open("work", "main")
	if pr.GetNumber() != 1 || pr.GetState() != "open" || pr.GetHead().GetLabel() != "example:work" || pr.GetHead().GetUser().GetLogin() != owner || pr.GetUser().GetLogin() != "alice" {
		t.Errorf("opened: %v", pr)
	}
	refusals(t, []refusal{
		{"a second one", create("t", "work", "main", ""), "422 Validation Failed; PullRequest custom A pull request already exists for example:work."},
		{"a second one by its full name", create("t", "example:work", "main", ""), "422 Validation Failed; PullRequest custom A pull request already exists for example:work."},
		{"no commits", create("t", "same", "main", ""), "422 Validation Failed; PullRequest custom No commits between main and same"},
		{"no head", create("t", "none", "main", ""), "422 Validation Failed; PullRequest head invalid"},
		{"no fork", create("t", "mallory:work", "main", ""), "422 Validation Failed; PullRequest head invalid"},
		{"no base", create("t", "other", "none", ""), "422 Validation Failed; PullRequest base invalid"},
		{"no title", create(" ", "other", "main", ""), "422 Validation Failed; Issue title missing_field"},
		{"title too long", create(strings.Repeat("ä", 257), "other", "main", ""), "422 Validation Failed; Issue title custom title is too long (maximum is 256 characters)"},
		{"body too long", create("t", "other", "main", strings.Repeat("ä", 65537)), "422 Validation Failed; Issue body custom body is too long (maximum is 65536 characters)"},
		{"nothing in common", create("t", "alone", "main", ""), "422 Validation Failed; PullRequest custom The alone branch has no history in common with main"},
	})
	if err := create("t", "work", "second", strings.Repeat("ä", 65536))(); err != nil {
		t.Errorf("the same head for another base: %v", err)
	}
}

func TestPullFollowsItsBranch(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("work", "bob", map[string]string{"w": "1"})
	if pr := h.open("work", "main"); pr.Mergeable != nil || pr.GetMergeableState() != "unknown" {
		t.Errorf("mergeable is known at once: %v", pr)
	}
	if pr := h.pull(1); !pr.GetMergeable() || pr.GetMergeableState() != "clean" || pr.GetChangedFiles() != 1 || pr.GetCommits() != 1 {
		t.Errorf("got %v", pr)
	}
	second := h.push("work", "bob", map[string]string{"w": "2", "overlays/dev/a.yaml": "theirs\n"})
	if pr := h.pull(1); pr.GetHead().GetSHA() != second || pr.GetCommits() != 2 || pr.GetChangedFiles() != 2 || pr.GetAdditions() != 2 || pr.GetDeletions() != 1 || pr.Mergeable != nil {
		t.Errorf("after a push: %v", pr)
	}
	h.push("main", "alice", map[string]string{"overlays/dev/a.yaml": "ours\n"})
	h.pull(1)
	if pr := h.pull(1); pr.GetMergeable() || pr.GetMergeableState() != "dirty" {
		t.Errorf("a conflict: %v", pr)
	}
	pulls := h.as("t-bob").PullRequests
	files, _, err := pulls.ListFiles(ctx(), owner, name, 1, nil)
	if err != nil || len(files) != 2 || files[0].GetFilename() != "overlays/dev/a.yaml" {
		t.Errorf("files: %v %v", files, err)
	}
	commits, _, err := pulls.ListCommits(ctx(), owner, name, 1, nil)
	if err != nil || len(commits) != 2 || commits[1].GetSHA() != second {
		t.Errorf("commits: %v %v", commits, err)
	}
	if err := h.DeleteBranch("work"); err != nil {
		t.Fatal(err)
	}
	if pr := h.pull(1); pr.GetState() != "closed" || pr.GetMerged() || pr.GetHead().GetSHA() != second {
		t.Errorf("after its branch was deleted: %v", pr)
	}
}

func TestPullEndsWithItsBranches(t *testing.T) {
	t.Parallel()
	h := start(t)
	first := h.head("main")
	for _, branch := range []string{"reset", "received"} {
		h.push(branch, "bob", map[string]string{branch: "1"})
		h.open(branch, "main")
	}
	git := h.as("t-alice").Git
	if _, _, err := git.UpdateRef(ctx(), owner, name, ref("heads/reset", first), true); err != nil {
		t.Fatal(err)
	}
	if pr := h.pull(1); pr.GetState() != "closed" || pr.GetMerged() {
		t.Errorf("reset to base: %v", pr)
	}
	if _, _, err := git.UpdateRef(ctx(), owner, name, ref("heads/main", h.head("received")), false); err != nil {
		t.Fatal(err)
	}
	if pr := h.pull(2); pr.GetState() != "closed" || !pr.GetMerged() || pr.MergedAt == nil {
		t.Errorf("base moved to the head: %v", pr)
	}
}

func TestListPulls(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("second", "alice", map[string]string{"s": "s"})
	for _, branch := range []string{"strake/dev", "strake/prod", "third"} {
		h.push(branch, "bob", map[string]string{branch + ".txt": "1"})
		h.open(branch, "main")
	}
	h.open("third", "second")
	if err := h.ClosePull(2); err != nil {
		t.Fatal(err)
	}
	if n, err := h.OpenFromFork("mallory", "strake/dev", "main", "trust me", map[string]string{"f": "f"}); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	if err := h.EditPull(1, func(title, body string) (string, string) { return title + "!", body }); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		opts gh.PullRequestListOptions
		want string
	}{
		{gh.PullRequestListOptions{}, "[5 4 3 1]"},
		{gh.PullRequestListOptions{State: "all"}, "[5 4 3 2 1]"},
		{gh.PullRequestListOptions{State: "closed"}, "[2]"},
		{gh.PullRequestListOptions{State: "all", Head: "example:strake/dev"}, "[1]"},
		{gh.PullRequestListOptions{State: "all", Head: "mallory:strake/dev"}, "[5]"},
		{gh.PullRequestListOptions{State: "all", Head: "strake/dev"}, "[5 4 3 2 1]"}, // not user:branch filters nothing
		{gh.PullRequestListOptions{Head: "example:third", Base: "second"}, "[4]"},
		{gh.PullRequestListOptions{Base: "none"}, "[]"},
		{gh.PullRequestListOptions{Direction: "asc"}, "[1 3 4 5]"},
		{gh.PullRequestListOptions{Sort: "updated"}, "[3 4 5 1]"},
		{gh.PullRequestListOptions{Sort: "updated", Direction: "desc"}, "[1 5 4 3]"},
		{gh.PullRequestListOptions{State: "all", ListOptions: gh.ListOptions{PerPage: 2, Page: 2}}, "[3 2]"},
	} {
		list, response, err := h.as("t-reader").PullRequests.List(ctx(), owner, name, &test.opts)
		if err != nil {
			t.Fatal(err)
		}
		numbers := []int{}
		for _, pr := range list {
			numbers = append(numbers, pr.GetNumber())
		}
		if got := fmt.Sprint(numbers); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.opts, got, test.want)
		}
		if test.opts.Page == 2 && (response.NextPage != 3 || response.PrevPage != 1 || response.LastPage != 3 || response.FirstPage != 1) {
			t.Errorf("pages: %+v", response)
		}
	}
}

func TestEditPull(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("second", "alice", map[string]string{"s": "s"})
	h.push("work", "bob", map[string]string{"w": "w"})
	h.push("gone", "bob", map[string]string{"g": "g"})
	h.push("rewritten", "bob", map[string]string{"r": "r"})
	h.push("merged", "bob", map[string]string{"m": "m"})
	for _, branch := range []string{"work", "gone", "rewritten", "merged"} {
		h.open(branch, "main")
	}
	pulls := h.as("t-app").PullRequests
	edit := func(number int, change gh.PullRequest) func() error {
		return func() error { _, _, err := pulls.Edit(ctx(), owner, name, number, &change); return err }
	}
	state := func(s string) gh.PullRequest { return gh.PullRequest{State: &s} }
	onto := func(b string) gh.PullRequest { return gh.PullRequest{Base: &gh.PullRequestBranch{Ref: &b}} }
	got, _, err := pulls.Edit(ctx(), owner, name, 1, &gh.PullRequest{Title: new("new"), Body: new("text"), Base: &gh.PullRequestBranch{Ref: new("second")}})
	if err != nil || got.GetTitle() != "new" || got.GetBody() != "text" || got.GetBase().GetRef() != "second" || got.GetBase().GetSHA() != h.head("second") {
		t.Fatalf("edit: %v %v", got, err)
	}
	if err := errors.Join(edit(1, onto("main"))(), edit(2, state("closed"))(), edit(3, state("closed"))(), h.Merge(4), h.DeleteBranch("gone")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.as("t-app").Git.UpdateRef(ctx(), owner, name, ref("heads/rewritten", h.head("second")), true); err != nil {
		t.Fatal(err)
	}
	const cannot = "422 Validation Failed; PullRequest state custom state cannot be changed. "
	refusals(t, []refusal{
		{"no title", edit(1, gh.PullRequest{Title: new("")}), "422 Validation Failed; Issue title missing_field"},
		{"body too long", edit(1, gh.PullRequest{Body: new(strings.Repeat("x", 65537))}), "422 Validation Failed; Issue body custom body is too long (maximum is 65536 characters)"},
		{"no state", edit(1, state("merged")), "422 Validation Failed; PullRequest state invalid"},
		{"no base", edit(1, onto("none")), "422 Validation Failed; PullRequest base invalid Proposed base branch 'none' was not found"},
		{"base of a closed one", edit(3, onto("second")), "422 Validation Failed; PullRequest base invalid Cannot change the base branch of a closed pull request."},
		{"reopen without branch", edit(2, state("open")), cannot + "The gone branch has been deleted."},
		{"reopen after a force push", edit(3, state("open")), cannot + "The rewritten branch was force-pushed or recreated."},
		{"reopen a merged one", edit(4, state("open")), cannot + "The pull request cannot be reopened."},
		{"one that is not there", edit(9, state("open")), "404 Not Found"},
	})
	if err := errors.Join(edit(1, state("closed"))(), edit(1, state("open"))()); err != nil || h.pull(1).GetState() != "open" || h.pull(1).ClosedAt != nil {
		t.Errorf("close and reopen: %v %v", err, h.pull(1))
	}
}

func TestReviewers(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) { c.Collaborators = []string{"dora"} })
	h.push("work", "bob", map[string]string{"w": "w"})
	h.open("work", "main")
	pulls := h.as("t-app").PullRequests
	ask := func(logins ...string) func() error {
		return func() error {
			_, _, err := pulls.RequestReviewers(ctx(), owner, name, 1, gh.ReviewersRequest{Reviewers: logins, TeamReviewers: []string{"platform"}})
			return err
		}
	}
	refusals(t, []refusal{
		{"the author", ask("alice"), "422 Review cannot be requested from pull request author."},
		{"a stranger", ask("bob", "eve"), "422 Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the example/mlops repository."},
	})
	if err := ask("bob", "dora")(); err != nil {
		t.Fatal(err)
	}
	if _, err := pulls.RemoveReviewers(ctx(), owner, name, 1, gh.ReviewersRequest{Reviewers: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	got, _, err := pulls.ListReviewers(ctx(), owner, name, 1, nil)
	if err != nil || len(got.Users) != 1 || got.Users[0].GetLogin() != "dora" || len(got.Teams) != 1 || got.Teams[0].GetSlug() != "platform" {
		t.Errorf("got %v %v", got, err)
	}
}

func TestMergeMethods(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method  string
		parents int
		message string
		log     []string
	}{
		{"merge", 2, "Merge pull request #1 from example/work\n\nchange work", nil},
		{"squash", 1, "change work (#1)\n\n* Change by bob\n\n* Change by bob", nil},
		{"rebase", 1, "Change by bob\n", nil},
	} {
		t.Run(test.method, func(t *testing.T) {
			t.Parallel()
			h := start(t, func(c *github.Config) { c.DeleteBranchOnMerge = test.method == "squash" })
			h.push("work", "bob", map[string]string{"w": "1"})
			h.push("work", "bob", map[string]string{"w": "2"})
			h.open("work", "main")
			h.push("main", "alice", map[string]string{"docs.md": "kept"}) // a merge that takes the head's tree whole loses it
			pulls := h.as("t-app").PullRequests
			if merged, _, err := pulls.IsMerged(ctx(), owner, name, 1); err != nil || merged {
				t.Errorf("merged before: %v", err)
			}
			result, _, err := pulls.Merge(ctx(), owner, name, 1, "", &gh.PullRequestOptions{MergeMethod: test.method, SHA: h.head("work")})
			if err != nil || !result.GetMerged() || result.GetSHA() != h.head("main") || result.GetMessage() != "Pull Request successfully merged" {
				t.Fatalf("merge: %v %v", result, err)
			}
			got, err := h.Files("main")
			want := map[string]string{"README.md": "mine\n", "overlays/dev/a.yaml": "a\n", "overlays/prod/a.yaml": "a\n", "docs.md": "kept", "w": "2"}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("main (-want +got):\n%s%v", diff, err)
			}
			commit, _, err := h.as("t-app").Git.GetCommit(ctx(), owner, name, result.GetSHA())
			if err != nil || len(commit.Parents) != test.parents || commit.GetMessage() != test.message || commit.GetCommitter().GetName() != "GitHub" {
				t.Errorf("commit: %v %v", commit, err)
			}
			pr := h.pull(1)
			if !pr.GetMerged() || pr.GetState() != "closed" || pr.MergedAt == nil || pr.GetMergeCommitSHA() != result.GetSHA() || pr.GetMergedBy().GetLogin() != "strake[bot]" || pr.GetChangedFiles() != 1 || pr.GetCommits() != 2 {
				t.Errorf("pull request: %v", pr)
			}
			if merged, _, err := pulls.IsMerged(ctx(), owner, name, 1); err != nil || !merged {
				t.Errorf("merged after: %v", err)
			}
			if kept := h.head("work") != ""; kept == (test.method == "squash") {
				t.Errorf("the branch is kept: %v", kept)
			}
		})
	}
}

func TestMergeRefusals(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) { c.Methods = []string{"merge", "squash"} })
	client := h.as("t-app")
	h.push("conflict", "bob", map[string]string{"README.md": "theirs\n"})
	h.push("done", "bob", map[string]string{"d": "d"})
	h.push("closed", "bob", map[string]string{"c": "c"})
	h.push("moving", "bob", map[string]string{"m": "m"})
	for _, branch := range []string{"conflict", "done", "closed", "moving"} {
		h.open(branch, "main")
	}
	h.push("draft", "bob", map[string]string{"x": "x"})
	if _, _, err := client.PullRequests.Create(ctx(), owner, name, &gh.NewPullRequest{Title: new("t"), Head: new("draft"), Base: new("main"), Draft: new(true)}); err != nil {
		t.Fatal(err)
	}
	reviewed := h.head("moving")
	h.push("moving", "eve", map[string]string{"m": "surprise"})
	h.push("main", "alice", map[string]string{"README.md": "ours\n"})
	if err := errors.Join(h.Merge(2), h.ClosePull(3)); err != nil {
		t.Fatal(err)
	}
	merge := func(number int, sha, method string) func() error {
		return func() error {
			_, _, err := client.PullRequests.Merge(ctx(), owner, name, number, "", &gh.PullRequestOptions{SHA: sha, MergeMethod: method})
			return err
		}
	}
	refusals(t, []refusal{
		{"a conflict", merge(1, "", ""), "405 Pull Request is not mergeable"},
		{"merged already", merge(2, "", ""), "405 Pull Request is not mergeable"},
		{"closed", merge(3, "", ""), "405 Pull Request is not mergeable"},
		{"a head that moved", merge(4, reviewed, ""), "409 Head branch was modified. Review and try the merge again."},
		{"a draft", merge(5, "", ""), "405 Pull Request is still a draft"},
		{"a method that is off", merge(4, "", "rebase"), "405 Rebase merges are not allowed on this repository."},
		{"no method", merge(4, "", "octopus"), "422 Invalid request.\n\n\"octopus\" is not a merge_method."},
	})
	h.pull(5)
	if pr := h.pull(5); pr.GetMergeableState() != "draft" || !pr.GetDraft() {
		t.Errorf("draft: %v", pr)
	}
}

func TestUpdateBranch(t *testing.T) {
	t.Parallel()
	h := start(t)
	old := h.push("work", "bob", map[string]string{"README.md": "theirs\n"})
	h.open("work", "main")
	pulls := h.as("t-app").PullRequests
	update := func(expected string) func() error {
		return func() error {
			_, _, err := pulls.UpdateBranch(ctx(), owner, name, 1, &gh.PullRequestBranchUpdateOptions{ExpectedHeadSHA: &expected})
			if _, ok := errors.AsType[*gh.AcceptedError](err); ok {
				return nil
			}
			return err
		}
	}
	refusals(t, []refusal{
		{"nothing new", update(old), "422 There are no new commits on the base branch."},
		{"another head", update(nothing), "422 expected head sha didn’t match current head ref."},
	})
	moved := h.push("main", "alice", map[string]string{"docs.md": "d"})
	if err := update(old)(); err != nil {
		t.Fatal(err)
	}
	pr := h.pull(1)
	parents, err := h.Parents(pr.GetHead().GetSHA())
	if diff := cmp.Diff([]string{old, moved}, parents); diff != "" || err != nil || pr.GetHead().GetSHA() != h.head("work") || pr.GetChangedFiles() != 1 {
		t.Errorf("%s%v %v", diff, err, pr)
	}
	h.push("main", "alice", map[string]string{"README.md": "ours\n"})
	refusals(t, []refusal{{"a conflict", update(pr.GetHead().GetSHA()), "422 merge conflict between base and head"}})
}
