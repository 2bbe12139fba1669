//go:build unix

package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the repository's lock or fails at once. The kernel gives it back
// when the process dies, however it dies.
func (d *Dir) lock() (release func() error, err error) {
	f, err := d.root.OpenFile(lockPath, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", lockPath, err)
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lockPath, err), f.Close())
	}
	var lockErr error
	err = conn.Control(func(fd uintptr) {
		for {
			lockErr = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
			if !errors.Is(lockErr, syscall.EINTR) {
				return
			}
		}
	})
	if errors.Is(lockErr, syscall.EWOULDBLOCK) {
		lockErr = ErrLocked
	}
	if err := errors.Join(err, lockErr); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lockPath, err), f.Close())
	}
	return f.Close, nil
}

// mayWrite asks the system whether this process may change a directory, and
// whether it is on the same file system as the staged files.
func mayWrite(root *os.Root, dir string, info, state fs.FileInfo) error {
	const writeAndSearch = 0o3 // W_OK | X_OK
	if err := syscall.Access(filepath.Join(root.Name(), filepath.FromSlash(dir)), writeAndSearch); err != nil {
		return err
	}
	a, ok := info.Sys().(*syscall.Stat_t)
	b, also := state.Sys().(*syscall.Stat_t)
	if ok && also && a.Dev != b.Dev {
		return fmt.Errorf("it is on another file system than %s: %w", stateDir, syscall.EXDEV)
	}
	return nil
}
