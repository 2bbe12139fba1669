package argocd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// lastApplied is how large the annotations of an object may be. Client-side
// apply writes the whole object into one.
const lastApplied = 256 * 1024

// clusterScoped are the kinds of Kubernetes, and of what is usually delivered
// beside it, that have no namespace. What the environment defines itself is
// read from its definition.
func clusterScoped() []string {
	return []string{
		"Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "StorageClass", "PriorityClass",
		"IngressClass", "RuntimeClass", "APIService", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
		"ValidatingAdmissionPolicyBinding", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeSnapshotClass", "FlowSchema", "PriorityLevelConfiguration",
		"CertificateSigningRequest", "GatewayClass", "ClusterWorkflowTemplate", "ClusterSecretStore", "ClusterExternalSecret", "ClusterIssuer", "ClusterPolicy",
		"ComputeClass", "DeviceClass",
	}
}

// objectMeta is what Argo CD's functions look at.
func objectMeta(o *manifest.Object) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace}
}

// definedScopes reads the scopes of the kinds that the environment defines.
func definedScopes(objects []*manifest.Object) map[schema.GroupKind]string {
	scopes := map[schema.GroupKind]string{}
	for _, o := range objects {
		if o.Kind != "CustomResourceDefinition" || o.Fields == nil {
			continue
		}
		group, _ := specString(o.Fields, "spec", "group")
		kind, _ := specString(o.Fields, "spec", "names", "kind")
		scopes[schema.GroupKind{Group: group, Kind: kind}], _ = specString(o.Fields, "spec", "scope")
	}
	return scopes
}

// namespaced reports whether an object lives in a namespace.
func (d *delivery) namespaced(o *manifest.Object) bool {
	if o.Namespace != "" {
		return true
	}
	if scope, defined := d.scopes[schema.GroupKind{Group: o.Group(), Kind: o.Kind}]; defined {
		return scope != "Cluster"
	}
	return !slices.Contains(clusterScoped(), o.Kind)
}

// contents judges what an Application delivers.
func (d *delivery) contents(a *app, overlay *check.Overlay, p *project) {
	if p != nil {
		d.kinds(a, overlay, p)
	}
	d.replaced(a, overlay)
	d.cascades(a, overlay)
	for _, o := range overlay.Objects {
		if o.Fields == nil {
			continue
		}
		d.large(a, o)
		d.scaled(a, overlay, o)
	}
}

// kinds asks the project for each kind and namespace once.
func (d *delivery) kinds(a *app, overlay *check.Overlay, p *project) {
	type question struct {
		kind      schema.GroupKind
		namespace string
	}
	asked := map[question]bool{}
	to := destination(a)
	for _, o := range overlay.Objects {
		gk := schema.GroupKind{Group: o.Group(), Kind: o.Kind}
		namespaced := d.namespaced(o)
		q := question{gk, o.Namespace}
		if asked[q] {
			continue
		}
		asked[q] = true
		scope := "cluster-scoped kind"
		if namespaced {
			scope = "kind"
		}
		if !p.IsGroupKindPermitted(gk, namespaced) {
			list := "clusterResourceWhitelist"
			if namespaced {
				list = "namespaceResourceWhitelist, or take it from namespaceResourceBlacklist,"
			}
			f := find(a.o, "application-not-permitted", diag.Error, keys(nil, "spec", "project"), fmt.Sprintf("the project %s does not permit the %s %s, which %s holds", p.o.Name, scope, gk.String(), overlay.Dir),
				fmt.Sprintf("Add it to %s of the project, or move the object to an Application that may have it.", list))
			at, _ := o.Locate(nil)
			where, _ := p.o.Locate(keys(nil, "spec"))
			f.Related = append(f.Related, diag.Related{Range: at, Message: o.ID()}, diag.Related{Range: where, Message: "the project " + p.o.Name})
			d.add(f)
			continue
		}
		if !namespaced || o.Namespace == "" || o.Namespace == to.Namespace || (to.Server == "" && to.Name == "") {
			continue
		}
		there := to
		there.Namespace = o.Namespace
		if !permits(p, there) {
			f := find(a.o, "application-not-permitted", diag.Error, keys(nil, "spec", "project"), fmt.Sprintf("the project %s does not permit the namespace %s, where %s puts %s", p.o.Name, o.Namespace, overlay.Dir, o.ID()),
				"Add the namespace to destinations of the project, or move the object.")
			at, _ := o.Locate(keys(nil, "metadata", "namespace"))
			f.Related = append(f.Related, diag.Related{Range: at, Message: o.ID()})
			d.add(f)
		}
	}
}

