package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"strake/generator/diag"
)

// MaxFileSize is the largest file that is read. Argo's full definitions, the
// largest files of the field, are an eighth of it.
const MaxFileSize = 10 << 20

// Dir is a repository on disk. No path and no symbolic link leads out of it.
type Dir struct {
	root *os.Root
}

// Open opens the directory that holds the repository.
func Open(root string) (*Dir, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	return &Dir{root: r}, nil
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

// FS reads the repository. Symbolic links are followed within it and refused
// out of it; a pipe or a device is refused rather than waited for; reading a
// file of more than MaxFileSize fails.
func (d *Dir) FS() fs.FS { return dirFS{d.root} }

type dirFS struct{ root *os.Root }

var (
	_ fs.ReadFileFS = dirFS{}
	_ fs.ReadDirFS  = dirFS{}
	_ fs.StatFS     = dirFS{}
	_ fs.ReadLinkFS = dirFS{}
)

func valid(op, name string) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

func (f dirFS) Open(name string) (fs.File, error) {
	if err := valid("open", name); err != nil {
		return nil, err
	}
	file, _, err := openRegular(f.root, name)
	if err != nil { // not a nil *os.File in an fs.File
		return nil, err
	}
	return file, nil
}

func (f dirFS) ReadFile(name string) ([]byte, error) {
	if err := valid("read", name); err != nil {
		return nil, err
	}
	return readLimited(f.root, name)
}

func (f dirFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := valid("readdir", name); err != nil {
		return nil, err
	}
	return readDir(f.root, name)
}

func (f dirFS) Stat(name string) (fs.FileInfo, error) {
	if err := valid("stat", name); err != nil {
		return nil, err
	}
	return f.root.Stat(name)
}

func (f dirFS) Lstat(name string) (fs.FileInfo, error) {
	if err := valid("lstat", name); err != nil {
		return nil, err
	}
	return f.root.Lstat(name)
}

func (f dirFS) ReadLink(name string) (string, error) {
	if err := valid("readlink", name); err != nil {
		return "", err
	}
	return f.root.Readlink(name)
}

// openRegular opens a file or directory. Without O_NONBLOCK, opening a pipe
// waits for a writer for ever.
func openRegular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrIrregular}
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func readLimited(root *os.Root, name string) (data []byte, err error) {
	f, info, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info.Size() > MaxFileSize {
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrTooLarge}
	}
	data = make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF), err == nil && int64(len(data)) == info.Size() && len(data) < cap(data):
			return data, nil // there was room for more, and no more came
		case err != nil:
			return nil, err
		case len(data) > MaxFileSize: // it grew since it was measured
			return nil, &fs.PathError{Op: "read", Path: name, Err: ErrTooLarge}
		}
		data = slices.Grow(data, 1)
	}
}

func readDir(root *os.Root, name string) (entries []fs.DirEntry, err error) {
	f, _, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	entries, err = f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// Load reads the files at or below the prefixes; without one, the whole
// repository. A prefix that does not exist is empty. Directories named .git and
// .strake are never read. What is found and not read is a finding of the list,
// which is that of the tree: a symbolic link out of the repository or to a
// directory, a device, a file too large or unreadable.
func (d *Dir) Load(ctx context.Context, prefixes ...string) (*Tree, diag.List, error) {
	l := loader{ctx: ctx, top: d.root, out: New()}
	if len(prefixes) == 0 {
		prefixes = []string{"."}
	}
	for _, prefix := range prefixes {
		if !fs.ValidPath(prefix) {
			return nil, nil, fmt.Errorf("load %q: %w", prefix, fs.ErrInvalid)
		}
		if err := l.prefix(prefix); err != nil {
			return nil, nil, fmt.Errorf("load %s: %w", prefix, err)
		}
	}
	return l.out, l.out.Findings(), nil
}

type loader struct {
	ctx context.Context //nolint:containedctx // lives as long as one Load
	top *os.Root
	out *Tree
}

// prefix loads one file or directory given from outside. Its ancestors are
// checked one by one, so that a link among them is seen as what it is.
func (l loader) prefix(name string) error {
	for i, c := range name + "/" {
		if c != '/' {
			continue
		}
		at := name[:i]
		info, err := l.top.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			l.unreadable(at, err)
			return nil
		case at == name:
			return l.entry(l.top, at, at, info.Mode().Type())
		case !info.IsDir():
			return l.entry(l.top, at, at, info.Mode().Type())
		}
	}
	return nil
}

