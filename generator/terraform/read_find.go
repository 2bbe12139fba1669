package terraform

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// listFiles is the sorted names of the files in a directory.
func listFiles(fsys fs.FS, dir string) []string {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// Find lists the directories of a repository that hold Terraform configuration:
// the roots, and the modules, which are those that another directory calls.
// Directories whose name begins with a dot are left out: .terraform holds
// copies.
func Find(fsys fs.FS) (roots, modules []string, err error) {
	var dirs []string
	called := map[string]bool{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !isConfig(d.Name()):
			return nil
		}
		dir := path.Dir(name)
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		for _, callee := range calledFrom(fsys, name) {
			if callee != dir {
				called[callee] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		if called[dir] {
			modules = append(modules, dir)
		} else {
			roots = append(roots, dir)
		}
	}
	return roots, modules, nil
}

// calledFrom lists the directories that a file calls as modules.
func calledFrom(fsys fs.FS, name string) []string {
	src, err := readFile(fsys, name)
	if err != nil || strings.HasSuffix(name, ".json") {
		return nil
	}
	if _, reason := tooDeep(src); reason != "" {
		return nil
	}
	file, _ := hclsyntax.ParseConfig(src.data, name, hcl.InitialPos)
	if file == nil {
		return nil
	}
	content, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	var dirs []string
	for _, b := range content.Blocks {
		if b.Type != "module" || b.Body.Attributes["source"] == nil {
			continue
		}
		if source, ok := literal(b.Body.Attributes["source"].Expr); ok {
			if dir, local := localSource(path.Dir(name), source); local {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}
