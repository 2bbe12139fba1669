package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"strake/generator/diag"
)

// WriteOptions change how Write goes about it.
type WriteOptions struct {
	// Step is called before each step with its name. An error of it fails the
	// write there, as a full disk would. Tests inject faults with it.
	Step func(name string) error
}

// Result is what a write did.
type Result struct {
	// Written and Deleted are paths, sorted.
	Written, Deleted []string
	// Kept says which files somebody changed between the plan and the write, or
	// while a write lay unfinished. They are as that person left them.
	Kept diag.List
}

// writer does one write, under the lock.
type writer struct {
	dir  *Dir
	step func(name string) error
}

// Write carries out a plan. First every new file is staged below .strake/ and a
// journal of all changes is made durable; until then nothing has changed, and
// any failure leaves nothing behind. Then file by file is renamed into place,
// left-overs are deleted, and the journal is dropped. At every instant each
// file is wholly old or wholly new. After a crash Recover does what is left.
//
// A plan with refusals gives *Refused, and an unfinished earlier write
// ErrPending. Files without a change are not touched.
func (d *Dir) Write(ctx context.Context, p *Plan, o WriteOptions) (Result, error) {
	if len(p.Refused) > 0 {
		return Result{}, &Refused{Findings: p.Refused}
	}
	if len(p.Changes) == 0 {
		pending, err := d.Pending()
		return Result{}, errors.Join(err, errIf(pending, ErrPending))
	}
	w := newWriter(d, o)
	var result Result
	err := d.locked(func() error {
		if pending, err := d.Pending(); err != nil || pending {
			return errors.Join(err, errIf(pending, ErrPending))
		}
		if err := d.root.RemoveAll(stagePath); err != nil { // of a write that was killed before its journal
			return fmt.Errorf("clear %s: %w", stagePath, err)
		}
		j, err := w.prepare(ctx, p)
		if err != nil {
			return errors.Join(err, d.root.RemoveAll(stagePath))
		}
		result, err = w.apply(j)
		return err
	})
	if err != nil {
		return result, fmt.Errorf("write %d files: %w", len(p.Changes), err)
	}
	return result, nil
}

func newWriter(d *Dir, o WriteOptions) *writer {
	w := &writer{dir: d, step: o.Step}
	if w.step == nil {
		w.step = func(string) error { return nil }
	}
	return w
}

func errIf(condition bool, err error) error {
	if condition {
		return err
	}
	return nil
}

// prepare does all that changes nothing: it checks that the plan still holds,
// stages the files and commits the journal.
func (w *writer) prepare(ctx context.Context, p *Plan) (journal, error) {
	j, err := w.verify(p)
	if err != nil {
		return j, err
	}
	if err := w.stage(ctx, p); err != nil {
		return j, err
	}
	if err := ctx.Err(); err != nil {
		return j, err
	}
	return j, w.commit(j)
}

// verify checks every path of a plan against the disk, and that the directories
// can be written to, so that what cannot work fails before anything is done.
func (w *writer) verify(p *Plan) (journal, error) {
	j := journal{Version: journalVersion}
	seen := map[string]bool{}
	ready := map[string]bool{}
	var changed []string
	for _, ch := range p.Changes {
		if err := safePath(ch.Path); err != nil {
			return j, err
		}
		if seen[ch.Path] {
			return j, fmt.Errorf("plan changes %s twice", ch.Path)
		}
		seen[ch.Path] = true
		e := entry{Path: ch.Path, Old: ch.before(), New: ch.after()}
		at, what, err := w.dir.obstacle(ch.Path)
		if err != nil {
			return j, err
		}
		if what != "" {
			return j, fmt.Errorf("write %s: %s is %s", ch.Path, at, article(what))
		}
		now, err := w.dir.content(ch.Path)
		if err != nil {
			return j, err
		}
		if now != e.Old {
			changed = append(changed, ch.Path)
		}
		if err := w.dir.writable(path.Dir(ch.Path), ready); err != nil {
			return j, err
		}
		j.Entries = append(j.Entries, e)
	}
	if len(changed) > 0 {
		return j, fmt.Errorf("%w: %s", ErrChanged, some(changed))
	}
	return j, nil
}

