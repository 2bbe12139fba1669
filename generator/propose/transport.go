package propose

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// transport adds the token, to one origin only: a redirect to another host
// leaves without it.
type transport struct {
	next   http.RoundTripper
	origin *url.URL
	token  string
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.Header.Del("Authorization")
	if sent.URL.Scheme == t.origin.Scheme && sent.URL.Host == t.origin.Host {
		sent.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.next.RoundTrip(sent)
}

// tries is how often a read that failed on GitHub's side is repeated. Writes
// are not: a write that timed out may have happened, and the next run sees it.
const tries = 4

// read repeats a request that only reads.
func (c *Client) read(ctx context.Context, do func() error) error {
	var err error
	for try := range tries {
		if try > 0 {
			if waited := c.sleep(ctx, time.Second<<(try-1)); waited != nil {
				return waited
			}
		}
		err = do()
		var network *url.Error
		var limit *github.AbuseRateLimitError
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case errors.As(err, &limit):
			if limit.RetryAfter != nil {
				if waited := c.sleep(ctx, *limit.RetryAfter); waited != nil {
					return waited
				}
			}
		case status(err) < 500 && !errors.As(err, &network):
			return err
		}
	}
	return err
}

// hint adds to what GitHub said what a person can do about it. The token is
// never part of an error: go-github prints method, URL and answer.
func (c *Client) hint(err error, p Proposal) error {
	text := err.Error()
	repo := c.owner + "/" + c.name
	switch code := status(err); {
	case errors.Is(err, errRace):
		return fmt.Errorf("%w, %d times in a row: another run of propose is writing %s; run it again", err, attempts, p.Branch)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%w: the token in GITHUB_TOKEN is not valid for %s", err, c.gh.BaseURL.Host)
	case code == http.StatusForbidden && strings.Contains(text, "not permitted to create or approve pull requests"):
		return fmt.Errorf("%w: turn on \"Allow GitHub Actions to create and approve pull requests\" under Settings > Actions > General; the branch %s is pushed and the pull request can be opened by hand", err, p.Branch)
	case code == http.StatusForbidden && strings.Contains(text, "Resource not accessible"):
		return fmt.Errorf("%w: give the job `permissions: {contents: write, pull-requests: write}`; on a pull request from a fork it cannot have them", err)
	case code == http.StatusNotFound:
		return fmt.Errorf("%w: the token cannot see %s, or it does not exist", err, repo)
	case code == http.StatusUnprocessableEntity && strings.Contains(text, "Reference update failed"):
		above, _, _ := strings.Cut(p.Branch, "/")
		return fmt.Errorf("%w: a branch named %s is in the way of %s, or a rule of %s forbids to create it", err, above, p.Branch, repo)
	case code == http.StatusConflict || strings.Contains(text, "rule violations") || strings.Contains(text, "through a pull request"):
		return fmt.Errorf("%w: a rule of %s forbids the write; let the token's owner bypass it for strake/*", err, repo)
	default:
		return err
	}
}
