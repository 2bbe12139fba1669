package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"strake/generator/spec"
	"strake/generator/terraform"
)

// platformScope lets the nodes' roles decide alone what they may do
// (https://cloud.google.com/kubernetes-engine/docs/how-to/access-scopes).
const platformScope = "https://www.googleapis.com/auth/cloud-platform"

// remote refers to an output of the persistent root.
func remote(output string) terraform.Reference {
	return terraform.Reference("data.terraform_remote_state.persistent.outputs." + output)
}

// readsState reports whether this root reads the persistent one's outputs.
func (r *root) readsState() bool {
	return r.name == spec.Ephemeral && r.rendered[spec.Persistent] && (!r.e.Cluster.Existing || r.needsNumber())
}

// needsNumber reports whether a right of this root names the project's number,
// and the spec does not.
func (r *root) needsNumber() bool {
	return r.e.Cloud.ProjectNumber == "" && slices.ContainsFunc(iamRights(r.e, r.stored), func(g right) bool {
		return g.who.email == "" && r.home(g) == r.name
	})
}

// projectNumber is what refers to the project's number.
func (r *root) projectNumber() terraform.Reference {
	if r.readsState() {
		return remote(outputProjectNumber)
	}
	return terraform.Reference("data.google_project." + mainName + ".number")
}

// data is what the ephemeral root takes from elsewhere.
func (r *root) data() terraform.Content {
	var out terraform.Content
	if r.readsState() {
		state, _ := r.e.TerraformState(spec.Persistent)
		out = append(out, terraform.NewBlock("data", "terraform_remote_state", string(spec.Persistent)).Has(
			terraform.Set("backend", "gcs"),
			terraform.Set("config", terraform.Object{{Key: "bucket", Value: state.Bucket}, {Key: "prefix", Value: state.Prefix}}),
		).Because("terraform.state"))
	}
	if r.needsNumber() && !r.readsState() {
		out = append(out, terraform.NewBlock("data", "google_project", mainName).Because("cloud.project"))
	}
	if r.e.Cluster.Existing {
		return out
	}
	n := r.e.VPC()
	if !r.rendered[spec.Persistent] {
		out = append(out, terraform.NewBlock("data", "google_compute_network", mainName).Has(
			terraform.Set("name", n.Name).Because("network.name"),
		).Because("network"))
	}
	if n.Existing {
		out = append(out, terraform.NewBlock("data", "google_compute_subnetwork", mainName).Has(
			terraform.Set("name", n.Subnetwork).Because("network.subnetwork"),
			terraform.Set("region", r.e.Cloud.Region).Because("cloud.region"),
		).Because("network"))
	}
	return out
}

// network is what refers to the network in the ephemeral root.
func (r *root) network() terraform.Reference {
	if r.rendered[spec.Persistent] {
		return remote(outputNetwork)
	}
	return terraform.Reference("data.google_compute_network." + mainName + ".id")
}

// nodeAccount is what refers to the account of the nodes.
func (r *root) nodeAccount() any {
	if r.rendered[spec.Persistent] {
		return remote(outputNodeAccount)
	}
	return r.e.Account(spec.NodeAccount(r.e.Cluster.Name))
}

// subnetwork is where the nodes, pods and Services get their addresses, and the
// way out for private nodes.
func (r *root) subnetwork() terraform.Content {
	n := r.e.VPC()
	if n.Existing || r.e.Cluster.Existing {
		return nil
	}
	out := terraform.Content{
		resource("google_compute_subnetwork", mainName).Has(
			terraform.Set("name", n.Subnetwork).Because("network.subnetwork"),
			terraform.Set("region", r.e.Cloud.Region).Because("cloud.region"),
			terraform.Set("network", r.network()),
			terraform.Set("ip_cidr_range", n.CIDR).Because("network.cidr"),
			terraform.Set("private_ip_google_access", true),
			secondaryRange(n.PodRange, n.PodCIDR, "network.podCIDR"),
			secondaryRange(n.ServiceRange, n.ServiceCIDR, "network.serviceCIDR"),
		).Because("network"),
	}
	if !r.needsNAT() {
		return out
	}
	return append(out,
		resource("google_compute_router", mainName).Has(
			terraform.Set("name", n.Name).Because("network.name"),
			terraform.Set("region", r.e.Cloud.Region).Because("cloud.region"),
			terraform.Set("network", r.network()),
		).Because("network.natFor"),
		resource("google_compute_router_nat", mainName).Has(
			terraform.Set("name", n.Name).Because("network.name"),
			terraform.Set("router", terraform.Reference("google_compute_router."+mainName+".name")),
			terraform.Set("region", r.e.Cloud.Region).Because("cloud.region"),
			terraform.Set("nat_ip_allocate_option", "AUTO_ONLY"),
			terraform.Set("source_subnetwork_ip_ranges_to_nat", "LIST_OF_SUBNETWORKS"),
			terraform.NewBlock("subnetwork").Has(
				terraform.Set("name", terraform.Reference("google_compute_subnetwork."+mainName+".id")),
				terraform.Set("source_ip_ranges_to_nat", terraform.Tuple{"ALL_IP_RANGES"}),
			),
			terraform.NewBlock("log_config").Has(
				terraform.Set("enable", true),
				terraform.Set("filter", "ERRORS_ONLY"),
			),
		).Because("network.natFor"),
	)
}

