package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// examine runs every check on one environment.
func (x *examiner) examine() {
	x.workflows()
	x.server()
	x.nodePools()
	x.spot()
	x.artifacts()
	x.archive()
	x.cloud()
	x.terraform()
	x.secrets()
	x.operator()
	x.definitions()
	x.argocd()
	x.namespaces()
	x.hosts()
	x.cost()
	for i := range x.e.Tenants {
		x.tenant(&x.e.Tenants[i])
	}
}

// runs reports whether Strake configures an Argo Workflows here.
func (x *examiner) runs() bool { return x.e.Workflows != nil && x.e.Workflows.Install != "none" }

// recommended is the version of Argo Workflows that findings point to.
const recommended = "v3.7.18"

// workflows checks version, scope, and that something runs the pipelines.
func (x *examiner) workflows() {
	var withPipelines []string
	for _, t := range x.e.Tenants {
		if len(t.Pipelines) > 0 {
			withPipelines = append(withPipelines, t.Name)
		}
	}
	tenants := strings.Join(withPipelines, ", ")
	switch {
	case !x.runs() && len(withPipelines) > 0 && x.settled("workflows"):
		x.report(ruleReference, "workflows.install", "pipelines are declared and no Argo Workflows runs them",
			"Tenants with pipelines: "+tenants+". Install Argo Workflows, or write tenants: none in this environment.")
	case x.runs() && x.e.Workflows.Scope == "namespace" && len(withPipelines) > 0:
		x.report(ruleNamespace, "workflows.scope", "a controller of scope namespace runs nothing in the tenants' namespaces",
			"Workflows run only in "+x.e.Workflows.Namespace+". Write scope: cluster. Tenants with pipelines: "+tenants+".")
	}
	if x.runs() && x.settled("workflows.version") {
		if summary, detail := judgeVersion(x.e.Workflows.Version); summary != "" {
			x.report(ruleVersion, "workflows.version", summary, detail)
		}
	}
	if w := x.e.Workflows; w != nil && w.Helm != nil && w.Install != "external" && x.settled("workflows.install") {
		x.add(diag.Warning, ruleExclusive, "workflows.helm", "helm is set and install is "+w.Install, "Nothing reads it. Write install: external, or remove helm.")
	}
	if x.runs() && reservedNamespace(x.e.Workflows.Namespace) {
		x.report(ruleNamespace, "workflows.namespace", fmt.Sprintf("namespace %s is reserved", x.e.Workflows.Namespace), "Kubernetes and GKE keep it for themselves. Write another, such as argo.")
	}
}

var versionNumbers = regexp.MustCompile(`^v(\d{1,4})\.(\d{1,4})\.(\d{1,4})(-.+)?$`)

// judgeVersion says what is wrong with a version of Argo Workflows. The
// advisories: GHSA-c2hv-4pfj-mm2r and CVE-2025-62156 (fixed in 3.7.3),
// CVE-2026-31892 and CVE-2026-54526 (fixed in 3.7.15 and 4.0.6).
func judgeVersion(version string) (summary, detail string) {
	m := versionNumbers.FindStringSubmatch(version)
	if m == nil {
		return "", ""
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // the pattern has digits only
	}
	use := "Write " + recommended + "."
	switch {
	case n[0] < 3 || n[0] == 3 && n[1] < 7:
		return "Argo Workflows " + version + " is no longer maintained", "Fixes for its known vulnerabilities are made for newer minors only. " + use
	case n[0] == 3 && n[1] == 7 && n[2] < 15, n[0] == 4 && n[1] == 0 && n[2] < 6:
		fixed := "v3.7.15"
		if n[0] == 4 {
			fixed = "v4.0.6"
		}
		return "Argo Workflows " + version + " has known vulnerabilities", "CVE-2026-31892 and CVE-2026-54526 (workflow restrictions can be bypassed) are fixed in " + fixed + ". " + use
	case n[0] != 3 || n[1] != 7:
		return "Argo Workflows " + version + " cannot be rendered", "This version of Strake knows the manifests of 3.7. " + use
	case m[4] != "":
		return "Argo Workflows " + version + " is a pre-release", use
	}
	return "", ""
}

