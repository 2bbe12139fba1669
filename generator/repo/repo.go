// Package repo reads a local Git repository: what a revision holds, what is
// staged, and what changed.
//
// It must never write to the repository, use the network, or run a program:
// hooks, filters, textconv and credential helpers of somebody's configuration
// have no part in a check. It is not for several goroutines at once.
package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"strake/generator/tree"
)

var (
	// ErrNoRepository means that there is no Git repository with a working tree
	// at or above a directory.
	ErrNoRepository = errors.New("not in a Git repository")
	// ErrNoRevision means that a name stands for no commit here.
	ErrNoRevision = errors.New("no such revision")
)

// Unsupported is the error for a repository, or a part of it, that git can read
// and this package cannot.
type Unsupported struct {
	// What the repository uses or lacks, and the WayOut.
	What, WayOut string
	// Err is the error of the library underneath, where there was one.
	Err error
}

func (u *Unsupported) Error() string {
	if u.Err != nil {
		return fmt.Sprintf("this Git repository cannot be read: %s (%v): %s", u.What, u.Err, u.WayOut)
	}
	return fmt.Sprintf("this Git repository cannot be read: %s: %s", u.What, u.WayOut)
}

func (u *Unsupported) Unwrap() error { return u.Err }

// Repo is an open repository with a working tree.
type Repo struct {
	root  string
	git   billy.Filesystem // .git of this working tree
	store *filesystem.Storage
	// partial says that objects may be missing since the clone was filtered.
	partial bool
}

// Open finds the repository that a directory lies in. Linked working trees and
// clones that borrow objects from others are understood.
func Open(dir string) (*Repo, error) {
	root, git, err := find(dir)
	if err != nil {
		return nil, err
	}
	dot := osfs.New(git)
	common, err := commonDir(git)
	if err != nil {
		return nil, err
	}
	r := &Repo{root: root, git: dot}
	if common != "" {
		dot = dotgit.NewRepositoryFilesystem(dot, osfs.New(common))
	}
	r.store = filesystem.NewStorageWithOptions(dot, cache.NewObjectLRUDefault(), filesystem.Options{
		AlternatesFS:         osfs.New(string(filepath.Separator)),
		LargeObjectThreshold: tree.MaxFileSize, // a larger one is never read
	})
	if err := r.supported(); err != nil {
		return nil, err
	}
	return r, nil
}

// Root is the top directory of the working tree.
func (r *Repo) Root() string { return r.root }

// Close releases what is kept open for speed.
func (r *Repo) Close() error { return r.store.Close() }

// find returns the nearest working tree at or above a directory, and its .git.
// As git does, it passes by a .git that is no repository.
func find(dir string) (root, git string, err error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", "", fmt.Errorf("find the repository of %s: %w", dir, err)
	}
	for at := start; ; at = filepath.Dir(at) {
		name := filepath.Join(at, ".git")
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", "", fmt.Errorf("find the repository of %s: %w", dir, err)
		case info.IsDir():
			if isRepository(name) {
				return at, name, nil
			}
		default:
			git, err := linked(name)
			if err != nil {
				return "", "", err
			}
			return at, git, nil
		}
		if at == filepath.Dir(at) {
			return "", "", fmt.Errorf("%s: %w", start, ErrNoRepository)
		}
	}
}

func isRepository(git string) bool {
	_, err := os.Lstat(filepath.Join(git, "HEAD"))
	return err == nil
}

