package github

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

func (c *call) getUser() (*reply, error) {
	if c.token == nil {
		return nil, refuse(http.StatusUnauthorized, "Requires authentication")
	}
	if c.token.Kind == App {
		return nil, c.forbidden()
	}
	return ok(c.userJSON(c.login))
}

func (c *call) getRateLimit() (*reply, error) {
	w := c.used[c.login]
	core := object{"limit": c.config.RateLimit, "used": w.used, "remaining": c.config.RateLimit - w.used, "reset": w.reset.Unix()}
	return ok(object{"resources": object{"core": core}, "rate": core})
}

func (c *call) getRepository() (*reply, error) {
	return ok(c.repositoryJSON())
}

func (c *call) repositoryJSON() object {
	visibility := "public"
	if c.config.Private {
		visibility = "private"
	}
	push := c.token.level("contents") >= Write
	return object{
		"id": userID(c.config.Owner + "/" + c.config.Name), "name": c.config.Name, "full_name": c.config.Owner + "/" + c.config.Name,
		"owner": c.userJSON(c.config.Owner), "private": c.config.Private, "visibility": visibility, "fork": false, "archived": false,
		"default_branch": c.config.Branch, "url": c.url(""), "html_url": c.html(""), "clone_url": c.html(".git"),
		"permissions":        object{"pull": true, "push": push, "admin": false},
		"allow_merge_commit": slices.Contains(c.config.Methods, "merge"), "allow_squash_merge": slices.Contains(c.config.Methods, "squash"),
		"allow_rebase_merge": slices.Contains(c.config.Methods, "rebase"), "delete_branch_on_merge": c.config.DeleteBranchOnMerge,
	}
}

func (c *call) branchJSON(name, sha string) (object, error) {
	at, err := c.repo.commit(sha)
	if err != nil {
		return nil, err
	}
	p := c.protection("refs/heads/" + name)
	out := object{"name": name, "protected": p != nil, "commit": c.commitJSON(at)}
	if p != nil {
		out["protection"] = object{"enabled": true, "required_status_checks": object{"contexts": p.Contexts}}
	}
	return out, nil
}

func (c *call) listBranches() (*reply, error) {
	refs, err := c.repo.refs()
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		name, isBranch := strings.CutPrefix(ref, "refs/heads/")
		if !isBranch {
			continue
		}
		branch, err := c.branchJSON(name, refs[ref])
		if err != nil {
			return nil, err
		}
		if want := c.r.URL.Query().Get("protected"); want == "" || want == strconv.FormatBool(branch["protected"] == true) {
			list = append(list, branch)
		}
	}
	part, link := page(c, list, 30)
	return &reply{code: http.StatusOK, body: part, link: link}, nil
}

func (c *call) getBranch() (*reply, error) {
	refs, err := c.repo.refs()
	if err != nil {
		return nil, err
	}
	sha, found := refs["refs/heads/"+c.vars["branch"]]
	if !found {
		return nil, refuse(http.StatusNotFound, "Branch not found")
	}
	branch, err := c.branchJSON(c.vars["branch"], sha)
	if err != nil {
		return nil, err
	}
	return ok(branch)
}

// getContents answers a file, or the list of a directory
// (docs: rest/repos/contents#get-repository-content).
func (c *call) getContents() (*reply, error) {
	ref := c.r.URL.Query().Get("ref")
	if ref == "" {
		ref = c.config.Branch
	}
	at, err := c.repo.resolve(strings.TrimPrefix(ref, "refs/heads/"))
	if err != nil {
		return nil, refuse(http.StatusNotFound, "No commit found for the ref %s", ref)
	}
	e, found, err := c.repo.lookup(at.tree, strings.Trim(c.vars["path"], "/"))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound()
	}
	if e.kind != "tree" {
		data, err := c.repo.blob(e.sha)
		if err != nil {
			return nil, err
		}
		if c.raw() {
			return ok(data)
		}
		out := c.contentJSON(e, ref, len(data))
		if e.mode == "120000" {
			out["target"] = string(data)
		} else {
			out["encoding"], out["content"] = "base64", base64Lines(data)
		}
		return ok(out)
	}
	below, err := c.repo.tree(e.sha)
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, b := range below {
		size := 0
		if b.kind == "blob" {
			if size, err = c.repo.size(b.sha); err != nil {
				return nil, err
			}
		}
		b.path = path.Join(e.path, b.path)
		list = append(list, c.contentJSON(b, ref, size))
	}
	return ok(list)
}

func (c *call) contentJSON(e entry, ref string, size int) object {
	kind := map[string]string{"tree": "dir", "commit": "submodule"}[e.kind]
	switch {
	case e.mode == "120000":
		kind = "symlink"
	case kind == "":
		kind = "file"
	}
	return object{
		"type": kind, "name": path.Base(e.path), "path": e.path, "sha": e.sha, "size": size,
		"url": c.url("/contents/" + e.path + "?ref=" + ref), "git_url": c.url("/git/" + e.kind + "s/" + e.sha),
		"html_url": c.html("/blob/" + ref + "/" + e.path),
	}
}
