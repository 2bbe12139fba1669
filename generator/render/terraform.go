package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"strake/generator/spec"
	"strake/generator/terraform"
	"strake/generator/tree"
)

// The versions that rendered roots run with. Import blocks and checks of
// variables need no newer Terraform than this; a major release of the provider
// removes what a root may use.
const (
	terraformVersions = ">= 1.9, < 2.0"
	providerVersions  = "~> 7.0"
)

// mainName is the local name of what an environment has one of.
const mainName = "main"

// root is one of the two Terraform roots of an environment while it is written.
//
// Local names follow from the names in the cloud alone, never from their order
// or their use: another local name is another resource, and Terraform would
// destroy the one before.
type root struct {
	e    *spec.Effective
	name spec.TerraformRootName
	// rendered says which of the two roots are written: what the other one
	// holds is referred to by what it exports, or by name.
	rendered map[spec.TerraformRootName]bool
	// stored are the secrets that rendered manifests read, and where.
	stored []storedSecret
	// outside says that the nodes need the internet for images.
	outside bool
	// locals are local names by kind and then by name, so that two names that are
	// written alike stay apart.
	locals map[string]map[string]string
}

// terraformRoots writes the roots that the spec asks for.
func (l *layout) terraformRoots(apps []app) {
	rendered := map[spec.TerraformRootName]bool{}
	for _, name := range []spec.TerraformRootName{spec.Persistent, spec.Ephemeral} {
		_, rendered[name] = l.e.TerraformRootAt(name)
	}
	for _, name := range []spec.TerraformRootName{spec.Persistent, spec.Ephemeral} {
		dir, ok := l.e.TerraformRootAt(name)
		if !ok {
			continue
		}
		r := &root{
			e: l.e, name: name, rendered: rendered, stored: storedSecrets(apps),
			outside: outside(l.e), locals: map[string]map[string]string{},
		}
		for _, f := range r.files() {
			if len(f.content) > 0 {
				l.putTerraform(path.Join(dir, f.name), f.from, f.content)
			}
		}
	}
}

// terraformFile is one file of a root.
type terraformFile struct {
	name, from string
	content    terraform.Content
}

func (r *root) files() []terraformFile {
	if r.name == spec.Persistent {
		return []terraformFile{
			{"versions.tf", "terraform", r.versions()},
			{"storage.tf", "artifacts", r.storage()},
			{"bigquery.tf", "tenants", r.bigquery()},
			{"registries.tf", "registries", r.registries()},
			{"secrets.tf", "secrets", r.secrets()},
			{"network.tf", "network", r.vpc()},
			{"sql.tf", "databases", r.sql()},
			{"accounts.tf", "tenants", r.accounts()},
			{"iam.tf", "tenants", r.grants()},
			{"outputs.tf", "terraform", r.outputs()},
		}
	}
	return []terraformFile{
		{"versions.tf", "terraform", r.versions()},
		{"network.tf", "network", r.subnetwork()},
		{"cluster.tf", "cluster", r.cluster()},
		{"node_pools.tf", "cluster.nodePools", r.nodePools()},
		{"iam.tf", "tenants", r.grants()},
		{"data.tf", "terraform", r.data()},
		{"outputs.tf", "terraform", r.outputs()},
	}
}

// putTerraform writes one file of a root.
func (l *layout) putTerraform(file, from string, content terraform.Content) {
	data, lines, err := terraform.Write(tree.TerraformHeader(l.under("environments", "platform.yaml")), from, content)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", file, err))
		return
	}
	var origins []tree.Origin
	for _, line := range lines {
		if at := l.e.At(line.From); !at.IsZero() {
			origins = append(origins, tree.Origin{Line: line.Line, From: at})
		}
	}
	l.out.Put(tree.File{Path: file, Data: data, Origins: origins})
}

// versions pins Terraform and the provider, and says where the state is.
func (r *root) versions() terraform.Content {
	state, _ := r.e.TerraformState(r.name)
	return terraform.Content{
		terraform.NewBlock("terraform").Has(
			terraform.Set("required_version", terraformVersions),
			terraform.NewBlock("required_providers").Has(
				terraform.Set("google", terraform.Object{{Key: "source", Value: "hashicorp/google"}, {Key: "version", Value: providerVersions}}),
			),
			terraform.NewBlock("backend", "gcs").Has(
				terraform.Set("bucket", state.Bucket).Because("terraform.state.bucket"),
				terraform.Set("prefix", state.Prefix).Because("terraform.state.prefix"),
			).Because("terraform.state"),
		),
		terraform.NewBlock("provider", "google").Has(
			terraform.Set("project", r.e.Cloud.Project).Because("cloud.project"),
			terraform.Set("region", r.e.Cloud.Region).Because("cloud.region"),
		).Because("cloud"),
	}
}

// resource is a resource of the root.
func resource(kind, local string) terraform.Part { return terraform.NewBlock("resource", kind, local) }

// keep is the lifecycle of what holds data or is named by what does: a plan
// that destroys it fails.
func keep() terraform.Part {
	return terraform.NewBlock("lifecycle").Has(terraform.Set("prevent_destroy", true))
}

// local is the local name of a thing of one kind: its name in the characters
// that Terraform takes. Where two names come out alike, each but the first in
// the alphabet is told apart by a digest of its name.
func (r *root) local(kind, name string) string {
	if r.locals[kind] == nil {
		r.locals[kind] = map[string]string{}
	}
	id := identifier(name)
	if other, taken := r.locals[kind][id]; taken && other != name {
		sum := sha256.Sum256([]byte(name))
		id += "_" + hex.EncodeToString(sum[:])[:6]
	}
	r.locals[kind][id] = name
	return id
}

// identifier writes a name with letters, digits and underscores.
func identifier(name string) string {
	id := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, name)
	if id == "" || id[0] >= '0' && id[0] <= '9' {
		id = "_" + id
	}
	return id
}

// storedSecret is a secret of the store that a namespace reads.
type storedSecret struct{ name, namespace, from string }

// storedSecrets lists what the rendered ExternalSecrets read, sorted: from the
// manifests themselves, so that both layers name the same.
func storedSecrets(apps []app) []storedSecret {
	var out []storedSecret
	for _, a := range apps {
		for _, o := range slices.Concat(a.baseObjects, a.objects) {
			if o.doc.get("kind") != "ExternalSecret" {
				continue
			}
			meta, _ := o.doc.get("metadata").(m)
			namespace, _ := meta.get("namespace").(string)
			body, _ := o.doc.get("spec").(m)
			keys, _ := body.get("data").(list)
			for _, k := range keys {
				from := o.from
				if s, ok := k.(sourced); ok {
					from, k = s.path, s.v
				}
				ref, _ := k.(m).get("remoteRef").(m)
				name, _ := ref.get("key").(string)
				out = append(out, storedSecret{name, namespace, from})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b storedSecret) int {
		return strings.Compare(a.name+"\x00"+a.namespace, b.name+"\x00"+b.namespace)
	})
	return slices.CompactFunc(out, func(a, b storedSecret) bool { return a.name == b.name && a.namespace == b.namespace })
}
