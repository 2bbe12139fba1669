package github_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"

	"strake/e2e/github"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		private            bool
		token, read, write string
	}{
		{false, "", "<nil>", "401 Requires authentication"},
		{false, "wrong", "401 Bad credentials", "401 Bad credentials"},
		{false, "t-alice", "<nil>", "<nil>"},
		{false, "t-reader", "<nil>", "403 Resource not accessible by integration"},
		{false, "t-fine", "<nil>", "403 Resource not accessible by personal access token"},
		{true, "", "404 Not Found", "404 Not Found"},
		{true, "wrong", "401 Bad credentials", "401 Bad credentials"},
		{true, "t-app", "<nil>", "<nil>"},
		{true, "t-reader", "<nil>", "403 Resource not accessible by integration"},
		{true, "t-blind", "404 Not Found", "404 Not Found"},
	} {
		t.Run(strings.Join([]string{map[bool]string{true: "private", false: "public"}[test.private], test.token}, " "), func(t *testing.T) {
			t.Parallel()
			h := start(t, func(c *github.Config) { c.Private = test.private })
			git := h.as(test.token).Git
			if _, _, err := git.GetRef(ctx(), owner, name, "heads/main"); said(err) != test.read {
				t.Errorf("read: %s, want %s", said(err), test.read)
			}
			before := h.Writes()
			_, _, err := git.CreateRef(ctx(), owner, name, ref("refs/heads/x", h.head("main")))
			if said(err) != test.write {
				t.Errorf("write: %s, want %s", said(err), test.write)
			}
			if wrote := h.Writes() > before; wrote != (test.write == "<nil>") {
				t.Errorf("counted as a write: %v", wrote)
			}
		})
	}
}

func TestPermissionsByKind(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) {
		c.Private = true
		c.Tokens["t-contents"] = github.Token{Login: "c[bot]", Kind: github.App, Permissions: map[string]github.Access{"contents": github.Write}}
		c.Tokens["t-pulls"] = github.Token{Login: "p[bot]", Kind: github.App, Permissions: map[string]github.Access{"pull_requests": github.Write}}
	})
	h.push("work", "bob", map[string]string{"w": "w"})
	h.open("work", "main")
	const no = "403 Resource not accessible by integration"
	comment := func(token string) func() error {
		return func() error {
			_, _, err := h.as(token).Issues.CreateComment(ctx(), owner, name, 1, &gh.IssueComment{Body: new("x")})
			return err
		}
	}
	refusals(t, []refusal{
		{"pull requests without the right", func() error { _, _, err := h.as("t-contents").PullRequests.List(ctx(), owner, name, nil); return err }, no},
		{"contents without the right", func() error { _, _, err := h.as("t-pulls").Git.GetRef(ctx(), owner, name, "heads/main"); return err }, no},
		{"merge without contents", func() error {
			_, _, err := h.as("t-pulls").PullRequests.Merge(ctx(), owner, name, 1, "", nil)
			return err
		}, no},
		{"update-branch without contents", func() error {
			_, _, err := h.as("t-pulls").PullRequests.UpdateBranch(ctx(), owner, name, 1, nil)
			return err
		}, no},
		{"comment with the right to contents", comment("t-contents"), no},
		{"comment with the right to pull requests", comment("t-pulls"), "<nil>"},
		{"the user of an App", func() error { _, _, err := h.as("t-app").Users.Get(ctx(), ""); return err }, no},
		{"another repository", func() error { _, _, err := h.as("t-app").Repositories.Get(ctx(), owner, "other"); return err }, "404 Not Found"},
	})
	if me, _, err := h.as("t-alice").Users.Get(ctx(), ""); err != nil || me.GetLogin() != "alice" {
		t.Errorf("user: %v %v", me, err)
	}
}

func TestEnterprisePrefix(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push("a", "bob", map[string]string{"a": "a"})
	h.push("b", "bob", map[string]string{"b": "b"})
	h.open("a", "main")
	h.open("b", "main")
	client, err := gh.NewClient(nil).WithAuthToken("t-alice").WithEnterpriseURLs(h.url, h.url)
	if err != nil {
		t.Fatal(err)
	}
	list, response, err := client.PullRequests.List(ctx(), owner, name, &gh.PullRequestListOptions{ListOptions: gh.ListOptions{PerPage: 1}})
	if err != nil || len(list) != 1 || response.NextPage != 2 || !strings.HasPrefix(list[0].GetURL(), h.url+"/api/v3/repos/") || !strings.HasPrefix(list[0].GetHTMLURL(), h.url+"/example/mlops/pull/") {
		t.Errorf("got %v %v", list, err)
	}
	if link := response.Header.Get("Link"); !strings.Contains(link, h.url+"/api/v3/repos/example/mlops/pulls?") {
		t.Errorf("link: %s", link)
	}
}

