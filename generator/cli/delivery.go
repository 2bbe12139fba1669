package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"strake/generator/build"
	"strake/generator/check"
	"strake/generator/check/argocd"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/spec"
	"strake/generator/tree"
)

// remotes are the addresses of the clone's remotes.
func (w *workspace) remotes() []string {
	if w.git == nil {
		return nil
	}
	return w.git.Remotes()
}

// repository is what the checks may know of the repository around a stage.
func (s stage) repository() check.Repository {
	r := check.Repository{URLs: slices.Clone(s.addresses)}
	if s.spec != nil {
		r.URLs = append(r.URLs, s.spec.Repository.URL)
	}
	if s.fsys != nil {
		look(&r, s.fsys)
	}
	return r
}

// look lets the checks see the files of the repository.
func look(r *check.Repository, fsys fs.FS) {
	r.List = lister(fsys)
	r.Files = sync.OnceValue(func() []string { return files(fsys) })
	r.Read = func(file string) ([]byte, bool) {
		info, err := fs.Stat(fsys, file)
		if err != nil || info.Size() > tree.MaxFileSize || !info.Mode().IsRegular() {
			return nil, false
		}
		data, err := fs.ReadFile(fsys, file)
		return data, err == nil
	}
}

// files lists all files of the repository. What cannot be listed is a finding
// of the search for kustomizations.
func files(fsys fs.FS) []string {
	var out []string
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".strake"):
			return fs.SkipDir
		case !d.IsDir():
			out = append(out, name)
		}
		return nil
	})
	return out
}

func lister(fsys fs.FS) func(dir string) ([]string, bool) {
	return func(dir string) ([]string, bool) {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return nil, false
		}
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name()
		}
		return names, true
	}
}

// assertions are what the spec says about Argo CD's policy, one for each verb.
func assertions(e *spec.Effective) []check.Assertion {
	if e.ArgoCD == nil || e.ArgoCD.Install == "none" {
		return nil
	}
	var out []check.Assertion
	for i, a := range e.ArgoCD.RBAC.Assertions {
		here := a.Project == spec.PlatformProject || slices.ContainsFunc(e.Tenants, func(t spec.Tenant) bool { return t.Name == a.Project })
		add := func(field string, verbs []string, may bool) {
			for j, verb := range verbs {
				out = append(out, check.Assertion{
					Group: a.Group, Project: a.Project, Verb: verb, May: may,
					Range: e.At(fmt.Sprintf("argocd.rbac.assertions[%d].%s[%d]", i, field, j)),
				})
			}
		}
		if here { // what a tenant may do is asked where it lives
			add("may", a.May, true)
		}
		add("mayNot", a.MayNot, false)
	}
	return out
}

// gathered is what is kept of the overlays of a repository without a spec, to
// follow Argo CD's Applications from one to another: Argo CD's own objects, and
// of all others no more than one of each kind in each namespace.
type gathered struct {
	overlays []check.Overlay
}

func (g *gathered) add(built build.Overlay) {
	type kept struct{ group, kind, namespace string }
	seen := map[kept]bool{}
	o := check.Overlay{Dir: built.Dir, App: path.Base(built.Dir), Files: built.Files}
	for _, object := range built.Objects {
		k := kept{object.Group(), object.Kind, object.Namespace}
		switch {
		case argocdKind(object), argocdSettings(object), volume(object):
			o.Objects = append(o.Objects, object)
		case !seen[k]:
			seen[k] = true
			o.Objects = append(o.Objects, &manifest.Object{
				APIVersion: object.APIVersion, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name, Layers: object.Layers[:min(1, len(object.Layers))],
			})
		}
	}
	g.overlays = append(g.overlays, o)
}

func argocdKind(o *manifest.Object) bool {
	return o.Group() == "argoproj.io" && slices.Contains([]string{"Application", "ApplicationSet", "AppProject"}, o.Kind)
}

// delivers reports whether Argo CD delivers something of the repository.
func (g *gathered) delivers() bool {
	return slices.ContainsFunc(g.overlays, func(o check.Overlay) bool {
		return slices.ContainsFunc(o.Objects, func(object *manifest.Object) bool { return argocdKind(object) && object.Kind != "AppProject" })
	})
}

// pipelines judges the workflows of a platform that Argo CD delivers.
func (w *workspace) pipelines(p *platform) diag.List {
	if !slices.ContainsFunc(p.spec.Environments, func(e *spec.Effective) bool { return e.ArgoCD != nil && e.ArgoCD.Install != "none" }) {
		return nil
	}
	var repository check.Repository
	look(&repository, w.fsys)
	return check.Pipelines(repository)
}

