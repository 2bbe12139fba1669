package render

import (
	"path"
	"slices"
	"strings"

	"strake/generator/spec"
)

// vendorsArgoCD reports whether the overlay argocd holds Argo CD itself.
func vendorsArgoCD(e *spec.Effective) bool { return e.ArgoCD != nil && e.ArgoCD.Install == "vendored" }

// argocdCRDs are the definitions of Argo CD's kinds, as its project publishes
// them.
func argocdCRDs(e *spec.Effective) app {
	return vendoredCRDs(e, "argocd-crds", path.Join("argocd", e.ArgoCD.Version), "argocd.version")
}

// vendoredCRDs is an overlay of the definitions of a vendored version.
func vendoredCRDs(e *spec.Effective, name, version, from string) app {
	a := app{name: name, vendored: []string{path.Join(version, "crds")}, plain: true, from: from}
	if delivers(e) && slices.Contains(e.ArgoCD.Sync.ConfirmDelete, "CustomResourceDefinition") {
		a.patches = []patch{confirmPatch(e, "CustomResourceDefinition")}
	}
	return a
}

// confirmPatch has somebody confirm before Argo CD deletes objects of vendored
// manifests. Those that are rendered say so themselves (confirmed).
func confirmPatch(e *spec.Effective, kinds ...string) patch {
	return patch{
		file:   "confirm-deletion.yaml",
		from:   "argocd.sync.confirmDelete",
		target: m{{"kind", strings.Join(kinds, "|")}, {"labelSelector", "app.kubernetes.io/managed-by!=strake"}},
		doc: m{
			// The target says what it is for; kustomize asks for a kind and a name all the
			// same.
			{"apiVersion", "v1"},
			{"kind", kinds[0]},
			{"metadata", m{
				{"name", "any"},
				{"annotations", m{{objectOptions, at("argocd.sync.confirmDelete", confirmation(e))}}},
			}},
		},
	}
}

// argocdKinds are those of the official manifests of Argo CD but for its
// definitions.
func argocdKinds() []string {
	return []string{
		"ConfigMap", "ClusterRole", "ClusterRoleBinding", "Deployment", "NetworkPolicy", "Role", "RoleBinding",
		"Secret", "Service", "ServiceAccount", "StatefulSet",
	}
}

// argocdWorkload is a Deployment or StatefulSet of the official manifests.
type argocdWorkload struct {
	kind, name, container string
	// cpu and memory are what it asks for where the spec says nothing: the official
	// manifests ask for nothing, and what asks for nothing goes first when a node
	// is short of memory.
	cpu, memory string
}

// argocdWorkloads are the six Deployments and the StatefulSet
// (manifests/install.yaml of Argo CD, 2.14 to 3.5).
func argocdWorkloads() []argocdWorkload {
	return []argocdWorkload{
		{"StatefulSet", "argocd-application-controller", "argocd-application-controller", "250m", "1Gi"},
		{"Deployment", "argocd-applicationset-controller", "argocd-applicationset-controller", "50m", "128Mi"},
		{"Deployment", "argocd-dex-server", "dex", "50m", "64Mi"},
		{"Deployment", "argocd-notifications-controller", "argocd-notifications-controller", "50m", "64Mi"},
		{"Deployment", "argocd-redis", "redis", "50m", "64Mi"},
		{"Deployment", "argocd-repo-server", "argocd-repo-server", "100m", "256Mi"},
		{"Deployment", argocdServer, argocdServer, "100m", "128Mi"},
	}
}

// argocdPatches lay the spec over the official manifests. Those have no
// namespace yet when a component patches them, so no patch names one.
func argocdPatches(e *spec.Effective, settings []object) []patch {
	var patches []patch
	// Argo CD that has lost a part of itself cannot bring it back.
	if delivers(e) {
		patches = append(patches, confirmPatch(e, argocdKinds()...))
	}
	for _, o := range settings {
		data := o.doc.get("data")
		if absent(data) {
			continue
		}
		meta, _ := o.doc.get("metadata").(m)
		patches = append(patches, patch{file: o.name(), from: o.from, doc: m{
			{"apiVersion", "v1"},
			{"kind", "ConfigMap"},
			{"metadata", m{{"name", meta.get("name")}}},
			{"data", data},
		}})
	}
	for _, w := range argocdWorkloads() {
		patches = append(patches, argocdWorkloadPatch(e, w))
	}
	return patches
}

