package github

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// pull is a pull request, and an issue with it.
type pull struct {
	number         int
	id             int64
	title, body    string
	author         string
	open, draft    bool
	owner, branch  string // of the head
	base           string
	headSHA        string // follows the branch while the pull request is open
	baseSHA        string // of the base when it was opened, merged or retargeted
	mergeSHA       string
	mergedBy       string
	created        time.Time
	updated        time.Time
	closed, merged *time.Time
	labels         []*label
	assignees      []string
	reviewers      []string
	teams          []string
	comments       []*comment
	// judged is the pair of commits whose mergeability was asked for.
	judged [2]string
}

// headRef is where a branch of this repository, or of a fork, is kept.
func (s *Server) headRef(owner, branch string) string {
	if strings.EqualFold(owner, s.config.Owner) {
		return "refs/heads/" + branch
	}
	return "refs/forks/" + strings.ToLower(owner) + "/heads/" + branch
}

func (p *pull) label() string { return p.owner + ":" + p.branch }

func (c *call) pull() (*pull, error) {
	n, err := c.number()
	if err != nil || n < 1 || n > len(c.pulls) {
		return nil, notFound()
	}
	return c.pulls[n-1], nil
}

// settle brings the pull requests up to what the branches are, whoever moved
// them: a head follows its branch; one whose branch is gone is closed, as is
// one whose branch was moved back into its base; one that base has received
// some other way counts as merged (docs: pull-requests, "about pull request
// merges", "Indirect merges"; dimikot/git-grok#30).
func (s *Server) settle() error {
	refs, err := s.repo.refs()
	if err != nil {
		return err
	}
	for _, p := range s.pulls {
		if !p.open {
			continue
		}
		head, base := refs[s.headRef(p.owner, p.branch)], refs["refs/heads/"+p.base]
		if head == "" || base == "" {
			s.close(p)
			continue
		}
		moved := head != p.headSHA
		if moved {
			if err := s.repo.setRef(p.ref(), p.headSHA, head); err != nil {
				return err
			}
			p.headSHA, p.updated = head, s.tick()
		}
		received, err := s.repo.contains(base, head)
		if err != nil {
			return err
		}
		if received && moved {
			s.close(p)
		} else if received {
			s.markMerged(p, base, p.author)
		}
	}
	return nil
}

func (s *Server) close(p *pull) {
	now := s.tick()
	p.open, p.closed, p.updated = false, &now, now
}

func (s *Server) markMerged(p *pull, sha, by string) {
	s.close(p)
	p.merged, p.mergeSHA, p.mergedBy = p.closed, sha, by
}

// listPulls: a head that is not user:branch filters nothing, and the order is
// descending only where it is by creation (docs: rest/pulls/pulls#list-pull-requests).
func (c *call) listPulls() (*reply, error) {
	q := c.r.URL.Query()
	state := cmp.Or(q.Get("state"), "open")
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		return nil, invalid("PullRequest", "state", "invalid", "")
	}
	var list []*pull
	for _, p := range c.pulls {
		switch head := q.Get("head"); {
		case state != "all" && p.open != (state == "open"),
			q.Get("base") != "" && q.Get("base") != p.base,
			strings.Contains(head, ":") && !strings.EqualFold(head, p.label()):
		default:
			list = append(list, p)
		}
	}
	if q.Get("sort") == "updated" {
		slices.SortStableFunc(list, func(a, b *pull) int { return a.updated.Compare(b.updated) })
	}
	ascending := cmp.Or(q.Get("sort"), "created") != "created"
	if d := q.Get("direction"); d != "" {
		ascending = d == "asc"
	}
	if !ascending {
		list = reversed(list)
	}
	part, link := page(c, list, 30)
	out := make([]object, len(part))
	for i, p := range part {
		out[i] = c.pullJSON(p)
	}
	return &reply{code: http.StatusOK, body: out, link: link}, nil
}

const (
	maxBody  = 65_536
	maxTitle = 256
)

