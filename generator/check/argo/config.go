package argo

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/argoproj/argo-workflows/v3/config"
	"github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

const (
	controllerRule = "argo-config"
	repositoryRule = "argo-artifact-repository"
)

// configuration judges the ConfigMaps that Argo reads: those of controllers and
// servers, and the artifact repositories.
func (c *Checker) configuration(objects []*manifest.Object) diag.List {
	controllers, repositories := namedConfigMaps(objects)
	var findings diag.List
	for _, o := range objects {
		if o.Group() != "" || o.Kind != "ConfigMap" {
			continue
		}
		switch {
		case controllers[o.Name] || strings.HasSuffix(o.Name, "workflow-controller-configmap"):
			findings = append(findings, c.controller(o)...)
		case repositories[o.Name] || o.Name == "artifact-repositories":
			findings = append(findings, c.repositories(o)...)
		}
	}
	return findings
}

// namedConfigMaps collects the names that containers pass with --configmap, and
// those that workflows refer to with artifactRepositoryRef.
func namedConfigMaps(objects []*manifest.Object) (controllers, repositories map[string]bool) {
	controllers, repositories = map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		if path, linted := specOf(o.Kind); linted && o.Group() == group {
			if spec, ok := check.Value(o.Fields, keys(nil, path...)); ok {
				m, _ := spec.(map[string]any)
				reference, _ := m["artifactRepositoryRef"].(map[string]any)
				if name, ok := reference["configMap"].(string); ok {
					repositories[name] = true
				}
			}
			continue
		}
		for _, pod := range check.PodTemplates(o, check.WorkflowDefaults{}) {
			for _, ctr := range pod.Containers() {
				image, _ := ctr.Fields["image"].(string)
				if strings.Contains(image, "workflow-controller") || strings.Contains(image, "argocli") {
					controllers[configMapFlag(ctr.Fields["args"])] = true
				}
			}
		}
	}
	return controllers, repositories
}

func configMapFlag(args any) string {
	items, _ := args.([]any)
	for i, value := range items {
		text, _ := value.(string)
		if name, ok := strings.CutPrefix(text, "--configmap="); ok {
			return name
		}
		if text == "--configmap" && i+1 < len(items) {
			name, _ := items[i+1].(string)
			return name
		}
	}
	return ""
}

// entry is one key of a ConfigMap, read as YAML.
type entry struct {
	o    *manifest.Object
	key  string
	text string
	node *yaml.Node // nil for an empty value
	rule string
}

func (e entry) path() manifest.Path { return keys(nil, "data", e.key) }

// finding reports a place inside of the entry's text: at the line of the text
// where the ConfigMap writes it as a block, else at the key.
func (e entry) finding(rest manifest.Path, summary, detail string) diag.Diagnostic {
	full := append(e.path(), rest...)
	d := find(e.o, e.rule, e.path(), summary, detail)
	d.Field = full.String()
	d.Sensitive = e.sensitive(full)
	d.Range = check.InText(e.o, e.path(), d.Range, e.line(rest))
	return d
}

// sensitive looks into the text as if it were a part of the object.
func (e entry) sensitive(full manifest.Path) bool {
	value, ok := e.value()
	if !ok {
		return true // what cannot be read may be anything
	}
	inside := *e.o
	inside.Fields = map[string]any{"data": map[string]any{e.key: value}}
	return manifest.IsSensitive(e.o, full) || manifest.IsSensitive(&inside, full)
}

// line is the line of a path within the text, counted from 1, or 0.
func (e entry) line(rest manifest.Path) int {
	if e.node == nil || len(rest) == 0 || !strings.Contains(e.text, "\n") {
		return 0
	}
	place, missing := manifest.Descend(e.node, nil, rest)
	if len(missing) == len(rest) {
		return 0
	}
	return place.Range("").Start.Line
}

// entries reads the data of a ConfigMap. What is not YAML is a finding.
func entries(o *manifest.Object, rule string) ([]entry, diag.List) {
	data, _ := o.Fields["data"].(map[string]any)
	var out []entry
	var findings diag.List
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, ok := data[key].(string)
		if !ok {
			continue // the API server refuses it: a finding of the kube check
		}
		e := entry{o: o, key: key, text: text, rule: rule}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			findings = append(findings, e.finding(nil, fmt.Sprintf("the value of %s is not YAML: %s", key, strings.TrimPrefix(err.Error(), "yaml: ")),
				"Argo reads the text as YAML, and stops when it cannot."))
			continue
		}
		if len(doc.Content) > 0 {
			e.node = doc.Content[0]
		}
		findings = append(findings, e.duplicates(e.node, nil)...)
		out = append(out, e)
	}
	return out, findings
}

// duplicates finds keys that stand twice in one map: Argo's strict reading
// refuses them.
func (e entry) duplicates(n *yaml.Node, at manifest.Path) diag.List {
	if n == nil {
		return nil
	}
	var findings diag.List
	switch n.Kind {
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			path := keys(at, key)
			if seen[key] {
				findings = append(findings, e.finding(path, fmt.Sprintf("key %q stands twice", key), "Argo refuses the whole configuration. Remove one of them."))
			}
			seen[key] = true
			findings = append(findings, e.duplicates(n.Content[i+1], path)...)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			findings = append(findings, e.duplicates(child, append(slices.Clone(at), manifest.Step{Index: i}))...)
		}
	}
	return findings
}

