package build

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// attribute finds out which lines made each object, and which patches, images
// and replacements were for nothing.
func (o *Overlay) attribute(c *closure, p *program, built resmap.ResMap) {
	if p.plain(o.Objects) {
		o.Findings = append(o.Findings, p.unmatchedImages(c)...)
		return
	}
	marked, err := p.build(c, variant{marks: true, last: -1})
	if err == nil {
		err = agree(built, marked)
	}
	if err != nil {
		o.degrade(c, p, err)
		return
	}
	seen := make(map[int]bool)
	selected := make(map[string]bool)
	var unknown []string
	for i, m := range marked {
		marks := marksOf(m)
		if len(marks) == 0 && !p.generates() {
			unknown = append(unknown, m.ID())
		}
		for _, key := range slices.Sorted(maps.Keys(marks)) {
			note(key, seen, selected)
		}
		o.Objects[i].Layers = p.layers(o.Objects[i], marks)
	}
	if len(unknown) > 0 {
		o.Findings = append(o.Findings, diag.Diagnostic{
			Rule: RulePositions, Severity: diag.Info,
			Summary: "which patches made " + enumerate(unknown, 3) + " is not known",
			Detail:  "Findings about it name the file of the object. A patch takes all its annotations away, or a plugin made it.",
			Range:   c.root.at(nil),
		})
	}
	o.Findings = append(o.Findings, p.unmatched(c, seen, selected)...)
	o.Findings = append(o.Findings, p.unmatchedImages(c)...)
}

// plain attributes the objects of a build that only reads resources and sets
// fields by which no object is known, such as a namespace: kind and name then
// say where an object comes from, and the second build is saved. It reports
// whether that was so.
func (p *program) plain(objects []*manifest.Object) bool {
	for _, s := range p.steps {
		switch s.kind {
		case stepResource, stepNamespace, stepLabels, stepCommonLabels, stepAnnotations, stepReplicas, stepImage:
		default:
			return false
		}
	}
	type key struct{ group, kind, name string }
	origins := make(map[key]identity)
	for _, id := range p.identities() {
		k := key{id.group, id.kind, id.name}
		if _, twice := origins[k]; twice {
			return false
		}
		origins[k] = id
	}
	for _, o := range objects {
		if _, known := origins[key{o.Group(), o.Kind, o.Name}]; !known {
			return false
		}
	}
	for _, o := range objects {
		id := origins[key{o.Group(), o.Kind, o.Name}]
		o.Layers = p.layers(o, map[string]string{strconv.Itoa(id.step): id.document})
	}
	return true
}

// generates reports whether generator plugins make objects, which carry no
// marks and belong to the entry of the plugin.
func (p *program) generates() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.kind == stepGenerators })
}

// enumerate lists the first few of many.
func enumerate(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.ReplaceAll(diag.OneOf(names), " or ", " and ")
}

// note remembers one mark: the step that left it, and for a replacement also
// the target.
func note(key string, seen map[int]bool, selected map[string]bool) {
	number, target, found := strings.Cut(key, ".")
	n, err := strconv.Atoi(number)
	if err != nil {
		return
	}
	seen[n] = true
	if found {
		selected[number+"."+target] = true
	}
}

// build runs a variant and returns its objects, marks and all.
func (p *program) build(c *closure, o variant) ([]*manifest.Object, error) {
	d, err := p.prepare(o)
	if err != nil {
		return nil, err
	}
	m, err := run(d, c)
	if err != nil {
		return nil, err
	}
	return outlines(m)
}

// marksOf returns the marks of an object without their prefix.
func marksOf(o *manifest.Object) map[string]string {
	metadata, _ := o.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	marks := make(map[string]string)
	for key, value := range annotations {
		if short, ok := strings.CutPrefix(key, markPrefix); ok {
			marks[short], _ = value.(string)
		}
	}
	return marks
}

// agree reports how the marked objects differ from the plain ones, but for the
// marks.
func agree(built resmap.ResMap, marked []*manifest.Object) error {
	plain, err := outlines(built)
	if err != nil {
		return err
	}
	if len(plain) != len(marked) {
		return fmt.Errorf("one build has %d objects, the other %d", len(plain), len(marked))
	}
	for i := range plain {
		if plain[i].ID() != marked[i].ID() {
			return fmt.Errorf("%s stands where %s should", marked[i].ID(), plain[i].ID())
		}
		if !reflect.DeepEqual(bare(plain[i].Fields), bare(marked[i].Fields)) {
			return fmt.Errorf("%s is not the same", plain[i].ID())
		}
	}
	return nil
}

