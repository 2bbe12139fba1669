package argocd

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v2/util/git"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"strake/generator/check"
	"strake/generator/check/appset"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// inCluster is the cluster that Argo CD runs in, which has two names.
const (
	inCluster     = v1alpha1.KubernetesInternalAPIServerAddr
	inClusterName = "in-cluster"
)

// delivery joins Applications with what they deliver.
type delivery struct {
	*run
	overlays map[string]*check.Overlay
	dirs     map[*manifest.Object]string // where Argo CD's own objects stand
	ours     map[string]bool             // normalised addresses of this repository
	assumed  string                      // the address that is taken for this repository, without proof
	reached  map[string][]*app
	scopes   map[schema.GroupKind]string
	made     []made // what the ApplicationSets make
	global   globals
	elsewhere, charts,
	unbuilt []*app
	// current is the Application that is being judged, and generated are the
	// findings on those of ApplicationSets.
	current   *app
	generated map[*appSet][]found
	// unsure are the Applications that deliver what their project may not
	// permit.
	unsure map[*project][]*app
}

// found is a finding on one Application of a set.
type found struct {
	app *app
	d   diag.Diagnostic
}

// add keeps the findings on generated Applications apart: a hundred of them
// may have the same mistake, which stands in one place.
func (d *delivery) add(list ...diag.Diagnostic) {
	if a := d.current; a != nil && a.set != nil && !a.pattern {
		for _, f := range list {
			d.generated[a.set] = append(d.generated[a.set], found{a, f})
		}
		return
	}
	d.run.add(list...)
}

// fold says once what holds for several Applications of one set.
func (d *delivery) fold() {
	for _, s := range d.sets {
		type place struct{ rule, field string }
		var order []place
		groups := map[place][]found{}
		for _, f := range d.generated[s] {
			at := place{f.d.Rule, f.d.Field}
			if groups[at] == nil {
				order = append(order, at)
			}
			groups[at] = append(groups[at], f)
		}
		for _, at := range order {
			group := groups[at]
			first := group[0].d
			var others []*app
			for _, f := range group[1:] {
				if f.app != group[0].app && !slices.Contains(others, f.app) {
					others = append(others, f.app)
				}
			}
			if len(others) > 0 {
				first.Detail = strings.TrimSpace(first.Detail + fmt.Sprintf(" So it is with %s of the ApplicationSet: %s.", plural(len(others), "other Application", "other Applications"), listed(others)))
			}
			d.run.add(first)
		}
	}
}

// address is what two ways to name one repository have in common: host and
// path, without scheme and user.
func address(url string) string {
	url = git.NormalizeGitURL(url)
	if _, rest, found := strings.Cut(url, "://"); found {
		url = rest
	}
	if _, rest, found := strings.Cut(url, "@"); found {
		url = rest
	}
	if host, rest, found := strings.Cut(url, ":"); found && !strings.Contains(host, "/") { // git@host:owner/name
		port, after, _ := strings.Cut(rest, "/")
		if port != "" && strings.Trim(port, "0123456789") == "" {
			rest = after
		}
		url = host + "/" + rest
	}
	return strings.ToLower(strings.Trim(url, "/"))
}

// topology follows every Application to its project and to its source.
func (r *run) topology() {
	if len(r.apps)+len(r.sets) == 0 {
		return
	}
	d := &delivery{
		run: r, overlays: map[string]*check.Overlay{}, dirs: map[*manifest.Object]string{}, ours: map[string]bool{}, reached: map[string][]*app{},
		scopes: definedScopes(r.in.Objects()), generated: map[*appSet][]found{}, unsure: map[*project][]*app{},
	}
	for i := range r.in.Overlays {
		o := &r.in.Overlays[i]
		d.overlays[o.Dir] = o
		for _, object := range o.Objects {
			if object.Group() == group || object.Name == settingsName {
				d.dirs[object] = o.Dir
			}
		}
	}
	for _, url := range r.in.Repository.URLs {
		if key := address(url); key != "" {
			d.ours[key] = true
		}
	}
	d.assume()
	d.global = r.globals()
	apps := slices.Clone(r.apps)
	for _, s := range r.sets {
		m := r.expand(s, func(url string) bool { return d.ours[address(url)] })
		d.made = append(d.made, m)
		apps = append(apps, m.apps...)
	}
	for _, a := range apps {
		d.current = a
		project := d.projectOf(a)
		for _, s := range a.sources() {
			d.source(a, s, project)
		}
		d.destinationPermitted(a, project)
	}
	d.current = nil
	d.fold()
	d.coverage()
	d.revisions(apps)
	d.unknown()
}