func TestLimitsAndETag(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) { c.RateLimit = 4 })
	get := func(etag string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx(), http.MethodGet, h.url+"/repos/example/mlops/pulls", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "token t-alice")
		r.Header.Set("If-None-Match", etag)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return response
	}
	first := get("")
	if first.StatusCode != 200 || first.Header.Get("X-RateLimit-Remaining") != "3" || first.Header.Get("ETag") == "" {
		t.Fatalf("first: %v", first)
	}
	if again := get(first.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("unchanged: %v", again)
	}
	h.push("work", "bob", map[string]string{"w": "w"})
	h.open("work", "main")
	if changed := get(first.Header.Get("ETag")); changed.StatusCode != 200 {
		t.Errorf("changed: %v", changed)
	}
	_, _, err := h.as("t-alice").Repositories.Get(ctx(), owner, name)
	var limit *gh.RateLimitError
	if !errors.As(err, &limit) || limit.Rate.Remaining != 0 || limit.Rate.Limit != 4 {
		t.Errorf("over the limit: %v", err)
	}
	if limits, _, err := h.as("t-bob").RateLimit.Get(ctx()); err != nil || limits.Core.Remaining != 3 {
		t.Errorf("somebody else: %v %v", limits, err)
	}
}

// TestBefore fails, races and loses requests on purpose.
func TestBefore(t *testing.T) {
	t.Parallel()
	h := start(t)
	git := h.as("t-app").Git
	get := func() error { _, _, err := git.GetRef(ctx(), owner, name, "heads/main"); return err }
	h.Before(func(*http.Request) *github.Fault { return &github.Fault{Code: 502, Message: "try later"} })
	refusals(t, []refusal{{"injected", get, "502 try later"}})
	h.Before(func(*http.Request) *github.Fault { return github.SecondaryLimit(7 * time.Second) })
	var abuse *gh.AbuseRateLimitError
	if err := get(); !errors.As(err, &abuse) || abuse.GetRetryAfter() != 7*time.Second {
		t.Errorf("secondary limit: %v", err)
	}
	git = h.as("t-app").Git // go-github remembers the limit
	first, raced := h.head("main"), ""
	h.Before(func(r *http.Request) *github.Fault {
		if r.Method == http.MethodPatch && raced == "" {
			raced = h.push("main", "eve", map[string]string{"eve": "1"})
		}
		return nil
	})
	mine := h.push("mine", "bob", map[string]string{"m": "m"})
	refusals(t, []refusal{{"raced", func() error {
		_, _, err := git.UpdateRef(ctx(), owner, name, ref("heads/main", mine), false)
		return err
	}, "422 Update is not a fast forward"}})
	if h.head("main") != raced || raced == first {
		t.Errorf("main is at %s", h.head("main"))
	}
	before := h.Writes()
	h.Before(func(*http.Request) *github.Fault { return &github.Fault{Code: 504, Message: "gone", AfterDoing: true} })
	refusals(t, []refusal{{"lost answer", func() error { _, _, err := git.CreateRef(ctx(), owner, name, ref("refs/heads/lost", mine)); return err }, "504 gone"}})
	if h.head("lost") != mine || h.Writes() != before+1 {
		t.Error("the write did not happen")
	}
	h.Before(func(*http.Request) *github.Fault { return &github.Fault{Drop: true} })
	if err := get(); err == nil || said(err) == "<nil>" {
		t.Error("a dropped connection passed")
	}
	h.Before(nil)
	if err := get(); err != nil {
		t.Error(err)
	}
	log := h.Requests()
	if last := log[len(log)-1]; last.Path != "/repos/example/mlops/git/ref/heads/main" || last.Code != 200 || last.Login != "strake[bot]" || last.Write || last.Injected {
		t.Errorf("log: %+v", last)
	}
}

// TestUnknown is the only test that leaves something unknown, so it does not
// use start.
func TestUnknown(t *testing.T) {
	t.Parallel()
	s, err := github.New(github.Config{Dir: t.TempDir(), Owner: owner, Name: name, Files: map[string]string{"a": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{Server: s, t: t, url: url}
	if _, _, err := h.as("").Repositories.ListHooks(context.Background(), owner, name, nil); said(err) != "404 Not Found" {
		t.Errorf("got %v", err)
	}
	if got := s.Unknown(); len(got) != 1 || got[0].Path != "/repos/example/mlops/hooks" || !got[0].Unknown {
		t.Errorf("got %+v", got)
	}
	if _, err := github.New(github.Config{Dir: t.TempDir(), Owner: "a/b", Name: name}); err == nil {
		t.Error("an owner with a slash passed")
	}
}
