package propose

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/google/go-github/v60/github"
)

// state is what GitHub has for one proposal.
type state struct {
	baseSHA, baseTree string
	head              string // sha of the branch; "" when there is none
	changes           []Change
	current           bool // the branch holds exactly the proposal on top of base
	foreign           []string
	open              *github.PullRequest
	declined          *github.PullRequest // closed without a merge, with the same digest
	leftover          bool                // the branch outlived a pull request that was merged or closed
}

// look reads; it writes nothing.
func (c *Client) look(ctx context.Context, p Proposal) (*state, error) {
	s := &state{}
	var err error
	if s.baseSHA, err = c.branch(ctx, c.base); err != nil {
		return nil, err
	}
	if s.baseSHA == "" {
		if err := c.visible(ctx); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("branch %s of %s/%s does not exist: push it first", c.base, c.owner, c.name)
	}
	baseFiles, tree, err := c.blobs(ctx, s.baseSHA, p.Changes)
	if err != nil {
		return nil, err
	}
	s.baseTree = tree
	for _, change := range p.Changes {
		if baseFiles[change.Path] != change.blob() {
			s.changes = append(s.changes, change)
		}
	}
	if err := c.pulls(ctx, p, s); err != nil {
		return nil, err
	}
	if s.head, err = c.branch(ctx, p.Branch); err != nil || s.head == "" {
		return s, err
	}
	return s, c.compare(ctx, p, s)
}

// visible is nil when the token can see the repository. GitHub answers 404 for
// a branch that is missing and for a repository that it hides.
func (c *Client) visible(ctx context.Context) error {
	err := c.read(ctx, func() (err error) {
		_, _, err = c.gh.Repositories.Get(ctx, c.owner, c.name)
		return err
	})
	if err != nil {
		return fmt.Errorf("read repository: %w", err)
	}
	return nil
}

// branch returns the commit a branch points at, or "" when it does not exist,
// as in a repository without a commit, for which GitHub answers 409.
func (c *Client) branch(ctx context.Context, name string) (string, error) {
	var ref *github.Reference
	err := c.read(ctx, func() (err error) {
		ref, _, err = c.gh.Git.GetRef(ctx, c.owner, c.name, "heads/"+name)
		return err
	})
	if code := status(err); code == http.StatusNotFound || code == http.StatusConflict {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read branch %s: %w", name, err)
	}
	return ref.GetObject().GetSHA(), nil
}

// pulls finds the open pull request, and the last one that a person closed.
// A fork's branch of the same name is not ours: the head names the owner.
func (c *Client) pulls(ctx context.Context, p Proposal, s *state) error {
	opts := &github.PullRequestListOptions{
		State: "all", Head: c.owner + ":" + p.Branch, Base: c.base,
		Sort: "created", Direction: "desc", ListOptions: github.ListOptions{PerPage: 100},
	}
	var list []*github.PullRequest
	err := c.read(ctx, func() (err error) {
		list, _, err = c.gh.PullRequests.List(ctx, c.owner, c.name, opts)
		return err
	})
	if err != nil {
		return fmt.Errorf("list pull requests of %s: %w", p.Branch, err)
	}
	newest := true
	for _, pr := range list {
		if !strings.EqualFold(pr.GetHead().GetUser().GetLogin(), c.owner) && pr.GetHead().GetUser() != nil {
			continue
		}
		switch {
		case pr.GetState() == "open":
			s.open = pr
			return nil
		case newest && pr.MergedAt == nil && strings.Contains(pr.GetBody(), "digest="+p.Digest+" "):
			s.declined = pr
		}
		newest = false
		s.leftover = true
	}
	return nil
}

// compare looks at the commits that the branch has and base has not.
func (c *Client) compare(ctx context.Context, p Proposal, s *state) error {
	var ahead *github.CommitsComparison
	err := c.read(ctx, func() (err error) {
		ahead, _, err = c.gh.Repositories.CompareCommits(ctx, c.owner, c.name, s.baseSHA, s.head, &github.ListOptions{PerPage: 100})
		return err
	})
	if status(err) == http.StatusNotFound && strings.Contains(err.Error(), "No common ancestor") {
		s.foreign = append(s.foreign, "a history that shares nothing with "+c.base)
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", p.Branch, c.base, err)
	}
	inBranch := make(map[string]bool)
	for _, commit := range ahead.Commits {
		inBranch[commit.GetSHA()] = true
	}
	for _, commit := range ahead.Commits {
		if !ours(commit, inBranch) {
			s.foreign = append(s.foreign, fmt.Sprintf("%.7s by %s", commit.GetSHA(), maker(commit.GetCommit()).GetName()))
		}
	}
	if ahead.GetTotalCommits() > len(ahead.Commits) {
		s.foreign = append(s.foreign, fmt.Sprintf("%d commits too many to read", ahead.GetTotalCommits()-len(ahead.Commits)))
	}
	files, _, err := c.blobs(ctx, s.head, p.Changes)
	if err != nil {
		return err
	}
	// The branch is current when nothing of base is missing in it, it holds the
	// proposal, and it holds nothing beside the proposal.
	s.current = ahead.GetBehindBy() == 0 && len(ahead.Files) <= len(s.changes)
	for _, change := range p.Changes {
		s.current = s.current && files[change.Path] == change.blob()
	}
	return nil
}

