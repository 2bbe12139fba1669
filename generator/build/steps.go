package build

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// stepKind is what one step of a build does.
type stepKind int

const (
	stepResource stepKind = iota
	stepConfigMap
	stepSecret
	stepGenerators
	stepMerge // an entry of patchesStrategicMerge
	stepPatch
	stepNamespace
	stepPrefix
	stepSuffix
	stepLabels
	stepCommonLabels
	stepAnnotations
	stepOperations // an entry of patchesJson6902
	stepReplicas
	stepImage
	stepReplacement
	stepTransformers
	stepValidators
	stepVars
)

// step is one thing that kustomize does during a build: reading a resource,
// applying a patch. Steps are numbered in the order kustomize takes them, so
// that a build can be cut short after any of them, and so that a mark names the
// step that left it.
type step struct {
	number int
	kind   stepKind
	visit  *visit
	index  int        // in the list of the kustomization
	node   *yaml.Node // where the kustomization says so
}

func (s step) at() diag.Range { return s.visit.at(s.node) }

// program is a build, step by step.
type program struct {
	source *source
	root   *visit
	steps  []step
	// of finds the steps of a visit by kind; their order is that of the list.
	of map[*visit]map[stepKind][]step
	// patches are read once.
	patches map[int]patchContent
}

// patchContent is what a patch step holds.
type patchContent struct {
	docs       []manifest.Document
	operations bool
	targeted   bool
	erases     bool // a document removes its object, or the marks on it
}

func newProgram(c *closure) *program {
	p := &program{
		source: c.source, root: c.root,
		of: make(map[*visit]map[stepKind][]step), patches: make(map[int]patchContent),
	}
	p.plan(c.root)
	return p
}

func (p *program) add(v *visit, kind stepKind, index int, node *yaml.Node) step {
	s := step{number: len(p.steps), kind: kind, visit: v, index: index, node: node}
	p.steps = append(p.steps, s)
	if p.of[v] == nil {
		p.of[v] = make(map[stepKind][]step)
	}
	p.of[v][kind] = append(p.of[v][kind], s)
	return s
}

// plan numbers the steps of a visit as kustomize takes them.
// https://github.com/kubernetes-sigs/kustomize/blob/api/v0.20.1/api/internal/target/kusttarget.go
func (p *program) plan(v *visit) {
	for i, it := range v.items {
		if it.visit != nil {
			p.plan(it.visit)
		}
		p.add(v, stepResource, i, it.node)
	}
	p.list(v, stepConfigMap, "configMapGenerator")
	p.list(v, stepSecret, "secretGenerator")
	p.plugin(v, stepGenerators, "generators")
	for _, it := range v.components {
		p.plan(it.visit)
	}
	for i, e := range v.entries("patchesStrategicMerge") {
		s := p.add(v, stepMerge, i, e.node)
		p.readPatch(s, p.mergeText(v, e))
	}
	for i, n := range v.list("patches") {
		s := p.add(v, stepPatch, i, n)
		p.readPatch(s, p.entryText(v, n))
	}
	p.single(v, stepNamespace, "namespace")
	p.single(v, stepPrefix, "namePrefix")
	p.single(v, stepSuffix, "nameSuffix")
	p.list(v, stepLabels, "labels")
	p.single(v, stepCommonLabels, "commonLabels")
	p.single(v, stepAnnotations, "commonAnnotations")
	for i, n := range v.list("patchesJson6902") {
		s := p.add(v, stepOperations, i, n)
		p.readPatch(s, p.entryText(v, n))
	}
	p.list(v, stepReplicas, "replicas")
	p.list(v, stepImage, "images", "imageTags")
	p.list(v, stepReplacement, "replacements")
	p.plugin(v, stepTransformers, "transformers")
	p.plugin(v, stepValidators, "validators")
	p.list(v, stepVars, "vars")
}

func (p *program) list(v *visit, kind stepKind, keys ...string) {
	for i, n := range v.list(keys...) {
		p.add(v, kind, i, n)
	}
}

func (p *program) single(v *visit, kind stepKind, key string) {
	if at, value := keyed(v.root, key); at != nil && value != nil && value.ShortTag() != "!!null" {
		p.add(v, kind, 0, at)
	}
}

func (p *program) plugin(v *visit, kind stepKind, key string) {
	for _, it := range v.plugins[key] {
		p.plan(it.visit)
	}
	p.list(v, kind, key)
}

func (p *program) mergeText(v *visit, e entry) patchText {
	text := patchText{source: p.source, visit: v, node: e.node}
	if !inlineObjects(e.value) {
		text.file = path.Join(v.dir, e.value)
	}
	return text
}

