package github

import (
	"errors"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

// visible refs are those that GitHub shows; forks are other repositories.
func (s *Server) visible() (map[string]string, error) {
	refs, err := s.repo.refs()
	maps.DeleteFunc(refs, func(name, _ string) bool { return strings.HasPrefix(name, "refs/forks/") })
	return refs, err
}

func (c *call) refJSON(name, sha string) (object, error) {
	kind, _, err := c.repo.object(sha)
	if err != nil {
		return nil, err
	}
	return object{
		"ref": name, "url": c.url("/git/" + name),
		"object": object{"sha": sha, "type": kind, "url": c.url("/git/" + kind + "s/" + sha)},
	}, nil
}

// url of something below the repository in the API.
func (c *call) url(path string) string {
	return c.root + "/repos/" + c.config.Owner + "/" + c.config.Name + path
}

// html is the address of a page that a person would open.
func (c *call) html(path string) string {
	return "http://" + c.r.Host + "/" + c.config.Owner + "/" + c.config.Name + path
}

func (c *call) getRef() (*reply, error) {
	refs, err := c.visible()
	if err != nil {
		return nil, err
	}
	if len(refs) == 0 {
		return nil, refuse(http.StatusConflict, "Git Repository is empty.")
	}
	name := "refs/" + strings.TrimPrefix(c.vars["ref"], "refs/")
	sha, found := refs[name]
	if !found {
		return nil, notFound()
	}
	ref, err := c.refJSON(name, sha)
	if err != nil {
		return nil, err
	}
	return ok(ref)
}

func (c *call) matchingRefs() (*reply, error) {
	refs, err := c.visible()
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		if !strings.HasPrefix(name, "refs/"+c.vars["ref"]) {
			continue
		}
		ref, err := c.refJSON(name, refs[name])
		if err != nil {
			return nil, err
		}
		list = append(list, ref)
	}
	part, link := page(c, list, 30)
	return &reply{code: http.StatusOK, body: part, link: link}, nil
}

// createRef: a name that is no full ref is refused, as are one that exists and
// an object that does not (docs: rest/git/refs#create-a-reference).
func (c *call) createRef() (*reply, error) {
	var in struct{ Ref, SHA string }
	if err := errors.Join(c.decode(&in)); err != nil {
		return nil, err
	}
	if err := errors.Join(supplied("ref", in.Ref), supplied("sha", in.SHA)); err != nil {
		return nil, err
	}
	if _, err := c.repo.git(nil, "check-ref-format", in.Ref); err != nil || !strings.HasPrefix(in.Ref, "refs/") || strings.Count(in.Ref, "/") < 2 {
		return nil, refuse(http.StatusUnprocessableEntity, "Reference name is not well-formed")
	}
	refs, err := c.repo.refs()
	if err != nil {
		return nil, err
	}
	if _, taken := refs[in.Ref]; taken {
		return nil, refuse(http.StatusUnprocessableEntity, "Reference already exists")
	}
	if err := c.pointable(in.Ref, in.SHA); err != nil {
		return nil, err
	}
	if p := c.protection(in.Ref); p != nil || reserved(in.Ref) {
		return nil, refuse(http.StatusUnprocessableEntity, "Reference update failed")
	}
	if err := c.move(in.Ref, noObject, in.SHA); err != nil {
		return nil, err
	}
	ref, err := c.refJSON(in.Ref, in.SHA)
	if err != nil {
		return nil, err
	}
	return created(ref)
}

// reserved refs are GitHub's own.
func reserved(ref string) bool {
	return strings.HasPrefix(ref, "refs/pull/") || strings.HasPrefix(ref, "refs/forks/")
}

// pointable refuses what a ref cannot point at.
func (c *call) pointable(ref, sha string) error {
	kind, _, err := c.repo.object(sha)
	switch {
	case errors.Is(err, errMissing) || (err == nil && !objectName.MatchString(sha)):
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	case err == nil && strings.HasPrefix(ref, "refs/heads/") && kind != "commit":
		return refuse(http.StatusUnprocessableEntity, "Reference update failed")
	}
	return err
}

// move sets a ref; where git refuses, because a branch of another name is in
// the way or a push was faster, GitHub says only that it failed
// (actions/github-script#455).
func (s *Server) move(ref, old, sha string) error {
	err := s.repo.setRef(ref, old, sha)
	if _, ok := errors.AsType[*exited](err); ok {
		return refuse(http.StatusUnprocessableEntity, "Reference update failed")
	}
	return err
}

func (c *call) updateRef() (*reply, error) {
	var in struct {
		SHA   string
		Force bool
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := supplied("sha", in.SHA); err != nil {
		return nil, err
	}
	refs, err := c.repo.refs()
	if err != nil {
		return nil, err
	}
	name := "refs/" + c.vars["ref"]
	old, exists := refs[name]
	if !exists || reserved(name) {
		return nil, refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if err := c.pointable(name, in.SHA); err != nil {
		return nil, err
	}
	if err := c.mayMove(name, old, in.SHA, in.Force); err != nil {
		return nil, err
	}
	if err := c.move(name, old, in.SHA); err != nil {
		return nil, err
	}
	ref, err := c.refJSON(name, in.SHA)
	if err != nil {
		return nil, err
	}
	return ok(ref)
}

func (c *call) mayMove(ref, old, sha string, force bool) error {
	if strings.HasPrefix(ref, "refs/heads/") && !force {
		forward, err := c.repo.contains(sha, old)
		if err != nil {
			return err
		}
		if !forward {
			return refuse(http.StatusUnprocessableEntity, "Update is not a fast forward")
		}
	}
	if p := c.protection(ref); p != nil {
		return p.refusal("Changes must be made through a pull request.")
	}
	return nil
}

func (c *call) deleteRef() (*reply, error) {
	refs, err := c.repo.refs()
	if err != nil {
		return nil, err
	}
	name := "refs/" + c.vars["ref"]
	old, exists := refs[name]
	switch p := c.protection(name); {
	case !exists || reserved(name):
		return nil, refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	case p != nil:
		return nil, p.refusal("Cannot delete a protected branch")
	case name == "refs/heads/"+c.config.Branch:
		return nil, refuse(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	if err := c.move(name, old, noObject); err != nil {
		return nil, err
	}
	return noContent()
}

// protection of a ref, nil without. A pattern's * takes no slash.
func (s *Server) protection(ref string) *Protection {
	branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
	if !isBranch {
		return nil
	}
	for _, pattern := range slices.Sorted(maps.Keys(s.protected)) {
		if hit, err := path.Match(pattern, branch); hit && err == nil {
			p := s.protected[pattern]
			return &p
		}
	}
	return nil
}

// refusal in the words of the older branch protection (release-please reports
// them in googleapis/repo-automation-bots#5551) or of a repository rule.
func (p *Protection) refusal(why string) error {
	if p.Ruleset {
		return &refusal{
			code: http.StatusUnprocessableEntity, message: "Repository rule violations found\n\n" + why + "\n\n",
			docs: "https://docs.github.com/rest/git/refs#update-a-reference",
		}
	}
	return &refusal{code: http.StatusUnprocessableEntity, message: why, docs: "https://docs.github.com/articles/about-protected-branches"}
}

// Protect makes a branch, or all that a pattern such as release/* matches,
// change by pull requests only.
func (s *Server) Protect(branch string, p Protection) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.protected[branch] = p
	return s.writeHook()
}
