package contracts

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// networkPolicies: somebody enforces them, and they let pods out to where the
// API server is.
// https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy
func (r *run) networkPolicies() {
	var policies []*manifest.Object
	for _, o := range r.objects {
		if o.Kind == "NetworkPolicy" && o.Group() == "networking.k8s.io" {
			policies = append(policies, o)
		}
	}
	if len(policies) == 0 {
		return
	}
	for _, c := range r.clusters_ {
		dataplane, calico := c.Get("datapath_provider"), c.Get("network_policy.enabled")
		enforced := c.autopilot || text(dataplane).may("ADVANCED_DATAPATH") || yes(calico) || calico.Unknown()
		if !enforced {
			o := policies[0]
			r.finding("network-policy-unenforced", diag.Error, o, o.At("spec"),
				fmt.Sprintf("%s has no dataplane that enforces NetworkPolicies: this one and %d others do nothing", c.Address, len(policies)-1),
				`Write datapath_provider = "ADVANCED_DATAPATH" in the cluster.`, related(line(c.Resource, dataplane), "the cluster"))
		}
		for _, o := range policies {
			r.controlPlaneEgress(c, o)
		}
	}
}

// controlPlaneEgress: a rule that opens a /28 for the API server opens that of
// the cluster.
func (r *run) controlPlaneEgress(c *cluster, o *manifest.Object) {
	v := c.Get("private_cluster_config.master_ipv4_cidr_block")
	s, _ := v.Str()
	plane, err := netip.ParsePrefix(s)
	if err != nil {
		return
	}
	rules, _ := mapAt(o.Fields, "spec")["egress"].([]any)
	for i, item := range rules {
		rule, _ := item.(map[string]any)
		peers, _ := rule["to"].([]any)
		for j, peer := range peers {
			m, _ := peer.(map[string]any)
			cidr := stringAt(m, "ipBlock", "cidr")
			block, err := netip.ParsePrefix(cidr)
			if err != nil || block.Bits() != 28 || !block.Addr().IsPrivate() || !apiPorts(rule) || block.Overlaps(plane) {
				continue
			}
			r.finding("control-plane-egress", diag.Error, o, o.At("spec", "egress", i, "to", j, "ipBlock", "cidr"),
				fmt.Sprintf("%s is let out to %s, and the API server of %s is at %s", o.Name, cidr, c.Address, s),
				"Both have to say the same: no pod under this policy reaches the API server.", related(v.Range, "the control plane"))
		}
	}
}

// apiPorts reports whether a rule is about the ports of the API server.
func apiPorts(rule map[string]any) bool {
	ports, _ := rule["ports"].([]any)
	return slices.ContainsFunc(ports, func(item any) bool {
		m, _ := item.(map[string]any)
		return m["port"] == int64(443) || m["port"] == int64(6443)
	})
}

// registries: nodes without addresses of their own reach Google's registries,
// and others only through Cloud NAT.
// https://cloud.google.com/nat/docs/overview
func (r *run) registries() {
	var private *cluster
	for _, c := range r.clusters_ {
		if yes(c.Get("private_cluster_config.enable_private_nodes")) || yes(c.Get("network_config.default_enable_private_nodes")) {
			private = c
		}
	}
	if private == nil || slices.ContainsFunc(r.roots, func(t *root) bool { return len(t.Of("google_compute_router_nat")) > 0 }) {
		return
	}
	o, path, hosts := r.outside()
	if o == nil {
		return
	}
	if !r.complete() {
		r.undecided("a google_compute_router_nat")
		return
	}
	made := slices.ContainsFunc(r.roots, func(t *root) bool { return len(t.Of("google_compute_network", "google_compute_subnetwork")) > 0 })
	severity, detail := diag.Error, "Add a google_compute_router and a google_compute_router_nat, or pull the images through a remote repository of Artifact Registry."
	if !made {
		severity = diag.Warning // the network is somebody else's, and so may be its NAT
		detail = "The network is not among the roots: see that it has Cloud NAT, or pull the images through a remote repository of Artifact Registry."
	}
	r.finding("registry-without-nat", severity, o, path,
		fmt.Sprintf("images come from %s, and the private nodes of %s have no Cloud NAT", strings.Join(hosts, ", "), private.Address), detail,
		related(line(private.Resource, private.Get("private_cluster_config.enable_private_nodes")), "private nodes"))
}

