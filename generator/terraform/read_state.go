package terraform

import (
	"io/fs"
	"maps"
	"slices"

	"strake/generator/diag"
)

// ReadAll reads several roots of a repository, each once, and gives those that
// read the state of another one its outputs: a terraform_remote_state whose
// backend and config are those of a root here.
func ReadAll(fsys fs.FS, dirs []string, opts Options) ([]*Root, diag.List) {
	a := &all{fsys: fsys, opts: opts, read: map[string]*Root{}, found: map[string]diag.List{}, busy: map[string]bool{}}
	for _, dir := range dirs {
		a.read[dir], a.found[dir] = Read(fsys, dir, opts)
		a.dirs = append(a.dirs, dir)
	}
	if opts.State == nil && len(dirs) > 1 {
		a.first = maps.Clone(a.read)
		for _, dir := range dirs {
			a.join(dir)
		}
	}
	var roots []*Root
	var findings diag.List
	for _, dir := range dirs {
		roots = append(roots, a.read[dir])
		findings = append(findings, a.found[dir]...)
	}
	return roots, findings.Sorted()
}

type all struct {
	fsys  fs.FS
	opts  Options
	dirs  []string
	first map[string]*Root // without the outputs of others
	read  map[string]*Root
	found map[string]diag.List
	busy  map[string]bool // or joined
}

// join reads a root again, now with what other roots give it, those first.
func (a *all) join(dir string) {
	if a.busy[dir] {
		return
	}
	a.busy[dir] = true
	remote := func(r *Resource) bool { return r.Type == "terraform_remote_state" }
	if !slices.ContainsFunc(a.first[dir].Data, remote) {
		return
	}
	opts := a.opts
	opts.State = func(backend string, config Value) (map[string]Value, bool) {
		for _, other := range a.dirs {
			if other != dir && a.first[other].keeps(backend, config) {
				a.join(other)
				return a.read[other].outputValues(), true
			}
		}
		return nil, false
	}
	a.read[dir], a.found[dir] = Read(a.fsys, dir, opts)
}

// keeps reports whether the root keeps its state where a
// terraform_remote_state of this backend and config looks.
func (r *Root) keeps(backend string, config Value) bool {
	if r.Backend == nil || r.Backend.Type != backend {
		return false
	}
	same := false
	for _, name := range []string{"bucket", "prefix", "key", "path", "organization", "hostname"} {
		ours, theirs := r.Backend.Get(name), config.At(name)
		if ours.Unknown() || theirs.Unknown() {
			return false
		}
		a, _ := ours.Str()
		b, _ := theirs.Str()
		if a != b {
			return false
		}
		same = same || a != ""
	}
	return same
}

func (r *Root) outputValues() map[string]Value {
	out := make(map[string]Value, len(r.Outputs))
	for _, o := range r.Outputs {
		v := o.Value
		v.Sensitive = v.Sensitive || o.Sensitive
		out[o.Name] = v
	}
	return out
}