// server checks the login of the UI and the API.
func (x *examiner) server() {
	if !x.runs() || !x.settled("workflows.server.authModes") || !x.settled("workflows.server.sso") {
		return
	}
	s := x.e.Workflows.Server
	const at = "workflows.server"
	hasSSO := slices.Contains(s.AuthModes, "sso")
	switch {
	case len(s.AuthModes) == 0:
		x.report(ruleAuth, at+".authModes", "authModes is empty", "Write [client], or [sso] with a login.")
	case hasSSO && s.SSO == nil:
		x.report(ruleAuth, at+".authModes", "authModes holds sso and no sso is set up", "Set workflows.server.sso, or write [client].")
	case !hasSSO && s.SSO != nil:
		x.report(ruleAuth, at+".sso", "sso is set up and authModes does not hold it", "Write authModes: [sso], or remove sso.")
	}
	if s.SSO != nil && !strings.HasSuffix(s.SSO.RedirectURL, "/oauth2/callback") && s.SSO.RedirectURL != "" {
		x.report(ruleAuth, at+".sso.redirectURL", "redirectURL does not end in /oauth2/callback", "The server takes the answer of the identity provider only there.")
	}
}

var (
	needWorkflowName = regexp.MustCompile(`\{\{\s*workflow\.name\s*\}\}`)
	needPodName      = regexp.MustCompile(`\{\{\s*pod\.name\s*\}\}`)
	needNamespace    = regexp.MustCompile(`\{\{\s*workflow\.namespace\s*\}\}`)
)

// artifacts checks that no two steps write the same key.
func (x *examiner) artifacts() {
	a := x.e.Artifacts
	if a == nil || !x.settled("artifacts.keyFormat") {
		return
	}
	const at = "artifacts.keyFormat"
	switch {
	case !needWorkflowName.MatchString(a.KeyFormat) || !needPodName.MatchString(a.KeyFormat):
		x.report(ruleArtifacts, at, "keyFormat lacks the workflow's or the pod's name", "Two steps would overwrite each other's files. It must hold {{workflow.name}} and {{pod.name}}.")
	case !needNamespace.MatchString(a.KeyFormat) && len(x.e.Tenants) > 1:
		x.add(diag.Warning, ruleArtifacts, at, "keyFormat lacks the namespace, and several tenants share the repository",
			"Put {{workflow.namespace}}/ in front: then each tenant's files have a prefix of their own.")
	}
}

// archive checks that the database can be reached and logged in to.
func (x *examiner) archive() {
	a := x.e.Archive
	if a == nil || a.PostgreSQL == nil || !x.settled("archive.postgresql") {
		return
	}
	p := a.PostgreSQL
	const at = "archive.postgresql"
	if p.CloudSQL == "" && p.User.IAM != "" {
		x.report(ruleReference, at+".user.iam", "an IAM database user needs cloudSQL", "With host, write user: {secret: {username: …, password: …}}.")
	}
	if c := a.ConnectionPool; c.MaxIdle > c.MaxOpen && x.settled("archive.connectionPool") {
		x.report(ruleValue, "archive.connectionPool.maxIdle", fmt.Sprintf("maxIdle is %d and maxOpen is %d", c.MaxIdle, c.MaxOpen), "No more connections can be idle than open.")
	}
}

// cloud checks that project and region are there for what needs them.
func (x *examiner) cloud() {
	if !x.settled("cloud") || !x.settled("cluster.location") {
		return
	}
	var project, region []string
	if a := x.e.Archive; a != nil && a.PostgreSQL != nil && a.PostgreSQL.CloudSQL != "" && a.PostgreSQL.ConnectionName == "" && x.settled("archive.postgresql") {
		project, region = append(project, "archive.postgresql.cloudSQL"), append(region, "archive.postgresql.cloudSQL")
	}
	for _, t := range x.e.Tenants {
		for _, s := range t.Services {
			if at := "tenants[" + t.Name + "].services[" + s.Name + "].cloudSQL"; s.CloudSQL != nil && x.settled(at) {
				project, region = append(project, at), append(region, at)
			}
		}
	}
	if s := x.e.Secrets; s != nil && s.GCPSecretManager != nil {
		if s.GCPSecretManager.Project == "" && x.settled("secrets") {
			project = append(project, "secrets.gcpSecretManager")
		}
		if x.e.Cluster.Location == "" {
			region = append(region, "secrets.gcpSecretManager")
		}
	}
	if x.e.Cloud.Project == "" && len(project) > 0 {
		x.report(ruleRequired, "cloud.project", "cloud.project is missing", "Needed by "+strings.Join(project, " and ")+".")
	}
	if x.e.Cloud.Region == "" && len(region) > 0 {
		x.report(ruleRequired, "cloud.region", "cloud.region is missing", "Needed by "+strings.Join(region, " and ")+".")
	}
}

