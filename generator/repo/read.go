package repo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/object"

	"strake/generator/diag"
	"strake/generator/tree"
)

// blob is a file as git lists it.
type blob struct {
	mode filemode.FileMode
	hash plumbing.Hash
}

// Tree reads the files at or below the prefixes as a revision has them; without
// a prefix, all. It also returns the name of the commit. The hash of git's
// empty tree gives an empty tree. Files are as committed: a Git LFS pointer
// stays a pointer. What cannot be a file here (a submodule, a link that leads
// to no file of the revision, a file of more than tree.MaxFileSize) is in the
// tree's Findings.
func (r *Repo) Tree(rev string, prefixes ...string) (*tree.Tree, string, error) {
	top, commit, err := r.treeOf(rev)
	if err != nil {
		return nil, "", err
	}
	all, err := r.list(top)
	if err != nil {
		return nil, "", err
	}
	t, err := r.read(all, prefixes)
	return t, commit, err
}

// Staged reads the files at or below the prefixes as the next commit would have
// them. Files with an unresolved conflict are in the tree's Findings.
func (r *Repo) Staged(prefixes ...string) (*tree.Tree, error) {
	idx, err := r.index()
	if err != nil {
		return nil, err
	}
	all := make(map[string]blob, len(idx.Entries))
	conflicts := map[string]bool{}
	for _, e := range idx.Entries {
		switch {
		case e.Stage != 0:
			conflicts[e.Name] = true
		case !e.IntentToAdd: // git commits nothing of what is merely intended
			all[e.Name] = blob{e.Mode, e.Hash}
		}
	}
	t, err := r.read(all, prefixes)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(conflicts)) {
		if below(name, prefixes) {
			t.Mark(name, tree.Odd{What: "unresolved conflict"})
			t.Skip(skipped(name, diag.Error, "has an unresolved conflict in the index", "Resolve it and stage the file with git add."))
		}
	}
	return t, nil
}

func (r *Repo) index() (*index.Index, error) {
	idx, err := r.store.Index()
	if err != nil {
		return nil, &Unsupported{
			What:   "its index is in a form that is not understood",
			WayOut: "run git update-index --no-split-index --index-version 2 --force-write-index, and git sparse-checkout reapply --no-sparse-index if it is sparse",
			Err:    err,
		}
	}
	return idx, nil
}

// list names all files of a tree.
func (r *Repo) list(top plumbing.Hash) (map[string]blob, error) {
	all := map[string]blob{}
	if top.String() == emptyTree {
		return all, nil
	}
	return all, r.listInto(all, top, "", 0)
}

func (r *Repo) listInto(all map[string]blob, dir plumbing.Hash, at string, depth int) error {
	const deepest = 256
	if depth > deepest {
		return fmt.Errorf("read tree %s: more than %d directories deep", dir, deepest)
	}
	t, err := object.GetTree(r.store, dir)
	if err != nil {
		return r.missing(dir, err)
	}
	for _, e := range t.Entries {
		name := path.Join(at, e.Name)
		if e.Mode != filemode.Dir {
			all[name] = blob{e.Mode, e.Hash}
			continue
		}
		if err := r.listInto(all, e.Hash, name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// below reports whether a path is at or below one of the prefixes.
func below(name string, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool {
		p = path.Clean(p)
		return p == "." || name == p || strings.HasPrefix(name, p+"/")
	})
}

// read makes a tree of listed files.
func (r *Repo) read(all map[string]blob, prefixes []string) (*tree.Tree, error) {
	out := tree.New()
	for name, b := range all {
		if !below(name, prefixes) {
			continue
		}
		if !fs.ValidPath(name) {
			out.Skip(skipped(path.Clean("/" + name)[1:], diag.Error, fmt.Sprintf("has a name that is no path of a file: %q", name), "Take it out of the repository."))
			continue
		}
		if err := r.readInto(out, all, name, b); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return out, nil
}

func (r *Repo) readInto(out *tree.Tree, all map[string]blob, name string, b blob) error {
	switch b.mode {
	case filemode.Symlink:
		return r.readLink(out, all, name, b)
	case filemode.Submodule:
		out.Mark(name, tree.Odd{What: "submodule"})
		out.Skip(skipped(name, diag.Warning, "is a submodule, which is not read", "Check the repository of the submodule by itself."))
		return nil
	}
	return r.readBlob(out, name, b.hash)
}

func (r *Repo) readBlob(out *tree.Tree, name string, h plumbing.Hash) error {
	data, err := r.content(h)
	if errors.Is(err, tree.ErrTooLarge) {
		out.Mark(name, tree.Odd{What: "file too large to read"})
		out.Skip(skipped(name, diag.Error, "is larger than 10 MiB and was not read", "Split it, or keep it out of the directories that strake reads."))
		return nil
	}
	if err == nil {
		out.Put(tree.File{Path: name, Data: data})
	}
	return err
}

func (r *Repo) content(h plumbing.Hash) (data []byte, err error) {
	o, err := r.store.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return nil, r.missing(h, err)
	}
	if o.Size() > tree.MaxFileSize {
		return nil, tree.ErrTooLarge
	}
	reader, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", h, err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	data, err = io.ReadAll(io.LimitReader(reader, tree.MaxFileSize+1))
	if err == nil && len(data) > tree.MaxFileSize {
		err = tree.ErrTooLarge
	}
	return data, err
}

// readLink gives a symbolic link the content of the file that it leads to
// within the same revision, as a reader of the working tree would see it.
func (r *Repo) readLink(out *tree.Tree, all map[string]blob, name string, b blob) error {
	const longest = 16
	at, first := name, ""
	for range longest {
		text, err := r.content(b.hash)
		if err != nil {
			return err
		}
		target := string(text)
		if first == "" {
			first = target
			out.Mark(name, tree.Odd{What: tree.SymbolicLink, Target: target})
		}
		next := path.Join(path.Dir(at), target)
		if path.IsAbs(target) || !fs.ValidPath(next) {
			out.Skip(skipped(name, diag.Error, fmt.Sprintf("is a symbolic link to %s, which is outside of the repository", first),
				"Replace the link by the file: nothing outside of the repository is read."))
			return nil
		}
		to, ok := all[next]
		switch {
		case ok && to.mode.IsRegular() || ok && to.mode == filemode.Executable:
			return r.readBlob(out, name, to.hash)
		case ok && to.mode == filemode.Symlink:
			at, b = next, to
			continue
		}
		break
	}
	out.Skip(skipped(name, diag.Warning, fmt.Sprintf("is a symbolic link to %s, which is no file of this revision and is not followed", first),
		"Name the file itself where it is used, or mend the link."))
	return nil
}

func skipped(at string, severity diag.Severity, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: tree.RuleUnread, Severity: severity, Summary: summary, Detail: detail,
		Range: diag.Range{Path: at},
	}
}
