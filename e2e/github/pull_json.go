package github

import (
	"errors"
	"net/http"
	"strconv"
)

// ref is where GitHub keeps the head of a pull request for git to fetch.
func (p *pull) ref() string { return "refs/pull/" + strconv.Itoa(p.number) + "/head" }

func (p *pull) state() string {
	if p.open {
		return "open"
	}
	return "closed"
}

// pullJSON is a pull request as lists have it: without what has to be computed.
func (c *call) pullJSON(p *pull) object {
	n := strconv.Itoa(p.number)
	labels := make([]object, len(p.labels))
	for i, l := range p.labels {
		labels[i] = c.labelJSON(l)
	}
	out := object{
		"id": p.id, "number": p.number, "state": p.state(), "title": p.title, "body": p.body, "draft": p.draft, "locked": false,
		"user": c.userJSON(p.author), "labels": labels, "assignees": c.usersJSON(p.assignees), "requested_reviewers": c.usersJSON(p.reviewers),
		"requested_teams": c.teamsJSON(p.teams), "created_at": p.created, "updated_at": p.updated, "closed_at": p.closed, "merged_at": p.merged,
		"url": c.url("/pulls/" + n), "html_url": c.html("/pull/" + n), "issue_url": c.url("/issues/" + n),
		"commits_url": c.url("/pulls/" + n + "/commits"), "comments_url": c.url("/issues/" + n + "/comments"),
		"statuses_url": c.url("/statuses/" + p.headSHA), "author_association": "CONTRIBUTOR",
		"head": c.endJSON(p.owner, p.branch, p.headSHA), "base": c.endJSON(c.config.Owner, p.base, p.baseSHA),
		"merge_commit_sha": nil,
	}
	if p.mergeSHA != "" {
		out["merge_commit_sha"] = p.mergeSHA
	}
	return out
}

func (c *call) endJSON(owner, branch, sha string) object {
	repository := c.repositoryJSON()
	if owner != c.config.Owner {
		repository = object{"name": c.config.Name, "full_name": owner + "/" + c.config.Name, "owner": c.userJSON(owner), "fork": true}
	}
	return object{"label": owner + ":" + branch, "ref": branch, "sha": sha, "user": c.userJSON(owner), "repo": repository}
}

func (c *call) usersJSON(logins []string) []any {
	out := make([]any, len(logins))
	for i, login := range logins {
		out[i] = c.userJSON(login)
	}
	return out
}

func (c *call) teamsJSON(slugs []string) []object {
	out := make([]object, len(slugs))
	for i, slug := range slugs {
		out[i] = object{"slug": slug, "name": slug, "id": userID(slug)}
	}
	return out
}

// fullPullJSON adds what GitHub computes for one pull request. Whether it can
// be merged is null the first time that it is asked for a pair of commits: a
// job computes it (docs: rest/pulls/pulls#get-a-pull-request).
func (c *call) fullPullJSON(p *pull) (object, error) {
	commits, files, err := c.pullChanges(p)
	if err != nil {
		return nil, err
	}
	out := c.pullJSON(p)
	added, deleted := 0, 0
	for _, f := range files {
		added, deleted = added+f.additions, deleted+f.deletions
	}
	out["commits"], out["changed_files"], out["additions"], out["deletions"] = len(commits), len(files), added, deleted
	out["comments"], out["review_comments"] = len(p.comments), 0
	out["merged"], out["merged_by"] = p.merged != nil, c.userJSON(p.mergedBy)
	out["mergeable"], out["mergeable_state"], out["rebaseable"] = nil, "unknown", nil
	if !p.open {
		return out, nil
	}
	verdict, err := c.judge(p)
	if err != nil {
		return nil, err
	}
	if pair := [2]string{verdict.base, p.headSHA}; p.judged != pair {
		p.judged = pair
		return out, nil
	}
	out["mergeable"], out["rebaseable"], out["mergeable_state"] = verdict.clean, verdict.clean, verdict.state
	return out, nil
}

// pullChanges are the commits and files of a pull request. One that is closed
// keeps those that it had.
func (c *call) pullChanges(p *pull) ([]*commit, []fileDiff, error) {
	base := p.baseSHA
	if p.open {
		refs, err := c.repo.refs()
		if err != nil {
			return nil, nil, err
		}
		base = refs["refs/heads/"+p.base]
	}
	apart, err := c.repo.between(base, p.headSHA)
	if err != nil || apart.from == "" {
		return apart.ahead, nil, err
	}
	files, err := c.repo.diff(apart.from, p.headSHA)
	return apart.ahead, files, err
}

func (c *call) pullFiles() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	_, files, err := c.pullChanges(p)
	if err != nil {
		return nil, err
	}
	part, link := page(c, c.filesJSON(files, p.headSHA), 30)
	return &reply{code: http.StatusOK, body: part, link: link}, nil
}

func (c *call) pullCommits() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	commits, _, err := c.pullChanges(p)
	if err != nil {
		return nil, err
	}
	part, link := page(c, c.commitsJSON(commits[:min(len(commits), 250)]), 30)
	return &reply{code: http.StatusOK, body: part, link: link}, nil
}

// isMerged is 204 or 404, without a body.
func (c *call) isMerged() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	if p.merged == nil {
		return nil, notFound()
	}
	return noContent()
}

func (c *call) listReviewers() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	return ok(object{"users": c.usersJSON(p.reviewers), "teams": c.teamsJSON(p.teams)})
}

type reviewersRequest struct {
	Reviewers     []string
	TeamReviewers []string `json:"team_reviewers"`
}

// requestReviewers refuses the author and strangers
// (docs: rest/pulls/review-requests).
func (c *call) requestReviewers() (*reply, error) {
	p, err := c.pull()
	var in reviewersRequest
	if err := errors.Join(err, c.decode(&in)); err != nil {
		return nil, err
	}
	for _, login := range in.Reviewers {
		if login == p.author {
			return nil, refuse(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
		}
		if !c.collaborator(login) {
			return nil, refuse(http.StatusUnprocessableEntity,
				"Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the %s/%s repository.",
				c.config.Owner, c.config.Name)
		}
	}
	p.reviewers, p.teams = union(p.reviewers, in.Reviewers), union(p.teams, in.TeamReviewers)
	p.updated = c.tick()
	return created(c.pullJSON(p))
}

func (c *call) removeReviewers() (*reply, error) {
	p, err := c.pull()
	var in reviewersRequest
	if err := errors.Join(err, c.decode(&in)); err != nil {
		return nil, err
	}
	p.reviewers, p.teams = without(p.reviewers, in.Reviewers), without(p.teams, in.TeamReviewers)
	p.updated = c.tick()
	return ok(c.pullJSON(p))
}
