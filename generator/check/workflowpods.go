package check

import (
	"strings"

	"sigs.k8s.io/yaml"

	"strake/generator/manifest"
)

// controllerConfigMap is the name that an Argo Workflows controller reads its
// configuration from unless it is told otherwise; the Helm chart puts the
// release's name in front.
const controllerConfigMap = "workflow-controller-configmap"

// WorkflowDefaults is what a workflow controller adds to every workflow and
// pod. The zero value adds nothing.
type WorkflowDefaults struct {
	// Known is set where the environment holds exactly one controller's
	// configuration, so that what it does not set is known to be unset.
	Known bool
	// Spec is workflowDefaults.spec of the controller's configuration.
	Spec map[string]any
	// MainContainer and Executor are laid under the main containers and are the
	// model of the init and wait containers.
	MainContainer, Executor map[string]any
}

// ControllerDefaults reads the defaults out of the controller's ConfigMap among
// the objects. Two controllers in one environment leave it open which of them
// runs a workflow, and nothing is then assumed.
func ControllerDefaults(objects []*manifest.Object) WorkflowDefaults {
	var found []*manifest.Object
	for _, o := range objects {
		if o.Kind == "ConfigMap" && o.Group() == "" && strings.HasSuffix(o.Name, controllerConfigMap) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return WorkflowDefaults{}
	}
	config := ControllerConfig(found[0])
	defaults := mapAt(config, "workflowDefaults")
	return WorkflowDefaults{
		Known:         true,
		Spec:          mapAt(defaults, "spec"),
		MainContainer: mapAt(config, "mainContainer"),
		Executor:      mapAt(config, "executor"),
	}
}

// ControllerConfig reads a controller's ConfigMap into one JSON tree, from its
// single "config" key or from a key for each setting. What is not YAML is left
// out: check/argo reports it.
func ControllerConfig(o *manifest.Object) map[string]any {
	data := mapAt(o.Fields, "data")
	config := map[string]any{}
	if text, ok := data["config"].(string); ok {
		if yaml.Unmarshal([]byte(text), &config) != nil {
			return nil
		}
		return config
	}
	for key, value := range data {
		var parsed any
		if text, ok := value.(string); ok && yaml.Unmarshal([]byte(text), &parsed) == nil {
			config[key] = parsed
		}
	}
	return config
}

func mapAt(m map[string]any, key string) map[string]any {
	out, _ := m[key].(map[string]any)
	return out
}

// workflowPods puts the pods of a workflow spec together.
func workflowPods(o *manifest.Object, at manifest.Path, defaults WorkflowDefaults) []PodTemplate {
	value, _ := Value(o.Fields, at)
	own, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	b := podBuilder{o: o, at: at, own: own, spec: merged(defaults.Spec, own), defaults: defaults}
	templates, _ := own["templates"].([]any)
	for i, item := range templates {
		if t, ok := item.(map[string]any); ok {
			b.template(t, join(at, manifest.Step{Key: "templates"}, itemStep(i, t)))
		}
	}
	return b.pods
}

// itemStep is the step to an item of a list of maps.
func itemStep(i int, item map[string]any) manifest.Step {
	name, _ := item["name"].(string)
	return manifest.Step{Index: i, Name: name}
}

type podBuilder struct {
	o         *manifest.Object
	at        manifest.Path
	own, spec map[string]any // the workflow spec as written, and over the defaults
	defaults  WorkflowDefaults
	pods      []PodTemplate
}

// template adds the pod of one template, and those that its tasks and steps
// write inline.
func (b *podBuilder) template(written map[string]any, at manifest.Path) {
	t := b.defaulted(written)
	if dag := mapAt(t, "dag"); dag != nil {
		tasks, _ := dag["tasks"].([]any)
		b.inline(tasks, join(at, manifest.Step{Key: "dag"}, manifest.Step{Key: "tasks"}))
	}
	groups, _ := t["steps"].([]any)
	for i, group := range groups {
		steps, _ := group.([]any)
		b.inline(steps, join(at, manifest.Step{Key: "steps"}, manifest.Step{Index: i}))
	}
	if pod, ok := b.pod(t, written, at); ok {
		b.pods = append(b.pods, pod)
	}
}

// defaulted lays a template over templateDefaults. Defaults for another type of
// template do not change its type.
func (b *podBuilder) defaulted(written map[string]any) map[string]any {
	defaults := mapAt(b.spec, "templateDefaults")
	if len(defaults) == 0 {
		return written
	}
	t := merged(defaults, written)
	for _, kind := range []string{"container", "containerSet", "script", "resource", "data", "dag", "steps", "suspend", "http", "plugin"} {
		if _, own := written[kind]; !own {
			delete(t, kind)
		}
	}
	return t
}

func (b *podBuilder) inline(items []any, at manifest.Path) {
	for i, item := range items {
		m, _ := item.(map[string]any)
		if inline := mapAt(m, "inline"); inline != nil {
			b.template(inline, join(at, itemStep(i, m), manifest.Step{Key: "inline"}))
		}
	}
}

