package spec

// Delivery says how what is merged reaches the environment's cluster.
type Delivery struct {
	// Branch that Argo CD follows for this environment. Default: repository.branch.
	Branch string `yaml:"branch" strake:"branch"`
	// Revision is a tag or commit that Argo CD stays on instead of following the branch.
	Revision string `yaml:"revision" strake:"revision"`
	// Sync is auto (what is merged is applied, hand edits are undone) or manual (somebody presses Sync).
	Sync string `yaml:"sync" default:"auto" strake:"enum=auto|manual"`
	// Reason for sync: manual, for those who wonder why nothing happens. It goes with no other value.
	Reason string `yaml:"reason"`
	// Windows in which syncs are denied, or outside of which they are not allowed.
	Windows []SyncWindow `yaml:"windows"`
	// Approvers must agree to a pull request of this environment: users, or teams as org/team.
	Approvers []string `yaml:"approvers"`
}

// SyncWindow is a time in which Argo CD may, or may not, sync.
type SyncWindow struct {
	// Allow is the cron expression of the beginning: outside of such windows nothing is synced.
	Allow string `yaml:"allow" strake:"oneof=kind,required,cron"`
	// Deny is the cron expression of the beginning: inside of such a window nothing is synced.
	Deny string `yaml:"deny" strake:"oneof=kind,required,cron"`
	// Duration of the window.
	Duration string `yaml:"duration" strake:"required,duration"`
	// TimeZone of the cron expression.
	TimeZone string `yaml:"timeZone" default:"Etc/UTC" strake:"timezone"`
	// ManualSync lets a person sync by hand all the same.
	ManualSync bool `yaml:"manualSync"`
}

// ArgoCD delivers the environment's overlays: one Argo CD in each cluster.
type ArgoCD struct {
	// Install is external (somebody else installs Argo CD; Strake renders Applications, projects and configuration), vendored (its official manifests stand in vendor/argocd/<version>, see strake vendor), or none.
	Install string `yaml:"install" default:"external" strake:"enum=external|vendored|none"`
	// Version of Argo CD. Fields that it does not know are not rendered.
	Version string `yaml:"version" default:"v2.14.21" strake:"semver"`
	// Namespace of Argo CD.
	Namespace string `yaml:"namespace" default:"argocd" strake:"name"`
	// URL that people reach it at. Logins and notifications need it.
	URL string `yaml:"url" strake:"url"`
	// Pool that all of Argo CD runs on, with install: vendored. Its nodes are chosen by the pool's own label, never by its name.
	Pool string `yaml:"pool" strake:"nodepool"`
	// Resources of the containers by component: argocd-server, argocd-repo-server, …, with install: vendored.
	Resources map[string]Resources `yaml:"resources" strake:"keys=argocdcomponent"`
	// RepositoryCredentials are how Argo CD reads the private repositories of the owner of repository.url.
	RepositoryCredentials *RepositoryCredentials `yaml:"repositoryCredentials"`
	// Exposure is how people reach the server from outside of the cluster.
	Exposure *Exposure `yaml:"exposure"`
	// SSO is the login of people.
	SSO *ArgoCDSSO `yaml:"sso"`
	// Admin keeps the built-in administrator. Turn it off once sso works and rbac.groups has a group with role:admin.
	Admin bool `yaml:"admin" default:"true"`
	// RBAC says who may do what.
	RBAC ArgoCDRBAC `yaml:"rbac"`
	// Notifications of what happens to Applications.
	Notifications *Notifications `yaml:"notifications"`
	// Banner stands above every page, so that nobody takes production for something else.
	Banner *Banner `yaml:"banner"`
	// Sync is how Applications are synced.
	Sync ApplicationSync `yaml:"sync"`
	// TenantKinds are kinds that the tenants' projects let in beside configuration, workloads, schedules and the ways to them: GROUP/KIND, or KIND of the core group. What bounds a tenant is never among them.
	TenantKinds []string `yaml:"tenantKinds" strake:"groupkind"`
	// Config is any other key of argocd-cm, checked by name.
	Config map[string]string `yaml:"config" strake:"keys=configkey"`
}

