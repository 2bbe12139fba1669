package cli

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

	"strake/generator/diag"
	"strake/generator/render"
	"strake/generator/repo"
	"strake/generator/spec"
	"strake/generator/tree"
)

// specFile is where a platform's spec stands below repository.root.
const specFile = "environments/platform.yaml"

// workspace is the repository that a command works on.
type workspace struct {
	*global
	dir  *tree.Dir
	root string     // absolute path of the repository, or of the directory without one
	git  *repo.Repo // nil outside of a Git repository
	// fsys is what is looked at: the working tree, or the index.
	fsys fs.FS
	// specPath is relative to root; "" when the repository has no spec.
	specPath string
}

// open finds the repository around the starting directory and the spec in it.
// It writes nothing.
func (g *global) open() (*workspace, error) {
	start, err := filepath.Abs(g.start())
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", g.start(), err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return nil, usagef("%s is not a directory", g.start())
	}
	w := &workspace{global: g, root: start}
	w.git, err = repo.Open(start)
	switch {
	case err == nil:
		w.root = w.git.Root()
	case !errors.Is(err, repo.ErrNoRepository):
		return nil, err
	default:
		w.root = above(start)
	}
	if w.dir, err = tree.Open(w.root); err != nil {
		return nil, err
	}
	w.fsys = w.dir.FS()
	w.specPath, err = w.findSpec(start)
	if err != nil {
		return nil, errors.Join(err, w.dir.Close())
	}
	return w, nil
}

// above is the nearest directory at or above start that holds a spec, or start.
func above(start string) string {
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(specFile))); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return start
		}
	}
}

// findSpec returns the spec's path: the flag's, the usual one, or the only one
// that lies one directory deeper (repository.root).
func (w *workspace) findSpec(start string) (string, error) {
	if w.spec != "" {
		file := w.spec
		if !filepath.IsAbs(file) {
			file = filepath.Join(start, file)
		}
		rel, err := filepath.Rel(w.root, file)
		if err != nil || !filepath.IsLocal(rel) {
			return "", usagef("--spec %s is outside of the repository", w.spec)
		}
		return filepath.ToSlash(rel), nil
	}
	if _, err := fs.Stat(w.fsys, specFile); err == nil {
		return specFile, nil
	}
	found, err := fs.Glob(w.fsys, "*/"+specFile)
	if err != nil {
		return "", err
	}
	if len(found) > 1 {
		return "", usagef("several specs: %s; name one with --spec", strings.Join(found, ", "))
	}
	return strings.Join(found, ""), nil
}

func (w *workspace) close() error {
	if w.git != nil {
		return errors.Join(w.dir.Close(), w.git.Close())
	}
	return w.dir.Close()
}

// today is the date in UTC: checks get the clock handed in.
func (w *workspace) today() string { return w.env.Now().UTC().Format("2006-01-02") }

// relative turns an argument of the command line into a path of the repository.
func (w *workspace) relative(arg string) (string, error) {
	file := arg
	if !filepath.IsAbs(file) {
		file = filepath.Join(w.start(), file)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", usagef("%s: %w", arg, err)
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		if rel, err := filepath.Rel(w.root, abs); err != nil || !filepath.IsLocal(rel) {
			abs = resolved
		}
	}
	rel, err := filepath.Rel(w.root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", usagef("%s is outside of %s", arg, w.root)
	}
	return filepath.ToSlash(rel), nil
}

// settled refuses to read a tree that a killed write left between two states.
func (w *workspace) settled() error {
	pending, err := w.dir.Pending()
	switch {
	case err != nil:
		return err
	case pending:
		return errors.New("an earlier render was interrupted: run 'strake render' to finish it")
	}
	return nil
}

// sources shows reports the files that findings point into.
func (w *workspace) sources(extra *tree.Tree) func(string) ([]byte, bool) {
	return func(name string) ([]byte, bool) {
		if data, err := fs.ReadFile(w.fsys, name); err == nil {
			return data, true
		}
		if extra != nil {
			if f, ok := extra.Get(name); ok {
				return f.Data, true
			}
		}
		return nil, false
	}
}

// platform is the spec, what it renders, and what is committed of it.
type platform struct {
	spec *spec.Platform
	// findings of the spec and of the templates that it names.
	findings diag.List
	// comparison holds what is committed, what each effective.yaml renders and
	// what the spec renders now.
	comparison tree.Comparison
	// all is every file that the spec renders now.
	all *tree.Tree
}

// environment returns the resolved spec of an environment.
func (p *platform) environment(name string) (*spec.Effective, bool) {
	for _, e := range p.spec.Environments {
		if e.Environment == name {
			return e, true
		}
	}
	return nil, false
}

// mayRender refuses when the spec pins another minor version of the tool.
func (p *platform) mayRender() error {
	if !p.spec.Allows(Version) {
		return fmt.Errorf("the spec pins Strake %s and this is %s: it checks, and does not render", p.spec.Pin, Version)
	}
	return nil
}

// names lists the environments in the order of the spec.
func (p *platform) names() []string {
	names := make([]string, 0, len(p.spec.Environments))
	for _, e := range p.spec.Environments {
		names = append(names, e.Environment)
	}
	return names
}

// choose checks names of the command line against the spec; none means all.
func (p *platform) choose(names []string) ([]*spec.Effective, error) {
	if len(names) == 0 {
		return p.spec.Environments, nil
	}
	var chosen []*spec.Effective
	for _, name := range names {
		e, ok := p.environment(name)
		if !ok {
			hint := "the spec has " + diag.OneOf(p.names())
			if near := diag.DidYouMean(name, p.names()); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, usagef("unknown environment %q: %s", name, hint)
		}
		chosen = append(chosen, e)
	}
	return chosen, nil
}

