// Package check runs the checks over what an environment would apply: one
// explicit, ordered slice, first per environment, then over all of them.
//
// It must never touch the disk or the network, and never import a heavy
// library: each of those has a package of its own below this one.
package check

import (
	"context"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

// Overlay is one built kustomization of an environment.
type Overlay struct {
	Dir     string // relative to the repository, with slashes
	App     string // the last element of Dir for rendered overlays
	Objects []*manifest.Object
	// Files are those that the build read, relative to the repository. Nil where
	// that is not known.
	Files []string
}

// Input is all that a check may look at. It is shared by checks that run at the
// same time: nobody may change it.
type Input struct {
	// Environment is the name in the spec, or the overlay's directory for a
	// repository without one.
	Environment string
	Overlays    []Overlay
	// Terraform holds the roots that the environment stands on, as far as they
	// are in the repository.
	Terraform []*terraform.Root
	// Rendered reports whether Strake writes a file. Nil means none.
	Rendered func(file string) bool
	// Spec is the effective spec in JSON form; nil for a repository without one.
	Spec map[string]any
	// Partial says that more is delivered together with these overlays than
	// stands here: what is missing may be elsewhere.
	Partial bool
	// Repository is the one that the overlays stand in.
	Repository Repository
	// Assertions are what the spec says that groups may and may not do in Argo
	// CD.
	Assertions []Assertion
}

// Repository is what a check may know of the Git repository around the
// overlays.
type Repository struct {
	// URLs are the addresses that mean this repository.
	URLs []string
	// List names what a directory holds; ok is false where there is no such
	// directory. A nil List knows nothing.
	List func(dir string) (names []string, ok bool)
	// Files are the paths of all files, sorted. A nil Files knows nothing.
	Files func() []string
	// Read returns the content of a file; ok is false where there is none.
	Read func(file string) (data []byte, ok bool)
}

// Assertion is one thing that a group of people shall, or shall not, be able to
// do with the Applications of a project.
type Assertion struct {
	Group, Project, Verb string
	May                  bool
	Range                diag.Range // where the spec says so
}

// Objects returns the objects of all overlays, in order.
func (in *Input) Objects() []*manifest.Object {
	var all []*manifest.Object
	for _, o := range in.Overlays {
		all = append(all, o.Objects...)
	}
	return all
}

// Check judges one environment. Its findings carry no environment: the runner
// adds it.
type Check interface {
	Name() string
	Run(ctx context.Context, in *Input) (diag.List, error)
}

// Updater is a Check that also judges changes: objects that stand in the cluster
// as before has them, and are to be as after has them.
type Updater interface {
	Updates(ctx context.Context, before, after []*manifest.Object) diag.List
}

// Updates judges the changes of one environment with the checks that can.
func Updates(ctx context.Context, before, after []*manifest.Object, env string, checks []Check) diag.List {
	var findings diag.List
	for _, c := range checks {
		if u, ok := c.(Updater); ok {
			findings = append(findings, u.Updates(ctx, before, after)...)
		}
	}
	return findings.In(env).Sorted()
}
