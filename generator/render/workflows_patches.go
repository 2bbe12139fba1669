package render

import (
	"slices"
	"strings"

	"strake/generator/spec"
)

// workflowsPatches is what differs between environments on the objects of the
// base: strategic merges, except over lists that a merge would replace.
func workflowsPatches(e *spec.Effective) []patch {
	data := controllerConfig(e)
	checksums := restartOn(e, data)
	patches := []patch{
		{
			file: "workflow-controller-configmap.configmap.yaml",
			from: "workflows",
			doc: m{
				{"apiVersion", "v1"},
				{"kind", "ConfigMap"},
				{"metadata", named(e, controllerConfigMap)},
				{"data", data},
			},
		},
		{
			file: "workflow-controller.deployment.yaml",
			from: "workflows.controller",
			doc: deploymentPatch(e, "workflow-controller", checksums,
				at("workflows.controller.replicas", e.Workflows.Controller.Replicas),
				m{
					{"name", "workflow-controller"},
					{"resources", controllerResources(e)},
				}),
		},
		{
			file: "argo-server.deployment.yaml",
			from: "workflows.server",
			doc: deploymentPatch(e, "argo-server", checksums,
				at("workflows.server.replicas", e.Workflows.Server.Replicas),
				m{
					{"name", "argo-server"},
					{"args", serverArgs(e, e.Workflows.Server.AuthModes)},
					{"env", serverEnv(e)},
					{"resources", serverResources(e)},
				}),
		},
	}
	return append(append(patches, namespacePatch(e)...), accountPatches(e)...)
}

// namespacePatch holds Pod Security to the cluster's version, so that an
// upgrade of the cluster does not change what is admitted.
func namespacePatch(e *spec.Effective) []patch {
	version := strings.TrimPrefix(e.Cluster.Version, "v")
	if version == "" {
		return nil
	}
	return []patch{{
		file: e.Workflows.Namespace + ".namespace.yaml",
		from: "cluster.version",
		doc: m{
			{"apiVersion", "v1"},
			{"kind", "Namespace"},
			{"metadata", m{
				{"name", e.Workflows.Namespace},
				{"labels", podSecurityLabels("-version", at("cluster.version", "v"+version))},
			}},
		},
	}}
}

// accountPatches link the ServiceAccounts to the database's Google account.
func accountPatches(e *spec.Effective) []patch {
	account := databaseAccount(e)
	if account == nil {
		return nil
	}
	var patches []patch
	for _, name := range []string{controllerAccount, serverAccount} {
		patches = append(patches, patch{
			file: name + ".serviceaccount.yaml",
			from: "archive.postgresql.googleServiceAccount",
			doc: m{
				{"apiVersion", "v1"},
				{"kind", "ServiceAccount"},
				{"metadata", append(named(e, name), kv{"annotations", account})},
			},
		})
	}
	return patches
}

func named(e *spec.Effective, name string) m {
	return m{{"name", name}, {"namespace", e.Workflows.Namespace}}
}

func deploymentPatch(e *spec.Effective, name string, checksums m, replicas any, container m) m {
	where := controllerPlacement(e)
	return m{
		{"apiVersion", "apps/v1"},
		{"kind", "Deployment"},
		{"metadata", named(e, name)},
		{"spec", m{
			{"replicas", replicas},
			{"template", m{
				{"metadata", m{{"annotations", checksums}}},
				{"spec", m{
					{"nodeSelector", where.selector},
					{"tolerations", where.tolerations},
					{"affinity", controllerAffinity(where)},
					{"initContainers", proxyContainers(e)},
					{"containers", list{container}},
				}},
			}},
		}},
	}
}

// secretsChecksum is the annotation over where the logins come from.
const secretsChecksum = "checksum/secrets"

// restartOn restarts the pods when what they read once changes: the server its
// configuration, the controller its database connection, and both the login. A
// login's value is not known here, so it is its version that counts.
func restartOn(e *spec.Effective, data m) m {
	var logins list
	if e.Secrets != nil {
		for _, o := range slices.Concat(archiveSecrets(e), loginSecrets(e)) {
			logins = append(logins, o.doc.get("spec"))
		}
	}
	out := m{{"checksum/" + controllerConfigMap, checksum{data}}}
	if logins != nil {
		out = append(out, kv{secretsChecksum, checksum{logins}})
	}
	return out
}

// controllerPlacement puts the controller and the server on their pool and
// keeps them off Spot nodes: while they are away, no workflow moves. They get
// no toleration for Spot whatever the pool says.
func controllerPlacement(e *spec.Effective) placement {
	pool, ok := e.Pool(e.Workflows.Controller.Pool)
	if !ok {
		if e.Cluster.Mode == "autopilot" {
			return placement{} // pods are not put on Spot nodes unless they ask
		}
		return placement{affinity: offSpot()}
	}
	var tolerations list
	for i, taint := range pool.NodeTaints() {
		if taint.Key != spotLabel && taint.Key != preemptibleLabel && taint.Effect != "PreferNoSchedule" {
			tolerations = append(tolerations, tolerate(pool)[i])
		}
	}
	return placement{selector: mark("workflows.controller.pool", pool.Selector()), tolerations: tolerations}
}

// controllerAffinity is the placement's affinity as a pod spells it.
func controllerAffinity(p placement) any {
	if p.affinity == nil {
		return nil
	}
	return at("workflows.controller", m{{"nodeAffinity", p.affinity}})
}

// preemptibleLabel is the label of the older product that Spot replaced.
const preemptibleLabel = "cloud.google.com/gke-preemptible"

// offSpot holds where a Spot pool has no taint.
func offSpot() m {
	var terms list
	for _, label := range []string{spotLabel, preemptibleLabel} {
		terms = append(terms, m{{"key", label}, {"operator", "DoesNotExist"}})
	}
	return m{{"requiredDuringSchedulingIgnoredDuringExecution", m{
		{"nodeSelectorTerms", list{m{{"matchExpressions", terms}}}},
	}}}
}

// The resources of a small platform; a busy controller needs more memory.
func controllerResources(e *spec.Effective) any {
	return componentResources(e.Workflows.Controller.Resources, "workflows.controller.resources", m{
		{"requests", m{{"cpu", "250m"}, {"memory", "512Mi"}}},
		{"limits", m{{"memory", "1Gi"}}},
	})
}

func serverResources(e *spec.Effective) any {
	return componentResources(e.Workflows.Server.Resources, "workflows.server.resources", m{
		{"requests", m{{"cpu", "100m"}, {"memory", "256Mi"}}},
		{"limits", m{{"memory", "512Mi"}}},
	})
}

// componentResources are the spec's, as a whole, or else the default: a mix of both
// could ask for more than it allows.
func componentResources(r *spec.Resources, from string, otherwise m) any {
	if r == nil || len(r.Requests)+len(r.Limits) == 0 {
		return otherwise
	}
	return at(from, m{
		{"requests", at(from+".requests", sorted(r.Requests))},
		{"limits", at(from+".limits", sorted(r.Limits))},
	})
}
