package render

import (
	"strake/generator/spec"
)

// externalWorkflows is what Strake writes where a Helm release owns Argo
// Workflows: objects that the chart does not have, and the values file that is
// the only way to change those that it has. The release must be upgraded with
// that file; the ConfigMap is ours, and the chart is told not to create it.
//
// There are no NetworkPolicies and no labels on the namespace: what else runs
// in it is not known here.
func externalWorkflows(e *spec.Effective) app {
	h := release(e)
	data := controllerConfig(e)
	checksums := restartOn(e, data)
	a := app{
		name: "argo-workflows",
		// No base of ours, and changes of its own: a patch for our Deployment would
		// match nothing here, which fails the build.
		base:      "argo-workflows-external",
		namespace: e.Workflows.Namespace,
		from:      "workflows",
		files: []object{{
			file: h.Values,
			from: "workflows.helm",
			doc:  chartValues(e, h, checksums),
		}},
	}
	a.objects = append(a.objects,
		object{from: "workflows", doc: m{
			{"apiVersion", "v1"},
			{"kind", "ConfigMap"},
			{"metadata", metadata(e, e.Workflows.Namespace, h.ConfigMap, "controller")},
			{"data", data},
		}},
		priorityClass(e),
	)
	a.objects = append(a.objects, secretReader(e, h)...)
	a.objects = append(a.objects, anyLogin(e)...)
	a.objects = append(a.objects, workflowsSecrets(e)...)
	return a
}

// release is the Helm release with the names that the chart gives its objects.
func release(e *spec.Effective) spec.Helm {
	var h spec.Helm
	if e.Workflows.Helm != nil {
		h = *e.Workflows.Helm
	}
	for _, d := range []struct {
		field *string
		value string
	}{
		{&h.Values, "values.strake.yaml"},
		{&h.ControllerServiceAccount, "argo-workflows-workflow-controller"},
		{&h.ServerServiceAccount, "argo-workflows-server"},
		{&h.ConfigMap, "argo-workflows-workflow-controller-configmap"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return h
}

// secretReader lets the release's ServiceAccounts read the Secrets that our
// ConfigMap names. The chart grants that only for a ConfigMap of its own.
func secretReader(e *spec.Effective, h spec.Helm) []object {
	var names []string
	if database(e) != nil {
		names = append(names, archiveSecretName)
	}
	if e.Workflows.Server.SSO != nil {
		names = append(names, loginSecretName)
	}
	if len(names) == 0 {
		return nil
	}
	ns, name := e.Workflows.Namespace, "argo-workflows-secrets"
	return []object{
		role(e, ns, name, "rbac", list{rule("", "secrets", "get", names...)}),
		binding(e, ns, name, "rbac", name, h.ControllerServiceAccount, h.ServerServiceAccount),
	}
}

// chartValues is a values file for the chart argo-workflows of argo-helm, 0.46
// and later. The chart passes some of it through Go templates: no value here
// may hold two braces.
func chartValues(e *spec.Effective, h spec.Helm, checksums m) m {
	w := e.Workflows
	return m{
		{"images", m{
			{"tag", at("workflows.version", w.Version)},
			{"pullPolicy", "IfNotPresent"},
		}},
		// The full definitions are downloaded by a Job of the chart, from GitHub.
		{"crds", m{{"install", true}, {"keep", true}, {"full", false}}},
		{"singleNamespace", at("workflows.scope", w.Scope == "namespace")},
		{"workflow", m{
			{"serviceAccount", m{{"create", false}}},
			{"rbac", m{{"create", false}}},
		}},
		{"controller", controllerValues(e, h, checksums)},
		{"executor", m{{"image", m{{"tag", at("workflows.version", executorTag(e))}}}}},
		{"server", serverValues(e, h, checksums)},
	}
}

func controllerValues(e *spec.Effective, h spec.Helm, checksums m) m {
	where := controllerPlacement(e)
	return m{
		{"configMap", m{
			{"create", false},
			{"name", at("workflows.helm.configMap", h.ConfigMap)},
		}},
		{"workflowNamespaces", list{}},
		{"serviceAccount", m{
			{"create", true},
			{"name", at("workflows.helm.controllerServiceAccount", h.ControllerServiceAccount)},
			{"annotations", databaseAccount(e)},
		}},
		{"replicas", at("workflows.controller.replicas", e.Workflows.Controller.Replicas)},
		{"pdb", m{{"enabled", true}, {"maxUnavailable", 1}}},
		{"priorityClassName", "workflow-controller"},
		{"logging", m{{"format", "json"}}},
		{"podAnnotations", checksums},
		{"podSecurityContext", podContext()},
		{"securityContext", containerContext()},
		{"resources", controllerResources(e)},
		{"nodeSelector", where.selector},
		{"tolerations", where.tolerations},
		{"affinity", controllerAffinity(where)},
		{"topologySpreadConstraints", list{chartSpread("kubernetes.io/hostname"), chartSpread("topology.kubernetes.io/zone")}},
		{"extraEnv", controllerEnv()},
		{"extraInitContainers", proxyContainers(e)},
	}
}

func serverValues(e *spec.Effective, h spec.Helm, checksums m) m {
	w := e.Workflows
	where := controllerPlacement(e)
	var sso m // the chart grants the server what a login needs
	if w.Server.SSO != nil {
		sso = m{
			{"enabled", true},
			{"rbac", m{{"enabled", at("workflows.server.sso.rbac", w.Server.SSO.RBAC)}}},
		}
	}
	return m{
		{"authModes", at("workflows.server.authModes", strs(w.Server.AuthModes))},
		{"secure", true},
		{"sso", at("workflows.server.sso", sso)},
		{"serviceAccount", m{
			{"create", true},
			{"name", at("workflows.helm.serverServiceAccount", h.ServerServiceAccount)},
			{"annotations", databaseAccount(e)},
		}},
		{"replicas", at("workflows.server.replicas", w.Server.Replicas)},
		{"pdb", m{{"enabled", true}, {"maxUnavailable", 1}}},
		{"logging", m{{"format", "json"}}},
		{"podAnnotations", checksums},
		{"podSecurityContext", podContext()},
		{"securityContext", containerContext()},
		{"resources", serverResources(e)},
		{"nodeSelector", where.selector},
		{"tolerations", where.tolerations},
		{"affinity", controllerAffinity(where)},
		{"topologySpreadConstraints", list{chartSpread("kubernetes.io/hostname"), chartSpread("topology.kubernetes.io/zone")}},
		{"extraEnv", serverEnv(e)},
		{"extraInitContainers", proxyContainers(e)},
	}
}

// chartSpread leaves the label selector to the chart.
func chartSpread(key string) m {
	return m{{"maxSkew", 1}, {"topologyKey", key}, {"whenUnsatisfiable", "ScheduleAnyway"}}
}