func secondaryRange(name, cidr, from string) terraform.Part {
	return terraform.NewBlock("secondary_ip_range").Has(
		terraform.Set("range_name", name),
		terraform.Set("ip_cidr_range", cidr),
	).Because(from)
}

// needsNAT reports whether nodes without addresses of their own pull images
// from outside of Google Cloud.
func (r *root) needsNAT() bool { return r.e.Cluster.Private && r.outside }

// outside reports whether images come from outside of Google Cloud: the spec
// says so, or it has something installed whose official images do. Argo
// Workflows and Argo CD are at quay.io, External Secrets at ghcr.io.
func outside(e *spec.Effective) bool {
	return e.Network != nil && len(e.Network.NATFor) > 0 || runsWorkflows(e) || delivers(e) || e.Secrets != nil
}

// cluster is the GKE cluster.
func (r *root) cluster() terraform.Content {
	c := r.e.Cluster
	if c.Existing {
		return nil
	}
	autopilot := c.Mode == "autopilot"
	parts := []terraform.Part{
		terraform.Set("name", c.Name).Because("cluster.name"),
		terraform.Set("location", c.Location).Because("cluster.location"),
		terraform.Set("deletion_protection", r.e.Lifecycle != "ephemeral").Because("lifecycle"),
		terraform.Set("min_master_version", optionalValue(c.Version)).Because("cluster.version"),
	}
	if autopilot {
		parts = append(parts, terraform.Set("enable_autopilot", true).Because("cluster.mode"))
	} else {
		parts = append(parts,
			terraform.Set("remove_default_node_pool", true),
			terraform.Set("initial_node_count", 1),
			terraform.Set("datapath_provider", "ADVANCED_DATAPATH"))
	}
	subnetwork := terraform.Reference("google_compute_subnetwork." + mainName + ".id")
	if r.e.VPC().Existing {
		subnetwork = "data." + subnetwork
	}
	n := r.e.VPC()
	parts = append(parts,
		terraform.Set("network", r.network()).Because("network"),
		terraform.Set("subnetwork", subnetwork).Because("network"),
		terraform.NewBlock("ip_allocation_policy").Has(
			terraform.Set("cluster_secondary_range_name", n.PodRange),
			terraform.Set("services_secondary_range_name", n.ServiceRange),
		).Because("network"),
	)
	parts = append(parts, r.controlPlane()...)
	parts = append(parts,
		terraform.NewBlock("release_channel").Has(
			terraform.Set("channel", cmp.Or(c.ReleaseChannel, "REGULAR")).Because("cluster.releaseChannel")),
		terraform.NewBlock("rbac_binding_config").Has(
			terraform.Set("enable_insecure_binding_system_authenticated", false),
			terraform.Set("enable_insecure_binding_system_unauthenticated", false)),
	)
	parts = append(parts, maintenance(c.Maintenance)...)
	if autopilot {
		parts = append(parts, terraform.NewBlock("cluster_autoscaling").Has(
			terraform.NewBlock("auto_provisioning_defaults").Has(
				terraform.Set("service_account", r.nodeAccount()),
				terraform.Set("oauth_scopes", terraform.Tuple{platformScope}),
			)))
	} else {
		parts = append(parts, r.firstNodes()...)
	}
	return terraform.Content{resource("google_container_cluster", mainName).Has(parts...).Because("cluster")}
}