// assume takes the one address that most Applications name for this repository
// where nothing says what its address is, and most of their paths are here.
func (d *delivery) assume() {
	if d.in.Repository.List == nil {
		return
	}
	type count struct {
		url         string
		here, total int
	}
	counts := map[string]*count{}
	tally := func(url string, here bool) {
		if counts[url] == nil {
			counts[url] = &count{url: url}
		}
		counts[url].total++
		if here {
			counts[url].here++
		}
	}
	known := false
	sources := func(a *app) {
		for _, s := range a.sources() {
			url := address(s.RepoURL)
			known = known || d.ours[url]
			if s.Chart == "" && s.Path != "" && s.Path != "." && url != "" && !open(s.Path+s.RepoURL) {
				_, here := d.in.Repository.List(path.Clean(s.Path))
				tally(url, here)
			}
		}
	}
	for _, a := range d.apps {
		sources(a)
	}
	for _, s := range d.sets {
		sources(s.template())
		apps, _ := appset.Expand(s.o.Fields, appset.Repository{
			Here: func(url string) bool { known = known || d.ours[address(url)]; return true }, Files: d.in.Repository.Files, Read: d.in.Repository.Read,
		})
		for _, a := range apps { // of the directories that there would be here
			sources(s.app(a))
		}
	}
	if known {
		return
	}
	var best *count
	for _, url := range slices.Sorted(maps.Keys(counts)) {
		if c := counts[url]; best == nil || c.here > best.here {
			best = c
		}
	}
	if best != nil && best.here >= 2 && best.here*2 > best.total {
		d.assumed = best.url
		d.ours[best.url] = true
	}
}

// nearest chooses the object that stands closest to another: a repository may
// hold several Argo CDs, each with a project of the same name.
func (d *delivery) nearest(to *manifest.Object, candidates []*manifest.Object) *manifest.Object {
	var best *manifest.Object
	most := -1
	for _, c := range candidates {
		if n := common(d.dirs[to], d.dirs[c]); n > most {
			best, most = c, n
		}
	}
	return best
}

// common counts the directories that two paths share.
func common(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	if n == len(x) && n == len(y) {
		n++ // the same one
	}
	return n
}