// some names the first of many.
func some(names []string) string {
	const limit = 5
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}

// stage writes the new contents below .strake/.
func (w *writer) stage(ctx context.Context, p *Plan) error {
	if err := w.dir.root.Mkdir(stagePath, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", stagePath, err)
	}
	err := atOnce(len(p.Changes), func(i int) error {
		if p.Changes[i].Delete {
			return nil
		}
		return errors.Join(ctx.Err(), w.step("stage "+p.Changes[i].Path))
	}, func(i int) error {
		if p.Changes[i].Delete {
			return nil
		}
		return w.dir.create(staged(i), p.Changes[i].After)
	})
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	return w.dir.sync(stagePath)
}

// atOnce does a number of things, several at a time, since most of their time
// is spent waiting for the disk. before is called for each in order, and stops
// the rest by an error.
func atOnce(count int, before, do func(i int) error) error {
	const workers = 8
	var (
		group  sync.WaitGroup
		tokens = make(chan struct{}, workers)
		errs   = make([]error, count)
	)
	for i := range count {
		if errs[i] = before(i); errs[i] != nil {
			break
		}
		tokens <- struct{}{}
		group.Go(func() {
			defer func() { <-tokens }()
			errs[i] = do(i)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// create writes a new file and waits until it is on the disk.
func (d *Dir) create(name string, data []byte) (err error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Chmod(0o644); err != nil { // whatever the umask is
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// sync waits until a directory's entries are on the disk. A directory that is
// gone has none; the one above it has lost an entry then.
func (d *Dir) sync(name string) (err error) {
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) && name != "." {
		return d.sync(path.Dir(name))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// commit makes the journal durable. Its rename is the instant from which on the
// write will be finished, by this process or by a later one.
func (w *writer) commit(j journal) error {
	if err := w.step("journal"); err != nil {
		return err
	}
	if err := w.dir.root.RemoveAll(journalDraft); err != nil {
		return fmt.Errorf("clear %s: %w", journalDraft, err)
	}
	if err := w.dir.create(journalDraft, j.encode()); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := w.dir.root.Rename(journalDraft, journalPath); err != nil {
		return fmt.Errorf("commit journal: %w", err)
	}
	return nil
}

// apply does what a journal says and is not done yet, and drops the journal.
func (w *writer) apply(j journal) (Result, error) {
	var result Result
	if err := w.dir.sync(stateDir); err != nil {
		return result, unfinished(err)
	}
	touched := map[string]bool{}
	for i, e := range j.Entries {
		verb := "rename "
		if e.New == "" {
			verb = "delete "
		}
		if err := w.step(verb + e.Path); err != nil {
			return result, unfinished(err)
		}
		kept, err := w.applyEntry(staged(i), e)
		switch {
		case err != nil:
			return result, unfinished(err)
		case kept:
			result.Kept = append(result.Kept, keptFinding(e))
			continue
		case e.New == "":
			result.Deleted = append(result.Deleted, e.Path)
		default:
			result.Written = append(result.Written, e.Path)
		}
		touched[path.Dir(e.Path)] = true
	}
	dirs := slices.Collect(maps.Keys(touched))
	err := atOnce(len(dirs), func(int) error { return nil }, func(i int) error { return w.dir.sync(dirs[i]) })
	if err != nil {
		return result, unfinished(err)
	}
	if err := w.step("drop journal"); err != nil {
		return result, unfinished(err)
	}
	if err := w.dir.root.Remove(journalPath); err != nil {
		return result, unfinished(err)
	}
	result.Kept = result.Kept.Sorted()
	slices.Sort(result.Written)
	slices.Sort(result.Deleted)
	return result, errors.Join(w.dir.sync(stateDir), w.dir.root.RemoveAll(stagePath))
}

// unfinished explains a failure after the journal was committed.
func unfinished(err error) error {
	return fmt.Errorf("%w: the rest is in %s, and the next strake render finishes it", err, journalPath)
}

// applyEntry makes one change, unless it is made already or somebody changed
// the file meanwhile.
func (w *writer) applyEntry(stage string, e entry) (kept bool, err error) {
	_, what, err := w.dir.obstacle(e.Path)
	if err != nil || what != "" {
		return true, err
	}
	now, err := w.dir.content(e.Path)
	switch {
	case err != nil:
		return false, err
	case now == e.New && e.New == "":
		return false, w.prune(e.Path)
	case now == e.New:
		return false, nil
	case now != e.Old:
		return true, nil
	case e.New == "":
		if err := w.dir.root.Remove(e.Path); err != nil {
			return false, err
		}
		return false, w.prune(e.Path)
	}
	_, what, err = w.dir.obstacle(stage)
	if err != nil {
		return false, err
	}
	ready, err := w.dir.content(stage)
	if err != nil {
		return false, err
	}
	if what != "" || ready != e.New { // lost or changed: the old file is better than that
		return true, nil
	}
	if err := w.dir.root.MkdirAll(path.Dir(e.Path), 0o755); err != nil {
		return false, err
	}
	return false, w.dir.root.Rename(stage, e.Path)
}

// prune removes the directories that a deletion left empty. A file that appears
// meanwhile keeps its directory: only empty ones can be removed.
func (w *writer) prune(file string) error {
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		entries, err := readDir(w.dir.root, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			return nil
		}
		if err := w.dir.root.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			if entries, listErr := readDir(w.dir.root, dir); listErr == nil && len(entries) > 0 {
				return nil
			}
			return err
		}
	}
	return nil
}

func keptFinding(e entry) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: Edited.Rule(), Severity: diag.Warning, Range: diag.Range{Path: e.Path},
		Summary: "file was changed by hand while strake was writing, and was kept",
		Detail:  "Look at it with git diff, then run `strake render` again.",
	}
}

// Recover finishes a write that was interrupted, and says what it did. Without
// one it does nothing. Commands that write call it first.
func (d *Dir) Recover(ctx context.Context) (Result, error) {
	return d.recover(ctx, WriteOptions{})
}

func (d *Dir) recover(ctx context.Context, o WriteOptions) (Result, error) {
	pending, err := d.Pending()
	if err != nil || ctx.Err() != nil {
		return Result{}, errors.Join(err, ctx.Err())
	}
	if !pending {
		return Result{}, d.clear()
	}
	var result Result
	err = d.locked(func() error {
		if pending, err := d.Pending(); err != nil || !pending {
			return err // the writer that held the lock finished it
		}
		j, err := d.readJournal()
		if err != nil {
			return err
		}
		result, err = newWriter(d, o).apply(j)
		return err
	})
	if err != nil {
		return result, fmt.Errorf("finish the interrupted write: %w", err)
	}
	return result, nil
}

// clear removes what a write left that was killed just before its journal, or
// just after it dropped it.
func (d *Dir) clear() error {
	_, err := d.root.Lstat(stagePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.locked(func() error {
		if pending, err := d.Pending(); err != nil || pending {
			return err
		}
		return d.root.RemoveAll(stagePath)
	})
	if errors.Is(err, ErrLocked) {
		return nil // they are somebody's at work
	}
	return err
}

// Pending reports whether a write was interrupted or is under way: what is read
// then is half old and half new.
func (d *Dir) Pending() (bool, error) {
	_, err := d.root.Lstat(journalPath)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// WriteFile replaces one file that the user named, anywhere on the machine: a
// report, never a part of the repository that is rendered. A file is replaced
// whole or not at all; a device or a pipe is written to.
func WriteFile(name string, data []byte) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = bytes.NewReader(data).WriteTo(f)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	return nil
}