// controlPlane is who reaches the API server. Without authorized networks there
// is no public address where nodes are private, and nobody may use the one that
// there is where they are not.
func (r *root) controlPlane() []terraform.Part {
	c := r.e.Cluster
	var parts []terraform.Part
	if c.Private {
		parts = append(parts, terraform.NewBlock("private_cluster_config").Has(
			terraform.Set("enable_private_nodes", true).Because("cluster.private"),
			terraform.Set("enable_private_endpoint", len(c.ControlPlane.AuthorizedNetworks) == 0).Because("cluster.controlPlane"),
			terraform.Set("master_ipv4_cidr_block", optionalValue(c.ControlPlaneCIDR)).Because("cluster.controlPlaneCIDR"),
		).Because("cluster.private"))
	}
	var networks []terraform.Part
	for _, a := range c.ControlPlane.AuthorizedNetworks {
		from := "cluster.controlPlane.authorizedNetworks[" + a.Name + "]"
		networks = append(networks, terraform.NewBlock("cidr_blocks").Has(
			terraform.Set("cidr_block", a.CIDR).Because(from+".cidr"),
			terraform.Set("display_name", a.Name),
		).Because(from))
	}
	parts = append(parts, terraform.NewBlock("master_authorized_networks_config").Has(networks...).Because("cluster.controlPlane"))
	if c.ControlPlane.DNSEndpoint {
		parts = append(parts, terraform.NewBlock("control_plane_endpoints_config").Has(
			terraform.NewBlock("dns_endpoint_config").Has(terraform.Set("allow_external_traffic", true)),
		).Because("cluster.controlPlane.dnsEndpoint"))
	}
	return parts
}

// firstNodes is what a standard cluster has and an Autopilot one brings: its
// identity pool, and the node pool that is there for the minutes until it is
// removed. That one must not run as the project's default account, which a
// hardened project does not have.
func (r *root) firstNodes() []terraform.Part {
	return []terraform.Part{
		terraform.NewBlock("workload_identity_config").Has(
			terraform.Set("workload_pool", r.e.Cloud.Project+".svc.id.goog").Because("cloud.project")),
		terraform.NewBlock("node_config").Has(
			terraform.Set("service_account", r.nodeAccount()),
			terraform.Set("oauth_scopes", terraform.Tuple{platformScope}),
			terraform.NewBlock("workload_metadata_config").Has(terraform.Set("mode", "GKE_METADATA")),
			secureBoot(),
		),
		terraform.NewBlock("lifecycle").Has(
			terraform.Set("ignore_changes", terraform.Tuple{terraform.Reference("node_config")}),
		),
	}
}

func secureBoot() terraform.Part {
	return terraform.NewBlock("shielded_instance_config").Has(
		terraform.Set("enable_secure_boot", true),
		terraform.Set("enable_integrity_monitoring", true),
	)
}

// maintenance is the window as a recurrence of RFC 5545. Its first occurrence is
// a day of a week long past, since only the time of the week counts.
func maintenance(w *spec.Maintenance) []terraform.Part {
	if w == nil || len(w.Window.Days) == 0 {
		return nil
	}
	const from = "cluster.maintenance.window"
	week := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	days := slices.Clone(w.Window.Days)
	slices.SortFunc(days, func(a, b string) int { return slices.Index(week, a) - slices.Index(week, b) })
	days = slices.Compact(days)
	start, err := time.Parse("15:04", w.Window.Start)
	length, lengthErr := spec.ParseDuration(w.Window.Duration)
	if err != nil || lengthErr != nil {
		return nil // the examiner has reported it
	}
	first := time.Date(2024, time.January, 1+slices.Index(week, days[0]), start.Hour(), start.Minute(), 0, 0, time.UTC) // the 1st was a Monday
	return []terraform.Part{terraform.NewBlock("maintenance_policy").Has(
		terraform.NewBlock("recurring_window").Has(
			terraform.Set("start_time", first.Format(time.RFC3339)).Because(from+".start"),
			terraform.Set("end_time", first.Add(length).Format(time.RFC3339)).Because(from+".duration"),
			terraform.Set("recurrence", "FREQ=WEEKLY;BYDAY="+strings.Join(days, ",")).Because(from+".days"),
		),
	).Because(from)}
}

// nodePools is the pools of a standard cluster.
func (r *root) nodePools() terraform.Content {
	if r.e.Cluster.Existing || r.e.Cluster.Mode == "autopilot" {
		return nil
	}
	var out terraform.Content
	for _, p := range r.e.Cluster.NodePools {
		out = append(out, r.nodePool(p))
	}
	return out
}

