package argocd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

const (
	ruleInvalid = "argocd-invalid"
	// cascade is the finalizer that deletes all that an Application delivered.
	cascade           = v1alpha1.ResourcesFinalizerName
	annotationOptions = "argocd.argoproj.io/sync-options"
)

// source is one source of an Application and where it stands.
type source struct {
	v1alpha1.ApplicationSource
	path manifest.Path
}

func (a *app) sources() []source {
	switch {
	case a.spec.SourceHydrator != nil:
		return []source{{a.spec.SourceHydrator.GetDrySource(), a.at("spec", "sourceHydrator", "drySource")}}
	case len(a.spec.Sources) > 0:
		out := make([]source, len(a.spec.Sources))
		for i, s := range a.spec.Sources {
			out[i] = source{s, index(a.at("spec", "sources"), i)}
		}
		return out
	case a.spec.Source != nil:
		return []source{{*a.spec.Source, a.at("spec", "source")}}
	default:
		return nil
	}
}

// projectName is the project's, which is default where none is named.
func (a *app) projectName() string {
	if a.spec.Project == "" {
		return v1alpha1.DefaultAppProjectName
	}
	return a.spec.Project
}

func (a *app) automated() *v1alpha1.SyncPolicyAutomated {
	if a.spec.SyncPolicy == nil {
		return nil
	}
	// Argo CD 3.1 can turn it off in place.
	if on, ok := check.Value(a.fields, keys(nil, "spec", "syncPolicy", "automated", "enabled")); ok && on == false {
		return nil
	}
	return a.spec.SyncPolicy.Automated
}

func (a *app) option(option string) bool {
	return a.spec.SyncPolicy != nil && a.spec.SyncPolicy.SyncOptions.HasOption(option)
}

// optionAt is where a sync option stands.
func (a *app) optionAt(option string) manifest.Path {
	at := a.at("spec", "syncPolicy", "syncOptions")
	if a.spec.SyncPolicy != nil {
		if i := slices.Index(a.spec.SyncPolicy.SyncOptions, option); i >= 0 {
			return index(at, i)
		}
	}
	return at
}

// application judges one Application by itself.
func (r *run) application(a *app) {
	r.sourceShape(a)
	r.destination(a)
	r.syncPolicy(a.o, a.spec.SyncPolicy, a.at("spec", "syncPolicy"))
	r.ignored(a)
	r.automation(a)
	if a.projectName() == v1alpha1.DefaultAppProjectName && check.Has(a.fields, "spec") {
		r.add(find(a.o, "application-project-default", diag.Error, a.at("spec", "project"), fmt.Sprintf("%s is in the project default", a.title()),
			"That project permits every repository, namespace and kind. Name an AppProject of its own."))
	}
	for _, s := range a.sources() {
		if s.Chart == "" && s.RepoURL != "" && !s.IsRef() && (s.TargetRevision == "" || s.TargetRevision == "HEAD") {
			severity := diag.Info
			if r.prod {
				severity = diag.Warning
			}
			r.add(find(a.o, "application-target-revision", severity, keys(s.path, "targetRevision"), fmt.Sprintf("%s follows whatever branch is the default", a.title()),
				"Name the branch, the tag or the commit: whoever changes the default branch changes what is deployed."))
		}
	}
	if ns := r.namespace(); ns != "" && a.set == nil && a.namespace != "" && a.namespace != ns && !r.appsAnywhere(a.namespace) {
		r.add(find(a.o, "application-namespace", diag.Error, keys(nil, "metadata", "namespace"), fmt.Sprintf("%s is in the namespace %s, where Argo CD does not look", a.title(), a.namespace),
			fmt.Sprintf("Write namespace: %s, and keep kustomize's namespace field away from Applications; or list %s under application.namespaces of argocd-cmd-params-cm.", ns, a.namespace)))
	}
}

// appsAnywhere reports whether Argo CD is told to look into a namespace.
func (r *run) appsAnywhere(ns string) bool {
	o := r.configMap(parametersName)
	if o == nil {
		return false
	}
	text, _ := check.Value(o.Fields, keys(nil, "data", "application.namespaces"))
	list, _ := text.(string)
	return slices.ContainsFunc(strings.Split(list, ","), func(pattern string) bool {
		pattern = strings.TrimSpace(pattern)
		return pattern == ns || strings.ContainsAny(pattern, "*?[/") // a pattern may match
	})
}

