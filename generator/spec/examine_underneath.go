package spec

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"strake/generator/diag"
)

// underneath holds what the rendered roots are made of against each other.
func (x *examiner) underneath() {
	_, persistent := x.e.TerraformRootAt(Persistent)
	_, ephemeral := x.e.TerraformRootAt(Ephemeral)
	if persistent {
		x.owners()
		x.schemas()
		x.instances()
	}
	if ephemeral && !x.e.Cluster.Existing {
		x.addresses()
		x.madeCluster()
	}
}

// madeCluster checks what a cluster must say before it can be made.
func (x *examiner) madeCluster() {
	c := x.e.Cluster
	if w := c.Maintenance; w != nil && x.settled("cluster.maintenance") {
		const least = 4 * time.Hour
		if d, err := ParseDuration(w.Window.Duration); err == nil && (d < least || d > 24*time.Hour) {
			x.report(ruleValue, "cluster.maintenance.window.duration", "a window of "+w.Window.Duration+" is not one that GKE accepts", "Write between 4h and 24h.")
		}
	}
	if !x.settled("cluster.mode") {
		return
	}
	if x.autopilot() {
		if zone := c.Location; strings.Count(zone, "-") > 1 && x.settled("cluster.location") {
			x.report(ruleValue, "cluster.location", fmt.Sprintf("an Autopilot cluster cannot stand in the zone %s", zone), "Autopilot clusters are regional: write "+zone[:strings.LastIndexByte(zone, '-')]+", or leave it out.")
		}
		return
	}
	if !x.listed("cluster.nodePools") {
		return
	}
	if len(c.NodePools) == 0 {
		x.report(ruleRequired, "cluster.nodePools", "the cluster is created and has no node pool", "Write at least one that is not Spot, for kube-system and the controllers.")
		return
	}
	nodes := 0
	for _, p := range c.NodePools {
		at := "cluster.nodePools[" + p.Name + "]"
		nodes += p.Min
		if p.MachineType == "" && x.settled(at+".machineType") {
			x.report(ruleRequired, at+".machineType", fmt.Sprintf("node pool %s is created and has no machineType", p.Name), "Write one, such as e2-standard-2.")
		}
		if p.Max == 0 && x.settled(at+".max") {
			x.report(ruleRequired, at+".max", fmt.Sprintf("node pool %s is created and has no max", p.Name), "Write the most nodes that it may grow to, over all zones.")
		}
	}
	if nodes == 0 && x.settled("cluster.nodePools") {
		x.add(diag.Warning, rulePool, "cluster.nodePools", "no node pool keeps a node", "kube-system needs at least one. A cluster never shrinks to nothing, and the first pod waits for a node.")
	}
}

// addresses checks that the ranges of the network lie apart, and that the
// control plane's is of the one size that GKE takes.
func (x *examiner) addresses() {
	c := x.e.Cluster
	control, err := netip.ParsePrefix(c.ControlPlaneCIDR)
	hasControl := err == nil && c.Private && x.settled("cluster.controlPlaneCIDR")
	if hasControl && control.Bits() != 28 {
		x.report(ruleValue, "cluster.controlPlaneCIDR", "the control plane's range is a /"+fmt.Sprint(control.Bits())+", and must be a /28", "Write such as 172.16.0.0/28.")
	}
	n := x.e.VPC()
	if n.Existing || !x.settled("network") {
		return
	}
	type span struct {
		path, what string
		cidr       netip.Prefix
	}
	var spans []span
	for _, s := range []struct{ path, what, cidr string }{
		{"network.cidr", "the nodes' range", n.CIDR},
		{"network.podCIDR", "the pods' range", n.PodCIDR},
		{"network.serviceCIDR", "the Services' range", n.ServiceCIDR},
		{"network.peeringCIDR", "the range of Google's services", n.PeeringCIDR},
	} {
		if p, err := netip.ParsePrefix(s.cidr); err == nil {
			spans = append(spans, span{s.path, s.what, p})
		}
	}
	if hasControl {
		spans = append(spans, span{"cluster.controlPlaneCIDR", "the control plane's range", control})
	}
	for i, a := range spans {
		for _, b := range spans[:i] {
			if a.cidr.Overlaps(b.cidr) {
				x.report(ruleValue, a.path, fmt.Sprintf("%s %s overlaps %s %s", a.what, a.cidr, b.what, b.cidr), "Addresses of one network are given out once. Write ranges that lie apart.")
			}
		}
	}
}

// claimed is a thing of the cloud that the spec names, and how.
type claimed struct{ path, about string }

