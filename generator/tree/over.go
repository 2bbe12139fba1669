package tree

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Over returns a file system in which the files of t stand in front of those
// of under: what a repository would be once t is written. Left-over files of
// under are still there.
func Over(under fs.FS, t *Tree) fs.FS { return layered{top: t, under: under} }

type layered struct {
	top   *Tree
	under fs.FS
}

// Open implements fs.FS.
func (l layered) Open(name string) (fs.File, error) {
	if _, ok := l.top.Get(name); ok {
		return l.top.Open(name)
	}
	if l.top.isDir(name) {
		entries, err := l.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: fileInfo{name: path.Base(name), dir: true}, entries: entries}, nil
	}
	return l.under.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (l layered) ReadFile(name string) ([]byte, error) {
	if f, ok := l.top.Get(name); ok {
		return slices.Clone(f.Data), nil
	}
	return fs.ReadFile(l.under, name)
}

// Stat implements fs.StatFS.
func (l layered) Stat(name string) (fs.FileInfo, error) {
	if _, ok := l.top.Get(name); ok || l.top.isDir(name) {
		return l.top.Stat(name)
	}
	return fs.Stat(l.under, name)
}

// ReadDir implements fs.ReadDirFS.
func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	top, topErr := l.top.ReadDir(name)
	under, err := fs.ReadDir(l.under, name)
	if err != nil && topErr == nil && errors.Is(err, fs.ErrNotExist) {
		return top, nil
	}
	if err != nil || topErr != nil {
		return under, err
	}
	seen := make(map[string]bool, len(top))
	for _, e := range top {
		seen[e.Name()] = true
	}
	all := slices.Clone(top)
	for _, e := range under {
		if !seen[e.Name()] {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}