// entry loads what stands at full; name is the same place seen from dir, which
// saves opening every ancestor again for each file.
func (l loader) entry(dir *os.Root, name, full string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return l.dir(dir, name, full)
	case mode&fs.ModeSymlink != 0:
		l.link(full)
	case mode.IsRegular():
		data, err := readLimited(dir, name)
		if err != nil {
			l.unreadable(full, err)
			return nil
		}
		l.out.Put(File{Path: full, Data: data})
	default:
		l.out.Mark(full, Odd{What: "device, pipe or socket"})
		l.out.Skip(skipped(full, diag.Error, "is a device, a pipe or a socket", "Remove it: a repository holds files."))
	}
	return nil
}

func (l loader) dir(parent *os.Root, name, full string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	dir, err := parent.OpenRoot(name)
	if err != nil {
		l.unreadable(full, err)
		return nil
	}
	entries, err := readDir(dir, ".")
	if err != nil {
		l.unreadable(full, err)
	}
	for _, e := range entries {
		if e.Name() == ".git" || e.Name() == stateDir {
			continue
		}
		if err := l.entry(dir, e.Name(), path.Join(full, e.Name()), e.Type()); err != nil {
			return errors.Join(err, dir.Close())
		}
	}
	if err := dir.Close(); err != nil {
		return fmt.Errorf("close %s: %w", full, err)
	}
	return nil
}

// link loads the file that a symbolic link within the repository points to,
// under the link's name.
func (l loader) link(full string) {
	target, err := l.top.Readlink(full)
	if err != nil {
		l.unreadable(full, err)
		return
	}
	l.out.Mark(full, Odd{What: SymbolicLink, Target: target})
	info, err := l.top.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.out.Skip(skipped(full, diag.Warning, fmt.Sprintf("is a symbolic link to %s, which does not exist", target), "Mend the link or remove it."))
	case err != nil:
		l.out.Skip(skipped(full, diag.Error, fmt.Sprintf("is a symbolic link to %s, which cannot be followed within the repository", target),
			"Replace the link by the file: nothing outside of the repository is read."))
	case info.IsDir():
		l.out.Skip(skipped(full, diag.Warning, "is a symbolic link to a directory, which is not followed", "Name the directory itself where it is used."))
	default:
		data, err := readLimited(l.top, full)
		if err != nil {
			l.unreadable(full, err)
			return
		}
		l.out.Put(File{Path: full, Data: data})
	}
}

func (l loader) unreadable(full string, err error) {
	if _, known := l.out.odd[full]; !known {
		l.out.Mark(full, Odd{What: "unreadable file"})
	}
	if errors.Is(err, ErrTooLarge) {
		l.out.Skip(skipped(full, diag.Error, "is larger than 10 MiB and was not read", "Split it, or keep it out of the directories that strake reads."))
		return
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok { // its path is relative to some directory, and the finding has the whole one
		err = cause.Err
	}
	l.out.Skip(skipped(full, diag.Error, fmt.Sprintf("cannot be read: %v", err), "Make the file readable, or remove it."))
}

// skipped is the finding for something that was found and not read.
func skipped(at string, severity diag.Severity, summary, detail string) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: RuleUnread, Severity: severity, Summary: summary, Detail: detail,
		Range: diag.Range{Path: at},
	}
}

// RuleUnread is the rule of findings about what was found and not read.
const RuleUnread = "file-unread"

// stateDir holds the lock, the journal and the staged files of a write. It
// ignores itself in git.
const stateDir = ".strake"