func (p *program) entryText(v *visit, n *yaml.Node) patchText {
	text := patchText{source: p.source, visit: v, node: n}
	if file := field(n, "path"); file != nil && file.Value != "" {
		text.file = path.Join(v.dir, file.Value)
	}
	return text
}

func (p *program) readPatch(s step, text patchText) {
	if text.file != "" {
		if real, _, err := p.source.resolve(text.file); err == nil {
			text.file = real
		}
	}
	docs, _ := text.documents() // judged by the closure
	content := patchContent{docs: docs, targeted: field(s.node, "target") != nil}
	content.operations = len(docs) > 0 && docs[0].Node.Kind == yaml.SequenceNode
	for _, doc := range docs {
		content.erases = content.erases || deletes(doc.Node) || wipes(doc.Node)
	}
	p.patches[s.number] = content
}

// deletes reports whether a strategic merge patch removes its object.
func deletes(n *yaml.Node) bool {
	directive := field(n, "$patch")
	return n.Kind == yaml.MappingNode && directive != nil && directive.Value == "delete"
}

// wipes reports whether a strategic merge patch takes all annotations off its
// object, and the marks with them.
func wipes(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	metadata := field(n, "metadata")
	annotations := field(metadata, "annotations")
	return field(n, "$patch") != nil || field(metadata, "$patch") != nil || field(annotations, "$patch") != nil ||
		(annotations != nil && annotations.ShortTag() == "!!null")
}

// variant says how a build shall differ from the plain one.
type variant struct {
	// marks puts a mark on every object at every step that touches it.
	marks bool
	// kept leaves out what removes objects or marks: both stay.
	kept bool
	// last is the number of the last step that is taken; negative for all.
	last int
	// none takes no step at all.
	none bool
	// sentinels makes the images of this visit recognisable.
	sentinels *visit
}

func (o variant) takes(s step) bool { return !o.none && (o.last < 0 || s.number <= o.last) }

// markPrefix starts the annotations that marks are. Kustomize keeps annotations
// of this prefix when a JSON patch replaces all annotations.
const markPrefix = "internal.config.kubernetes.io/strake-"

func mark(number int) string { return fmt.Sprintf("%s%d", markPrefix, number) }

// prepare writes the kustomizations of a variant, in the order in which
// kustomize will read them, and the files that only this variant has.
func (p *program) prepare(o variant) (*disk, error) {
	d := &disk{source: p.source, virtual: make(map[string][]byte), script: []scripted{}}
	if err := p.write(d, p.root, o); err != nil {
		return nil, err
	}
	return d, nil
}

func (p *program) write(d *disk, v *visit, o variant) error {
	at := len(d.script)
	d.script = append(d.script, scripted{path: v.path})
	k := v.typed // a copy of the struct; lists are replaced below, never changed
	var resources []string
	for _, s := range p.of[v][stepResource] {
		it := v.items[s.index]
		switch {
		case it.visit != nil && p.started(it.visit, o):
			if err := p.write(d, it.visit, o); err != nil {
				return err
			}
			resources = append(resources, it.value)
		case it.visit == nil && o.takes(s):
			name, err := p.resource(d, v, s, o)
			if err != nil {
				return err
			}
			resources = append(resources, name)
		}
	}
	k.Resources = resources
	if err := p.writePlugins(d, v, o, stepGenerators, "generators", &k.Generators); err != nil {
		return err
	}
	k.Components = nil
	for _, it := range v.components {
		if p.started(it.visit, o) {
			if err := p.write(d, it.visit, o); err != nil {
				return err
			}
			k.Components = append(k.Components, it.value)
		}
	}
	if err := p.writePlugins(d, v, o, stepTransformers, "transformers", &k.Transformers); err != nil {
		return err
	}
	if err := p.writePlugins(d, v, o, stepValidators, "validators", &k.Validators); err != nil {
		return err
	}
	p.generators(v, &k, o)
	p.patchLists(v, &k, o)
	p.fieldLists(v, &k, o)
	if k.CommonAnnotations == nil {
		k.CommonAnnotations = map[string]string{} // kustomize refuses an empty file
	}
	data, err := json.Marshal(withAnnotations{Kustomization: k, CommonAnnotations: k.CommonAnnotations})
	if err != nil {
		return fmt.Errorf("write %s: %w", v.path, err)
	}
	d.script[at].data = data
	return nil
}

// withAnnotations writes commonAnnotations even where it is empty.
type withAnnotations struct {
	types.Kustomization
	CommonAnnotations map[string]string `json:"commonAnnotations"`
}

// started reports whether a variant comes as far as a visit.
func (p *program) started(v *visit, o variant) bool {
	return !o.none && (o.last < 0 || p.first(v) <= o.last)
}

