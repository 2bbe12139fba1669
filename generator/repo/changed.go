package repo

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Changed names the files that differ between a revision and the working tree,
// sorted: committed since, staged, edited, deleted or new. Files that git
// ignores are left out.
func (r *Repo) Changed(base string) ([]string, error) {
	top, _, err := r.treeOf(base)
	if err != nil {
		return nil, err
	}
	before, err := r.list(top)
	if err != nil {
		return nil, err
	}
	_, now, err := r.scan()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(differing(before, now))), nil
}

// Dirty names the files at or below the prefixes that are not as the current
// commit has them, in the index or in the working tree, sorted.
func (r *Repo) Dirty(prefixes ...string) ([]string, error) {
	top, _, err := r.treeOf("HEAD")
	if errors.Is(err, ErrNoRevision) {
		top = plumbing.NewHash(emptyTree) // no commit yet
	} else if err != nil {
		return nil, err
	}
	head, err := r.list(top)
	if err != nil {
		return nil, err
	}
	staged, now, err := r.scan()
	if err != nil {
		return nil, err
	}
	all := differing(head, staged)
	maps.Copy(all, differing(staged, now))
	maps.DeleteFunc(all, func(name string, _ bool) bool { return !below(name, prefixes) })
	return slices.Sorted(maps.Keys(all)), nil
}

func differing(a, b map[string]blob) map[string]bool {
	out := map[string]bool{}
	for name, x := range a {
		if y, ok := b[name]; !ok || x != y {
			out[name] = true
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			out[name] = true
		}
	}
	return out
}

// scanner compares the working tree with the index.
type scanner struct {
	repo    *Repo
	entries map[string]*index.Entry
	dirs    map[string]bool // directories that hold tracked files
	written time.Time       // when the index was
	ignored map[string][]gitignore.Pattern
	now     map[string]blob
}

// scan lists what the index holds and what the working tree holds. A conflict
// is a difference to everything.
func (r *Repo) scan() (staged, now map[string]blob, err error) {
	idx, err := r.index()
	if err != nil {
		return nil, nil, err
	}
	staged = make(map[string]blob, len(idx.Entries))
	s := &scanner{
		repo: r, entries: make(map[string]*index.Entry, len(idx.Entries)), dirs: map[string]bool{},
		written: idx.ModTime, ignored: map[string][]gitignore.Pattern{}, now: map[string]blob{},
	}
	for _, e := range idx.Entries {
		if e.Stage != 0 {
			staged[e.Name] = blob{mode: filemode.Empty}
			continue
		}
		staged[e.Name] = blob{e.Mode, e.Hash}
		s.entries[e.Name] = e
		if e.SkipWorktree || e.Mode == filemode.Submodule {
			s.now[e.Name] = staged[e.Name]
		}
		for dir := parent(e.Name); dir != "" && !s.dirs[dir]; dir = parent(dir) {
			s.dirs[dir] = true
		}
	}
	exclude, err := readPatterns(filepath.Join(r.git.Root(), "info", "exclude"), nil)
	if err != nil {
		return nil, nil, err
	}
	s.ignored[""] = exclude
	if err := filepath.WalkDir(r.root, s.visit); err != nil {
		return nil, nil, fmt.Errorf("look for changes: %w", err)
	}
	return staged, s.now, nil
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 0)]
}