func argocdWorkloadPatch(e *spec.Effective, w argocdWorkload) patch {
	where := place(e, e.ArgoCD.Pool, "argocd.pool")
	var own *spec.Resources
	if r, ok := e.ArgoCD.Resources[w.name]; ok {
		own = &r
	}
	container := m{
		{"name", w.container},
		{"resources", componentResources(own, "argocd.resources."+w.name, m{{"requests", m{{"cpu", w.cpu}, {"memory", w.memory}}}})},
	}
	pod := m{{"nodeSelector", where.selector}, {"tolerations", where.tolerations}}
	var restart m
	if w.name == argocdServer {
		restart = argocdRestart(e)
		if styled(e) {
			// Below /shared/app the server serves files beside its own
			// (docs/operator-manual/custom-styles.md of Argo CD).
			container = append(container, kv{"volumeMounts", list{m{{"name", "styles"}, {"mountPath", "/shared/app/custom"}, {"readOnly", true}}}})
			pod = append(pod, kv{"volumes", list{m{{"name", "styles"}, {"configMap", m{{"name", argocdStylesConfigMap}}}}}})
		}
	}
	template := m{}
	if restart != nil {
		template = append(template, kv{"metadata", m{{"annotations", restart}}})
	}
	return patch{
		file: strings.ToLower(w.name + "." + w.kind + ".yaml"),
		from: "argocd",
		doc: m{
			{"apiVersion", "apps/v1"},
			{"kind", w.kind},
			{"metadata", m{{"name", w.name}}},
			{"spec", m{{"template", append(template, kv{"spec", append(pod, kv{"containers", list{container}})})}}},
		},
	}
}

// argocdRestart restarts the server when a flag changes that it reads when it
// starts.
func argocdRestart(e *spec.Effective) m {
	data := argocdParams(e).doc.get("data")
	if absent(data) {
		return nil
	}
	return m{{"checksum/" + argocdParamsConfigMap, checksum{data}}}
}

// The style sheet that colors an environment.
const (
	argocdStylesConfigMap = "argocd-styles-cm"
	argocdStyles          = "environment.css"
)

// styled reports whether a style sheet is rendered: only an install of our own
// can mount it.
func styled(e *spec.Effective) bool {
	return vendorsArgoCD(e) && e.ArgoCD.Banner != nil && e.ArgoCD.Banner.Color != ""
}

// argocdStyle colors the sidebar and the banner. The text is white with a dark
// edge, which can be read on any color. The classes are those of Argo CD's
// ui/src/app/sidebar and ui-banner; the banner's text depends on none.
func argocdStyle(e *spec.Effective) []object {
	if !styled(e) {
		return nil
	}
	const from = "argocd.banner.color"
	color := e.ArgoCD.Banner.Color
	return []object{{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "ConfigMap"},
		{"metadata", m{
			{"name", argocdStylesConfigMap},
			{"namespace", at("argocd.namespace", e.ArgoCD.Namespace)},
			{"labels", append(officialLabels(argocdStylesConfigMap), kv{"app.kubernetes.io/managed-by", "strake"})},
		}},
		{"data", m{{argocdStyles, at(from, rows{
			".sidebar { background: " + color + "; }",
			".ui-banner { background: " + color + "; color: white; text-shadow: 0 0 3px black; }",
			".ui-banner a { color: white; }",
		})}}},
	}}}
}

// platformNamespace is the Namespace of a controller that Strake delivers, held
// to a profile of Pod Security.
func platformNamespace(e *spec.Effective, name, from, profile string) object {
	marks := append(labels(e.Platform, name, "namespace"), podSecurityLabels("", profile)...)
	if version := strings.TrimPrefix(e.Cluster.Version, "v"); version != "" {
		marks = append(marks, podSecurityLabels("-version", at("cluster.version", "v"+version))...)
	}
	return object{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "Namespace"},
		{"metadata", m{{"name", at(from, name)}, {"labels", marks}}},
	}}
}
