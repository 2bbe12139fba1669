package render

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
)

const (
	argocdAPI   = "argoproj.io/v1alpha1"
	argocdGroup = "argoproj.io"
	// deliveryApp is the overlay of the Applications and their projects. The
	// Application that delivers it is spec.RootApplication.
	deliveryApp = "argocd-apps"
	// argocdApp is the overlay of Argo CD's own configuration.
	argocdApp = "argocd"
	// inCluster is how an Argo CD names the cluster that it runs in
	// (docs/operator-manual/declarative-setup.md of Argo CD).
	inCluster = "https://kubernetes.default.svc"
	// cascade makes the deletion of an Application delete its objects, and keeps a
	// project until its last Application is gone (docs/user-guide/app_deletion.md
	// and project_controller of Argo CD).
	cascade = "resources-finalizer.argocd.argoproj.io"
)

// The waves in which the root creates what it delivers for the first time:
// Argo CD has no idea of the health of an Application, so it waits for none, and
// what comes too early is tried again (spec.syncPolicy.retry).
const (
	projectWave     = -4
	definitionsWave = -3
	platformWave    = -2
	guardrailsWave  = -1
	tenantWave      = 0
	handWrittenWave = 1
)

// delivers reports whether Argo CD's own objects are rendered.
func delivers(e *spec.Effective) bool { return e.ArgoCD != nil && e.ArgoCD.Install != "none" }

// delivery is the root of an environment: a project for the platform and one
// for each tenant, and an Application for each overlay and each hand-written app
// of a tenant. The objects differ between environments as a whole, so there is
// no base; and no namespace: transformer, which would move them.
func delivery(e *spec.Effective, delivered []app) app {
	root := app{name: deliveryApp, namespace: e.ArgoCD.Namespace, from: "argocd"}
	objects := append(projects(e, delivered), overlayApplication(e, root))
	for _, a := range delivered {
		objects = append(objects, overlayApplication(e, a))
	}
	for i := range e.Tenants {
		t := &e.Tenants[i]
		for j := range t.Apps {
			objects = append(objects, handWrittenApplication(e, t, &t.Apps[j]))
		}
	}
	root.objects, root.namespace = objects, ""
	return root
}

// application is one Application before it is an object.
type application struct {
	name, project, namespace string
	from                     string
	wave                     int
	// repository, revision and path with their places in the spec.
	repository, revision, path any
	// watched are the directories whose files make the manifests. nil means that
	// they are not known.
	watched []string
	options []string
	// cascades: who deletes the Application deletes its objects.
	cascades bool
	tenant   *spec.Tenant
}

// overlayApplication delivers an overlay.
func overlayApplication(e *spec.Effective, a app) object {
	d := application{
		name: a.name, project: spec.PlatformProject, namespace: a.namespace, from: a.from, wave: platformWave,
		repository: at("repository.url", e.Repository.URL), revision: deliveryRevision(e),
		path:    path.Join(e.Repository.Root, "overlays", e.Environment, a.name),
		watched: []string{"."}, options: overlayOptions(a), tenant: a.tenant,
	}
	if a.base != "" {
		// Every version of it: an Application that moves on does not change.
		d.watched = append(d.watched, "/"+path.Join(e.Repository.Root, "base", a.base))
	}
	for _, dir := range a.vendored {
		d.watched = append(d.watched, "/"+path.Join(e.Repository.Root, "vendor", path.Dir(path.Dir(dir))))
	}
	if d.namespace == "" {
		d.namespace = e.ArgoCD.Namespace // definitions have none, and a project allows no Application without one
	}
	switch {
	case a.name == deliveryApp:
		d.name, d.wave = spec.RootApplication, projectWave
	case a.plain:
		d.wave = definitionsWave
	case a.tenant != nil:
		d.project, d.wave = a.tenant.Name, tenantWave
		// All that stands in a tenant's own overlay can be made again from Git. What
		// it runs must not go on without anybody looking after it.
		d.cascades = true
	case a.base == guardrailsBaseName:
		d.wave = guardrailsWave
	}
	return d.object(e)
}