// pod puts one pod together; ok is false for a template that runs none.
func (b *podBuilder) pod(t, written map[string]any, at manifest.Path) (PodTemplate, bool) {
	name, _ := written["name"].(string)
	p := PodTemplate{Object: b.o, Name: name, Path: at, Spec: map[string]any{"restartPolicy": "Never"}, rest: b.at}
	if !b.containers(&p, t, at) {
		return PodTemplate{}, false
	}
	for _, f := range []struct{ pod, template, workflow string }{
		{"securityContext", "securityContext", "securityContext"},
		{"nodeSelector", "nodeSelector", "nodeSelector"},
		{"affinity", "affinity", "affinity"},
		{"tolerations", "tolerations", "tolerations"},
		{"schedulerName", "schedulerName", "schedulerName"},
		{"priorityClassName", "priorityClassName", "podPriorityClassName"},
		{"serviceAccountName", "serviceAccountName", "serviceAccountName"},
		{"automountServiceAccountToken", "automountServiceAccountToken", "automountServiceAccountToken"},
		{"hostNetwork", "", "hostNetwork"},
		{"dnsPolicy", "", "dnsPolicy"},
		{"dnsConfig", "", "dnsConfig"},
		{"imagePullSecrets", "", "imagePullSecrets"},
	} {
		place := origin{spec: manifest.Path{{Key: f.pod}}}
		if value, ok := t[f.template]; ok && !empty(f.pod, value) {
			p.Spec[f.pod], place.object = value, join(at, manifest.Step{Key: f.template})
		} else if value, ok := b.spec[f.workflow]; ok && !empty(f.pod, value) {
			p.Spec[f.pod], place.object = value, join(b.at, manifest.Step{Key: f.workflow})
		} else {
			place.object = at
		}
		p.origins = append(p.origins, place)
	}
	b.list(&p, "volumes", "volumes", b.spec, b.at)
	b.list(&p, "volumes", "volumes", t, at)
	b.list(&p, "hostAliases", "hostAliases", b.spec, b.at)
	b.list(&p, "hostAliases", "hostAliases", t, at)
	p.Metadata = merged(mapAt(b.spec, "podMetadata"), mapAt(t, "metadata"))
	for _, source := range []struct {
		fields map[string]any
		at     manifest.Path
	}{{b.spec, b.at}, {t, at}} {
		if patch, _ := source.fields["podSpecPatch"].(string); patch != "" {
			p.Unknown = append(p.Unknown, join(source.at, manifest.Step{Key: "podSpecPatch"}))
		}
	}
	return p, true
}

// empty reports whether a field says nothing. An empty securityContext or
// affinity of a template does say something: it replaces the workflow's.
func empty(field string, value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0 && field == "nodeSelector"
	case []any:
		return len(v) == 0
	default:
		return false
	}
}

// containers adds the containers of a template that runs a pod.
func (b *podBuilder) containers(p *PodTemplate, t map[string]any, at manifest.Path) bool {
	switch {
	case mapAt(t, "container") != nil:
		b.main(p, mapAt(t, "container"), join(at, manifest.Step{Key: "container"}), "main")
	case mapAt(t, "script") != nil:
		b.main(p, mapAt(t, "script"), join(at, manifest.Step{Key: "script"}), "main")
	case mapAt(t, "containerSet") != nil:
		items, _ := mapAt(t, "containerSet")["containers"].([]any)
		for i, item := range items {
			if c, ok := item.(map[string]any); ok {
				step := itemStep(i, c)
				b.main(p, c, join(at, manifest.Step{Key: "containerSet"}, manifest.Step{Key: "containers"}, step), step.Name)
			}
		}
	case mapAt(t, "resource") != nil || mapAt(t, "data") != nil:
		// Only the executor's own containers run.
		p.Spec["containers"] = []any{}
	default:
		return false
	}
	b.list(p, "initContainers", "initContainers", t, at)
	b.list(p, "containers", "sidecars", t, at)
	return true
}

// main adds a main container, over the controller's mainContainer.
func (b *podBuilder) main(p *PodTemplate, c map[string]any, at manifest.Path, name string) {
	out := map[string]any{}
	for key, value := range merged(b.defaults.MainContainer, c) {
		if key != "source" {
			out[key] = value
		}
	}
	out["name"] = name
	b.add(p, "containers", out, at)
}

// list adds the items of a list of the template or of the workflow.
func (b *podBuilder) list(p *PodTemplate, pod, field string, from map[string]any, at manifest.Path) {
	items, _ := from[field].([]any)
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		place := join(at, manifest.Step{Key: field}, itemStep(i, m))
		if _, mirrors := m["mirrorVolumeMounts"]; mirrors {
			m = merged(m, nil)
			delete(m, "mirrorVolumeMounts")
		}
		b.add(p, pod, m, place)
	}
}

func (b *podBuilder) add(p *PodTemplate, field string, item map[string]any, at manifest.Path) {
	items, _ := p.Spec[field].([]any)
	name, _ := item["name"].(string)
	p.origins = append(p.origins, origin{
		spec:   manifest.Path{{Key: field}, {Index: len(items), Name: name}},
		object: at,
	})
	p.Spec[field] = append(items, item)
}