// bare is an object without marks, and without annotations where none are left.
func bare(fields map[string]any) map[string]any {
	metadata, ok := fields["metadata"].(map[string]any)
	if !ok {
		return fields
	}
	out, meta := maps.Clone(fields), maps.Clone(metadata)
	out["metadata"] = meta
	annotations, _ := meta["annotations"].(map[string]any)
	kept := make(map[string]any, len(annotations))
	for key, value := range annotations {
		// What kustomize notes about itself names the files of the variant.
		if !strings.HasPrefix(key, markPrefix) && key != "config.kubernetes.io/origin" && key != "alpha.config.kubernetes.io/transformations" {
			kept[key] = value
		}
	}
	if len(kept) == 0 {
		delete(meta, "annotations")
	} else {
		meta["annotations"] = kept
	}
	return out
}

// degrade gives objects the position of the file they most likely came from,
// and says so.
func (o *Overlay) degrade(c *closure, p *program, reason error) {
	for _, object := range o.Objects {
		object.Layers = []manifest.Layer{p.guess(object)}
	}
	o.Findings = append(o.Findings, diag.Diagnostic{
		Rule: RulePositions, Severity: diag.Info,
		Summary: "which line made which field is not known for this overlay",
		Detail:  "Findings name the file of an object instead. The reason: " + plainMessage(reason.Error()) + ".",
		Range:   c.root.at(nil),
	})
}

// guess finds the resource document that has the kind and name of an object.
func (p *program) guess(object *manifest.Object) manifest.Layer {
	for _, s := range p.steps {
		if s.kind != stepResource || s.visit.items[s.index].visit != nil {
			continue
		}
		file := s.visit.items[s.index].path
		docs, _ := p.source.documents(file)
		for _, doc := range docs {
			nodes, isList := manifest.ListItems(doc.Node)
			if !isList {
				nodes = []*yaml.Node{doc.Node}
			}
			for _, n := range nodes {
				kind, name := field(n, "kind"), field(n, "metadata", "name")
				if kind != nil && name != nil && kind.Value == object.Kind && strings.Contains(object.Name, name.Value) {
					return resourceLayer(file, n, object)
				}
			}
		}
	}
	for _, s := range p.steps {
		if s.kind == stepGenerators {
			return manifest.Layer{Range: s.at(), Role: "generator"}
		}
	}
	return manifest.Layer{Range: p.root.at(nil), Role: "resource"}
}

func resourceLayer(file string, n *yaml.Node, object *manifest.Object) manifest.Layer {
	return manifest.Layer{
		Range: manifest.Place{Node: n}.Range(file),
		Role:  "resource",
		Find:  manifest.Finder(file, n, object.Fields),
	}
}

// layers turns the marks of an object into layers, in the order in which
// kustomize took the steps.
func (p *program) layers(object *manifest.Object, marks map[string]string) []manifest.Layer {
	var layers []manifest.Layer
	var origin *visit
	for _, s := range p.steps {
		value, touched := marks[strconv.Itoa(s.number)]
		switch {
		case touched && s.kind == stepResource:
			if layer, ok := p.originLayer(s, value, object); ok {
				layers = append(layers, layer)
				origin = s.visit
			}
		case touched && (s.kind == stepConfigMap || s.kind == stepSecret):
			layers = append(layers, p.generatorLayer(s))
			origin = s.visit
		case touched && (s.kind == stepMerge || s.kind == stepPatch || s.kind == stepOperations):
			layers = append(layers, p.patchLayers(s, object)...)
		case origin != nil && reaches(s.visit, origin):
			if layer, ok := p.fieldLayer(s, object); ok {
				layers = append(layers, layer)
			}
		}
	}
	if origin == nil {
		layers = append([]manifest.Layer{p.guess(object)}, layers...)
	}
	return layers
}

// reaches reports whether what a visit does to all objects can have been done
// to one that entered the build at origin.
func reaches(v, origin *visit) bool {
	host := v
	for host.host != nil && host.component() {
		host = host.host
	}
	for up := origin; up != nil; up = up.host {
		if up == v || up == host {
			return true
		}
	}
	return false
}

