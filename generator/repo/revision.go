package repo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// emptyTree is the name under which git knows a tree without files.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// resolve finds what a revision stands for: a branch, tag or remote branch, a
// name or the beginning of a name of an object, HEAD or @, each with any
// number of ~N and ^N behind it. What git knows besides is refused rather than
// misread.
func (r *Repo) resolve(rev string) (plumbing.Hash, error) {
	name, steps := rev, ""
	if i := strings.IndexAny(rev, "~^"); i >= 0 {
		name, steps = rev[:i], rev[i:]
	}
	if strings.Contains(name, "@{") || strings.ContainsAny(rev, ": ") || strings.Contains(rev, "..") || strings.HasPrefix(rev, "-") {
		return plumbing.ZeroHash, fmt.Errorf("%w: %q: name a branch, a tag or a commit, with ~N or ^N behind it", ErrNoRevision, rev)
	}
	hash, err := r.lookUp(name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for steps != "" {
		var parent int
		var count int
		parent, count, steps, err = step(steps)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("%w: %q: %w", ErrNoRevision, rev, err)
		}
		for range count {
			if hash, err = r.parent(hash, parent, rev); err != nil {
				return plumbing.ZeroHash, err
			}
		}
	}
	return hash, nil
}

// step reads one ~N or ^N: count times the parent of that number. Parent 0 is
// the commit itself.
func step(steps string) (parent, count int, rest string, err error) {
	if end, ok := strings.CutPrefix(steps, "^{"); ok {
		kind, rest, closed := strings.Cut(end, "}")
		if !closed || kind != "" && kind != "commit" {
			return 0, 0, "", fmt.Errorf("^{%s} is not understood", kind)
		}
		return 0, 1, rest, nil
	}
	digits := 0
	for digits < len(steps)-1 && '0' <= steps[1+digits] && steps[1+digits] <= '9' {
		digits++
	}
	n := 1
	if digits > 0 {
		if n, err = strconv.Atoi(steps[1 : 1+digits]); err != nil {
			return 0, 0, "", err
		}
	}
	rest = steps[1+digits:]
	if rest != "" && rest[0] != '~' && rest[0] != '^' {
		return 0, 0, "", fmt.Errorf("%q is not understood", rest)
	}
	if steps[0] == '~' {
		return 1, n, rest, nil
	}
	return n, 1, rest, nil
}

// parent is the n-th parent of a commit.
func (r *Repo) parent(h plumbing.Hash, n int, rev string) (plumbing.Hash, error) {
	c, err := r.commit(h, rev)
	if err != nil || n == 0 {
		return h, err
	}
	if shallow, err := r.store.Shallow(); err == nil && slices.Contains(shallow, c.Hash) {
		return plumbing.ZeroHash, &Unsupported{
			What:   fmt.Sprintf("%s is beyond the end of a shallow clone", rev),
			WayOut: "run git fetch --unshallow (in actions/checkout: fetch-depth: 0)",
		}
	}
	if n > len(c.ParentHashes) {
		return plumbing.ZeroHash, fmt.Errorf("%w: %q: commit %s has %d parents", ErrNoRevision, rev, c.Hash, len(c.ParentHashes))
	}
	return c.ParentHashes[n-1], nil
}

// lookUp finds a name in git's order: a full object name, a reference, the
// beginning of an object name.
func (r *Repo) lookUp(name string) (plumbing.Hash, error) {
	if name == "@" {
		name = "HEAD"
	}
	if plumbing.IsHash(name) {
		return plumbing.NewHash(name), nil
	}
	for _, rule := range plumbing.RefRevParseRules {
		if name == "" {
			break
		}
		ref, err := storer.ResolveReference(r.store, plumbing.ReferenceName(fmt.Sprintf(rule, name)))
		if err == nil {
			return ref.Hash(), nil
		}
		if errors.Is(err, storer.ErrMaxResolveRecursion) {
			return plumbing.ZeroHash, fmt.Errorf("%w: %q: %w", ErrNoRevision, name, err)
		}
	}
	return r.abbreviated(name)
}

func (r *Repo) abbreviated(name string) (plumbing.Hash, error) {
	const shortest = 4 // as git has it
	none := fmt.Errorf("%w: %q", ErrNoRevision, name)
	if r.isShallow() {
		none = fmt.Errorf("%w (the clone is shallow: in actions/checkout, fetch-depth: 0)", none)
	}
	prefix := strings.ToLower(name)
	if len(prefix) < shortest {
		return plumbing.ZeroHash, none
	}
	// Whole bytes are looked up, and an odd digit is compared below.
	whole, err := hex.DecodeString(prefix[:len(prefix)/2*2])
	if err != nil {
		return plumbing.ZeroHash, none
	}
	found, err := r.store.HashesWithPrefix(whole)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("look up %s: %w", name, err)
	}
	var commits []plumbing.Hash
	for _, h := range found {
		if !strings.HasPrefix(h.String(), prefix) || slices.Contains(commits, h) {
			continue
		}
		if o, err := r.store.EncodedObject(plumbing.AnyObject, h); err == nil && (o.Type() == plumbing.CommitObject || o.Type() == plumbing.TagObject) {
			commits = append(commits, h)
		}
	}
	switch len(commits) {
	case 0:
		return plumbing.ZeroHash, none
	case 1:
		return commits[0], nil
	default:
		return plumbing.ZeroHash, fmt.Errorf("%w: %q is the beginning of %d commits", ErrNoRevision, name, len(commits))
	}
}

// commit reads the commit that a hash names, through tags.
func (r *Repo) commit(h plumbing.Hash, rev string) (*object.Commit, error) {
	const longest = 16 // tags of tags
	for range longest {
		o, err := r.store.EncodedObject(plumbing.AnyObject, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) && strings.EqualFold(h.String(), rev) && !r.partial {
			return nil, fmt.Errorf("%w: %q is not an object of this clone", ErrNoRevision, rev)
		}
		if err != nil {
			return nil, r.missing(h, err)
		}
		switch o.Type() {
		case plumbing.CommitObject:
			c, err := object.DecodeCommit(r.store, o)
			if err != nil {
				return nil, fmt.Errorf("read commit %s: %w", h, err)
			}
			return c, nil
		case plumbing.TagObject:
			t, err := object.DecodeTag(r.store, o)
			if err != nil {
				return nil, fmt.Errorf("read tag %s: %w", h, err)
			}
			h = t.Target
		default:
			return nil, fmt.Errorf("%w: %q is a %s, not a commit", ErrNoRevision, rev, o.Type())
		}
	}
	return nil, fmt.Errorf("%w: %q: too many tags of tags", ErrNoRevision, rev)
}

// treeOf resolves a revision to its tree, and to the commit's name.
func (r *Repo) treeOf(rev string) (top plumbing.Hash, name string, err error) {
	if rev == emptyTree {
		return plumbing.NewHash(emptyTree), emptyTree, nil
	}
	h, err := r.resolve(rev)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	c, err := r.commit(h, rev)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	return c.TreeHash, c.Hash.String(), nil
}
