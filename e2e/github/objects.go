package github

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// empty is what GitHub answers where a repository has no commit yet
// (github/rest-api-description#637, github/docs#31951).
func (c *call) empty() error {
	refs, err := c.repo.refs()
	if err == nil && len(refs) == 0 {
		err = refuse(http.StatusConflict, "Git Repository is empty.")
	}
	return err
}

func (c *call) createBlob() (*reply, error) {
	var in struct {
		Content  *string
		Encoding string
	}
	if err := errors.Join(c.empty(), c.decode(&in)); err != nil {
		return nil, err
	}
	if in.Content == nil {
		return nil, supplied("content", "")
	}
	data := []byte(*in.Content)
	switch in.Encoding {
	case "", "utf-8":
	case "base64":
		decoded, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(*in.Content))
		if err != nil {
			return nil, refuse(http.StatusUnprocessableEntity, "content is not valid Base64")
		}
		data = decoded
	default:
		return nil, refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n%q is not a supported encoding.", in.Encoding)
	}
	sha, err := c.repo.writeBlob(data)
	if err != nil {
		return nil, err
	}
	return created(object{"sha": sha, "url": c.url("/git/blobs/" + sha)})
}

func (c *call) getBlob() (*reply, error) {
	data, err := c.repo.blob(c.vars["sha"])
	if errors.Is(err, errMissing) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	if c.raw() {
		return ok(data)
	}
	return ok(object{
		"sha": c.vars["sha"], "size": len(data), "url": c.url("/git/blobs/" + c.vars["sha"]),
		"encoding": "base64", "content": base64Lines(data),
	})
}

// raw reports whether the client wants bytes and no JSON.
func (c *call) raw() bool { return strings.Contains(c.r.Header.Get("Accept"), "raw") }

// base64Lines breaks after 60 characters, as GitHub does.
func base64Lines(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(text) > 0 {
		n := min(60, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	return b.String()
}

func (c *call) getTree() (*reply, error) {
	if err := c.empty(); err != nil {
		return nil, err
	}
	root := c.vars["sha"]
	if at, err := c.repo.resolve(root); err == nil { // any tree-ish is taken
		root = at.tree
	}
	_, recursive := c.r.URL.Query()["recursive"] // whatever its value, the documentation says
	list := func() ([]entry, error) { return c.repo.tree(root) }
	if recursive {
		list = func() ([]entry, error) { return c.repo.walk(root, "") }
	}
	entries, err := list()
	if errors.Is(err, errMissing) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	truncated := recursive && len(entries) > c.truncate
	if truncated {
		entries = entries[:c.truncate]
	}
	out, err := c.treeJSON(entries)
	if err != nil {
		return nil, err
	}
	return ok(object{"sha": root, "url": c.url("/git/trees/" + root), "tree": out, "truncated": truncated})
}

func (c *call) treeJSON(entries []entry) ([]object, error) {
	out := make([]object, len(entries))
	for i, e := range entries {
		out[i] = object{"path": e.path, "mode": e.mode, "type": e.kind, "sha": e.sha, "url": c.url("/git/" + e.kind + "s/" + e.sha)}
		if e.kind != "blob" {
			continue
		}
		size, err := c.repo.size(e.sha)
		if err != nil {
			return nil, err
		}
		out[i]["size"] = size
	}
	return out, nil
}

// newEntry is an entry of a tree to be made. SHA tells null, which deletes,
// from a property that is not there.
type newEntry struct {
	Path, Mode, Type string
	SHA              json.RawMessage
	Content          *string
}

// createTree makes a tree from entries on top of another one
// (docs: rest/git/trees#create-a-tree; words of the refusals:
// octokit/octokit.net#2836, hub4j/github-api#1217, mckaywrigley/buildware-ai#29,
// BetaHuhn/repo-file-sync-action#349, sigmavirus24/github3.py#522,
// 47degrees/github4s#259).
func (c *call) createTree() (*reply, error) {
	var in struct {
		BaseTree *string `json:"base_tree"`
		Tree     []newEntry
	}
	if err := errors.Join(c.empty(), c.decode(&in)); err != nil {
		return nil, err
	}
	if len(in.Tree) == 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "Invalid tree info")
	}
	files := map[string]entry{}
	if in.BaseTree != nil {
		base, err := c.repo.flat(*in.BaseTree)
		if errors.Is(err, errMissing) {
			return nil, refuse(http.StatusUnprocessableEntity, "base_tree is not a valid tree oid")
		}
		if err != nil {
			return nil, err
		}
		files = base
	}
	for _, e := range in.Tree {
		if err := c.checkEntry(e); err != nil {
			return nil, err
		}
	}
	for _, deletes := range []bool{true, false} { // so that a file may become a directory, in any order
		for _, e := range in.Tree {
			if (string(e.SHA) == "null") != deletes {
				continue
			}
			if err := c.apply(files, e); err != nil {
				return nil, err
			}
		}
	}
	return c.replyTree(files)
}

func (c *call) replyTree(files map[string]entry) (*reply, error) {
	sha, err := c.repo.writeTree(files)
	if err != nil {
		return nil, err
	}
	entries, err := c.repo.tree(sha)
	if err != nil {
		return nil, err
	}
	out, err := c.treeJSON(entries)
	if err != nil {
		return nil, err
	}
	return created(object{"sha": sha, "url": c.url("/git/trees/" + sha), "tree": out, "truncated": false})
}

