package kube

import (
	"fmt"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// replacement says what to write instead of an API that is gone.
type replacement struct{ apiVersion, since string }

// removedAPI reports whether Kubernetes no longer serves a kind in a version.
// Source: "Deprecated API Migration Guide" of the Kubernetes documentation.
func removedAPI(apiVersion, kind string) (replacement, bool) {
	switch kind {
	case "PodSecurityPolicy":
		return replacement{since: "1.25"}, strings.HasPrefix(apiVersion, "policy/") || strings.HasPrefix(apiVersion, "extensions/")
	case "PodSecurityPolicyTemplate":
		return replacement{}, false
	}
	if apiVersion == "extensions/v1beta1" {
		switch kind {
		case "Ingress":
			return replacement{"networking.k8s.io/v1", "1.22"}, true
		case "NetworkPolicy":
			return replacement{"networking.k8s.io/v1", "1.16"}, true
		default:
			return replacement{"apps/v1", "1.16"}, true
		}
	}
	if kind == "CSIStorageCapacity" && apiVersion == "storage.k8s.io/v1beta1" {
		return replacement{"storage.k8s.io/v1", "1.27"}, true
	}
	if kind == "VolumeAttributesClass" || kind == "ServiceCIDR" || kind == "IPAddress" ||
		strings.HasPrefix(kind, "ValidatingAdmissionPolicy") || strings.HasPrefix(kind, "MutatingAdmissionPolicy") ||
		kind == "LeaseCandidate" || kind == "ClusterTrustBundle" {
		// Younger kinds, whose beta versions are still served.
		return replacement{}, false
	}
	switch apiVersion {
	case "apps/v1beta1", "apps/v1beta2":
		return replacement{"apps/v1", "1.16"}, true
	case "policy/v1beta1":
		return replacement{"policy/v1", "1.25"}, true
	case "batch/v1beta1":
		return replacement{"batch/v1", "1.25"}, true
	case "batch/v2alpha1":
		return replacement{"batch/v1", "1.21"}, true
	case "networking.k8s.io/v1beta1":
		return replacement{"networking.k8s.io/v1", "1.22"}, true
	case "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1":
		return replacement{"rbac.authorization.k8s.io/v1", "1.22"}, true
	case "autoscaling/v2beta1":
		return replacement{"autoscaling/v2", "1.25"}, true
	case "autoscaling/v2beta2":
		return replacement{"autoscaling/v2", "1.26"}, true
	case "admissionregistration.k8s.io/v1beta1":
		return replacement{"admissionregistration.k8s.io/v1", "1.22"}, true
	case "apiextensions.k8s.io/v1beta1":
		return replacement{"apiextensions.k8s.io/v1", "1.22"}, true
	case "apiregistration.k8s.io/v1beta1":
		return replacement{"apiregistration.k8s.io/v1", "1.22"}, true
	case "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1alpha1":
		return replacement{"scheduling.k8s.io/v1", "1.22"}, true
	case "storage.k8s.io/v1beta1":
		return replacement{"storage.k8s.io/v1", "1.22"}, true
	case "coordination.k8s.io/v1beta1":
		return replacement{"coordination.k8s.io/v1", "1.22"}, true
	case "certificates.k8s.io/v1beta1":
		return replacement{"certificates.k8s.io/v1", "1.22"}, true
	case "discovery.k8s.io/v1beta1":
		return replacement{"discovery.k8s.io/v1", "1.25"}, true
	case "events.k8s.io/v1beta1":
		return replacement{"events.k8s.io/v1", "1.25"}, true
	case "node.k8s.io/v1beta1", "node.k8s.io/v1alpha1":
		return replacement{"node.k8s.io/v1", "1.25"}, true
	case "flowcontrol.apiserver.k8s.io/v1beta1":
		return replacement{"flowcontrol.apiserver.k8s.io/v1", "1.26"}, true
	case "flowcontrol.apiserver.k8s.io/v1beta2":
		return replacement{"flowcontrol.apiserver.k8s.io/v1", "1.29"}, true
	case "flowcontrol.apiserver.k8s.io/v1beta3":
		return replacement{"flowcontrol.apiserver.k8s.io/v1", "1.32"}, true
	default:
		return replacement{}, false
	}
}

func removedFinding(o *manifest.Object, r replacement) diag.Diagnostic {
	detail := fmt.Sprintf("Write apiVersion: %s, and look for fields that changed with it.", r.apiVersion)
	if r.apiVersion == "" {
		detail = "Set the pod-security.kubernetes.io/enforce label on each Namespace instead."
	}
	return o.Finding("api-removed", diag.Error, o.At("apiVersion"),
		fmt.Sprintf("%s %s is not served since Kubernetes %s", o.APIVersion, o.Kind, r.since), detail)
}
