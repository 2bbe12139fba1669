package tree

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"strake/generator/diag"
)

// Change is one file that a write makes, replaces or deletes.
type Change struct {
	Path string
	// Before is the content that the plan was made against; Existed tells an
	// empty file from none.
	Before  []byte
	Existed bool
	// Link is where a symbolic link points that stood there, and is replaced.
	Link string
	// After is the new content; Delete says that there is none.
	After  []byte
	Delete bool
}

// PlanOptions say what a plan covers.
type PlanOptions struct {
	// Environments are those to render. Nil means all, and then what is left
	// of environments that the spec no longer has is deleted too.
	Environments []string
	// Force overwrites files that were edited by hand or are not ours.
	Force bool
}

// Plan is what a write would do. It is decided on trees alone: nothing is read
// and nothing written until Write.
type Plan struct {
	// Changes are sorted by path, writes before deletions, so that an overlay is
	// never there before its base.
	Changes []Change
	// Refused says which files are in the way. Write writes nothing at all while
	// there are any.
	Refused diag.List
}

// Empty reports whether there is nothing to do, and nothing in the way.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 && len(p.Refused) == 0 }

// NewPlan decides how the committed tree becomes what the spec renders: files
// written, seeds where there is nothing, left-overs deleted. It touches only
// base/, the chosen environments and the block in .gitattributes.
func NewPlan(c Comparison, o PlanOptions) *Plan {
	b := &planner{c: &c, o: o, claims: c.claims(), plan: &Plan{}, states: map[string]Status{}, gone: map[string]bool{}}
	for file, cl := range b.claims {
		if s, differs := c.judge(file, cl); differs {
			b.states[file] = s
		}
	}
	fresh := b.fresh()
	taken := c.takenRoots()
	for _, s := range taken {
		if b.chosen(s.Environments[0]) {
			b.plan.Refused = append(b.plan.Refused, s.Diagnostic())
		}
	}
	for f := range fresh.All() {
		if _, ok := taken[path.Dir(f.Path)]; !ok {
			b.write(f)
		}
	}
	b.attributes()
	b.delete(fresh)
	slices.SortStableFunc(b.plan.Changes, func(x, y Change) int {
		if x.Delete != y.Delete {
			if x.Delete {
				return 1
			}
			return -1
		}
		return strings.Compare(x.Path, y.Path)
	})
	b.plan.Refused = b.plan.Refused.Sorted()
	return b.plan
}

type planner struct {
	c      *Comparison
	o      PlanOptions
	claims map[string]*claim
	states map[string]Status
	plan   *Plan
	gone   map[string]bool
}

// chosen reports whether an environment is rendered.
func (b *planner) chosen(env string) bool {
	return b.o.Environments == nil || env == "" || slices.Contains(b.o.Environments, env)
}

// fresh joins what the chosen environments render.
func (b *planner) fresh() *Tree {
	all := New()
	for _, env := range slices.Sorted(maps.Keys(b.c.Fresh)) {
		if t := b.c.Fresh[env]; t != nil && b.chosen(env) {
			all.Merge(t)
		}
	}
	return all
}

// write plans one rendered file.
func (b *planner) write(f File) {
	at, what, replaceable, found := b.c.obstacle(f.Path)
	have, present := b.c.Committed.Get(f.Path)
	switch {
	case found && f.Seed && at == f.Path, present && f.Seed:
		return
	case found:
		s := b.c.foreign(Status{Path: f.Path, Environments: b.claims[f.Path].environments()}, at, what)
		if !replaceable || !b.o.Force {
			b.plan.Refused = append(b.plan.Refused, s.Diagnostic())
			return
		}
		b.add(Change{Path: f.Path, Existed: true, Link: b.c.Committed.odd[f.Path].Target, Before: have.Data, After: f.Data})
		return
	case present && bytes.Equal(have.Data, f.Data):
		return
	}
	if b.protected(f.Path) {
		return
	}
	b.add(Change{Path: f.Path, Existed: present, Before: have.Data, After: f.Data})
}

