package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"strake/generator/spec"
	"strake/generator/tree"
)

// app is one overlay of an environment and the base it lies on, before they
// are laid out as files.
type app struct {
	name string
	// base is the directory below base/: several apps may lie on one base.
	// Empty means an overlay without a base.
	base        string
	baseVersion string
	baseObjects []object
	// namespace sets the overlay's namespace: transformer. Empty leaves it out.
	namespace string
	// objects are resources of the overlay itself: those that differ between
	// environments as a whole.
	objects []object
	// patches and generated stand in the component before custom/.
	patches []patch
	// vendored are directories below vendor/ whose official manifests the overlay
	// lies on.
	vendored []string
	// plain overlays have no custom/: nobody changes definitions, and each
	// transformer would cost their whole size.
	plain bool
	// from is the path of the spec that caused the app.
	from string
	// tenant whose Argo CD project delivers the app; nil is the platform's.
	tenant *spec.Tenant
	// files are written beside the overlay's kustomization without being part
	// of it: a Helm values file.
	files []object
}

// object is one file with one document.
type object struct {
	file string // "workflow-controller.deployment.yaml"; made by name() when empty
	from string // path of the spec that caused it
	doc  m
}

// patch is one file of the component, with the objects it is for. Without a
// target it is a strategic merge patch of the object it names itself.
type patch struct {
	file   string
	from   string
	target m // kind, name, as patterns: for JSON6902, and for a merge into many objects
	doc    any
}

// name makes the file name of an object: what it is called, then what it is.
func (o object) name() string {
	if o.file != "" {
		return o.file
	}
	metadata, _ := o.doc.get("metadata").(m)
	name, _ := metadata.get("name").(string)
	kind, _ := o.doc.get("kind").(string)
	return strings.ToLower(name + "." + kind + ".yaml")
}

// layout turns apps into files. Errors are bugs: a literal that YAML cannot
// express.
type layout struct {
	e    *spec.Effective
	out  *tree.Tree
	errs []error
}

// header is the same whether the spec was read from the platform's files or
// from effective.yaml: a byte of difference would be drift.
func (l *layout) header() string {
	return tree.Header(l.under("environments", "platform.yaml"))
}

// under joins a path below repository.root.
func (l *layout) under(parts ...string) string {
	return path.Join(append([]string{l.e.Repository.Root}, parts...)...)
}

func (l *layout) put(file, from string, v any) {
	data, origins, err := document(l.header(), from, v, l.e.At)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", file, err))
		return
	}
	l.out.Put(tree.File{Path: file, Data: data, Origins: origins})
}

// seed writes a file that is the user's from the first day.
func (l *layout) seed(file, about string) {
	text := "# " + about + "\n" +
		"# Strake wrote this file once and will never touch it again.\n" +
		"apiVersion: kustomize.config.k8s.io/v1alpha1\n" +
		"kind: Component\n" +
		"patches: []\n"
	l.out.Put(tree.File{Path: file, Data: []byte(text), Seed: true})
}

func (l *layout) add(a app) {
	overlay := l.under("overlays", l.e.Environment, a.name)
	var resources, components list
	if len(a.baseObjects) > 0 {
		dir := l.addBase(a)
		resources = append(resources, relative(overlay, dir))
	}
	for _, dir := range a.vendored {
		resources = append(resources, relative(overlay, l.under("vendor", dir)))
	}
	for _, o := range sortedObjects(a.objects) {
		l.put(path.Join(overlay, o.name()), o.from, o.doc)
		resources = append(resources, o.name())
	}
	for _, o := range a.files {
		l.put(path.Join(overlay, o.file), o.from, o.doc)
	}
	if len(a.patches) > 0 {
		l.addComponent(path.Join(overlay, "patches"), a)
		components = append(components, "patches")
	}
	if !a.plain {
		if a.base != "" {
			shared := l.under("base", a.base, "custom")
			l.seed(path.Join(shared, "kustomization.yaml"), "Your changes to "+a.base+" in all environments: patches, resources, images.")
			components = append(components, relative(overlay, shared))
		}
		l.seed(path.Join(overlay, "custom", "kustomization.yaml"), "Your changes to "+a.name+" in "+l.e.Environment+": they are applied last, and win.")
		components = append(components, "custom")
	}
	l.put(path.Join(overlay, "kustomization.yaml"), a.from, m{
		{"apiVersion", "kustomize.config.k8s.io/v1beta1"},
		{"kind", "Kustomization"},
		{"namespace", optional(a.namespace)},
		{"resources", resources},
		{"components", components},
	})
}

// addBase writes a base and returns its directory. The name holds a digest of
// the content, so a base is never edited in place: an environment that moves
// on names another directory, and the others stay where they are.
func (l *layout) addBase(a app) string {
	pos, header := l.e.At, l.header()
	var files []tree.File
	var resources list
	for _, o := range sortedObjects(a.baseObjects) {
		data, origins, err := document(header, o.from, o.doc, pos)
		if err != nil {
			l.errs = append(l.errs, fmt.Errorf("base %s: %s: %w", a.base, o.name(), err))
			continue
		}
		files = append(files, tree.File{Path: o.name(), Data: data, Origins: origins})
		resources = append(resources, o.name())
	}
	data, origins, err := document(header, a.from, m{
		{"apiVersion", "kustomize.config.k8s.io/v1beta1"},
		{"kind", "Kustomization"},
		{"resources", resources},
	}, pos)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("base %s: %w", a.base, err))
	}
	files = append(files, tree.File{Path: "kustomization.yaml", Data: data, Origins: origins})
	dir := l.under("base", a.base, a.baseVersion+"-"+digest(files))
	for _, f := range files {
		f.Path = path.Join(dir, f.Path)
		l.out.Put(f)
	}
	return dir
}

func (l *layout) addComponent(dir string, a app) {
	patches := make(list, 0, len(a.patches))
	for _, p := range a.patches {
		l.put(path.Join(dir, p.file), p.from, p.doc)
		var target any
		if p.target != nil {
			target = p.target
		}
		patches = append(patches, m{{"path", p.file}, {"target", target}})
	}
	l.put(path.Join(dir, "kustomization.yaml"), a.from, m{
		{"apiVersion", "kustomize.config.k8s.io/v1alpha1"},
		{"kind", "Component"},
		{"patches", patches},
	})
}

// digest is 8 hexadecimal digits over names and contents.
func digest(files []tree.File) string {
	sum := sha256.New()
	for _, f := range files {
		fmt.Fprintf(sum, "%d:%s%d:%s", len(f.Path), f.Path, len(f.Data), f.Data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:8]
}

func sortedObjects(objects []object) []object {
	out := slices.Clone(objects)
	slices.SortStableFunc(out, func(a, b object) int { return strings.Compare(a.name(), b.name()) })
	return out
}

// relative is the path from one directory of the repository to another.
func relative(from, to string) string {
	a, b := strings.Split(from, "/"), strings.Split(to, "/")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return strings.Repeat("../", len(a)) + strings.Join(b, "/")
}

// optional turns "" into nothing.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
