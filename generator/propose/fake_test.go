package propose

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// forge is a GitHub with a memory: blobs, trees, commits, branches and pull
// requests behave as the REST API documents them. A request it does not know
// fails the test.
type forge struct {
	t       *testing.T
	mu      sync.Mutex
	server  *httptest.Server
	trees   map[string]map[string]string // tree → path → blob
	blobs   map[string][]byte
	commits map[string]forgeCommit
	refs    map[string]string
	pulls   []*forgePull
	notes   []string
	writes  int
	// before is asked ahead of every request; an answer other than 0 is sent
	// instead, with the message.
	before func(r *http.Request, writes int) (int, string)
	tokens []string
}

type forgeCommit struct {
	tree, message, author string
	parents               []string
}

type forgePull struct {
	Number             int
	Title, Body, State string
	Head, Base, Owner  string
	Merged             bool
}

func newForge(t *testing.T, files map[string]string) *forge {
	t.Helper()
	f := &forge{t: t, trees: map[string]map[string]string{}, blobs: map[string][]byte{}, commits: map[string]forgeCommit{}, refs: map[string]string{}}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	f.refs["main"] = f.commit("first", "alice", f.treeOf(files))
	return f
}

func (f *forge) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(Config{Repository: "example/mlops", Base: "main", APIURL: f.server.URL, Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func name(kind string, data []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...))
	return hex.EncodeToString(sum[:])
}

func (f *forge) blob(data []byte) string {
	sha := name("blob", data)
	f.blobs[sha] = data
	return sha
}

func (f *forge) treeOf(files map[string]string) string {
	tree := make(map[string]string, len(files))
	for path, text := range files {
		tree[path] = f.blob([]byte(text))
	}
	return f.tree(tree)
}

func (f *forge) tree(files map[string]string) string {
	text, _ := json.Marshal(files)
	sha := name("tree", text)
	f.trees[sha] = files
	return sha
}

func (f *forge) commit(message, author, tree string, parents ...string) string {
	sha := name("commit", []byte(fmt.Sprint(message, author, tree, parents, len(f.commits))))
	f.commits[sha] = forgeCommit{tree: tree, message: message, author: author, parents: parents}
	return sha
}

// files is what a branch holds.
func (f *forge) files(branch string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]string)
	for path, sha := range f.trees[f.commits[f.refs[branch]].tree] {
		out[path] = string(f.blobs[sha])
	}
	return out
}

// change commits files to a branch as a person would.
func (f *forge) change(branch, author string, files map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tree := maps.Clone(f.trees[f.commits[f.refs[branch]].tree])
	for path, text := range files {
		tree[path] = f.blob([]byte(text))
	}
	f.refs[branch] = f.commit("change by "+author, author, f.tree(tree), f.refs[branch])
}

// merge does what the green button does.
func (f *forge) merge(number int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pr := f.pulls[number-1]
	pr.State, pr.Merged = "closed", true
	f.refs["main"] = f.commit("Merge pull request", "alice", f.commits[f.refs[pr.Head]].tree, f.refs["main"], f.refs[pr.Head])
}

func (f *forge) reach(sha string, seen map[string]bool) {
	if sha == "" || seen[sha] {
		return
	}
	seen[sha] = true
	for _, p := range f.commits[sha].parents {
		f.reach(p, seen)
	}
}

