package kube

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// mapKeys names the lists that server-side apply treats as maps, by Go type and
// field: x-kubernetes-list-map-keys of Kubernetes' own OpenAPI, against which a
// test compares this table. A list without keys is a set.
func mapKeys() map[string]map[string][]string {
	name, none := []string{"name"}, []string{}
	container := map[string][]string{
		"env": name, "ports": {"containerPort", "protocol"},
		"volumeMounts": {"mountPath"}, "volumeDevices": {"devicePath"},
	}
	conditions := map[string][]string{"matchConditions": name}
	table := map[string]map[string][]string{
		"k8s.io/api/core/v1.Container":                container,
		"k8s.io/api/core/v1.EphemeralContainer":       container,
		"k8s.io/api/core/v1.EphemeralContainerCommon": container,
		"k8s.io/api/core/v1.PodSpec": {
			"containers": name, "initContainers": name, "ephemeralContainers": name, "volumes": name,
			"imagePullSecrets": name, "resourceClaims": name, "schedulingGates": name, "hostAliases": {"ip"},
			"topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
		},
		"k8s.io/api/core/v1.ResourceRequirements":                            {"claims": name},
		"k8s.io/api/core/v1.ServiceAccount":                                  {"secrets": name},
		"k8s.io/api/core/v1.ServiceSpec":                                     {"ports": {"port", "protocol"}},
		"k8s.io/api/batch/v1.PodFailurePolicyOnExitCodesRequirement":         {"values": none},
		"k8s.io/api/storage/v1.CSIDriverSpec":                                {"volumeLifecycleModes": none},
		"k8s.io/apimachinery/pkg/apis/meta/v1.ObjectMeta":                    {"finalizers": none, "ownerReferences": {"uid"}},
		"k8s.io/api/admissionregistration/v1.MutatingWebhookConfiguration":   {"webhooks": name},
		"k8s.io/api/admissionregistration/v1.ValidatingWebhookConfiguration": {"webhooks": name},
		"k8s.io/api/admissionregistration/v1.MutatingWebhook":                conditions,
		"k8s.io/api/admissionregistration/v1.ValidatingWebhook":              conditions,
		"k8s.io/api/discovery/v1.Endpoint":                                   {"addresses": none},
		"k8s.io/api/flowcontrol/v1.NonResourcePolicyRule":                    {"nonResourceURLs": none, "verbs": none},
		"k8s.io/api/flowcontrol/v1.ResourcePolicyRule":                       {"apiGroups": none, "namespaces": none, "resources": none, "verbs": none},
	}
	for _, version := range []string{"v1", "v1beta1", "v1alpha1"} {
		table["k8s.io/api/admissionregistration/"+version+".ValidatingAdmissionPolicySpec"] = map[string][]string{"matchConditions": name, "variables": name}
		table["k8s.io/api/admissionregistration/"+version+".ValidatingAdmissionPolicyBindingSpec"] = map[string][]string{"validationActions": none}
	}
	return table
}

// keyDefaults are the defaults of key fields: an item without the field has
// this key all the same.
func keyDefault(key string) any {
	if key == "protocol" {
		return "TCP"
	}
	return nil
}

// duplicates finds items that server-side apply cannot tell apart. Argo CD with
// ServerSideApply, and kubectl apply --server-side, refuse the whole object.
func (c *Checker) duplicates(o *manifest.Object, t reflect.Type) diag.List {
	var findings diag.List
	c.walk(o, map[string]any(o.Fields), t, nil, &findings)
	return findings
}

// walk follows the value and its type down together.
func (c *Checker) walk(o *manifest.Object, value any, t reflect.Type, at manifest.Path, out *diag.List) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() == reflect.Map {
			for key, item := range v {
				c.walk(o, item, t.Elem(), append(slices.Clip(at), manifest.Step{Key: key}), out)
			}
		}
		if t.Kind() != reflect.Struct {
			return
		}
		keys := c.keys[t.PkgPath()+"."+t.Name()]
		for name, ft := range c.shape.Fields(t) {
			item, ok := v[name]
			if !ok {
				continue
			}
			place := append(slices.Clip(at), manifest.Step{Key: name})
			if by, keyed := keys[name]; keyed {
				*out = append(*out, duplicateItems(o, item, by, place)...)
			}
			c.walk(o, item, ft, place, out)
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return
		}
		for i, item := range v {
			c.walk(o, item, t.Elem(), append(slices.Clip(at), step(i, item)), out)
		}
	}
}

func step(i int, item any) manifest.Step {
	m, _ := item.(map[string]any)
	name, _ := m["name"].(string)
	return manifest.Step{Index: i, Name: name}
}

// duplicateItems reports each item whose key an earlier one has.
func duplicateItems(o *manifest.Object, list any, by []string, at manifest.Path) diag.List {
	items, _ := list.([]any)
	first := map[string]int{}
	var findings diag.List
	for i, item := range items {
		id, text := itemKey(item, by)
		if id == "" {
			continue
		}
		j, seen := first[id]
		if !seen {
			first[id] = i
			continue
		}
		d := o.Finding("api-duplicate-key", diag.Error, append(slices.Clip(at), step(i, item)),
			fmt.Sprintf("%s holds %s twice", at, text),
			"Server-side apply refuses the object; without it, the later entry hides the earlier one. Remove one of them.")
		if r, _ := o.Locate(append(slices.Clip(at), step(j, items[j]))); !r.IsZero() {
			d.Related = append([]diag.Related{{Range: r, Message: "the first one"}}, d.Related...)
		}
		findings = append(findings, d)
	}
	return findings
}

// itemKey is what tells an item from its siblings: id for comparing, text for
// humans. Both are empty for an item without a key.
func itemKey(item any, by []string) (id, text string) {
	if len(by) == 0 {
		return fmt.Sprintf("%T %v", item, item), fmt.Sprintf("%v", item)
	}
	m, ok := item.(map[string]any)
	if !ok {
		return "", ""
	}
	var parts []string
	values := make([]any, len(by))
	for i, key := range by {
		value, ok := m[key]
		if !ok {
			value = keyDefault(key)
		}
		values[i] = value
		if value != nil {
			parts = append(parts, fmt.Sprintf("%s %v", key, value))
		}
	}
	if len(parts) == 0 {
		return "", ""
	}
	data, err := json.Marshal(values)
	if err != nil {
		return "", ""
	}
	return string(data), strings.Join(parts, ", ")
}
