package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"strake/generator/diag"
	"strake/generator/fetch"
	"strake/generator/spec"
	"strake/generator/tree"
	"strake/generator/vendored"
)

type vendorOptions struct {
	version, sha256 string
	from            []string
	force           bool
}

func newVendor(g *global) *cobra.Command {
	var o vendorOptions
	cmd := &cobra.Command{
		Use:   "vendor " + strings.Join(vendored.Names(), "|"),
		Short: "Take a project's official manifests into vendor/",
		Long: `Vendor takes the official manifests of one version into vendor/COMPONENT/VERSION:
definitions in crds/, the rest in install/, one object a file, each as its
project published it, and vendored.yaml with the source and the digests. Overlays
lie on them with argocd.install, secrets.install and workflows.crds: vendored.

It is the only command besides propose that uses the network, and it uses none
with --from FILE or --from DIRECTORY. Nothing is written unless the manifests are
those of the component and the version. Give --sha256 wherever you know what the
file is to be: what is taken here runs in your cluster with all rights.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one component: %s", diag.OneOf(vendored.Names()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return g.vendor(cmd.Context(), args[0], o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.version, "version", "", "version as the project tags it (default: the one that the spec names)")
	flags.StringArrayVar(&o.from, "from", nil, "https URL, file or directory of the manifests (default: the project's own); may repeat")
	flags.StringVar(&o.sha256, "sha256", "", "digest that the manifests must have")
	flags.BoolVar(&o.force, "force", false, "replace a version that is there and differs")
	return cmd
}

func (g *global) vendor(ctx context.Context, name string, o vendorOptions) (err error) {
	component, ok := vendored.Find(name)
	if !ok {
		hint := "want " + diag.OneOf(vendored.Names())
		if near := diag.DidYouMean(name, vendored.Names()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usagef("unknown component %q: %s", name, hint)
	}
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.recover(ctx); err != nil {
		return err
	}
	root, err := w.vendorRoot(component, &o)
	if err != nil {
		return err
	}
	sources, err := g.sourcesOf(ctx, component, o)
	if err != nil {
		return err
	}
	if is := vendored.Digest(sources); o.sha256 != "" && !strings.EqualFold(is, o.sha256) {
		return fmt.Errorf("the manifests have the SHA-256 %s, not %s: nothing is written", is, strings.ToLower(o.sha256))
	}
	taken, findings := vendored.Take(component, o.version, root, sources)
	if len(findings) > 0 {
		return w.refuse(findings, nil)
	}
	return w.writeVendored(ctx, component.Dir(root, o.version), taken, o, vendored.Digest(sources))
}

// vendorRoot finds where vendor/ stands, and fills in the version that the spec
// names. A spec with mistakes says both as well.
func (w *workspace) vendorRoot(c vendored.Component, o *vendorOptions) (string, error) {
	var root string
	var named []string
	if w.specPath != "" {
		p, _ := spec.Load(w.fsys, w.specPath, Version)
		if p != nil {
			root = p.Repository.Root
			for _, e := range p.Environments {
				if v := versionOf(e, c.Name); v != "" {
					named = append(named, v)
				}
			}
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	switch {
	case o.version == "" && len(named) == 1:
		o.version = named[0]
	case o.version == "" && len(named) > 1:
		return "", usagef("the spec names %s: say one with --version", list(named))
	case o.version == "":
		return "", usagef("--version is missing, and the spec names none")
	case !vendored.ValidVersion(o.version):
		return "", usagef("--version %s: want a version as the project tags it, such as v1.2.3", o.version)
	}
	if _, err := fs.Stat(w.fsys, path.Join(root, "go.mod")); err == nil {
		return "", errors.New("there is a go.mod here, and a directory vendor beside it changes how Go builds: set repository.root in the spec")
	}
	return root, nil
}

// versionOf is the version of a component that an environment names.
func versionOf(e *spec.Effective, component string) string {
	switch {
	case component == "argocd" && e.ArgoCD != nil:
		return e.ArgoCD.Version
	case component == "external-secrets" && e.Secrets != nil:
		return e.Secrets.Version
	case component == "workflows" && e.Workflows != nil:
		return e.Workflows.Version
	default:
		return ""
	}
}

// sourcesOf reads what is named, or what the project publishes.
func (g *global) sourcesOf(ctx context.Context, c vendored.Component, o vendorOptions) ([]vendored.Source, error) {
	from := o.from
	if len(from) == 0 {
		from = c.Official(o.version)
	}
	var out []vendored.Source
	left := int64(vendored.MaxSize)
	for _, name := range from {
		var more []vendored.Source
		var err error
		switch {
		case strings.Contains(name, "://"):
			done := g.progress("fetching %s", name)
			var data []byte
			data, err = fetch.Client{}.Get(ctx, name, left)
			done()
			more = []vendored.Source{{Name: name, Data: data}}
		default:
			more, err = g.localManifests(name, left)
		}
		if err != nil {
			return nil, err
		}
		for _, s := range more {
			left -= int64(len(s.Data))
		}
		out = append(out, more...)
	}
	return out, nil
}

// localManifests reads a file, or all files of a directory. The name that is
// recorded holds no path of this machine.
func (g *global) localManifests(name string, limit int64) ([]vendored.Source, error) {
	file, recorded := name, filepath.ToSlash(filepath.Clean(name))
	if filepath.IsAbs(name) || !filepath.IsLocal(name) {
		recorded = filepath.Base(name)
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(g.start(), file)
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("--from %s: no such file or directory", name)
	case err != nil:
		return nil, fmt.Errorf("--from: %w", err)
	case info.IsDir():
		return manifestsOf(os.DirFS(file), recorded, limit)
	}
	data, err := readBounded(os.DirFS(filepath.Dir(file)), filepath.Base(file), limit)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	return []vendored.Source{{Name: recorded, Data: data}}, nil
}

// manifestsOf reads the manifests of a directory. One with a kustomization is
// refused: its files are not what it makes.
func manifestsOf(dir fs.FS, recorded string, limit int64) ([]vendored.Source, error) {
	var out []vendored.Source
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, d.Name()):
			return fmt.Errorf("%s is a kustomization, and what it makes is not what its files hold: write 'kustomize build' of it into a file, and name that", path.Join(recorded, name))
		case !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)):
			return nil
		}
		data, err := readBounded(dir, name, limit)
		limit -= int64(len(data))
		out = append(out, vendored.Source{Name: path.Join(recorded, name), Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("--from: %s holds no .yaml, .yml or .json file", recorded)
	}
	return out, nil
}

func readBounded(fsys fs.FS, name string, limit int64) (data []byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: all manifests together may have %d MiB", name, vendored.MaxSize>>20)
	}
	return data, err
}

// writeVendored writes a version, unless another content of it is there.
func (w *workspace) writeVendored(ctx context.Context, dir string, taken *tree.Tree, o vendorOptions, sum string) error {
	there, odd, err := w.dir.Load(ctx, dir)
	if err != nil {
		return err
	}
	if len(odd) > 0 {
		return w.refuse(odd, nil)
	}
	plan, differ := vendorPlan(there, taken)
	if len(plan.Changes) == 0 {
		w.talk("%s is there already, with the same content", dir)
		return nil
	}
	if there.Len() > 0 && !o.force {
		return fmt.Errorf("%s is there and differs in %s: --force replaces it", dir, some(differ))
	}
	if _, err := w.dir.Write(ctx, plan, tree.WriteOptions{}); err != nil {
		return err
	}
	w.talk("took %d files into %s\nsha256 %s", taken.Len(), dir, sum)
	return nil
}

// some names the first of many.
func some(names []string) string {
	const limit = 3
	if len(names) <= limit {
		return list(names)
	}
	return fmt.Sprintf("%s and %d more files", strings.Join(names[:limit], ", "), len(names)-limit)
}

// vendorPlan makes a directory what was taken: files that are not among it go.
func vendorPlan(there, taken *tree.Tree) (*tree.Plan, []string) {
	plan := &tree.Plan{}
	var differ []string
	for f := range taken.All() {
		have, present := there.Get(f.Path)
		if present && bytes.Equal(have.Data, f.Data) {
			continue
		}
		plan.Changes = append(plan.Changes, tree.Change{Path: f.Path, Before: have.Data, Existed: present, After: f.Data})
		differ = append(differ, f.Path)
	}
	for f := range there.All() {
		if _, stays := taken.Get(f.Path); !stays {
			plan.Changes = append(plan.Changes, tree.Change{Path: f.Path, Before: f.Data, Existed: true, Delete: true})
			differ = append(differ, f.Path)
		}
	}
	return plan, differ
}

// vendoredNeeds lists the vendored versions that environments lie on.
func vendoredNeeds(environments []*spec.Effective) []vendored.Need {
	var needs []vendored.Need
	for _, e := range environments {
		add := func(component, at string, parts ...string) {
			c, _ := vendored.Find(component)
			for _, part := range parts {
				needs = append(needs, vendored.Need{Component: c, Version: versionOf(e, component), Part: part, At: e.At(at), Environment: e.Environment})
			}
		}
		if e.ArgoCD != nil && e.ArgoCD.Install == "vendored" {
			add("argocd", "argocd.version", vendored.Definitions, vendored.Install)
		}
		if e.Secrets != nil && e.Secrets.Install == "vendored" {
			add("external-secrets", "secrets.version", vendored.Definitions, vendored.Install)
		}
		if w := e.Workflows; w != nil && w.Install == "embedded" && w.CRDs == "vendored" {
			add("workflows", "workflows.version", vendored.Definitions)
		}
	}
	return needs
}
