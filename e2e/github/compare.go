package github

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// compareFiles is how many changed files a comparison lists, on its first page
// only (docs: rest/commits/commits#compare-two-commits).
const compareFiles = 300

// compare answers what head has and base has not, from where they parted.
func (c *call) compare() (*reply, error) {
	baseName, headName, found := strings.Cut(c.vars["basehead"], "...")
	if !found {
		return nil, notFound()
	}
	base, err := c.side(baseName)
	if err != nil {
		return nil, err
	}
	head, err := c.side(headName)
	if err != nil {
		return nil, err
	}
	apart, err := c.repo.between(base.sha, head.sha)
	if err != nil {
		return nil, err
	}
	if apart.from == "" {
		return nil, refuse(http.StatusNotFound, "No common ancestor between %s and %s.", baseName, headName)
	}
	forked, err := c.repo.commit(apart.from)
	if err != nil {
		return nil, err
	}
	ahead := apart.ahead
	part, link := ahead[:min(len(ahead), 250)], "" // all of them at once without a page
	if q := c.r.URL.Query(); q.Has("page") || q.Has("per_page") {
		part, link = page(c, ahead, 250)
	}
	out := object{
		"url":      c.url("/compare/" + url.PathEscape(baseName) + "..." + url.PathEscape(headName)),
		"html_url": c.html("/compare/" + baseName + "..." + headName), "status": direction(len(ahead), apart.behind),
		"ahead_by": len(ahead), "behind_by": apart.behind, "total_commits": len(ahead),
		"base_commit": c.commitJSON(base), "merge_base_commit": c.commitJSON(forked), "commits": c.commitsJSON(part),
	}
	if first := c.r.URL.Query().Get("page"); first == "" || first == "0" || first == "1" {
		files, err := c.repo.diff(apart.from, head.sha)
		if err != nil {
			return nil, err
		}
		out["files"] = c.filesJSON(files[:min(len(files), compareFiles)], head.sha)
	}
	return &reply{code: http.StatusOK, body: out, link: link}, nil
}

// side is one end of a comparison: a name of this repository, or owner:branch
// of this one or a fork.
func (c *call) side(name string) (*commit, error) {
	if owner, branch, found := strings.Cut(name, ":"); found {
		refs, err := c.repo.refs()
		if err != nil {
			return nil, err
		}
		return c.found(refs[c.headRef(owner, branch)])
	}
	return c.found(name)
}

func (c *call) found(name string) (*commit, error) {
	at, err := c.repo.resolve(name)
	if errors.Is(err, errMissing) {
		err = notFound()
	}
	return at, err
}

func direction(ahead, behind int) string {
	switch {
	case ahead > 0 && behind > 0:
		return "diverged"
	case ahead > 0:
		return "ahead"
	case behind > 0:
		return "behind"
	}
	return "identical"
}

// commitJSON is a commit of the repository, which wraps the one of git.
func (c *call) commitJSON(at *commit) object {
	git := c.gitCommitJSON(at)
	return object{
		"sha": at.sha, "url": c.url("/commits/" + at.sha), "html_url": git["html_url"], "parents": git["parents"],
		"author": c.authorJSON(at.author), "committer": c.authorJSON(at.committer),
		"commit": object{
			"author": at.author, "committer": at.committer, "message": at.message, "tree": git["tree"],
			"url": git["url"], "verification": git["verification"], "comment_count": 0,
		},
	}
}

// authorJSON is the user of an address that GitHub gave out, null for others.
func (c *call) authorJSON(p person) any {
	name, found := strings.CutSuffix(p.Email, "@users.noreply.github.com")
	if _, login, plus := strings.Cut(name, "+"); found && plus {
		return c.userJSON(login)
	}
	return nil
}

func (c *call) commitsJSON(list []*commit) []object {
	out := make([]object, len(list))
	for i, at := range list {
		out[i] = c.commitJSON(at)
	}
	return out
}

func (c *call) filesJSON(files []fileDiff, head string) []object {
	out := make([]object, len(files))
	for i, f := range files {
		out[i] = object{
			"filename": f.path, "status": f.status, "sha": f.sha,
			"additions": f.additions, "deletions": f.deletions, "changes": f.additions + f.deletions,
			"contents_url": c.url("/contents/" + f.path + "?ref=" + head),
		}
		if f.previous != "" {
			out[i]["previous_filename"] = f.previous
		}
	}
	return out
}

// getCommit answers 422 for what is no commit
// (docs: rest/commits/commits#get-a-commit).
func (c *call) getCommit() (*reply, error) {
	at, err := c.repo.resolve(strings.TrimPrefix(c.vars["ref"], "heads/"))
	if errors.Is(err, errMissing) {
		return nil, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.vars["ref"])
	}
	if err != nil {
		return nil, err
	}
	out := c.commitJSON(at)
	if len(at.parents) > 0 {
		files, err := c.repo.diff(at.parents[0], at.sha)
		if err != nil {
			return nil, err
		}
		out["files"] = c.filesJSON(files, at.sha)
	}
	return ok(out)
}

func (c *call) listCommits() (*reply, error) {
	if err := c.empty(); err != nil {
		return nil, err
	}
	name := c.r.URL.Query().Get("sha")
	if name == "" {
		name = c.config.Branch
	}
	at, err := c.found(name)
	if err != nil {
		return nil, err
	}
	args := []string{"rev-list", "--topo-order", at.sha}
	if path := c.r.URL.Query().Get("path"); path != "" {
		args = append(args, "--", path)
	}
	names, err := c.repo.git(nil, args...)
	if err != nil {
		return nil, err
	}
	part, link := page(c, strings.Fields(names), 30)
	list := make([]*commit, len(part))
	for i, sha := range part {
		if list[i], err = c.repo.commit(sha); err != nil {
			return nil, err
		}
	}
	return &reply{code: http.StatusOK, body: c.commitsJSON(list), link: link}, nil
}