func (c *call) checkEntry(e newEntry) error {
	kind, known := kinds[e.Mode]
	switch {
	case strings.HasPrefix(e.Path, "/"):
		return refuse(http.StatusUnprocessableEntity, "tree.path cannot start with a slash")
	case !wellFormed(e.Path):
		return refuse(http.StatusUnprocessableEntity, "tree.path contains a malformed path component")
	case !known || (e.Type != "" && e.Type != kind):
		return refuse(http.StatusUnprocessableEntity, "Must supply a valid tree.mode")
	case (e.Content == nil) == (len(e.SHA) == 0), e.Content != nil && kind != "blob":
		return refuse(http.StatusUnprocessableEntity, "Must supply either tree.sha or tree.content. Request will be rejected if both are present.")
	}
	return nil
}

func wellFormed(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") || strings.Contains(part, "\x00") || !utf8.ValidString(part) {
			return false
		}
	}
	return true
}

// apply an entry that brings its content, names an object, or names null, which
// deletes. To delete what is not there is an error.
func (c *call) apply(files map[string]entry, e newEntry) error {
	if e.Content != nil {
		made, err := c.repo.writeBlob([]byte(*e.Content))
		put(files, entry{path: e.Path, mode: e.Mode, kind: "blob", sha: made})
		return err
	}
	var sha *string
	if err := json.Unmarshal(e.SHA, &sha); err != nil {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\nFor 'tree/items/sha', it is not a string.")
	}
	if sha == nil {
		if !remove(files, e.Path) {
			return refuse(http.StatusUnprocessableEntity, "GitRPC::BadObjectState")
		}
		return nil
	}
	kind := kinds[e.Mode]
	have, _, err := c.repo.object(*sha)
	if err != nil && !errors.Is(err, errMissing) {
		return err
	}
	if kind != "commit" && (have != kind || !objectName.MatchString(*sha)) {
		return refuse(http.StatusUnprocessableEntity, "tree.sha %s is not a valid %s", *sha, kind)
	}
	if kind != "tree" {
		put(files, entry{path: e.Path, mode: e.Mode, kind: kind, sha: *sha})
		return nil
	}
	below, err := c.repo.flat(*sha)
	if err != nil {
		return err
	}
	remove(files, e.Path)
	for path, file := range below {
		file.path = e.Path + "/" + path
		put(files, file)
	}
	return nil
}

// newPerson is an author in a request.
type newPerson struct {
	Name, Email string
	Date        *time.Time
}

func (p *newPerson) person(fallback person) person {
	if p == nil {
		return fallback
	}
	out := person{Name: p.Name, Email: p.Email, Date: fallback.Date}
	if p.Date != nil {
		out.Date = p.Date.UTC()
	}
	return out
}

// createCommit makes a commit. One of an App that names neither author nor
// committer is signed by GitHub (docs: authentication,
// about-commit-signature-verification, "Signature verification for bots").
func (c *call) createCommit() (*reply, error) {
	var in struct {
		Message, Tree, Signature string
		Parents                  []string
		Author, Committer        *newPerson
	}
	if err := errors.Join(c.empty(), c.decode(&in)); err != nil {
		return nil, err
	}
	if err := errors.Join(supplied("message", in.Message), supplied("tree", in.Tree)); err != nil {
		return nil, err
	}
	if _, err := c.repo.tree(in.Tree); errors.Is(err, errMissing) {
		return nil, refuse(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	} else if err != nil {
		return nil, err
	}
	for _, p := range in.Parents {
		if _, err := c.repo.commit(p); errors.Is(err, errMissing) {
			return nil, refuse(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		} else if err != nil {
			return nil, err
		}
	}
	now := c.tick()
	signed := c.token.Kind == App && in.Author == nil && in.Committer == nil
	author := in.Author.person(identity(c.login, now))
	committer := in.Committer.person(author)
	if signed {
		committer = webFlow(now)
	}
	sha, err := c.repo.writeCommit(commit{tree: in.Tree, parents: in.Parents, author: author, committer: committer, message: in.Message})
	if err != nil {
		return nil, err
	}
	c.verified[sha] = signed
	made, err := c.repo.commit(sha)
	if err != nil {
		return nil, err
	}
	return created(c.gitCommitJSON(made))
}

func (c *call) getGitCommit() (*reply, error) {
	at, err := c.repo.commit(c.vars["sha"])
	if errors.Is(err, errMissing) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	return ok(c.gitCommitJSON(at))
}

func (c *call) verification(sha string) object {
	if c.verified[sha] {
		return object{"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", "payload": sha}
	}
	return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil}
}

func (c *call) gitCommitJSON(at *commit) object {
	parents := make([]object, len(at.parents))
	for i, p := range at.parents {
		parents[i] = object{"sha": p, "url": c.url("/git/commits/" + p), "html_url": c.html("/commit/" + p)}
	}
	return object{
		"sha": at.sha, "url": c.url("/git/commits/" + at.sha), "html_url": c.html("/commit/" + at.sha),
		"author": at.author, "committer": at.committer, "message": at.message, "parents": parents,
		"tree":         object{"sha": at.tree, "url": c.url("/git/trees/" + at.tree)},
		"verification": c.verification(at.sha),
	}
}

// userJSON is a user or a bot; nil for nobody.
func (c *call) userJSON(login string) any {
	if login == "" {
		return nil
	}
	kind := "User"
	if bot(login) {
		kind = "Bot"
	}
	return object{"login": login, "id": userID(login), "type": kind, "url": c.root + "/users/" + login, "html_url": "http://" + c.r.Host + "/" + login}
}

// number of a pull request in the path.
func (c *call) number() (int, error) {
	n, err := strconv.Atoi(c.vars["number"])
	if err != nil {
		return 0, notFound()
	}
	return n, nil
}
