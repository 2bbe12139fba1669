package spec

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// argocdKey is a key of argocd-cm, and the minor versions of Argo CD that know
// it. A key that ends in a dot stands for all that begin so.
type argocdKey struct {
	name         string
	since, until string // "3.1"; empty is any version that Strake knows of
}

// argocdKeys are the keys that Argo CD reads (util/settings/settings.go and
// accounts.go of v2.14.21 and of the release branches 3.0 to 3.5; those of 3.6 at
// its development branch; timeout.* in the manifests). What its sample calls
// helm.enabled it reads as helm.enable.
var argocdKeys = [...]argocdKey{
	{name: "accounts."},
	{name: "additionalUrls"},
	{name: "admin.enabled"},
	{name: "application.allowedNodeLabels", since: "3.1"},
	{name: "application.instanceLabelKey"},
	{name: "application.links"},
	{name: "application.resourceTrackingMethod"},
	{name: "application.sync.impersonation.enabled"},
	{name: "application.sync.impersonation.enforced", since: "3.5"},
	{name: "application.sync.requireOverridePrivilegeForRevisionSync", since: "3.3"},
	{name: "cluster.inClusterEnabled"},
	{name: "commit.author.email", since: "3.4"},
	{name: "commit.author.name", since: "3.4"},
	{name: "dex.auth.connectorId", since: "3.6"},
	{name: "dex.config"},
	{name: "exec.enabled"},
	{name: "exec.shells"},
	{name: "extension.config"},
	{name: "extension.config."},
	{name: "ga.anonymizeusers"},
	{name: "ga.trackingid"},
	{name: "globalProjects"},
	{name: "helm.enable"},
	{name: "helm.repositories", until: "2.14"},
	{name: "helm.valuesFileSchemes"},
	{name: "help.chatText"},
	{name: "help.chatUrl"},
	{name: "help.download."},
	{name: "installationID"},
	{name: "jsonnet.enable"},
	{name: "kustomize.buildOptions"},
	{name: "kustomize.buildOptions."},
	{name: "kustomize.enable"},
	{name: "kustomize.path."},
	{name: "kustomize.version."},
	{name: "oidc.config"},
	{name: "oidc.tls.insecure.skip.verify"},
	{name: "passwordPattern"},
	{name: "project.links"},
	{name: "repositories", until: "2.14"},
	{name: "repository.credentials", until: "2.14"},
	{name: "resource.compareoptions"},
	{name: "resource.customLabels"},
	{name: "resource.customizations"},
	{name: "resource.customizations."},
	{name: "resource.excludeEventLabelKeys"},
	{name: "resource.exclusions"},
	{name: "resource.ignoreResourceUpdatesEnabled"},
	{name: "resource.includeEventLabelKeys"},
	{name: "resource.inclusions"},
	{name: "resource.links"},
	{name: "resource.respectRBAC"},
	{name: "resource.sensitive.mask.annotations"},
	{name: "server.maxPodLogsToRender"},
	{name: "server.rbac.disableApplicationFineGrainedRBACInheritance"},
	{name: "server.rbac.log.enforce.enable", until: "2.14"},
	{name: "server.rbac.rollback.enforce.enable", since: "3.6"},
	{name: "sourceHydrator.commitMessageTemplate", since: "3.2"},
	{name: "sourceHydrator.readmeMessageTemplate", since: "3.5"},
	{name: "statusbadge.enabled"},
	{name: "statusbadge.url"},
	{name: "timeout.hard.reconciliation"},
	{name: "timeout.reconciliation"},
	{name: "timeout.reconciliation.jitter"},
	{name: "ui.bannercontent"},
	{name: "ui.bannerpermanent"},
	{name: "ui.bannerposition"},
	{name: "ui.bannerurl"},
	{name: "ui.cssurl"},
	{name: "ui.loginButtonText", since: "3.6"},
	{name: "ui.view.resources.disabled", since: "3.6"},
	{name: "url"},
	{name: "users.anonymous.enabled"},
	{name: "users.session.duration"},
	{name: "webhook.maxPayloadSizeMB"},
	{name: "webhook.refresh.jitter", since: "3.5"},
	{name: "webhook.refresh.jitter.threshold", since: "3.5"},
}

