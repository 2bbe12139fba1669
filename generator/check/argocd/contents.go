package argocd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	d.refresh(a, overlay)
	d.unconfirmed(a, overlay)
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
	var kinds, namespaces []refusal
	for _, o := range overlay.Objects {
		gk := schema.GroupKind{Group: o.Group(), Kind: o.Kind}
		namespaced := d.namespaced(o)
		if q := (question{gk, o.Namespace}); asked[q] {
			continue
		} else {
			asked[q] = true
		}
		if !p.IsGroupKindPermitted(gk, namespaced) {
			kinds = append(kinds, refusal{o, gk.String(), namespaced})
			continue
		}
		if !namespaced || o.Namespace == "" || o.Namespace == to.Namespace || (to.Server == "" && to.Name == "") {
			continue
		}
		there := to
		there.Namespace = o.Namespace
		if reaches(p, there) == no {
			namespaces = append(namespaces, refusal{o, o.Namespace, true})
		}
	}
	d.refusedKinds(a, overlay, p, kinds)
	d.refusedNamespaces(a, overlay, p, namespaces)
}

// refusal is what a project does not permit, at the first object that shows it.
type refusal struct {
	o          *manifest.Object
	what       string
	namespaced bool
}

// distinct are the refusals of different things.
func distinct(list []refusal) []refusal {
	var out []refusal
	for _, r := range list {
		if !slices.ContainsFunc(out, func(have refusal) bool { return have.what == r.what }) {
			out = append(out, r)
		}
	}
	return out
}

func names(list []refusal) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.what
	}
	return listedNames(out)
}

func (d *delivery) refused(a *app, p *project, list []refusal, at func(*manifest.Object) manifest.Path, summary, detail string) {
	if d.doubtful(a, p) {
		return
	}
	f := find(a.o, "application-not-permitted", diag.Error, a.at("spec", "project"), summary, detail)
	for _, r := range list {
		where, _ := r.o.Locate(at(r.o))
		f.Related = append(f.Related, diag.Related{Range: where, Message: r.o.ID()})
	}
	where, _ := p.o.Locate(keys(nil, "spec"))
	f.Related = append(f.Related, diag.Related{Range: where, Message: "the project " + p.o.Name})
	d.add(f)
}

func (d *delivery) refusedKinds(a *app, overlay *check.Overlay, p *project, list []refusal) {
	for _, namespaced := range []bool{false, true} {
		scope, kinds, permit := "cluster-scoped kind", "cluster-scoped kinds", "clusterResourceWhitelist"
		if namespaced {
			scope, kinds, permit = "kind", "kinds", "namespaceResourceWhitelist, or take it from namespaceResourceBlacklist,"
		}
		some := distinct(slices.DeleteFunc(slices.Clone(list), func(r refusal) bool { return r.namespaced != namespaced }))
		if len(some) == 0 {
			continue
		}
		summary := fmt.Sprintf("the project %s does not permit the %s %s, which %s holds", p.o.Name, scope, some[0].what, overlay.Dir)
		if len(some) > 1 {
			summary = fmt.Sprintf("the project %s does not permit %d %s that %s holds: %s", p.o.Name, len(some), kinds, overlay.Dir, names(some))
		}
		d.refused(a, p, some, func(*manifest.Object) manifest.Path { return nil }, summary,
			fmt.Sprintf("Add it to %s of the project, or move the object to an Application that may have it.", permit))
	}
}

func (d *delivery) refusedNamespaces(a *app, overlay *check.Overlay, p *project, list []refusal) {
	some := distinct(list)
	if len(some) == 0 {
		return
	}
	summary := fmt.Sprintf("the project %s does not permit the namespace %s, where %s puts %s", p.o.Name, some[0].what, overlay.Dir, some[0].o.ID())
	if len(some) > 1 {
		summary = fmt.Sprintf("the project %s does not permit %d namespaces that %s puts objects into: %s", p.o.Name, len(some), overlay.Dir, names(some))
	}
	d.refused(a, p, some, func(*manifest.Object) manifest.Path { return keys(nil, "metadata", "namespace") }, summary, "Add the namespace to destinations of the project, or move the object.")
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
		r.syncAnnotations(o)
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
			f := find(a.o, "sync-replace-stateful", diag.Error, a.optionAt(option), fmt.Sprintf("%s deletes %s and makes it anew", a.title(), o.ID()),
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
	i := slices.IndexFunc(a.finalizers, func(name string) bool { return strings.HasPrefix(name, cascade) })
	if i < 0 {
		return
	}
	at, remedy := index(a.at("metadata", "finalizers"), i), "Remove the finalizer"
	if a.set != nil && len(a.set.set.Spec.Template.Finalizers) == 0 { // the set adds it by itself
		at, remedy = keys(nil, "spec", "syncPolicy"), "Write preserveResourcesOnDeletion: true under syncPolicy of the ApplicationSet"
	}
	for _, o := range overlay.Objects {
		if !stateful(o) || o.Kind == "StatefulSet" || o.Fields == nil {
			continue
		}
		if options := resourceOptions(o); slices.Contains(options, "Delete=false") || slices.Contains(options, "Delete=confirm") {
			continue
		}
		f := find(a.o, "application-cascade", d.severe(), at, fmt.Sprintf("whoever deletes %s deletes %s", a.title(), o.ID()),
			fmt.Sprintf("%s, or annotate the object with %s: Delete=confirm.", remedy, annotationOptions))
		where, _ := o.Locate(nil)
		f.Related = append(f.Related, diag.Related{Range: where, Message: o.ID()})
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
	f := find(a.o, "application-object-too-large", diag.Error, a.optionAt(""), fmt.Sprintf("%s cannot apply %s: its annotation would hold %d KiB, and 256 are allowed", a.title(), o.ID(), (len(text)+1023)/1024),
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
		at, _ := a.o.Locate(a.at("spec", "syncPolicy", "automated"))
		f.Related = append(f.Related, diag.Related{Range: at, Message: a.title()})
		d.add(f)
	}
}