// owners reports a bucket or dataset that two places of the spec create, each
// with settings of its own.
func (x *examiner) owners() {
	seen := map[string]claimed{}
	claim := func(what, name, path, about string) {
		if name == "" || !x.settled(path) {
			return
		}
		key := what + " " + name
		earlier, taken := seen[key]
		if taken && earlier.about != about {
			x.report(ruleDuplicate, path, fmt.Sprintf("%s %s is already %s", what, name, earlier.path), "Say in one place what it is like. Write the same in both, or name it once and grant access to it by name.")
		}
		if !taken {
			seen[key] = claimed{path, about}
		}
	}
	about := func(existing bool, deleteAfter string) string { return fmt.Sprint(existing, deleteAfter) }
	for _, name := range []TerraformRootName{Persistent, Ephemeral} {
		if s, ok := x.e.TerraformState(name); ok {
			claim("bucket", s.Bucket, "terraform.state.bucket", "state "+about(s.Existing, ""))
		}
	}
	if a := x.e.Artifacts; a != nil && a.GCS != nil {
		claim("bucket", a.GCS.Bucket, "artifacts.gcs.bucket", about(a.GCS.Existing, a.GCS.DeleteAfter))
	}
	for _, t := range x.e.Tenants {
		at := "tenants[" + t.Name + "].data."
		for _, b := range t.Data.Buckets {
			claim("bucket", b.Name, at+"buckets["+b.Name+"]", about(b.Existing, b.DeleteAfter))
		}
		for _, d := range t.Data.Datasets {
			if !d.Existing {
				claim("dataset", d.Name, at+"datasets["+d.Name+"]", t.Name)
			}
		}
	}
}

// instances checks that there is a network for the private addresses of
// databases.
func (x *examiner) instances() {
	if !x.e.Cluster.Existing || x.e.Network != nil || !x.settled("network") || !x.settled("databases") || !x.settled("archive") {
		return
	}
	for _, d := range x.e.Instances() {
		if !d.Existing {
			x.report(ruleRequired, "network", fmt.Sprintf("the instance %s is created, and the network of the existing cluster is not named", d.Name),
				"It has a private address only. Write network: {existing: true, name: …}: private services access must be set up there.")
			return
		}
	}
}

// schemas checks that the schema of each table is one of BigQuery.
func (x *examiner) schemas() {
	for _, t := range x.e.Tenants {
		for _, d := range t.Data.Datasets {
			for _, table := range d.Tables {
				at := "tenants[" + t.Name + "].data.datasets[" + d.Name + "].tables[" + table.Name + "].schema"
				content, ok := x.e.File(table.Schema)
				if !ok || !x.settled(at) {
					continue
				}
				if wrong := schemaFault(content); wrong != "" {
					x.report(ruleValue, at, table.Schema+" is no schema of a table: "+wrong, `Write a JSON list of columns: [{"name": "opened_at", "type": "TIMESTAMP", "mode": "REQUIRED"}].`)
				}
			}
		}
	}
}

// schemaFault says what is wrong with the JSON schema of a table
// (https://cloud.google.com/bigquery/docs/schemas#specifying_a_json_schema_file).
func schemaFault(content string) string {
	var columns []map[string]any
	if err := json.Unmarshal([]byte(content), &columns); err != nil {
		return "it is not a JSON list of objects"
	}
	if len(columns) == 0 {
		return "it has no columns"
	}
	seen := map[string]bool{}
	for i, c := range columns {
		name, _ := c["name"].(string)
		kind, _ := c["type"].(string)
		switch {
		case !datasetName.MatchString(name):
			return fmt.Sprintf("column %d has no name of letters, digits and _", i+1)
		case kind == "":
			return fmt.Sprintf("column %s has no type", name)
		case seen[strings.ToLower(name)]:
			return fmt.Sprintf("column %s is there twice", name)
		}
		seen[strings.ToLower(name)] = true
	}
	return ""
}

// created lists what the roots of an environment make in the cloud, by a key
// that no other environment may have, and the path of the spec.
func (e *Effective) created() map[string]string {
	out := map[string]string{}
	for _, name := range []TerraformRootName{Persistent, Ephemeral} {
		if _, render := e.TerraformRootAt(name); render {
			if s, ok := e.TerraformState(name); ok {
				out["state gs://"+s.Bucket+"/"+s.Prefix] = "terraform.state.prefix"
			}
		}
	}
	if _, render := e.TerraformRootAt(Persistent); !render {
		return out
	}
	add := func(what, name, path string, existing bool) {
		if name != "" && !existing {
			out[what+" "+name] = path
		}
	}
	in := func(name string) string { return name + " of project " + e.Cloud.Project }
	if s, ok := e.TerraformState(Persistent); ok {
		add("bucket", s.Bucket, "terraform.state.bucket", s.Existing)
	}
	if a := e.Artifacts; a != nil && a.GCS != nil {
		add("bucket", a.GCS.Bucket, "artifacts.gcs.bucket", a.GCS.Existing)
	}
	for _, t := range e.Tenants {
		at := "tenants[" + t.Name + "].data."
		for _, b := range t.Data.Buckets {
			add("bucket", b.Name, at+"buckets["+b.Name+"]", b.Existing)
		}
		for _, d := range t.Data.Datasets {
			add("dataset", in(d.Name), at+"datasets["+d.Name+"]", d.Existing)
		}
	}
	for _, d := range e.Instances() {
		add("instance", in(d.Name), "databases["+d.Name+"]", d.Existing)
	}
	for _, r := range e.Registries {
		add("registry", in(r.Name), "registries["+r.Name+"]", r.Existing)
	}
	if !e.Cluster.Existing {
		n := e.VPC()
		add("network", in(n.Name), "network.name", n.Existing)
	}
	return out
}
