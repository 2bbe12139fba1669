package argocd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"strake/generator/check/appset"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// app is an Application: one that stands in Git, or one that an ApplicationSet
// makes.
type app struct {
	o               *manifest.Object // where it is written
	name, namespace string
	finalizers      []string
	annotations     map[string]string
	fields          map[string]any // of the Application
	spec            v1alpha1.ApplicationSpec
	// set makes it; nil for one that stands in Git.
	set *appSet
	// pattern says that it stands for all Applications of its set.
	pattern bool
}

// at is the place of a field of the Application in the object that it is
// written in.
func (a *app) at(names ...string) manifest.Path {
	if a.set == nil {
		return keys(nil, names...)
	}
	return keys(keys(nil, "spec", "template"), names...)
}

// title names the Application at the beginning of a sentence's rest.
func (a *app) title() string {
	if a.pattern {
		return "an Application of the ApplicationSet " + a.set.o.Name
	}
	return "the Application " + a.name
}

// open reports whether a text has placeholders that only the cluster fills.
func open(text string) bool { return strings.Contains(text, "{{") }

// appSet is an ApplicationSet.
type appSet struct {
	o   *manifest.Object
	set v1alpha1.ApplicationSet
}

// template is the Application of the template, with its placeholders.
func (s *appSet) template() *app {
	a := s.app(appset.Template(s.o.Fields))
	a.pattern = true
	return a
}

// app reads an Application that the set makes. What of it has the wrong type
// was said of the template.
func (s *appSet) app(made appset.Application) *app {
	a := &app{o: s.o, set: s, fields: made.Fields}
	var typed v1alpha1.Application
	data, err := json.Marshal(made.Fields)
	if err == nil {
		err = json.Unmarshal(data, &typed)
	}
	if err != nil { // a field that the template gave another type
		typed = v1alpha1.Application{Spec: s.set.Spec.Template.Spec}
		typed.Name, typed.Namespace = s.set.Spec.Template.Name, s.o.Namespace
	}
	a.name, a.namespace, a.finalizers, a.annotations, a.spec = typed.Name, s.o.Namespace, typed.Finalizers, typed.Annotations, typed.Spec
	return a
}

// patched applies a templatePatch as Argo CD does. It cannot change the
// project.
func patched(made appset.Application) (appset.Application, error) {
	if made.Patch == "" {
		return made, nil
	}
	patch, err := yamlToJSON(made.Patch)
	if err != nil {
		return made, err
	}
	whole, err := json.Marshal(made.Fields)
	if err != nil {
		return made, err
	}
	data, err := strategicpatch.StrategicMergePatch(whole, patch, v1alpha1.Application{})
	if err != nil {
		return made, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return made, err
	}
	before, _ := made.Fields["spec"].(map[string]any)
	after, _ := fields["spec"].(map[string]any)
	if after != nil && before != nil {
		after["project"] = before["project"]
	}
	made.Fields = fields
	return made, nil
}

// made are the Applications of a set, and whether all of them are known.
type made struct {
	set     *appSet
	apps    []*app
	unknown []appset.Problem
}

