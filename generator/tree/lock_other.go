//go:build !unix

package tree

import (
	"errors"
	"io/fs"
	"os"
)

// lock fails: without flock, two writers could not be told from one that died.
func (d *Dir) lock() (release func() error, err error) {
	return nil, errors.New("writing is supported on Linux, macOS and other Unix systems: use WSL here")
}

func mayWrite(*os.Root, string, fs.FileInfo, fs.FileInfo) error { return nil }