// argocdConfig keeps the free keys of argocd-cm apart from those that fields of
// the spec write, and says which of them Argo CD would never read.
func (x *examiner) argocdConfig(cd *ArgoCD) {
	for _, key := range sortedKeys(cd.Config) {
		path := "argocd.config." + key
		if field := argocdField(key); field != "" {
			x.report(ruleExclusive, path, key+" belongs to another field", "Write "+field+".")
			continue
		}
		if summary, detail := judgeArgoCDKey(cd, key); summary != "" && x.settled("argocd.version") {
			x.add(diag.Warning, ruleConfigKey, path, summary, detail)
		}
	}
}

// argocdField is the field of the spec that writes a key of argocd-cm, or "".
func argocdField(key string) string {
	switch {
	case key == "url":
		return "argocd.url"
	case key == "admin.enabled":
		return "argocd.admin"
	case key == "oidc.config" || key == "dex.config":
		return "argocd.sso"
	case strings.HasPrefix(key, "ui.banner") || key == "ui.cssurl":
		return "argocd.banner"
	default:
		return ""
	}
}

func judgeArgoCDKey(cd *ArgoCD, key string) (summary, detail string) {
	var names []string
	for _, k := range argocdKeys {
		if strings.HasSuffix(k.name, ".") {
			if strings.HasPrefix(key, k.name) && key != k.name {
				return "", ""
			}
			continue
		}
		names = append(names, k.name)
		if k.name != key {
			continue
		}
		switch {
		case k.since != "" && !cd.atLeast(k.since):
			return fmt.Sprintf("Argo CD %s does not know %s", cd.Version, key), "It came with v" + k.since + ", and older versions pass over it."
		case k.until != "" && cd.after(k.until):
			return fmt.Sprintf("Argo CD %s does not know %s", cd.Version, key), "v" + k.until + " was the last to read it. Remove it."
		}
		return "", ""
	}
	detail = "Nothing reads it. The keys are in https://argo-cd.readthedocs.io/en/stable/operator-manual/argocd-cm-yaml/."
	if guess := diag.DidYouMean(key, names); guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	return fmt.Sprintf("argocd-cm has no key %s", key), detail
}

// atLeast and after compare with a minor version, "3.1".
func (c *ArgoCD) atLeast(minor string) bool {
	major, rest := splitMinor(minor)
	return c.AtLeast(major, rest)
}

func (c *ArgoCD) after(minor string) bool {
	major, rest := splitMinor(minor)
	return c.AtLeast(major, rest+1)
}

func splitMinor(version string) (major, minor int) {
	head, tail, _ := strings.Cut(version, ".")
	major, _ = strconv.Atoi(head) // the table has numbers only
	minor, _ = strconv.Atoi(tail)
	return major, minor
}

// argocdLogin checks that a login comes back with groups, and that groups are
// names that a policy can hold: it is a text, and a name that broke out of its
// line could grant anything.
func (x *examiner) argocdLogin(cd *ArgoCD) {
	for _, group := range sortedKeys(cd.RBAC.Groups) {
		if want := judgeGroup(group); want != "" {
			x.report(ruleName, "argocd.rbac.groups."+group, fmt.Sprintf("group %q cannot stand in a policy", group), want)
		}
	}
	for i := range x.e.Tenants {
		t := &x.e.Tenants[i]
		if want := judgeGroup(t.Group); want != "" && t.Group != "" {
			x.report(ruleName, "tenants["+t.Name+"].group", fmt.Sprintf("group %q cannot stand in a policy", t.Group), want)
		}
	}
	if cd.SSO == nil || cd.SSO.OIDC == nil || !x.settled("argocd.sso") {
		return
	}
	o := cd.SSO.OIDC
	if !slices.Contains(o.Scopes, "openid") {
		x.report(ruleValue, "argocd.sso.oidc.scopes", "the scopes lack openid", "Without it the provider sends no ID token, and nobody can log in.")
	}
	if strings.TrimSuffix(o.Issuer, "/") == "https://accounts.google.com" && x.settled("argocd.rbac") && slices.Equal(cd.RBAC.Scopes, []string{"groups"}) {
		x.add(diag.Warning, ruleAccess, "argocd.sso.oidc.issuer", "Google puts no groups into a token, and roles are given by groups",
			"Write rbac: {scopes: [email]} and give roles to addresses, or log in through a provider that knows groups.")
	}
}

