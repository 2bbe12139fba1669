package github_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"strake/e2e/github"
)

const (
	owner = "example"
	name  = "mlops"
)

// hub is a server under test and how tests reach it.
type hub struct {
	*github.Server
	t   *testing.T
	url string
}

func tokens() map[string]github.Token {
	return map[string]github.Token{
		"t-alice":  {Login: "alice"},
		"t-bob":    {Login: "bob"},
		"t-app":    {Login: "strake[bot]", Kind: github.App},
		"t-reader": {Login: "reader[bot]", Kind: github.App, Permissions: map[string]github.Access{"contents": github.Read, "pull_requests": github.Read}},
		"t-fine":   {Login: "carol", Permissions: map[string]github.Access{"contents": github.Read}},
		"t-blind":  {Login: "mallory", Permissions: map[string]github.Access{}},
	}
}

// start makes a server with a few files on main. Every test ends with git's own
// check of the repository and with a log that has nothing unknown in it.
func start(t *testing.T, change ...func(*github.Config)) *hub {
	t.Helper()
	c := github.Config{
		Dir: t.TempDir(), Owner: owner, Name: name, Tokens: tokens(),
		Files: map[string]string{"README.md": "mine\n", "overlays/dev/a.yaml": "a\n", "overlays/prod/a.yaml": "a\n"},
	}
	for _, f := range change {
		f(&c)
	}
	s, err := github.New(c)
	if err != nil {
		t.Fatal(err)
	}
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{Server: s, t: t, url: url}
	t.Cleanup(func() {
		for _, r := range s.Unknown() {
			t.Errorf("unknown or failed: %+v", r)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if out, err := exec.Command("git", "-C", s.Dir(), "fsck", "--full", "--strict", "--no-dangling").CombinedOutput(); err != nil {
			t.Errorf("git fsck: %v\n%s", err, out)
		}
	})
	return h
}

// as returns a client with a token; "" is nobody.
func (h *hub) as(token string) *gh.Client {
	h.t.Helper()
	client := gh.NewClient(nil)
	if token != "" {
		client = client.WithAuthToken(token)
	}
	base, err := client.BaseURL.Parse(h.url + "/")
	if err != nil {
		h.t.Fatal(err)
	}
	client.BaseURL = base
	return client
}

func (h *hub) push(branch, author string, files map[string]string) string {
	h.t.Helper()
	sha, err := h.Push(branch, author, files)
	if err != nil {
		h.t.Fatal(err)
	}
	return sha
}

func (h *hub) head(branch string) string {
	h.t.Helper()
	sha, err := h.Head(branch)
	if err != nil {
		h.t.Fatal(err)
	}
	return sha
}

func (h *hub) open(head, base string) *gh.PullRequest {
	h.t.Helper()
	pr, _, err := h.as("t-alice").PullRequests.Create(ctx(), owner, name, &gh.NewPullRequest{Title: new("change " + head), Head: &head, Base: &base})
	if err != nil {
		h.t.Fatal(err)
	}
	return pr
}

func (h *hub) pull(number int) *gh.PullRequest {
	h.t.Helper()
	pr, _, err := h.as("t-alice").PullRequests.Get(ctx(), owner, name, number)
	if err != nil {
		h.t.Fatal(err)
	}
	return pr
}

func ctx() context.Context { return context.Background() }

// said is an error as "CODE message; detail".
func said(err error) string {
	var response *gh.ErrorResponse
	if !errors.As(err, &response) {
		return fmt.Sprint(err)
	}
	text := fmt.Sprintf("%d %s", response.Response.StatusCode, strings.TrimSpace(response.Message))
	for _, e := range response.Errors {
		text += "; " + strings.Join(strings.Fields(e.Resource+" "+e.Field+" "+e.Code+" "+e.Message), " ")
	}
	return text
}

// refusals runs a table of calls that must be refused in exactly these words.
func refusals(t *testing.T, table []refusal) {
	t.Helper()
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			if got := said(test.do()); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

type refusal struct {
	name string
	do   func() error
	want string
}
