// Package build turns kustomizations into Kubernetes objects, in process and
// offline, and knows for every object which lines made it. It is the only
// importer of kustomize.
//
// It must never fetch, run a program, write a file, or judge an object. What
// would fetch or run is a finding, and the overlay is then not built.
package build

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// The rules of this package; see docs/rules.
const (
	RuleFailed      = "build-failed"
	RuleMissing     = "build-missing"
	RuleRemote      = "build-remote"
	RuleExec        = "build-exec"
	RuleHelm        = "build-helm"
	RuleEmpty       = "build-empty"
	RulePositions   = "build-positions"
	RuleUnreached   = "build-unreached"
	RuleField       = "kustomization-field"
	RuleSelectors   = "label-selectors"
	RulePatch       = "patch-no-match"
	RuleImage       = "image-no-match"
	RuleReplacement = "replacement-no-match"
)

// Overlay is one kustomization, built.
type Overlay struct {
	// Dir is the directory of the kustomization, relative to the repository.
	Dir string
	// YAML is what `kustomize build` prints. Nil where the build failed.
	YAML []byte
	// Objects are the objects of YAML, in its order, with their layers.
	Objects []*manifest.Object
	// Files are those that the build reads, sorted, relative to the repository.
	Files []string
	// Findings are all that is to be said about the kustomizations that the
	// build went through. An error means that Objects cannot be relied on.
	Findings diag.List
}

// kustomizeGlobals guards the OpenAPI schema, which kustomize keeps in package
// variables for the whole process. A build that only reads it holds the lock
// for reading; one that replaces it (`openapi:`, `crds:`) has it alone and puts
// the built-in schema back.
// https://github.com/kubernetes-sigs/kustomize/issues/4824
var kustomizeGlobals sync.RWMutex

// warmUp parses kustomize's built-in schema, which every build needs and which
// takes as long as a hundred small builds.
func warmUp() {
	openapi.SchemaForResourceType(yaml.TypeMeta{APIVersion: "v1", Kind: "Pod"})
}

// Overlays builds the kustomizations in dirs, in the order of dirs. fsys is
// rooted at the repository, which is never left. What is wrong with a
// kustomization is a finding of its overlay; the error is only for a context
// that ended.
func Overlays(ctx context.Context, fsys fs.FS, dirs []string) ([]Overlay, error) {
	out := make([]Overlay, len(dirs))
	src := newSource(fsys)
	var alone []int // builds that change the schema, after the others
	var mu sync.Mutex
	err := each(ctx, len(dirs), func(i int) {
		c := src.walk(dirs[i])
		out[i] = Overlay{Dir: dirs[i], Findings: c.findings, Files: slices.Sorted(maps.Keys(c.read))}
		switch {
		case c.findings.AtLeast(diag.Error) || c.root == nil:
		case c.global:
			mu.Lock()
			alone = append(alone, i)
			mu.Unlock()
		default:
			kustomizeGlobals.RLock()
			defer kustomizeGlobals.RUnlock()
			warmUp()
			out[i].make(c)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(alone)
	for _, i := range alone {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i].makeAlone(src.walk(dirs[i]))
	}
	for i := range out {
		out[i].Findings = out[i].Findings.Sorted()
	}
	return out, nil
}

// each calls do for 0 to n-1, as many at a time as there are processors, until
// the context ends.
func each(ctx context.Context, n int, do func(int)) error {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	close(next)
	workers.Wait()
	return cmp.Or(err, ctx.Err())
}

// makeAlone builds with the schema to itself.
func (o *Overlay) makeAlone(c *closure) {
	kustomizeGlobals.Lock()
	defer kustomizeGlobals.Unlock()
	defer warmUp()
	defer openapi.ResetOpenAPI()
	openapi.ResetOpenAPI()
	o.make(c)
}

// make builds the overlay: plain for the objects, and instrumented for where
// they come from.
func (o *Overlay) make(c *closure) {
	p := newProgram(c)
	plain, err := run(&disk{source: c.source}, c)
	if err != nil {
		o.Findings = append(o.Findings, p.explain(c, err))
		return
	}
	if o.Objects, err = objects(plain); err != nil {
		o.Objects = nil
		o.Findings = append(o.Findings, p.explain(c, err))
		return
	}
	o.YAML = printed(o.Objects)
	if len(o.Objects) == 0 {
		o.Findings = append(o.Findings, c.root.finding(RuleEmpty, nil, "the kustomization builds no objects", "List what it should deploy under resources, or delete it."))
	}
	o.attribute(c, p, plain)
}

// run is one build by kustomize. It panics on some inputs; that is an error.
func run(d *disk, c *closure) (m resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	if c.global {
		openapi.ResetOpenAPI()
	}
	options := krusty.MakeDefaultOptions()
	// What the command line does where nobody says --reorder.
	options.Reorder = krusty.ReorderOptionUnspecified
	m, err = krusty.MakeKustomizer(options).Run(d, absolute(c.root.dir))
	if err == nil && d.stray != nil {
		err = d.stray
	}
	return m, err
}

// objects are what a build made, in its order, each also as the command line
// prints it.
func objects(m resmap.ResMap) (out []*manifest.Object, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	for _, res := range m.Resources() {
		data, err := res.MarshalJSON()
		if err != nil {
			return nil, err
		}
		doc, err := k8syaml.JSONToYAML(data)
		if err != nil {
			return nil, err
		}
		fields, err := manifest.Fields(data)
		if err != nil {
			return nil, err
		}
		object, err := manifest.New(fields, doc)
		if err != nil {
			return nil, err
		}
		out = append(out, object)
	}
	return out, nil
}

// outlines are the objects of a build in a form that is good for nothing but
// comparing two builds: it is read off kustomize's own nodes, which takes a
// fifth of the time that printing and reading again does.
func outlines(m resmap.ResMap) (out []*manifest.Object, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	for _, res := range m.Resources() {
		fields, ok := outline(res.YNode()).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("an object is not a map")
		}
		object, err := manifest.New(fields, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, object)
	}
	return out, nil
}

// outline is the value of a node, in which every scalar but null is a string
// that starts with its type where it is not a string by itself.
func outline(n *yaml.Node) any {
	switch n = deref(n); n.Kind {
	case yaml.DocumentNode:
		return outline(n.Content[0])
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = outline(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, child := range n.Content {
			out[i] = outline(child)
		}
		return out
	}
	switch tag := n.ShortTag(); tag {
	case "!!str":
		return n.Value
	case "!!null":
		return nil
	default:
		return tag + "\x00" + n.Value
	}
}

// printed is the objects as the command line prints them.
func printed(objects []*manifest.Object) []byte {
	text := []byte{}
	for i, o := range objects {
		if i > 0 {
			text = append(text, "---\n"...)
		}
		text = append(text, o.YAML...)
	}
	return text
}
