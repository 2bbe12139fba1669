package render

import (
	"strake/generator/spec"
)

// workflowsDeployments are the controller and the server of the embedded
// install with what belongs to them, as every environment has them. Selectors
// are those of the official manifests: they cannot change on a live object.
func workflowsDeployments(e *spec.Effective) []object {
	return []object{
		deployment(e, "workflow-controller", "controller", m{
			{"priorityClassName", "workflow-controller"},
			{"serviceAccountName", controllerAccount},
			{"nodeSelector", m{{"kubernetes.io/os", "linux"}}},
			{"securityContext", podContext()},
			{"topologySpreadConstraints", list{
				spread(m{{"app", "workflow-controller"}}, "kubernetes.io/hostname"),
				spread(m{{"app", "workflow-controller"}}, "topology.kubernetes.io/zone"),
			}},
			{"containers", list{controllerContainer(e)}},
		}),
		deployment(e, "argo-server", "server", m{
			{"serviceAccountName", serverAccount},
			{"nodeSelector", m{{"kubernetes.io/os", "linux"}}},
			{"securityContext", podContext()},
			{"topologySpreadConstraints", list{
				spread(m{{"app", "argo-server"}}, "kubernetes.io/hostname"),
				spread(m{{"app", "argo-server"}}, "topology.kubernetes.io/zone"),
			}},
			{"containers", list{serverContainer(e)}},
			{"volumes", list{m{{"name", "tmp"}, {"emptyDir", m{}}}}},
		}),
		{from: "workflows.server", doc: m{
			{"apiVersion", "v1"},
			{"kind", "Service"},
			{"metadata", metadata(e, e.Workflows.Namespace, "argo-server", "server")},
			{"spec", m{
				{"type", "ClusterIP"},
				{"selector", m{{"app", "argo-server"}}},
				{"ports", list{m{
					{"name", "web"},
					{"port", 2746},
					{"protocol", "TCP"},
					{"targetPort", 2746},
					// The server speaks TLS; a load balancer or a mesh that guesses would guess http.
					{"appProtocol", "https"},
				}}},
			}},
		}},
		disruptionBudget(e, "workflow-controller", "controller"),
		disruptionBudget(e, "argo-server", "server"),
	}
}

func deployment(e *spec.Effective, name, component string, pod m) object {
	return object{from: "workflows." + component, doc: m{
		{"apiVersion", "apps/v1"},
		{"kind", "Deployment"},
		{"metadata", metadata(e, e.Workflows.Namespace, name, component)},
		{"spec", m{
			{"revisionHistoryLimit", 5},
			{"selector", m{{"matchLabels", m{{"app", name}}}}},
			{"template", m{
				{"metadata", m{
					{"annotations", m{{"kubectl.kubernetes.io/default-container", name}}},
					{"labels", append(m{{"app", name}}, labels("argo-workflows", name, component)...)},
				}},
				{"spec", pod},
			}},
		}},
	}}
}

func controllerContainer(e *spec.Effective) m {
	return m{
		{"name", "workflow-controller"},
		{"image", at("workflows.version", "quay.io/argoproj/workflow-controller:"+e.Workflows.Version)},
		{"imagePullPolicy", "IfNotPresent"},
		{"command", list{"workflow-controller"}},
		{"args", controllerArgs(e)},
		{"env", append(list{m{
			{"name", "LEADER_ELECTION_IDENTITY"},
			{"valueFrom", m{{"fieldRef", m{{"apiVersion", "v1"}, {"fieldPath", "metadata.name"}}}}},
		}}, controllerEnv()...)},
		{"ports", list{
			m{{"name", "metrics"}, {"containerPort", 9090}, {"protocol", "TCP"}},
			m{{"name", "health"}, {"containerPort", 6060}, {"protocol", "TCP"}},
		}},
		{"livenessProbe", m{
			{"httpGet", m{{"path", "/healthz"}, {"port", 6060}}},
			{"failureThreshold", 3},
			{"initialDelaySeconds", 90},
			{"periodSeconds", 60},
			{"timeoutSeconds", 30},
		}},
		{"securityContext", containerContext()},
	}
}

