package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"strake/generator/diag"
)

// Discover finds the overlays of a repository that Strake did not write: the
// directories with a kustomization that no other kustomization reaches. A
// Component is never one, since it cannot be built by itself; one that nothing
// reaches is a finding, and so is what cannot be read.
func Discover(fsys fs.FS) ([]string, diag.List, error) {
	f := finder{source: newSource(fsys), nodes: make(map[string]*found)}
	if err := fs.WalkDir(fsys, ".", f.visit); err != nil {
		return nil, nil, fmt.Errorf("search kustomizations: %w", err)
	}
	f.link()
	var roots []string
	for _, dir := range f.dirs {
		if n := f.nodes[dir]; !n.reached && !n.component {
			roots = append(roots, dir)
		}
	}
	roots = f.breakCircles(roots)
	for _, dir := range f.dirs {
		if n := f.nodes[dir]; n.component && !n.reached {
			f.findings = append(f.findings, diag.Diagnostic{
				Rule: RuleUnreached, Severity: diag.Warning,
				Summary: "no kustomization uses this Component",
				Detail:  "List its directory under components of an overlay, or delete it.",
				Range:   diag.Range{Path: n.file, Start: diag.Pos{Line: 1, Column: 1}},
			})
		}
	}
	slices.Sort(roots)
	return roots, f.findings.Sorted(), nil
}

// found is a directory with a kustomization.
type found struct {
	file      string
	component bool
	reached   bool
	reaches   []string
	entries   []string
}

type finder struct {
	source   *source
	dirs     []string // in the order of the walk, which is sorted
	nodes    map[string]*found
	findings diag.List
}

// skipped are directories that hold other people's files, or git's.
func skipped(name string) bool {
	return slices.Contains([]string{".git", ".strake", "node_modules", "vendor"}, name)
}

func (f *finder) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		if name == "." {
			return err
		}
		f.findings = append(f.findings, diag.Diagnostic{
			Rule: RuleFailed, Severity: diag.Error,
			Summary: "the directory cannot be read: " + plainError(err),
			Range:   diag.Range{Path: name},
		})
		if errors.Is(err, fs.SkipAll) {
			return err
		}
		return fs.SkipDir
	}
	switch {
	case d.IsDir() && name != "." && skipped(d.Name()):
		return fs.SkipDir
	case d.IsDir() || !isKustomizationName(d.Name()):
		return nil
	}
	dir := path.Dir(name)
	if f.nodes[dir] == nil {
		f.dirs = append(f.dirs, dir)
		f.nodes[dir] = f.read(name)
	}
	return nil
}

// read takes from a kustomization what it names. One that cannot be read names
// nothing, so it is an overlay, and building it says what is wrong.
func (f *finder) read(name string) *found {
	n := &found{file: name}
	real, mode, err := f.source.resolve(name)
	if err != nil || mode.IsDir() {
		return n
	}
	docs, _ := f.source.documents(real)
	if len(docs) == 0 {
		return n
	}
	root := docs[0].Node
	if kind := field(root, "kind"); kind != nil {
		n.component = kind.Value == "Component"
	}
	k := kustomization{root: root}
	for _, e := range k.entries("resources", "bases", "components", "generators", "transformers", "validators") {
		n.entries = append(n.entries, e.value)
	}
	return n
}

// link resolves what the kustomizations name.
func (f *finder) link() {
	for _, dir := range f.dirs {
		n := f.nodes[dir]
		for _, e := range n.entries {
			name, ok := joinPath(dir, e)
			if !ok || isRemote(e) || path.IsAbs(e) || !fs.ValidPath(name) {
				continue
			}
			real, mode, err := f.source.resolve(name)
			if err != nil || !mode.IsDir() || f.nodes[real] == nil || real == dir {
				continue
			}
			n.reaches = append(n.reaches, real)
			f.nodes[real].reached = true
		}
	}
}

// breakCircles adds a kustomization of every circle that no root leads to: it
// would never be built otherwise, and nobody would hear of the circle.
func (f *finder) breakCircles(roots []string) []string {
	seen := make(map[string]bool)
	var follow func(dir string)
	follow = func(dir string) {
		if !seen[dir] {
			seen[dir] = true
			for _, next := range f.nodes[dir].reaches {
				follow(next)
			}
		}
	}
	for _, dir := range f.dirs {
		if n := f.nodes[dir]; !n.reached {
			follow(dir)
		}
	}
	for _, dir := range f.dirs {
		if !seen[dir] && !f.nodes[dir].component {
			roots = append(roots, dir)
			follow(dir)
		}
	}
	return roots
}