// value is the entry in JSON form; ok is false where it has duplicate keys or
// the like, which are findings already.
func (e entry) value() (any, bool) {
	if e.node == nil {
		return nil, true
	}
	value, err := manifest.Value(e.node)
	return value, err == nil
}

// misfits compares an entry with the type that Argo reads it with.
func (c *Checker) misfits(e entry, value any, t reflect.Type, at manifest.Path) diag.List {
	var findings diag.List
	for _, m := range c.config.Misfits(value, t, at) {
		rest := m.Path[len(at):]
		key := ""
		if len(m.Path) > 0 {
			key = m.Path[len(m.Path)-1].Key
		}
		switch {
		case m.Unknown:
			detail := "Argo refuses the whole configuration because of it."
			if meant := m.Suggestion(); meant != "" {
				detail = fmt.Sprintf("Did you mean %q? ", meant) + detail
			} else if len(m.Known) <= 14 {
				detail = "Known here: " + strings.Join(m.Known, ", ") + ". " + detail
			}
			findings = append(findings, e.finding(rest, fmt.Sprintf("unknown key %q", key), detail))
		case m.Twice != "":
			findings = append(findings, e.finding(rest, fmt.Sprintf("%s and %s are the same key to Argo, which does not look at case", m.Twice, key), "Remove one of them."))
		default:
			findings = append(findings, e.finding(rest, fmt.Sprintf("%s has the wrong type: %s", append(keys(nil, e.key), rest...), reason(m)), ""))
		}
	}
	return findings
}

// reason puts Argo's own grammars into words.
func reason(m check.Misfit) string {
	switch m.Type {
	case reflect.TypeFor[config.TTL]():
		return "want a whole number with d, h, m or s, such as 180d"
	default:
		return m.Reason
	}
}

// controller judges the configuration of a workflow controller or server.
func (c *Checker) controller(o *manifest.Object) diag.List {
	list, findings := entries(o, controllerRule)
	t := reflect.TypeFor[config.Config]()
	fields := c.config.Fields(t)
	spelt := map[string]string{}
	for _, e := range list {
		value, ok := e.value()
		if !ok {
			continue
		}
		if e.key == "config" {
			if len(list) > 1 {
				findings = append(findings, e.finding(nil, "a ConfigMap with the key config may hold no other key",
					"Move the other keys into config, or write each of its keys as one of the ConfigMap."))
			}
			findings = append(findings, c.misfits(e, value, t, nil)...)
			continue
		}
		name := matching(fields, e.key)
		if name == "" {
			findings = append(findings, e.finding(nil, fmt.Sprintf("unknown key %q", e.key), meantKey(e.key, fields)))
			continue
		}
		if other, twice := spelt[name]; twice {
			findings = append(findings, e.finding(nil, fmt.Sprintf("%s and %s are the same key to Argo, which does not look at case", other, e.key), "Remove one of them."))
		}
		spelt[name] = e.key
		findings = append(findings, c.misfits(e, value, fields[name], nil)...)
	}
	if len(findings) > 0 {
		return findings
	}
	return parsed(o, list)
}

func matching(fields map[string]reflect.Type, key string) string {
	if _, ok := fields[key]; ok {
		return key
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if strings.EqualFold(name, key) {
			return name
		}
	}
	return ""
}

func meantKey(key string, fields map[string]reflect.Type) string {
	detail := "Argo refuses the whole configuration because of it."
	if name := diag.DidYouMean(key, slices.Collect(maps.Keys(fields))); name != "" {
		detail = fmt.Sprintf("Did you mean %q? ", name) + detail
	}
	return detail
}

// repositories judges the artifact repositories of a namespace.
func (c *Checker) repositories(o *manifest.Object) diag.List {
	list, findings := entries(o, repositoryRule)
	for _, e := range list {
		value, ok := e.value()
		if !ok {
			continue
		}
		misfits := c.misfits(e, value, reflect.TypeFor[v1alpha1.ArtifactRepository](), nil)
		findings = append(findings, misfits...)
		if len(misfits) > 0 || e.node == nil {
			continue // an empty text stands there on purpose
		}
		m, _ := value.(map[string]any)
		switch n := stores(c, m); {
		case n == 0:
			findings = append(findings, e.finding(nil, fmt.Sprintf("the artifact repository %s names no store", e.key), "Add one of artifactory, azure, gcs, hdfs, oss or s3."))
		case n > 1:
			findings = append(findings, e.finding(nil, fmt.Sprintf("the artifact repository %s names %d stores, and Argo uses one", e.key, n), "Keep one of them."))
		}
	}
	return findings
}

// stores counts the stores of a repository in JSON form.
func stores(c *Checker, repository map[string]any) int {
	n := 0
	for key, value := range repository {
		if name := matching(c.config.Fields(reflect.TypeFor[v1alpha1.ArtifactRepository]()), key); name != "archiveLogs" && name != "" && value != nil {
			n++
		}
	}
	return n
}

func backends(r *v1alpha1.ArtifactRepository) int {
	n := 0
	for _, set := range []bool{r.Artifactory != nil, r.Azure != nil, r.GCS != nil, r.HDFS != nil, r.OSS != nil, r.S3 != nil} {
		if set {
			n++
		}
	}
	return n
}
