package argocd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

func yamlToJSON(text string) ([]byte, error) { return yaml.YAMLToJSON([]byte(text)) }

// verdict is the answer to a question about a project.
type verdict int

const (
	no verdict = iota
	perhaps
	yes
)

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

// reaches asks the project for a destination. Other clusters have an address
// and a name too, and only Argo CD knows which belong together.
func reaches(p *project, to v1alpha1.ApplicationDestination) verdict {
	if open(to.Server + to.Name + to.Namespace) {
		return perhaps
	}
	permits := func(to v1alpha1.ApplicationDestination) bool {
		ok, err := p.IsDestinationPermitted(to, func(string) ([]*v1alpha1.Cluster, error) {
			return []*v1alpha1.Cluster{{Name: to.Name, Server: to.Server}}, nil
		})
		return ok && err == nil
	}
	if permits(to) {
		return yes
	}
	other := to
	switch {
	case to.Server == "" && to.Name != "":
		other.Server = "https://some.cluster.invalid"
	case to.Name == "" && to.Server != "":
		other.Name = "some-cluster.invalid"
	default:
		return no
	}
	if permits(other) {
		return yes // any address, or any name, will do
	}
	for _, d := range p.Spec.Destinations {
		if to.Server == "" && d.Server != "" && d.Server != inCluster {
			other.Server = d.Server
		} else if to.Name == "" && d.Name != "" && d.Name != inClusterName {
			other.Name = d.Name
		} else {
			continue
		}
		if permits(other) {
			return perhaps
		}
	}
	return no
}

func (d *delivery) destinationPermitted(a *app, p *project) {
	to := destination(a)
	if p == nil || (to.Server == "" && to.Name == "") || (a.spec.Destination.Server != "" && a.spec.Destination.Name != "") {
		return
	}
	if reaches(p, to) == no {
		where := a.spec.Destination.Server + a.spec.Destination.Name
		d.denied(a, p, a.at("spec", "destination"), fmt.Sprintf("the project %s does not permit the namespace %q on %s", p.o.Name, to.Namespace, where), "Add it to destinations of the project, or deliver to one that is there.")
	}
	if ns := d.namespace(); ns != "" && !p.IsAppNamespacePermitted(&v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: a.name, Namespace: a.namespace}}, ns) {
		d.denied(a, p, keys(nil, "metadata", "namespace"), fmt.Sprintf("the project %s takes no Applications from the namespace %s", p.o.Name, a.namespace), "Add it to sourceNamespaces of the project, or move the Application to "+ns+".")
	}
}

// globals are the projects that others take part in by their labels.
// https://argo-cd.readthedocs.io/en/stable/user-guide/projects/#configuring-global-projects-v18
type globals struct {
	known    bool // argocd-cm is here
	settings []globalProject
}

type globalProject struct {
	ProjectName   string               `json:"projectName"`
	LabelSelector metav1.LabelSelector `json:"labelSelector"`
}

func (r *run) globals() globals {
	o := r.configMap(settingsName)
	if o == nil {
		return globals{}
	}
	g := globals{known: true}
	if text := data(o)["globalProjects"]; text != "" {
		if err := yaml.Unmarshal([]byte(text), &g.settings); err != nil {
			r.add(find(o, "argocd-setting", diag.Error, keys(nil, "data", "globalProjects"), "globalProjects is no list of label selectors and projects", "Write - projectName: NAME and labelSelector: {matchLabels: {KEY: VALUE}}."))
		}
	}
	return g
}

// withGlobals is a project with what its global projects add to it, as Argo CD
// puts them together.
func (d *delivery) withGlobals(p *project) *project {
	if len(d.global.settings) == 0 {
		return p
	}
	whole := &project{o: p.o, AppProject: *p.DeepCopy()}
	for _, g := range d.global.settings {
		selector, err := metav1.LabelSelectorAsSelector(&g.LabelSelector)
		if err != nil || !selector.Matches(labels.Set(p.Labels)) {
			continue
		}
		var candidates []*manifest.Object
		for _, c := range d.projects {
			if c.o.Name == g.ProjectName {
				candidates = append(candidates, c.o)
			}
		}
		o := d.nearest(p.o, candidates)
		i := slices.IndexFunc(d.projects, func(c *project) bool { return c.o == o })
		if o == nil || i < 0 {
			continue
		}
		add := d.projects[i].Spec
		whole.Spec.ClusterResourceWhitelist = append(whole.Spec.ClusterResourceWhitelist, add.ClusterResourceWhitelist...)
		whole.Spec.ClusterResourceBlacklist = append(whole.Spec.ClusterResourceBlacklist, add.ClusterResourceBlacklist...)
		whole.Spec.NamespaceResourceWhitelist = append(whole.Spec.NamespaceResourceWhitelist, add.NamespaceResourceWhitelist...)
		whole.Spec.NamespaceResourceBlacklist = append(whole.Spec.NamespaceResourceBlacklist, add.NamespaceResourceBlacklist...)
		whole.Spec.SourceRepos = append(whole.Spec.SourceRepos, add.SourceRepos...)
		whole.Spec.Destinations = append(whole.Spec.Destinations, add.Destinations...)
	}
	return whole
}

// doubtful reports whether a project may be permitted more than stands in it:
// argocd-cm, which says so, is not here, and the project has labels to be
// chosen by.
func (d *delivery) doubtful(a *app, p *project) bool {
	if d.global.known || d.in.Spec != nil || !chosenByLabels(p) {
		return false
	}
	for q := range d.unsure {
		if q.o == p.o {
			p = q
		}
	}
	if !slices.Contains(d.unsure[p], a) {
		d.unsure[p] = append(d.unsure[p], a)
	}
	return true
}

func chosenByLabels(p *project) bool {
	for key := range p.Labels {
		if !strings.Contains(key, "kubernetes.io/") && !strings.Contains(key, "argoproj.io/") {
			return true
		}
	}
	return false
}

// unsureProjects names the projects whose rights are not wholly known.
func (d *delivery) unsureProjects() {
	for _, p := range d.projects {
		apps := d.unsure[p]
		if len(apps) == 0 {
			continue
		}
		f := find(p.o, "application-not-permitted", diag.Info, keys(nil, "metadata", "labels"),
			fmt.Sprintf("what the project %s permits is not wholly known: by itself it does not permit all that %s: %s", p.o.Name, plural(len(apps), "Application delivers", "Applications deliver"), listed(apps)),
			"The globalProjects of argocd-cm may give more to a project that has labels, and argocd-cm is not here.")
		for _, a := range apps {
			at, _ := a.o.Locate(a.at("spec", "project"))
			f.Related = append(f.Related, diag.Related{Range: at, Message: a.title()})
		}
		d.run.add(f)
	}
}
