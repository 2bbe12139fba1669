package render_test

import (
	"net/netip"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// target is a pod by its namespace and labels, or an address outside.
type target struct {
	namespace string
	labels    map[string]string
	ip        string
	port      int32
	protocol  string
}

// reachable reads policies as https://kubernetes.io/docs/concepts/services-networking/network-policies/
// describes them: traffic is allowed if any rule of any policy allows it.
func (x target) reachable(t testing.TB, policies []networkingv1.NetworkPolicy) bool {
	t.Helper()
	for _, p := range policies {
		for _, rule := range p.Spec.Egress {
			if x.onPort(rule.Ports) && x.peer(t, p.Namespace, rule.To) {
				return true
			}
		}
	}
	return false
}

func (x target) onPort(ports []networkingv1.NetworkPolicyPort) bool {
	for _, p := range ports {
		if string(*p.Protocol) == x.protocol && p.Port.IntVal == x.port {
			return true
		}
	}
	return len(ports) == 0
}

func (x target) peer(t testing.TB, own string, peers []networkingv1.NetworkPolicyPeer) bool {
	t.Helper()
	if own == "" {
		own = "forecasting" // the base gets it from the overlay
	}
	matches := func(s *metav1.LabelSelector, set map[string]string) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatal(err)
		}
		return selector.Matches(labels.Set(set))
	}
	for _, p := range peers {
		switch {
		case p.IPBlock != nil:
			if x.ip == "" || !netip.MustParsePrefix(p.IPBlock.CIDR).Contains(netip.MustParseAddr(x.ip)) {
				continue
			}
			excepted := false
			for _, cidr := range p.IPBlock.Except {
				excepted = excepted || netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(x.ip))
			}
			if !excepted {
				return true
			}
		case x.namespace == "":
		case p.NamespaceSelector == nil && x.namespace != own:
		case p.NamespaceSelector != nil && !matches(p.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": x.namespace}):
		case p.PodSelector != nil && !matches(p.PodSelector, x.labels):
		default:
			return true
		}
	}
	return len(peers) == 0
}