// argocdSettings are the ConfigMaps that Argo CD is configured with.
func argocdSettings(o *manifest.Object) bool {
	return o.Kind == "ConfigMap" && o.Group() == "" && strings.HasPrefix(o.Name, "argocd-")
}

// volume are the kinds that hold data by themselves.
func volume(o *manifest.Object) bool {
	return o.Group() == "" && (o.Kind == "PersistentVolumeClaim" || o.Kind == "PersistentVolume")
}

// topology follows the Applications of a repository without a spec.
func (w *workspace) topology(g *gathered) diag.List {
	repository := check.Repository{URLs: w.remotes()}
	look(&repository, w.fsys)
	var found diag.List
	if g.delivers() {
		found = check.Pipelines(repository)
	}
	return append(found, argocd.New().Topology(&check.Input{Overlays: g.overlays, Repository: repository})...)
}

// plain finds Argo CD's objects in manifests that no kustomization names, by
// directory: many repositories keep their Applications that way.
//
// Charts in the repository are named: what they make is not known here.
func (w *workspace) plain(ctx context.Context, under []string, built func(file string) bool) ([]check.Overlay, diag.List, error) {
	var out []check.Overlay
	var charts []string
	err := fs.WalkDir(w.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			return nil // a finding of the search for kustomizations
		case d.IsDir() && name != "." && slices.Contains([]string{".git", ".strake", "node_modules", "vendor"}, d.Name()):
			return fs.SkipDir
		case d.IsDir() && w.chart(name):
			if within(name, under) {
				charts = append(charts, name)
			}
			return fs.SkipDir // its files are templates of manifests, not manifests
		case d.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, path.Ext(name)) || !within(path.Dir(name), under) || built(name):
			return nil
		}
		objects, err := w.argocdObjects(name)
		if err != nil || len(objects) == 0 {
			return err
		}
		dir := path.Dir(name)
		if len(out) == 0 || out[len(out)-1].Dir != dir {
			out = append(out, check.Overlay{Dir: dir, App: path.Base(dir)})
		}
		out[len(out)-1].Objects = append(out[len(out)-1].Objects, objects...)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("search manifests of Argo CD: %w", err)
	}
	return out, unrendered(charts), nil
}

// unrendered names the charts of a repository once.
func unrendered(charts []string) diag.List {
	if len(charts) == 0 {
		return nil
	}
	first := diag.Diagnostic{
		Rule: build.RuleHelm, Severity: diag.Info, Range: diag.Range{Path: path.Join(charts[0], "Chart.yaml"), Start: diag.Pos{Line: 1, Column: 1}},
		Summary: fmt.Sprintf("%d Helm charts are not rendered: what they make was not checked", len(charts)),
		Detail:  "No program is run during a check. Render a chart into the repository to have it checked.",
	}
	if len(charts) == 1 {
		first.Summary = fmt.Sprintf("the Helm chart %s is not rendered: what it makes was not checked", charts[0])
	}
	for _, dir := range charts[1:] {
		first.Related = append(first.Related, diag.Related{Range: diag.Range{Path: path.Join(dir, "Chart.yaml"), Start: diag.Pos{Line: 1, Column: 1}}, Message: "the chart " + path.Base(dir)})
	}
	return diag.List{first}
}

func (w *workspace) chart(dir string) bool {
	_, err := fs.Stat(w.fsys, path.Join(dir, "Chart.yaml"))
	return err == nil
}

// kustomized reports whether a kustomization stands in a directory or above it:
// what is a part of an object there is a patch.
func (w *workspace) kustomized(dir string) bool {
	for {
		for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
			if _, err := fs.Stat(w.fsys, path.Join(dir, name)); err == nil {
				return true
			}
		}
		if dir == "." {
			return false
		}
		dir = path.Dir(dir)
	}
}

// argocdObjects reads Argo CD's objects out of a file. What is no manifest is
// none of ours.
func (w *workspace) argocdObjects(name string) ([]*manifest.Object, error) {
	info, err := fs.Stat(w.fsys, name)
	if err != nil || info.Size() > tree.MaxFileSize || !info.Mode().IsRegular() {
		return nil, nil //nolint:nilerr // a link that leads nowhere is no manifest
	}
	data, err := fs.ReadFile(w.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if !bytes.Contains(data, []byte("argoproj.io/")) && !bytes.Contains(data, []byte("argocd-")) {
		return nil, nil
	}
	objects, _ := manifest.Split(name, data)
	return slices.DeleteFunc(objects, func(o *manifest.Object) bool {
		patch := o.Fields["$patch"] != nil || argocdKind(o) && o.Fields["spec"] == nil && w.kustomized(path.Dir(name))
		return patch || !argocdKind(o) && !argocdSettings(o)
	}), nil
}