// RepositoryCredentials are how Argo CD reads private repositories of one host
// and owner.
type RepositoryCredentials struct {
	// GitHubApp is an app installed in the organization.
	GitHubApp *GitHubApp `yaml:"githubApp" strake:"oneof=credentials,required"`
	// SSH is a deploy key.
	SSH *SSHKey `yaml:"ssh" strake:"oneof=credentials,required"`
	// HTTPS is a user name and a token.
	HTTPS *HTTPSLogin `yaml:"https" strake:"oneof=credentials,required"`
}

// GitHubApp is an app that may read the repositories.
type GitHubApp struct {
	// AppID of the app.
	AppID int `yaml:"appID" strake:"required,min=1"`
	// InstallationID of the app in the organization.
	InstallationID int `yaml:"installationID" strake:"required,min=1"`
	// PrivateKey is where the secret store keeps the app's key.
	PrivateKey SecretRef `yaml:"privateKey" strake:"required"`
}

// SSHKey is a deploy key.
type SSHKey struct {
	// PrivateKey is where the secret store keeps the key.
	PrivateKey SecretRef `yaml:"privateKey" strake:"required"`
}

// HTTPSLogin is a user name and a token.
type HTTPSLogin struct {
	// Username is any name, for most hosts.
	Username string `yaml:"username" default:"git"`
	// Password is where the secret store keeps the token.
	Password SecretRef `yaml:"password" strake:"required"`
}

// Exposure is how people reach the server from outside.
type Exposure struct {
	// IAP puts Google's Identity-Aware Proxy in front, on a GKE Ingress. It does not replace sso. The server reads when it starts that TLS ends before it: with install: external, restart argocd-server once.
	IAP *IAP `yaml:"iap" strake:"required"`
}

// IAP is Identity-Aware Proxy on a GKE Ingress.
type IAP struct {
	// Certificate is the name of a ManagedCertificate that is made for the host of url.
	Certificate string `yaml:"certificate" strake:"required,name"`
	// SecurityPolicy is the name of a Cloud Armor policy.
	SecurityPolicy string `yaml:"securityPolicy" strake:"name"`
	// StaticIP is the name of a reserved global address.
	StaticIP string `yaml:"staticIP" strake:"name"`
	// OAuthClient is a client of your own. Without it Google manages one.
	OAuthClient *OAuthClient `yaml:"oauthClient"`
}

// OAuthClient is a client of the identity-aware proxy.
type OAuthClient struct {
	// ID is where the secret store keeps the client's ID.
	ID SecretRef `yaml:"id" strake:"required"`
	// Secret is where the secret store keeps the client's secret.
	Secret SecretRef `yaml:"secret" strake:"required"`
}

// ArgoCDSSO is the login of people.
type ArgoCDSSO struct {
	// OIDC is an identity provider that speaks OpenID Connect.
	OIDC *OIDC `yaml:"oidc" strake:"required"`
}

// OIDC is an identity provider that speaks OpenID Connect: Azure AD, Okta, Google.
type OIDC struct {
	// Name that the login button shows.
	Name string `yaml:"name" strake:"required"`
	// Issuer is the provider's URL. Azure AD: https://login.microsoftonline.com/<tenant>/v2.0.
	Issuer string `yaml:"issuer" strake:"required,url"`
	// ClientID that the provider gave to Argo CD.
	ClientID string `yaml:"clientID" strake:"required"`
	// ClientSecret is where the secret store keeps the client's secret.
	ClientSecret SecretRef `yaml:"clientSecret" strake:"required"`
	// Scopes to ask for.
	Scopes []string `yaml:"scopes" default:"openid,profile,email"`
	// GroupsClaim asks the provider to put the groups into the ID token. Azure AD needs it.
	GroupsClaim bool `yaml:"groupsClaim" default:"true"`
}

