package render

import (
	"strake/generator/spec"
)

// controllerConfigMap is where both components of the embedded install look for
// their configuration: the default of their flag --configmap.
const controllerConfigMap = "workflow-controller-configmap"

// workflows is the Argo Workflows installation of an environment. The base
// follows from version, namespace, scope and the kind of login alone, so
// environments share it; all else is a patch or an object of the overlay.
func workflows(e *spec.Effective) app {
	if e.Workflows.Install == "external" {
		return externalWorkflows(e)
	}
	a := app{
		name:        "argo-workflows",
		base:        "argo-workflows",
		baseVersion: e.Workflows.Version,
		namespace:   e.Workflows.Namespace,
		from:        "workflows",
	}
	a.baseObjects = append(a.baseObjects, workflowsNamespace(e), priorityClass(e), emptyConfigMap(e))
	a.baseObjects = append(a.baseObjects, workflowsRBAC(e)...)
	a.baseObjects = append(a.baseObjects, workflowsDeployments(e)...)
	a.baseObjects = append(a.baseObjects, workflowsNetwork(e)...)

	a.objects = append(a.objects, workflowsEgress(e)...)
	a.objects = append(a.objects, archiveNetwork(e)...)
	a.objects = append(a.objects, workflowsSecrets(e)...)
	a.objects = append(a.objects, archiveReader(e)...)
	a.objects = append(a.objects, anyLogin(e)...)

	a.patches = workflowsPatches(e)
	return a
}

// workflowsSecrets is what the install reads beside its configuration, whoever
// owns its Deployments: the artifact repository, and the Secrets of the archive,
// the login and the repository, with the store they come from.
func workflowsSecrets(e *spec.Effective) []object {
	ns := e.Workflows.Namespace
	var out, secrets []object
	if o, ok := artifactRepositories(e, ns); ok {
		out = append(out, o)
	}
	if o, ok := artifactSecret(e, ns); ok {
		secrets = append(secrets, o)
	}
	secrets = append(secrets, archiveSecrets(e)...)
	secrets = append(secrets, loginSecrets(e)...)
	if len(secrets) > 0 {
		out = append(out, secretStore(e, ns, secretStoreServiceAccount, "secrets")...)
	}
	return append(out, secrets...)
}

// workflowsNamespace holds the controller to the strictest profile of Pod
// Security. The overlay adds the profile's version, which is the cluster's.
func workflowsNamespace(e *spec.Effective) object {
	ns := e.Workflows.Namespace
	return object{from: "workflows.namespace", doc: m{
		{"apiVersion", "v1"},
		{"kind", "Namespace"},
		{"metadata", m{
			{"name", ns},
			{"labels", append(labels("argo-workflows", ns, "namespace"), podSecurityLabels("", "restricted")...)},
		}},
	}}
}

// podSecurityLabels are the labels that the API server's Pod Security admission
// reads: suffix is empty for the profile and "-version" for its version.
func podSecurityLabels(suffix string, value any) m {
	var out m
	for _, mode := range []string{"audit", "enforce", "warn"} {
		out = append(out, kv{"pod-security.kubernetes.io/" + mode + suffix, value})
	}
	return out
}

// priorityClass keeps the controller running when a node is short of memory:
// nothing else restarts a workflow that stands still.
func priorityClass(e *spec.Effective) object {
	return object{from: "workflows", doc: m{
		{"apiVersion", "scheduling.k8s.io/v1"},
		{"kind", "PriorityClass"},
		{"metadata", metadata(e, "", "workflow-controller", "controller")},
		{"value", 1000000},
		{"globalDefault", false},
		{"description", "The workflow controller: every workflow of the cluster waits while it is down."},
	}}
}

// emptyConfigMap is filled by the overlay.
func emptyConfigMap(e *spec.Effective) object {
	return object{from: "workflows", doc: m{
		{"apiVersion", "v1"},
		{"kind", "ConfigMap"},
		{"metadata", metadata(e, e.Workflows.Namespace, controllerConfigMap, "controller")},
	}}
}

// loginSecrets brings the OpenID Connect client of the server. The ID is no
// secret and stands in the spec; Argo reads both from a Secret all the same.
func loginSecrets(e *spec.Effective) []object {
	sso := e.Workflows.Server.SSO
	if sso == nil || e.Secrets == nil {
		return nil
	}
	o := fetchedSecret(e, loginSecretName, e.Workflows.Namespace, "workflows.server.sso",
		fetched{loginClientSecret, sso.ClientSecret, "workflows.server.sso.clientSecret"})
	addTemplate(o.doc, m{{loginClientID, at("workflows.server.sso.clientID", literalText(sso.ClientID))}})
	return []object{o}
}
