package render

import (
	"net/netip"
	"strings"

	"strake/generator/spec"
)

// basePolicies deny all traffic and then allow what every workflow needs. They
// hold for all pods of the namespace.
func basePolicies() []object {
	return []object{
		policy("default-deny", m{{"policyTypes", list{"Egress", "Ingress"}}}),
		policy("allow-dns", egress(egressToDNS())),
		policy("allow-metadata-server", egress(egressToMetadataServer())),
		policy("allow-public-https", egress(egressHTTPS())),
		// A namespace is one domain of trust: steps of distributed training, and the
		// tenant's own services, reach each other.
		policy("allow-same-namespace", m{
			{"policyTypes", list{"Egress", "Ingress"}},
			{"egress", list{m{{"to", list{m{{"podSelector", m{}}}}}}}},
			{"ingress", list{m{{"from", list{m{{"podSelector", m{}}}}}}}},
		}),
	}
}

// environmentPolicies are those that the environment decides.
func environmentPolicies(e *spec.Effective, t *spec.Tenant) []object {
	out := []object{ownPolicy(t, "allow-api-server", "cluster.controlPlaneCIDR", egress(egressToControlPlane(e)))}
	if e.Cluster.DNSServiceIP != "" {
		out = append(out, ownPolicy(t, dnsServicePolicy, "cluster.dnsServiceIP", egress(egressToDNSService(e))))
	}
	if !runsWorkflows(e) || e.Artifacts == nil || e.Artifacts.S3 == nil || e.Artifacts.GCS != nil {
		return out
	}
	store := m{{"to", storePeers(e.Artifacts.S3)}, {"ports", list{port("TCP", endpointPort(e.Artifacts.S3))}}}
	return append(out, ownPolicy(t, "allow-artifact-store", "artifacts.s3.endpoint", egress(store)))
}

// storePeers are where an S3 endpoint may be: at an address, in the namespace of
// a Service of the cluster, or outside. A name of two parts may be either.
func storePeers(s *spec.S3) list {
	host, _, _ := strings.Cut(s.Endpoint, ":")
	if address, err := netip.ParseAddr(host); err == nil && address.Is4() {
		return list{block(host + "/32")}
	}
	outside := block("0.0.0.0/0")
	parts := strings.Split(host, ".")
	if len(parts) < 2 || len(parts) > 2 && parts[2] != "svc" {
		return list{outside}
	}
	service := m{{"namespaceSelector", m{{"matchLabels", m{{"kubernetes.io/metadata.name", parts[1]}}}}}}
	if len(parts) == 2 {
		return list{service, outside}
	}
	return list{service}
}

func policy(name string, body m) object {
	return object{doc: m{
		{"apiVersion", "networking.k8s.io/v1"},
		{"kind", "NetworkPolicy"},
		{"metadata", baseMetadata(name, "network")},
		{"spec", append(m{{"podSelector", m{}}}, body...)},
	}}
}

func ownPolicy(t *spec.Tenant, name, from string, body m) object {
	o := policy(name, body)
	o.from = from
	for i := range o.doc {
		if o.doc[i].k == "metadata" {
			o.doc[i].v = tenantMetadata(t, name, "network")
		}
	}
	return o
}

// egress is a policy of rules for outgoing traffic.
func egress(rules ...any) m {
	return m{{"policyTypes", list{"Egress"}}, {"egress", list(rules)}}
}

// public is every address that is not private, shared or link-local.
func public() m {
	return m{{"ipBlock", m{
		{"cidr", "0.0.0.0/0"},
		{"except", list{"10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}},
	}}}
}