// ours is a commit with our trailer that nobody amended since, or a merge of
// base into the branch as the "Update branch" button makes it: its other parent
// is no commit of the branch. A merge from anywhere else may hold edits.
func ours(commit *github.RepositoryCommit, inBranch map[string]bool) bool {
	git := commit.GetCommit()
	if strings.Contains(git.GetMessage(), "\n"+trailer) {
		return onGitHub(git) || git.GetAuthor().GetEmail() == git.GetCommitter().GetEmail()
	}
	return onGitHub(git) && len(commit.Parents) == 2 && inBranch[commit.Parents[0].GetSHA()] && !inBranch[commit.Parents[1].GetSHA()]
}

// onGitHub reports whether GitHub itself committed: for an App, or for a button
// that somebody pressed. Who amends a commit elsewhere becomes its committer.
func onGitHub(git *github.Commit) bool {
	by := git.GetCommitter()
	return strings.HasPrefix(by.GetName(), "GitHub") && strings.HasPrefix(by.GetEmail(), "noreply@")
}

// maker is the person behind a commit.
func maker(git *github.Commit) *github.CommitAuthor {
	if onGitHub(git) || git.GetCommitter().GetName() == "" {
		return git.GetAuthor()
	}
	return git.GetCommitter()
}

// blobs returns the blob names of all files in the directories of the changes
// at a commit, and the commit's tree.
func (c *Client) blobs(ctx context.Context, commit string, changes []Change) (map[string]string, string, error) {
	var root *github.Commit
	err := c.read(ctx, func() (err error) {
		root, _, err = c.gh.Git.GetCommit(ctx, c.owner, c.name, commit)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("read commit %.7s: %w", commit, err)
	}
	sha := root.GetTree().GetSHA()
	files := make(map[string]string)
	tree, err := c.tree(ctx, sha, true)
	if err != nil {
		return nil, "", err
	}
	if !tree.GetTruncated() {
		collect(files, "", tree)
		return files, sha, nil
	}
	// A repository too large for one answer is read directory by directory,
	// only where the proposal writes.
	return files, sha, c.descend(ctx, sha, "", changes, files)
}

func (c *Client) descend(ctx context.Context, sha, dir string, changes []Change, files map[string]string) error {
	tree, err := c.tree(ctx, sha, false)
	if err != nil {
		return err
	}
	collect(files, dir, tree)
	for _, e := range tree.Entries {
		below := path.Join(dir, e.GetPath())
		touched := func() bool {
			for _, change := range changes {
				if strings.HasPrefix(change.Path, below+"/") {
					return true
				}
			}
			return false
		}
		if e.GetType() == "tree" && touched() {
			if err := c.descend(ctx, e.GetSHA(), below, changes, files); err != nil {
				return err
			}
		}
	}
	return nil
}

func collect(files map[string]string, dir string, tree *github.Tree) {
	for _, e := range tree.Entries {
		if e.GetType() == "blob" {
			files[path.Join(dir, e.GetPath())] = e.GetSHA()
		}
	}
}

func (c *Client) tree(ctx context.Context, sha string, recursive bool) (*github.Tree, error) {
	var tree *github.Tree
	err := c.read(ctx, func() (err error) {
		tree, _, err = c.gh.Git.GetTree(ctx, c.owner, c.name, sha, recursive)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tree %.7s: %w", sha, err)
	}
	return tree, nil
}

// blob is the name that git gives the file's content; "" for a deletion.
func (c Change) blob() string {
	if c.Delete {
		return ""
	}
	sum := sha1.New()
	fmt.Fprintf(sum, "blob %d\x00", len(c.Data))
	sum.Write(c.Data)
	return hex.EncodeToString(sum.Sum(nil))
}

// status is the HTTP status of an API error, or 0.
func status(err error) int {
	var response *github.ErrorResponse
	if errors.As(err, &response) && response.Response != nil {
		return response.Response.StatusCode
	}
	return 0
}