func serverContainer(e *spec.Effective) m {
	return m{
		{"name", "argo-server"},
		{"image", at("workflows.version", "quay.io/argoproj/argocli:"+e.Workflows.Version)},
		{"imagePullPolicy", "IfNotPresent"},
		{"args", serverArgs(e, nil)},
		{"ports", list{m{{"name", "web"}, {"containerPort", 2746}, {"protocol", "TCP"}}}},
		{"readinessProbe", m{
			{"httpGet", m{{"path", "/"}, {"port", 2746}, {"scheme", "HTTPS"}}},
			{"initialDelaySeconds", 10},
			{"periodSeconds", 20},
		}},
		{"securityContext", containerContext()},
		{"volumeMounts", list{m{{"name", "tmp"}, {"mountPath", "/tmp"}}}},
	}
}

// controllerEnv has the controller try a lost step again in time.
//
// It waits for the results of a step whose pod is gone: ten minutes unless said
// otherwise, before which the step is not tried again
// (workflow/controller/taskresult.go). Two minutes is what the controller gives
// a pod that was deleted (RECENTLY_DELETED_POD_DURATION).
//
// And it must look twice at a pod whose wait container was killed: the first
// time it sets "the result is complete" and overwrites that with the node as it
// was (podReconciliation in workflow/controller/operator.go). Written back to its
// own cache, that update is no event, and nothing looks at the workflow again for
// twenty minutes (workflowResyncPeriod). Read from the API server, it is one.
func controllerEnv() list {
	return list{
		m{{"name", "INFORMER_WRITE_BACK"}, {"value", "false"}},
		m{{"name", "TASK_RESULT_TIMEOUT_DURATION"}, {"value", "2m"}},
	}
}

// serverEnv lets a login act as the ServiceAccount of the namespace that it
// asks about. Without it the accounts of the server's own namespace are the only
// ones (server/auth/gatekeeper.go canDelegateRBACToRequestNamespace). Nil where
// nobody logs in so.
func serverEnv(e *spec.Effective) any {
	if !delegatesLogin(e) {
		return nil
	}
	return at("workflows.server.sso.rbac", list{m{{"name", "SSO_DELEGATE_RBAC_TO_NAMESPACE"}, {"value", "true"}}})
}

func controllerArgs(e *spec.Effective) list {
	args := list{"--log-format=json"}
	if e.Workflows.Scope == "namespace" {
		args = append(args, at("workflows.scope", "--namespaced"))
	}
	return args
}

// serverArgs lists all arguments: a strategic merge replaces them as a whole.
// TLS is the server's default; it is said because the probe depends on it.
func serverArgs(e *spec.Effective, authModes []string) list {
	args := list{"server", "--secure=true", "--log-format=json"}
	if e.Workflows.Scope == "namespace" {
		args = append(args, at("workflows.scope", "--namespaced"))
	}
	for _, mode := range authModes {
		args = append(args, at("workflows.server.authModes", "--auth-mode="+mode))
	}
	return args
}

// disruptionBudget lets one pod go at a time. With a single replica that is the
// only one: minAvailable would block every drain of its node instead.
func disruptionBudget(e *spec.Effective, name, component string) object {
	return object{from: "workflows." + component, doc: m{
		{"apiVersion", "policy/v1"},
		{"kind", "PodDisruptionBudget"},
		{"metadata", metadata(e, e.Workflows.Namespace, name, component)},
		{"spec", m{
			{"maxUnavailable", 1},
			{"selector", m{{"matchLabels", m{{"app", name}}}}},
		}},
	}}
}

// spread puts the replicas on different nodes and zones where that is possible.
func spread(pods m, key string) m {
	return m{
		{"maxSkew", 1},
		{"topologyKey", key},
		{"whenUnsatisfiable", "ScheduleAnyway"},
		{"labelSelector", m{{"matchLabels", pods}}},
	}
}

// podContext and containerContext together satisfy the profile restricted of
// Pod Security.
func podContext() m {
	return m{
		{"runAsNonRoot", true},
		{"seccompProfile", m{{"type", "RuntimeDefault"}}},
	}
}

func containerContext() m {
	return m{
		{"allowPrivilegeEscalation", false},
		{"capabilities", m{{"drop", list{"ALL"}}}},
		{"readOnlyRootFilesystem", true},
		{"runAsNonRoot", true},
	}
}