func (r *root) nodePool(p spec.NodePool) terraform.Part {
	from := "cluster.nodePools[" + p.Name + "]"
	// Where there is no Spot capacity in one zone there may be in the next.
	policy := "BALANCED"
	if p.Spot {
		policy = "ANY"
	}
	var zones any
	if len(p.Zones) > 0 {
		list := terraform.Tuple{}
		for _, z := range p.Zones {
			list = append(list, z)
		}
		zones = list
	}
	return resource("google_container_node_pool", r.local("google_container_node_pool", p.Name)).Has(
		terraform.Set("name", p.Name),
		terraform.Set("cluster", terraform.Reference("google_container_cluster."+mainName+".id")),
		terraform.Set("node_locations", zones).Because(from+".zones"),
		terraform.Set("initial_node_count", min(p.Min, 1)).Because(from+".min"),
		terraform.NewBlock("autoscaling").Has(
			terraform.Set("total_min_node_count", p.Min).Because(from+".min"),
			terraform.Set("total_max_node_count", p.Max).Because(from+".max"),
			terraform.Set("location_policy", policy).Because(from+".spot"),
		),
		terraform.NewBlock("management").Has(
			terraform.Set("auto_repair", true),
			terraform.Set("auto_upgrade", true),
		),
		terraform.NewBlock("node_config").Has(r.nodeConfig(p, from)...),
		terraform.NewBlock("lifecycle").Has(
			terraform.Set("ignore_changes", terraform.Tuple{terraform.Reference("initial_node_count")}),
		),
	).Because(from)
}

func (r *root) nodeConfig(p spec.NodePool, from string) []terraform.Part {
	var spot any
	if p.Spot {
		spot = true
	}
	parts := []terraform.Part{
		terraform.Set("machine_type", optionalValue(p.MachineType)).Because(from + ".machineType"),
		terraform.Set("spot", spot).Because(from + ".spot"),
		terraform.Set("disk_size_gb", cmp.Or(p.DiskGb, 100)).Because(from + ".diskGb"),
		terraform.Set("disk_type", cmp.Or(p.DiskType, "pd-balanced")).Because(from + ".diskType"),
		terraform.Set("image_type", "COS_CONTAINERD"),
		terraform.Set("labels", nodeLabels(p)).Because(from + ".labels"),
		terraform.Set("service_account", r.nodeAccount()),
		terraform.Set("oauth_scopes", terraform.Tuple{platformScope}),
		terraform.Set("metadata", terraform.Object{{Key: "disable-legacy-endpoints", Value: "true"}}),
		terraform.NewBlock("workload_metadata_config").Has(terraform.Set("mode", "GKE_METADATA")),
		secureBoot(),
		terraform.NewBlock("kubelet_config").Has(terraform.Set("insecure_kubelet_readonly_port_enabled", "FALSE")),
	}
	if p.GPU != nil {
		parts = append(parts, terraform.NewBlock("guest_accelerator").Has(
			terraform.Set("type", p.GPU.Type),
			terraform.Set("count", p.GPU.Count),
			terraform.NewBlock("gpu_driver_installation_config").Has(terraform.Set("gpu_driver_version", "DEFAULT")),
		).Because(from+".gpu"))
	}
	for _, t := range p.NodeTaints() {
		parts = append(parts, terraform.NewBlock("taint").Has(
			terraform.Set("key", t.Key),
			terraform.Set("value", t.Value),
			terraform.Set("effect", taintEffect(t.Effect)),
		).Because(taintFrom(p, t, from)))
	}
	return parts
}

// nodeLabels are the labels that GKE does not set by itself: Spot and the kind
// of accelerator follow from what the nodes are.
func nodeLabels(p spec.NodePool) any {
	var out terraform.Object
	for _, l := range sorted(p.NodeLabels()) {
		if !strings.HasPrefix(l.k, "cloud.google.com/") {
			out = append(out, terraform.Field{Key: l.k, Value: fmt.Sprint(l.v)})
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// taintEffect is an effect as the API of GKE writes it: NO_SCHEDULE.
func taintEffect(effect string) string {
	switch effect {
	case "PreferNoSchedule":
		return "PREFER_NO_SCHEDULE"
	case "NoExecute":
		return "NO_EXECUTE"
	default:
		return "NO_SCHEDULE"
	}
}

func taintFrom(p spec.NodePool, t spec.Taint, from string) string {
	switch {
	case slices.Contains(p.Taints, t):
		return from + ".taints"
	case t.Key == spotLabel:
		return from + ".spot"
	case p.GPU != nil && t.Key != "dedicated":
		return from + ".gpu"
	default:
		return from + ".dedicated"
	}
}