// linked reads a .git file: the place of the real one, for linked working trees
// and submodules.
func linked(name string) (string, error) {
	target, err := readLine(name)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(target, "gitdir: ")
	if !ok {
		return "", &Unsupported{What: name + " does not say where the repository is", WayOut: "run git status there and mend what it says"}
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	if !isRepository(target) {
		return "", &Unsupported{
			What:   fmt.Sprintf("%s points to %s, which is no repository", name, target),
			WayOut: "run git worktree repair in the main working tree, or mount that directory too",
		}
	}
	return target, nil
}

// commonDir is the repository that a linked working tree shares with others.
func commonDir(git string) (string, error) {
	common, err := readLine(filepath.Join(git, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(common) {
		common = filepath.Join(git, common)
	}
	if _, err := os.Stat(common); err != nil {
		return "", &Unsupported{What: "the repository that this working tree is linked to is not there", WayOut: "run git worktree repair in the main working tree, or mount that directory too", Err: err}
	}
	return common, nil
}

func readLine(name string) (string, error) {
	const longest = 8 << 10
	info, err := os.Stat(name)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > longest) {
		err = fmt.Errorf("read %s: not a small file", name)
	}
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(line), nil
}

// supported refuses formats that would be misread. The list of extensions is
// that of git's Documentation/technical/repository-version.txt.
func (r *Repo) supported() error {
	cfg, err := r.store.Config()
	if err != nil {
		return &Unsupported{What: "its configuration does not parse", WayOut: "run git config --list there and mend what it says", Err: err}
	}
	if v := cfg.Raw.Section("core").Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return &Unsupported{What: fmt.Sprintf("repository format version %s", v), WayOut: "clone it with a released version of git"}
	}
	if cfg.Raw.HasSection("remote") {
		for _, remote := range cfg.Raw.Section("remote").Subsections {
			r.partial = r.partial || strings.EqualFold(remote.Option("promisor"), "true")
		}
	}
	if !cfg.Raw.HasSection("extensions") {
		return nil
	}
	for _, o := range cfg.Raw.Section("extensions").Options {
		key, value := strings.ToLower(o.Key), strings.ToLower(o.Value)
		switch {
		case key == "noop", key == "noop-v1", key == "preciousobjects", key == "worktreeconfig", key == "relativeworktrees":
			// change nothing about how objects, references and the index are read
		case key == "partialclone":
			r.partial = true
		case key == "objectformat" && value == "sha1", key == "refstorage" && value == "files":
		case key == "objectformat":
			return &Unsupported{What: "its objects are named by " + value, WayOut: "only sha1 repositories are read so far; check without --base, --since and --staged from a copy without .git"}
		case key == "refstorage":
			return &Unsupported{What: "its references are stored as " + value, WayOut: "run git refs migrate --ref-format=files, or clone it with git clone --ref-format=files"}
		default:
			return &Unsupported{What: "it uses the extension " + o.Key, WayOut: "clone it anew without that extension"}
		}
	}
	return nil
}

// Remotes are the addresses of the repositories that this one is a clone of, as
// its configuration has them. They may hold credentials.
func (r *Repo) Remotes() []string {
	cfg, err := r.store.Config()
	if err != nil {
		return nil // supported has read it
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Remotes)) {
		out = append(out, cfg.Remotes[name].URLs...)
	}
	return out
}

// Branch is the name of the current branch, or "" when HEAD is detached. A
// branch without a commit has a name too.
func (r *Repo) Branch() string {
	head, err := r.store.Reference(plumbing.HEAD)
	if err != nil || head.Type() != plumbing.SymbolicReference || !head.Target().IsBranch() {
		return ""
	}
	return head.Target().Short()
}

// Remote is the URL of a remote, without credentials that somebody wrote into
// it.
func (r *Repo) Remote(name string) (string, bool) {
	cfg, err := r.store.Config()
	if err != nil {
		return "", false
	}
	remote, ok := cfg.Remotes[name]
	if !ok || len(remote.URLs) == 0 {
		return "", false
	}
	return withoutCredentials(remote.URLs[0]), true
}

// withoutCredentials takes user and password out of a URL, but leaves the user
// of ssh, who is no secret: git@github.com.
func withoutCredentials(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User == nil {
		return raw // also git@host:path, which is no URL and holds no password
	}
	if u.Scheme == "ssh" {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}

// missing explains an object that should be there.
func (r *Repo) missing(h plumbing.Hash, err error) error {
	if !errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("read object %s: %w", h, err)
	}
	u := &Unsupported{What: fmt.Sprintf("object %s is not there", h), Err: err}
	switch {
	case r.partial:
		u.What += " since the clone is partial"
		u.WayOut = "git archive REVISION >/dev/null fetches what a revision needs; or clone without --filter"
	case r.isShallow():
		u.What += " since the clone is shallow"
		u.WayOut = "run git fetch --unshallow (in actions/checkout: fetch-depth: 0)"
	default:
		u.WayOut = "run git fsck; a clone that borrows objects from another becomes whole by git repack -a -d"
	}
	return u
}

func (r *Repo) isShallow() bool {
	commits, err := r.store.Shallow()
	return err == nil && len(commits) > 0
}

var _ storer.EncodedObjectStorer = (*filesystem.Storage)(nil)
