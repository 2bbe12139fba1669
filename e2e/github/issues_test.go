package github_test

import (
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"

	"strake/e2e/github"
)

func TestComments(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("work", "bob", map[string]string{"w": "w"})
	h.open("work", "main")
	issues := h.as("t-app").Issues
	if err := h.Comment(1, "bob", "first"); err != nil {
		t.Fatal(err)
	}
	made, _, err := issues.CreateComment(ctx(), owner, name, 1, &gh.IssueComment{Body: new("second")})
	if err != nil || made.GetUser().GetLogin() != "strake[bot]" || made.GetUser().GetType() != "Bot" {
		t.Fatalf("create: %v %v", made, err)
	}
	if got, _, err := issues.EditComment(ctx(), owner, name, made.GetID(), &gh.IssueComment{Body: new("changed")}); err != nil || got.GetBody() != "changed" {
		t.Errorf("edit: %v %v", got, err)
	}
	list, _, err := issues.ListComments(ctx(), owner, name, 1, nil)
	if err != nil || len(list) != 2 || list[0].GetBody() != "first" || list[1].GetBody() != "changed" {
		t.Errorf("list: %v %v", list, err)
	}
	create := func(number int, body string) func() error {
		return func() error {
			_, _, err := issues.CreateComment(ctx(), owner, name, number, &gh.IssueComment{Body: &body})
			return err
		}
	}
	refusals(t, []refusal{
		{"nothing", create(1, ""), "422 Invalid request.\n\n\"body\" wasn't supplied."},
		{"blank", create(1, " \n"), "422 Validation Failed; IssueComment data unprocessable Body cannot be blank"},
		{"too long", create(1, strings.Repeat("x", 65537)), "422 Validation Failed; IssueComment data unprocessable Body is too long (maximum is 65536 characters)"},
		{"no issue", create(7, "x"), "404 Not Found"},
		{"edit none", func() error {
			_, _, err := issues.EditComment(ctx(), owner, name, 999, &gh.IssueComment{Body: new("x")})
			return err
		}, "404 Not Found"},
	})
	if _, err := issues.DeleteComment(ctx(), owner, name, made.GetID()); err != nil {
		t.Error(err)
	}
	refusals(t, []refusal{{"deleted", func() error { _, err := issues.DeleteComment(ctx(), owner, name, made.GetID()); return err }, "404 Not Found"}})
}

