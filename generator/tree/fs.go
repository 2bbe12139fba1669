package tree

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"
)

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
)

// Open implements fs.FS. Where a file and a directory claim one path, the
// directory is seen.
func (t *Tree) Open(name string) (fs.File, error) {
	info, err := t.info("open", name)
	if err != nil {
		return nil, err
	}
	if info.dir {
		entries, err := t.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: info, entries: entries}, nil
	}
	return &openFile{Reader: bytes.NewReader(t.files[name].Data), info: info}, nil
}

// ReadFile implements fs.ReadFileFS. The caller owns the bytes.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	info, err := t.info("read", name)
	if err != nil {
		return nil, err
	}
	if info.dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsDirectory}
	}
	return append([]byte{}, t.files[name].Data...), nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := t.info("readdir", name)
	if err != nil {
		return nil, err
	}
	if !info.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDirectory}
	}
	names := slices.Sorted(maps.Keys(t.children[name]))
	entries := make([]fs.DirEntry, 0, len(names))
	for _, child := range names {
		at := path.Join(name, child)
		entries = append(entries, fs.FileInfoToDirEntry(fileInfo{
			name: child, size: int64(len(t.files[at].Data)), dir: t.isDir(at),
		}))
	}
	return entries, nil
}

// Stat implements fs.StatFS.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	info, err := t.info("stat", name)
	if err != nil {
		return nil, err
	}
	return info, nil
}

func (t *Tree) isDir(name string) bool {
	_, ok := t.children[name]
	return ok
}

func (t *Tree) info(op, name string) (fileInfo, error) {
	if !fs.ValidPath(name) {
		return fileInfo{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if t.isDir(name) {
		return fileInfo{name: path.Base(name), dir: true}, nil
	}
	f, ok := t.files[name]
	if !ok {
		return fileInfo{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return fileInfo{name: path.Base(name), size: int64(len(f.Data))}, nil
}

// fileInfo is the stat of a file in memory. It has no time: a tree has none.
type fileInfo struct {
	name string
	size int64
	dir  bool
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.dir }
func (i fileInfo) Sys() any           { return nil }

func (i fileInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openFile struct {
	*bytes.Reader
	info fileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info    fileInfo
	entries []fs.DirEntry
	offset  int
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errIsDirectory}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := d.entries[d.offset:]
	if n > 0 {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		rest = rest[:min(n, len(rest))]
	}
	d.offset += len(rest)
	return slices.Clone(rest), nil
}