// stateful are the kinds that hold data, or take data along when they go.
func stateful(o *manifest.Object) bool {
	return slices.Contains([]string{"Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "StatefulSet"}, o.Kind)
}

// resourceOptions are the sync options of one object.
func resourceOptions(o *manifest.Object) []string {
	value, _ := check.Value(o.Fields, keys(nil, "metadata", "annotations", annotationOptions))
	text, _ := value.(string)
	var out []string
	for option := range strings.SplitSeq(text, ",") {
		if option = strings.TrimSpace(option); option != "" {
			out = append(out, option)
		}
	}
	return out
}

// resources judges the sync options that objects have themselves.
func (r *run) resources() {
	for _, o := range r.in.Objects() {
		if o.Fields == nil {
			continue
		}
		at := keys(nil, "metadata", "annotations", annotationOptions)
		for _, option := range resourceOptions(o) {
			r.option(o, at, option)
			if stateful(o) && (option == "Replace=true" || option == "Force=true") {
				r.add(find(o, "sync-replace-stateful", diag.Error, at, fmt.Sprintf("%s is deleted and made anew at a sync", o.ID()), fmt.Sprintf("What it holds is lost. Remove %s; ServerSideApply=true is for objects that are too large.", option)))
			}
		}
	}
}

// replaced finds options of an Application that delete what holds data.
func (d *delivery) replaced(a *app, overlay *check.Overlay) {
	for _, option := range []string{"Replace=true", "Force=true"} {
		if !a.option(option) {
			continue
		}
		for _, o := range overlay.Objects {
			if !stateful(o) {
				continue
			}
			f := find(a.o, "sync-replace-stateful", diag.Error, a.optionAt(option), fmt.Sprintf("the Application %s deletes %s and makes it anew", a.o.Name, o.ID()),
				fmt.Sprintf("What it holds is lost. Remove %s; ServerSideApply=true is for objects that are too large.", option))
			at, _ := o.Locate(nil)
			f.Related = append(f.Related, diag.Related{Range: at, Message: o.ID()})
			d.add(f)
			break
		}
	}
}

// cascades finds an Application whose deletion takes data along.
func (d *delivery) cascades(a *app, overlay *check.Overlay) {
	value, _ := check.Value(a.o.Fields, keys(nil, "metadata", "finalizers"))
	i := slices.IndexFunc(list(value), func(name string) bool { return strings.HasPrefix(name, cascade) })
	if i < 0 {
		return
	}
	for _, o := range overlay.Objects {
		if !stateful(o) || o.Kind == "StatefulSet" || o.Fields == nil {
			continue
		}
		if options := resourceOptions(o); slices.Contains(options, "Delete=false") || slices.Contains(options, "Delete=confirm") {
			continue
		}
		f := find(a.o, "application-cascade", d.severe(), index(keys(nil, "metadata", "finalizers"), i), fmt.Sprintf("whoever deletes the Application %s deletes %s", a.o.Name, o.ID()),
			fmt.Sprintf("Remove the finalizer, or annotate the object with %s: Delete=confirm.", annotationOptions))
		at, _ := o.Locate(nil)
		f.Related = append(f.Related, diag.Related{Range: at, Message: o.ID()})
		d.add(f)
		return
	}
}

// large finds an object that client-side apply cannot write.
func (d *delivery) large(a *app, o *manifest.Object) {
	if len(o.YAML) < lastApplied/2 || a.option("ServerSideApply=true") || a.option("Replace=true") {
		return
	}
	if options := resourceOptions(o); slices.Contains(options, "ServerSideApply=true") || slices.Contains(options, "Replace=true") {
		return
	}
	text, err := json.Marshal(o.Fields)
	if err != nil || len(text) <= lastApplied {
		return
	}
	f := find(a.o, "application-object-too-large", diag.Error, a.optionAt(""), fmt.Sprintf("the Application %s cannot apply %s: its annotation would hold %d KiB, and 256 are allowed", a.o.Name, o.ID(), len(text)/1024),
		"Add ServerSideApply=true to syncOptions: nothing is then written into an annotation.")
	at, _ := o.Locate(nil)
	f.Related = append(f.Related, diag.Related{Range: at, Message: o.ID()})
	d.add(f)
}

// scaled finds an autoscaler whose work self-heal undoes.
func (d *delivery) scaled(a *app, overlay *check.Overlay, o *manifest.Object) {
	auto := a.automated()
	if o.Kind != "HorizontalPodAutoscaler" || auto == nil || !auto.SelfHeal {
		return
	}
	value, _ := check.Value(o.Fields, keys(nil, "spec", "scaleTargetRef"))
	target, _ := value.(map[string]any)
	for _, workload := range overlay.Objects {
		if workload.Fields == nil || workload.Kind != target["kind"] || workload.Name != target["name"] || workload.Namespace != o.Namespace || !check.Has(workload.Fields, "spec", "replicas") {
			continue
		}
		for _, d := range a.spec.IgnoreDifferences {
			if d.Kind == workload.Kind && (d.Name == "" || d.Name == workload.Name) && slices.Contains(d.JSONPointers, "/spec/replicas") {
				return
			}
		}
		f := find(workload, "application-scaler-undone", diag.Warning, keys(nil, "spec", "replicas"), fmt.Sprintf("self-heal sets the replicas of %s back whenever %s has changed them", workload.ID(), o.ID()),
			"Remove replicas from the manifest, or ignore /spec/replicas in the Application, with RespectIgnoreDifferences=true.")
		at, _ := a.o.Locate(keys(nil, "spec", "syncPolicy", "automated"))
		f.Related = append(f.Related, diag.Related{Range: at, Message: "the Application " + a.o.Name})
		d.add(f)
	}
}