// sourceShape is Argo CD's validateSourcePermissions, with places.
func (r *run) sourceShape(a *app) {
	at := a.at("spec")
	invalid := func(path manifest.Path, summary, detail string) {
		r.add(find(a.o, ruleInvalid, diag.Error, path, summary, detail))
	}
	list := a.sources()
	if len(list) == 0 {
		if check.Has(a.fields, "spec") {
			invalid(at, fmt.Sprintf("%s has no source", a.title()), "Write source with repoURL and path, or chart.")
		}
		return
	}
	if a.spec.Source != nil && len(a.spec.Sources) > 0 {
		r.add(find(a.o, ruleInvalid, diag.Warning, keys(at, "source"), "both source and sources are set, and Argo CD reads sources", "Remove source."))
	}
	for _, s := range list {
		switch {
		case s.RepoURL == "":
			invalid(keys(s.path, "repoURL"), "the source has no repoURL", "")
		case s.Path == "" && s.Chart == "" && s.Ref == "":
			invalid(s.path, "the source has neither path nor chart", `Write path: the directory in the repository; "." is the top.`)
		case s.Path == "" && s.Chart == "" && len(a.spec.Sources) == 0:
			invalid(s.path, "the source has neither path nor chart", "A source that is only a ref belongs under sources, beside the one that uses it.")
		case s.Chart != "" && s.TargetRevision == "":
			invalid(s.path, "the chart has no targetRevision", "Write the chart's version.")
		}
		var tools []string
		for _, tool := range []struct {
			name string
			set  bool
		}{{"helm", s.Helm != nil && !s.Helm.IsZero()}, {"kustomize", s.Kustomize != nil && !s.Kustomize.IsZero()}, {"directory", s.Directory != nil && !s.Directory.IsZero()}, {"plugin", s.Plugin != nil && !s.Plugin.IsZero()}} {
			if tool.set {
				tools = append(tools, tool.name)
			}
		}
		if len(tools) > 1 {
			invalid(keys(s.path, tools[1]), "the source is configured for several tools: "+strings.Join(tools, ", "), "Keep one of them.")
		}
	}
}

// destination is Argo CD's ValidateDestination, as far as the cluster need not
// be asked.
func (r *run) destination(a *app) {
	o, d, at := a.o, a.spec.Destination, a.at("spec", "destination")
	switch {
	case d.Server != "" && d.Name != "":
		r.add(find(o, ruleInvalid, diag.Error, keys(at, "name"), "the destination has both name and server", "Keep one of them."))
	case d.Server == "" && d.Name == "" && check.Has(a.fields, "spec", "destination"):
		r.add(find(o, ruleInvalid, diag.Error, at, "the destination has neither server nor name", "Write server: https://kubernetes.default.svc for the cluster that Argo CD runs in."))
	}
}

// syncOptions are the options with their values; nil takes true and false.
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
func syncOptions() map[string][]string {
	return map[string][]string{
		"CreateNamespace": nil, "ServerSideApply": nil, "ApplyOutOfSyncOnly": nil, "PruneLast": nil, "Replace": nil, "Force": nil,
		"Validate": nil, "SkipDryRunOnMissingResource": nil, "FailOnSharedResource": nil, "RespectIgnoreDifferences": nil,
		"ClientSideApplyMigration": nil,
		"PrunePropagationPolicy":   {"foreground", "background", "orphan"},
		"Prune":                    {"true", "false", "confirm"},
		"Delete":                   {"true", "false", "confirm"},
	}
}

