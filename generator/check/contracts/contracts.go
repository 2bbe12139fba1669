// Package contracts holds the layers of an environment against each other: the
// Terraform underneath, and the manifests that count on it. It also judges
// Terraform alone, where a mistake there is one that the cluster pays for.
//
// It must never guess: a value that Terraform's files do not decide is named as
// unknown, and what depends on it is not compared. It reads no file and asks no
// cloud.
package contracts

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

// Checker judges contracts. The zero value is ready, and safe for concurrent
// use.
type Checker struct{}

// New returns a Checker.
func New() *Checker { return &Checker{} }

// Name is the check's name in reports.
func (*Checker) Name() string { return "contracts" }

// Run judges one environment: first what Terraform says by itself, then what
// the manifests expect of it. Without Terraform there is nothing to hold the
// manifests against, which check.Fleet says once.
func (*Checker) Run(ctx context.Context, in *check.Input) (diag.List, error) {
	r := read(in)
	for _, judge := range r.rules() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		judge()
	}
	return r.findings, nil
}

// rules lists all judgements in their order.
func (r *run) rules() []func() {
	manifests := []func(){r.autopilotPods, r.controllers}
	if len(r.roots) == 0 {
		return manifests
	}
	alone := []func(){
		r.nodePools, r.clusters, r.autopilotClusters, r.addresses,
		r.projectRoles, r.authoritative, r.iamTargets, r.nodeRoles,
		r.storage, r.locations, r.layers, r.deletionProtection,
		r.states, r.providers, r.secretsInState, r.attributes,
	}
	joined := []func(){
		r.identities, r.placement, r.artifacts, r.databases, r.externalSecrets,
		r.networkPolicies, r.registries, r.images, r.pipelines,
	}
	return slices.Concat(alone, joined, manifests)
}

// run is the judgement of one environment.
type run struct {
	in       *check.Input
	prod     bool
	roots    []*root
	findings diag.List
	said     map[string]bool // what is said once

	clusters_ []*cluster
	pools     []*pool
	accounts  []*account
	grants    []*grant
	objects   []*manifest.Object
	defaults  check.WorkflowDefaults
}

// layer is how long a root lives.
type layer int

const (
	unlayered layer = iota
	persistent
	ephemeral
)

// root is a Terraform root with its layer.
type root struct {
	*terraform.Root
	layer layer
}

func read(in *check.Input) *run {
	r := &run{in: in, prod: production(in), said: map[string]bool{}, objects: in.Objects()}
	r.defaults = check.ControllerDefaults(r.objects)
	for _, t := range in.Terraform {
		r.roots = append(r.roots, &root{t, layerOf(in, t)})
	}
	r.readClusters()
	r.readAccounts()
	r.readGrants()
	return r
}

// layerOf reads the layer from the spec, else from the directory's name.
func layerOf(in *check.Input, t *terraform.Root) layer {
	for name, l := range map[string]layer{"persistent": persistent, "ephemeral": ephemeral} {
		if dir, ok := specString(in.Spec, "terraform", name, "path"); ok {
			dir = strings.TrimLeft(dir, "./")
			if t.Dir == dir || strings.HasSuffix(t.Dir, "/"+dir) {
				return l
			}
		}
	}
	elements := strings.Split(t.Dir, "/")
	for _, element := range slices.Backward(elements) {
		switch element {
		case "persistent":
			return persistent
		case "ephemeral":
			return ephemeral
		}
	}
	return unlayered
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
	value, _ := check.Value(spec, keys(path...))
	text, ok := value.(string)
	return text, ok && text != ""
}

// severe is error where people depend on the environment.
func (r *run) severe() diag.Severity {
	if r.prod {
		return diag.Error
	}
	return diag.Warning
}

// complete reports that no root has a part that was not read: what is not in
// them does not exist.
func (r *run) complete() bool {
	return !slices.ContainsFunc(r.roots, func(t *root) bool { return !t.Complete() })
}

// find adds a finding in Terraform: of a resource, or of a root where res is
// nil.
func (r *run) find(rule string, severity diag.Severity, res *terraform.Resource, at diag.Range, field, summary, detail string, related ...diag.Related) {
	d := diag.Diagnostic{
		Rule: rule, Severity: severity, Summary: summary, Detail: detail,
		Range: at, Field: field, Related: related,
	}
	if res != nil {
		d.Object = res.Address
	}
	r.findings = append(r.findings, d)
}

// finding adds a finding at a path of an object, with the other side first
// among the related places.
func (r *run) finding(rule string, severity diag.Severity, o *manifest.Object, path manifest.Path, summary, detail string, other ...diag.Related) {
	d := o.Finding(rule, severity, path, summary, detail)
	d.Sensitive = manifest.IsSensitive(o, path)
	d.Related = append(other, d.Related...)
	r.findings = append(r.findings, d)
}

// unknown says once that a value is not known, so that what depends on it was
// not compared. Values that hang on the same variable are one.
func (r *run) unknown(res *terraform.Resource, what string, v terraform.Value) {
	key := "unknown " + v.Range.String()
	if len(v.Refs) == 1 && strings.HasPrefix(v.Refs[0].Address, "var.") {
		key = "unknown " + res.Module + " " + v.Refs[0].Address
	}
	if r.said[key] {
		return
	}
	r.said[key] = true
	r.find("contract-unknown", diag.Info, res, v.Range, what,
		what+" of "+res.Address+" is not known: "+v.Reason(),
		"What depends on it was not compared. A default, or a value in a tfvars file, makes it known.")
}

// undecided says once for a root that something may stand in a part of it that
// was not read.
func (r *run) undecided(what string) {
	for _, t := range r.roots {
		key := "undecided " + t.Dir
		if t.Complete() || r.said[key] {
			continue
		}
		r.said[key] = true
		at := diag.Range{Path: t.Dir}
		for _, call := range t.Modules {
			if call.Dir == "" {
				at = call.Range
				break
			}
		}
		r.find("contract-unknown", diag.Info, nil, at, "",
			"a part of "+t.Dir+" was not read: whether it has "+what+" is not known",
			"Modules from outside of the repository are not read. What may stand in one is not reported as missing.")
	}
}

func related(at diag.Range, message string) diag.Related {
	return diag.Related{Range: at, Message: message}
}

func keys(names ...string) manifest.Path {
	path := make(manifest.Path, 0, len(names))
	for _, name := range names {
		path = append(path, manifest.Step{Key: name})
	}
	return path
}

func below(path manifest.Path, steps ...manifest.Step) manifest.Path {
	return append(slices.Clone(path), steps...)
}

func mapAt(m map[string]any, names ...string) map[string]any {
	for _, name := range names {
		m, _ = m[name].(map[string]any)
	}
	return m
}

func stringAt(m map[string]any, names ...string) string {
	if len(names) > 1 {
		m = mapAt(m, names[:len(names)-1]...)
	}
	s, _ := m[names[len(names)-1]].(string)
	return s
}
