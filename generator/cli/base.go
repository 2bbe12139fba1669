package cli

import (
	"context"
	"errors"
	"fmt"

	"strake/generator/manifest"
	"strake/generator/repo"
	"strake/generator/spec"
	"strake/generator/tree"
)

// revision is the tree of a commit that the working tree is compared with.
type revision struct {
	name string // as the user knows it: origin/main
	sha  string
	tree *tree.Tree
}

// emptyTree is git's name of the tree without files.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// base reads what Argo CD syncs today: the named revision, or the remote's
// branch, or the local one, or HEAD.
func (w *workspace) base(name string, p *platform) (revision, error) {
	branch := p.spec.Repository.Branch
	if w.git == nil {
		return revision{}, fmt.Errorf("%s is not a Git repository: there is nothing to compare with", w.root)
	}
	candidates := []string{name}
	if name == "" {
		candidates = []string{"origin/" + branch, branch, "HEAD"}
	}
	var errs []error
	for _, candidate := range candidates {
		t, sha, err := w.git.Tree(candidate, w.read(p)...)
		if err == nil {
			if candidate == emptyTree {
				candidate = "an empty branch"
			}
			return revision{candidate, sha, t}, nil
		}
		errs = append(errs, err)
		if !errors.Is(err, repo.ErrNoRevision) {
			break
		}
	}
	return revision{}, errors.Join(errs...)
}

// read lists what of a revision matters: what overlays are built from, or everything where
// tenants have kustomizations of their own, which may lie on anything.
func (w *workspace) read(p *platform) []string {
	for _, e := range p.spec.Environments {
		if len(w.appDirs(e)) > 0 {
			return nil
		}
	}
	return builtFrom(p.comparison.Root)
}

// stage is what an environment was at the revision, with the hand-written
// kustomizations of its tenants.
func (r revision) stage(p *platform, w *workspace, e *spec.Effective) stage {
	s := stage{name: e.Environment, fsys: r.tree, dirs: overlayDirs(r.tree, p.comparison.Root, e.Environment)}
	for _, dir := range w.appDirs(e) {
		if _, ok := r.tree.Get(dir + "/kustomization.yaml"); ok {
			s.dirs = append(s.dirs, dir)
		}
	}
	return s
}

// changes is what the cluster of one environment would see change.
func (w *workspace) changes(ctx context.Context, p *platform, r revision, e *spec.Effective) ([]manifest.Change, error) {
	before, err := objectsOf(ctx, r.stage(p, w, e))
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", e.Environment, r.name, err)
	}
	after, err := objectsOf(ctx, w.freshStage(p, e))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Environment, err)
	}
	return manifest.Diff(before, after), nil
}
