// Package kube says what the API server would say: it runs every object of a
// built-in kind through the server's own strict decoding, defaulting and create
// strategy, and every pod template through Pod Security, LimitRange and
// ResourceQuota of its namespace.
//
// It must never talk to a server, judge what depends on a cluster's state, or
// hold an opinion of its own: what is allowed but unwise is for policies.
package kube

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"k8s.io/kubernetes/pkg/capabilities"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// Checker judges objects of built-in kinds. It is built once and is safe for
// concurrent use.
type Checker struct {
	catalogues []*catalogue
	shape      *check.Shape
	keys       map[string]map[string][]string
	security   []securityCheck
}

// New prepares the codecs, strategies and tables.
//
// Whether privileged containers are allowed at all is a flag of the API server,
// kept in a variable of its own that can be set once; it is on in GKE and every
// other distribution. Pod Security is what forbids them.
func New() check.Check {
	capabilities.Setup(true, 0)
	return &Checker{
		catalogues: []*catalogue{builtin(), extensions()},
		shape:      check.NewShape(false, nil),
		keys:       mapKeys(),
		security:   securityChecks(),
	}
}

// Name is the check's name in reports.
func (c *Checker) Name() string { return "kube" }

// Coverage reports how far the kind is judged. A kind that does not exist in a
// built-in group counts as decoded: Run refuses it.
func (c *Checker) Coverage(apiVersion, kind string) check.Depth {
	if _, gone := removedAPI(apiVersion, kind); gone {
		return check.Decoded
	}
	for _, cat := range c.catalogues {
		if d := cat.depth(apiVersion, kind); d != check.Unknown {
			return d
		}
	}
	return check.Unknown
}

// Run judges all objects, several at the same time.
func (c *Checker) Run(ctx context.Context, in *check.Input) (diag.List, error) {
	objects := in.Objects()
	env := newEnvironment(objects)
	results := make([]diag.List, len(objects))
	panics := make([]any, len(objects))
	var next sync.Mutex
	index := 0
	take := func() int {
		next.Lock()
		defer next.Unlock()
		index++
		return index - 1
	}
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), max(1, len(objects))) {
		wait.Go(func() {
			for i := take(); i < len(objects) && ctx.Err() == nil; i = take() {
				results[i], panics[i] = c.guarded(ctx, objects[i], env)
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var findings diag.List
	for i, list := range results {
		findings = append(findings, list...)
		if panics[i] != nil {
			o := objects[i]
			findings = append(findings, o.Finding("check-failed", diag.Error, nil,
				fmt.Sprintf("%s could not be validated: %v", o.ID(), panics[i]),
				"The code of the API server failed on this object. Whether the server would take it is not known."))
		}
	}
	return append(findings, env.missingNamespaces()...), nil
}

// guarded keeps a panic in the server's code from losing what is known of the
// other objects.
func (c *Checker) guarded(ctx context.Context, o *manifest.Object, env *environment) (list diag.List, reason any) {
	defer func() {
		if reason = recover(); reason != nil {
			list = nil
		}
	}()
	return c.object(ctx, o, env), nil
}

// object judges one object.
func (c *Checker) object(ctx context.Context, o *manifest.Object, env *environment) diag.List {
	if replacement, gone := removedAPI(o.APIVersion, o.Kind); gone {
		return diag.List{removedFinding(o, replacement)}
	}
	findings, clean := c.create(ctx, o)
	if o.Kind == "Namespace" && o.Group() == "" {
		findings = append(findings, levelLabels(clean)...)
	}
	return append(findings, c.pods(ctx, clean, env)...)
}
