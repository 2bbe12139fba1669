package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// The ways in which a path can be no use.
var (
	errOutside = errors.New("the path leads out of the repository")
	errLoop    = errors.New("the symbolic links go round in a circle")
	errTooBig  = fmt.Errorf("the file is larger than %d MiB", manifest.MaxFile>>20)
)

// maxLinks is how many symbolic links one path may go through.
const maxLinks = 40

// source is a repository that is read once: files, what they hold, and the
// kustomizations among them are remembered for all overlays of a call.
type source struct {
	fsys  fs.FS
	mu    sync.Mutex
	stats map[string]status
	files map[string]*file
}

type status struct {
	mode fs.FileMode
	err  error
}

// file is one file of the repository, read and parsed at most once.
type file struct {
	path string

	read sync.Once
	data []byte
	err  error

	parse    sync.Once
	docs     []manifest.Document
	findings diag.List

	mark   sync.Once
	marked []byte // see marked

	kust          sync.Once
	kustomization *kustomization
	kustFindings  diag.List
}

func newSource(fsys fs.FS) *source {
	return &source{fsys: fsys, stats: make(map[string]status), files: make(map[string]*file)}
}

// lstat is the mode of one path, not following a link in its last element.
func (s *source) lstat(name string) (fs.FileMode, error) {
	s.mu.Lock()
	known, ok := s.stats[name]
	s.mu.Unlock()
	if ok {
		return known.mode, known.err
	}
	info, err := fs.Lstat(s.fsys, name)
	st := status{err: err}
	if err == nil {
		st.mode = info.Mode()
	}
	s.mu.Lock()
	s.stats[name] = st
	s.mu.Unlock()
	return st.mode, err
}

// resolve follows the symbolic links of a clean path relative to the
// repository and says what stands there. It never leaves the repository.
func (s *source) resolve(name string) (real string, mode fs.FileMode, err error) {
	pending := strings.Split(name, "/")
	if name == "." {
		pending = nil
	}
	at, links := ".", 0
	mode = fs.ModeDir
	for len(pending) > 0 {
		step := pending[0]
		pending = pending[1:]
		switch step {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", 0, errOutside
			}
			at = path.Dir(at)
			mode = fs.ModeDir
			continue
		}
		next := path.Join(at, step)
		if mode, err = s.lstat(next); err != nil {
			return "", 0, err
		}
		if mode&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", 0, errLoop
		}
		target, err := fs.ReadLink(s.fsys, next)
		if err != nil {
			return "", 0, fmt.Errorf("read link %s: %w", next, err)
		}
		if path.IsAbs(target) {
			return "", 0, errOutside
		}
		pending = append(strings.Split(target, "/"), pending...)
		mode = fs.ModeDir
	}
	return at, mode, nil
}

// get is the file at a resolved path.
func (s *source) get(name string) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[name]
	if !ok {
		f = &file{path: name}
		s.files[name] = f
	}
	return f
}

// bytes reads a file once.
func (s *source) bytes(f *file) ([]byte, error) {
	f.read.Do(func() { f.data, f.err = readLimited(s.fsys, f.path) })
	return f.data, f.err
}

func readLimited(fsys fs.FS, name string) ([]byte, error) {
	opened, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }() // it was only read
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	if info.Size() > manifest.MaxFile {
		return nil, errTooBig
	}
	data, err := io.ReadAll(io.LimitReader(opened, manifest.MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > manifest.MaxFile {
		return nil, errTooBig
	}
	return data, nil
}

// documents parses a YAML file once.
func (s *source) documents(name string) ([]manifest.Document, diag.List) {
	f := s.get(name)
	f.parse.Do(func() {
		data, err := s.bytes(f)
		if err != nil {
			f.findings = diag.List{unreadable(name, err)}
			return
		}
		f.docs, f.findings = manifest.Documents(name, data)
	})
	return f.docs, f.findings
}

// unreadable is the finding about a file that cannot be read.
func unreadable(name string, err error) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: RuleFailed, Severity: diag.Error,
		Summary: "the file cannot be read: " + plainError(err),
		Range:   diag.Range{Path: name, Start: diag.Pos{Line: 1, Column: 1}},
	}
}

// plainError takes the operation and the path off a file error.
func plainError(err error) string {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err.Error()
	}
	return err.Error()
}

// names lists a directory, for suggestions.
func (s *source) names(dir string) []string {
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
