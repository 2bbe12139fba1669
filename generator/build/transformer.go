package build

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// fieldLayer is a field of a kustomization that changes many objects, such as
// namespace or images, where the object shows that it did.
func (p *program) fieldLayer(s step, object *manifest.Object) (manifest.Layer, bool) {
	var find func(manifest.Path) (diag.Range, bool)
	k := s.visit.kustomization
	switch s.kind {
	case stepNamespace:
		if object.Namespace != k.typed.Namespace {
			return manifest.Layer{}, false
		}
		find = func(at manifest.Path) (diag.Range, bool) {
			return k.at(field(k.root, "namespace")), at.String() == "metadata.namespace"
		}
	case stepLabels:
		find = pairsFinder(k, field(s.node, "pairs"), object, "labels", "matchLabels", "selector", "podSelector")
	case stepCommonLabels:
		find = pairsFinder(k, field(k.root, "commonLabels"), object, "labels", "matchLabels", "selector", "podSelector")
	case stepAnnotations:
		find = pairsFinder(k, field(k.root, "commonAnnotations"), object, "annotations")
	case stepReplicas:
		find = replicasFinder(s, object)
	case stepImage:
		find = imageFinder(s, object)
	default:
		return manifest.Layer{}, false
	}
	if find == nil {
		return manifest.Layer{}, false
	}
	return manifest.Layer{Range: s.at(), Role: "transformer", Find: find}, true
}

// pairsFinder finds labels and annotations that a kustomization adds: under
// which key, in which kind of map, with its value.
func pairsFinder(k *kustomization, pairs *yaml.Node, object *manifest.Object, maps ...string) func(manifest.Path) (diag.Range, bool) {
	if pairs == nil || pairs.Kind != yaml.MappingNode {
		return nil
	}
	return func(at manifest.Path) (diag.Range, bool) {
		if len(at) < 2 || !slices.Contains(maps, at[len(at)-2].Key) {
			return k.at(pairs), false
		}
		for i := 0; i+1 < len(pairs.Content); i += 2 {
			value := deref(pairs.Content[i+1])
			if pairs.Content[i].Value == at[len(at)-1].Key && fmt.Sprint(valueAt(object.Fields, at)) == value.Value {
				return k.at(value), true
			}
		}
		return k.at(pairs), false
	}
}

func replicasFinder(s step, object *manifest.Object) func(manifest.Path) (diag.Range, bool) {
	replica := s.visit.typed.Replicas[s.index]
	spec, _ := object.Fields["spec"].(map[string]any)
	if spec["replicas"] != replica.Count || !strings.Contains(object.Name, replica.Name) {
		return nil
	}
	return func(at manifest.Path) (diag.Range, bool) {
		return s.visit.at(field(s.node, "count")), at.String() == "spec.replicas"
	}
}

// imageFinder finds the images that an entry of images wrote.
func imageFinder(s step, object *manifest.Object) func(manifest.Path) (diag.Range, bool) {
	image := s.visit.typed.Images[s.index]
	name := image.Name
	if image.NewName != "" {
		name = image.NewName
	}
	wrote := func(value string) bool {
		got, tag, digest := splitImage(value)
		return got == name && (image.NewTag == "" || tag == image.NewTag) && (image.Digest == "" || digest == image.Digest) &&
			strings.HasSuffix(tag, image.TagSuffix)
	}
	any := false
	eachImage(object.Fields, func(value string) { any = any || wrote(value) })
	if !any {
		return nil
	}
	return func(at manifest.Path) (diag.Range, bool) {
		if len(at) == 0 || at[len(at)-1].Key != "image" {
			return s.at(), false
		}
		value, _ := valueAt(object.Fields, at).(string)
		for _, key := range []string{"digest", "newTag", "newName", "tagSuffix"} {
			if n := field(s.node, key); n != nil {
				return s.visit.at(n), wrote(value)
			}
		}
		return s.at(), wrote(value)
	}
}

// splitImage takes an image reference apart.
func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name, tag = name[:colon], name[colon+1:]
	}
	return name, tag, digest
}

// eachImage calls do for every string under a key named image.
func eachImage(value any, do func(string)) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if image, ok := child.(string); ok && key == "image" {
				do(image)
				continue
			}
			eachImage(child, do)
		}
	case []any:
		for _, child := range v {
			eachImage(child, do)
		}
	}
}