// load reads the spec and renders it in memory. A spec with errors is no error
// of load: the findings say so, and what cannot be rendered is not there.
func (w *workspace) load(ctx context.Context) (*platform, error) {
	if w.specPath == "" {
		return nil, fmt.Errorf("no %s in %s: 'strake init' writes one, and 'strake check PATH' checks a repository without one", specFile, w.root)
	}
	p := &platform{all: tree.New()}
	p.spec, p.findings = spec.Load(w.fsys, w.specPath, Version)
	if p.spec == nil { // the findings say why
		p.spec = &spec.Platform{Path: w.specPath}
	}
	root := p.spec.Repository.Root
	committed, odd, err := w.committed(ctx, root)
	if err != nil {
		return nil, err
	}
	for _, d := range odd {
		if d.Range.Path != w.specPath { // Load of the spec said it already
			p.findings = append(p.findings, d)
		}
	}
	p.comparison = tree.Comparison{
		Root: root, Committed: committed, Attributes: tree.Patterns(),
		Want: map[string]*tree.Tree{}, Fresh: map[string]*tree.Tree{}, Behind: map[string]string{},
	}
	for _, e := range p.spec.Environments {
		for _, name := range []spec.TerraformRootName{spec.Persistent, spec.Ephemeral} {
			if dir, render := e.TerraformRootAt(name); render {
				p.comparison.Roots = append(p.comparison.Roots, dir)
			}
		}
		if p.findings.AtLeast(diag.Error) {
			p.comparison.Fresh[e.Environment] = nil
			continue
		}
		fresh, found, err := renderOne(e)
		if err != nil {
			return nil, err
		}
		p.findings = append(p.findings, found...)
		p.comparison.Fresh[e.Environment] = fresh
		p.all.Merge(fresh)
	}
	if p.findings.AtLeast(diag.Error) && len(p.spec.Environments) == 0 {
		p.comparison.Fresh = nil
	}
	return p, p.rerender()
}

// committed reads what render writes, from the working tree or the index.
func (w *workspace) committed(ctx context.Context, root string) (*tree.Tree, diag.List, error) {
	prefixes := rendered(root)
	if t, ok := w.fsys.(*tree.Tree); ok {
		return t, nil, nil
	}
	return w.dir.Load(ctx, prefixes...)
}

// rendered lists the places that render writes to.
func rendered(root string) []string {
	return []string{path.Join(root, "base"), path.Join(root, "environments"), path.Join(root, "overlays"), ".gitattributes"}
}

// builtFrom lists the places that overlays are built from: what is rendered, and
// the official manifests that they lie on.
func builtFrom(root string) []string { return append(rendered(root), path.Join(root, "vendor")) }

// renderOne renders an environment, and says what is wrong with the templates
// that its users brought.
func renderOne(e *spec.Effective) (*tree.Tree, diag.List, error) {
	found := render.Templates(e).In(e.Environment)
	fresh, err := render.Environment(e)
	return fresh, found, err
}

// rerender renders each committed effective.yaml: what overlays must be, even
// while the spec has moved on.
func (p *platform) rerender() error {
	c := &p.comparison
	names := map[string]bool{}
	prefix := path.Join(c.Root, "environments") + "/"
	for _, file := range c.Committed.Paths() {
		if env, ok := strings.CutSuffix(strings.TrimPrefix(file, prefix), "/effective.yaml"); ok && strings.HasPrefix(file, prefix) && !strings.Contains(env, "/") {
			names[env] = true
		}
	}
	for env := range c.Fresh {
		names[env] = true
	}
	for _, env := range slices.Sorted(maps.Keys(names)) {
		file := prefix + env + "/effective.yaml"
		f, ok := c.Committed.Get(file)
		if !ok || !tree.Owned(f.Data) {
			c.Want[env] = nil
			continue
		}
		if same, ok := freshFile(c.Fresh[env], file); ok && bytes.Equal(same, f.Data) {
			c.Want[env] = c.Fresh[env] // one spec, one rendering
			continue
		}
		e, found := spec.ParseEffective(file, f.Data)
		if e == nil || found.AtLeast(diag.Error) || e.Environment != env {
			c.Want[env] = nil
			p.findings = append(p.findings, found.In(env)...)
			continue
		}
		if e.Strake != Version {
			c.Behind[env] = e.Strake
		}
		want, err := render.Environment(e)
		if err != nil {
			return err
		}
		c.Want[env] = want
	}
	return nil
}

// withPlatform opens the repository, reads a spec that has no errors, and hands
// both on. A spec that has some is reported, and nothing more is done.
func (g *global) withPlatform(ctx context.Context, do func(*workspace, *platform) error) (err error) {
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.settled(); err != nil {
		return err
	}
	p, err := w.load(ctx)
	if err != nil {
		return err
	}
	if p.findings.AtLeast(diag.Error) {
		return w.refuse(p.findings, p.all)
	}
	return do(w, p)
}

// names lists environments for a sentence.
func names(environments []*spec.Effective) []string {
	out := make([]string, 0, len(environments))
	for _, e := range environments {
		out = append(out, e.Environment)
	}
	return out
}

// freshFile is what the spec renders at a path now.
func freshFile(t *tree.Tree, file string) ([]byte, bool) {
	if t == nil {
		return nil, false
	}
	f, ok := t.Get(file)
	return f.Data, ok
}
