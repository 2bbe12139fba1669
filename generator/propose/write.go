package propose

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v60/github"
)

// errRace means that somebody else moved what we were about to move.
var errRace = errors.New("the branch moved meanwhile")

// push makes the branch hold exactly the proposal on top of base. It reports
// whether it had to write.
func (c *Client) push(ctx context.Context, p Proposal, s *state) (bool, error) {
	if s.head != "" && s.current {
		return false, nil
	}
	entries, err := c.entries(ctx, p, s)
	if err != nil {
		return false, err
	}
	if err := c.beforeWrite(ctx, fmt.Sprintf("%s: committing %d files", p.Environment, len(entries))); err != nil {
		return false, err
	}
	tree, _, err := c.gh.Git.CreateTree(ctx, c.owner, c.name, s.baseTree, entries)
	if err != nil {
		return false, fmt.Errorf("create a tree: %w", err)
	}
	// A branch whose pull request is open grows: reviews survive. One that
	// outlived its pull request starts again from base.
	grow := s.head != "" && s.open != nil
	parents := []*github.Commit{{SHA: &s.baseSHA}}
	if grow {
		parents = []*github.Commit{{SHA: &s.head}, {SHA: &s.baseSHA}}
	}
	message := p.message()
	commit, _, err := c.gh.Git.CreateCommit(ctx, c.owner, c.name, &github.Commit{Message: &message, Tree: &github.Tree{SHA: tree.SHA}, Parents: parents}, nil)
	if err != nil {
		return false, fmt.Errorf("create a commit: %w", err)
	}
	if err := c.point(ctx, p, s, commit.GetSHA(), grow); err != nil {
		return false, err
	}
	s.head = commit.GetSHA()
	return true, nil
}

// entries lists what differs from base. Text goes with the tree; bytes that are
// no UTF-8 need a blob of their own.
func (c *Client) entries(ctx context.Context, p Proposal, s *state) ([]*github.TreeEntry, error) {
	var entries []*github.TreeEntry
	for _, change := range s.changes {
		entry := &github.TreeEntry{Path: new(change.Path), Mode: new("100644"), Type: new("blob")}
		switch {
		case change.Delete: // an entry with neither content nor name deletes the file
		case utf8.Valid(change.Data):
			entry.Content = new(string(change.Data))
		default:
			if err := c.beforeWrite(ctx, p.Environment+": uploading "+change.Path); err != nil {
				return nil, err
			}
			blob, _, err := c.gh.Git.CreateBlob(ctx, c.owner, c.name, &github.Blob{
				Content: new(base64.StdEncoding.EncodeToString(change.Data)), Encoding: new("base64"),
			})
			if err != nil {
				return nil, fmt.Errorf("upload %s: %w", change.Path, err)
			}
			entry.SHA = blob.SHA
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// point moves the branch to a commit. It never forces: a branch that moved
// since it was looked at is planned anew.
func (c *Client) point(ctx context.Context, p Proposal, s *state, sha string, grow bool) error {
	ref := &github.Reference{Ref: new("refs/heads/" + p.Branch), Object: &github.GitObject{SHA: &sha}}
	if err := c.beforeWrite(ctx, p.Environment+": moving "+p.Branch); err != nil {
		return err
	}
	if grow {
		_, _, err := c.gh.Git.UpdateRef(ctx, c.owner, c.name, ref, false)
		return race(err, "move "+p.Branch)
	}
	if s.head != "" {
		if now, err := c.branch(ctx, p.Branch); err != nil {
			return err
		} else if now != s.head {
			return errRace
		}
		if _, err := c.gh.Git.DeleteRef(ctx, c.owner, c.name, "heads/"+p.Branch); err != nil {
			return race(err, "remove the left-over branch "+p.Branch)
		}
	}
	_, _, err := c.gh.Git.CreateRef(ctx, c.owner, c.name, ref)
	return race(err, "create "+p.Branch)
}

// race turns the refusals that mean "somebody was faster" into errRace.
func race(err error, doing string) error {
	if err == nil {
		return nil
	}
	text := strings.ToLower(err.Error())
	if status(err) == http.StatusUnprocessableEntity &&
		(strings.Contains(text, "fast forward") || strings.Contains(text, "already exists") || strings.Contains(text, "does not exist")) {
		return fmt.Errorf("%s: %w", doing, errRace)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// open creates the pull request; one that appeared meanwhile is taken over by
// the next look.
func (c *Client) open(ctx context.Context, p Proposal) (*github.PullRequest, error) {
	if err := c.beforeWrite(ctx, p.Environment+": opening the pull request"); err != nil {
		return nil, err
	}
	pr, _, err := c.gh.PullRequests.Create(ctx, c.owner, c.name, &github.NewPullRequest{
		Title: &p.Title, Body: &p.Body, Head: &p.Branch, Base: &c.base, MaintainerCanModify: new(false),
	})
	if err != nil {
		return nil, race(err, "open a pull request for "+p.Branch)
	}
	return pr, nil
}

// close ends a pull request that base has caught up with.
func (c *Client) close(ctx context.Context, p Proposal, s *state, out Outcome) (Outcome, error) {
	out.Operation, out.Reason = Closed, c.base+" has all of it already"
	comment := "`" + c.base + "` holds everything this pull request proposed, so there is nothing left to merge."
	if err := c.beforeWrite(ctx, p.Environment+": closing the pull request"); err != nil {
		return out, err
	}
	if _, _, err := c.gh.Issues.CreateComment(ctx, c.owner, c.name, out.Number, &github.IssueComment{Body: &comment}); err != nil {
		return out, fmt.Errorf("comment on pull request #%d: %w", out.Number, err)
	}
	if err := c.beforeWrite(ctx, ""); err != nil {
		return out, err
	}
	if _, _, err := c.gh.PullRequests.Edit(ctx, c.owner, c.name, out.Number, &github.PullRequest{State: new("closed")}); err != nil {
		return out, fmt.Errorf("close pull request #%d: %w", out.Number, err)
	}
	if s.head == "" {
		return out, nil
	}
	if err := c.beforeWrite(ctx, ""); err != nil {
		return out, err
	}
	// What somebody pushed while the pull request was closed stays.
	if now, err := c.branch(ctx, p.Branch); err != nil || now != s.head {
		return out, err
	}
	if _, err := c.gh.Git.DeleteRef(ctx, c.owner, c.name, "heads/"+p.Branch); err != nil && status(err) != http.StatusUnprocessableEntity {
		return out, fmt.Errorf("delete branch %s: %w", p.Branch, err)
	}
	return out, nil
}
