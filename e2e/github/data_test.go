package github_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gh "github.com/google/go-github/v60/github"

	"strake/e2e/github"
)

func ref(name, sha string) *gh.Reference {
	return &gh.Reference{Ref: &name, Object: &gh.GitObject{SHA: &sha}}
}

// nothing is a well-formed name of no object.
var nothing = strings.Repeat("12", 20)

func TestRefs(t *testing.T) {
	t.Parallel()
	h := start(t)
	git := h.as("t-app").Git
	first := h.head("main")
	if _, _, err := git.CreateRef(ctx(), owner, name, ref("refs/heads/strake/dev", first)); err != nil {
		t.Fatal(err)
	}
	second := h.push("main", "alice", map[string]string{"b": "b"})
	side := h.push("side", "alice", map[string]string{"c": "c"})
	if got, _, err := git.UpdateRef(ctx(), owner, name, ref("heads/strake/dev", second), false); err != nil || got.GetObject().GetSHA() != second {
		t.Fatalf("fast forward: %v %v", got, err)
	}
	got, _, err := git.GetRef(ctx(), owner, name, "heads/strake/dev")
	if err != nil || got.GetRef() != "refs/heads/strake/dev" || got.GetObject().GetSHA() != second || got.GetObject().GetType() != "commit" {
		t.Fatalf("get: %v %v", got, err)
	}
	list, _, err := git.ListMatchingRefs(ctx(), owner, name, &gh.ReferenceListOptions{Ref: "heads/s"})
	if err != nil || len(list) != 2 || list[0].GetRef() != "refs/heads/side" || list[1].GetRef() != "refs/heads/strake/dev" {
		t.Fatalf("matching: %v %v", list, err)
	}
	tree := blobTree(t, h, "README.md")
	create := func(name, sha string) func() error {
		return func() error { _, _, err := git.CreateRef(ctx(), owner, "mlops", ref(name, sha)); return err }
	}
	update := func(name, sha string, force bool) func() error {
		return func() error { _, _, err := git.UpdateRef(ctx(), owner, "mlops", ref(name, sha), force); return err }
	}
	remove := func(name string) func() error {
		return func() error { _, err := git.DeleteRef(ctx(), owner, "mlops", name); return err }
	}
	refusals(t, []refusal{
		{"create one that exists", create("refs/heads/strake/dev", first), "422 Reference already exists"},
		{"create on no object", create("refs/heads/x", nothing), "422 Object does not exist"},
		{"create on a tree", create("refs/heads/x", tree), "422 Reference update failed"},
		{"create below a branch", create("refs/heads/side/x", first), "422 Reference update failed"},
		{"create above a branch", create("refs/heads/strake", first), "422 Reference update failed"},
		{"create no branch name", create("refs/heads/a..b", first), "422 Reference name is not well-formed"},
		{"create a pull request's", create("refs/pull/9/head", first), "422 Reference update failed"},
		{"update not forward", update("heads/strake/dev", first, false), "422 Update is not a fast forward"},
		{"update one that is not there", update("heads/none", first, false), "422 Reference does not exist"},
		{"update to no object", update("heads/strake/dev", nothing, true), "422 Object does not exist"},
		{"delete one that is not there", remove("heads/none"), "422 Reference does not exist"},
		{"delete the default branch", remove("heads/main"), "422 Cannot delete the default branch"},
		{"get one that is not there", func() error { _, _, err := git.GetRef(ctx(), owner, name, "heads/strake"); return err }, "404 Not Found"},
	})
	if err := update("heads/strake/dev", side, true)(); err != nil || h.head("strake/dev") != side {
		t.Errorf("force: %v", err)
	}
	if err := remove("heads/strake/dev")(); err != nil || h.head("strake/dev") != "" {
		t.Errorf("delete: %v", err)
	}
}