// option judges one sync option.
func (r *run) option(o *manifest.Object, at manifest.Path, option string) {
	name, value, found := strings.Cut(option, "=")
	values, known := syncOptions()[name]
	if values == nil {
		values = []string{"true", "false"}
	}
	switch {
	case !known:
		var names []string
		for n := range syncOptions() {
			names = append(names, n)
		}
		slices.Sort(names)
		detail := "Argo CD ignores it. Known: " + strings.Join(names, ", ") + "."
		if meant := diag.DidYouMean(name, names); meant != "" {
			detail = fmt.Sprintf("Did you mean %s? Argo CD ignores what it does not know.", meant)
		}
		r.add(find(o, ruleInvalid, diag.Error, at, fmt.Sprintf("there is no sync option %q", name), detail))
	case !found || !slices.Contains(values, value):
		r.add(find(o, ruleInvalid, diag.Error, at, fmt.Sprintf("the sync option %s has the value %q", name, value), "Write "+name+"= and "+diag.OneOf(values)+", without spaces."))
	}
}

func (r *run) syncPolicy(o *manifest.Object, p *v1alpha1.SyncPolicy, at manifest.Path) {
	if p == nil {
		return
	}
	for i, option := range p.SyncOptions {
		r.option(o, index(keys(at, "syncOptions"), i), option)
	}
	if p.Retry == nil || p.Retry.Backoff == nil {
		return
	}
	for key, text := range map[string]string{"duration": p.Retry.Backoff.Duration, "maxDuration": p.Retry.Backoff.MaxDuration} {
		if text == "" {
			continue
		}
		if _, err := strconv.Atoi(text); err == nil {
			continue
		}
		if _, err := time.ParseDuration(text); err != nil {
			r.add(find(o, ruleInvalid, diag.Error, keys(at, "retry", "backoff", key), fmt.Sprintf("%s is no duration: %q", key, text), "Write seconds as a number, or a duration such as 10s or 5m."))
		}
	}
}

// ignored judges ignoreDifferences.
func (r *run) ignored(a *app) {
	for i, d := range a.spec.IgnoreDifferences {
		at := index(a.at("spec", "ignoreDifferences"), i)
		if len(d.JSONPointers)+len(d.JQPathExpressions)+len(d.ManagedFieldsManagers) == 0 {
			r.add(find(a.o, ruleInvalid, diag.Error, at, "the entry of ignoreDifferences names no field", "Write jsonPointers, jqPathExpressions or managedFieldsManagers."))
		}
		for j, pointer := range d.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				r.add(find(a.o, ruleInvalid, diag.Error, index(keys(at, "jsonPointers"), j), fmt.Sprintf("%q is no JSON pointer", pointer), "Write /spec/replicas; a slash within a key is ~1."))
			}
		}
	}
	if auto := a.automated(); len(a.spec.IgnoreDifferences) > 0 && auto != nil && !a.option("RespectIgnoreDifferences=true") {
		r.add(find(a.o, "application-ignored-reset", diag.Warning, a.at("spec", "ignoreDifferences"), fmt.Sprintf("%s does not show the ignored differences, and undoes them at every sync", a.title()),
			"Add RespectIgnoreDifferences=true to syncOptions."))
	}
}

// automation judges how the Application follows Git.
func (r *run) automation(a *app) {
	at := a.at("spec", "syncPolicy", "automated")
	auto := a.automated()
	manual, _ := specString(r.in.Spec, "delivery", "sync")
	switch {
	case r.prod && manual != "manual" && (auto == nil || !auto.SelfHeal):
		severity := diag.Error
		if r.in.Spec == nil {
			severity = diag.Warning // that it is production is a guess by the name
		}
		r.add(find(a.o, "application-self-heal", severity, keys(at, "selfHeal"), fmt.Sprintf("%s leaves changes by hand in production", a.title()),
			"Write automated: {prune: true, selfHeal: true}. For emergencies there are sync windows."))
	case auto != nil && !auto.Prune:
		r.add(find(a.o, "application-prune", diag.Warning, keys(at, "prune"), fmt.Sprintf("%s keeps what was removed from Git", a.title()),
			"Write prune: true, and Prune=confirm on what holds data."))
	}
	if auto != nil && auto.AllowEmpty {
		r.add(find(a.o, "application-allow-empty", r.severe(), keys(at, "allowEmpty"), fmt.Sprintf("%s may delete everything", a.title()),
			"A source that builds to nothing by mistake empties the cluster. Remove allowEmpty."))
	}
}