func (f *forge) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens = append(f.tokens, r.Header.Get("Authorization"))
	if f.before != nil {
		if code, message := f.before(r, f.writes); code != 0 {
			f.fail(w, code, message)
			return
		}
	}
	if r.Method != http.MethodGet {
		f.writes++
	}
	rest, found := strings.CutPrefix(r.URL.Path, "/repos/example/mlops/")
	if !found {
		f.fail(w, http.StatusNotFound, "Not Found")
		return
	}
	var body map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	switch route := r.Method + " " + rest; {
	case strings.HasPrefix(route, "GET git/ref/heads/"):
		f.getRef(w, strings.TrimPrefix(route, "GET git/ref/heads/"))
	case strings.HasPrefix(route, "GET git/commits/"):
		sha := strings.TrimPrefix(route, "GET git/commits/")
		f.send(w, map[string]any{"sha": sha, "tree": map[string]any{"sha": f.commits[sha].tree}})
	case strings.HasPrefix(route, "GET git/trees/"):
		f.getTree(w, strings.TrimPrefix(route, "GET git/trees/"))
	case strings.HasPrefix(route, "GET compare/"):
		f.compare(w, strings.TrimPrefix(route, "GET compare/"))
	case route == "GET pulls":
		f.listPulls(w, r)
	case route == "POST git/trees":
		f.createTree(w, body)
	case route == "POST git/blobs":
		data, _ := base64.StdEncoding.DecodeString(body["content"].(string))
		f.send(w, map[string]any{"sha": f.blob(data)})
	case route == "POST git/commits":
		var parents []string
		for _, p := range body["parents"].([]any) {
			parents = append(parents, p.(string))
		}
		f.send(w, map[string]any{"sha": f.commit(body["message"].(string), "strake", body["tree"].(string), parents...)})
	case route == "POST git/refs":
		f.createRef(w, body)
	case strings.HasPrefix(route, "PATCH git/refs/heads/"):
		f.updateRef(w, strings.TrimPrefix(route, "PATCH git/refs/heads/"), body)
	case strings.HasPrefix(route, "DELETE git/refs/heads/"):
		delete(f.refs, strings.TrimPrefix(route, "DELETE git/refs/heads/"))
		w.WriteHeader(http.StatusNoContent)
	case route == "POST pulls":
		f.createPull(w, body)
	case strings.HasPrefix(route, "PATCH pulls/"):
		f.editPull(w, strings.TrimPrefix(route, "PATCH pulls/"), body)
	case strings.HasPrefix(route, "POST issues/") && strings.HasSuffix(route, "/comments"):
		f.notes = append(f.notes, body["body"].(string))
		f.send(w, map[string]any{"id": len(f.notes)})
	default:
		f.t.Errorf("unexpected request %s", route)
		f.fail(w, http.StatusNotFound, "Not Found")
	}
}

