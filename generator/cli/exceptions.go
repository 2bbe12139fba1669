package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"strake/docs"
	"strake/generator/diag"
	"strake/generator/exception"
	"strake/generator/tree"
)

// fixed reports the rules that nobody may except: they say that what was checked
// is not what would be applied, or that something would be lost.
func fixed(rule string) bool {
	for _, prefix := range []string{"spec-", "drift-", "removal-", "exception-", "baseline-", "policy-"} {
		if strings.HasPrefix(rule, prefix) {
			return true
		}
	}
	return rule == "nothing-checked" || rule == "check-failed"
}

// except holds back what exceptions and the baseline accept.
func (w *workspace) except(ctx context.Context, r *result, o checkOptions) error {
	exceptions, found, err := w.exceptions(ctx, r.findings, r.complete)
	if err != nil {
		return err
	}
	rest, held := exception.Apply(r.findings.Sorted(), exceptions, exception.Options{
		Today: w.today(), Fixed: fixed, Known: docs.Slugs(), Complete: r.complete,
	})
	r.findings = append(rest, found...)
	r.coverage.Excepted = len(held)
	return w.baseline(r, o)
}

// exceptions reads those of the file and, where all is checked, those in the
// comments of every YAML and HCL file; else those of the files that findings
// point into.
func (w *workspace) exceptions(ctx context.Context, findings diag.List, complete bool) ([]exception.Exception, diag.List, error) {
	var all []exception.Exception
	var found diag.List
	switch data, err := fs.ReadFile(w.fsys, exception.FileName); {
	case err == nil:
		all, found = exception.Parse(exception.FileName, data)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("read %s: %w", exception.FileName, err)
	}
	files := pointedInto(findings)
	if complete {
		var err error
		if files, err = w.commented(ctx); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range files {
		data, err := fs.ReadFile(w.fsys, name)
		if err != nil {
			continue // it is not there, or a finding says that it cannot be read
		}
		entries, wrong := exception.Comments(name, data)
		all, found = append(all, entries...), append(found, wrong...)
	}
	return all, found, nil
}

// pointedInto lists the files that findings point into, and that may have
// comments.
func pointedInto(findings diag.List) []string {
	var files []string
	for _, d := range findings {
		if mayExcept(d.Range.Path) {
			files = append(files, d.Range.Path)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

func mayExcept(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".tf"}, path.Ext(name))
}

// commented lists the files that may hold exceptions as comments.
func (w *workspace) commented(ctx context.Context) ([]string, error) {
	var files []string
	err := fs.WalkDir(w.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			return nil // a finding of the search for kustomizations
		case d.IsDir() && name != "." && slices.Contains([]string{".git", ".strake", "node_modules"}, d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular() && mayExcept(name):
			info, err := d.Info()
			if err == nil && info.Size() <= tree.MaxFileSize {
				files = append(files, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search exceptions: %w", err)
	}
	return files, nil
}

// baseline holds back the findings of the first day, and writes or shrinks the
// file when asked to.
func (w *workspace) baseline(r *result, o checkOptions) error {
	name := cmp.Or(o.writeBaseline, o.baseline)
	if name == "" {
		return nil
	}
	file, shown := w.beside(name), name
	if rel, err := w.relative(name); err == nil {
		shown = rel
	}
	data, err := w.readBeside(shown, file)
	if errors.Is(err, fs.ErrNotExist) {
		if o.writeBaseline == "" {
			return usagef("--baseline %s: no such file; --write-baseline %s makes it", name, name)
		}
		b := exception.NewBaseline(r.findings, fixed)
		rest, held, _ := b.Apply(r.findings, shown, false)
		r.findings, r.coverage.Baseline = rest, len(held)
		w.talk("wrote %d findings to %s", b.Len(), name)
		return tree.WriteFile(file, b.Marshal())
	}
	if err != nil {
		return fmt.Errorf("read the baseline: %w", err)
	}
	b, err := exception.ReadBaseline(data)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", name, err)}
	}
	if o.writeBaseline != "" && !r.complete {
		return usagef("--write-baseline %s: only a check of the whole repository says what is gone; name no PATH and no --env, and mend what kept the check from ending", name)
	}
	rest, held, shrunk := b.Apply(r.findings, shown, r.complete && o.writeBaseline == "")
	r.findings, r.coverage.Baseline = rest, len(held)
	if o.writeBaseline == "" || shrunk.Len() == b.Len() {
		return nil
	}
	w.talk("took %d findings out of %s", b.Len()-shrunk.Len(), name)
	return tree.WriteFile(file, shrunk.Marshal())
}

// beside is a file that the user named, seen from where the command runs.
func (w *workspace) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(w.start(), name)
}

// readBeside reads a file that the user named: as it is looked at, staged or
// not, where it stands in the repository, else from the disk.
func (w *workspace) readBeside(rel, file string) ([]byte, error) {
	if fs.ValidPath(rel) {
		if data, err := fs.ReadFile(w.fsys, rel); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return os.ReadFile(file)
}
