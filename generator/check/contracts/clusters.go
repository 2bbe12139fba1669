package contracts

import (
	"fmt"
	"net/netip"
	"regexp"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// clusters judges how each cluster is reached and kept.
// https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster
func (r *run) clusters() {
	for _, c := range r.clusters_ {
		r.privacy(c)
		r.hardening(c)
		r.controlPlane(c)
	}
}

func (r *run) privacy(c *cluster) {
	nodes := c.Get("private_cluster_config.enable_private_nodes")
	modern := c.Get("network_config.default_enable_private_nodes")
	if nodes.Unset() && !modern.Unset() {
		nodes = modern
	}
	private, known := truth(nodes)
	if !known {
		r.unknown(c.Resource, "private_cluster_config.enable_private_nodes", nodes)
	} else if !private {
		r.find("cluster-public-nodes", r.severe(), c.Resource, line(c.Resource, nodes), "private_cluster_config.enable_private_nodes",
			"the nodes of "+c.Address+" have public addresses",
			"Write private_cluster_config { enable_private_nodes = true }, and Cloud NAT for images from outside of Google Cloud.")
	}
	endpoint := c.Get("private_cluster_config.enable_private_endpoint")
	if hidden, sure := truth(endpoint); hidden || !sure {
		return
	}
	if off := c.Get("control_plane_endpoints_config.ip_endpoints_config.enabled"); no(off) {
		return
	}
	if len(c.Blocks("master_authorized_networks_config")) > 0 {
		r.openToAll(c)
		return
	}
	severity := r.severe()
	if private {
		severity = diag.Error // somebody wanted the cluster to be private
	}
	r.find("cluster-control-plane-open", severity, c.Resource, line(c.Resource, endpoint), "master_authorized_networks_config",
		"the API server of "+c.Address+" answers every address on the internet",
		"List who may reach it under master_authorized_networks_config, or write enable_private_endpoint = true and reach it through control_plane_endpoints_config.dns_endpoint_config.")
}

// openToAll: a list that names every address is none.
func (r *run) openToAll(c *cluster) {
	for _, v := range c.All("master_authorized_networks_config.cidr_blocks.cidr_block") {
		if v.Is("0.0.0.0/0") {
			r.find("cluster-control-plane-open", r.severe(), c.Resource, v.Range, "master_authorized_networks_config",
				"the API server of "+c.Address+" answers every address on the internet",
				"List the networks that people and pipelines come from.")
		}
	}
}

// hardening: what a cluster without a word about it does not have.
func (r *run) hardening(c *cluster) {
	type want struct{ path, summary, detail string }
	wants := []want{
		{"release_channel", "is in no release channel", `Write release_channel { channel = "REGULAR" }: outside of a channel nobody upgrades the control plane until it is forced.`},
	}
	if !c.autopilot {
		wants = append(wants,
			want{"ip_allocation_policy", "does not say where pods and Services get their addresses", "Write ip_allocation_policy with secondary ranges of the subnetwork: a private, VPC-native cluster needs it."},
			want{"datapath_provider", "has no Dataplane V2", `Write datapath_provider = "ADVANCED_DATAPATH": it enforces NetworkPolicies, and cannot be turned on later.`})
	}
	for _, w := range wants {
		if c.Has(w.path) {
			continue
		}
		if w.path == "datapath_provider" && yes(c.Get("network_policy.enabled")) {
			continue // Calico enforces them too
		}
		r.find("cluster-hardening", diag.Warning, c.Resource, c.Range, w.path, c.Address+" "+w.summary, w.detail)
	}
}

// controlPlane: the range of a private control plane is a /28.
// https://cloud.google.com/kubernetes-engine/docs/how-to/legacy/network-isolation
func (r *run) controlPlane(c *cluster) {
	v := c.Get("private_cluster_config.master_ipv4_cidr_block")
	s, ok := v.Str()
	if !ok || s == "" {
		return
	}
	prefix, err := netip.ParsePrefix(s)
	if err == nil && prefix.Bits() == 28 && prefix.Addr().IsPrivate() && prefix.Masked() == prefix {
		return
	}
	r.find("control-plane-cidr", diag.Error, c.Resource, v.Range, "private_cluster_config.master_ipv4_cidr_block",
		fmt.Sprintf("%s is no private range of 16 addresses", v.Display()),
		"Write a /28 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 that nothing else uses, for example 172.16.0.0/28.")
}

var zoneForm = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+-[a-z]$`)

// autopilotClusters: what an Autopilot cluster cannot have, by the provider's
// schema. https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/container_cluster
func (r *run) autopilotClusters() {
	for _, c := range r.clusters_ {
		if !c.autopilot {
			continue
		}
		for _, path := range []string{
			"addons_config.network_policy_config", "addons_config.dns_cache_config", "addons_config.stateful_ha_config",
			"cluster_autoscaling.enabled", "cluster_autoscaling.resource_limits", "binary_authorization.enabled",
			"enable_shielded_nodes", "network_policy", "node_pool", "remove_default_node_pool",
			"default_max_pods_per_node", "enable_intranode_visibility",
		} {
			for _, v := range allOf(&c.Body, path) {
				r.find("autopilot-conflict", diag.Error, c.Resource, line(c.Resource, v), path,
					fmt.Sprintf("%s is Autopilot and sets %s", c.Address, path),
					"Take it out: the provider refuses it beside enable_autopilot.", related(line(c.Resource, c.Get("enable_autopilot")), "Autopilot"))
			}
		}
		if v := c.Get("initial_node_count"); !v.Unset() {
			r.find("autopilot-conflict", diag.Warning, c.Resource, v.Range, "initial_node_count",
				c.Address+" is Autopilot and sets initial_node_count", "Take it out: Autopilot decides about nodes by itself.")
		}
		if c.location.known() && zoneForm.MatchString(string(c.location)) {
			r.find("autopilot-conflict", diag.Error, c.Resource, line(c.Resource, c.Get("location")), "location",
				fmt.Sprintf("%s is Autopilot and stands in the zone %s", c.Address, c.location), "Name a region: Autopilot clusters are regional.")
		}
		for _, p := range r.pools {
			if p.owned && p.cluster == c {
				r.find("autopilot-conflict", diag.Error, p.res, p.res.Range, "cluster",
					fmt.Sprintf("%s is a node pool of the Autopilot cluster %s", p.res.Address, c.Address),
					"Remove the pool: Autopilot makes nodes for the pods that ask.", related(c.Range, "the cluster"))
			}
		}
	}
}

// allOf returns what stands at a path, as attribute or as block.
func allOf(b *terraform.Body, path string) []terraform.Value { return b.All(path) }

// addresses: ranges of one network do not overlap.
func (r *run) addresses() {
	type used struct {
		prefix netip.Prefix
		at     diag.Range
		what   string
		res    *terraform.Resource
	}
	for _, t := range r.roots {
		var all []used
		add := func(res *terraform.Resource, v terraform.Value, what string) {
			s, _ := v.Str()
			prefix, err := netip.ParsePrefix(s)
			if err != nil {
				return
			}
			for _, u := range all {
				if u.prefix.Overlaps(prefix) {
					r.find("network-range-overlap", diag.Error, res, v.Range, what,
						fmt.Sprintf("%s %s of %s overlaps %s %s", what, s, res.Address, u.what, u.prefix),
						"Choose ranges of one network that have no address in common.", related(u.at, u.what))
					return
				}
			}
			all = append(all, used{prefix, v.Range, what, res})
		}
		networks := map[string]bool{}
		for _, res := range t.Of("google_compute_subnetwork") {
			networks[string(text(res.Get("network")))] = true
			add(res, res.Get("ip_cidr_range"), "ip_cidr_range")
			for _, b := range res.Blocks("secondary_ip_range") {
				add(res, b.Get("ip_cidr_range"), "secondary_ip_range")
			}
			if len(networks) > 1 {
				break // ranges of different networks may be the same
			}
		}
		if len(networks) == 1 {
			for _, res := range t.Of("google_container_cluster") {
				add(res, res.Get("private_cluster_config.master_ipv4_cidr_block"), "master_ipv4_cidr_block")
			}
		}
	}
}
