package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

// Depth says how far an object was judged.
type Depth int

// The depths, least first.
const (
	Unknown Depth = iota // no check knows the kind
	Decoded              // strictly decoded, and nothing more
	Full                 // decoded and validated as its server would
)

// String is the name that the JSON report prints.
func (d Depth) String() string {
	switch d {
	case Decoded:
		return "decoded"
	case Full:
		return "full"
	default:
		return "unknown"
	}
}

// Coverer is a Check that says how far it judges objects of a kind.
type Coverer interface {
	Coverage(apiVersion, kind string) Depth
}

// KindCoverage is how far the objects of one kind were judged.
type KindCoverage struct {
	APIVersion, Kind string
	Objects          int
	Depth            Depth
}

// Identity names an object across revisions and environments.
type Identity struct {
	Group, Kind, Namespace, Name string
}

func identityOf(o *manifest.Object) Identity {
	return Identity{o.Group(), o.Kind, o.Namespace, o.Name}
}

// compare orders by group, kind, namespace and name.
func (i Identity) compare(other Identity) int {
	return cmp.Or(
		cmp.Compare(i.Group, other.Group), cmp.Compare(i.Kind, other.Kind),
		cmp.Compare(i.Namespace, other.Namespace), cmp.Compare(i.Name, other.Name),
	)
}

// OverlaySummary counts the objects of one overlay.
type OverlaySummary struct {
	Dir     string
	Objects int
}

// Summary is what is kept of an environment after its objects are dropped. It
// is small whatever the environment's size, so that memory stays flat in the
// number of environments.
type Summary struct {
	Environment string
	Overlays    []OverlaySummary // in the order of the input
	Coverage    []KindCoverage   // sorted by API version and kind
	Guarded     []Identity       // sorted: what may leave only by a declared removal
	Archives    []Archive        // sorted: databases that workflows are archived to
	Claims      []Claim          // sorted: what no other environment may have
	Joins       bool             // its manifests count on what Terraform would say
	Terraform   bool             // its Terraform was read
	Unknown     diag.List        // one for each kind that no check knows, at its first object
}

// Objects counts the objects of all overlays.
func (s Summary) Objects() int {
	n := 0
	for _, o := range s.Overlays {
		n += o.Objects
	}
	return n
}

// summarise counts an environment and names the kinds that no check knows.
func summarise(in *Input, checks []Check) (Summary, diag.List) {
	s := Summary{Environment: in.Environment}
	type key struct{ apiVersion, kind string }
	counts := map[key]int{}
	first := map[key]*manifest.Object{}
	for _, overlay := range in.Overlays {
		s.Overlays = append(s.Overlays, OverlaySummary{overlay.Dir, len(overlay.Objects)})
		for _, o := range overlay.Objects {
			k := key{o.APIVersion, o.Kind}
			counts[k]++
			if first[k] == nil {
				first[k] = o
			}
			s.Archives = append(s.Archives, archivesOf(o)...)
		}
	}
	for _, c := range checks {
		if claimer, ok := c.(Claimer); ok {
			s.Claims = append(s.Claims, claimer.Claims(in)...)
			s.Joins, s.Terraform = joins(in), len(in.Terraform) > 0
		}
	}
	var findings diag.List
	for k, n := range counts {
		depth := Unknown
		for _, c := range checks {
			if coverer, ok := c.(Coverer); ok {
				depth = max(depth, coverer.Coverage(k.apiVersion, k.kind))
			}
		}
		s.Coverage = append(s.Coverage, KindCoverage{k.apiVersion, k.kind, n, depth})
		if depth == Unknown {
			s.Unknown = append(s.Unknown, unknownKind(first[k]))
		}
	}
	slices.SortFunc(s.Coverage, func(a, b KindCoverage) int {
		return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind))
	})
	s.Unknown = s.Unknown.In(in.Environment).Sorted()
	s.Guarded = Guarded(in.Objects())
	slices.SortFunc(s.Archives, Archive.compare)
	slices.SortFunc(s.Claims, Claim.compare)
	if s.Objects() == 0 && !slices.ContainsFunc(in.Terraform, func(r *terraform.Root) bool { return r.Coverage.Resources > 0 }) {
		findings = append(findings, nothingChecked(in))
	}
	return s, findings
}

// unknownKind says that nothing is wrong with the objects of a kind, but that
// nobody has said that they are right. Fleet reports it once per kind.
func unknownKind(o *manifest.Object) diag.Diagnostic {
	return o.Finding("api-unknown-kind", diag.Info, o.At("kind"),
		fmt.Sprintf("no check knows %s %s: its fields are not validated", o.APIVersion, o.Kind),
		"Policies still see these objects. A typing error in one of their fields is found by the cluster only.")
}

func nothingChecked(in *Input) diag.Diagnostic {
	dirs := make([]string, len(in.Overlays))
	for i, o := range in.Overlays {
		dirs[i] = o.Dir
	}
	summary, detail := fmt.Sprintf("environment %q has no overlay: nothing was checked", in.Environment), ""
	if len(dirs) > 0 {
		summary = fmt.Sprintf("environment %q has no object: nothing was checked", in.Environment)
		detail = "No resource came out of " + strings.Join(dirs, ", ") + "."
	}
	return diag.Diagnostic{Rule: "nothing-checked", Severity: diag.Error, Summary: summary, Detail: detail}
}