// first is the number of the first step at or below a visit.
func (p *program) first(v *visit) int {
	least := len(p.steps)
	for _, it := range slices.Concat(v.items, v.components) {
		if it.visit != nil {
			least = min(least, p.first(it.visit))
		}
	}
	for _, steps := range p.of[v] {
		least = min(least, steps[0].number)
	}
	return least
}

// resource gives the name under which kustomize shall read a resource file.
func (p *program) resource(d *disk, v *visit, s step, o variant) (string, error) {
	it := v.items[s.index]
	if !o.marks {
		return it.value, nil
	}
	template, err := p.source.marked(it.path)
	if err != nil {
		return "", err
	}
	text := strings.ReplaceAll(string(template), placeholder, mark(s.number))
	if o.kept {
		text = strings.ReplaceAll(text, "config.kubernetes.io/local-config", "config.kubernetes.io/strake-was-local")
	}
	// The name keeps the directory, and no file of a repository has it.
	name := fmt.Sprintf(".strake-%d.yaml", s.number)
	d.virtual[path.Join(v.dir, name)] = []byte(text)
	return name, nil
}

func (p *program) writePlugins(d *disk, v *visit, o variant, kind stepKind, key string, list *[]string) error {
	inside := make(map[string]*visit)
	for _, it := range v.plugins[key] {
		inside[it.value] = it.visit
	}
	var kept []string
	for _, s := range p.of[v][kind] {
		if !o.takes(s) {
			continue
		}
		value := (*list)[s.index]
		kept = append(kept, value)
		if sub := inside[value]; sub != nil {
			if err := p.write(d, sub, variant{last: -1}); err != nil {
				return err
			}
		}
	}
	*list = kept
	return nil
}

// generators keeps the generators that a variant takes, and lets what they make
// carry their mark.
func (p *program) generators(v *visit, k *types.Kustomization, o variant) {
	annotate := func(options *types.GeneratorOptions, number int) *types.GeneratorOptions {
		if !o.marks {
			return options
		}
		var out types.GeneratorOptions
		if options != nil {
			out = *options
		}
		annotations := map[string]string{mark(number): "x"}
		maps.Copy(annotations, out.Annotations)
		if options == nil || options.Annotations == nil {
			// An entry without annotations of its own inherits all global ones.
			if k.GeneratorOptions != nil {
				maps.Copy(annotations, k.GeneratorOptions.Annotations)
			}
		}
		out.Annotations = annotations
		return &out
	}
	var configMaps []types.ConfigMapArgs
	for _, s := range p.of[v][stepConfigMap] {
		if o.takes(s) {
			args := k.ConfigMapGenerator[s.index]
			args.Options = annotate(args.Options, s.number)
			configMaps = append(configMaps, args)
		}
	}
	var secrets []types.SecretArgs
	for _, s := range p.of[v][stepSecret] {
		if o.takes(s) {
			args := k.SecretGenerator[s.index]
			args.Options = annotate(args.Options, s.number)
			secrets = append(secrets, args)
		}
	}
	k.ConfigMapGenerator, k.SecretGenerator = configMaps, secrets
}

// fieldLists keeps the other fields that a variant takes.
func (p *program) fieldLists(v *visit, k *types.Kustomization, o variant) {
	has := func(kind stepKind) bool {
		steps := p.of[v][kind]
		return len(steps) > 0 && o.takes(steps[0])
	}
	if !has(stepNamespace) {
		k.Namespace = ""
	}
	if !has(stepPrefix) {
		k.NamePrefix = ""
	}
	if !has(stepSuffix) {
		k.NameSuffix = ""
	}
	if !has(stepCommonLabels) {
		*commonLabels(k) = nil
	}
	if !has(stepAnnotations) {
		k.CommonAnnotations = nil
	}
	k.Labels = take(p, v, o, stepLabels, k.Labels)
	k.Replicas = take(p, v, o, stepReplicas, k.Replicas)
	k.Images = take(p, v, o, stepImage, k.Images)
	*variables(k) = take(p, v, o, stepVars, *variables(k))
	if o.sentinels == v {
		for i := range k.Images {
			k.Images[i] = types.Image{Name: k.Images[i].Name, NewName: k.Images[i].Name, NewTag: sentinel(i)}
		}
	}
	replacements := take(p, v, o, stepReplacement, k.Replacements)
	if o.marks {
		replacements = p.markReplacements(v, replacements)
	}
	k.Replacements = replacements
}

func sentinel(index int) string { return fmt.Sprintf("strake-image-%d", index) }

func take[T any](p *program, v *visit, o variant, kind stepKind, list []T) []T {
	var out []T
	for _, s := range p.of[v][kind] {
		if o.takes(s) && s.index < len(list) {
			out = append(out, list[s.index])
		}
	}
	return out
}
