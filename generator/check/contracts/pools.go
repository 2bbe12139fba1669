package contracts

import (
	"fmt"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// nodePools judges every node pool by itself, and the pools of each cluster
// together.
func (r *run) nodePools() {
	for _, p := range r.pools {
		r.capacity(p)
		r.labels(p)
		r.identity(p)
		if p.owned {
			r.scaling(p)
		}
	}
	for _, c := range r.clusters_ {
		if !c.autopilot {
			r.together(c)
		}
	}
}

// title names a pool in a sentence.
func (p *pool) title() string {
	if p.owned {
		return p.res.Address
	}
	return fmt.Sprintf("the node pool %s of %s", p.name, p.res.Address)
}

// capacity: Spot nodes, and how pods are kept off them.
// https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
func (r *run) capacity(p *pool) {
	preemptible, spot := p.get("preemptible"), p.get("spot")
	if yes(preemptible) {
		r.find("node-pool-preemptible", diag.Error, p.res, p.at(preemptible), "node_config.preemptible",
			p.title()+" has preemptible nodes",
			"Write spot = true instead, never both: preemptible nodes are the older product, end after 24 hours, and have other labels.")
	}
	if !yes(spot) {
		return
	}
	if !r.tainted(p) {
		r.find("spot-pool-untainted", diag.Warning, p.res, p.at(spot), "node_config.taint",
			p.title()+" has Spot nodes and no taint: any pod may land on them",
			`Write taint { key = "cloud.google.com/gke-spot" value = "true" effect = "NO_SCHEDULE" }: GKE adds the label by itself and documents the taint as yours to add.`)
	}
	if p.owned && len(p.body.Blocks("autoscaling")) > 0 {
		policy := p.body.Get("autoscaling.location_policy")
		if got := text(policy); !got.may("ANY") {
			r.find("spot-pool-location-policy", diag.Warning, p.res, line(p.res, policy), "autoscaling.location_policy",
				p.title()+" has Spot nodes and looks for them zone by zone in equal parts",
				`Write location_policy = "ANY" under autoscaling: Spot nodes are taken from whichever zone has some.`)
		}
	}
}

// tainted reports that some taint keeps pods off a pool.
func (r *run) tainted(p *pool) bool {
	if p.node == nil {
		return false
	}
	for _, t := range p.node.Blocks("taint") {
		if t.Uncertain != "" || !text(t.Get("effect")).is("PREFER_NO_SCHEDULE") {
			return true
		}
	}
	return false
}

// labels: those that GKE sets are not to be written by hand.
func (r *run) labels(p *pool) {
	written, _ := p.get("labels").Map()
	for _, key := range p.get("labels").Keys() {
		prefix, _, _ := strings.Cut(key, "/")
		if prefix == key || !reserved(prefix) {
			continue
		}
		r.find("node-pool-reserved-label", diag.Error, p.res, p.at(written[key]), "node_config.labels."+key,
			fmt.Sprintf("%s sets the label %s, which is GKE's own", p.title(), key),
			"Take it out. GKE sets the labels of Spot nodes, accelerators and pools by itself; for your own choose a key of your own.")
	}
}

func reserved(prefix string) bool {
	for _, domain := range []string{"cloud.google.com", "kubernetes.io", "k8s.io"} {
		if prefix == domain || strings.HasSuffix(prefix, "."+domain) {
			return true
		}
	}
	return false
}

// identity: what a pod is that has no identity of its own.
func (r *run) identity(p *pool) {
	account := p.get("service_account")
	switch got := text(account); {
	case account.Unset():
		r.find("node-service-account", diag.Error, p.res, p.at(account), "node_config.service_account",
			p.title()+" has no service account: its nodes run as the Compute Engine default account",
			"Make a google_service_account with roles/container.defaultNodeServiceAccount and name it in node_config.service_account. The default account is often an editor of the whole project.")
	case got == "default" || strings.HasSuffix(string(got), "-compute@developer.gserviceaccount.com"):
		r.find("node-service-account", diag.Error, p.res, account.Range, "node_config.service_account",
			p.title()+" runs as the Compute Engine default account",
			"Make a google_service_account with roles/container.defaultNodeServiceAccount and name it here.")
	}
	mode := p.get("workload_metadata_config.mode")
	if p.cluster != nil && p.cluster.poolProject() == "" {
		return
	}
	switch got := text(mode); {
	case mode.Unknown() && got == hole:
		r.unknown(p.res, "workload_metadata_config.mode", mode)
	case !got.may("GKE_METADATA"):
		var other []diag.Related
		if p.cluster != nil {
			other = append(other, related(line(p.cluster.Resource, p.cluster.Get("workload_identity_config.workload_pool")), "Workload Identity is on in the cluster"))
		}
		r.find("node-metadata-mode", diag.Error, p.res, p.at(mode), "node_config.workload_metadata_config.mode",
			p.title()+" has no GKE_METADATA: its pods act as the node",
			`Write workload_metadata_config { mode = "GKE_METADATA" } in node_config of every pool. Without it a pod's rights depend on the pool that it is scheduled to.`, other...)
	}
}

// scaling: limits for each zone and limits in total do not go together.
func (r *run) scaling(p *pool) {
	for _, b := range p.body.Blocks("autoscaling") {
		zone, total := b.Get("min_node_count"), b.Get("total_min_node_count")
		if zone.Unset() {
			zone = b.Get("max_node_count")
		}
		if total.Unset() {
			total = b.Get("total_max_node_count")
		}
		if !zone.Unset() && !total.Unset() {
			r.find("autoscaling-limits-mixed", diag.Error, p.res, zone.Range, "autoscaling",
				p.title()+" has limits for each zone and limits in total",
				"Keep total_min_node_count and total_max_node_count: min_node_count and max_node_count count in every zone, so three zones have three times as many.",
				related(total.Range, "in total"))
		}
	}
}

// least is the number of nodes that a pool never has fewer of.
func (p *pool) least() (n int64, known bool) {
	for _, v := range []terraform.Value{p.body.Get("autoscaling.total_min_node_count"), p.body.Get("autoscaling.min_node_count")} {
		if !v.Unset() {
			n, known = v.Int()
			return n, known
		}
	}
	if len(p.body.Blocks("autoscaling")) > 0 {
		return 0, true
	}
	for _, v := range []terraform.Value{p.body.Get("node_count"), p.body.Get("initial_node_count")} {
		if !v.Unset() {
			n, known = v.Int()
			return n, known
		}
	}
	return 0, false
}

// together judges the pools of one standard cluster.
func (r *run) together(c *cluster) {
	var own []*pool
	for _, p := range r.pools {
		if p.cluster == c {
			own = append(own, p)
		}
	}
	if len(own) == 0 || !r.complete() {
		return
	}
	all, sum, known := true, int64(0), true
	for _, p := range own {
		is, sure := truth(p.get("spot"))
		all = all && (sure && is || yes(p.get("preemptible")))
		n, counted := p.least()
		sum, known = sum+n, known && counted
	}
	if all {
		r.find("node-pools-all-spot", diag.Error, c.Resource, own[0].at(own[0].get("spot")), "node_pool",
			"every node pool of "+c.Address+" is Spot",
			"Add a pool without spot for kube-system, the workflow controller and Argo CD: when Spot runs out, everything stops at once.",
			related(c.Range, "the cluster"))
		return
	}
	if known && sum == 0 {
		r.find("cluster-without-nodes", diag.Warning, c.Resource, c.Range, "node_pool",
			"no node pool of "+c.Address+" keeps a node",
			"Give one pool without spot a minimum of one: kube-system always needs a node, so the cluster does not shrink to none, and costs its fee and its disks in any case.")
	}
}
