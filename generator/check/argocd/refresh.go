package argocd

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
)

const annotationPaths = "argocd.argoproj.io/manifest-generate-paths"

// refreshPaths are the paths whose commits make Argo CD build an Application
// again: from the top of the repository, or from a source's path.
func refreshPaths(a *app) []string {
	var out []string
	for item := range strings.SplitSeq(a.annotations[annotationPaths], ";") {
		switch {
		case item == "":
		case path.IsAbs(item):
			out = append(out, path.Clean(item))
		default:
			for _, s := range a.sources() {
				out = append(out, path.Join("/", s.Path, item))
			}
		}
	}
	return out
}

func refreshes(paths []string, file string) bool {
	file = path.Join("/", file)
	return slices.ContainsFunc(paths, func(p string) bool {
		matched, err := filepath.Match(p, file)
		return p == "/" || file == p || strings.HasPrefix(file, p+"/") || (matched && err == nil)
	})
}

// refresh finds what an overlay reads and Argo CD does not look at: a commit
// there changes what is delivered, and nothing happens.
func (d *delivery) refresh(a *app, overlay *check.Overlay) {
	paths := refreshPaths(a)
	if len(paths) == 0 || len(overlay.Files) == 0 || slices.ContainsFunc(paths, open) {
		return
	}
	var missed, dirs []string
	for _, file := range overlay.Files {
		if !refreshes(paths, file) {
			missed = append(missed, file)
			if dir := path.Dir(file); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	if len(missed) == 0 {
		return
	}
	f := find(a.o, "application-refresh-missed", diag.Warning, a.at("metadata", "annotations", annotationPaths),
		fmt.Sprintf("%s does not notice a commit to %s, which %s reads", a.title(), listedNames(dirs), overlay.Dir),
		fmt.Sprintf("Argo CD goes on with what it built before. Add /%s to the annotation, separated by a semicolon.", strings.Join(dirs, ";/")))
	for _, file := range missed[:min(3, len(missed))] {
		f.Related = append(f.Related, diag.Related{Range: diag.Range{Path: file, Start: diag.Pos{Line: 1, Column: 1}}, Message: "read, and not watched"})
	}
	d.add(f)
}

// volumes are the kinds that hold data by themselves.
func volumes() []string { return []string{"PersistentVolumeClaim", "PersistentVolume"} }

// unconfirmed finds volumes, and what else the spec wants confirmed, that are
// deleted as soon as they leave Git.
func (d *delivery) unconfirmed(a *app, overlay *check.Overlay) {
	auto := a.automated()
	if auto == nil || !auto.Prune {
		return
	}
	kinds := volumes()
	if value, ok := check.Value(d.in.Spec, keys(nil, "argocd", "sync", "confirmDelete")); ok {
		kinds = list(value)
	}
	option, how := "Prune=confirm,Delete=confirm", "Somebody then has to confirm it."
	if d.version.known() && d.version.before(version{2, 14}) {
		option, how = "Prune=false,Delete=false", "This Argo CD cannot ask."
	}
	for _, o := range overlay.Objects {
		if o.Fields == nil || !slices.Contains(kinds, o.Kind) {
			continue
		}
		if options := resourceOptions(o); slices.Contains(options, "Prune=confirm") || slices.Contains(options, "Prune=false") {
			continue
		}
		f := find(o, "prune-unconfirmed", diag.Warning, keys(nil, "metadata", "annotations", annotationOptions), fmt.Sprintf("%s deletes %s as soon as it leaves Git", a.title(), o.ID()),
			fmt.Sprintf("Annotate it with %s: %s. %s", annotationOptions, option, how))
		at, _ := a.o.Locate(a.at("spec", "syncPolicy", "automated"))
		f.Related = append(f.Related, diag.Related{Range: at, Message: a.title()})
		d.add(f)
	}
}

// revisions names the branches that the Applications of a repository follow,
// where there are several. A spec says it by itself: delivery.branch.
func (d *delivery) revisions(apps []*app) {
	if d.in.Spec != nil {
		return
	}
	counts := map[string]int{}
	var order []string
	first := map[string]*app{}
	for _, a := range apps {
		for _, s := range a.sources() {
			r := s.TargetRevision
			if s.Chart != "" || !d.ours[address(s.RepoURL)] || open(r) || r == "" || r == "HEAD" || pinned(r) {
				continue
			}
			if counts[r] == 0 {
				order = append(order, r)
				first[r] = a
			}
			counts[r]++
		}
	}
	if len(order) < 2 {
		return
	}
	slices.SortStableFunc(order, func(a, b string) int { return counts[b] - counts[a] })
	words := make([]string, len(order))
	for i, r := range order {
		words[i] = fmt.Sprintf("%s (%d)", r, counts[r])
	}
	a := first[order[1]]
	f := find(a.o, "application-revisions-differ", diag.Info, a.at("spec", "source", "targetRevision"), fmt.Sprintf("the Applications follow %d branches of this repository: %s", len(order), listedNames(words)),
		"What stands here is one of them: the others were not looked at. A directory for each environment, and one branch, need no merge from one to the next.")
	for _, r := range order {
		if r != order[1] {
			at, _ := first[r].o.Locate(first[r].at("spec", "source", "targetRevision"))
			f.Related = append(f.Related, diag.Related{Range: at, Message: fmt.Sprintf("%s follows %s", first[r].title(), r)})
		}
	}
	d.run.add(f)
}

// pinned reports whether a revision is a version or a commit, not a branch.
func pinned(revision string) bool {
	hex := len(revision) == 40 && strings.Trim(revision, "0123456789abcdef") == ""
	return hex || parseVersion(revision).known() || strings.HasPrefix(revision, "refs/tags/")
}