// handWrittenApplication delivers an app that its team wrote. What its
// kustomization reads, and what of it holds data, is not known here: it is
// built again at every commit, and stays when the Application goes.
func handWrittenApplication(e *spec.Effective, t *spec.Tenant, a *spec.App) object {
	from := tenantPath(t) + ".apps[" + a.Name + "]"
	d := application{
		name: t.Name + "-" + a.Name, project: t.Name, namespace: t.Namespace, from: from, wave: handWrittenWave,
		repository: at("repository.url", e.Repository.URL), revision: deliveryRevision(e),
		path:    at(from+".path", path.Clean(a.Path)),
		options: append(commonOptions(), skipDryRun), tenant: t,
	}
	if a.Repository != "" {
		d.repository = at(from+".repository", a.Repository)
		d.revision = appRevision(e, a, from)
	}
	return d.object(e)
}

// deliveryRevision is what the environment follows: a branch, or a tag or commit
// that it stays on.
func deliveryRevision(e *spec.Effective) any {
	if e.Delivery.Revision != "" {
		return at("delivery.revision", e.Delivery.Revision)
	}
	return at("delivery.branch", e.Delivery.Branch)
}

// appRevision is what an app of another repository is followed at.
func appRevision(e *spec.Effective, a *spec.App, from string) any {
	for _, of := range []string{e.Environment, e.Stage} {
		if revision := a.Revision[of]; revision != "" {
			return at(from+".revision."+of, revision)
		}
	}
	return "HEAD" // the spec asks for a revision: only its findings lead here
}

// revisionHistory is how many deliveries an Application remembers: enough to see
// what came before. To go back is a commit.
const revisionHistory = 5

// Options of a sync: docs/user-guide/sync-options.md of Argo CD.
const (
	skipDryRun      = "SkipDryRunOnMissingResource=true"
	serverSideApply = "ServerSideApply=true"
)

func commonOptions() []string {
	return []string{
		// Namespaces come with their quota, their walls and their profile.
		"CreateNamespace=false",
		// What goes, goes after what replaces it is there.
		"PruneLast=true",
		"ApplyOutOfSyncOnly=true",
		// Two Applications that own one object undo each other's work for ever.
		"FailOnSharedResource=true",
	}
}

func overlayOptions(a app) []string {
	options := commonOptions()
	if a.plain || a.name == argocdApp {
		// Definitions may be larger than the annotation that client-side apply writes.
		// Argo CD's own objects may have been installed by somebody else, whose fields
		// stay.
		options = append(options, serverSideApply)
	}
	custom := func(o object) bool { return isCustom(o.doc) }
	if slices.ContainsFunc(a.objects, custom) || slices.ContainsFunc(a.baseObjects, custom) {
		options = append(options, skipDryRun) // the definition comes with another Application
	}
	return options
}

// isCustom reports whether an object is of a kind that a definition brings. Those
// of the project Kubernetes end in k8s.io, and none of them is rendered.
func isCustom(doc m) bool {
	group := groupOf(doc)
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}

func groupOf(doc m) string {
	version, _ := doc.get("apiVersion").(string)
	group, _, found := strings.Cut(version, "/")
	if !found {
		return ""
	}
	return group
}

func (d application) object(e *spec.Effective) object {
	doc := m{
		{"apiVersion", argocdAPI},
		{"kind", "Application"},
		{"metadata", d.metadata(e)},
		{"spec", m{
			{"project", d.project},
			{"source", m{{"repoURL", d.repository}, {"targetRevision", d.revision}, {"path", d.path}}},
			{"destination", m{{"server", inCluster}, {"namespace", d.namespace}}},
			{"syncPolicy", m{
				{"automated", automated(e)},
				{"syncOptions", strs(d.options)},
				{"retry", syncRetry(e)},
			}},
			{"revisionHistoryLimit", revisionHistory},
			{"info", byHand(e)},
		}},
	}
	return object{from: d.from, doc: doc}
}

func (d application) metadata(e *spec.Effective) m {
	meta := argocdMetadata(e, d.name, d.tenant)
	annotations := m{{"argocd.argoproj.io/sync-wave", strconv.Itoa(d.wave)}}
	if d.watched != nil {
		annotations = append(annotations, kv{"argocd.argoproj.io/manifest-generate-paths", strings.Join(d.watched, ";")})
	}
	meta = append(meta, kv{"annotations", annotations})
	if d.cascades {
		meta = append(meta, kv{"finalizers", list{cascade}})
	}
	return meta
}