// ArgoCDRBAC says who may do what in Argo CD.
type ArgoCDRBAC struct {
	// Default role of everybody who has logged in: empty is none, role:readonly sees everything.
	Default string `yaml:"default" strake:"argocddefault"`
	// Groups of the identity provider, with their roles: role:admin, role:readonly, or role:sync-all, which sees everything, syncs it and restarts it. A tenant's group has its own role already.
	Groups map[string][]string `yaml:"groups" strake:"argocdrole"`
	// Scopes of the token that hold groups.
	Scopes []string `yaml:"scopes" default:"groups"`
	// Assertions are checked against the whole policy, by Argo CD's own code.
	Assertions []Assertion `yaml:"assertions"`
}

// Assertion is what a group shall, or shall not, be able to do.
type Assertion struct {
	// Group of the identity provider.
	Group string `yaml:"group" strake:"required"`
	// May do this: get, sync, logs, restart, create, update, delete, override, exec.
	May []string `yaml:"may" strake:"oneof=verdict,required,enum=get|sync|logs|restart|create|update|delete|override|exec"`
	// MayNot do this.
	MayNot []string `yaml:"mayNot" strake:"oneof=verdict,required,enum=get|sync|logs|restart|create|update|delete|override|exec"`
	// Project whose Applications it is about: a tenant's name, or platform.
	Project string `yaml:"project" strake:"required,name"`
}

// Notifications of what happens to Applications.
type Notifications struct {
	// Slack sends to channels.
	Slack *Slack `yaml:"slack" strake:"required"`
	// Subscriptions of the platform's Applications: trigger to channel.
	Subscriptions map[string]string `yaml:"subscriptions" strake:"keys=trigger,slackchannel"`
}

// Slack is an app in a Slack workspace.
type Slack struct {
	// Token is where the secret store keeps the app's token.
	Token SecretRef `yaml:"token" strake:"required"`
}

// Banner stands above every page.
type Banner struct {
	// Text of the banner.
	Text string `yaml:"text" strake:"required"`
	// URL that the banner links to.
	URL string `yaml:"url" strake:"url"`
	// Color of the banner and the sidebar, as CSS names it. Argo CD has no setting for it: it is a style sheet.
	Color string `yaml:"color" strake:"color"`
}

// ApplicationSync is how the Applications are synced.
type ApplicationSync struct {
	// Prune deletes what is no longer in Git.
	Prune bool `yaml:"prune" default:"true"`
	// SelfHeal undoes edits in the cluster.
	SelfHeal bool `yaml:"selfHeal" default:"true"`
	// ApplicationPer says what one Application delivers.
	ApplicationPer string `yaml:"applicationPer" default:"overlay" strake:"enum=overlay"`
	// ConfirmDelete are the kinds whose deletion somebody must confirm: what holds data, or takes it along.
	ConfirmDelete []string `yaml:"confirmDelete" default:"Namespace,PersistentVolumeClaim,PersistentVolume,CustomResourceDefinition"`
	// Retry of a failed sync, such as one that came before its definitions.
	Retry SyncRetry `yaml:"retry"`
}

// SyncRetry is how a failed sync is tried again.
type SyncRetry struct {
	// Limit is how often.
	Limit int `yaml:"limit" default:"5" strake:"min=0"`
	// Backoff is how long to wait before.
	Backoff SyncBackoff `yaml:"backoff"`
}

// SyncBackoff between two tries of a sync.
type SyncBackoff struct {
	// Duration of the first wait.
	Duration string `yaml:"duration" default:"10s" strake:"duration"`
	// Factor by which each wait is longer.
	Factor int `yaml:"factor" default:"2" strake:"min=1"`
	// MaxDuration of a wait.
	MaxDuration string `yaml:"maxDuration" default:"5m" strake:"duration"`
}