// projectOf finds the project of an Application, with what its global projects
// add. A project that is not rendered may be kept elsewhere where none is
// rendered at all.
func (d *delivery) projectOf(a *app) *project {
	name := a.projectName()
	if open(name) {
		return nil
	}
	var candidates []*manifest.Object
	for _, p := range d.projects {
		if p.o.Name == name {
			candidates = append(candidates, p.o)
		}
	}
	if o := d.nearest(a.o, candidates); o != nil {
		return d.withGlobals(d.projects[slices.IndexFunc(d.projects, func(p *project) bool { return p.o == o })])
	}
	if name == v1alpha1.DefaultAppProjectName {
		return nil
	}
	severity, detail := diag.Error, "Argo CD refuses the Application. "
	if len(d.projects) == 0 {
		severity, detail = diag.Info, "No AppProject is here at all: whether it exists, and what it permits, is not known."
	} else {
		names := make([]string, len(d.projects))
		for i, p := range d.projects {
			names[i] = p.o.Name
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if meant := diag.DidYouMean(name, names); meant != "" {
			detail += "Did you mean " + meant + "?"
		} else {
			detail += "There are: " + strings.Join(names, ", ") + "."
		}
	}
	d.add(find(a.o, "application-project-missing", severity, a.at("spec", "project"), fmt.Sprintf("there is no AppProject %q", name), detail))
	return nil
}

// denied reports what the project of an Application does not permit.
func (d *delivery) denied(a *app, p *project, at manifest.Path, summary, detail string) {
	if d.doubtful(a, p) {
		return
	}
	f := find(a.o, "application-not-permitted", diag.Error, at, summary, detail)
	where, _ := p.o.Locate(keys(nil, "spec"))
	f.Related = append(f.Related, diag.Related{Range: where, Message: "the project " + p.o.Name})
	d.add(f)
}

func (d *delivery) source(a *app, s source, p *project) {
	if p != nil && s.RepoURL != "" && !open(s.RepoURL) && !p.IsSourcePermitted(s.ApplicationSource) {
		d.denied(a, p, keys(s.path, "repoURL"), fmt.Sprintf("the project %s does not permit the repository %s", p.o.Name, s.RepoURL), "Add it to sourceRepos of the project, or deliver from one that is there.")
	}
	switch {
	case open(s.RepoURL + s.Path + s.Chart):
		return // the set is named as one that is not wholly known
	case s.Chart != "":
		d.charts = append(d.charts, a)
		return
	case s.Path == "":
		return // a ref, or a finding already
	case !d.ours[address(s.RepoURL)]:
		d.elsewhere = append(d.elsewhere, a)
		return
	}
	dir := path.Clean(s.Path)
	if o := d.overlays[dir]; o != nil {
		d.reached[dir] = append(d.reached[dir], a)
		d.contents(a, o, p)
		return
	}
	d.directory(a, s, dir)
}

// directory judges a source that is no overlay of the environment.
func (d *delivery) directory(a *app, s source, dir string) {
	at := keys(s.path, "path")
	severity, note := diag.Error, ""
	if d.assumed != "" {
		severity, note = diag.Warning, fmt.Sprintf(" That %s is this repository is taken from the other Applications.", d.assumed)
	}
	if revision := s.TargetRevision; d.in.Spec == nil && !slices.Contains([]string{"", "HEAD", "main", "master"}, revision) {
		severity = diag.Warning
		note += fmt.Sprintf(" The Application follows %s, and what stands there may be other than what stands here.", revision)
	}
	if path.IsAbs(s.Path) || dir == ".." || strings.HasPrefix(dir, "../") {
		d.add(find(a.o, "application-path-missing", diag.Error, at, fmt.Sprintf("the path %s leaves the repository", s.Path), "Write a path from the top of the repository."))
		return
	}
	if d.in.Repository.List == nil {
		if d.in.Spec != nil { // all that this environment delivers is known
			d.add(find(a.o, "application-path-missing", severity, at, fmt.Sprintf("there is no overlay %s", s.Path), d.near(dir)+note))
			return
		}
		d.unbuilt = append(d.unbuilt, a)
		return
	}
	names, ok := d.in.Repository.List(dir)
	switch {
	case !ok:
		d.add(find(a.o, "application-path-missing", severity, at, fmt.Sprintf("the repository has no directory %s", s.Path), d.near(dir)+note))
	case !slices.ContainsFunc(names, deliverable) && (s.Directory == nil || !s.Directory.Recurse) && s.Plugin == nil:
		d.add(find(a.o, "application-path-missing", severity, at, fmt.Sprintf("the directory %s holds nothing that Argo CD can deliver", s.Path), "It has no kustomization, no chart and no manifest. With directory: {recurse: true} Argo CD reads the directories below."+note))
	default:
		d.unbuilt = append(d.unbuilt, a)
	}
}

// deliverable are the files that Argo CD makes manifests of.
func deliverable(name string) bool {
	return name == "Kustomization" || slices.Contains([]string{".yaml", ".yml", ".json", ".jsonnet"}, path.Ext(name))
}

func (d *delivery) near(dir string) string {
	if meant := diag.DidYouMean(dir, slices.Sorted(maps.Keys(d.overlays))); meant != "" {
		return "Did you mean " + meant + "?"
	}
	return "Argo CD reports a comparison error, and delivers nothing."
}

// coverage holds the overlays of the spec against the Applications: each is
// delivered once. Without a spec nobody has said that they should be.
func (d *delivery) coverage() {
	if d.in.Spec == nil {
		return
	}
	for _, o := range d.in.Overlays {
		switch by := d.reached[o.Dir]; {
		case len(by) == 0 && !d.open(): // a set that is not wholly known may make the one that is missing
			d.add(diag.Diagnostic{
				Rule: "overlay-undelivered", Severity: diag.Error, Range: diag.Range{Path: path.Join(o.Dir, "kustomization.yaml"), Start: diag.Pos{Line: 1, Column: 1}},
				Summary: fmt.Sprintf("no Application delivers %s", o.Dir), Detail: "What stands there never reaches the cluster. Add an Application with this path, or delete the overlay.",
			})
		case len(by) > 1:
			for _, a := range by[1:] {
				if destination(a) != destination(by[0]) {
					continue // to another cluster, or another namespace
				}
				f := find(a.o, "overlay-delivered-twice", diag.Error, a.at("spec", "source", "path"), fmt.Sprintf("the Applications %s and %s deliver the same overlay", by[0].name, a.name),
					"They take its objects from each other, and the one that is deleted takes them along. Remove one of them.")
				at, _ := by[0].o.Locate(by[0].at("spec", "source", "path"))
				f.Related = append(f.Related, diag.Related{Range: at, Message: "delivered here, too"})
				d.add(f)
			}
		}
	}
}

// unknown names once what could not be followed.
func (d *delivery) unknown() {
	for _, what := range []struct {
		apps    []*app
		summary string
		detail  string
	}{
		{d.elsewhere, "from other repositories", "Whether the path exists and what it renders is not known here."},
		{d.charts, "charts", "What a chart renders is not known here. Render it into the repository to have it checked."},
		{d.unbuilt, "what is not built here", "Plain manifests, charts, and overlays of other environments are not judged through their Application."},
	} {
		if len(what.apps) == 0 {
			continue
		}
		apps := slices.Compact(what.apps)
		f := find(apps[0].o, "application-source-unknown", diag.Info, apps[0].at("spec"), fmt.Sprintf("%s %s: %s", plural(len(apps), "Application delivers", "Applications deliver"), what.summary, listed(apps)), what.detail)
		for _, a := range apps[1:] {
			at, _ := a.o.Locate(a.at("spec"))
			f.Related = append(f.Related, diag.Related{Range: at, Message: a.title()})
		}
		d.add(f)
	}
	d.unknownSets()
	d.unsureProjects()
}

// open reports whether a set makes Applications that are not known here.
func (d *delivery) open() bool {
	return slices.ContainsFunc(d.made, func(m made) bool { return len(m.unknown) > 0 })
}

// unknownSets names once the sets that only the cluster can expand.
func (d *delivery) unknownSets() {
	var first *made
	n := 0
	var related []diag.Related
	var names []string
	for i, m := range d.made {
		if len(m.unknown) == 0 {
			continue
		}
		n++
		if !slices.Contains(names, m.set.o.Name) {
			names = append(names, m.set.o.Name)
		}
		if first == nil {
			first = &d.made[i]
			continue
		}
		at, _ := m.set.o.Locate(m.set.o.At(m.unknown[0].Path...))
		related = append(related, diag.Related{Range: at, Message: fmt.Sprintf("the ApplicationSet %s: %s", m.set.o.Name, m.unknown[0].Reason)})
	}
	if first == nil {
		return
	}
	p := first.unknown[0]
	summary := fmt.Sprintf("which Applications the ApplicationSet %s makes is not known here: %s", first.set.o.Name, p.Reason)
	if n > 1 {
		summary = fmt.Sprintf("which Applications %d ApplicationSets make is not known here: %s. In %s, %s", n, listedNames(names), first.set.o.Name, p.Reason)
	}
	f := find(first.set.o, "applicationset-unknown", diag.Info, first.set.o.At(p.Path...), summary,
		"Their template was judged as far as it has no placeholder. Lists, and directories and files of this repository, are followed.")
	f.Related = append(f.Related, related...)
	d.run.add(f)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// listed names the first few.
func listed(apps []*app) string {
	names := make([]string, len(apps))
	for i, a := range apps {
		names[i] = a.name
	}
	return listedNames(names)
}

func listedNames(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(slices.Clone(names[:most]), "…")
	}
	return strings.Join(names, ", ")
}
