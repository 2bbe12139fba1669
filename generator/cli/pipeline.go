package cli

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"strake/generator/build"
	"strake/generator/check"
	"strake/generator/check/argo"
	"strake/generator/check/argocd"
	"strake/generator/check/contracts"
	"strake/generator/check/kube"
	"strake/generator/check/rego"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/spec"
	"strake/generator/terraform"
	"strake/generator/tree"
	"strake/policies"
)

// stage is one environment, or one overlay of a repository without a spec, on
// its way through the pipeline: what to build, and with which files.
type stage struct {
	name string
	fsys fs.FS
	dirs []string
	// spec is nil for a repository without one.
	spec *spec.Effective
	// addresses are those of the clone's remotes.
	addresses []string
	// partial says that more is delivered together with this.
	partial bool
	// trace leads from a rendered line to the line of the spec.
	trace *tree.Tree
}

// built is what came out of a stage.
type built struct {
	stage
	overlays []build.Overlay
	// terraform is what the environment stands on; readTerraform reads it.
	terraform []*terraform.Root
}

// objects of all overlays.
func (b built) objects() []*manifest.Object {
	var all []*manifest.Object
	for _, o := range b.overlays {
		all = append(all, o.Objects...)
	}
	return all
}

// build builds the overlays of a stage and returns what that found.
func (s stage) build(ctx context.Context) (built, diag.List, error) {
	overlays, err := build.Overlays(ctx, s.fsys, s.dirs)
	if err != nil {
		return built{}, nil, fmt.Errorf("build %s: %w", s.name, err)
	}
	var findings diag.List
	for _, o := range overlays {
		findings = append(findings, o.Findings.In(s.name)...)
	}
	return built{stage: s, overlays: overlays}, findings, nil
}

// builtin names the embedded policies on the command line.
const builtin = "builtin"

// checks is the one list of all checks, in their order. policyDirs are
// directories of policies; builtin stands for the embedded ones.
func (w *workspace) checks(ctx context.Context, policyDirs []string) ([]check.Check, diag.List, error) {
	options := rego.Options{Today: w.today()}
	for _, dir := range policyDirs {
		if dir == builtin {
			options.Sources = append(options.Sources, rego.Source{FS: policies.FS, Dir: "policies"})
			continue
		}
		source, err := w.policySource("--policy "+dir, dir)
		if err != nil {
			return nil, nil, err
		}
		options.Sources = append(options.Sources, source)
	}
	policy, findings, err := rego.Open(ctx, options)
	if err != nil {
		return nil, nil, fmt.Errorf("load policies: %w", err)
	}
	return []check.Check{kube.New(), argo.New(), argocd.New(), contracts.New(), policy}, findings, nil
}

// policySource is a directory of policies in the repository. what is how the user
// named it.
func (w *workspace) policySource(what, dir string) (rego.Source, error) {
	rel, err := w.relative(dir)
	if err != nil {
		return rego.Source{}, err
	}
	if info, err := fs.Stat(w.fsys, rel); err != nil || !info.IsDir() {
		return rego.Source{}, usagef("%s: no such directory; %s names the embedded policies of check", what, builtin)
	}
	modules, err := fs.Sub(w.fsys, rel)
	if err != nil {
		return rego.Source{}, usagef("%s: %w", what, err)
	}
	return rego.Source{FS: modules, Dir: rel}, nil
}

// rendered reports whether a file is one that Strake writes, and is as written.
func (b built) rendered(file string) bool {
	if b.trace == nil {
		return false
	}
	f, ok := b.trace.Get(file)
	return ok && tree.Owned(f.Data)
}

// input is what the checks see of a stage.
func (b built) input() check.Input {
	in := check.Input{Environment: b.name, Partial: b.partial, Repository: b.repository(), Terraform: b.terraform, Rendered: b.rendered}
	for _, o := range b.overlays {
		in.Overlays = append(in.Overlays, check.Overlay{Dir: o.Dir, App: path.Base(o.Dir), Objects: o.Objects, Files: o.Files})
	}
	if b.spec != nil {
		in.Spec = b.spec.JSON()
		in.Assertions = assertions(b.spec)
	}
	return in
}

// stages lists what to build for one environment of the spec. What is
// committed comes first: it is what Argo CD syncs. Where the environment is
// pending, what the next render would write is a stage of its own.
func (w *workspace) stages(p *platform, e *spec.Effective) []stage {
	var out []stage
	same := agreeing(p.comparison.Committed, p.comparison.Fresh[e.Environment])
	committed := overlayDirs(p.comparison.Committed, p.comparison.Root, e.Environment)
	if len(committed) > 0 {
		out = append(out, stage{
			name: e.Environment, fsys: w.fsys, spec: e, trace: same, addresses: w.remotes(),
			dirs: append(committed, w.appDirs(e)...),
		})
	}
	if fresh := w.freshStage(p, e); len(committed) == 0 || p.pending(e.Environment) {
		out = append(out, fresh)
	}
	return out
}

// freshStage is the environment as the next render would make it.
func (w *workspace) freshStage(p *platform, e *spec.Effective) stage {
	fresh := p.comparison.Fresh[e.Environment]
	return stage{
		name: e.Environment, fsys: tree.Over(w.fsys, fresh), spec: e, trace: fresh, addresses: w.remotes(),
		dirs: append(overlayDirs(fresh, p.comparison.Root, e.Environment), w.appDirs(e)...),
	}
}

// pending reports whether the committed files of an environment are not those
// that the spec renders now.
func (p *platform) pending(env string) bool {
	fresh := p.comparison.Fresh[env]
	for f := range fresh.All() {
		if have, ok := p.comparison.Committed.Get(f.Path); !ok || (!f.Seed && !bytes.Equal(have.Data, f.Data)) {
			return true
		}
	}
	return false
}

// agreeing is the part of the rendered files that is committed as it is: only
// there does a line lead back to the spec.
func agreeing(committed, fresh *tree.Tree) *tree.Tree {
	same := tree.New()
	if fresh == nil {
		return same
	}
	for f := range fresh.All() {
		if have, ok := committed.Get(f.Path); ok && bytes.Equal(have.Data, f.Data) {
			same.Put(f)
		}
	}
	return same
}

// overlayDirs lists the overlays of an environment in a tree.
func overlayDirs(t *tree.Tree, root, env string) []string {
	prefix := path.Join(root, "overlays", env) + "/"
	var dirs []string
	for _, file := range t.Paths() {
		rest, ok := strings.CutPrefix(file, prefix)
		if !ok {
			continue
		}
		app, name, _ := strings.Cut(rest, "/")
		if name == "kustomization.yaml" {
			dirs = append(dirs, prefix+app)
		}
	}
	return dirs
}

// appDirs lists the hand-written kustomizations of the tenants that stand in
// this repository.
func (w *workspace) appDirs(e *spec.Effective) []string {
	var dirs []string
	for _, t := range e.Tenants {
		for _, a := range t.Apps {
			if a.Repository == "" && !slices.Contains(dirs, a.Path) {
				dirs = append(dirs, path.Clean(a.Path))
			}
		}
	}
	return dirs
}

// unlessBroken leaves out that nothing was checked where a failed build has
// said why.
func unlessBroken(findings, broken diag.List) diag.List {
	if !broken.AtLeast(diag.Error) {
		return findings
	}
	return slices.DeleteFunc(slices.Clone(findings), func(d diag.Diagnostic) bool { return d.Rule == "nothing-checked" })
}
