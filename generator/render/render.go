// Package render turns the effective spec of one environment into the files of
// its overlays and of the bases they lie on.
//
// It is pure: the same spec gives the same bytes on every machine. It must
// never touch the disk, the network, the clock, the environment or a random
// number, and never build what it wrote.
package render

import (
	"errors"
	"fmt"

	"strake/generator/spec"
	"strake/generator/tree"
)

// Environment renders all files of one environment: environments/<env>/effective.yaml,
// overlays/<env>/, the bases that its overlays name, and its Terraform roots. A spec that Load or
// ParseEffective accepted always renders; an error is a bug in this package.
func Environment(e *spec.Effective) (*tree.Tree, error) {
	l := &layout{e: e, out: tree.New()}
	l.out.Put(tree.File{
		Path: l.under("environments", e.Environment, "effective.yaml"),
		Data: append([]byte(l.header()+"\n"), e.Marshal()...),
	})
	all := apps(e)
	for _, a := range all {
		l.add(a)
	}
	l.terraformRoots(all)
	if len(l.errs) > 0 {
		return nil, fmt.Errorf("render %s: %w", e.Environment, errors.Join(l.errs...))
	}
	return l.out, nil
}

// apps lists the overlays of an environment, in the order in which a platform
// is built: definitions, controllers, then tenants, and last what delivers them.
func apps(e *spec.Effective) []app {
	out := operator(e)
	if w := e.Workflows; w != nil && w.Install != "none" {
		if w.Install == "embedded" {
			out = append(out, workflowsCRDs(e))
		}
		out = append(out, workflows(e))
	}
	if vendorsArgoCD(e) {
		out = append(out, argocdCRDs(e))
	}
	if delivers(e) {
		out = append(out, argocd(e))
	}
	for i := range e.Tenants {
		out = append(out, guardrails(e, &e.Tenants[i]))
		// A team may have nothing but apps that it wrote itself, or runs that it starts
		// by hand. An overlay without objects is a mistake anywhere else.
		if own := tenant(e, &e.Tenants[i]); len(own.objects) > 0 {
			out = append(out, own)
		}
	}
	if !delivers(e) {
		return out
	}
	out = append(out, delivery(e, out))
	for i := range out {
		confirmed(e, out[i].baseObjects)
		confirmed(e, out[i].objects)
	}
	return out
}
