package argocd

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// library is the Argo CD whose types are linked.
const library = "v2.14"

// version is a minor version of Argo CD.
type version struct{ major, minor int }

func (v version) known() bool { return v.major > 0 }

func (v version) before(other version) bool {
	return v.major < other.major || (v.major == other.major && v.minor < other.minor)
}

func (v version) String() string { return fmt.Sprintf("v%d.%d", v.major, v.minor) }

var versionPattern = regexp.MustCompile(`^v?(\d{1,3})\.(\d{1,3})\b`)

func parseVersion(text string) version {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return version{}
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return version{major, minor}
}

// argocdVersion is what the spec says, or the image that is deployed here.
func argocdVersion(in *check.Input) version {
	if text, ok := specString(in.Spec, "argocd", "version"); ok {
		return parseVersion(text)
	}
	for _, o := range in.Objects() {
		if o.Kind != "Deployment" && o.Kind != "StatefulSet" {
			continue
		}
		for _, pod := range check.PodTemplates(o, check.WorkflowDefaults{}) {
			for _, c := range pod.Containers() {
				image, _ := c.Fields["image"].(string)
				if _, tag, found := strings.Cut(image, "/argocd:"); found {
					return parseVersion(tag)
				}
			}
		}
	}
	return version{}
}

// newer is a field that came after the types that are linked.
type newer struct {
	owner reflect.Type
	key   string
	since version
	kind  reflect.Kind
}

// newerFields lists the fields of Argo CD 3, from its release notes and its
// CustomResourceDefinitions.
// https://github.com/argoproj/argo-cd/tree/v3.5.1/manifests/crds
func newerFields() []newer {
	return []newer{
		{reflect.TypeFor[v1alpha1.SyncPolicyAutomated](), "enabled", version{3, 1}, reflect.Bool},
		{reflect.TypeFor[v1alpha1.RetryStrategy](), "refresh", version{3, 2}, reflect.Bool},
		{reflect.TypeFor[v1alpha1.ApplicationSourceKustomize](), "labelIncludeTemplates", version{3, 0}, reflect.Bool},
		{reflect.TypeFor[v1alpha1.ApplicationSourceKustomize](), "ignoreMissingComponents", version{3, 0}, reflect.Bool},
		{reflect.TypeFor[v1alpha1.SyncWindow](), "andOperator", version{3, 0}, reflect.Bool},
		{reflect.TypeFor[v1alpha1.SyncWindow](), "syncOverrun", version{3, 5}, reflect.Bool},
		{reflect.TypeFor[metav1.GroupKind](), "name", version{3, 3}, reflect.String},
		{reflect.TypeFor[v1alpha1.DrySource](), "kustomize", version{3, 3}, reflect.Map},
		{reflect.TypeFor[v1alpha1.DrySource](), "helm", version{3, 3}, reflect.Map},
		{reflect.TypeFor[v1alpha1.DrySource](), "directory", version{3, 3}, reflect.Map},
		{reflect.TypeFor[v1alpha1.AppProjectSpec](), "sourceIntegrity", version{3, 5}, reflect.Map},
	}
}

const ruleDecode = "argocd-decode"

// decode reads an object as strictly as the types allow. It reports what does
// not fit, and fills the value with the rest.
func (r *run) decode(o *manifest.Object, into any) bool {
	if o.APIVersion != group+"/v1alpha1" {
		r.add(find(o, ruleDecode, diag.Error, o.At("apiVersion"), fmt.Sprintf("there is no %s in %s", o.Kind, o.APIVersion), "Write apiVersion: argoproj.io/v1alpha1."))
		return false
	}
	misfits := r.c.shape.Misfits(o.Fields, reflect.TypeOf(into).Elem(), nil)
	for _, m := range misfits {
		r.misfit(o, m)
	}
	r.required(o)
	data, err := json.Marshal(check.Prune(o.Fields, misfits))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		r.add(find(o, ruleDecode, diag.Error, nil, "the object cannot be read: "+strings.TrimPrefix(err.Error(), "json: "), ""))
		return false
	}
	return true
}

// required reports what the CustomResourceDefinition requires.
func (r *run) required(o *manifest.Object) {
	missing := func(names ...string) {
		path := keys(nil, names...)
		if value, ok := check.Value(o.Fields, path); !ok || value == nil {
			r.add(find(o, ruleDecode, diag.Error, path, fmt.Sprintf("%s is missing", path), "The cluster refuses an "+o.Kind+" without "+names[len(names)-1]+"."))
		}
	}
	missing("spec")
	if _, ok := o.Fields["spec"].(map[string]any); !ok {
		return
	}
	switch o.Kind {
	case "Application":
		missing("spec", "destination")
		missing("spec", "project")
	case "ApplicationSet":
		missing("spec", "generators")
		missing("spec", "template")
	}
}

// misfit reports a field that Argo CD does not know, or cannot read.
func (r *run) misfit(o *manifest.Object, m check.Misfit) {
	if !m.Unknown {
		reason := m.Reason
		if m.Twice != "" {
			reason = "it stands here as " + m.Twice + ", too"
		}
		r.add(find(o, ruleDecode, diag.Error, m.Path, fmt.Sprintf("%s has the wrong type: %s", m.Path, reason), ""))
		return
	}
	key := m.Path[len(m.Path)-1].Key
	for _, f := range newerFields() {
		if f.owner == m.Owner && f.key == key {
			r.newer(o, m, f)
			return
		}
	}
	severity, detail := diag.Error, "The cluster drops the field, or refuses the object, and Argo CD never sees it."
	meant := m.Suggestion()
	switch {
	case meant != "":
		detail = fmt.Sprintf("Did you mean %q? ", meant) + detail
	case len(m.Known) <= 12:
		detail = "Known here: " + strings.Join(m.Known, ", ") + ". " + detail
	}
	// Which fields a version has that is newer than the types is not known in
	// full. A typing error is likely where a known field is nearly the same.
	if newerThan := (version{2, 14}); newerThan.before(r.version) || (!r.version.known() && meant == "") {
		severity = diag.Warning
		detail += " Strake knows the fields of " + library + ", and only some newer ones."
	}
	r.add(find(o, ruleDecode, severity, m.Path, fmt.Sprintf("unknown field %q", key), detail))
}

// newer judges a field by the version that has it.
func (r *run) newer(o *manifest.Object, m check.Misfit, f newer) {
	value, _ := check.Value(o.Fields, m.Path)
	if value != nil && reflect.TypeOf(value).Kind() != f.kind {
		r.add(find(o, ruleDecode, diag.Error, m.Path, fmt.Sprintf("%s has the wrong type: want %s", m.Path, map[reflect.Kind]string{
			reflect.Bool: "true or false", reflect.String: "a string", reflect.Map: "a map",
		}[f.kind]), ""))
	}
	switch {
	case !r.version.known():
		r.add(find(o, "argocd-field-version", diag.Warning, m.Path, fmt.Sprintf("the field %s exists from Argo CD %s on, and which version runs is not known", f.key, f.since),
			"An older Argo CD drops the field without a word. Say which version runs: argocd.version in the spec."))
	case r.version.before(f.since):
		r.add(find(o, "argocd-field-version", diag.Error, m.Path, fmt.Sprintf("the field %s exists from Argo CD %s on, and %s runs", f.key, f.since, r.version),
			"This Argo CD drops the field without a word. Remove it, or upgrade."))
	}
}
