// Package propose turns rendered files into one commit and one pull request per
// environment on GitHub, and makes a second run with nothing new write nothing.
//
// It is the only package with a network and the only one that sees a token. It
// must never decide what a file contains: what was checked is what it proposes.
// The commit is made through the Git data API, without a clone, so that GitHub
// signs it when the token is an App's or an Action's.
package propose

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// Proposal is what one environment's pull request shall contain.
type Proposal struct {
	Environment string
	// Branch is the head: strake/<env>. The tool owns it.
	Branch string
	// Changes against the base branch, sorted by path.
	Changes []Change
	// Digest of the proposal's content: the same proposal has the same digest.
	Digest string
	// Title of the pull request and subject of the commit.
	Title string
	// Body of the pull request, between its own markers. Text that a person
	// adds after EndMarker is kept.
	Body string
}

// Change is one file that the pull request writes or deletes.
type Change struct {
	Path   string
	Data   []byte
	Delete bool
}

// EndMarker closes the part of a pull request's body that the tool owns.
const EndMarker = "<!-- /strake -->"

// trailer marks the commits that the tool made: a branch that holds any other
// commit is somebody's work and is left alone.
const trailer = "Strake-Digest: "

// Operation is what was done for one environment.
type Operation string

// The operations. Blocked and Declined wrote nothing because a person is in
// the way; that is no failure.
const (
	Created   Operation = "created"
	Updated   Operation = "updated"
	Unchanged Operation = "unchanged"
	Closed    Operation = "closed"
	Blocked   Operation = "blocked"
	Declined  Operation = "declined"
)

// Outcome tells what became of one proposal.
type Outcome struct {
	Environment string
	Operation   Operation
	Number      int    // of the pull request; 0 without one
	URL         string // of the pull request
	HeadSHA     string
	Reason      string // one sentence, for Blocked, Declined and Closed
}

// String is the line that each run ends with.
func (o Outcome) String() string {
	line := o.Environment + ": " + string(o.Operation)
	if o.Number > 0 {
		line += fmt.Sprintf(" pull request #%d", o.Number)
	}
	if o.Reason != "" {
		line += " (" + o.Reason + ")"
	}
	if o.URL != "" {
		line += " " + o.URL
	}
	return line
}

// Config says where to propose and how to reach it.
type Config struct {
	// Repository is owner/name; Base the branch that pull requests go to.
	Repository, Base string
	// APIURL is GITHUB_API_URL: https://api.github.com, or <host>/api/v3.
	APIURL string
	// Token is sent to APIURL's origin and nowhere else.
	Token string
	// Transport carries the requests; nil is http.DefaultTransport, which takes
	// proxy and certificates from the environment.
	Transport http.RoundTripper
	// Pause is the least time between two writes. GitHub asks for a second.
	Pause time.Duration
	// Sleep waits; tests replace it. Nil waits for real.
	Sleep func(context.Context, time.Duration) error
	// Log is told what is about to be done. Nil is silence.
	Log func(string)
}

// Client proposes to one repository.
type Client struct {
	gh          *github.Client
	owner, name string
	base        string
	pause       time.Duration
	sleep       func(context.Context, time.Duration) error
	log         func(string)
	wrote       bool
}

// New returns a client. It sends nothing yet.
func New(c Config) (*Client, error) {
	owner, name, found := strings.Cut(c.Repository, "/")
	if !found || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("repository %q: want owner/name", c.Repository)
	}
	if c.Token == "" {
		return nil, errors.New("no token: set GITHUB_TOKEN to one that may write contents and pull requests of " + c.Repository)
	}
	api, err := url.Parse(strings.TrimSuffix(c.APIURL, "/") + "/")
	if err != nil || api.Host == "" || (api.Scheme != "https" && api.Hostname() != "127.0.0.1" && api.Hostname() != "localhost") {
		return nil, fmt.Errorf("GITHUB_API_URL %q: want an https URL such as https://api.github.com", c.APIURL)
	}
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	gh := github.NewClient(&http.Client{
		Transport: &transport{next: next, origin: api, token: c.Token},
		Timeout:   30 * time.Second,
	})
	gh.BaseURL = api
	client := &Client{gh: gh, owner: owner, name: name, base: c.Base, pause: c.Pause, sleep: c.Sleep, log: c.Log}
	if client.sleep == nil {
		client.sleep = wait
	}
	if client.log == nil {
		client.log = func(string) {}
	}
	return client, nil
}

