// Package appset works out which Applications an Argo CD ApplicationSet makes,
// as far as that follows from Git alone: from lists, and from the directories
// and files of the repository itself.
//
// It must never ask a cluster, a Git host or the clock, and never guess: what
// only they know is a Problem that says so.
package appset

import (
	"fmt"
	"slices"
	"strings"
)

// Repository is what is known of the Git repository around the ApplicationSet.
type Repository struct {
	// Here reports whether an address means this repository.
	Here func(url string) bool
	// Files are the paths of all files, sorted, with slashes.
	Files func() []string
	// Read returns a file's content.
	Read func(name string) ([]byte, bool)
}

// Application is one that the set makes.
type Application struct {
	// Fields are those of the Application, in JSON form.
	Fields map[string]any
	// Patch is the templatePatch, filled in; "" without one.
	Patch string
	// Whole is false where placeholders are left that only the cluster can fill.
	Whole bool
}

// Problem is why a generator's Applications are not, or not wholly, known.
type Problem struct {
	// Path leads from the ApplicationSet to the place: keys and indices.
	Path []any
	// Unknown says that Argo CD may well know what is not known here. Otherwise
	// it fails as this does.
	Unknown bool
	Reason  string
}

// most is how many Applications a set may make before it is too large to follow.
const most = 5000

// Expand makes the Applications of a set. fields are the ApplicationSet in JSON
// form. The order is that of the generators.
func Expand(fields map[string]any, repository Repository) ([]Application, []Problem) {
	spec := object(fields["spec"])
	e := &expander{
		repository: repository,
		text:       template{gotemplate: spec["goTemplate"] == true, options: texts(spec["goTemplateOptions"])},
		nested:     spec["applyNestedSelectors"] == true,
	}
	var apps []Application
	for i, item := range items(spec["generators"]) {
		at := []any{"spec", "generators", i}
		g := object(item)
		sets, problem := e.generate(g, at, nil, true)
		if problem != nil {
			e.problems = append(e.problems, *problem)
		}
		tmpl := spec["template"]
		if kind := kindOf(g); kind != "" {
			tmpl = fill(object(object(g[kind])["template"]), object(tmpl))
		}
		for _, set := range sets {
			app, problem := e.application(spec, object(tmpl), set, fields)
			if problem != nil {
				e.problems = append(e.problems, *problem)
				break // the others fail in the same way
			}
			if apps = append(apps, app); len(apps) > most {
				e.problems = append(e.problems, Problem{Path: at, Unknown: true, Reason: fmt.Sprintf("it makes more than %d Applications", most)})
				return apps, e.problems
			}
		}
	}
	return apps, e.problems
}

// Template is the Application that the template alone describes, with every
// placeholder left as it is.
func Template(fields map[string]any) Application {
	spec := object(fields["spec"])
	return Application{Fields: dress(object(clone(spec["template"])), spec, fields)}
}

// params are what a generator gives to the template. partial is set where
// another generator would give more, and only the cluster knows it.
type params struct {
	values  map[string]any
	partial bool
}

type expander struct {
	repository Repository
	text       template
	nested     bool
	problems   []Problem
}

// kinds are the generators, in the order of Argo CD's types. The last group
// asks somebody.
func kinds() []string {
	return []string{"list", "clusters", "git", "scmProvider", "clusterDecisionResource", "pullRequest", "matrix", "merge", "plugin"}
}