func checkText(title, body string) error {
	if utf8.RuneCountInString(title) > maxTitle {
		return invalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)")
	}
	if utf8.RuneCountInString(body) > maxBody {
		return invalid("Issue", "body", "custom", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

type newPull struct {
	Title, Head, Base, Body string
	Draft                   bool
}

func (c *call) createPull() (*reply, error) {
	var in newPull
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := errors.Join(supplied("head", in.Head), supplied("base", in.Base)); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Title) == "" {
		return nil, invalid("Issue", "title", "missing_field", "")
	}
	p, err := c.openPull(in, c.login)
	if err != nil {
		return nil, err
	}
	out, err := c.fullPullJSON(p)
	if err != nil {
		return nil, err
	}
	return created(out)
}

// openPull opens a pull request or refuses it
// (docs: rest/pulls/pulls#create-a-pull-request; details as in
// spdx/spdx-online-tools#425, dailymotion-oss/octopilot#134,
// tgymnich/fork-sync#112, Financial-Times/nori#65).
func (s *Server) openPull(in newPull, login string) (*pull, error) {
	if err := checkText(in.Title, in.Body); err != nil {
		return nil, err
	}
	refs, err := s.repo.refs()
	if err != nil {
		return nil, err
	}
	owner, branch, found := strings.Cut(in.Head, ":")
	if !found {
		owner, branch = s.config.Owner, in.Head
	}
	p := &pull{title: in.Title, body: in.Body, author: login, open: true, draft: in.Draft, owner: owner, branch: branch, base: in.Base}
	head, exists := refs[s.headRef(owner, branch)]
	if !exists {
		return nil, invalid("PullRequest", "head", "invalid", "")
	}
	base, exists := refs["refs/heads/"+in.Base]
	if !exists {
		return nil, invalid("PullRequest", "base", "invalid", "")
	}
	p.headSHA, p.baseSHA = head, base
	if err := s.openable(p); err != nil {
		return nil, err
	}
	p.number, p.id = len(s.pulls)+1, s.id()
	p.created = s.tick()
	p.updated = p.created
	if err := s.repo.setRef(p.ref(), noObject, head); err != nil {
		return nil, err
	}
	s.pulls = append(s.pulls, p)
	return p, nil
}

// openable refuses a second pull request for the same branches and one without
// commits.
func (s *Server) openable(p *pull) error {
	for _, other := range s.pulls {
		if other != p && other.open && strings.EqualFold(other.label(), p.label()) && other.base == p.base {
			return invalid("PullRequest", "", "custom", "A pull request already exists for "+p.label()+".")
		}
	}
	apart, err := s.repo.between(p.baseSHA, p.headSHA)
	if err != nil {
		return err
	}
	if apart.from == "" {
		return invalid("PullRequest", "", "custom", "The "+p.branch+" branch has no history in common with "+p.base)
	}
	if len(apart.ahead) == 0 {
		return invalid("PullRequest", "", "custom", "No commits between "+p.base+" and "+p.name(s))
	}
	return nil
}

// name of the head: with its owner when that is a fork.
func (p *pull) name(s *Server) string {
	if strings.EqualFold(p.owner, s.config.Owner) {
		return p.branch
	}
	return p.label()
}

func (c *call) getPull() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	out, err := c.fullPullJSON(p)
	if err != nil {
		return nil, err
	}
	return ok(out)
}

func (c *call) editPull() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	var in struct{ Title, Body, State, Base *string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	title, body := p.title, p.body
	if in.Title != nil {
		title = *in.Title
	}
	if in.Body != nil {
		body = *in.Body
	}
	if strings.TrimSpace(title) == "" {
		return nil, invalid("Issue", "title", "missing_field", "")
	}
	if err := checkText(title, body); err != nil {
		return nil, err
	}
	if in.Base != nil && *in.Base != p.base {
		if err := c.retarget(p, *in.Base); err != nil {
			return nil, err
		}
	}
	if in.State != nil {
		if err := c.setState(p, *in.State); err != nil {
			return nil, err
		}
	}
	p.title, p.body, p.updated = title, body, c.tick()
	out, err := c.fullPullJSON(p)
	if err != nil {
		return nil, err
	}
	return ok(out)
}

// retarget changes the base of an open pull request
// (MithrilJS/mithril.js#2862 for one that is closed).
func (c *call) retarget(p *pull, base string) error {
	if !p.open {
		return invalid("PullRequest", "base", "invalid", "Cannot change the base branch of a closed pull request.")
	}
	refs, err := c.repo.refs()
	if err != nil {
		return err
	}
	sha, exists := refs["refs/heads/"+base]
	if !exists {
		return invalid("PullRequest", "base", "invalid", "Proposed base branch '"+base+"' was not found")
	}
	moved := *p
	moved.base, moved.baseSHA = base, sha
	for _, other := range c.pulls {
		if other != p && other.open && other.label() == p.label() && other.base == base {
			return invalid("PullRequest", "base", "invalid", "A pull request already exists for base branch '"+base+"' and head branch '"+p.branch+"'")
		}
	}
	*p = moved
	return nil
}

// setState closes, or reopens where that is still possible
// (pytorch/pytorch#114423 and cilium/cilium#47088 quote the refusals).
func (c *call) setState(p *pull, state string) error {
	switch {
	case state != "open" && state != "closed":
		return invalid("PullRequest", "state", "invalid", "")
	case p.open == (state == "open"):
		return nil
	case state == "closed":
		c.close(p)
		return nil
	case p.merged != nil:
		return invalid("PullRequest", "state", "custom", "state cannot be changed. The pull request cannot be reopened.")
	}
	refs, err := c.repo.refs()
	if err != nil {
		return err
	}
	head := refs[c.headRef(p.owner, p.branch)]
	if head == "" {
		return invalid("PullRequest", "state", "custom", "state cannot be changed. The "+p.branch+" branch has been deleted.")
	}
	kept, err := c.repo.contains(head, p.headSHA)
	if err != nil {
		return err
	}
	if !kept {
		return invalid("PullRequest", "state", "custom", "state cannot be changed. The "+p.branch+" branch was force-pushed or recreated.")
	}
	again := *p
	again.baseSHA = refs["refs/heads/"+p.base]
	again.open, again.closed = true, nil
	for _, other := range c.pulls {
		if other != p && other.open && other.label() == p.label() && other.base == p.base {
			return invalid("PullRequest", "state", "custom", "state cannot be changed. There is already an open pull request from "+p.label()+" to "+p.base+".")
		}
	}
	*p = again
	return nil
}