// attempts is how often a lost race against another writer is planned anew.
const attempts = 3

// Run makes each proposal true, one after the other. It goes on after one that
// fails and returns all outcomes and all errors. Each step is a no-op when it
// is true already, so a run that died is finished by the next one.
func (c *Client) Run(ctx context.Context, proposals []Proposal) ([]Outcome, error) {
	var outcomes []Outcome
	var errs []error
	for _, p := range proposals {
		outcome, err := c.converge(ctx, p)
		for try := 1; try < attempts && errors.Is(err, errRace); try++ {
			c.log(p.Environment + ": " + err.Error() + ": planning again")
			outcome, err = c.converge(ctx, p)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Environment, c.hint(err, p)))
			continue
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, errors.Join(errs...)
}

// converge looks at what GitHub has and does what is missing.
func (c *Client) converge(ctx context.Context, p Proposal) (Outcome, error) {
	state, err := c.look(ctx, p)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Environment: p.Environment, Operation: Unchanged, HeadSHA: state.head}
	if state.open != nil {
		out.Number, out.URL = state.open.GetNumber(), state.open.GetHTMLURL()
	}
	switch {
	case len(state.changes) == 0 && state.open == nil:
		return out, nil
	case len(state.foreign) > 0:
		out.Operation = Blocked
		out.Reason = fmt.Sprintf("%s has commits that are not ours: %s; merge, revert or delete them", p.Branch, strings.Join(state.foreign, ", "))
		return out, nil
	case len(state.changes) == 0:
		return c.close(ctx, p, state, out)
	case state.open == nil && state.declined != nil:
		out.Operation = Declined
		out.Number, out.URL = state.declined.GetNumber(), state.declined.GetHTMLURL()
		out.Reason = "this very proposal was closed without a merge; reopen it, or change the spec"
		return out, nil
	}
	return c.write(ctx, p, state, out)
}

// write brings the branch and the pull request up to date.
func (c *Client) write(ctx context.Context, p Proposal, s *state, out Outcome) (Outcome, error) {
	pushed, err := c.push(ctx, p, s)
	if err != nil {
		return out, err
	}
	out.HeadSHA = s.head
	if s.open == nil {
		pr, err := c.open(ctx, p)
		if err != nil {
			return out, err
		}
		out.Operation, out.Number, out.URL = Created, pr.GetNumber(), pr.GetHTMLURL()
		return out, nil
	}
	body := mergeBody(s.open.GetBody(), p.Body)
	if s.open.GetTitle() != p.Title || s.open.GetBody() != body {
		if err := c.beforeWrite(ctx, p.Environment+": updating the text of the pull request"); err != nil {
			return out, err
		}
		if _, _, err := c.gh.PullRequests.Edit(ctx, c.owner, c.name, s.open.GetNumber(), &github.PullRequest{Title: &p.Title, Body: &body}); err != nil {
			return out, fmt.Errorf("update pull request #%d: %w", s.open.GetNumber(), err)
		}
		pushed = true
	}
	if pushed {
		out.Operation = Updated
	}
	return out, nil
}

// mergeBody replaces our part of a pull request's text and keeps what a person
// wrote below it.
func mergeBody(existing, ours string) string {
	_, theirs, found := strings.Cut(existing, EndMarker)
	if !found {
		return ours
	}
	return ours + theirs
}

// beforeWrite keeps the pace that GitHub asks of programs.
func (c *Client) beforeWrite(ctx context.Context, about string) error {
	if about != "" {
		c.log(about)
	}
	if c.wrote && c.pause > 0 {
		if err := c.sleep(ctx, c.pause); err != nil {
			return err
		}
	}
	c.wrote = true
	return ctx.Err()
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// message is the commit's: the trailer makes it ours.
func (p Proposal) message() string {
	files := make([]string, len(p.Changes))
	for i, change := range p.Changes {
		files[i] = change.Path
	}
	return fmt.Sprintf("%s\n\n%d files of %s, rendered from the spec.\n\n%s%s\n", p.Title, len(slices.Compact(files)), p.Environment, trailer, p.Digest)
}
