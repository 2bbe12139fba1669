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
		r.List = lister(s.fsys)
	}
	return r
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
		add := func(field string, verbs []string, may bool) {
			for j, verb := range verbs {
				out = append(out, check.Assertion{
					Group: a.Group, Project: a.Project, Verb: verb, May: may,
					Range: e.At(fmt.Sprintf("argocd.rbac.assertions[%d].%s[%d]", i, field, j)),
				})
			}
		}
		add("may", a.May, true)
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

func (g *gathered) add(dir string, objects []*manifest.Object) {
	type kept struct{ group, kind, namespace string }
	seen := map[kept]bool{}
	o := check.Overlay{Dir: dir, App: path.Base(dir)}
	for _, object := range objects {
		k := kept{object.Group(), object.Kind, object.Namespace}
		switch {
		case argocdKind(object):
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

// topology follows the Applications of a repository without a spec.
func (w *workspace) topology(g *gathered) diag.List {
	repository := check.Repository{URLs: w.remotes(), List: lister(w.fsys)}
	return argocd.New().Topology(&check.Input{Overlays: g.overlays, Repository: repository})
}

// plain finds Argo CD's objects in manifests that no kustomization names, by
// directory: many repositories keep their Applications that way.
func (w *workspace) plain(ctx context.Context, under []string, built func(file string) bool) ([]check.Overlay, error) {
	var out []check.Overlay
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
		return nil, fmt.Errorf("search manifests of Argo CD: %w", err)
	}
	return out, nil
}

func (w *workspace) chart(dir string) bool {
	_, err := fs.Stat(w.fsys, path.Join(dir, "Chart.yaml"))
	return err == nil
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
		settings := o.Kind == "ConfigMap" && o.Group() == "" && strings.HasPrefix(o.Name, "argocd-")
		return !argocdKind(o) && !settings
	}), nil
}