func (p *program) originLayer(s step, value string, object *manifest.Object) (manifest.Layer, bool) {
	file := s.visit.items[s.index].path
	index, inner, isItem := strings.Cut(value, ".")
	i, err := strconv.Atoi(index)
	docs, _ := p.source.documents(file)
	if err != nil || i >= len(docs) {
		return manifest.Layer{}, false
	}
	n := docs[i].Node
	if isItem {
		j, err := strconv.Atoi(inner)
		items, _ := manifest.ListItems(n)
		if err != nil || j >= len(items) {
			return manifest.Layer{}, false
		}
		n = items[j]
	}
	return resourceLayer(file, n, object), true
}

// unmatched are the patches and replacements that selected nothing.
func (p *program) unmatched(c *closure, seen map[int]bool, selected map[string]bool) (findings diag.List) {
	open := p.untouched(seen)
	if len(open) > 0 {
		// A patch may have touched what was removed later: build again with
		// everything kept, and see.
		if marked, err := p.build(c, variant{marks: true, kept: true, last: -1}); err == nil {
			for _, m := range marked {
				for key := range marksOf(m) {
					note(key, seen, selected)
				}
			}
			open = p.untouched(seen)
		}
	}
	for _, s := range open {
		findings = append(findings, p.noMatch(s))
	}
	return append(findings, p.unmatchedReplacements(selected)...)
}

// untouched lists the targeted patches that left no mark: each entry once,
// however often the build goes through its kustomization.
func (p *program) untouched(seen map[int]bool) []step {
	matched := make(map[*yaml.Node]bool)
	for _, s := range p.steps {
		if seen[s.number] {
			matched[s.node] = true
		}
	}
	var open []step
	for _, s := range p.steps {
		if content, ok := p.patches[s.number]; ok && content.targeted && !matched[s.node] {
			matched[s.node] = true
			open = append(open, s)
		}
	}
	return open
}

// noMatch is the finding about a patch that selects nothing.
func (p *program) noMatch(s step) diag.Diagnostic {
	d := s.visit.finding(RulePatch, s.node, "the patch selects no object, so it changes nothing",
		fmt.Sprintf("No object matches %s. %s", describe(s.target()), p.nearTarget(s.target())))
	if at, _ := keyed(s.node, "target"); at != nil {
		d.Range = s.visit.at(at)
	}
	if s.visit.component() && p.root.dir != "." && !strings.HasPrefix(s.visit.dir+"/", p.root.dir+"/") {
		// A component outside of the overlay may serve others that have it.
		d.Severity = diag.Warning
		d.Summary = "the patch selects no object of this overlay"
	}
	d.Detail = strings.TrimSpace(d.Detail)
	return d
}

func (s step) target() *types.Selector {
	switch {
	case s.kind == stepPatch && s.index < len(s.visit.typed.Patches):
		return s.visit.typed.Patches[s.index].Target
	case s.kind == stepOperations && s.index < len(*operations(&s.visit.typed)):
		return (*operations(&s.visit.typed))[s.index].Target
	}
	return nil
}

// describe names a selector by what it asks for.
func describe(t *types.Selector) string {
	if t == nil {
		return "the target"
	}
	var parts []string
	for _, part := range []struct{ name, value string }{
		{"group", t.Group},
		{"version", t.Version},
		{"kind", t.Kind},
		{"name", t.Name},
		{"namespace", t.Namespace},
		{"labelSelector", t.LabelSelector},
		{"annotationSelector", t.AnnotationSelector},
	} {
		if part.value != "" {
			parts = append(parts, part.name+" "+part.value)
		}
	}
	return strings.Join(parts, ", ")
}

// nearTarget looks for an object that the selector may have meant.
func (p *program) nearTarget(t *types.Selector) string {
	if t == nil || t.Name == "" {
		return ""
	}
	var sameKind []string
	kinds := make(map[string]bool)
	for _, id := range p.identities() {
		if t.Kind == "" || id.kind == t.Kind {
			sameKind = append(sameKind, id.name)
		}
		if id.name == t.Name && id.kind != t.Kind {
			kinds[id.kind] = true
		}
	}
	switch near := diag.DidYouMean(t.Name, sameKind); {
	case near != "":
		return fmt.Sprintf("Did you mean the name %s?", near)
	case len(kinds) > 0:
		return fmt.Sprintf("There is a %s of that name.", diag.OneOf(slices.Collect(maps.Keys(kinds))))
	}
	slices.Sort(sameKind)
	if sameKind = slices.Compact(sameKind); t.Kind != "" && len(sameKind) > 0 && len(sameKind) <= 6 {
		return fmt.Sprintf("The build has the %s %s.", t.Kind, strings.ReplaceAll(diag.OneOf(sameKind), " or ", " and "))
	}
	return ""
}
