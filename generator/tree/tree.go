// Package tree holds files: a tree in memory, its comparison with what is
// committed, and the only code of the product that writes to a disk.
//
// It must never decide what a file contains, and never follow a path or a
// symbolic link out of the directory it was opened on.
package tree

import (
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sort"

	"strake/generator/diag"
)

// File is one file of a tree.
type File struct {
	// Path is relative to the repository, with slashes, and clean.
	Path string
	Data []byte
	// Seed marks a file that is written once, when it is absent, and is the
	// user's from then on. It has no header and is never compared.
	Seed bool
	// Origins says which line of the spec caused a line of this file, sorted by
	// line. A line without an entry belongs to the entry before it.
	Origins []Origin
}

// Origin joins a line of a rendered file to the place a human wrote.
type Origin struct {
	Line int // 1-based line of the rendered file
	From diag.Range
}

// OriginOf returns the place in the spec that caused a line of this file.
func (f File) OriginOf(line int) (diag.Range, bool) {
	after := sort.Search(len(f.Origins), func(i int) bool { return f.Origins[i].Line > line })
	if after == 0 {
		return diag.Range{}, false
	}
	return f.Origins[after-1].From, true
}

// Tree is a set of files by path. The zero value is not usable: call New.
type Tree struct {
	files map[string]File
}

// New returns a tree of the files. A later file replaces an earlier one of the
// same path.
func New(files ...File) *Tree {
	t := &Tree{files: make(map[string]File, len(files))}
	for _, f := range files {
		t.Put(f)
	}
	return t
}

// Put adds a file or replaces the one at its path.
func (t *Tree) Put(f File) { t.files[f.Path] = f }

// Get returns the file at a path.
func (t *Tree) Get(path string) (File, bool) {
	f, ok := t.files[path]
	return f, ok
}

// Len is the number of files.
func (t *Tree) Len() int { return len(t.files) }

// Paths returns all paths, sorted.
func (t *Tree) Paths() []string { return slices.Sorted(maps.Keys(t.files)) }

// All yields the files sorted by path.
func (t *Tree) All() iter.Seq[File] {
	return func(yield func(File) bool) {
		for _, path := range t.Paths() {
			if !yield(t.files[path]) {
				return
			}
		}
	}
}

// Merge puts all files of the others into t.
func (t *Tree) Merge(others ...*Tree) {
	for _, other := range others {
		maps.Copy(t.files, other.files)
	}
}

var _ fs.FS = (*Tree)(nil)