func (f *forge) send(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (f *forge) fail(w http.ResponseWriter, code int, message string) {
	w.WriteHeader(code)
	f.send(w, map[string]any{"message": message})
}

func (f *forge) getRef(w http.ResponseWriter, branch string) {
	sha, ok := f.refs[branch]
	if !ok {
		f.fail(w, http.StatusNotFound, "Not Found")
		return
	}
	f.send(w, map[string]any{"ref": "refs/heads/" + branch, "object": map[string]any{"sha": sha}})
}

func (f *forge) getTree(w http.ResponseWriter, sha string) {
	var entries []any
	for _, path := range slices.Sorted(maps.Keys(f.trees[sha])) {
		entries = append(entries, map[string]any{"path": path, "type": "blob", "sha": f.trees[sha][path]})
	}
	f.send(w, map[string]any{"sha": sha, "tree": entries, "truncated": false})
}

func (f *forge) compare(w http.ResponseWriter, what string) {
	base, head, _ := strings.Cut(what, "...")
	inBase, inHead := map[string]bool{}, map[string]bool{}
	f.reach(base, inBase)
	f.reach(head, inHead)
	commits, behind := []any{}, 0
	for _, sha := range slices.Sorted(maps.Keys(inHead)) {
		if inBase[sha] {
			continue
		}
		var parents []any
		for _, p := range f.commits[sha].parents {
			parents = append(parents, map[string]any{"sha": p})
		}
		commits = append(commits, map[string]any{"sha": sha, "parents": parents, "commit": map[string]any{
			"message": f.commits[sha].message, "author": map[string]any{"name": f.commits[sha].author},
		}})
	}
	for sha := range inBase {
		if !inHead[sha] {
			behind++
		}
	}
	var files []any
	old, now := f.trees[f.commits[base].tree], f.trees[f.commits[head].tree]
	for path := range now {
		if old[path] != now[path] {
			files = append(files, map[string]any{"filename": path})
		}
	}
	for path := range old {
		if _, kept := now[path]; !kept {
			files = append(files, map[string]any{"filename": path})
		}
	}
	f.send(w, map[string]any{"commits": commits, "total_commits": len(commits), "behind_by": behind, "files": files})
}

func (f *forge) createTree(w http.ResponseWriter, body map[string]any) {
	tree := maps.Clone(f.trees[body["base_tree"].(string)])
	for _, e := range body["tree"].([]any) {
		entry := e.(map[string]any)
		path := entry["path"].(string)
		switch {
		case entry["content"] != nil:
			tree[path] = f.blob([]byte(entry["content"].(string)))
		case entry["sha"] != nil:
			tree[path] = entry["sha"].(string)
		default:
			delete(tree, path)
		}
	}
	f.send(w, map[string]any{"sha": f.tree(tree)})
}

func (f *forge) createRef(w http.ResponseWriter, body map[string]any) {
	branch := strings.TrimPrefix(body["ref"].(string), "refs/heads/")
	if _, taken := f.refs[branch]; taken {
		f.fail(w, http.StatusUnprocessableEntity, "Reference already exists")
		return
	}
	f.refs[branch] = body["sha"].(string)
	f.send(w, map[string]any{"ref": body["ref"], "object": map[string]any{"sha": body["sha"]}})
}

func (f *forge) updateRef(w http.ResponseWriter, branch string, body map[string]any) {
	seen := map[string]bool{}
	f.reach(body["sha"].(string), seen)
	if !seen[f.refs[branch]] {
		f.fail(w, http.StatusUnprocessableEntity, "Update is not a fast forward")
		return
	}
	f.refs[branch] = body["sha"].(string)
	f.send(w, map[string]any{"object": map[string]any{"sha": body["sha"]}})
}

func (f *forge) pull(p *forgePull) map[string]any {
	out := map[string]any{
		"number": p.Number, "title": p.Title, "body": p.Body, "state": p.State,
		"html_url": "https://github.example/pull/" + strconv.Itoa(p.Number),
		"head":     map[string]any{"ref": p.Head, "user": map[string]any{"login": p.Owner}},
	}
	if p.Merged {
		out["merged_at"] = time.Unix(0, 0).UTC()
	}
	return out
}

func (f *forge) listPulls(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	for _, p := range slices.Backward(f.pulls) {
		if p.Owner+":"+p.Head == r.URL.Query().Get("head") && p.Base == r.URL.Query().Get("base") {
			list = append(list, f.pull(p))
		}
	}
	f.send(w, list)
}

func (f *forge) createPull(w http.ResponseWriter, body map[string]any) {
	p := &forgePull{
		Number: len(f.pulls) + 1, State: "open", Owner: "example",
		Title: body["title"].(string), Body: body["body"].(string), Head: body["head"].(string), Base: body["base"].(string),
	}
	for _, other := range f.pulls {
		if other.Head == p.Head && other.Owner == p.Owner && other.State == "open" {
			f.fail(w, http.StatusUnprocessableEntity, "A pull request already exists for example:"+p.Head)
			return
		}
	}
	f.pulls = append(f.pulls, p)
	f.send(w, f.pull(p))
}

func (f *forge) editPull(w http.ResponseWriter, number string, body map[string]any) {
	n, _ := strconv.Atoi(number)
	p := f.pulls[n-1]
	for key, field := range map[string]*string{"title": &p.Title, "body": &p.Body, "state": &p.State} {
		if v, ok := body[key].(string); ok {
			*field = v
		}
	}
	f.send(w, f.pull(p))
}
