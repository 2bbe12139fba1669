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
	ours     map[string]bool // normalised addresses of this repository
	assumed  string          // the address that is taken for this repository, without proof
	reached  map[string][]*app
	scopes   map[schema.GroupKind]string
	elsewhere, charts,
	unbuilt []*app
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
	if len(r.apps) == 0 {
		return
	}
	d := &delivery{run: r, overlays: map[string]*check.Overlay{}, ours: map[string]bool{}, reached: map[string][]*app{}, scopes: definedScopes(r.in.Objects())}
	for i := range r.in.Overlays {
		d.overlays[r.in.Overlays[i].Dir] = &r.in.Overlays[i]
	}
	for _, url := range r.in.Repository.URLs {
		if key := address(url); key != "" {
			d.ours[key] = true
		}
	}
	d.assume()
	for _, a := range r.apps {
		project := d.projectOf(a)
		for _, s := range a.sources() {
			d.source(a, s, project)
		}
		d.destinationPermitted(a, project)
	}
	d.coverage()
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
	for _, a := range d.apps {
		for _, s := range a.sources() {
			url := address(s.RepoURL)
			if d.ours[url] {
				return
			}
			if s.Chart != "" || s.Path == "" || s.Path == "." || url == "" {
				continue
			}
			if counts[url] == nil {
				counts[url] = &count{url: url}
			}
			counts[url].total++
			if _, ok := d.in.Repository.List(path.Clean(s.Path)); ok {
				counts[url].here++
			}
		}
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

// projectOf finds the project of an Application. A project that is not rendered
// may be kept elsewhere where none is rendered at all.
func (d *delivery) projectOf(a *app) *project {
	name := a.projectName()
	if strings.Contains(name, "{{") {
		return nil
	}
	for _, p := range d.projects {
		if p.o.Name == name {
			return p
		}
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
		if meant := diag.DidYouMean(name, names); meant != "" {
			detail += "Did you mean " + meant + "?"
		} else {
			detail += "There are: " + strings.Join(names, ", ") + "."
		}
	}
	d.add(find(a.o, "application-project-missing", severity, keys(nil, "spec", "project"), fmt.Sprintf("there is no AppProject %q", name), detail))
	return nil
}

// denied reports what the project of an Application does not permit.
func (d *delivery) denied(a *app, p *project, at manifest.Path, summary, detail string) {
	f := find(a.o, "application-not-permitted", diag.Error, at, summary, detail)
	where, _ := p.o.Locate(keys(nil, "spec"))
	f.Related = append(f.Related, diag.Related{Range: where, Message: "the project " + p.o.Name})
	d.add(f)
}

func (d *delivery) source(a *app, s source, p *project) {
	if p != nil && s.RepoURL != "" && !p.IsSourcePermitted(s.ApplicationSource) {
		d.denied(a, p, keys(s.path, "repoURL"), fmt.Sprintf("the project %s does not permit the repository %s", p.o.Name, s.RepoURL), "Add it to sourceRepos of the project, or deliver from one that is there.")
	}
	switch {
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

// destination gives the cluster of Argo CD both of its names.
func destination(a *app) v1alpha1.ApplicationDestination {
	to := a.spec.Destination
	switch {
	case to.Server == inCluster:
		to.Name = inClusterName
	case to.Name == inClusterName:
		to.Server = inCluster
	}
	return to
}

func permits(p *project, to v1alpha1.ApplicationDestination) bool {
	ok, err := p.IsDestinationPermitted(to, func(string) ([]*v1alpha1.Cluster, error) {
		return []*v1alpha1.Cluster{{Name: to.Name, Server: to.Server}}, nil
	})
	return ok && err == nil
}

func (d *delivery) destinationPermitted(a *app, p *project) {
	to := destination(a)
	if p == nil || (to.Server == "" && to.Name == "") || (a.spec.Destination.Server != "" && a.spec.Destination.Name != "") {
		return
	}
	if !permits(p, to) {
		where := a.spec.Destination.Server + a.spec.Destination.Name
		d.denied(a, p, keys(nil, "spec", "destination"), fmt.Sprintf("the project %s does not permit the namespace %q on %s", p.o.Name, to.Namespace, where), "Add it to destinations of the project, or deliver to one that is there.")
	}
	if ns := d.namespace(); ns != "" && !p.IsAppNamespacePermitted(&v1alpha1.Application{ObjectMeta: objectMeta(a.o)}, ns) {
		d.denied(a, p, keys(nil, "metadata", "namespace"), fmt.Sprintf("the project %s takes no Applications from the namespace %s", p.o.Name, a.o.Namespace), "Add it to sourceNamespaces of the project, or move the Application to "+ns+".")
	}
}

// coverage holds the overlays of the spec against the Applications: each is
// delivered once. Without a spec nobody has said that they should be.
func (d *delivery) coverage() {
	if d.in.Spec == nil {
		return
	}
	for _, o := range d.in.Overlays {
		switch by := d.reached[o.Dir]; {
		case len(by) == 0 && len(d.sets) == 0: // an ApplicationSet may generate the one that is missing
			d.add(diag.Diagnostic{
				Rule: "overlay-undelivered", Severity: diag.Error, Range: diag.Range{Path: path.Join(o.Dir, "kustomization.yaml"), Start: diag.Pos{Line: 1, Column: 1}},
				Summary: fmt.Sprintf("no Application delivers %s", o.Dir), Detail: "What stands there never reaches the cluster. Add an Application with this path, or delete the overlay.",
			})
		case len(by) > 1:
			for _, a := range by[1:] {
				f := find(a.o, "overlay-delivered-twice", diag.Error, keys(nil, "spec", "source", "path"), fmt.Sprintf("the Applications %s and %s deliver the same overlay", by[0].o.Name, a.o.Name),
					"They take its objects from each other, and the one that is deleted takes them along. Remove one of them.")
				at, _ := by[0].o.Locate(keys(nil, "spec", "source", "path"))
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
		f := find(apps[0].o, "application-source-unknown", diag.Info, keys(nil, "spec"), fmt.Sprintf("%s %s: %s", plural(len(apps), "Application delivers", "Applications deliver"), what.summary, listed(apps)), what.detail)
		for _, a := range apps[1:] {
			at, _ := a.o.Locate(keys(nil, "spec"))
			f.Related = append(f.Related, diag.Related{Range: at, Message: "the Application " + a.o.Name})
		}
		d.add(f)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// listed names the first few.
func listed(apps []*app) string {
	const most = 5
	var names []string
	for _, a := range apps[:min(most, len(apps))] {
		names = append(names, a.o.Name)
	}
	if len(apps) > most {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
