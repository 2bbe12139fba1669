package render

import (
	"maps"
	"slices"

	"strake/generator/spec"
)

// tenant is the app of a team: its configuration, its secrets, its services and
// its pipelines. It holds no kind of the guardrails, which the team's Argo CD
// project forbids.
//
// Nearly every field may differ between environments, so the objects stand
// whole in the overlay and there is no base but base/<tenant>/custom.
// ConfigMaps keep their names without a hash: each run of a pipeline makes new
// pods, and those of a service carry a checksum of what they read.
func tenant(e *spec.Effective, t *spec.Tenant) app {
	var objects []object
	for _, name := range slices.Sorted(maps.Keys(t.Config)) {
		objects = append(objects, configMap(t, name))
	}
	if e.Secrets != nil {
		for _, name := range slices.Sorted(maps.Keys(t.Secrets)) {
			objects = append(objects, externalSecret(name, t.Namespace, t.Secrets[name], e, tenantPath(t)+".secrets."+name))
		}
	}
	objects = append(objects, services(e, t)...)
	objects = append(objects, failureReport(e, t)...)
	objects = append(objects, pipelines(e, t)...)
	return app{
		name:      t.Name,
		base:      t.Name,
		namespace: t.Namespace,
		objects:   ownedBy(t, objects),
		tenant:    t,
		from:      tenantPath(t),
	}
}

func configMap(t *spec.Tenant, name string) object {
	from := tenantPath(t) + ".config." + name
	data := sorted(t.Config[name])
	for i := range data {
		data[i].v = at(from+"."+data[i].k, data[i].v)
	}
	return object{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "ConfigMap"},
		{"metadata", tenantMetadata(t, name, "config")},
		{"data", data},
	}}
}

// Paths of the spec.

func tenantPath(t *spec.Tenant) string { return "tenants[" + t.Name + "]" }

func pipelinePath(t *spec.Tenant, p *spec.Pipeline) string {
	return tenantPath(t) + ".pipelines[" + p.Name + "]"
}

func taskPath(t *spec.Tenant, p *spec.Pipeline, k *spec.Task) string {
	return pipelinePath(t, p) + ".tasks[" + k.Name + "]"
}

const partOfLabel = "app.kubernetes.io/part-of"

// tenantMetadata names an object in the tenant's namespace.
func tenantMetadata(t *spec.Tenant, name, component string) m {
	return m{
		{"name", name},
		{"namespace", at(tenantPath(t)+".namespace", t.Namespace)},
		{"labels", labels(t.Name, name, component)},
	}
}

// runLabels mark the runs of a pipeline and their pods.
func runLabels(t *spec.Tenant, p *spec.Pipeline) m {
	return m{{"app.kubernetes.io/name", p.Name}, {partOfLabel, t.Name}}
}

// ownedBy says of objects that they are part of a tenant. A label holds at most
// 63 characters, and the name of a ConfigMap may be longer.
func ownedBy(t *spec.Tenant, objects []object) []object {
	for _, o := range objects {
		meta, _ := o.doc.get("metadata").(m)
		marks, _ := meta.get("labels").(m)
		for i := range marks {
			switch value, _ := marks[i].v.(string); {
			case marks[i].k == partOfLabel:
				marks[i].v = t.Name
			case len(value) > 63:
				marks[i].v = nil
			}
		}
	}
	return objects
}
