// Package argocd says what Argo CD would say: it decodes its kinds strictly,
// judges projects and policies with Argo CD's own code, and follows each
// Application to what it delivers.
//
// It must never talk to a cluster or to a Git host: what stands in another
// repository is named as unknown.
package argocd

import (
	"context"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/sirupsen/logrus"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

const group = "argoproj.io"

// Checker judges Argo CD's kinds and configuration. It is built once and is safe
// for concurrent use.
type Checker struct {
	shape *check.Shape
	kinds map[string]reflect.Type
}

// New prepares the tables.
//
// Argo CD's library warns on logrus' standard logger, which writes to stderr:
// that is ours to write. check/argo turns it off as well, for the same reason.
func New() *Checker {
	logrus.SetOutput(io.Discard)
	return &Checker{
		shape: check.NewShape(false, nil),
		kinds: map[string]reflect.Type{
			"Application":    reflect.TypeFor[v1alpha1.Application](),
			"AppProject":     reflect.TypeFor[v1alpha1.AppProject](),
			"ApplicationSet": reflect.TypeFor[v1alpha1.ApplicationSet](),
		},
	}
}

// Name is the check's name in reports.
func (c *Checker) Name() string { return "argocd" }

// Coverage reports how far the kind is judged.
func (c *Checker) Coverage(apiVersion, kind string) check.Depth {
	switch {
	case apiVersion != group+"/v1alpha1" || c.kinds[kind] == nil:
		return check.Unknown
	case kind == "ApplicationSet":
		return check.Decoded
	default:
		return check.Full
	}
}

// Run judges one environment.
func (c *Checker) Run(ctx context.Context, in *check.Input) (diag.List, error) {
	r := c.read(in)
	for _, a := range r.apps {
		r.application(a)
	}
	for _, s := range r.sets {
		r.applicationSet(s)
		r.application(s.template())
	}
	for _, p := range r.projects {
		r.project(p)
	}
	r.resources()
	r.secretOwners()
	r.backends()
	policy := r.policy()
	r.settings(policy)
	r.judgePolicy(policy)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.assertions(policy)
	r.notifications()
	if !in.Partial {
		r.topology()
	}
	return r.findings, nil
}

// Topology judges only how Applications and what they deliver fit together. It
// is for repositories whose overlays were judged one by one: of what is not
// Argo CD's own, it needs no more than the identity.
func (c *Checker) Topology(in *check.Input) diag.List {
	r := c.read(in)
	r.findings = nil // said when the overlays were judged
	r.topology()
	return r.findings
}

// run is the judgement of one environment.
type run struct {
	c        *Checker
	in       *check.Input
	prod     bool
	version  version // of Argo CD; zero is unknown
	apps     []*app
	sets     []*appSet
	projects []*project
	findings diag.List
}

type project struct {
	o *manifest.Object
	v1alpha1.AppProject
}

// read decodes all that is Argo CD's own. What does not fit is a finding, and
// the rest is still judged.
func (c *Checker) read(in *check.Input) *run {
	r := &run{c: c, in: in, prod: production(in), version: argocdVersion(in)}
	for _, o := range in.Objects() {
		if o.Group() != group || c.kinds[o.Kind] == nil || o.Fields == nil {
			continue
		}
		switch o.Kind {
		case "Application":
			var a v1alpha1.Application
			if r.decode(o, &a) {
				r.apps = append(r.apps, &app{o: o, name: o.Name, namespace: o.Namespace, finalizers: a.Finalizers, annotations: a.Annotations, fields: o.Fields, spec: a.Spec})
			}
		case "AppProject":
			p := &project{o: o}
			if r.decode(o, &p.AppProject) {
				r.projects = append(r.projects, p)
			}
		default:
			s := &appSet{o: o}
			if r.decode(o, &s.set) {
				r.sets = append(r.sets, s)
			}
		}
	}
	return r
}

func (r *run) add(d ...diag.Diagnostic) { r.findings = append(r.findings, d...) }

// object finds an object of the environment.
func (r *run) object(kind, name string) *manifest.Object {
	for _, o := range r.in.Objects() {
		if o.Kind == kind && o.Name == name && o.Fields != nil {
			return o
		}
	}
	return nil
}

// configMaps returns the ConfigMaps of a name, of which Argo CD reads the one in
// its own namespace.
func (r *run) configMap(name string) *manifest.Object {
	if o := r.object("ConfigMap", name); o != nil && o.Group() == "" {
		return o
	}
	return nil
}

// severe is error where people depend on the environment.
func (r *run) severe() diag.Severity {
	if r.prod {
		return diag.Error
	}
	return diag.Warning
}

// namespace that Argo CD runs in, or "" when nothing says so.
func (r *run) namespace() string {
	if ns, ok := specString(r.in.Spec, "argocd", "namespace"); ok {
		return ns
	}
	for _, name := range []string{settingsName, policyName, parametersName} {
		if o := r.configMap(name); o != nil && o.Namespace != "" {
			return o.Namespace
		}
	}
	return ""
}

var notProduction = regexp.MustCompile(`(non|pre)[-_]?prod`)

// production says whether people depend on the environment, as the policies do.
func production(in *check.Input) bool {
	stage, _ := specString(in.Spec, "stage")
	if stage == "" {
		stage = in.Environment
	}
	stage = strings.ToLower(stage)
	return strings.Contains(stage, "prod") && !notProduction.MatchString(stage)
}

func specString(spec map[string]any, path ...string) (string, bool) {
	value, _ := check.Value(spec, keys(nil, path...))
	text, ok := value.(string)
	return text, ok && text != ""
}

// find starts a finding, whose source line is masked where a secret stands in
// it.
func find(o *manifest.Object, rule string, severity diag.Severity, path manifest.Path, summary, detail string) diag.Diagnostic {
	d := o.Finding(rule, severity, path, summary, detail)
	d.Sensitive = manifest.IsSensitive(o, path)
	return d
}

func keys(path manifest.Path, names ...string) manifest.Path {
	out := slices.Clone(path)
	for _, name := range names {
		out = append(out, manifest.Step{Key: name})
	}
	return out
}

func index(path manifest.Path, i int) manifest.Path {
	return append(slices.Clone(path), manifest.Step{Index: i})
}
