// Package tree holds files: a tree in memory, its comparison with what is
// committed, and the only code of the product that writes to a disk.
//
// It must never decide what a file contains, and never follow a path or a
// symbolic link out of the directory it was opened on.
package tree

import (
	"iter"
	"maps"
	"path"
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

// Tree is a set of files by path, and a file system of them: it may be read from
// many goroutines at once as long as nobody puts a file. The zero value is not
// usable: call New.
type Tree struct {
	files map[string]File
	// children holds the names in each directory, and whether the name is a
	// directory itself.
	children map[string]map[string]bool
	// odd holds what stands at a path without being a regular file.
	odd     map[string]Odd
	skipped diag.List
}

// Odd says what stands at a path that is not a regular file. It matters where a
// file would be written: it is not ours, whatever it holds.
type Odd struct {
	// What is a noun for people: "symbolic link", "device".
	What string
	// Target is where a symbolic link points.
	Target string
}

// SymbolicLink is the What of a symbolic link.
const SymbolicLink = "symbolic link"

// New returns a tree of the files. A later file replaces an earlier one of the
// same path.
func New(files ...File) *Tree {
	t := &Tree{
		files:    make(map[string]File, len(files)),
		children: map[string]map[string]bool{".": {}},
		odd:      map[string]Odd{},
	}
	for _, f := range files {
		t.Put(f)
	}
	return t
}

// Put adds a file or replaces the one at its path.
func (t *Tree) Put(f File) {
	t.files[f.Path] = f
	name, isDir := f.Path, false
	for name != "." && name != "/" {
		dir := path.Dir(name)
		names, known := t.children[dir]
		if !known {
			names = map[string]bool{}
			t.children[dir] = names
		}
		names[path.Base(name)] = names[path.Base(name)] || isDir
		if known {
			return
		}
		name, isDir = dir, true
	}
}

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

// Merge puts all files of the others into t, and what they could not read.
func (t *Tree) Merge(others ...*Tree) {
	for _, other := range others {
		for _, f := range other.files {
			t.Put(f)
		}
		maps.Copy(t.odd, other.odd)
		t.skipped = append(t.skipped, other.skipped...)
	}
}

// Mark notes that something other than a regular file stands at a path.
func (t *Tree) Mark(path string, what Odd) { t.odd[path] = what }

// Skip notes that a file was found and not read, and why: what is not in the
// tree is never missing in silence.
func (t *Tree) Skip(d diag.Diagnostic) { t.skipped = append(t.skipped, d) }

// Findings says what was found and not read, sorted.
func (t *Tree) Findings() diag.List { return t.skipped.Sorted() }