// visit looks at one place of the working tree. It follows no link.
func (s *scanner) visit(at string, d fs.DirEntry, err error) error {
	rel, relErr := filepath.Rel(s.repo.root, at)
	if err = errors.Join(err, relErr); err != nil {
		return err
	}
	name := filepath.ToSlash(rel)
	if name == "." {
		return s.enter(at, "")
	}
	if d.Name() == ".git" {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if d.IsDir() {
		if s.dirs[name] {
			return s.enter(at, name)
		}
		if s.ignores(name, true) || isRepository(filepath.Join(at, ".git")) || s.entries[name] != nil {
			return fs.SkipDir
		}
		return s.enter(at, name)
	}
	e := s.entries[name]
	if e == nil && s.ignores(name, false) {
		return nil
	}
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	b, ok, err := s.look(at, info, e)
	if ok {
		s.now[name] = b
	}
	return err
}

// enter reads the ignore patterns of a directory.
func (s *scanner) enter(at, name string) error {
	var domain []string
	inherited := s.ignored[""]
	if name != "" {
		domain = strings.Split(name, "/")
		inherited = s.ignored[parent(name)]
	}
	own, err := readPatterns(filepath.Join(at, ".gitignore"), domain)
	s.ignored[name] = append(slices.Clip(inherited), own...)
	return err
}

func readPatterns(file string, domain []string) ([]gitignore.Pattern, error) {
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []gitignore.Pattern
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			out = append(out, gitignore.ParsePattern(line, domain))
		}
	}
	return out, nil
}

func (s *scanner) ignores(name string, isDir bool) bool {
	patterns := s.ignored[parent(name)]
	return len(patterns) > 0 && gitignore.NewMatcher(patterns).Match(strings.Split(name, "/"), isDir)
}

// look says what a file of the working tree would be if it were staged. As git
// does, it trusts size and time of a file that is older than the index.
func (s *scanner) look(at string, info fs.FileInfo, e *index.Entry) (blob, bool, error) {
	mode := filemode.Regular
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		mode = filemode.Symlink
	case !info.Mode().IsRegular():
		return blob{}, false, nil // git does not see pipes and devices
	case info.Mode()&0o100 != 0:
		mode = filemode.Executable
	}
	if e != nil && mode == e.Mode && int64(e.Size) == info.Size() && e.ModifiedAt.Equal(info.ModTime()) && info.ModTime().Before(s.written) {
		return blob{e.Mode, e.Hash}, true, nil
	}
	h, err := s.hash(at, info, e)
	if errors.Is(err, fs.ErrNotExist) {
		return blob{}, false, nil
	}
	return blob{mode, h}, true, err
}

// hash names the object that a file of the working tree would be.
func (s *scanner) hash(at string, info fs.FileInfo, e *index.Entry) (h plumbing.Hash, err error) {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(at)
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(filepath.ToSlash(target))), err
	}
	f, err := os.Open(at)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	name := blobHash(info.Size())
	content := sha256.New()
	if _, err := io.Copy(io.MultiWriter(name, content), f); err != nil {
		return plumbing.ZeroHash, err
	}
	copy(h[:], name.Sum(nil))
	if e == nil || h == e.Hash {
		return h, nil
	}
	same, err := s.sameAfterFilters(f, info, e, content.Sum(nil))
	if same {
		return e.Hash, err
	}
	return h, err
}

func blobHash(size int64) hash.Hash {
	name := sha1.New()
	fmt.Fprintf(name, "blob %d\x00", size)
	return name
}

// sameAfterFilters reports whether a file differs from the index only by what
// git undoes when it is staged: other line ends, or the content that a Git LFS
// pointer stands for.
func (s *scanner) sameAfterFilters(f *os.File, info fs.FileInfo, e *index.Entry, sum []byte) (bool, error) {
	const largestText, largestPointer = 10 << 20, 1 << 10
	if size, err := s.repo.store.EncodedObjectSize(e.Hash); err == nil && size <= largestPointer {
		pointer, err := s.repo.content(e.Hash)
		if err != nil {
			return false, err
		}
		if bytes.HasPrefix(pointer, []byte("version https://git-lfs.github.com/spec/v1\n")) {
			return bytes.Contains(pointer, fmt.Appendf(nil, "\noid sha256:%x\n", sum)), nil
		}
	}
	if info.Size() > largestText {
		return false, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	data, err := io.ReadAll(f)
	if err != nil || !bytes.Contains(data, []byte("\r\n")) {
		return false, err
	}
	return plumbing.ComputeHash(plumbing.BlobObject, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))) == e.Hash, nil
}