// judgeGroup follows Argo CD's own rule for the groups of a project
// (validateGroupName), and keeps a group from being taken for a role.
func judgeGroup(group string) string {
	switch {
	case strings.ContainsAny(group, "\"\n\r\t") || strings.TrimSpace(group) != group || group == "":
		return "Write a name without quotes, line breaks and tabs, and without spaces around it."
	case strings.HasPrefix(group, "role:") || strings.HasPrefix(group, "proj:"):
		return "Argo CD would take it for a role. Write the name of a group."
	}
	return ""
}

// repositoryCredentials checks that the credentials are for the kind of URL
// that the repository has: Argo CD would not use them, and say that the
// repository does not exist.
func (x *examiner) repositoryCredentials(cd *ArgoCD) {
	c := cd.RepositoryCredentials
	if c == nil || !x.settled("argocd.repositoryCredentials") || !x.settled("repository.url") {
		return
	}
	web := strings.HasPrefix(x.e.Repository.URL, "https://")
	const at = "argocd.repositoryCredentials"
	switch {
	case c.SSH != nil && web:
		x.report(ruleExclusive, at+".ssh", "a key opens no repository at an https URL", "Write repository.url as git@HOST:OWNER/NAME, or use githubApp or https.")
	case c.GitHubApp != nil && !web:
		x.report(ruleExclusive, at+".githubApp", "a GitHub App opens no repository at an ssh URL", "Write repository.url as https://HOST/OWNER/NAME, or use ssh.")
	case c.HTTPS != nil && !web:
		x.report(ruleExclusive, at+".https", "a user name and a token open no repository at an ssh URL", "Write repository.url as https://HOST/OWNER/NAME, or use ssh.")
	}
}

// exposure checks that the Ingress and its certificate are for a name of their
// own.
func (x *examiner) exposure(cd *ArgoCD) {
	if cd.Exposure == nil || cd.Exposure.IAP == nil || cd.URL == "" || !x.settled("argocd.url") {
		return
	}
	u, err := url.Parse(cd.URL)
	if err != nil {
		return
	}
	_, notName := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" || u.Port() != "" || strings.Trim(u.Path, "/") != "" || notName == nil || !strings.Contains(u.Hostname(), ".") {
		x.report(ruleValue, "argocd.url", fmt.Sprintf("%s cannot be reached through exposure.iap", cd.URL), "The load balancer serves https on its own port, for the whole of a host name that its certificate is for. Write https://argocd.example.com.")
	}
}

// argocdTriggers are the triggers that Strake renders: those of Argo CD's
// catalogue.
func argocdTriggers() []string {
	return []string{
		"on-created", "on-deleted", "on-deployed", "on-health-degraded",
		"on-sync-failed", "on-sync-running", "on-sync-status-unknown", "on-sync-succeeded",
	}
}

// subscriptions checks that each is to a trigger that fires.
func (x *examiner) subscriptions(cd *ArgoCD) {
	if cd.Notifications == nil {
		return
	}
	known := argocdTriggers()
	for _, trigger := range sortedKeys(cd.Notifications.Subscriptions) {
		if slices.Contains(known, trigger) || !dnsLabel.MatchString(trigger) {
			continue
		}
		detail := "Known: " + strings.Join(known, ", ") + ". A trigger of your own, and who subscribes to it, belong in custom/."
		if guess := diag.DidYouMean(trigger, known); guess != "" {
			detail = "Did you mean " + guess + "? " + detail
		}
		x.report(ruleReference, "argocd.notifications.subscriptions."+trigger, fmt.Sprintf("there is no trigger %s", trigger), detail)
	}
}