// kindOf is the only kind that a generator names, or "".
func kindOf(g map[string]any) string {
	var found []string
	for _, kind := range kinds() {
		if g[kind] != nil {
			found = append(found, kind)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// generate runs one generator. given are the parameters of the generator before
// it in a matrix. top is false within a matrix or a merge.
func (e *expander) generate(g map[string]any, at []any, given map[string]any, top bool) ([]params, *Problem) {
	kind := kindOf(g)
	if kind == "" {
		if top || len(kindsIn(g)) == 0 {
			return nil, nil // it makes nothing; that it is odd is said elsewhere
		}
		return nil, &Problem{Path: at, Reason: "the generator names several kinds"}
	}
	at = append(slices.Clone(at), kind)
	body := object(g[kind])
	if len(given) > 0 {
		filled, err := e.text.deep(body, given, false)
		if err != nil {
			return nil, &Problem{Path: at, Reason: err.Error()}
		}
		body = object(filled)
	}
	var sets []params
	var problem *Problem
	switch kind {
	case "list":
		sets, problem = e.list(body, at)
	case "git":
		sets, problem = e.git(body, at)
	case "matrix":
		sets, problem = e.matrix(body, at)
	case "merge":
		sets, problem = e.merge(body, at)
	default:
		return nil, &Problem{Path: at, Unknown: true, Reason: asks(kind)}
	}
	if selector := object(g["selector"]); len(selector) > 0 && (top || e.nested) {
		if slices.ContainsFunc(sets, func(p params) bool { return p.partial }) {
			return nil, &Problem{Path: at, Unknown: true, Reason: "its selector looks at what only the cluster knows"}
		}
		sets = slices.DeleteFunc(sets, func(p params) bool { return !selects(selector, flatten(p.values)) })
	}
	return sets, problem
}

func kindsIn(g map[string]any) []string {
	return slices.DeleteFunc(kinds(), func(kind string) bool { return g[kind] == nil })
}

// asks says what a generator needs that is not in Git.
func asks(kind string) string {
	switch kind {
	case "clusters", "clusterDecisionResource":
		return fmt.Sprintf("the generator %s asks the cluster", kind)
	case "scmProvider", "pullRequest":
		return fmt.Sprintf("the generator %s asks the Git host", kind)
	default:
		return fmt.Sprintf("the generator %s asks a program", kind)
	}
}

// list gives one set of parameters for each element.
func (e *expander) list(body map[string]any, at []any) ([]params, *Problem) {
	var sets []params
	for i, item := range items(body["elements"]) {
		element, ok := item.(map[string]any)
		if !ok {
			return nil, &Problem{Path: append(at, "elements", i), Reason: "the element is no map"}
		}
		if e.text.gotemplate {
			sets = append(sets, params{values: object(clone(element))})
			continue
		}
		values := map[string]any{}
		for _, key := range sorted(element) {
			inner, nested := element[key].(map[string]any)
			switch s, isText := element[key].(string); {
			case isText:
				values[key] = s
			case key == "values" && nested:
				for _, k := range sorted(inner) {
					s, isText := inner[k].(string)
					if !isText {
						return nil, &Problem{Path: append(at, "elements", i, key, k), Reason: "without goTemplate, every value of an element is a string"}
					}
					values["values."+k] = s
				}
			default:
				return nil, &Problem{Path: append(at, "elements", i, key), Reason: "without goTemplate, every value of an element is a string"}
			}
		}
		sets = append(sets, params{values: values})
	}
	if text, _ := body["elementsYaml"].(string); text != "" {
		parsed, err := decode([]byte(text))
		list, ok := parsed.([]any)
		if err != nil || !ok {
			return nil, &Problem{Path: append(at, "elementsYaml"), Unknown: strings.Contains(text, "{{"), Reason: "elementsYaml is no list"}
		}
		for _, item := range list {
			sets = append(sets, params{values: object(item)})
		}
	}
	return sets, nil
}

// matrix combines every set of the first generator with every set of the
// second, which may refer to the first.
func (e *expander) matrix(body map[string]any, at []any) ([]params, *Problem) {
	list := items(body["generators"])
	if len(list) != 2 {
		return nil, &Problem{Path: append(at, "generators"), Reason: fmt.Sprintf("a matrix has two generators, and this one has %d", len(list))}
	}
	at = append(at, "generators")
	first, unknown := e.generate(object(list[0]), append(slices.Clone(at), 0), nil, false)
	if unknown != nil && !unknown.Unknown {
		return nil, unknown
	}
	if unknown != nil { // the second may still stand by itself
		second, other := e.generate(object(list[1]), append(slices.Clone(at), 1), nil, false)
		if other != nil || refers(list[1]) {
			return nil, unknown
		}
		return partially(second), unknown
	}
	var out []params
	for _, a := range first {
		second, problem := e.generate(object(list[1]), append(slices.Clone(at), 1), a.values, false)
		if problem != nil {
			if !problem.Unknown {
				return nil, problem
			}
			unknown = problem
			out = append(out, params{a.values, true})
			continue
		}
		for _, b := range second {
			values, err := e.combine(a.values, b.values)
			if err != nil {
				return nil, &Problem{Path: at, Reason: err.Error()}
			}
			if out = append(out, params{values, a.partial || b.partial}); len(out) > most {
				return nil, &Problem{Path: at, Unknown: true, Reason: fmt.Sprintf("it makes more than %d combinations", most)}
			}
		}
	}
	return out, unknown
}

func partially(sets []params) []params {
	out := slices.Clone(sets)
	for i := range out {
		out[i].partial = true
	}
	return out
}

// refers reports whether a generator has placeholders: they are for what the
// other generator of its matrix gives.
func refers(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "{{")
	case []any:
		return slices.ContainsFunc(v, refers)
	case map[string]any:
		for key, item := range v {
			if strings.Contains(key, "{{") || (key != "values" && refers(item)) {
				return true
			}
		}
	}
	return false
}

// combine joins two sets: with Go templates the first wins, and without them
// they must not disagree.
func (e *expander) combine(a, b map[string]any) (map[string]any, error) {
	if e.text.gotemplate {
		return override(object(clone(b)), a), nil
	}
	out := map[string]any{}
	for key, value := range a {
		out[key] = fmt.Sprint(value)
	}
	for _, key := range sorted(b) {
		value := fmt.Sprint(b[key])
		if have, both := out[key]; both && have != value {
			return nil, fmt.Errorf("both generators give %s, one %q and the other %q", key, have, value)
		}
		out[key] = value
	}
	return out, nil
}

// merge overrides the sets of the first generator with those of the others that
// have the same keys.
func (e *expander) merge(body map[string]any, at []any) ([]params, *Problem) {
	list, keys := items(body["generators"]), texts(body["mergeKeys"])
	switch {
	case len(list) < 2:
		return nil, &Problem{Path: append(at, "generators"), Reason: "a merge has at least two generators"}
	case len(keys) == 0:
		return nil, &Problem{Path: append(at, "mergeKeys"), Reason: "a merge needs mergeKeys"}
	}
	at = append(at, "generators")
	var base []params
	places := map[string]int{}
	for i, item := range list {
		sets, problem := e.generate(object(item), append(slices.Clone(at), i), nil, false)
		if problem != nil {
			return nil, problem
		}
		seen := map[string]bool{}
		for _, set := range sets {
			key := mergeKey(keys, set)
			if seen[key] {
				return nil, &Problem{Path: append(at, i), Reason: "two sets of parameters have the same merge keys: " + key}
			}
			seen[key] = true
			place, there := places[key]
			switch {
			case i == 0:
				places[key] = len(base)
				base = append(base, set)
			case !there: // it overrides nothing
			case e.text.gotemplate:
				base[place].values = override(object(clone(base[place].values)), set.values)
			default:
				merged := map[string]any{}
				for _, from := range []map[string]any{base[place].values, set.values} {
					for k, v := range from {
						merged[k] = fmt.Sprint(v)
					}
				}
				base[place].values = merged
			}
		}
	}
	return base, nil
}

// mergeKey is what sets must have in common to be merged.
func mergeKey(keys []string, set params) string {
	pairs := make([]string, len(keys))
	for i, name := range keys {
		pairs[i] = fmt.Sprintf("%q=%q", name, fmt.Sprint(set.values[name]))
	}
	return strings.Join(pairs, " ")
}

// application fills in the template.
func (e *expander) application(spec, tmpl map[string]any, set params, fields map[string]any) (Application, *Problem) {
	app := Application{Whole: !set.partial}
	filled := any(clone(tmpl))
	patch, _ := spec["templatePatch"].(string)
	if len(set.values) > 0 {
		var err error
		if filled, err = e.text.deep(tmpl, set.values, set.partial); err != nil {
			return app, &Problem{Path: []any{"spec", "template"}, Unknown: unknownFunction(err), Reason: err.Error()}
		}
		if app.Patch, err = e.text.replace(patch, set.values, set.partial); err != nil {
			return app, &Problem{Path: []any{"spec", "templatePatch"}, Unknown: unknownFunction(err), Reason: err.Error()}
		}
	}
	if set.partial && strings.Contains(app.Patch, "{{") {
		app.Patch = "" // it is no patch yet
	}
	app.Fields = dress(object(filled), spec, fields)
	return app, nil
}

// dress makes an Application of a filled template: it is in the namespace of
// its set, and takes along what it delivered unless the set says otherwise.
func dress(tmpl, spec, set map[string]any) map[string]any {
	if tmpl == nil {
		tmpl = map[string]any{}
	}
	meta := object(tmpl["metadata"])
	if meta == nil {
		meta = map[string]any{}
	}
	if ns := object(set["metadata"])["namespace"]; ns != nil {
		meta["namespace"] = ns
	} else {
		delete(meta, "namespace")
	}
	if object(spec["syncPolicy"])["preserveResourcesOnDeletion"] != true && len(items(meta["finalizers"])) == 0 {
		meta["finalizers"] = []any{"resources-finalizer.argocd.argoproj.io"}
	}
	tmpl["metadata"] = meta
	tmpl["apiVersion"], tmpl["kind"] = "argoproj.io/v1alpha1", "Application"
	return tmpl
}
