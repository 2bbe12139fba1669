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
	out = append(out, servicePolicies(t)...)
	if !runsWorkflows(e) || e.Artifacts == nil || e.Artifacts.S3 == nil || e.Artifacts.GCS != nil {
		return out
	}
	store := m{{"to", storePeers(e.Artifacts.S3)}, {"ports", list{port("TCP", endpointPort(e.Artifacts.S3))}}}
	return append(out, ownPolicy(t, "allow-artifact-store", "artifacts.s3.endpoint", egress(store)))
}

// servicePolicies let in the load balancer of each service that has one, and let
// out the proxies of Cloud SQL: the address of an instance is not known here, but
// it is a private one, and the proxy's own port is.
func servicePolicies(t *spec.Tenant) []object {
	var out []object
	var withDatabase []string
	for i := range t.Services {
		s := &t.Services[i]
		if s.CloudSQL != nil {
			withDatabase = append(withDatabase, s.Name)
		}
		if s.IAP == nil {
			continue
		}
		from := servicePath(t, s) + ".iap"
		ports := list{m{{"protocol", "TCP"}, {"port", at(servicePath(t, s)+".port", s.Port)}}}
		if probePort(s) != s.Port {
			ports = append(ports, m{{"protocol", "TCP"}, {"port", at(servicePath(t, s)+".probe.port", probePort(s))}})
		}
		out = append(out, selected(m{{"matchLabels", servicePods(s)}}, ownPolicy(t, "allow-load-balancer-"+s.Name, from, m{
			{"policyTypes", list{"Ingress"}},
			{"ingress", list{m{
				{"from", list{block(loadBalancerProxies), block(loadBalancerChecks)}},
				{"ports", ports},
			}}},
		})))
	}
	if withDatabase == nil {
		return out
	}
	pods := m{
		{"matchLabels", m{{componentLabel, serviceComponent}}},
		{"matchExpressions", list{m{{"key", nameLabel}, {"operator", "In"}, {"values", strs(withDatabase)}}}},
	}
	var private list
	for _, cidr := range privateRanges() {
		private = append(private, block(cidr))
	}
	return append(out, selected(pods, ownPolicy(t, "allow-cloud-sql", tenantPath(t)+".services", egress(m{
		{"to", private},
		{"ports", list{port("TCP", cloudSQLPort)}},
	}))))
}

// cloudSQLPort is where an instance answers its proxies:
// https://cloud.google.com/sql/docs/postgres/sql-proxy.
const cloudSQLPort = 3307

// privateRanges are the addresses that a private network may have: RFC 1918.
func privateRanges() []string { return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} }

// selected narrows a policy to some pods of the namespace.
func selected(pods m, o object) object {
	body, _ := o.doc.get("spec").(m)
	for i := range body {
		if body[i].k == "podSelector" {
			body[i].v = pods
		}
	}
	return o
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