func blobTree(t *testing.T, h *hub, path string) string {
	t.Helper()
	tree, _, err := h.as("t-app").Git.GetTree(ctx(), owner, name, "main", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range tree.Entries {
		if e.GetPath() == path {
			return e.GetSHA()
		}
	}
	return tree.GetSHA()
}

func TestBlobsTreesCommits(t *testing.T) {
	t.Parallel()
	h := start(t)
	git := h.as("t-app").Git
	bytes1 := "\xff\x00\xfe" + strings.Repeat("x", 100)
	blob, _, err := git.CreateBlob(ctx(), owner, name, &gh.Blob{Content: new(base64.StdEncoding.EncodeToString([]byte(bytes1))), Encoding: new("base64")})
	if err != nil {
		t.Fatal(err)
	}
	if raw, _, err := git.GetBlobRaw(ctx(), owner, name, blob.GetSHA()); err != nil || string(raw) != bytes1 {
		t.Fatalf("raw: %q %v", raw, err)
	}
	back, _, err := git.GetBlob(ctx(), owner, name, blob.GetSHA())
	if err != nil || back.GetSize() != len(bytes1) || !strings.Contains(back.GetContent(), "\n") {
		t.Fatalf("get: %v %v", back, err)
	}
	root, _, err := git.GetTree(ctx(), owner, name, "main", false)
	if err != nil {
		t.Fatal(err)
	}
	file := func(path, content string) *gh.TreeEntry {
		return &gh.TreeEntry{Path: &path, Mode: new("100644"), Type: new("blob"), Content: &content}
	}
	tree, _, err := git.CreateTree(ctx(), owner, name, root.GetSHA(), []*gh.TreeEntry{
		file("overlays/dev/b.yaml", "b\n"),
		{Path: new("bin/tool"), Mode: new("100755"), Type: new("blob"), SHA: blob.SHA},
		{Path: new("link"), Mode: new("120000"), Type: new("blob"), Content: new("README.md")},
		{Path: new("overlays/prod"), Mode: new("040000"), Type: new("tree")},
		{Path: new("overlays/dev/a.yaml"), Mode: new("100644")},
		file("README.md/now-a-directory", "x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	commit, _, err := git.CreateCommit(ctx(), owner, name, &gh.Commit{
		Message: new("change\n\nwhy"), Tree: tree, Parents: []*gh.Commit{{SHA: new(h.head("main"))}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !commit.GetVerification().GetVerified() || commit.GetCommitter().GetName() != "GitHub" || commit.GetAuthor().GetName() != "strake[bot]" || commit.GetMessage() != "change\n\nwhy" {
		t.Errorf("an App's commit: %v", commit)
	}
	if _, _, err := git.CreateRef(ctx(), owner, name, ref("refs/heads/new", commit.GetSHA())); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"README.md/now-a-directory": "x", "bin/tool": bytes1, "link": "README.md", "overlays/dev/b.yaml": "b\n"}
	got, err := h.Files("new")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("files (-want +got):\n%s%v", diff, err)
	}
	all, _, err := git.GetTree(ctx(), owner, name, commit.GetSHA(), true)
	if err != nil || len(all.Entries) != 8 || all.GetTruncated() || all.GetSHA() != tree.GetSHA() {
		t.Errorf("recursive: %v %v", all, err)
	}
	h.Truncate(3)
	if all, _, err := git.GetTree(ctx(), owner, name, tree.GetSHA(), true); err != nil || !all.GetTruncated() || len(all.Entries) != 3 {
		t.Errorf("truncated: %v %v", all, err)
	}
	personal := gh.Commit{Message: new("m"), Tree: tree, Parents: []*gh.Commit{commit}}
	if c, _, err := h.as("t-alice").Git.CreateCommit(ctx(), owner, name, &personal, nil); err != nil || c.GetVerification().GetVerified() || c.GetVerification().GetReason() != "unsigned" {
		t.Errorf("a personal token's commit: %v %v", c, err)
	}
	personal.Author = &gh.CommitAuthor{Name: new("x"), Email: new("x@example.com")}
	if c, _, err := git.CreateCommit(ctx(), owner, name, &personal, nil); err != nil || c.GetVerification().GetVerified() || c.GetCommitter().GetName() != "x" {
		t.Errorf("an App's commit with an author: %v %v", c, err)
	}
}

func TestObjectRefusals(t *testing.T) {
	t.Parallel()
	h := start(t)
	git := h.as("t-app").Git
	base := blobTree(t, h, "")
	blob := blobTree(t, h, "README.md")
	tree := func(baseTree string, entries ...*gh.TreeEntry) func() error {
		return func() error { _, _, err := git.CreateTree(ctx(), owner, name, baseTree, entries); return err }
	}
	raw := func(path, body string) func() error {
		return func() error {
			r, err := h.as("t-app").NewRequest(http.MethodPost, "repos/example/mlops/"+path, nil)
			if err != nil {
				return err
			}
			r.Body = nopCloser{bytes.NewReader([]byte(body))}
			_, err = h.as("t-app").Do(ctx(), r, nil)
			return err
		}
	}
	e := func(path, mode, kind string, sha, content *string) *gh.TreeEntry {
		return &gh.TreeEntry{Path: &path, Mode: &mode, Type: &kind, SHA: sha, Content: content}
	}
	text := new("x")
	commit := func(c gh.Commit) func() error {
		return func() error { _, _, err := git.CreateCommit(ctx(), owner, name, &c, nil); return err }
	}
	refusals(t, []refusal{
		{"a slash first", tree(base, e("/a", "100644", "blob", nil, text)), "422 tree.path cannot start with a slash"},
		{"out of the tree", tree(base, e("a/../b", "100644", "blob", nil, text)), "422 tree.path contains a malformed path component"},
		{"git's own directory", tree(base, e(".git/config", "100644", "blob", nil, text)), "422 tree.path contains a malformed path component"},
		{"a mode that is none", tree(base, e("a", "100600", "blob", nil, text)), "422 Must supply a valid tree.mode"},
		{"a mode of another type", tree(base, e("a", "040000", "blob", nil, text)), "422 Must supply a valid tree.mode"},
		{"both", tree(base, e("a", "100644", "blob", &blob, text)), "422 Must supply either tree.sha or tree.content. Request will be rejected if both are present."},
		{"neither", raw("git/trees", `{"tree":[{"path":"a","mode":"100644","type":"blob"}]}`), "422 Must supply either tree.sha or tree.content. Request will be rejected if both are present."},
		{"no such blob", tree(base, e("a", "100644", "blob", &nothing, nil)), "422 tree.sha " + nothing + " is not a valid blob"},
		{"a tree as a blob", tree(base, e("a", "100644", "blob", &base, nil)), "422 tree.sha " + base + " is not a valid blob"},
		{"a blob as a tree", tree(base, e("a", "040000", "tree", &blob, nil)), "422 tree.sha " + blob + " is not a valid tree"},
		{"deleting what is not there", tree(base, e("a", "100644", "blob", nil, nil)), "422 GitRPC::BadObjectState"},
		{"a commit as base", tree(h.head("main"), e("a", "100644", "blob", nil, text)), "422 base_tree is not a valid tree oid"},
		{"no such base", tree(nothing, e("a", "100644", "blob", nil, text)), "422 base_tree is not a valid tree oid"},
		{"no entries", raw("git/trees", `{"base_tree":"`+base+`","tree":[]}`), "422 Invalid tree info"},
		{"no JSON", raw("git/trees", `{`), "400 Problems parsing JSON"},
		{"a number for a string", raw("git/refs", `{"ref":1}`), "422 Invalid request.\n\nFor 'properties/ref', number is not a string."},
		{"no ref", raw("git/refs", `{"sha":"x"}`), "422 Invalid request.\n\n\"ref\" wasn't supplied."},
		{"a blob that is no base64", raw("git/blobs", `{"content":"%","encoding":"base64"}`), "422 content is not valid Base64"},
		{"no such tree", commit(gh.Commit{Message: text, Tree: &gh.Tree{SHA: &nothing}}), "422 Tree SHA does not exist"},
		{"no such parent", commit(gh.Commit{Message: text, Tree: &gh.Tree{SHA: &base}, Parents: []*gh.Commit{{SHA: &nothing}}}), "422 Parent SHA does not exist or is not a commit object"},
		{"no message", commit(gh.Commit{Message: new(""), Tree: &gh.Tree{SHA: &base}}), "422 Invalid request.\n\n\"message\" wasn't supplied."},
		{"get no blob", func() error { _, _, err := git.GetBlob(ctx(), owner, name, nothing); return err }, "404 Not Found"},
		{"get no tree", func() error { _, _, err := git.GetTree(ctx(), owner, name, nothing, true); return err }, "404 Not Found"},
		{"get no commit", func() error { _, _, err := git.GetCommit(ctx(), owner, name, base); return err }, "404 Not Found"},
	})
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) { c.Files = nil })
	git := h.as("t-app").Git
	const want = "409 Git Repository is empty."
	refusals(t, []refusal{
		{"ref", func() error { _, _, err := git.GetRef(ctx(), owner, name, "heads/main"); return err }, want},
		{"tree", func() error { _, _, err := git.GetTree(ctx(), owner, name, "main", true); return err }, want},
		{"blob", func() error {
			_, _, err := git.CreateBlob(ctx(), owner, name, &gh.Blob{Content: new("x"), Encoding: new("utf-8")})
			return err
		}, want},
	})
}

func TestCompare(t *testing.T) {
	t.Parallel()
	h := start(t)
	base := h.head("main")
	var last string
	for _, n := range []string{"1", "2", "3"} {
		last = h.push("work", "bob", map[string]string{"overlays/dev/a.yaml": n + "\n", "new-" + n: n})
	}
	moved := h.push("main", "alice", map[string]string{"docs.md": "d"})
	repos := h.as("t-app").Repositories
	all, _, err := repos.CompareCommits(ctx(), owner, name, "main", "work", nil)
	if err != nil {
		t.Fatal(err)
	}
	if all.GetStatus() != "diverged" || all.GetAheadBy() != 3 || all.GetBehindBy() != 1 || all.GetTotalCommits() != 3 || all.GetMergeBaseCommit().GetSHA() != base {
		t.Errorf("got %v", all)
	}
	if all.Commits[2].GetSHA() != last || all.Commits[0].Parents[0].GetSHA() != base || all.Commits[0].GetCommit().GetAuthor().GetName() != "bob" || all.Commits[0].GetAuthor().GetLogin() != "bob" {
		t.Errorf("commits: %v", all.Commits)
	}
	var files []string
	for _, f := range all.Files {
		files = append(files, f.GetStatus()+" "+f.GetFilename())
	}
	if diff := cmp.Diff([]string{"added new-1", "added new-2", "added new-3", "modified overlays/dev/a.yaml"}, files); diff != "" {
		t.Error(diff)
	}
	part, response, err := repos.CompareCommits(ctx(), owner, name, moved, last, &gh.ListOptions{PerPage: 2, Page: 2})
	if err != nil || len(part.Commits) != 1 || len(part.Files) != 0 || part.GetTotalCommits() != 3 || response.PrevPage != 1 || response.NextPage != 0 {
		t.Errorf("second page: %v %v %v", part, response, err)
	}
	same, _, err := repos.CompareCommits(ctx(), owner, name, "main", "main", nil)
	if err != nil || same.GetStatus() != "identical" || len(same.Commits) != 0 || len(same.Files) != 0 {
		t.Errorf("identical: %v %v", same, err)
	}
	git := h.as("t-app").Git
	alone, _, err := git.CreateCommit(ctx(), owner, name, &gh.Commit{Message: new("alone"), Tree: &gh.Tree{SHA: new(blobTree(t, h, ""))}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	refusals(t, []refusal{
		{"nothing there", func() error { _, _, err := repos.CompareCommits(ctx(), owner, name, "main", "none", nil); return err }, "404 Not Found"},
		{
			"nothing in common", func() error {
				_, _, err := repos.CompareCommits(ctx(), owner, name, moved, alone.GetSHA(), nil)
				return err
			},
			"404 No common ancestor between " + moved + " and " + alone.GetSHA() + ".",
		},
	})
}

func TestRename(t *testing.T) {
	t.Parallel()
	h := start(t)
	long := strings.Repeat("a line of text\n", 20)
	h.push("main", "alice", map[string]string{"old.txt": long, "gone.bin": "\x00\x01"})
	before := h.head("main")
	if _, err := h.Push("main", "alice", map[string]string{"new.txt": long + "more\n"}, "old.txt", "gone.bin"); err != nil {
		t.Fatal(err)
	}
	got, _, err := h.as("t-app").Repositories.CompareCommits(ctx(), owner, name, before, "main", nil)
	if err != nil || len(got.Files) != 2 {
		t.Fatalf("got %v %v", got, err)
	}
	if f := got.Files[0]; f.GetStatus() != "removed" || f.GetFilename() != "gone.bin" || f.GetChanges() != 0 {
		t.Errorf("got %v", f)
	}
	if f := got.Files[1]; f.GetStatus() != "renamed" || f.GetFilename() != "new.txt" || f.GetPreviousFilename() != "old.txt" || f.GetAdditions() != 1 || f.GetDeletions() != 0 {
		t.Errorf("got %v", f)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *github.Config) {
		c.Protected = map[string]github.Protection{"main": {Contexts: []string{"ci"}}}
	})
	h.push("strake/dev", "alice", map[string]string{"x": "x"})
	repos := h.as("t-alice").Repositories
	repo, _, err := repos.Get(ctx(), owner, name)
	if err != nil || repo.GetDefaultBranch() != "main" || repo.GetFullName() != "example/mlops" || !repo.GetPermissions()["push"] {
		t.Errorf("repository: %v %v", repo, err)
	}
	branch, _, err := repos.GetBranch(ctx(), owner, name, "strake/dev", 1)
	if err != nil || branch.GetName() != "strake/dev" || branch.GetProtected() || branch.GetCommit().GetSHA() != h.head("strake/dev") {
		t.Errorf("branch: %v %v", branch, err)
	}
	protected, _, err := repos.ListBranches(ctx(), owner, name, &gh.BranchListOptions{Protected: new(true)})
	if err != nil || len(protected) != 1 || protected[0].GetName() != "main" {
		t.Errorf("branches: %v %v", protected, err)
	}
	file, _, _, err := repos.GetContents(ctx(), owner, name, "overlays/dev/a.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := file.GetContent(); err != nil || text != "a\n" {
		t.Errorf("file: %q %v", text, err)
	}
	_, dir, _, err := repos.GetContents(ctx(), owner, name, "overlays", &gh.RepositoryContentGetOptions{Ref: "strake/dev"})
	if err != nil || len(dir) != 2 || dir[0].GetType() != "dir" || dir[0].GetPath() != "overlays/dev" {
		t.Errorf("directory: %v %v", dir, err)
	}
	commit, _, err := repos.GetCommit(ctx(), owner, name, "strake/dev", nil)
	if err != nil || len(commit.Files) != 1 || commit.Files[0].GetFilename() != "x" {
		t.Errorf("commit: %v %v", commit, err)
	}
	list, _, err := repos.ListCommits(ctx(), owner, name, &gh.CommitsListOptions{SHA: "strake/dev"})
	if err != nil || len(list) != 2 || list[0].GetSHA() != h.head("strake/dev") {
		t.Errorf("commits: %v %v", list, err)
	}
	refusals(t, []refusal{
		{"file", func() error { _, _, _, err := repos.GetContents(ctx(), owner, name, "none", nil); return err }, "404 Not Found"},
		{"branch", func() error { _, _, err := repos.GetCommit(ctx(), owner, name, "none", nil); return err }, "422 No commit found for SHA: none"},
	})
}
