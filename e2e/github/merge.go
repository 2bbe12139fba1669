package github

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// verdict is whether a pull request can be merged now.
type verdict struct {
	base  string // the commit that base is at
	clean bool   // no conflict
	state string // GitHub's mergeable_state
	why   string // why not, in GitHub's words
}

// judge says whether an open pull request can be merged
// (docs: graphql/reference/enums#mergestatestatus, in lower case in REST).
func (s *Server) judge(p *pull) (verdict, error) {
	refs, err := s.repo.refs()
	if err != nil {
		return verdict{}, err
	}
	v := verdict{base: refs["refs/heads/"+p.base], state: "clean"}
	m, err := s.repo.merge(v.base, p.headSHA)
	if err != nil {
		return v, err
	}
	v.clean = m.clean
	behind := false
	if rule := s.protection("refs/heads/" + p.base); rule != nil {
		v.why = s.required(p.headSHA, rule.Contexts)
		if rule.Strict {
			current, err := s.repo.contains(p.headSHA, v.base)
			if err != nil {
				return v, err
			}
			behind = !current
		}
	}
	switch {
	case !m.clean:
		v.state, v.why = "dirty", "Pull Request is not mergeable"
	case p.draft:
		v.state, v.why = "draft", "Pull Request is still a draft"
	case v.why != "":
		v.state = "blocked"
	case behind:
		v.state, v.why = "behind", "Head branch is out of date. Review and try the merge again."
	case s.unstable(p.headSHA):
		v.state = "unstable"
	}
	return v, nil
}

// required is why the contexts do not let a head pass, "" when they do.
func (s *Server) required(sha string, contexts []string) string {
	var missing []string
	word := ""
	for _, name := range contexts {
		state := s.contextState(sha, name)
		if state == "success" {
			continue
		}
		missing = append(missing, name)
		word = map[string]string{"": "expected", "pending": "pending"}[state]
		if word == "" {
			word = "failing"
		}
	}
	switch len(missing) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("Required status check %q is %s.", missing[0], word)
	}
	return fmt.Sprintf("%d of %d required status checks are expected.", len(missing), len(contexts))
}

// mergeRequest is the body of a merge.
type mergeRequest struct {
	Title   *string `json:"commit_title"`
	Message *string `json:"commit_message"`
	Method  string  `json:"merge_method"`
	SHA     string
}

// mergePull merges, or refuses with 405, or with 409 when the head is not the
// one that was reviewed (docs: rest/pulls/pulls#merge-a-pull-request).
func (c *call) mergePull() (*reply, error) {
	p, err := c.pull()
	var in mergeRequest
	if err := errors.Join(err, c.decode(&in)); err != nil {
		return nil, err
	}
	sha, err := c.merge(p, in, c.login)
	if err != nil {
		return nil, err
	}
	return ok(object{"sha": sha, "merged": true, "message": "Pull Request successfully merged"})
}

