package render

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8slabels "k8s.io/apimachinery/pkg/labels"

	"strake/generator/spec"
)

// peer is the other end of a connection: an address outside, or a pod.
type peer struct {
	ip        string
	namespace string
	pod       map[string]string
}

func policies(t *testing.T, e *spec.Effective) []*networkingv1.NetworkPolicy {
	t.Helper()
	var out []*networkingv1.NetworkPolicy
	for id, doc := range live(t, workflows(e)) {
		if strings.HasPrefix(id, "NetworkPolicy/") {
			out = append(out, typed[networkingv1.NetworkPolicy](t, doc))
		}
	}
	return out
}

// allows says what the policies of a namespace decide about one connection of
// one of its pods.
func allows(t *testing.T, all []*networkingv1.NetworkPolicy, app string, direction networkingv1.PolicyType, other peer, protocol string, port int) bool {
	t.Helper()
	pod := map[string]string{"app": app}
	if app == "workflow" {
		pod = map[string]string{"workflows.argoproj.io/workflow": "run-1"}
	}
	isolated, allowed := false, false
	for _, p := range all {
		if !selects(t, &p.Spec.PodSelector, pod) || !slices.Contains(p.Spec.PolicyTypes, direction) {
			continue
		}
		isolated = true
		for _, rule := range p.Spec.Egress {
			allowed = allowed || direction == "Egress" && matches(t, rule.To, rule.Ports, other, protocol, port)
		}
		for _, rule := range p.Spec.Ingress {
			allowed = allowed || direction == "Ingress" && matches(t, rule.From, rule.Ports, other, protocol, port)
		}
	}
	return allowed || !isolated
}

func matches(t *testing.T, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, other peer, protocol string, port int) bool {
	t.Helper()
	onPort := slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return string(*p.Protocol) == protocol && p.Port.IntValue() == port
	})
	if len(ports) > 0 && !onPort {
		return false
	}
	if len(peers) == 0 {
		return true
	}
	return slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		if p.IPBlock != nil {
			within := func(cidr string) bool { return netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(other.ip)) }
			return other.ip != "" && within(p.IPBlock.CIDR) && !slices.ContainsFunc(p.IPBlock.Except, within)
		}
		namespace := map[string]string{"kubernetes.io/metadata.name": other.namespace}
		return other.ip == "" && (p.NamespaceSelector == nil || selects(t, p.NamespaceSelector, namespace)) &&
			(p.PodSelector == nil || selects(t, p.PodSelector, other.pod))
	})
}

func selects(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(k8slabels.Set(set))
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	const in, out = networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress
	var (
		controlPlane = peer{ip: "172.16.0.2"}
		internet     = peer{ip: "142.250.1.1"}
		private      = peer{ip: "10.8.0.3"}
		metadata     = peer{ip: "169.254.169.254"}
		dns          = peer{namespace: "kube-system", pod: map[string]string{"k8s-app": "kube-dns"}}
		tenant       = peer{namespace: "forecasting", pod: map[string]string{"app": "web"}}
		minio        = peer{namespace: "storage"}
	)
	of := map[string][]*networkingv1.NetworkPolicy{}
	for _, name := range []string{"whole", "bare", "host", "s3", "namespace"} {
		of[name] = policies(t, scenarios()[name])
	}
	of["node-local"] = policies(t, platform(func(e *spec.Effective) { e.Cluster.DNSServiceIP = "34.118.224.10" }))
	for _, test := range []struct {
		scenario  string
		app       string
		direction networkingv1.PolicyType
		other     peer
		protocol  string
		port      int
		want      bool
	}{
		{"whole", "workflow-controller", out, controlPlane, "TCP", 443, true},
		{"whole", "workflow-controller", out, dns, "UDP", 53, true},
		{"whole", "workflow-controller", out, peer{ip: "169.254.20.10"}, "UDP", 53, true},
		{"whole", "workflow-controller", out, peer{ip: "34.118.224.10"}, "UDP", 53, false},
		{"node-local", "workflow-controller", out, peer{ip: "34.118.224.10"}, "UDP", 53, true},
		{"node-local", "anything else", out, peer{ip: "34.118.224.10"}, "TCP", 53, true},
		{"node-local", "argo-server", out, peer{ip: "34.118.224.11"}, "UDP", 53, false},
		{"whole", "workflow-controller", out, internet, "TCP", 443, true},
		{"whole", "workflow-controller", out, private, "TCP", 443, false},
		{"whole", "argo-server", out, private, "TCP", 443, false},
		{"whole", "workflow-controller", out, metadata, "TCP", 80, true},
		{"whole", "workflow-controller", out, peer{ip: "169.254.169.252"}, "TCP", 988, true},
		{"whole", "workflow-controller", out, private, "TCP", 3307, true},
		{"whole", "workflow-controller", out, private, "TCP", 5432, false},
		{"whole", "workflow-controller", out, internet, "TCP", 22, false},
		{"whole", "workflow-controller", out, internet, "TCP", 6443, false},
		{"whole", "workflow-controller", in, tenant, "TCP", 9090, false},
		{"whole", "workflow-controller", in, tenant, "TCP", 9801, false},
		{"whole", "workflow-controller", in, peer{namespace: "monitoring"}, "TCP", 9090, true},
		{"whole", "argo-server", out, controlPlane, "TCP", 443, true},
		{"whole", "argo-server", out, internet, "TCP", 443, true},
		{"whole", "argo-server", out, private, "TCP", 3307, true},
		{"whole", "argo-server", in, tenant, "TCP", 2746, true},
		{"whole", "argo-server", in, peer{ip: "35.191.10.1"}, "TCP", 2746, true},
		{"whole", "argo-server", in, internet, "TCP", 2746, false},
		{"whole", "argo-server", in, tenant, "TCP", 9801, false},
		{"whole", "anything else", out, internet, "TCP", 443, false},
		{"whole", "anything else", in, tenant, "TCP", 80, false},
		{"bare", "workflow-controller", out, controlPlane, "TCP", 6443, true},
		{"bare", "workflow-controller", out, private, "TCP", 3307, false},
		{"host", "workflow-controller", out, private, "TCP", 6432, true},
		{"host", "argo-server", out, private, "TCP", 6432, true},
		{"host", "argo-server", out, private, "TCP", 3307, false},
		{"s3", "argo-server", out, minio, "TCP", 9000, true},
		{"s3", "argo-server", out, tenant, "TCP", 9000, false},
		{"namespace", "workflow", out, controlPlane, "TCP", 443, true},
		{"namespace", "workflow", out, internet, "TCP", 443, true},
		{"namespace", "workflow", in, tenant, "TCP", 80, false},
	} {
		got := allows(t, of[test.scenario], test.app, test.direction, test.other, test.protocol, test.port)
		if got != test.want {
			t.Errorf("%s: %s %s %+v %s %d: allowed %t, want %t", test.scenario, test.app, test.direction, test.other, test.protocol, test.port, got, test.want)
		}
	}
}
