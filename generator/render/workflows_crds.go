package render

import (
	"path"
	"strings"

	"strake/generator/spec"
)

// workflowsCRDs are the custom resource definitions of Argo Workflows, minimal:
// they name the kinds and let any spec pass. The full ones are 12 MB and exceed
// what client-side apply can annotate; what they would check, `strake check`
// does with Argo's own types, and says at which line.
//
// With workflows.crds: vendored they are the full ones that the project
// publishes.
func workflowsCRDs(e *spec.Effective) app {
	if e.Workflows.CRDs == "vendored" {
		return vendoredCRDs(e, "argo-workflows-crds", path.Join("workflows", e.Workflows.Version), "workflows.version")
	}
	a := app{
		name:        "argo-workflows-crds",
		base:        "argo-workflows-crds",
		baseVersion: e.Workflows.Version,
		plain:       true,
		from:        "workflows",
	}
	for _, c := range workflowKinds() {
		a.baseObjects = append(a.baseObjects, c.object())
	}
	return a
}

// crd is what differs between the kinds of the group argoproj.io
// (manifests/base/crds of Argo Workflows).
type crd struct {
	kind       string
	shortNames []string
	cluster    bool
	// fields of an object beside apiVersion, kind and metadata: "spec" or
	// "phase:string". Those without a type are objects of any content.
	fields      []string
	required    []string
	columns     list
	subresource m
}

func workflowKinds() []crd {
	metadataAndSpec := []string{"metadata", "spec"}
	return []crd{
		{
			kind: "ClusterWorkflowTemplate", shortNames: []string{"clusterwftmpl", "cwft"}, cluster: true,
			fields: []string{"spec"}, required: metadataAndSpec,
		},
		{
			kind: "CronWorkflow", shortNames: []string{"cwf", "cronwf"},
			fields: []string{"spec", "status"}, required: metadataAndSpec,
		},
		{
			kind: "WorkflowArtifactGCTask", shortNames: []string{"wfat"},
			fields: []string{"spec", "status"}, required: metadataAndSpec,
			subresource: m{{"status", m{}}},
		},
		{
			kind: "WorkflowEventBinding", shortNames: []string{"wfeb"},
			fields: []string{"spec"}, required: metadataAndSpec,
		},
		{
			kind: "Workflow", shortNames: []string{"wf"},
			fields: []string{"spec", "status"}, required: metadataAndSpec,
			columns: list{
				column("Status", "string", "", ".status.phase", "Phase of the workflow"),
				column("Age", "date", "date-time", ".status.startedAt", "When the workflow started"),
				column("Message", "string", "", ".status.message", "Why the workflow is in its phase"),
			},
			// Argo writes status through the object itself: a status subresource
			// would drop it.
			subresource: m{},
		},
		{
			kind:     "WorkflowTaskResult",
			fields:   []string{"message:string", "outputs", "phase:string", "progress:string"},
			required: []string{"metadata"},
		},
		{
			kind: "WorkflowTaskSet", shortNames: []string{"wfts"},
			fields: []string{"spec", "status"}, required: metadataAndSpec,
			subresource: m{{"status", m{}}},
		},
		{
			kind: "WorkflowTemplate", shortNames: []string{"wftmpl"},
			fields: []string{"spec"}, required: metadataAndSpec,
		},
	}
}

func column(name, kind, format, path, about string) m {
	return m{
		{"name", name},
		{"type", kind},
		{"format", optional(format)},
		{"jsonPath", path},
		{"description", about},
	}
}

func (c crd) object() object {
	singular := strings.ToLower(c.kind)
	plural := singular + "s"
	name := plural + ".argoproj.io"
	scope := "Namespaced"
	if c.cluster {
		scope = "Cluster"
	}
	var subresources any
	if c.subresource != nil {
		subresources = c.subresource
	}
	return object{
		file: name + ".yaml",
		from: "workflows.version",
		doc: m{
			{"apiVersion", "apiextensions.k8s.io/v1"},
			{"kind", "CustomResourceDefinition"},
			{"metadata", m{{"name", name}, {"labels", labels("argo-workflows", name, "crds")}}},
			{"spec", m{
				{"group", "argoproj.io"},
				{"names", m{
					{"kind", c.kind},
					{"listKind", c.kind + "List"},
					{"plural", plural},
					{"shortNames", strs(c.shortNames)},
					{"singular", singular},
				}},
				{"scope", scope},
				{"versions", list{m{
					{"name", "v1alpha1"},
					{"served", true},
					{"storage", true},
					{"additionalPrinterColumns", c.columns},
					{"schema", m{{"openAPIV3Schema", c.schema()}}},
					{"subresources", subresources},
				}}},
			}},
		},
	}
}

// schema keeps what it does not know. A spec is atomic, as in the official
// definitions: server-side apply owns it as a whole.
func (c crd) schema() m {
	properties := m{
		{"apiVersion", m{{"type", "string"}}},
		{"kind", m{{"type", "string"}}},
		{"metadata", m{{"type", "object"}}},
	}
	for _, field := range c.fields {
		name, kind, typed := strings.Cut(field, ":")
		if typed {
			properties = append(properties, kv{name, m{{"type", kind}}})
			continue
		}
		properties = append(properties, kv{name, m{
			{"type", "object"},
			{"x-kubernetes-map-type", "atomic"},
			{"x-kubernetes-preserve-unknown-fields", true},
		}})
	}
	return m{
		{"type", "object"},
		{"required", strs(c.required)},
		{"properties", properties},
	}
}