func (s *Server) merge(p *pull, in mergeRequest, login string) (string, error) {
	method := cmp.Or(in.Method, "merge")
	if !p.open {
		return "", refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	if in.SHA != "" && in.SHA != p.headSHA {
		return "", refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	v, err := s.judge(p)
	if err != nil {
		return "", err
	}
	if v.why != "" {
		return "", refuse(http.StatusMethodNotAllowed, "%s", v.why)
	}
	words := map[string]string{"merge": "Merge commits are", "squash": "Squash merges are", "rebase": "Rebase merges are"}
	if words[method] == "" {
		return "", refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n%q is not a merge_method.", method)
	}
	if !slices.Contains(s.config.Methods, method) {
		return "", refuse(http.StatusMethodNotAllowed, "%s not allowed on this repository.", words[method])
	}
	apart, err := s.repo.between(v.base, p.headSHA)
	if err != nil {
		return "", err
	}
	sha, err := s.mergeCommit(p, method, in, login, v.base, apart.ahead)
	if err != nil {
		return "", err
	}
	if err := s.repo.setRef("refs/heads/"+p.base, v.base, sha); err != nil {
		return "", refuse(http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
	}
	p.baseSHA = v.base
	s.markMerged(p, sha, login)
	if s.config.DeleteBranchOnMerge {
		return sha, s.move(s.headRef(p.owner, p.branch), p.headSHA, noObject)
	}
	return sha, nil
}

// mergeCommit makes what base moves to.
func (s *Server) mergeCommit(p *pull, method string, in mergeRequest, login, base string, commits []*commit) (string, error) {
	now := s.tick()
	m, err := s.repo.merge(base, p.headSHA)
	if err != nil {
		return "", err
	}
	if method == "rebase" {
		return s.rebase(base, commits)
	}
	made := commit{tree: m.tree, parents: []string{base, p.headSHA}, author: identity(login, now), committer: webFlow(now)}
	title, body := "Merge pull request #"+strconv.Itoa(p.number)+" from "+p.owner+"/"+p.branch, p.title
	if method == "squash" {
		made.parents = made.parents[:1]
		title, body = p.title+" (#"+strconv.Itoa(p.number)+")", squashed(commits)
	}
	if in.Title != nil && *in.Title != "" {
		title = *in.Title
	}
	if in.Message != nil {
		body = *in.Message
	}
	made.message = strings.TrimRight(title+"\n\n"+body, "\n")
	sha, err := s.repo.writeCommit(made)
	if err == nil {
		s.verified[sha] = true
	}
	return sha, err
}

// squashed is the default message of a squash: that of the only commit, or the
// list of them.
func squashed(commits []*commit) string {
	if len(commits) == 1 {
		_, body, _ := strings.Cut(commits[0].message, "\n")
		return strings.TrimSpace(body)
	}
	lines := make([]string, len(commits))
	for i, c := range commits {
		lines[i] = "* " + strings.TrimSpace(c.message)
	}
	return strings.Join(lines, "\n\n")
}

// rebase puts the commits on top of base, one by one, without the merges among
// them.
func (s *Server) rebase(base string, commits []*commit) (string, error) {
	now := s.tick()
	for _, c := range commits {
		if len(c.parents) != 1 {
			continue
		}
		m, err := s.repo.pick(c, base)
		if err != nil {
			return "", err
		}
		if !m.clean {
			return "", refuse(http.StatusMethodNotAllowed, "This branch can't be rebased")
		}
		base, err = s.repo.writeCommit(commit{tree: m.tree, parents: []string{base}, author: c.author, committer: webFlow(now), message: c.message})
		if err != nil {
			return "", err
		}
	}
	return base, nil
}

// updateBranch merges base into the head, as the button does. GitHub answers
// 202 before it has happened; here it has (docs:
// rest/pulls/pulls#update-a-pull-request-branch; nevermined-io/payments#449).
func (c *call) updateBranch() (*reply, error) {
	p, err := c.pull()
	var in struct {
		Expected string `json:"expected_head_sha"`
	}
	if err := errors.Join(err, c.decode(&in), c.may("contents")); err != nil {
		return nil, err
	}
	if !p.open {
		return nil, refuse(http.StatusUnprocessableEntity, "Pull request is closed.")
	}
	if in.Expected != "" && in.Expected != p.headSHA {
		return nil, refuse(http.StatusUnprocessableEntity, "expected head sha didn’t match current head ref.")
	}
	if err := c.updateHead(p, c.login); err != nil {
		return nil, err
	}
	return &reply{code: http.StatusAccepted, body: object{"message": "Updating pull request branch.", "url": c.html("/pull/" + strconv.Itoa(p.number))}}, nil
}

func (s *Server) updateHead(p *pull, login string) error {
	refs, err := s.repo.refs()
	if err != nil {
		return err
	}
	base := refs["refs/heads/"+p.base]
	current, err := s.repo.contains(p.headSHA, base)
	if err != nil {
		return err
	}
	if current {
		return refuse(http.StatusUnprocessableEntity, "There are no new commits on the base branch.")
	}
	m, err := s.repo.merge(base, p.headSHA)
	if err != nil {
		return err
	}
	if !m.clean {
		return refuse(http.StatusUnprocessableEntity, "merge conflict between base and head")
	}
	now := s.tick()
	sha, err := s.repo.writeCommit(commit{
		tree: m.tree, parents: []string{p.headSHA, base}, author: identity(login, now), committer: webFlow(now),
		message: "Merge branch '" + p.base + "' into " + p.branch,
	})
	if err != nil {
		return err
	}
	s.verified[sha] = true
	return s.move(s.headRef(p.owner, p.branch), p.headSHA, sha)
}
