package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/repo"
)

// standing is a repository without a spec as it was at a revision: what stands
// in the clusters, as far as the repository knows.
type standing struct {
	before  fs.FS // nil when there is nothing to compare with
	changed []string
	roots   []string
}

// standing reads the revision, where there is one and it differs.
func (w *workspace) standing(o checkOptions, roots []string) (standing, error) {
	s := standing{roots: roots}
	if w.git == nil {
		return s, nil
	}
	changed, err := w.git.Changed(o.since)
	if errors.Is(err, repo.ErrNoRevision) && o.since == head {
		return s, nil // there is no commit yet
	}
	if err != nil {
		return s, fmt.Errorf("--since: %w", err)
	}
	if s.changed = changed; len(changed) == 0 && !o.staged {
		return s, nil
	}
	before, _, err := w.git.Tree(o.since)
	if err != nil {
		return s, fmt.Errorf("--since: %w", err)
	}
	s.before = before
	return s, nil
}

// updates builds a kustomization as it was, and judges what changes. One that
// no changed file can have a part in is not built a second time; one that did
// not build stood in no cluster.
func (s standing) updates(ctx context.Context, after built, checks []check.Check) (diag.List, error) {
	if s.before == nil || !s.touched(after.name) {
		return nil, nil
	}
	if _, err := fs.Stat(s.before, after.name); err != nil {
		return nil, nil
	}
	b, findings, err := stage{name: after.name, fsys: s.before, dirs: []string{after.name}}.build(ctx)
	if err != nil || findings.AtLeast(diag.Error) {
		return nil, err
	}
	return check.Updates(ctx, b.objects(), after.objects(), after.name, checks), nil
}

// touched reports whether a changed file lies in the kustomization, or in no
// kustomization that is built by itself: then it may be a part of any.
func (s standing) touched(dir string) bool {
	in := func(file, dir string) bool { return dir == "." || strings.HasPrefix(file, dir+"/") }
	return len(s.changed) == 0 || slices.ContainsFunc(s.changed, func(file string) bool {
		return in(file, dir) || !slices.ContainsFunc(s.roots, func(root string) bool { return root != "." && in(file, root) })
	})
}