// argocdMetadata names an object in the namespace of Argo CD.
func argocdMetadata(e *spec.Effective, name string, t *spec.Tenant) m {
	of := e.Platform
	if t != nil {
		of = t.Name
	}
	return m{
		{"name", name},
		{"namespace", at("argocd.namespace", e.ArgoCD.Namespace)},
		{"labels", labels(of, name, "delivery")},
	}
}

// automated is how a commit becomes the cluster's state by itself. An empty
// result of a build is taken for what it is, a mistake.
func automated(e *spec.Effective) any {
	s := e.ArgoCD.Sync
	policy := m{
		{"prune", at("argocd.sync.prune", s.Prune)},
		{"selfHeal", at("argocd.sync.selfHeal", s.SelfHeal)},
		{"allowEmpty", false},
	}
	switch {
	case e.Delivery.Sync != "manual":
		return policy
	case e.ArgoCD.AtLeast(3, 1):
		return at("delivery.sync", append(m{{"enabled", false}}, policy...))
	default:
		return nil
	}
}

// byHand tells whoever looks at an Application why nothing happens.
func byHand(e *spec.Effective) any {
	if e.Delivery.Sync != "manual" {
		return nil
	}
	why := at("delivery.reason", optional(e.Delivery.Reason))
	if why == nil {
		why = at("delivery.approvers", strings.Join(e.Delivery.Approvers, ", ")+" press Sync")
	}
	return list{m{{"name", "Synced by hand"}, {"value", why}}}
}

// syncRetry tries a failed sync again: definitions, stores and namespaces come
// with other Applications.
func syncRetry(e *spec.Effective) any {
	r := e.ArgoCD.Sync.Retry
	if r.Limit == 0 {
		return nil
	}
	var refresh any
	if e.ArgoCD.AtLeast(3, 2) {
		refresh = true // a commit that mends the failure is not kept waiting
	}
	const from = "argocd.sync.retry"
	return m{
		{"limit", at(from+".limit", r.Limit)},
		{"refresh", refresh},
		{"backoff", m{
			{"duration", at(from+".backoff.duration", goDuration(r.Backoff.Duration))},
			{"factor", at(from+".backoff.factor", r.Backoff.Factor)},
			{"maxDuration", at(from+".backoff.maxDuration", goDuration(r.Backoff.MaxDuration))},
		}},
	}
}

// goDuration is a duration in the grammar of Go, which knows no days.
func goDuration(s string) string {
	d, err := spec.ParseDuration(s)
	if err != nil || !strings.Contains(s, "d") {
		return s
	}
	return d.String()
}

// confirmed marks the kinds whose deletion somebody must confirm. Before 2.14
// Argo CD cannot ask: there it leaves them.
func confirmed(e *spec.Effective, objects []object) {
	value := confirmation(e)
	for i := range objects {
		if kind, _ := objects[i].doc.get("kind").(string); slices.Contains(e.ArgoCD.Sync.ConfirmDelete, kind) && !hasOptions(objects[i].doc) {
			objects[i].doc = annotated(objects[i].doc, kv{objectOptions, at("argocd.sync.confirmDelete", value)})
		}
	}
}

// confirmation has Argo CD ask before it deletes an object.
func confirmation(e *spec.Effective) string {
	if !e.ArgoCD.AtLeast(2, 14) {
		return "Prune=false,Delete=false"
	}
	return "Prune=confirm,Delete=confirm"
}

// objectOptions is the annotation that says how one object is synced
// (docs/user-guide/sync-options.md of Argo CD).
const objectOptions = "argocd.argoproj.io/sync-options"

// hasOptions reports whether an object says itself how it is synced.
func hasOptions(doc m) bool {
	meta, _ := doc.get("metadata").(m)
	have, _ := meta.get("annotations").(m)
	return have.get(objectOptions) != nil
}

// annotated adds an annotation to an object.
func annotated(doc m, annotation kv) m {
	meta, _ := doc.get("metadata").(m)
	have, _ := meta.get("annotations").(m)
	meta = replaced(meta, "annotations", append(slices.Clone(have), annotation))
	return replaced(doc, "metadata", meta)
}

// replaced sets a key and keeps its place.
func replaced(doc m, key string, value any) m {
	out := slices.Clone(doc)
	for i := range out {
		if out[i].k == key {
			out[i].v = value
			return out
		}
	}
	return append(out, kv{key, value})
}
