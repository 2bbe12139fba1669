package check

import (
	"fmt"
	"maps"
	"slices"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// Removal declares that an object may disappear.
type Removal struct {
	Kind, Name, Namespace string
	// Environment limits the declaration to one environment; empty means all.
	Environment string
	Reason      string
	// Until is the last day on which it counts, as 2006-01-02.
	Until string
	// Range is where a human declared it.
	Range diag.Range
}

// covers reports whether the declaration speaks of the object. A declaration
// without a namespace speaks of the name in any.
func (r Removal) covers(id Identity) bool {
	return r.Kind == id.Kind && r.Name == id.Name && (r.Namespace == "" || r.Namespace == id.Namespace)
}

// guarded reports whether losing an object loses data, or all that lives below
// it. The kinds of other groups with the same name (an Application of
// app.k8s.io) are not meant.
func guarded(o *manifest.Object) bool {
	switch o.Group() {
	case "":
		return o.Kind == "Namespace" || o.Kind == "PersistentVolumeClaim" || o.Kind == "PersistentVolume"
	case "apiextensions.k8s.io":
		return o.Kind == "CustomResourceDefinition"
	case "argoproj.io":
		return o.Kind == "Application" || o.Kind == "AppProject"
	case "external-secrets.io":
		return o.Kind == "SecretStore" || o.Kind == "ClusterSecretStore"
	default:
		return false
	}
}

// why says what is lost with an object of a guarded kind.
func why(kind string) string {
	switch kind {
	case "Namespace":
		return "every object in it is deleted with it"
	case "PersistentVolumeClaim", "PersistentVolume":
		return "its data may be deleted with it"
	case "CustomResourceDefinition":
		return "every object of that kind, in every namespace, is deleted with it"
	case "Application", "AppProject":
		return "what it deploys is deleted or no longer kept in step"
	default:
		return "the Secrets that come from it are no longer refreshed"
	}
}

// Removals is the deletion gate of one environment: a guarded object that stood
// in before and does not stand in after needs a declaration that has not
// expired. today is a date as 2006-01-02: the clock belongs to the caller.
func Removals(before, after []*manifest.Object, env string, declared []Removal, today string) diag.List {
	kept := make(map[Identity]bool, len(after))
	for _, o := range after {
		kept[identityOf(o)] = true
	}
	present := make(map[Identity]bool, len(before))
	var findings diag.List
	for _, o := range before {
		id := identityOf(o)
		if present[id] {
			continue
		}
		present[id] = true
		if guarded(o) && !kept[id] {
			findings = append(findings, removed(o, env, declared, today)...)
		}
	}
	standing := make([]Identity, 0, len(present)+len(kept))
	standing = slices.AppendSeq(slices.AppendSeq(standing, maps.Keys(present)), maps.Keys(kept))
	for _, r := range declared {
		if r.Environment == env && r.unused(standing) {
			findings = append(findings, r.finding("matches nothing in "+env))
		}
	}
	return findings.In(env).Sorted()
}

// UnusedRemovals finds declarations for all environments that none has a use
// for. standing are the guarded objects of every environment, before the change
// and after it: a declaration is not unused while its object still stands
// somewhere, for that environment may only be behind.
func UnusedRemovals(declared []Removal, standing []Identity) diag.List {
	var findings diag.List
	for _, r := range declared {
		if r.Environment == "" && r.unused(standing) {
			findings = append(findings, r.finding("matches nothing in any environment"))
		}
	}
	return findings.Sorted()
}

// removed judges one guarded object that leaves.
func removed(o *manifest.Object, env string, declared []Removal, today string) diag.List {
	var expired *Removal
	for i, r := range declared {
		if !r.covers(identityOf(o)) || (r.Environment != "" && r.Environment != env) {
			continue
		}
		if r.Until >= today {
			return nil
		}
		expired = &declared[i]
	}
	d := o.Finding("removal-undeclared", diag.Error, nil,
		fmt.Sprintf("%s leaves %s, and %s", o.ID(), env, why(o.Kind)),
		fmt.Sprintf("If that is meant, add to spec.removals: {kind: %s, name: %s,%s environment: %s, reason: ..., until: ...}.",
			o.Kind, o.Name, namespaceField(o), env))
	if expired != nil {
		d.Rule = "removal-expired"
		d.Detail = fmt.Sprintf("The removal was allowed until %s. If it is still meant, set until: to a later day.", expired.Until)
		if !expired.Range.IsZero() {
			d.Related = append(d.Related, diag.Related{Range: d.Range, Message: "the object that leaves"})
			d.Range = expired.Range
		}
	}
	return diag.List{d}
}

func namespaceField(o *manifest.Object) string {
	if o.Namespace == "" {
		return ""
	}
	return " namespace: " + o.Namespace + ","
}

// unused reports whether a declaration speaks of nothing that is there to be
// removed. One whose object still stands is waiting, which is what it is for.
func (r Removal) unused(standing []Identity) bool {
	return !slices.ContainsFunc(standing, r.covers)
}

func (r Removal) finding(problem string) diag.Diagnostic {
	name := r.Name
	if r.Namespace != "" {
		name = r.Namespace + "/" + name
	}
	return diag.Diagnostic{
		Rule: "removal-unused", Severity: diag.Warning, Range: r.Range,
		Summary: fmt.Sprintf("the declared removal of %s %s %s", r.Kind, name, problem),
		Detail:  "Delete the entry: it would let an object of that name disappear without a question later on.",
	}
}

// Guarded lists the objects that may leave only by a declared removal, sorted.
func Guarded(objects []*manifest.Object) []Identity {
	var out []Identity
	for _, o := range objects {
		if guarded(o) {
			out = append(out, identityOf(o))
		}
	}
	slices.SortFunc(out, Identity.compare)
	return slices.Compact(out)
}
