package tree

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Comparison is what Compare and NewPlan look at: what is committed, what
// effective.yaml renders, and what the spec renders now. It is shared and
// nobody changes it.
type Comparison struct {
	// Root is repository.root: the directory of base/, overlays/ and
	// environments/. Empty is the top.
	Root string
	// Committed is what is on disk, in the index or in a revision: at least
	// the three directories, and .gitattributes.
	Committed *Tree
	// Want is what each environment's committed effective.yaml renders. A nil
	// tree means that there is none, or that it cannot be read.
	Want map[string]*Tree
	// Fresh is what each environment of the spec renders now. A nil tree means
	// that it is not known (the spec has errors), an absent key that the spec
	// has no such environment any more, and a nil map that no environment of
	// the spec is known. The key "" holds files that belong to none.
	Fresh map[string]*Tree
	// Behind names the environments whose effective.yaml another version of
	// Strake wrote, and that version. What this version renders from it may
	// differ without anybody's doing, so a difference is pending, not an edit.
	Behind map[string]string
	// Roots are directories that Terraform reads as a whole: all their .tf files are
	// one configuration. Where somebody has one, nothing of ours is put beside it.
	Roots []string
	// Attributes are the patterns of the block in .gitattributes, as
	// AttributesBlock takes them, relative to Root. Without any the block is not compared.
	Attributes []string
}

// claim is who renders one path, and what.
type claim struct {
	want, fresh  *File
	wantBy       []string // environments
	freshBy      []string
	freshUnknown bool // an environment that wants it has no fresh rendering
	behind       string
	lost, isNew  bool // want is not known: effective.yaml is gone, or was never there
}

