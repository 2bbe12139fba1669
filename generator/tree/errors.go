package tree

import (
	"errors"
	"fmt"

	"strake/generator/diag"
)

var (
	// ErrTooLarge is what reading a file of more than MaxFileSize gives.
	ErrTooLarge = errors.New("file is larger than 10 MiB")
	// ErrIrregular is what opening a pipe, a socket or a device gives.
	ErrIrregular = errors.New("not a regular file")
	// ErrPending means that an earlier write was interrupted, or is under way:
	// the tree is half old and half new until a writing command finishes it.
	ErrPending = errors.New("an earlier write is not finished: run strake render to finish it")
	// ErrLocked means that another process writes to this repository.
	ErrLocked = errors.New("another strake is writing to this repository: try again when it is done")
	// ErrChanged means that a file changed after the plan was made.
	ErrChanged = errors.New("files changed while strake was working: run it again")

	errIsDirectory  = errors.New("is a directory")
	errNotDirectory = errors.New("not a directory")
)

// Refused is the error of a plan that would overwrite somebody's work. Nothing
// was written.
type Refused struct {
	Findings diag.List
}

func (r *Refused) Error() string {
	return fmt.Sprintf("refuse to overwrite %d files that are not as strake wrote them", len(r.Findings))
}
