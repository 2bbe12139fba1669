package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"unicode"
)

const (
	lockPath     = stateDir + "/lock"
	ignorePath   = stateDir + "/.gitignore"
	stagePath    = stateDir + "/stage"
	journalPath  = stateDir + "/journal"
	journalDraft = stateDir + "/journal.new"

	journalVersion = 1
	// maxJournal bounds what is read back: some 100,000 files.
	maxJournal = 64 << 20
)

// journal is the list of changes of one write, kept from the instant at which
// the write is certain until it is done.
type journal struct {
	Version int     `json:"version"`
	Entries []entry `json:"entries"`
}

// entry is one change. Old and New say what stands at the path before and
// after, in the terms of Dir.content; the staged file's name is the index.
type entry struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

func staged(i int) string { return fmt.Sprintf("%s/%06d", stagePath, i) }

func (j journal) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(j); err != nil {
		return nil // strings and a number: cannot fail, and an empty journal is not read back
	}
	return b.Bytes()
}

// readJournal reads the journal of an interrupted write. A repository may hold
// one that somebody made up, so every path is checked as if it were input.
func (d *Dir) readJournal() (journal, error) {
	var j journal
	f, _, err := openRegular(d.root, journalPath)
	if err != nil {
		return j, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxJournal+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return j, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err = dec.Decode(&j)
	switch {
	case err != nil:
	case len(data) > maxJournal:
		err = ErrTooLarge
	case j.Version != journalVersion:
		err = fmt.Errorf("version %d is not known to this strake", j.Version)
	default:
		for _, e := range j.Entries {
			err = errors.Join(err, safePath(e.Path))
		}
	}
	if err != nil {
		return j, fmt.Errorf("read %s: %w (to give the unfinished write up, remove %s and look at git status)", journalPath, err, stateDir)
	}
	return j, nil
}

// safePath refuses to write to a path that leaves the repository, that belongs
// to git, or that belongs to the journal.
func safePath(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return fmt.Errorf("write %q: %w", name, fs.ErrInvalid)
	}
	for i, part := range strings.Split(name, "/") {
		if isGitDir(part) || i == 0 && strings.EqualFold(part, stateDir) {
			return fmt.Errorf("write %q: %s is not for rendered files", name, part)
		}
	}
	return nil
}

// isGitDir recognises .git under every name that some file system takes for it:
// other case, ignorable code points (HFS+), trailing dots and spaces and the
// short name (NTFS).
func isGitDir(part string) bool {
	plain := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return -1
		}
		return unicode.ToLower(r)
	}, part)
	plain = strings.TrimRight(plain, ". ")
	plain, _, _ = strings.Cut(plain, ":")
	return plain == ".git" || plain == "git~1"
}

// before is what should stand at the path when the write begins.
func (ch Change) before() string {
	switch {
	case ch.Link != "":
		return linkContent(ch.Link)
	case ch.Existed:
		return dataContent(ch.Before)
	default:
		return ""
	}
}

func (ch Change) after() string {
	if ch.Delete {
		return ""
	}
	return dataContent(ch.After)
}

func linkContent(target string) string { return "link:" + target }

func dataContent(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// content says in a word what stands at a path: nothing (""), a file by its
// digest, a link by its target, or something else.
func (d *Dir) content(name string) (string, error) {
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := d.root.Readlink(name)
		return linkContent(target), err
	case !info.Mode().IsRegular():
		return "something else", nil
	}
	f, _, err := openRegular(d.root, name)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Close())
}

// obstacle finds what stands in the way to a path without being a directory:
// through a link a file would end up in another place of the repository.
func (d *Dir) obstacle(name string) (at, what string, err error) {
	for i, r := range name {
		if r != '/' {
			continue
		}
		info, err := d.root.Lstat(name[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", "", nil
		case err != nil:
			return "", "", err
		case info.Mode()&fs.ModeSymlink != 0:
			return name[:i], SymbolicLink, nil
		case !info.IsDir():
			return name[:i], "file", nil
		}
	}
	return "", "", nil
}

// writable checks that entries of a directory, or of the nearest one above it
// that exists, can be made and removed, and that a staged file can be renamed
// there. It remembers what it has seen.
func (d *Dir) writable(dir string, seen map[string]bool) error {
	if seen[dir] {
		return nil
	}
	info, err := d.root.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		return d.writable(path.Dir(dir), seen)
	}
	if err != nil {
		return err
	}
	state, err := d.root.Stat(stateDir)
	if err != nil {
		return err
	}
	if err := mayWrite(d.root, dir, info, state); err != nil {
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	seen[dir] = true
	return nil
}

// locked runs do as the only writer of the repository.
func (d *Dir) locked(do func() error) (err error) {
	if err := d.ensureState(); err != nil {
		return err
	}
	release, err := d.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return do()
}

// ensureState makes .strake/ with a file that makes git ignore all of it.
func (d *Dir) ensureState() error {
	err := d.root.Mkdir(stateDir, 0o755)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make %s: %w", stateDir, err)
	}
	info, err := d.root.Lstat(stateDir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: remove it", stateDir)
	}
	if info, err := d.root.Lstat(lockPath); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: remove it", lockPath)
	}
	ignore := []byte("*\n")
	if now, err := d.content(ignorePath); err != nil || now == dataContent(ignore) {
		return err
	}
	// Not written through whatever stands there: a repository may bring a link.
	if err := d.root.RemoveAll(ignorePath); err != nil {
		return fmt.Errorf("replace %s: %w", ignorePath, err)
	}
	if err := d.create(ignorePath, ignore); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %s: %w", ignorePath, err)
	}
	return nil
}
