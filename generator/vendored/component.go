package vendored

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"strake/generator/manifest"
)

// Component is a project whose official manifests can be vendored.
type Component struct {
	// Name is the directory below vendor/, and what the command line says.
	Name string
	// Title is how its own documentation writes it.
	Title string
	// official are the addresses of the manifests; VERSION stands for the version.
	official []string
	// workloads and definitions must be among the manifests: they are what makes
	// them those of the component, and whole.
	workloads   []workload
	definitions []string
	// images are the last elements of the names of images that carry the version
	// as their tag, wherever they are mirrored.
	images []string
}

type workload struct{ kind, name string }

// Components lists what can be vendored. What is wanted of each is what the
// overlays patch or rely on.
func Components() []Component {
	return []Component{
		{
			Name: "argocd", Title: "Argo CD",
			official: []string{"https://raw.githubusercontent.com/argoproj/argo-cd/VERSION/manifests/install.yaml"},
			workloads: append(deployments("argocd-applicationset-controller", "argocd-dex-server", "argocd-notifications-controller",
				"argocd-redis", "argocd-repo-server", "argocd-server"), workload{"StatefulSet", "argocd-application-controller"}),
			definitions: []string{"applications.argoproj.io", "applicationsets.argoproj.io", "appprojects.argoproj.io"},
			images:      []string{"argocd"},
		},
		{
			Name: "external-secrets", Title: "External Secrets",
			official:    []string{"https://github.com/external-secrets/external-secrets/releases/download/VERSION/external-secrets.yaml"},
			workloads:   deployments("external-secrets", "external-secrets-cert-controller", "external-secrets-webhook"),
			definitions: []string{"clustersecretstores.external-secrets.io", "externalsecrets.external-secrets.io", "secretstores.external-secrets.io"},
			images:      []string{"external-secrets"},
		},
		{
			// The install itself is rendered: what is taken of the official manifests is
			// the full definitions.
			Name: "workflows", Title: "Argo Workflows",
			official:    workflowsOfficial(),
			definitions: workflowsDefinitions(),
			images:      []string{"argocli", "argoexec", "workflow-controller"},
		},
	}
}

func deployments(names ...string) []workload {
	out := make([]workload, len(names))
	for i, name := range names {
		out[i] = workload{"Deployment", name}
	}
	return out
}

// workflowsDefinitions are the kinds of Argo Workflows (manifests/base/crds).
func workflowsDefinitions() []string {
	kinds := []string{
		"clusterworkflowtemplates", "cronworkflows", "workflowartifactgctasks", "workfloweventbindings",
		"workflows", "workflowtaskresults", "workflowtasksets", "workflowtemplates",
	}
	for i := range kinds {
		kinds[i] += ".argoproj.io"
	}
	return kinds
}

// workflowsOfficial are the full definitions, one file each: install.yaml of a
// 3.7 release holds the minimal ones.
func workflowsOfficial() []string {
	var out []string
	for _, name := range workflowsDefinitions() {
		plural, group, _ := strings.Cut(name, ".")
		out = append(out, "https://raw.githubusercontent.com/argoproj/argo-workflows/VERSION/manifests/base/crds/full/"+group+"_"+plural+".yaml")
	}
	return out
}

// Find returns the component of a name.
func Find(name string) (Component, bool) {
	all := Components()
	i := slices.IndexFunc(all, func(c Component) bool { return c.Name == name })
	if i < 0 {
		return Component{}, false
	}
	return all[i], true
}

// Names lists the components.
func Names() []string {
	var names []string
	for _, c := range Components() {
		names = append(names, c.Name)
	}
	return names
}

// versionForm is a version as these projects tag it. It becomes a directory.
var versionForm = regexp.MustCompile(`^v\d{1,4}\.\d{1,4}\.\d{1,4}(-[0-9A-Za-z][0-9A-Za-z.-]{0,40})?$`)

// ValidVersion reports whether a version can be one.
func ValidVersion(version string) bool { return versionForm.MatchString(version) }

// Official are the addresses of the manifests that the project releases.
func (c Component) Official(version string) []string {
	out := make([]string, len(c.official))
	for i, address := range c.official {
		out[i] = strings.ReplaceAll(address, "VERSION", version)
	}
	return out
}

// Dir is where a version stands below the root of the rendered files.
func (c Component) Dir(root, version string) string {
	return path.Join(root, vendorDir, c.Name, version)
}

// judge says what is missing in manifests that are to be a version of the
// component, and what is of another version.
func (c Component) judge(version string, objects []*manifest.Object) []string {
	var wrong, missing []string
	have := func(kind, name string) bool {
		return slices.ContainsFunc(objects, func(o *manifest.Object) bool { return o.Kind == kind && o.Name == name })
	}
	for _, name := range c.definitions {
		if !have(definitionKind, name) {
			missing = append(missing, definitionKind+" "+name)
		}
	}
	for _, w := range c.workloads {
		if !have(w.kind, w.name) {
			missing = append(missing, w.kind+" "+w.name)
		}
	}
	if len(missing) > 0 {
		wrong = append(wrong, "they have no "+strings.Join(missing, ", no "))
	}
	tags := 0
	for _, o := range objects {
		for _, image := range images(o.Fields) {
			name, tag := imageTag(image)
			if !slices.Contains(c.images, path.Base(name)) {
				continue
			}
			tags++
			if tag != version {
				wrong = append(wrong, fmt.Sprintf("%s %s runs %s", o.Kind, o.Name, image))
			}
		}
	}
	if len(c.workloads) > 0 && tags == 0 && len(missing) == 0 {
		wrong = append(wrong, "no image in them is "+strings.Join(c.images, " or "))
	}
	return wrong
}

// images lists the images of an object's pod template.
func images(fields map[string]any) []string {
	body, _ := fields["spec"].(map[string]any)
	template, _ := body["template"].(map[string]any)
	pod, _ := template["spec"].(map[string]any)
	var out []string
	for _, key := range []string{"initContainers", "containers"} {
		containers, _ := pod[key].([]any)
		for _, c := range containers {
			m, _ := c.(map[string]any)
			if image, _ := m["image"].(string); image != "" {
				out = append(out, image)
			}
		}
	}
	return out
}

// imageTag splits REGISTRY/NAME:TAG@DIGEST.
func imageTag(image string) (name, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, ""
}