func TestLabelsAndAssignees(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("work", "bob", map[string]string{"w": "w"})
	h.open("work", "main")
	issues := h.as("t-app").Issues
	if _, _, err := issues.CreateLabel(ctx(), owner, name, &gh.Label{Name: new("strake"), Color: new("00ff00")}); err != nil {
		t.Fatal(err)
	}
	create := func(name, color string) func() error {
		return func() error {
			_, _, err := issues.CreateLabel(ctx(), owner, "mlops", &gh.Label{Name: &name, Color: &color})
			return err
		}
	}
	refusals(t, []refusal{
		{"again", create("Strake", "00ff00"), "422 Validation Failed; Label name already_exists"},
		{"a colour with #", create("x", "#00ff00"), "422 Validation Failed; Label color invalid"},
		{"remove one that is not on it", func() error { _, err := issues.RemoveLabelForIssue(ctx(), owner, name, 1, "strake"); return err }, "404 Label does not exist"},
	})
	names := func() string {
		labels, _, err := issues.ListLabelsByIssue(ctx(), owner, name, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, l := range labels {
			out = append(out, l.GetName())
		}
		return strings.Join(out, " ")
	}
	if _, _, err := issues.AddLabelsToIssue(ctx(), owner, name, 1, []string{"strake", "env/dev", "STRAKE"}); err != nil || names() != "strake env/dev" {
		t.Errorf("add: %v %s", err, names())
	}
	if _, err := issues.RemoveLabelForIssue(ctx(), owner, name, 1, "strake"); err != nil || names() != "env/dev" {
		t.Errorf("remove: %v %s", err, names())
	}
	if _, _, err := issues.ReplaceLabelsForIssue(ctx(), owner, name, 1, []string{"a", "b"}); err != nil || names() != "a b" || len(h.pull(1).Labels) != 2 {
		t.Errorf("replace: %v %s", err, names())
	}
	if _, err := issues.RemoveLabelsForIssue(ctx(), owner, name, 1); err != nil || names() != "" {
		t.Errorf("remove all: %v %s", err, names())
	}
	all, _, err := issues.ListLabels(ctx(), owner, name, nil)
	if err != nil || len(all) != 4 {
		t.Errorf("all: %v %v", all, err)
	}
	issue, _, err := issues.AddAssignees(ctx(), owner, name, 1, []string{"bob", "eve"})
	if err != nil || len(issue.Assignees) != 1 || issue.Assignees[0].GetLogin() != "bob" || !issue.IsPullRequest() {
		t.Errorf("assign: %v %v", issue, err)
	}
	if issue, _, err = issues.RemoveAssignees(ctx(), owner, name, 1, []string{"bob"}); err != nil || len(issue.Assignees) != 0 {
		t.Errorf("unassign: %v %v", issue, err)
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	h := start(t)
	repos := h.as("t-app").Repositories
	sha := h.push("strake/dev", "bob", map[string]string{"w": "w"})
	state := func() string {
		combined, _, err := repos.GetCombinedStatus(ctx(), owner, name, "strake/dev", nil)
		if err != nil {
			t.Fatal(err)
		}
		return combined.GetState()
	}
	set := func(sha, state, context, description string) func() error {
		return func() error {
			_, _, err := repos.CreateStatus(ctx(), owner, name, sha, &gh.RepoStatus{State: &state, Context: &context, Description: &description})
			return err
		}
	}
	for _, step := range []struct{ context, state, want string }{
		{"", "", "pending"}, // none yet
		{"a", "success", "success"},
		{"b", "pending", "pending"},
		{"b", "error", "failure"},
		{"c", "pending", "failure"},
		{"b", "success", "pending"},
		{"c", "success", "success"},
	} {
		if step.state != "" {
			if err := set(sha, step.state, step.context, "")(); err != nil {
				t.Fatal(err)
			}
		}
		if got := state(); got != step.want {
			t.Errorf("after %s=%s: %s, want %s", step.context, step.state, got, step.want)
		}
	}
	list, _, err := repos.ListStatuses(ctx(), owner, name, "heads/strake/dev", nil)
	if err != nil || len(list) != 6 || list[0].GetContext() != "c" || list[0].GetCreator().GetLogin() != "strake[bot]" {
		t.Errorf("list: %v %v", list, err)
	}
	refusals(t, []refusal{
		{"no commit", set(nothing, "success", "x", ""), "422 No commit found for SHA: " + nothing},
		{"a branch", set("strake/dev", "success", "x", ""), "422 No commit found for SHA: strake/dev"},
		{"no state", set(sha, "green", "x", ""), "422 Validation Failed; Status state custom state is not included in the list"},
		{"too much", set(sha, "success", "x", strings.Repeat("x", 141)), "422 Validation Failed; Status description custom description is too long (maximum is 140 characters)"},
		{"no ref", func() error { _, _, err := repos.GetCombinedStatus(ctx(), owner, name, "none", nil); return err }, "404 Not Found"},
	})
}

func TestCheckRuns(t *testing.T) {
	t.Parallel()
	h := start(t)
	checks := h.as("t-app").Checks
	sha := h.head("main")
	run, _, err := checks.CreateCheckRun(ctx(), owner, name, gh.CreateCheckRunOptions{Name: "strake", HeadSHA: sha, Status: new("in_progress")})
	if err != nil || run.GetStatus() != "in_progress" || run.Conclusion != nil {
		t.Fatalf("create: %v %v", run, err)
	}
	done := gh.Timestamp{Time: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	out := &gh.CheckRunOutput{Title: new("t"), Summary: new("s")}
	run, _, err = checks.UpdateCheckRun(ctx(), owner, name, run.GetID(), gh.UpdateCheckRunOptions{Name: "strake", Conclusion: new("neutral"), CompletedAt: &done, Output: out})
	if err != nil || run.GetStatus() != "completed" || run.GetConclusion() != "neutral" || !run.GetCompletedAt().Equal(done) || run.GetOutput().GetSummary() != "s" {
		t.Fatalf("update: %v %v", run, err)
	}
	list, _, err := checks.ListCheckRunsForRef(ctx(), owner, name, "main", &gh.ListCheckRunsOptions{CheckName: new("strake")})
	if err != nil || list.GetTotal() != 1 || list.CheckRuns[0].GetID() != run.GetID() {
		t.Errorf("list: %v %v", list, err)
	}
	create := func(token string, o gh.CreateCheckRunOptions) func() error {
		return func() error { _, _, err := h.as(token).Checks.CreateCheckRun(ctx(), owner, name, o); return err }
	}
	long := new(strings.Repeat("x", 65536))
	refusals(t, []refusal{
		{"by a person", create("t-alice", gh.CreateCheckRunOptions{Name: "x", HeadSHA: sha}), "403 You must authenticate via a GitHub App."},
		{"on no commit", create("t-app", gh.CreateCheckRunOptions{Name: "x", HeadSHA: nothing}), "422 No commit found for SHA: " + nothing},
		{"done without a verdict", create("t-app", gh.CreateCheckRunOptions{Name: "x", HeadSHA: sha, Status: new("completed")}), "422 Invalid request.\n\n\"conclusion\" wasn't supplied."},
		{"a verdict that is none", create("t-app", gh.CreateCheckRunOptions{Name: "x", HeadSHA: sha, Conclusion: new("green")}), "422 Invalid request.\n\nNo subschema in \"anyOf\" matched."},
		{"too long", create("t-app", gh.CreateCheckRunOptions{Name: "x", HeadSHA: sha, Output: &gh.CheckRunOutput{Title: new("t"), Summary: long}}), "422 Invalid request.\n\nOnly 65535 characters and 50 annotations are allowed."},
		{"too many", create("t-app", gh.CreateCheckRunOptions{Name: "x", HeadSHA: sha, Output: &gh.CheckRunOutput{Title: new("t"), Summary: new("s"), Annotations: make([]*gh.CheckRunAnnotation, 51)}}), "422 Invalid request.\n\nOnly 65535 characters and 50 annotations are allowed."},
		{"of no ref", func() error { _, _, err := checks.ListCheckRunsForRef(ctx(), owner, name, "none", nil); return err }, "422 No commit found for SHA: none"},
	})
}

func TestProtection(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) {
		c.Protected = map[string]github.Protection{
			"main":      {Contexts: []string{"ci", "strake"}, Strict: true},
			"release/*": {Ruleset: true},
		}
	})
	client := h.as("t-app")
	first := h.head("main")
	h.push("release/1", "alice", map[string]string{"r": "r"})
	head := h.push("work", "bob", map[string]string{"w": "w"})
	h.open("work", "main")
	update := func(branch string) func() error {
		return func() error {
			_, _, err := client.Git.UpdateRef(ctx(), owner, name, ref("heads/"+branch, head), branch != "main")
			return err
		}
	}
	merge := func() error {
		_, _, err := client.PullRequests.Merge(ctx(), owner, name, 1, "", nil)
		return err
	}
	refusals(t, []refusal{
		{"a protected branch", update("main"), "422 Changes must be made through a pull request."},
		{"a ruleset", update("release/1"), "422 Repository rule violations found\n\nChanges must be made through a pull request."},
		{"creating one", func() error {
			_, _, err := client.Git.CreateRef(ctx(), owner, name, ref("refs/heads/release/2", head))
			return err
		}, "422 Reference update failed"},
		{"deleting one", func() error { _, err := client.Git.DeleteRef(ctx(), owner, name, "heads/main"); return err }, "422 Cannot delete a protected branch"},
		{"no status yet", merge, "405 2 of 2 required status checks are expected."},
	})
	h.SetStatus(head, "ci", "success")
	refusals(t, []refusal{{"one missing", merge, `405 Required status check "strake" is expected.`}})
	run, _, err := client.Checks.CreateCheckRun(ctx(), owner, name, gh.CreateCheckRunOptions{Name: "strake", HeadSHA: head})
	if err != nil {
		t.Fatal(err)
	}
	refusals(t, []refusal{{"one running", merge, `405 Required status check "strake" is pending.`}})
	conclude := func(conclusion string) {
		t.Helper()
		if _, _, err := client.Checks.UpdateCheckRun(ctx(), owner, name, run.GetID(), gh.UpdateCheckRunOptions{Name: "strake", Conclusion: &conclusion}); err != nil {
			t.Fatal(err)
		}
	}
	conclude("failure")
	refusals(t, []refusal{{"one failing", merge, `405 Required status check "strake" is failing.`}})
	h.pull(1)
	if pr := h.pull(1); pr.GetMergeableState() != "blocked" || !pr.GetMergeable() {
		t.Errorf("blocked: %v", pr)
	}
	conclude("skipped")
	h.push("main", "alice", map[string]string{"docs.md": "d"})
	refusals(t, []refusal{{"behind", merge, "405 Head branch is out of date. Review and try the merge again."}})
	if err := h.UpdateBranch(1); err != nil {
		t.Fatal(err)
	}
	refusals(t, []refusal{{"a new head has no status", merge, "405 2 of 2 required status checks are expected."}})
	h.SetStatus(h.head("work"), "ci", "success")
	h.SetStatus(h.head("work"), "strake", "success")
	if err := merge(); err != nil || h.head("main") == first {
		t.Errorf("all green: %v", err)
	}
}
