package terraform

import (
	"strings"

	"strake/generator/diag"
)

// Root is what one directory of Terraform configuration, with the modules that
// it calls inside the repository, says before anybody runs it.
type Root struct {
	// Dir is relative to the repository, "." for its top.
	Dir string
	// Files are all that were read: configuration, values of variables and what
	// functions read, of the root and its modules. Sorted.
	Files []string

	RequiredVersion   Value
	RequiredProviders []RequiredProvider
	// Backend is nil where state is kept in a file beside the configuration.
	Backend   *Backend
	Providers []Provider
	// Resources and Data are those of the root and of every module, one for each
	// instance, in the order of module, file and line.
	Resources []*Resource
	Data      []*Resource
	Variables []Variable
	Locals    []Local
	Outputs   []Output
	Modules   []ModuleCall
	Changes   []Change
	// StateReads are the outputs of other roots that expressions name.
	StateReads []StateRead
	Coverage   Coverage
}

// RequiredProvider is an entry of required_providers in the root.
type RequiredProvider struct {
	Name            string
	Source, Version Value
	Range           diag.Range
}

// Backend is where the state is kept: a backend block, or a cloud block, whose
// Type is "cloud". Its values must be literals, so a reference is unknown.
type Backend struct {
	Type string
	Body
}

// Provider is a provider block.
type Provider struct {
	Name   string // google
	Alias  string // "" for the default one
	Module string // as in Resource
	Body
}

// Variable is an input of the root.
type Variable struct {
	Name string
	// Type is the constraint as it is written, "" without one.
	Type        string
	Description string
	Sensitive   bool
	Default     Value
	// Value is that of the tfvars files, else the default.
	Value Value
	Range diag.Range
}

// Local is a local value of the root.
type Local struct {
	Name  string
	Value Value
	Range diag.Range
}

// Output is an output of the root.
type Output struct {
	Name      string
	Value     Value
	Sensitive bool
	Range     diag.Range
}

// ModuleCall is a module block, at any depth.
type ModuleCall struct {
	// Address is module.a, or module.a.module.b, without keys.
	Address string
	Source  string
	Version Value
	// Dir is where a module inside the repository stands. It is "" for all
	// others, whose resources are not known.
	Dir   string
	Range diag.Range
	// Inputs are the arguments. Of a call that is repeated they are those of
	// the first instance.
	Inputs map[string]Value
}

// Change is a moved, import or removed block.
type Change struct {
	Kind     string // moved, import or removed
	From, To string
	Range    diag.Range
}

// Resource is one instance of a resource or data block.
type Resource struct {
	// Address is as Terraform writes it: module.a["x"].google_storage_bucket.b[0].
	// An instance that stands for an unknown number of them has the key [*].
	Address string
	// Block is the address without keys: module.a.google_storage_bucket.b.
	Block string
	Data  bool
	Type  string
	Name  string
	// Module is the address of the module instance, "" in the root.
	Module string
	// Provider is the name of the provider's configuration, "google" or
	// "google.alias".
	Provider string
	// Uncertain says why it is not known whether, or how often, the resource
	// exists. It is "" for one that certainly exists once.
	Uncertain string
	// DependsOn are the addresses in depends_on.
	DependsOn []string
	Lifecycle Lifecycle
	Body

	computed map[string]Value
}

// Lifecycle is a lifecycle block.
type Lifecycle struct {
	Range               diag.Range // zero without a block
	PreventDestroy      Value
	CreateBeforeDestroy Value
	// IgnoreChanges are the paths, or "all".
	IgnoreChanges []string
}

// Get returns what stands at a path of the body. What is not written there is,
// for the attributes that computed.go lists with their sources, derived as the
// provider does: google_service_account has an email.
func (r *Resource) Get(path string) Value {
	v := r.Body.Get(path)
	if !v.Unset() {
		return v
	}
	name, rest, deeper := strings.Cut(path, ".")
	derived, ok := r.computed[name]
	if !ok {
		return v
	}
	for deeper {
		var step string
		step, rest, deeper = strings.Cut(rest, ".")
		derived = derived.At(step)
	}
	return derived
}

// Coverage counts what was read.
type Coverage struct {
	Files     int // that were read
	Unread    int // that were not
	Modules   int // calls of modules that were read
	NotRead   int // calls of modules that were not: their resources are not known
	Resources int // and data sources: instances
	Evaluated int // attributes of resources that are wholly known
	Partial   int // attributes that are known in part
	Unknown   int // attributes of which nothing is known
	Failed    int // of the unknown ones: those whose expression is wrong, or beyond the reader
}

// Add sums up.
func (c *Coverage) Add(other Coverage) {
	c.Files += other.Files
	c.Unread += other.Unread
	c.Modules += other.Modules
	c.NotRead += other.NotRead
	c.Resources += other.Resources
	c.Evaluated += other.Evaluated
	c.Partial += other.Partial
	c.Unknown += other.Unknown
	c.Failed += other.Failed
}

// Find returns the resource, or data source, with an address, with or without
// keys; the first of several.
func (r *Root) Find(address string) *Resource {
	for _, list := range [][]*Resource{r.Resources, r.Data} {
		for _, res := range list {
			if res.Address == address || res.Block == address {
				return res
			}
		}
	}
	return nil
}

// Of returns the resources of the named types, in order.
func (r *Root) Of(types ...string) []*Resource {
	var found []*Resource
	for _, res := range r.Resources {
		for _, t := range types {
			if res.Type == t {
				found = append(found, res)
			}
		}
	}
	return found
}

// Output returns an output of the root.
func (r *Root) Output(name string) (Output, bool) {
	for _, o := range r.Outputs {
		if o.Name == name {
			return o, true
		}
	}
	return Output{}, false
}

// Complete reports that nothing of the root is unread: a resource that is not
// in it does not exist. Resources may still be uncertain.
func (r *Root) Complete() bool { return r.Coverage.Unread == 0 && r.Coverage.NotRead == 0 }

// StateRead is one output of another root that an expression names:
// data.terraform_remote_state.NAME.outputs.OUTPUT.
type StateRead struct {
	Address string // data.terraform_remote_state.NAME
	Output  string
	Dir     string // of the module that the expression stands in
	Range   diag.Range
}