func (c *claim) environments() []string {
	all := slices.Concat(c.wantBy, c.freshBy)
	all = slices.DeleteFunc(all, func(e string) bool { return e == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// Compare returns the state of every file that is not as it should be, sorted
// by path. A file of the user beside ours, without our header, is the user's
// and is not mentioned.
func Compare(c Comparison) []Status {
	claims := c.claims()
	var out []Status
	taken := c.takenRoots()
	for _, s := range taken {
		out = append(out, s)
	}
	for _, file := range slices.Sorted(maps.Keys(claims)) {
		if _, ok := taken[path.Dir(file)]; ok {
			continue
		}
		if s, differs := c.judge(file, claims[file]); differs {
			out = append(out, s)
		}
	}
	out = append(out, c.leftOver(claims)...)
	if s, differs := c.attributes(); differs {
		out = append(out, s)
	}
	sortStatuses(out)
	return out
}

// claims joins all renderings by path. Environments are taken in order, so the
// result does not depend on the order of maps.
func (c *Comparison) claims() map[string]*claim {
	claims := map[string]*claim{}
	at := func(path string) *claim {
		if claims[path] == nil {
			claims[path] = &claim{}
		}
		return claims[path]
	}
	for _, env := range c.environments() {
		want, fresh := c.Want[env], c.Fresh[env]
		if want != nil {
			for f := range want.All() {
				cl := at(f.Path)
				cl.want, cl.wantBy = &f, append(cl.wantBy, env)
				cl.freshUnknown = cl.freshUnknown || !c.freshKnown(env)
				if v, ok := c.Behind[env]; ok {
					cl.behind = v
				}
			}
		}
		if fresh == nil {
			continue
		}
		isNew := want == nil && (env == "" || !c.inUse(env, fresh))
		for f := range fresh.All() {
			cl := at(f.Path)
			cl.fresh, cl.freshBy = &f, append(cl.freshBy, env)
			if v, ok := c.Behind[env]; ok && cl.behind == "" {
				cl.behind = v
			}
			cl.isNew = cl.isNew || isNew
			cl.lost = cl.lost || (want == nil && !isNew && c.environmentOf(f.Path) == env)
		}
	}
	return claims
}

func (c *Comparison) environments() []string {
	names := map[string]bool{}
	for name := range c.Want {
		names[name] = true
	}
	for name := range c.Fresh {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// freshKnown reports whether it is known what the spec renders for an
// environment; one that the spec no longer has renders nothing.
func (c *Comparison) freshKnown(env string) bool {
	if c.Fresh == nil {
		return false
	}
	t, named := c.Fresh[env]
	return t != nil || !named
}

// inUse reports whether anything rendered for an environment is committed.
// Without an effective.yaml that means that effective.yaml was lost; an
// environment of which nothing is there is merely new.
func (c *Comparison) inUse(env string, fresh *Tree) bool {
	for f := range fresh.All() {
		if f.Seed || c.environmentOf(f.Path) != env {
			continue
		}
		if have, ok := c.Committed.Get(f.Path); ok && Owned(have.Data) {
			return true
		}
	}
	return false
}

// environmentOf is the environment that a path belongs to, or "" for a base and
// for what is nobody's.
func (c *Comparison) environmentOf(file string) string {
	parts := strings.Split(c.below(file), "/")
	if len(parts) > 2 && (parts[0] == "overlays" || parts[0] == "environments") {
		return parts[1]
	}
	return ""
}

// baseOf is the write-once directory base/<app>/<version>-<hash> that a path
// lies in, or "".
func (c *Comparison) baseOf(file string) string {
	parts := strings.Split(c.below(file), "/")
	if len(parts) > 3 && parts[0] == "base" && parts[2] != "custom" {
		return path.Join(c.Root, parts[0], parts[1], parts[2])
	}
	return ""
}

func (c *Comparison) effectivePath(env string) string {
	return path.Join(c.Root, "environments", env, "effective.yaml")
}

// obstacle says what stands at a path or in the way to it, if it is not a
// regular file: at is the place, force whether replacing it is possible.
func (c *Comparison) obstacle(file string) (at, what string, force, found bool) {
	for i, r := range file {
		if r != '/' {
			continue
		}
		parent := file[:i]
		if odd, ok := c.Committed.odd[parent]; ok {
			return parent, odd.What, false, true
		}
		if _, ok := c.Committed.files[parent]; ok {
			return parent, "file", false, true
		}
	}
	if odd, ok := c.Committed.odd[file]; ok {
		return file, odd.What, odd.What == SymbolicLink, true
	}
	if c.Committed.isDir(file) {
		return file, "directory", false, true
	}
	return "", "", false, false
}

// judge compares one claimed path with what is committed.
func (c *Comparison) judge(file string, cl *claim) (Status, bool) {
	s := Status{Path: file, Environments: cl.environments()}
	seed := cl.want != nil && cl.want.Seed || cl.want == nil && cl.fresh.Seed
	if at, what, _, found := c.obstacle(file); found {
		if seed && at == file {
			return s, false // whatever the user made of it
		}
		return c.foreign(s, at, what), true
	}
	have, present := c.Committed.Get(file)
	switch {
	case !present:
		return c.absent(s, cl, seed), true
	case seed:
		return s, false
	case cl.want != nil && bytes.Equal(have.Data, cl.want.Data):
		return c.settled(s, cl, have)
	case cl.want == nil && bytes.Equal(have.Data, cl.fresh.Data) && (c.baseOf(file) != "" || cl.lost || cl.isNew):
		return s, false
	case !Owned(have.Data):
		return c.foreign(s, file, ""), true
	default:
		return c.differs(s, cl, have), true
	}
}

// absent is the state of a claimed path at which nothing stands.
func (c *Comparison) absent(s Status, cl *claim, seed bool) Status {
	// A seed that effective.yaml wants is missing whichever version wrote it.
	if cl.want == nil && !cl.lost || cl.behind != "" && (!seed || cl.want == nil) {
		return c.pending(s, cl, nil, "not rendered yet")
	}
	s.State = Missing
	s.Summary = "rendered file is missing"
	s.Detail = fmt.Sprintf("Run `%s` to write it again. What should not be rendered is left out in the spec.", renderCommand(s.Environments))
	if seed {
		s.Summary = "the file that an overlay takes your changes from is missing"
		s.Detail = fmt.Sprintf("The overlay does not build without it. Run `%s` to write an empty one.", renderCommand(s.Environments))
	}
	s.From = origin(cl, 1)
	return s
}

// settled is the state of a file that is what effective.yaml renders.
func (c *Comparison) settled(s Status, cl *claim, have File) (Status, bool) {
	switch {
	case cl.freshUnknown:
		return s, false
	case cl.fresh == nil:
		return c.pending(s, cl, nil, "the spec does not render it any more"), true
	case !bytes.Equal(cl.want.Data, cl.fresh.Data):
		return c.pending(s, cl, have.Data, "the spec renders it differently now"), true
	default:
		return s, false
	}
}

func (c *Comparison) pending(s Status, cl *claim, have []byte, why string) Status {
	s.State = Pending
	s.Summary = "pending: " + why
	if cl.behind != "" {
		s.Summary = fmt.Sprintf("pending: last rendered by strake %s", cl.behind)
	}
	s.Detail = fmt.Sprintf("Run `%s` to bring it up to date.", renderCommand(s.Environments))
	if have != nil && cl.fresh != nil {
		s.Line = firstDifference(have, cl.fresh.Data)
	}
	if cl.fresh != nil {
		s.From, _ = cl.fresh.OriginOf(max(1, s.Line))
	}
	return s
}

// differs is the state of a file of ours that is not what effective.yaml
// renders.
func (c *Comparison) differs(s Status, cl *claim, have File) Status {
	right := cl.want
	if right == nil {
		right = cl.fresh
	}
	command := renderCommand(s.Environments)
	s.State = OutOfDate
	s.Line = firstDifference(have.Data, right.Data)
	s.From = origin(cl, s.Line)
	s.Detail = fmt.Sprintf("Run `%s`.", command)
	env := c.environmentOf(s.Path)
	switch {
	case Conflicted(have.Data):
		s.Summary = "rendered file holds conflict markers"
		s.Detail = fmt.Sprintf("Resolve the conflict in the spec, then run `%s`: it writes this file anew.", command)
	case bytes.Equal(withoutCR(have.Data), withoutCR(right.Data)):
		s.Summary = "rendered file has other line ends than strake writes"
		s.Detail = fmt.Sprintf("Run `%s`, and keep the strake block in .gitattributes: it makes git leave line ends alone.", command)
	case cl.fresh != nil && bytes.Equal(have.Data, cl.fresh.Data):
		s.Summary = fmt.Sprintf("rendered file agrees with the spec, but not with %s", c.effectivePath(env))
		s.Detail = fmt.Sprintf("That file was edited by hand or badly merged. Run `%s` to write both anew.", command)
	case cl.behind != "":
		return c.pending(s, cl, have.Data, "")
	case cl.lost && s.Path != c.effectivePath(env):
		s.Summary = fmt.Sprintf("rendered file cannot be judged without a readable %s, and the spec renders it differently", c.effectivePath(env))
		s.Detail = fmt.Sprintf("Restore that file from git, or run `%s` to write both anew.", command)
	default:
		return c.edited(s, env, command)
	}
	return s
}

func (c *Comparison) edited(s Status, env, command string) Status {
	s.State = Edited
	home := "the spec"
	if custom := c.customOf(s.Path); custom != "" {
		home += " or to " + custom
	}
	s.Summary = "rendered file was edited by hand"
	if env != "" && s.Path != c.effectivePath(env) {
		s.Summary += fmt.Sprintf(": it is not what %s renders", c.effectivePath(env))
	}
	s.Detail = fmt.Sprintf("Move the change to %s, then run `%s --force` to restore this file.", home, command)
	return s
}

// foreign is the state of a path where something stands that is not ours.
func (c *Comparison) foreign(s Status, at, what string) Status {
	s.State = Foreign
	switch {
	case what == "":
		s.Summary = "a file without the strake header stands where a rendered file belongs"
		yours := " (custom/ is yours)"
		if isConfiguration(s.Path) {
			yours = ""
		}
		s.Detail = fmt.Sprintf("Move it away%s, or run `%s --force` to replace it.", yours, renderCommand(s.Environments))
	case at == s.Path && what == SymbolicLink:
		s.Summary = "a symbolic link stands where a rendered file belongs"
		s.Detail = fmt.Sprintf("Remove it, or run `%s --force` to replace the link itself.", renderCommand(s.Environments))
	case at == s.Path:
		s.Summary = fmt.Sprintf("%s stands where a rendered file belongs", article(what))
		s.Detail = "Move it away: strake replaces files only."
	default:
		s.Summary = fmt.Sprintf("%s is %s, so the rendered file has no place", at, article(what))
		s.Detail = "Put a real directory there: strake writes through no link and replaces files only."
	}
	return s
}

// leftOver finds files of ours that nobody claims.
func (c *Comparison) leftOver(claims map[string]*claim) []Status {
	orphans, claimed := c.orphans(claims)
	named := c.namedBases(c.Committed, orphans)
	bases := map[string][]string{}
	var out []Status
	for _, file := range slices.Sorted(maps.Keys(orphans)) {
		dir := c.baseOf(file)
		if dir != "" && !claimed[dir] {
			if !named[dir] {
				bases[dir] = append(bases[dir], file)
			}
			continue
		}
		s := Status{State: LeftOver, Path: file, Summary: "nothing renders this file any more"}
		if env := c.environmentOf(file); env != "" {
			s.Environments = []string{env}
		}
		s.Detail = "Run `strake render` to delete it. To keep it as a file of your own, remove the header line."
		out = append(out, s)
	}
	for dir, files := range bases {
		out = append(out, Status{
			State: LeftOver, Path: dir, Files: files, Summary: "no overlay lies on this base any more",
			Detail: "Run `strake render` to delete it.",
		})
	}
	return out
}

// orphans are the files of ours in our directories that nobody claims, and
// claimed the bases of which somebody claims a file. The files of an
// environment of which nothing is known are not orphans.
func (c *Comparison) orphans(claims map[string]*claim) (orphans, claimed map[string]bool) {
	claimed, orphans = map[string]bool{}, map[string]bool{}
	for file := range claims {
		if dir := c.baseOf(file); dir != "" {
			claimed[dir] = true
		}
	}
	for file, f := range c.Committed.files {
		if claims[file] != nil || !c.ours(file) || !Owned(f.Data) {
			continue
		}
		if odd := c.Committed.odd[file]; odd.What != "" {
			continue // a link: what it shows is somewhere else
		}
		if env := c.environmentOf(file); env != "" && c.unknown(env) {
			continue
		}
		orphans[file] = true
	}
	return orphans, claimed
}

// ours reports whether a path lies in a directory that is rendered. A custom/
// is the user's with all that is in it, copies of our files included.
func (c *Comparison) ours(file string) bool {
	parts := strings.Split(c.below(file), "/")
	switch {
	case len(parts) < 2:
		return false
	case parts[0] == "base":
		return parts[min(2, len(parts)-1)] != "custom"
	case parts[0] == "overlays":
		return parts[min(3, len(parts)-1)] != "custom"
	default:
		return parts[0] == "environments"
	}
}

// unknown reports whether neither rendering of an environment is at hand.
func (c *Comparison) unknown(env string) bool {
	_, wanted := c.Want[env]
	_, inSpec := c.Fresh[env]
	return (wanted || inSpec) && c.Want[env] == nil && c.Fresh[env] == nil
}

// baseReference finds what may be the path of a base in a kustomization.
var baseReference = regexp.MustCompile(`[^\s"'\[\]{},]*\bbase/[^\s"'\[\]{},]+`)

// namedBases returns the base directories that kustomizations of a tree name,
// whoever wrote them, but for those left out. It reads text rather than YAML: a
// name too many keeps a directory that could go, and no other harm.
func (c *Comparison) namedBases(t *Tree, without map[string]bool) map[string]bool {
	named := map[string]bool{}
	for file, f := range t.files {
		switch path.Base(file) {
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
		default:
			continue
		}
		if without[file] {
			continue
		}
		for line := range bytes.Lines(f.Data) {
			line = bytes.TrimSpace(line)
			if len(line) == 0 || line[0] == '#' {
				continue
			}
			for _, ref := range baseReference.FindAllString(string(line), -1) {
				if dir := c.baseOf(path.Join(path.Dir(file), ref, "x")); dir != "" {
					named[dir] = true
				}
			}
		}
	}
	return named
}

// attributes compares the block in .gitattributes.
func (c *Comparison) attributes() (Status, bool) {
	s := Status{Path: attributesPath}
	if len(c.Attributes) == 0 {
		return s, false
	}
	have, _ := c.Committed.Get(s.Path)
	should := c.attributesFile(have.Data)
	if bytes.Equal(have.Data, should) {
		return s, false
	}
	s.State, s.Summary = OutOfDate, "the block that strake keeps in .gitattributes is not as strake writes it"
	s.Detail = "Run `strake render`. Lines outside of the block are yours and stay."
	if !bytes.Contains(have.Data, []byte(attributesBegin)) {
		s.State, s.Summary = Missing, ".gitattributes lacks the block that strake keeps in it"
	}
	if len(have.Data) > 0 {
		s.Line = firstDifference(have.Data, should)
	}
	return s, true
}

// attributesFile is .gitattributes as it should be. It stands at the top, where
// people look for it, so the patterns lead down to the rendered directories.
func (c *Comparison) attributesFile(existing []byte) []byte {
	patterns := make([]string, 0, len(c.Attributes))
	for _, p := range c.Attributes {
		rest, negated := strings.CutPrefix(p, "!")
		p = path.Join("/", c.Root, rest)
		if negated {
			p = "!" + p
		}
		patterns = append(patterns, p)
	}
	return AttributesBlock(existing, patterns)
}

const attributesPath = ".gitattributes"
