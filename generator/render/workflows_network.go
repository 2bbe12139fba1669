package render

import (
	"strconv"
	"strings"

	"strake/generator/spec"
)

// The addresses that pods of GKE need.
const (
	// nodeLocalDNS is the cache on each node:
	// https://cloud.google.com/kubernetes-engine/docs/how-to/nodelocal-dns-cache
	nodeLocalDNS = "169.254.20.10/32"
	// metadataServer gives Workload Identity's tokens with Dataplane V2, and
	// answers DNS where the cluster uses Cloud DNS.
	metadataServer = "169.254.169.254/32"
	// legacyMetadata gives them with Calico:
	// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
	legacyMetadata = "169.254.169.252/32"
	// Health checks and proxies of Google's load balancers:
	// https://cloud.google.com/load-balancing/docs/firewall-rules
	loadBalancerProxies = "130.211.0.0/22"
	loadBalancerChecks  = "35.191.0.0/16"
)

// Pods of the embedded install, by the labels of the official manifests.
func controllerPods() m { return m{{"matchLabels", m{{"app", "workflow-controller"}}}} }
func serverPods() m     { return m{{"matchLabels", m{{"app", "argo-server"}}}} }

// workflowsNetwork denies all traffic of the namespace and allows what every
// environment needs. NetworkPolicies add up, so the overlay's own stand beside.
func workflowsNetwork(e *spec.Effective) []object {
	ns := e.Workflows.Namespace
	policies := []object{
		networkPolicy(e, ns, "default-deny", m{
			{"podSelector", m{}},
			{"policyTypes", list{"Ingress", "Egress"}},
		}),
		networkPolicy(e, ns, "allow-dns", m{
			{"podSelector", m{}},
			{"policyTypes", list{"Egress"}},
			{"egress", list{egressToDNS()}},
		}),
		networkPolicy(e, ns, "workflow-controller-metrics", m{
			{"podSelector", controllerPods()},
			{"policyTypes", list{"Ingress"}},
			{"ingress", list{m{
				{"from", list{m{{"namespaceSelector", in("kubernetes.io/metadata.name", "gke-gmp-system", "gmp-system", "monitoring")}}}},
				{"ports", list{port("TCP", 9090)}},
			}}},
		}),
		networkPolicy(e, ns, "argo-server", m{
			{"podSelector", serverPods()},
			{"policyTypes", list{"Ingress"}},
			{"ingress", list{m{
				{"from", list{
					m{{"namespaceSelector", m{}}},
					block(loadBalancerProxies),
					block(loadBalancerChecks),
				}},
				{"ports", list{port("TCP", 2746)}},
			}}},
		}),
	}
	return policies
}

// workflowsEgress is what depends on the environment: where the API server and
// the resolver are.
//
// Both components reach 443 of any public address, for what has names only.
// The controller asks the registry for the entrypoint of an image whose
// template has no command (workflow/controller/entrypoint), with the identity
// that the metadata server gives it. The server reads artifacts and logs from
// their bucket, and logs users in at their provider.
func workflowsEgress(e *spec.Effective) []object {
	ns := e.Workflows.Namespace
	policies := []object{
		networkPolicy(e, ns, "workflow-controller-egress", m{
			{"podSelector", controllerPods()},
			{"policyTypes", list{"Egress"}},
			{"egress", list{egressToControlPlane(e), egressToMetadataServer(), egressHTTPS()}},
		}),
		networkPolicy(e, ns, "argo-server-egress", m{
			{"podSelector", serverPods()},
			{"policyTypes", list{"Egress"}},
			{"egress", list{egressToControlPlane(e), egressToMetadataServer(), egressHTTPS()}},
		}),
	}
	if e.Workflows.Scope == "namespace" {
		policies = append(policies, networkPolicy(e, ns, "workflow-pods-egress", m{
			{"podSelector", m{{"matchExpressions", list{m{
				{"key", "workflows.argoproj.io/workflow"}, {"operator", "Exists"},
			}}}}},
			{"policyTypes", list{"Egress"}},
			{"egress", list{egressToControlPlane(e), egressToMetadataServer(), egressHTTPS()}},
		}))
	}
	if e.Cluster.DNSServiceIP != "" {
		o := networkPolicy(e, ns, dnsServicePolicy, m{
			{"podSelector", m{}},
			{"policyTypes", list{"Egress"}},
			{"egress", list{egressToDNSService(e)}},
		})
		o.from = "cluster.dnsServiceIP"
		policies = append(policies, o)
	}
	if e.Artifacts != nil && e.Artifacts.S3 != nil && e.Artifacts.GCS == nil {
		o := networkPolicy(e, ns, "argo-server-artifacts", m{
			{"podSelector", serverPods()},
			{"policyTypes", list{"Egress"}},
			{"egress", list{m{
				{"to", storePeers(e.Artifacts.S3)},
				{"ports", list{port("TCP", endpointPort(e.Artifacts.S3))}},
			}}},
		})
		o.from = "artifacts.s3.endpoint"
		policies = append(policies, o)
	}
	return policies
}