// secrets checks that whatever comes from the store has a store. It says so
// once, where the first secret is used.
func (x *examiner) secrets() {
	if x.e.Secrets != nil || !x.settled("secrets") {
		return
	}
	use := func(path, what string) {
		x.report(ruleSecretStore, path, what+" comes from a secret store, and there is none",
			"Set secrets: {gcpSecretManager: {}}. Whatever else is secret needs it too.")
	}
	a, r := x.e.Archive, x.e.Artifacts
	switch {
	case a != nil && a.PostgreSQL != nil && x.settled("archive.postgresql"):
		use("archive.postgresql", "the archive's login")
		return
	case r != nil && r.S3 != nil:
		use("artifacts.s3", "the key of the S3 store")
		return
	case x.runs() && x.e.Workflows.Server.SSO != nil:
		use("workflows.server.sso", "the client secret of sso")
		return
	case x.delivers() && x.e.ArgoCD.SSO != nil:
		use("argocd.sso", "the client secret of Argo CD's login")
		return
	case x.delivers() && x.e.ArgoCD.RepositoryCredentials != nil:
		use("argocd.repositoryCredentials", "what opens the repositories")
		return
	case x.delivers() && x.e.ArgoCD.Notifications != nil:
		use("argocd.notifications", "the token of Slack")
		return
	}
	for _, t := range x.e.Tenants {
		if len(t.Secrets) > 0 {
			use("tenants["+t.Name+"].secrets", "what tenant "+t.Name+" has in secrets")
			return
		}
		if t.Contact.FailedRuns != nil {
			use("tenants["+t.Name+"].contact.failedRuns", "the webhook that tenant "+t.Name+" reports to")
			return
		}
	}
}

// reservedNamespace reports whether Kubernetes or GKE owns a namespace.
func reservedNamespace(name string) bool {
	return name == "default" || name == "gmp-system" || name == "gmp-public" || strings.HasPrefix(name, "kube-") || strings.HasPrefix(name, "gke-")
}

// namespaces checks that each is one tenant's, and that overlays have names of
// their own.
func (x *examiner) namespaces() {
	owner := map[string]string{}
	overlay := map[string]string{
		"argo-workflows": "", "argo-workflows-crds": "", "argocd": "", "argocd-apps": "", "argocd-crds": "",
		"external-secrets": "", "external-secrets-crds": "",
	}
	for _, t := range x.e.Tenants {
		at := "tenants[" + t.Name + "].namespace"
		earlier, shared := owner[t.Namespace]
		switch {
		case reservedNamespace(t.Namespace):
			x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is reserved", t.Namespace), "Kubernetes and GKE keep it for themselves.")
		case x.delivers() && t.Namespace == x.e.ArgoCD.Namespace:
			x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is the one of Argo CD", t.Namespace), "A tenant there could deliver anything anywhere. Give the tenant another.")
		case x.runs() && t.Namespace == x.e.Workflows.Namespace:
			x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is the one of Argo Workflows", t.Namespace), "A tenant there could use the controller's rights. Give the tenant another.")
		case t.Namespace == x.e.OperatorNamespace():
			x.report(ruleNamespace, at, fmt.Sprintf("namespace %s is the one of External Secrets", t.Namespace), "A tenant there could read every secret of the store. Give the tenant another.")
		case shared:
			x.report(ruleNamespace, at, fmt.Sprintf("tenants %s and %s share the namespace %s", earlier, t.Name, t.Namespace), "Quota, rights and secrets are per namespace.")
		}
		owner[t.Namespace] = t.Name
		for _, app := range []string{t.Name, t.Name + "-guardrails"} {
			if other, taken := overlay[app]; taken {
				detail := "Strake keeps this name for itself."
				if other != "" {
					detail = "Tenant " + other + " has an overlay of that name."
				}
				x.report(ruleCollision, "tenants["+t.Name+"].name", fmt.Sprintf("tenant %s needs the overlay %s, which is taken", t.Name, app), detail)
			}
			overlay[app] = t.Name
		}
	}
}
