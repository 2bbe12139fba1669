package check

import (
	"maps"

	"strake/generator/manifest"
)

// PodTemplate is one pod that an object makes, as far as its manifest says.
// Nobody may change Spec or Metadata: parts of them are the object's own.
type PodTemplate struct {
	Object *manifest.Object
	// Name is the Argo template's name; empty for every other kind.
	Name string
	// Path is where the pod is written: the pod template of a Deployment, or the
	// template of a Workflow.
	Path manifest.Path
	// Spec is a PodSpec. For Argo kinds it is put together from the template, its
	// defaults and the workflow's own fields, as the controller does; the init
	// and wait containers that the controller adds are not in it.
	Spec map[string]any
	// Metadata holds the pod's labels and annotations.
	Metadata map[string]any
	// Unknown names what else changes the pod and cannot be told from here, such
	// as podSpecPatch.
	Unknown []manifest.Path

	// origins are the places of the parts of Spec that were put together; a part
	// that is not listed stands below rest.
	origins []origin
	rest    manifest.Path
}

// origin says that what stands below a path of a pod spec stands below another
// path of the object.
type origin struct{ spec, object manifest.Path }

// At returns the place in the object of a path in Spec.
func (p PodTemplate) At(spec ...manifest.Step) manifest.Path {
	best, from := -1, manifest.Path(nil)
	for _, o := range p.origins {
		if len(o.spec) > best && hasPrefix(spec, o.spec) {
			best, from = len(o.spec), o.object
		}
	}
	if best < 0 {
		return join(p.rest, spec...)
	}
	return join(from, spec[best:]...)
}

func hasPrefix(path, prefix manifest.Path) bool {
	if len(prefix) > len(path) {
		return false
	}
	for i, s := range prefix {
		if s.Key != path[i].Key || (s.Key == "" && s.Index != path[i].Index) {
			return false
		}
	}
	return true
}

// Containers lists the pod's containers with their places in Spec: init
// containers first, in the order in which they run.
func (p PodTemplate) Containers() []Container {
	var out []Container
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		items, _ := p.Spec[list].([]any)
		for i, item := range items {
			if fields, ok := item.(map[string]any); ok {
				name, _ := fields["name"].(string)
				out = append(out, Container{
					Name: name, List: list, Fields: fields,
					Spec: manifest.Path{{Key: list}, {Index: i, Name: name}},
				})
			}
		}
	}
	return out
}

// Container is one container of a PodTemplate.
type Container struct {
	Name string
	// List is the field of the pod spec that holds it.
	List   string
	Fields map[string]any
	// Spec is its path in the pod spec; PodTemplate.At leads on to the object.
	Spec manifest.Path
}

// PodTemplates returns the pods that an object makes: of the built-in workload
// kinds, and of Argo's workflow kinds one for each template that runs a pod.
// defaults are what the workflow controller of the environment adds; the zero
// value adds nothing.
func PodTemplates(o *manifest.Object, defaults WorkflowDefaults) []PodTemplate {
	switch o.Group() {
	case "":
		switch o.Kind {
		case "Pod":
			return podAt(o, nil)
		case "ReplicationController":
			return podAt(o, o.At("spec", "template"))
		case "PodTemplate":
			return podAt(o, o.At("template"))
		}
	case "apps":
		switch o.Kind {
		case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
			return podAt(o, o.At("spec", "template"))
		}
	case "batch":
		switch o.Kind {
		case "Job":
			return podAt(o, o.At("spec", "template"))
		case "CronJob":
			return podAt(o, o.At("spec", "jobTemplate", "spec", "template"))
		}
	case "argoproj.io":
		switch o.Kind {
		case "Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate":
			return workflowPods(o, o.At("spec"), defaults)
		case "CronWorkflow":
			return workflowPods(o, o.At("spec", "workflowSpec"), defaults)
		}
	}
	return nil
}

// podAt reads a pod template as it stands.
func podAt(o *manifest.Object, at manifest.Path) []PodTemplate {
	value, _ := Value(o.Fields, at)
	template, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	spec, ok := template["spec"].(map[string]any)
	if !ok {
		return nil
	}
	metadata, _ := template["metadata"].(map[string]any)
	return []PodTemplate{{
		Object: o, Path: at, Spec: spec, Metadata: metadata,
		rest: join(at, manifest.Step{Key: "spec"}),
	}}
}

// merged lays one map over another, deep; lists and scalars of the upper one
// win whole. Neither is changed.
func merged(lower, upper map[string]any) map[string]any {
	if len(lower) == 0 {
		return upper
	}
	out := maps.Clone(lower)
	for key, value := range upper {
		low, lowMap := out[key].(map[string]any)
		up, upMap := value.(map[string]any)
		if lowMap && upMap {
			value = merged(low, up)
		}
		out[key] = value
	}
	return out
}
