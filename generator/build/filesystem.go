package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// errReadOnly is what every attempt to write gets.
var errReadOnly = errors.New("the repository is read-only here")

// disk shows kustomize the repository as a file system whose root is the
// repository, and nothing else of the machine. It serves one build at a time.
type disk struct {
	source *source
	// virtual are files that stand only here, by path; an instrumented build
	// puts its resources there.
	virtual map[string][]byte
	// script, where set, are the kustomizations in the order in which kustomize
	// must read them, with what it shall read instead. A kustomization that is
	// reached twice is read twice, so each visit gets its own text.
	script []scripted
	next   int
	// stray says that kustomize did not follow the script.
	stray error
}

type scripted struct {
	path string
	data []byte
}

var _ filesys.FileSystem = (*disk)(nil)

// relative turns a path of kustomize's into one of the repository's.
func relative(name string) string {
	clean := path.Clean("/" + name)
	if clean == "/" {
		return "."
	}
	return clean[1:]
}

func absolute(name string) string {
	if name == "." {
		return "/"
	}
	return "/" + name
}

func (d *disk) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	rel := relative(name)
	if _, ok := d.virtual[rel]; ok {
		return filesys.ConfirmedDir(absolute(path.Dir(rel))), path.Base(rel), nil
	}
	real, mode, err := d.source.resolve(rel)
	if err != nil {
		return "", "", fmt.Errorf("find %s: %w", rel, err)
	}
	if mode.IsDir() {
		return filesys.ConfirmedDir(absolute(real)), "", nil
	}
	return filesys.ConfirmedDir(absolute(path.Dir(real))), path.Base(real), nil
}

func (d *disk) ReadFile(name string) ([]byte, error) {
	rel := relative(name)
	if data, ok := d.virtual[rel]; ok {
		return data, nil
	}
	real, mode, err := d.source.resolve(rel)
	if err != nil {
		return nil, err
	}
	if mode.IsDir() {
		return nil, fmt.Errorf("%s is a directory", rel)
	}
	if d.script != nil && (isKustomizationName(path.Base(rel)) || isKustomizationName(path.Base(real))) {
		return d.scripted(real)
	}
	return d.source.bytes(d.source.get(real))
}

// scripted serves the next kustomization of the script.
func (d *disk) scripted(real string) ([]byte, error) {
	if d.next >= len(d.script) || d.script[d.next].path != real {
		d.stray = fmt.Errorf("kustomize read %s out of turn", real)
		return nil, d.stray
	}
	data := d.script[d.next].data
	d.next++
	return data, nil
}

func (d *disk) IsDir(name string) bool {
	_, mode, err := d.source.resolve(relative(name))
	return err == nil && mode.IsDir()
}

func (d *disk) Exists(name string) bool {
	rel := relative(name)
	if _, ok := d.virtual[rel]; ok {
		return true
	}
	_, _, err := d.source.resolve(rel)
	return err == nil
}

func (d *disk) ReadDir(name string) ([]string, error) {
	real, _, err := d.source.resolve(relative(name))
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.source.fsys, real)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d *disk) Glob(pattern string) ([]string, error) {
	found, err := fs.Glob(d.source.fsys, relative(pattern))
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i] = absolute(found[i])
	}
	return found, nil
}

// Walk is not something that a build does.
func (d *disk) Walk(string, filepath.WalkFunc) error { return errReadOnly }

// Open is not something that a build does: it reads whole files.
func (d *disk) Open(string) (filesys.File, error) { return nil, errReadOnly }

func (d *disk) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (d *disk) Mkdir(string) error                  { return errReadOnly }
func (d *disk) MkdirAll(string) error               { return errReadOnly }
func (d *disk) RemoveAll(string) error              { return errReadOnly }
func (d *disk) WriteFile(string, []byte) error      { return errReadOnly }

// kustomizationNames are the file names that kustomize looks for in a
// directory, in its order.
func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

func isKustomizationName(name string) bool {
	return slices.Contains(kustomizationNames(), name)
}

// joinPath joins an entry of a kustomization with its directory. ok is false
// where that leaves the repository.
func joinPath(dir, entry string) (name string, ok bool) {
	name = path.Join(dir, entry)
	return name, name != ".." && !strings.HasPrefix(name, "../")
}