// outside lists the registries that are not Google's, and the first image from
// one.
func (r *run) outside() (o *manifest.Object, path manifest.Path, hosts []string) {
	for _, p := range r.pods() {
		for _, c := range p.Containers() {
			image := stringAt(c.Fields, "image")
			host := registryOf(image)
			if image == "" || strings.Contains(image, "{{") || strings.HasSuffix(host, ".pkg.dev") || host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") || strings.HasSuffix(host, ".googleapis.com") {
				continue
			}
			if o == nil {
				o, path = p.Object, p.At(below(c.Spec, manifest.Step{Key: "image"})...)
			}
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return o, path, slices.Compact(hosts)
}

func registryOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// pipelines: what Kubeflow Pipelines asks of its cluster.
// https://www.kubeflow.org/docs/components/pipelines/operator-guides/installation/
func (r *run) pipelines() {
	var kfp *manifest.Object
	for _, o := range r.objects {
		if o.Kind == "Deployment" && o.Name == "ml-pipeline" {
			kfp = o
		}
	}
	if kfp == nil || len(r.pools) == 0 || !r.complete() {
		return
	}
	const nodes, cpus, memory = 3, 2, 4
	sum, known := int64(0), true
	for _, p := range r.pools {
		machine := string(text(p.get("machine_type")))
		if machine == "" && p.get("machine_type").Unset() {
			machine = "e2-medium" // GKE's default
		}
		cpu, mem, sized := machineSize(machine)
		n, counted := p.least()
		known = known && counted
		if sized && (cpu < cpus || mem < memory) {
			continue // too small to count
		}
		sum += n
	}
	if !known || sum >= nodes {
		return
	}
	r.finding("kfp-cluster-size", diag.Warning, kfp, kfp.At("metadata", "name"),
		fmt.Sprintf("Kubeflow Pipelines asks for %d nodes of %d vCPU and %d GB, and %d are always there", nodes, cpus, memory, sum),
		"Raise the minimum of a pool, or its machine type.", related(r.pools[0].at(r.pools[0].body.Get("autoscaling.total_min_node_count")), "a node pool"))
}

// controllers: a controller that works in every namespace takes the workflows of
// Kubeflow Pipelines from the controller that those bring along.
func (r *run) controllers() {
	var kfp *manifest.Object
	for _, o := range r.objects {
		if o.Kind == "Deployment" && o.Name == "ml-pipeline" {
			kfp = o
		}
	}
	if kfp == nil {
		return
	}
	for _, p := range r.pods() {
		o := p.Object
		if o.Kind != "Deployment" || !strings.HasSuffix(o.Name, "workflow-controller") || o.Namespace == kfp.Namespace || r.confined(p) {
			continue
		}
		at, _ := kfp.Locate(kfp.At("metadata", "name"))
		r.finding("kfp-controller-overlap", diag.Error, o, o.At("metadata", "name"),
			fmt.Sprintf("%s works in every namespace, and so on the workflows of Kubeflow Pipelines in %s", o.ID(), kfp.Namespace),
			"Set instanceID in its ConfigMap, or run it with --namespaced: two controllers that work on one workflow undo each other.", related(at, "Kubeflow Pipelines"))
	}
}

// confined reports whether a controller keeps to a namespace, or to workflows
// that name it.
func (r *run) confined(p *pod) bool {
	for _, c := range p.Containers() {
		args, _ := c.Fields["args"].([]any)
		for _, a := range args {
			if s, _ := a.(string); s == "--namespaced" || strings.HasPrefix(s, "--managed-namespace") {
				return true
			}
		}
	}
	return slices.ContainsFunc(r.objects, func(o *manifest.Object) bool {
		return o.Kind == "ConfigMap" && o.Namespace == p.Object.Namespace && strings.HasSuffix(o.Name, "workflow-controller-configmap") &&
			stringAt(check.ControllerConfig(o), "instanceID") != ""
	})
}

// machineSize reads vCPUs and GB out of a machine type's name.
// https://cloud.google.com/compute/docs/general-purpose-machines
func machineSize(name string) (cpu, memory float64, ok bool) {
	switch name {
	case "e2-micro":
		return 2, 1, true
	case "e2-small":
		return 2, 2, true
	case "e2-medium":
		return 2, 4, true
	case "f1-micro":
		return 1, 0.6, true
	case "g1-small":
		return 1, 1.7, true
	}
	parts := strings.Split(name, "-")
	if len(parts) < 3 {
		return 0, 0, false
	}
	per := map[string]float64{"standard": 4, "highmem": 8, "highcpu": 1}[parts[1]]
	if parts[0] == "n1" {
		per = map[string]float64{"standard": 3.75, "highmem": 6.5, "highcpu": 0.9}[parts[1]]
	}
	var n float64
	if _, err := fmt.Sscanf(parts[2], "%g", &n); err != nil || per == 0 {
		return 0, 0, false
	}
	return n, n * per, true
}