// unmatchedImages are the entries of images that name no image where kustomize
// looks for one. For each kustomization that has any, the build is cut short
// there, with tags that are easily found again.
func (p *program) unmatchedImages(c *closure) (findings diag.List) {
	matched := make(map[*yaml.Node]bool)
	open := make(map[*yaml.Node]step)
	var order []*yaml.Node
	for _, s := range p.steps {
		images := p.of[s.visit][stepImage]
		if s.kind != stepImage || s.index != 0 {
			continue
		}
		objects, err := p.build(c, variant{last: images[len(images)-1].number, sentinels: s.visit})
		for _, each := range images {
			if _, known := open[each.node]; !known {
				open[each.node] = each
				order = append(order, each.node)
			}
			// Where one entry renames what another one names, the tags say nothing.
			if err != nil || chained(s.visit, each.index) || usesSentinel(objects, each.index) {
				matched[each.node] = true
			}
		}
	}
	for _, n := range order {
		if !matched[n] {
			findings = append(findings, p.noImage(open[n]))
		}
	}
	return findings
}

func chained(v *visit, index int) bool {
	name := v.typed.Images[index].Name
	for i, other := range v.typed.Images {
		if i != index && (other.Name == name || other.NewName == name) {
			return true
		}
	}
	return false
}

func usesSentinel(objects []*manifest.Object, index int) bool {
	found := false
	for _, object := range objects {
		eachString(object.Fields, func(s string) { found = found || strings.HasSuffix(s, ":"+sentinel(index)) })
	}
	return found
}

func eachString(value any, do func(string)) {
	switch v := value.(type) {
	case string:
		do(v)
	case map[string]any:
		for _, child := range v {
			eachString(child, do)
		}
	case []any:
		for _, child := range v {
			eachString(child, do)
		}
	}
}

func (p *program) noImage(s step) diag.Diagnostic {
	name := s.visit.typed.Images[s.index].Name
	d := s.visit.finding(RuleImage, s.node, fmt.Sprintf("no object uses the image %s, so this changes nothing", name), "")
	d.Severity = diag.Warning
	if n := field(s.node, "name"); n != nil {
		d.Range = s.visit.at(n)
	}
	var names []string
	custom := ""
	for _, id := range p.imagesOf() {
		names = append(names, id.image)
		if id.image == name && custom == "" {
			custom = id.kind
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch near := diag.DidYouMean(name, names); {
	case custom != "":
		d.Detail = fmt.Sprintf("A %s uses it, in a field where kustomize does not look for images; name the field under configurations (images: [{kind: %s, path: ...}]).", custom, custom)
	case near != "":
		d.Detail = fmt.Sprintf("Did you mean %s?", near)
	case len(names) > 0 && len(names) <= 8:
		d.Detail = "The build uses " + strings.ReplaceAll(diag.OneOf(names), " or ", " and ") + ". The name is the whole name, with the registry and without the tag."
	default:
		d.Detail = "The name is the whole name, with the registry and without the tag."
	}
	return d
}

type usedImage struct{ image, kind string }

// imagesOf lists the images that the resources of the build name.
func (p *program) imagesOf() (out []usedImage) {
	for _, s := range p.steps {
		if s.kind != stepResource || s.visit.items[s.index].visit != nil {
			continue
		}
		docs, _ := p.source.documents(s.visit.items[s.index].path)
		for _, doc := range docs {
			value, err := manifest.Value(doc.Node)
			if err != nil {
				continue
			}
			eachImage(value, func(image string) {
				name, _, _ := splitImage(image)
				out = append(out, usedImage{name, text(doc.Node, "kind")})
			})
		}
	}
	return out
}

// unmatchedReplacements are the targets of replacements that select nothing.
func (p *program) unmatchedReplacements(selected map[string]bool) (findings diag.List) {
	done := make(map[*yaml.Node]bool)
	matched := make(map[*yaml.Node]bool)
	each := func(do func(s step, index int, target *yaml.Node)) {
		for _, s := range p.steps {
			if s.kind != stepReplacement || s.visit.typed.Replacements[s.index].Path != "" {
				continue
			}
			for i, target := range contentOf(field(s.node, "targets")) {
				targets := s.visit.typed.Replacements[s.index].Targets
				if i < len(targets) && targets[i] != nil && targets[i].Select != nil {
					do(s, i, target)
				}
			}
		}
	}
	each(func(s step, i int, target *yaml.Node) {
		if selected[fmt.Sprintf("%d.%d", s.number, i)] {
			matched[target] = true
		}
	})
	each(func(s step, i int, target *yaml.Node) {
		if matched[target] || done[target] {
			return
		}
		done[target] = true
		selector := s.visit.typed.Replacements[s.index].Targets[i].Select
		d := s.visit.finding(RuleReplacement, target, "the target of the replacement selects no object, so it changes nothing",
			strings.TrimSpace(fmt.Sprintf("No object matches %s. %s", describe(selector), p.nearTarget(selector))))
		d.Severity = diag.Warning
		findings = append(findings, d)
	})
	return findings
}