// expand makes the Applications of a set as far as they follow from Git. Where
// none can be made, the template stands for them.
func (r *run) expand(s *appSet, here func(url string) bool) made {
	repository := appset.Repository{Here: here, Files: r.in.Repository.Files, Read: r.in.Repository.Read}
	apps, problems := appset.Expand(s.o.Fields, repository)
	out := made{set: s}
	for _, a := range apps {
		p, err := patched(a)
		if err != nil {
			problems = append(problems, appset.Problem{Path: []any{"spec", "templatePatch"}, Reason: "the templatePatch does not fit: " + err.Error()})
			break
		}
		out.apps = append(out.apps, s.app(p))
		if !p.Whole && len(problems) == 0 {
			out.unknown = append(out.unknown, appset.Problem{Unknown: true, Reason: "some of its parameters are the cluster's"})
		}
	}
	failed := false
	for _, p := range problems {
		if p.Unknown {
			out.unknown = append(out.unknown, p)
			continue
		}
		failed = true
		r.add(find(s.o, ruleInvalid, diag.Error, s.o.At(p.Path...), fmt.Sprintf("the ApplicationSet %s makes no Applications: %s", s.o.Name, p.Reason), "Argo CD stops here, too, and leaves the Applications as they are."))
	}
	switch {
	case len(out.apps) == 0 && len(out.unknown) > 0:
		out.apps = []*app{s.template()}
	case len(out.apps) == 0 && !failed && !slices.ContainsFunc(s.set.Spec.Generators, func(g v1alpha1.ApplicationSetGenerator) bool { return countKinds(g) != 1 }):
		r.add(find(s.o, "applicationset-empty", diag.Warning, keys(nil, "spec", "generators"), fmt.Sprintf("the ApplicationSet %s makes no Application", s.o.Name), emptyReason(s)))
	}
	r.sameName(s, out.apps)
	return out
}

func emptyReason(s *appSet) string {
	for _, g := range s.set.Spec.Generators {
		if g.Git != nil {
			return "No directory or file of this repository matches. What an earlier pattern made is deleted, with all that it delivered."
		}
	}
	return "Its generators give no parameters. What earlier ones made is deleted, with all that it delivered."
}

// sameName finds Applications that take each other's place.
func (r *run) sameName(s *appSet, apps []*app) {
	seen := map[string]bool{}
	for _, a := range apps {
		if a.pattern || open(a.name) {
			continue
		}
		if seen[a.name] {
			r.add(find(s.o, ruleInvalid, diag.Error, keys(nil, "spec", "template", "metadata", "name"), fmt.Sprintf("the ApplicationSet %s makes two Applications of the name %s", s.o.Name, a.name),
				"Argo CD refuses the set. Put into the name what tells them apart."))
			return
		}
		seen[a.name] = true
	}
}

// applicationSet judges what of an ApplicationSet does not depend on what it
// makes.
func (r *run) applicationSet(s *appSet) {
	template := keys(nil, "spec", "template", "spec")
	spec := s.set.Spec
	if open(spec.Template.Spec.Project) {
		r.add(find(s.o, "applicationset-project-templated", diag.Error, keys(template, "project"), fmt.Sprintf("the ApplicationSet %s takes the project from a generator", s.o.Name),
			"Whoever may change what the generator reads chooses the project, and with it what the Application may do. Write the project's name, one ApplicationSet for each."))
	}
	if spec.GoTemplate && !slices.Contains(spec.GoTemplateOptions, "missingkey=error") {
		r.add(find(s.o, "applicationset-missing-key", diag.Warning, keys(nil, "spec", "goTemplateOptions"), fmt.Sprintf("the ApplicationSet %s renders a missing value as \"<no value>\"", s.o.Name),
			`Write goTemplateOptions: ["missingkey=error"].`))
	}
	for i, g := range spec.Generators {
		set := countKinds(g)
		at := index(keys(nil, "spec", "generators"), i)
		switch {
		case set == 0:
			r.add(find(s.o, ruleInvalid, diag.Warning, at, "the generator is empty: it makes no Application", "Write one of list, clusters, git, scmProvider, clusterDecisionResource, pullRequest, matrix, merge or plugin."))
		case set > 1:
			r.add(find(s.o, ruleInvalid, diag.Error, at, fmt.Sprintf("the generator names %d kinds, not one", set), "Write an entry of generators for each."))
		}
	}
}

func countKinds(g v1alpha1.ApplicationSetGenerator) int {
	n := 0
	for _, is := range []bool{g.List != nil, g.Clusters != nil, g.Git != nil, g.SCMProvider != nil, g.ClusterDecisionResource != nil, g.PullRequest != nil, g.Matrix != nil, g.Merge != nil, g.Plugin != nil} {
		if is {
			n++
		}
	}
	return n
}