func networkPolicy(e *spec.Effective, namespace, name string, policy m) object {
	return object{from: "workflows", doc: m{
		{"apiVersion", "networking.k8s.io/v1"},
		{"kind", "NetworkPolicy"},
		{"metadata", metadata(e, namespace, name, "network")},
		{"spec", policy},
	}}
}

func port(protocol string, number int) m { return m{{"protocol", protocol}, {"port", number}} }

func block(cidr string) m { return m{{"ipBlock", m{{"cidr", cidr}}}} }

// in selects by one label with several values.
func in(key string, values ...string) m {
	return m{{"matchExpressions", list{m{{"key", key}, {"operator", "In"}, {"values", strs(values)}}}}}
}

// egressToDNS allows the resolvers a GKE cluster may have: kube-dns, NodeLocal
// DNSCache and Cloud DNS.
func egressToDNS() m {
	return m{
		{"to", list{
			m{
				{"namespaceSelector", m{{"matchLabels", m{{"kubernetes.io/metadata.name", "kube-system"}}}}},
				{"podSelector", in("k8s-app", "kube-dns", "node-local-dns")},
			},
			block(nodeLocalDNS),
			block(metadataServer),
		}},
		{"ports", list{port("UDP", 53), port("TCP", 53)}},
	}
}

// dnsServicePolicy stands beside allow-dns, which is part of a base.
const dnsServicePolicy = "allow-dns-service"

// egressToDNSService allows the address of the Service kube-dns. NodeLocal
// DNSCache binds it on each node, and Calico then sees that address, which no
// selector matches.
func egressToDNSService(e *spec.Effective) m {
	return m{
		{"to", list{m{{"ipBlock", m{{"cidr", at("cluster.dnsServiceIP", e.Cluster.DNSServiceIP+"/32")}}}}}},
		{"ports", list{port("UDP", 53), port("TCP", 53)}},
	}
}

// egressToControlPlane allows the API server: by its address range where the
// spec has one. A policy sees the address behind the Service kubernetes.
func egressToControlPlane(e *spec.Effective) m {
	var to list
	if cidr := e.Cluster.ControlPlaneCIDR; cidr != "" {
		to = list{m{{"ipBlock", m{{"cidr", at("cluster.controlPlaneCIDR", cidr)}}}}}
	}
	return m{
		{"to", to},
		{"ports", list{port("TCP", 443), port("TCP", 6443)}},
	}
}

// egressToMetadataServer allows Workload Identity on both dataplanes.
func egressToMetadataServer() m {
	return m{
		{"to", list{block(metadataServer), block(legacyMetadata)}},
		{"ports", list{port("TCP", 80), port("TCP", 8080), port("TCP", 987), port("TCP", 988)}},
	}
}

// egressHTTPS allows 443 of every public address: Google's APIs, the range of
// private.googleapis.com included, have no range of their own that would hold.
// Behind private addresses are the tenants, and the control plane, which has a
// rule of its own. A registry or an identity provider at a private address needs
// a policy in custom/.
func egressHTTPS() m {
	return m{{"to", list{public()}}, {"ports", list{port("TCP", 443)}}}
}

// endpointPort is the port of an S3 endpoint, which is host or host:port.
func endpointPort(s3 *spec.S3) int {
	if number, err := strconv.Atoi(s3.Endpoint[strings.LastIndex(s3.Endpoint, ":")+1:]); err == nil {
		return number
	}
	if s3.Insecure {
		return 80
	}
	return 443
}
