package github

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// write stores an object as git does loose ones: its name is the SHA-1 of a
// header and the content, and the file is both, compressed
// (git docs: gitformat-loose).
func (r *repo) write(kind string, data []byte) (string, error) {
	full := append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...)
	sum := sha1.Sum(full)
	sha := hex.EncodeToString(sum[:])
	dir := filepath.Join(r.dir, "objects", sha[:2])
	path := filepath.Join(dir, sha[2:])
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return sha, err
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, err := z.Write(full)
	if err := errors.Join(err, z.Close(), os.MkdirAll(dir, 0o755)); err != nil {
		return "", fmt.Errorf("store a %s: %w", kind, err)
	}
	// git may read at any time: the object appears whole.
	if err := errors.Join(os.WriteFile(path+".new", packed.Bytes(), 0o400), os.Rename(path+".new", path)); err != nil {
		return "", fmt.Errorf("store a %s: %w", kind, err)
	}
	return sha, nil
}

func (r *repo) writeBlob(data []byte) (string, error) { return r.write("blob", data) }

// writeCommit stores a commit.
func (r *repo) writeCommit(c commit) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", c.tree)
	for _, p := range c.parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", c.author, c.committer, c.message)
	return r.write("commit", []byte(b.String()))
}

// writeTree stores a flat tree, directory by directory.
func (r *repo) writeTree(files map[string]entry) (string, error) {
	direct := make(map[string]entry)
	below := make(map[string]map[string]entry)
	for path, e := range files {
		dir, rest, found := strings.Cut(path, "/")
		if !found {
			direct[path] = e
			continue
		}
		if below[dir] == nil {
			below[dir] = make(map[string]entry)
		}
		below[dir][rest] = e
	}
	for dir, inside := range below {
		sha, err := r.writeTree(inside)
		if err != nil {
			return "", err
		}
		direct[dir] = entry{mode: "040000", kind: "tree", sha: sha}
	}
	entries := make([]entry, 0, len(direct))
	for name, e := range direct {
		e.path = name
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sortName(), b.sortName()) })
	var b bytes.Buffer
	for _, e := range entries {
		name, err := hex.DecodeString(e.sha)
		if err != nil {
			return "", fmt.Errorf("store a tree: %s: %w", e.path, err)
		}
		fmt.Fprintf(&b, "%s %s\x00%s", strings.TrimPrefix(e.mode, "0"), e.path, name)
	}
	return r.write("tree", b.Bytes())
}

// sortName orders a directory as if its name ended in a slash, as git does.
func (e entry) sortName() string {
	if e.kind == "tree" {
		return e.path + "/"
	}
	return e.path
}