// protected refuses to touch a file that holds somebody's work.
func (b *planner) protected(file string) bool {
	s, differs := b.states[file]
	if !differs || b.o.Force || s.State != Foreign && s.State != Edited {
		return false
	}
	b.plan.Refused = append(b.plan.Refused, s.Diagnostic())
	return true
}

func (b *planner) add(ch Change) { b.plan.Changes = append(b.plan.Changes, ch) }

func (b *planner) attributes() {
	if _, differs := b.c.attributes(); !differs {
		return
	}
	file := attributesPath
	if at, what, _, found := b.c.obstacle(file); found {
		s := b.c.foreign(Status{Path: file}, at, what)
		b.plan.Refused = append(b.plan.Refused, s.Diagnostic())
		return
	}
	have, present := b.c.Committed.Get(file)
	b.add(Change{Path: file, Existed: present, Before: have.Data, After: b.c.attributesFile(have.Data)})
}

// delete plans to remove what is ours and rendered no more: in the chosen
// environments, and bases that no overlay will lie on.
func (b *planner) delete(fresh *Tree) {
	for _, file := range b.c.Committed.Paths() {
		if b.c.baseOf(file) == "" && b.removable(file, fresh) && b.ownedFile(file) && !b.protected(file) {
			b.remove(file)
		}
	}
	kept := b.keptBases(fresh)
	claimed := map[string]bool{}
	for file := range b.claims {
		claimed[b.c.baseOf(file)] = true
	}
	for _, file := range b.c.Committed.Paths() {
		dir := b.c.baseOf(file)
		if dir == "" || kept[dir] && b.claims[file] != nil || !b.ownedFile(file) {
			continue
		}
		if _, rendered := fresh.Get(file); rendered {
			continue
		}
		if kept[dir] && !claimed[dir] {
			continue // named by an overlay of another version: nobody here knows what belongs in it
		}
		if !b.protected(file) {
			b.remove(file)
		}
	}
}

func (b *planner) remove(file string) {
	have, _ := b.c.Committed.Get(file)
	b.gone[file] = true
	b.add(Change{Path: file, Existed: true, Before: have.Data, Delete: true})
}

// ownedFile reports whether a committed path is a real file with our header.
func (b *planner) ownedFile(file string) bool {
	f, ok := b.c.Committed.Get(file)
	_, odd := b.c.Committed.odd[file]
	return ok && !odd && b.c.ours(file) && Owned(f.Data)
}

// removable reports whether a path outside of the bases is one that this plan
// covers and that its environment does not render.
func (b *planner) removable(file string, fresh *Tree) bool {
	if _, rendered := fresh.Get(file); rendered || !b.c.ours(file) {
		return false
	}
	env := b.c.environmentOf(file)
	if env == "" {
		return b.o.Environments == nil && b.c.Fresh != nil && b.claims[file] == nil
	}
	return b.chosen(env) && b.c.freshKnown(env)
}

// keptBases are the bases that must stay: named by a kustomization that will be
// there afterwards, or rendered by an environment that is not touched now.
func (b *planner) keptBases(fresh *Tree) map[string]bool {
	after := New()
	for file, f := range b.c.Committed.files {
		if !b.gone[file] {
			after.Put(f)
		}
	}
	for _, ch := range b.plan.Changes {
		if !ch.Delete {
			after.Put(File{Path: ch.Path, Data: ch.After})
		}
	}
	kept := b.c.namedBases(after, nil)
	for f := range fresh.All() {
		if dir := b.c.baseOf(f.Path); dir != "" {
			kept[dir] = true
		}
	}
	for env, t := range b.c.Want {
		if t == nil || b.chosen(env) && b.c.freshKnown(env) {
			continue
		}
		for f := range t.All() {
			if dir := b.c.baseOf(f.Path); dir != "" {
				kept[dir] = true
			}
		}
	}
	return kept
}
