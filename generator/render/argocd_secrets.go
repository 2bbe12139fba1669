package render

import (
	"net/url"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// Secrets of Argo CD's namespace, and their keys.
const (
	argocdLoginSecret      = "argocd-oidc"
	argocdLoginKey         = "clientSecret"
	argocdRepositorySecret = "argocd-repository-credentials"
	argocdSlackKey         = "slack-token"
	argocdIAPSecret        = "argocd-iap"
)

// argocdSecrets fetches what Argo CD must know, with the store it comes from.
func argocdSecrets(e *spec.Effective) []object {
	if e.Secrets == nil {
		return nil
	}
	var secrets []object
	secrets = append(secrets, argocdLoginSecrets(e)...)
	secrets = append(secrets, repositoryCredentials(e)...)
	secrets = append(secrets, slackToken(e)...)
	secrets = append(secrets, iapClient(e)...)
	if len(secrets) == 0 {
		return nil
	}
	return append(secretStore(e, e.ArgoCD.Namespace, secretStoreServiceAccount, "secrets"), secrets...)
}

func argocdLoginSecrets(e *spec.Effective) []object {
	sso := e.ArgoCD.SSO
	if sso == nil || sso.OIDC == nil {
		return nil
	}
	const from = "argocd.sso.oidc.clientSecret"
	o := fetchedSecret(e, argocdLoginSecret, e.ArgoCD.Namespace, from, fetched{argocdLoginKey, sso.OIDC.ClientSecret, from})
	shapeSecret(o.doc, m{argocdPart}, nil)
	return []object{o}
}

// slackToken puts the token into a Secret that the install owns and leaves
// empty. The controller of notifications reads no other, so the operator merges
// into it: as its owner it would delete it together with our object.
func slackToken(e *spec.Effective) []object {
	n := e.ArgoCD.Notifications
	if n == nil || n.Slack == nil {
		return nil
	}
	const from = "argocd.notifications.slack.token"
	o := fetchedSecret(e, argocdNoticesSecret, e.ArgoCD.Namespace, from, fetched{argocdSlackKey, n.Slack.Token, from})
	if target, ok := specField(o.doc, "target").(m); ok {
		for i := range target {
			if target[i].k == "creationPolicy" {
				target[i].v = "Merge"
			}
		}
	}
	// Without labels of its own it would get ours, and be no longer Argo CD's.
	shapeSecret(o.doc, m{argocdPart}, nil)
	return []object{o}
}

// repositoryCredentials open all private repositories of the owner of ours.
func repositoryCredentials(e *spec.Effective) []object {
	c := e.ArgoCD.RepositoryCredentials
	if c == nil {
		return nil
	}
	const from = "argocd.repositoryCredentials"
	prefix, host := repositoryOwner(e.Repository.URL)
	literals := m{
		{"type", "git"},
		{"url", at("repository.url", literalText(prefix))},
	}
	var keys []fetched
	switch {
	case c.GitHubApp != nil:
		keys = []fetched{{"githubAppPrivateKey", c.GitHubApp.PrivateKey, from + ".githubApp.privateKey"}}
		literals = append(literals,
			kv{"githubAppID", at(from+".githubApp.appID", strconv.Itoa(c.GitHubApp.AppID))},
			kv{"githubAppInstallationID", at(from+".githubApp.installationID", strconv.Itoa(c.GitHubApp.InstallationID))},
		)
		if host != "github.com" {
			literals = append(literals, kv{"githubAppEnterpriseBaseUrl", at("repository.url", "https://"+host+"/api/v3")})
		}
	case c.SSH != nil:
		keys = []fetched{{"sshPrivateKey", c.SSH.PrivateKey, from + ".ssh.privateKey"}}
	case c.HTTPS != nil:
		keys = []fetched{{"password", c.HTTPS.Password, from + ".https.password"}}
		literals = append(literals, kv{"username", at(from+".https.username", literalText(c.HTTPS.Username))})
	default:
		return nil
	}
	o := fetchedSecret(e, argocdRepositorySecret, e.ArgoCD.Namespace, from, keys...)
	shapeSecret(o.doc, m{{"argocd.argoproj.io/secret-type", "repo-creds"}, argocdPart}, literals)
	return []object{o}
}

// repositoryOwner is what a repository's URL and those of its neighbours begin
// with, and their host. Argo CD compares texts: without the slash at the end the
// credentials would be sent to an owner whose name only begins alike.
func repositoryOwner(repository string) (prefix, host string) {
	if !strings.Contains(repository, "://") { // git@HOST:OWNER/NAME
		account, path, _ := strings.Cut(repository, ":")
		_, host, _ = strings.Cut(account, "@")
		return account + ":" + ownerOf(path), host
	}
	u, err := url.Parse(repository)
	if err != nil {
		return repository, ""
	}
	host = u.Hostname()
	u.Path = "/" + ownerOf(strings.TrimPrefix(u.Path, "/"))
	return u.String(), host
}

// ownerOf is the first directory of a path, with its slash. A repository without
// an owner stands for itself.
func ownerOf(path string) string {
	owner, _, found := strings.Cut(path, "/")
	if !found {
		return path
	}
	return owner + "/"
}

// specField is a field of an object's spec, or nil.
func specField(doc m, key string) any {
	body, _ := doc.get("spec").(m)
	return body.get(key)
}
