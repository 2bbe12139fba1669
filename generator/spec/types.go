package spec

// The types below are the API of the spec. A field's comment is its
// documentation: the schema, the reference page and `strake explain` print it.
// Durations are strings such as 10m, 3h or 180d (d is 24 hours). Quantities
// are Kubernetes quantities. Names are those of the field.

// Effective is the spec of one environment with defaults, inheritance and
// variables filled in: environments/<env>/effective.yaml. All that is rendered
// for the environment follows from it alone.
type Effective struct {
	// Environment is its name.
	Environment string `yaml:"environment" strake:"required,name"`
	// Platform is the name of the platform that the environment belongs to.
	Platform string `yaml:"platform" strake:"required,name"`
	// Stage is the step of promotion: releases are per stage.
	Stage string `yaml:"stage" strake:"required,name"`
	// Strake is the version of the tool that filled this in, 0.1.0.
	Strake string `yaml:"strake" strake:"required"`
	// Repository is where the manifests are kept.
	Repository Repository `yaml:"repository" strake:"required"`
	// Settings are those of the environment, with everything filled in.
	Settings `yaml:",inline"`
	// Tenants are the teams that live in this environment.
	Tenants []Tenant `yaml:"tenants"`
	// Templates are the users' own template files, as read.
	Templates []Template `yaml:"templates"`
	// Files are what services mount and the schemas of tables, as read.
	Files []File `yaml:"files"`
	// positions is where a human wrote each value, by path.
	positions positions
}

// Settings are what an environment sets, and what defaults set for all of them.
type Settings struct {
	// Cloud is the project and the region.
	Cloud Cloud `yaml:"cloud"`
	// Lifecycle is standing, or ephemeral for a cluster that is destroyed and made again: then nothing protects the cluster itself from deletion. What is persistent is protected in both.
	Lifecycle string `yaml:"lifecycle" strake:"enum=standing|ephemeral"`
	// Terraform says where the layer underneath is described, and who writes it.
	Terraform *Terraform `yaml:"terraform"`
	// Network is the VPC that the cluster stands in.
	Network *Network `yaml:"network"`
	// Databases are Cloud SQL instances. The archive's is one of them, whether it is named here or not.
	Databases []Database `yaml:"databases"`
	// Registries are repositories of container images.
	Registries []Registry `yaml:"registries"`
	// Cluster is the GKE cluster.
	Cluster Cluster `yaml:"cluster"`
	// Workflows is the Argo Workflows installation. Without it nothing of Argo is rendered.
	Workflows *Workflows `yaml:"workflows"`
	// Spot says where workflow pods run and how they survive losing their node.
	Spot *Spot `yaml:"spot"`
	// Artifacts is the artifact repository.
	Artifacts *Artifacts `yaml:"artifacts"`
	// Archive is the database of finished workflows.
	Archive *Archive `yaml:"archive"`
	// Secrets is the store that Secrets come from.
	Secrets *Secrets `yaml:"secrets"`
	// ArgoCD delivers the environment. Without it nothing of Argo CD is rendered.
	ArgoCD *ArgoCD `yaml:"argocd"`
	// Delivery says how what is merged reaches the cluster.
	Delivery Delivery `yaml:"delivery"`
	// Cost is how much of the cluster is used, for strake cost. Nothing is rendered from it.
	Cost *Cost `yaml:"cost"`
}

// Template is the text of a user's own WorkflowTemplate file. It stands in
// effective.yaml so that an overlay follows from that file alone.
type Template struct {
	// Path of the file in the repository.
	Path string `yaml:"path" strake:"required,path"`
	// Content of the file.
	Content string `yaml:"content" strake:"required"`
}

// File is the text of a user's own file that is rendered into others. It stands
// in effective.yaml so that what is rendered follows from that file alone.
type File struct {
	// Path of the file in the repository.
	Path string `yaml:"path" strake:"required,path"`
	// Content of the file.
	Content string `yaml:"content" strake:"required"`
}

// Repository is the Git repository that Argo CD syncs.
type Repository struct {
	// URL of the repository, https or ssh.
	URL string `yaml:"url" strake:"required,giturl"`
	// Branch that the environments are synced from, and that pull requests go to.
	Branch string `yaml:"branch" default:"main" strake:"branch"`
	// Root is the directory that holds base/, overlays/ and environments/. Empty means the top.
	Root string `yaml:"root" strake:"path"`
}

// Cloud is where the clusters run.
type Cloud struct {
	// Project is the Google Cloud project ID.
	Project string `yaml:"project" strake:"gcpproject"`
	// Region of the cluster, the buckets and the database.
	Region string `yaml:"region" strake:"gcpregion"`
	// ProjectNumber is the number of the project: only Terraform knows it, "${facts.project_number}". IAM names ServiceAccounts by it. Rendered Terraform looks it up by itself when it is not said.
	ProjectNumber string `yaml:"projectNumber" strake:"projectnumber"`
}

// Cluster says what workloads may rely on when they are scheduled.
type Cluster struct {
	// Name of the GKE cluster. Workload Identity of the secret store names it.
	// Default: ${platform}-${environment}.
	Name string `yaml:"name" strake:"cluster"`
	// Location is the cluster's region or zone. Default: cloud.region.
	Location string `yaml:"location" strake:"gcplocation"`
	// Mode is standard (node pools are declared) or autopilot (they are not).
	Mode string `yaml:"mode" default:"standard" strake:"enum=standard|autopilot"`
	// Version is the Kubernetes minor version, "1.33".
	Version string `yaml:"version" strake:"minor"`
	// ControlPlaneCIDR is the address range of the API server, for NetworkPolicies. Empty allows 443 and 6443 to anywhere.
	ControlPlaneCIDR string `yaml:"controlPlaneCIDR" strake:"cidr"`
	// DNSServiceIP is the address of the Service kube-dns. NetworkPolicies need it where NodeLocal DNSCache and Calico run together: the cache takes over that address on the node, so what a pod asks is no pod.
	DNSServiceIP string `yaml:"dnsServiceIP" strake:"ipv4"`
	// Existing: refer to the cluster, never create it.
	Existing bool `yaml:"existing"`
	// Private nodes have no addresses of their own on the internet.
	Private bool `yaml:"private"`
	// ReleaseChannel that GKE upgrades the cluster by. UNSPECIFIED leaves upgrades to you. Default: REGULAR.
	ReleaseChannel string `yaml:"releaseChannel" strake:"enum=RAPID|REGULAR|STABLE|EXTENDED|UNSPECIFIED"`
	// ControlPlane is who reaches the API server.
	ControlPlane ControlPlane `yaml:"controlPlane"`
	// Maintenance says when GKE may upgrade the cluster.
	Maintenance *Maintenance `yaml:"maintenance"`
	// NodePools of a standard cluster.
	NodePools []NodePool `yaml:"nodePools"`
}

// NodePool is one pool of nodes with the labels and taints that pods see.
type NodePool struct {
	// Name of the pool.
	Name string `yaml:"name" strake:"required,nodepool"`
	// MachineType of the nodes: e2-standard-2.
	MachineType string `yaml:"machineType" strake:"name"`
	// Spot nodes are cheap and may go away with 15 seconds notice. The pool has the label and the taint cloud.google.com/gke-spot=true.
	Spot bool `yaml:"spot"`
	// Min and Max are the total number of nodes, not per zone.
	Min int `yaml:"min" strake:"min=0"`
	// Max is the most nodes that the pool may grow to. 0 means that it is not known here.
	Max int `yaml:"max" strake:"min=0"`
	// DiskGb is the size of each node's boot disk in GiB. Default: 100.
	DiskGb int `yaml:"diskGb" strake:"min=10"`
	// DiskType of the boot disk. Default: pd-balanced.
	DiskType string `yaml:"diskType" strake:"enum=pd-standard|pd-balanced|pd-ssd|hyperdisk-balanced"`
	// Zones of the nodes. Default: those of the cluster.
	Zones []string `yaml:"zones" strake:"gcplocation"`
	// GPU is the accelerator of each node. The pool has the taint nvidia.com/gpu=present.
	GPU *GPU `yaml:"gpu"`
	// Dedicated sets the label and the taint dedicated=<value>.
	Dedicated string `yaml:"dedicated" strake:"labelvalue"`
	// Labels of the nodes beside those that GKE and the fields above set.
	Labels map[string]string `yaml:"labels" strake:"keys=labelkey,labelvalue"`
	// Taints of the nodes beside those that the fields above set.
	Taints []Taint `yaml:"taints"`
}

// GPU says which accelerator each node of a pool has.
type GPU struct {
	// Type as in the label cloud.google.com/gke-accelerator: nvidia-l4.
	Type string `yaml:"type" strake:"required,name"`
	// Count of accelerators on each node.
	Count int `yaml:"count" default:"1" strake:"min=1"`
}

// Taint of a node pool.
type Taint struct {
	// Key of the taint.
	Key string `yaml:"key" strake:"required,labelkey"`
	// Value of the taint.
	Value string `yaml:"value" strake:"labelvalue"`
	// Effect on pods that do not tolerate it.
	Effect string `yaml:"effect" default:"NoSchedule" strake:"enum=NoSchedule|PreferNoSchedule|NoExecute"`
}

// Workflows is the Argo Workflows installation.
type Workflows struct {
	// Install is embedded (Strake renders the manifests), external (Helm owns them: Strake renders configuration and the chart's values), or none.
	Install string `yaml:"install" default:"embedded" strake:"enum=embedded|external|none"`
	// Version of Argo Workflows: a 3.7 release without known vulnerabilities.
	Version string `yaml:"version" default:"v3.7.18" strake:"semver"`
	// CRDs are minimal (they name the kinds and let any spec pass, which strake check judges instead) or vendored (the full official ones of vendor/workflows/<version>, see strake vendor), with install: embedded.
	CRDs string `yaml:"crds" default:"minimal" strake:"enum=minimal|vendored"`
	// Namespace of the controller and the server.
	Namespace string `yaml:"namespace" default:"argo" strake:"name"`
	// Scope is cluster (one controller for all namespaces) or namespace (only its own).
	Scope string `yaml:"scope" default:"cluster" strake:"enum=cluster|namespace"`
	// Controller runs the workflows.
	Controller Controller `yaml:"controller"`
	// Server is the user interface and the API.
	Server Server `yaml:"server"`
	// ActiveDeadline ends a workflow that takes longer, waiting included.
	ActiveDeadline string `yaml:"activeDeadline" strake:"duration"`
	// TTL of finished Workflow objects. The archive's is archive.ttl.
	TTL WorkflowTTL `yaml:"ttl"`
	// PodGC deletes the pods of finished steps.
	PodGC PodGC `yaml:"podGC"`
	// Parallelism bounds how many workflows run at once.
	Parallelism Parallelism `yaml:"parallelism"`
	// Config is any key of workflow-controller-configmap, decoded strictly by Argo's own type.
	Config map[string]any `yaml:"config" strake:"opaque"`
	// Helm is the release that owns the installation, with install: external.
	Helm *Helm `yaml:"helm"`
}

// Controller is the workflow-controller Deployment.
type Controller struct {
	// Replicas above one stand by: a single replica leads.
	Replicas int `yaml:"replicas" default:"1" strake:"min=1"`
	// Resources of the container.
	Resources *Resources `yaml:"resources"`
	// Pool that the controller and the server run on. Never a Spot pool. Empty means any node without a taint.
	Pool string `yaml:"pool" strake:"nodepool"`
}

// Server is the argo-server Deployment: the UI and the API.
type Server struct {
	// Replicas of the server, behind one Service.
	Replicas int `yaml:"replicas" default:"1" strake:"min=1"`
	// AuthModes are client and sso. server is refused: it lets every caller act as the server. With client alone every call is made with the caller's own token, and the server's account may only read what it caches: whoever receives webhooks (docs/webhooks of Argo) grants it their Secrets in custom/.
	AuthModes []string `yaml:"authModes" default:"client" strake:"enum=client|sso"`
	// SSO is the login with OpenID Connect. It needs authModes to hold sso.
	SSO *SSO `yaml:"sso"`
	// Resources of the container.
	Resources *Resources `yaml:"resources"`
}

// SSO is the OpenID Connect login of the server.
type SSO struct {
	// Issuer is the URL of the identity provider.
	Issuer string `yaml:"issuer" strake:"required,url"`
	// ClientID that the identity provider gave to the server.
	ClientID string `yaml:"clientID" strake:"required"`
	// ClientSecret is where the store keeps the client's secret.
	ClientSecret SecretRef `yaml:"clientSecret" strake:"required"`
	// RedirectURL ends in /oauth2/callback.
	RedirectURL string `yaml:"redirectURL" strake:"required,url"`
	// Scopes to ask for beside openid: groups, email.
	Scopes []string `yaml:"scopes"`
	// RBAC makes each login act as a ServiceAccount of the tenant whose group it is in, and elsewhere as one without rights.
	RBAC bool `yaml:"rbac"`
}

// WorkflowTTL says how long finished Workflow objects stay in the cluster.
type WorkflowTTL struct {
	// AfterSuccess is how long a workflow that succeeded stays.
	AfterSuccess string `yaml:"afterSuccess" default:"1d" strake:"duration"`
	// AfterFailure is how long a workflow that failed stays.
	AfterFailure string `yaml:"afterFailure" default:"7d" strake:"duration"`
}

// PodGC says when finished pods are deleted.
type PodGC struct {
	// Strategy says after which event a pod may go.
	Strategy string `yaml:"strategy" default:"OnPodCompletion" strake:"enum=OnPodCompletion|OnPodSuccess|OnWorkflowCompletion|OnWorkflowSuccess"`
	// DeleteDelay leaves time to read a pod's log.
	DeleteDelay string `yaml:"deleteDelay" default:"60s" strake:"duration"`
}

// Parallelism bounds the workflows that run at once. Zero is no bound.
type Parallelism struct {
	// Total in the cluster.
	Total int `yaml:"total" strake:"min=0"`
	// PerNamespace, so that one tenant cannot take all of Total.
	PerNamespace int `yaml:"perNamespace" strake:"min=0"`
}

// Helm describes the release that owns Argo Workflows with install: external.
type Helm struct {
	// Release is its name.
	Release string `yaml:"release" default:"argo" strake:"name"`
	// Chart is what the release installs.
	Chart HelmChart `yaml:"chart"`
	// Values is the file that Strake writes for the chart, relative to the environment's overlay of the app.
	Values string `yaml:"values" default:"values.strake.yaml" strake:"path"`
	// ControllerServiceAccount is the name that the release gave to the controller's ServiceAccount.
	ControllerServiceAccount string `yaml:"controllerServiceAccount" default:"argo-workflows-workflow-controller" strake:"objectname"`
	// ServerServiceAccount is the name that the release gave to the server's ServiceAccount.
	ServerServiceAccount string `yaml:"serverServiceAccount" default:"argo-workflows-server" strake:"objectname"`
	// ConfigMap is the name that the release gave to the controller's ConfigMap.
	ConfigMap string `yaml:"configMap" default:"argo-workflows-workflow-controller-configmap" strake:"objectname"`
}

// HelmChart pins the chart.
type HelmChart struct {
	// Repository of the chart.
	Repository string `yaml:"repository" default:"https://argoproj.github.io/argo-helm" strake:"url"`
	// Name of the chart.
	Name string `yaml:"name" default:"argo-workflows" strake:"objectname"`
	// Version of the chart. Its own default version of Argo Workflows is overridden by workflows.version.
	Version string `yaml:"version"`
}

// Resources are a container's requests and limits.
type Resources struct {
	// Requests are what the scheduler sets aside: cpu, memory, ephemeral-storage.
	Requests map[string]string `yaml:"requests" strake:"quantities,keys=resource"`
	// Limits are what the container may not exceed.
	Limits map[string]string `yaml:"limits" strake:"quantities,keys=resource"`
}

// Spot says where workflow pods run, and how they survive losing a node.
type Spot struct {
	// Pool that workflow pods run on unless a pipeline or task names another.
	Pool string `yaml:"pool" strake:"nodepool"`
	// Fallback is an on-demand pool for when there are no Spot nodes to be had.
	Fallback string `yaml:"fallback" strake:"nodepool"`
	// Retry of a pod that was lost with its node.
	Retry Retry `yaml:"retry"`
}

// Retry is what happens when a pod was lost with its node. A step that fails by itself is not retried.
type Retry struct {
	// Limit is how many times a step is tried again.
	Limit int `yaml:"limit" default:"3" strake:"min=0"`
	// Backoff is how long to wait before it is tried again.
	Backoff Backoff `yaml:"backoff"`
}

// Backoff between retries.
type Backoff struct {
	// Duration of the first wait.
	Duration string `yaml:"duration" default:"1m" strake:"duration"`
	// Factor by which each wait is longer than the one before.
	Factor int `yaml:"factor" default:"2" strake:"min=1"`
	// Cap is the longest wait between two tries.
	Cap string `yaml:"cap" default:"10m" strake:"duration"`
}

// Artifacts is where workflows keep their files and logs.
type Artifacts struct {
	// GCS is a bucket of Cloud Storage.
	GCS *GCS `yaml:"gcs" strake:"oneof=repository,required"`
	// S3 is a bucket of any store that speaks the S3 protocol.
	S3 *S3 `yaml:"s3" strake:"oneof=repository,required"`
	// KeyFormat of the objects. It must contain the workflow's name and the pod's name.
	KeyFormat string `yaml:"keyFormat" default:"{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}"`
	// ArchiveLogs keeps the logs of every step in the repository.
	ArchiveLogs bool `yaml:"archiveLogs"`
}

// GCS is a Cloud Storage bucket, reached with Workload Identity.
type GCS struct {
	// Bucket is its name.
	Bucket string `yaml:"bucket" strake:"required,bucket"`
	// Existing: refer to the bucket, never create it.
	Existing bool `yaml:"existing"`
	// DeleteAfter deletes objects of that age. Empty keeps them.
	DeleteAfter string `yaml:"deleteAfter" strake:"days"`
}

// S3 is any store that speaks the S3 protocol.
type S3 struct {
	// Endpoint is host:port without a scheme.
	Endpoint string `yaml:"endpoint" strake:"required,endpoint"`
	// Bucket is its name.
	Bucket string `yaml:"bucket" strake:"required,s3bucket"`
	// Region of the bucket, where the store has regions.
	Region string `yaml:"region"`
	// Insecure uses http. Keys then cross the network in clear text.
	Insecure bool `yaml:"insecure"`
	// AccessKey is where the secret store keeps the access key.
	AccessKey SecretRef `yaml:"accessKey" strake:"required"`
	// SecretKey is where the secret store keeps the secret key.
	SecretKey SecretRef `yaml:"secretKey" strake:"required"`
}

// SecretRef names a secret in the external secret store, never its value.
type SecretRef struct {
	// Secret is the name of the secret in the store.
	Secret string `yaml:"secret" strake:"required,secretid"`
	// Version of the secret. Another version of what the controller and the server read once restarts them. latest does not: they keep the old value until they are restarted.
	Version string `yaml:"version" default:"latest" strake:"secretversion"`
	// Existing: refer to the secret and grant access to it, never create it.
	Existing bool `yaml:"existing"`
}

// Archive keeps finished workflows in a database.
type Archive struct {
	// PostgreSQL is the database.
	PostgreSQL *PostgreSQL `yaml:"postgresql" strake:"required"`
	// TTL after which archived workflows are deleted.
	TTL string `yaml:"ttl" default:"180d" strake:"days"`
	// ClusterName keeps clusters apart that share a database. Default: ${platform}-${environment}.
	ClusterName string `yaml:"clusterName" strake:"labelvalue"`
	// NodeStatusOffload keeps the status of large workflows in the database.
	NodeStatusOffload bool `yaml:"nodeStatusOffload" default:"true"`
	// ConnectionPool bounds the connections to the database.
	ConnectionPool ConnectionPool `yaml:"connectionPool"`
}

// ConnectionPool of the controller and of the server, each.
type ConnectionPool struct {
	// MaxIdle connections are kept open.
	MaxIdle int `yaml:"maxIdle" default:"10" strake:"min=0"`
	// MaxOpen connections at once.
	MaxOpen int `yaml:"maxOpen" default:"20" strake:"min=1"`
	// MaxLifetime of one connection.
	MaxLifetime string `yaml:"maxLifetime" default:"30m" strake:"duration"`
}

// PostgreSQL is the archive's database: a Cloud SQL instance or a host.
type PostgreSQL struct {
	// CloudSQL is the name of an instance in cloud.project and cloud.region. The proxy runs beside the controller and the server.
	CloudSQL string `yaml:"cloudSQL" strake:"oneof=server,required,instance"`
	// Host of any other PostgreSQL.
	Host string `yaml:"host" strake:"oneof=server,required,host"`
	// Port of the host, or of the proxy.
	Port int `yaml:"port" default:"5432" strake:"min=1"`
	// Database is its name on the server.
	Database string `yaml:"database" strake:"required,database"`
	// SSLMode of a connection to host: require, verify-ca or verify-full.
	SSLMode string `yaml:"sslMode" default:"verify-full" strake:"enum=require|verify-ca|verify-full,with=host"`
	// ConnectionName of the instance when it is not project:region:cloudSQL.
	ConnectionName string `yaml:"connectionName" strake:"connection,with=cloudSQL"`
	// Existing: refer to the instance, never create it.
	Existing bool `yaml:"existing"`
	// User that the controller and the server log in as.
	User DatabaseUser `yaml:"user"`
	// GoogleServiceAccount is the e-mail that the controller and the server use for the instance. Empty means a direct binding of their ServiceAccounts.
	GoogleServiceAccount string `yaml:"googleServiceAccount" strake:"serviceaccount,with=cloudSQL"`
}

// DatabaseUser is who logs in. The default is the secret pair <cloudSQL or database>-username and -password.
type DatabaseUser struct {
	// IAM is the name of an IAM database user: no password exists.
	IAM string `yaml:"iam" strake:"oneof=login"`
	// Secret names the secrets that hold a login with a password.
	Secret *UserSecret `yaml:"secret" strake:"oneof=login"`
}

// UserSecret names the two secrets that hold a login.
type UserSecret struct {
	// Username is the name of the secret that holds the user's name.
	Username string `yaml:"username" strake:"required,secretid"`
	// Password is the name of the secret that holds the password.
	Password string `yaml:"password" strake:"required,secretid"`
	// PasswordVersion is the version of that secret. Another version restarts the controller and the server, which read the password once. With latest a new password reaches the cluster and the running pods keep the old one until they are restarted.
	PasswordVersion string `yaml:"passwordVersion" default:"latest" strake:"secretversion"`
	// Existing: refer to the two secrets and grant access to them, never create them.
	Existing bool `yaml:"existing"`
}

// Secrets is the store that Secrets come from, through the External Secrets Operator.
type Secrets struct {
	// GCPSecretManager is the store: Google Secret Manager.
	GCPSecretManager *GCPSecretManager `yaml:"gcpSecretManager" strake:"required"`
	// RefreshInterval between two reads of a secret.
	RefreshInterval string `yaml:"refreshInterval" default:"1h" strake:"duration"`
	// Install is external (somebody else installs the operator) or vendored (its official manifests stand in vendor/external-secrets/<version>, see strake vendor).
	Install string `yaml:"install" default:"external" strake:"enum=external|vendored"`
	// Version of the operator, with install: vendored.
	Version string `yaml:"version" default:"v2.9.0" strake:"semver"`
	// Namespace of the operator, with install: vendored.
	Namespace string `yaml:"namespace" default:"external-secrets" strake:"name"`
}

// GCPSecretManager is Google Secret Manager.
type GCPSecretManager struct {
	// Project that holds the secrets, when it is not cloud.project.
	Project string `yaml:"project" strake:"gcpproject"`
	// Existing: no secret is created; access to those that are there is granted.
	Existing bool `yaml:"existing"`
}

// Tenant is one team: its namespace, its limits and its work.
type Tenant struct {
	// Name of the team. In a Tenant file it is metadata.name.
	Name string `yaml:"name" strake:"required,tenant"`
	// Namespace of the tenant. Default: its name.
	Namespace string `yaml:"namespace" strake:"name"`
	// Group of the team in the identity provider. Its members may see and submit workflows.
	Group string `yaml:"group"`
	// Quota of the namespace: cpu, memory, pods, requests.nvidia.com/gpu. cpu and memory bound both requests and limits of memory.
	Quota map[string]string `yaml:"quota" strake:"quantities,keys=quota"`
	// ServiceAccount that workflows and services run as.
	ServiceAccount ServiceAccount `yaml:"serviceAccount"`
	// Pool that this tenant's workflow pods run on, instead of spot.pool.
	Pool string `yaml:"pool" strake:"nodepool"`
	// Config is ConfigMaps by name, each a map of keys to values.
	Config map[string]map[string]string `yaml:"config" strake:"keys=objectname,items=configkey"`
	// Secrets is Secrets by name, each a map of keys to secrets of the store.
	Secrets map[string]map[string]SecretRef `yaml:"secrets" strake:"keys=objectname,items=configkey"`
	// Data is what the tenant keeps in Google Cloud.
	Data Data `yaml:"data"`
	// Services are the tenant's long-running workloads.
	Services []Service `yaml:"services"`
	// Pipelines are the tenant's workflows.
	Pipelines []Pipeline `yaml:"pipelines"`
	// Contact is where the tenant hears of its failures.
	Contact Contact `yaml:"contact"`
	// Apps are the tenant's hand-written kustomizations.
	Apps []App `yaml:"apps"`
}

// Contact is where a tenant hears of its failures.
type Contact struct {
	// Slack is the channel that Argo CD reports to when an Application of the tenant fails.
	Slack string `yaml:"slack" strake:"slackchannel"`
	// FailedRuns reports each run of a pipeline that did not succeed.
	FailedRuns *FailedRuns `yaml:"failedRuns"`
}

// FailedRuns is how a run that did not succeed is reported: by an exit handler
// of every pipeline, except of a template with one of its own.
type FailedRuns struct {
	// Webhook is where the secret store keeps the URL of an incoming webhook of Slack. It is bound to one channel. Never a token: whoever may run workflows in the namespace can read it.
	Webhook SecretRef `yaml:"webhook" strake:"required"`
	// Image that has curl, by digest.
	Image string `yaml:"image" strake:"required"`
}

// ServiceAccount that the tenant's pods run as: those of workflows and of
// services.
type ServiceAccount struct {
	// Name of the ServiceAccount.
	Name string `yaml:"name" default:"workflow-runner" strake:"objectname"`
	// GoogleServiceAccount is the linked account: its e-mail, or its ID in cloud.project. Empty means that IAM names the ServiceAccount itself, which is all that is needed for anything but a login to Cloud SQL.
	GoogleServiceAccount string `yaml:"googleServiceAccount" strake:"account"`
	// Roles in the project: for what cannot be granted on one thing, as roles/bigquery.jobUser.
	Roles []string `yaml:"roles" strake:"role"`
	// Buckets that it may use.
	Buckets []BucketGrant `yaml:"buckets"`
	// Datasets that it may use.
	Datasets []DatasetGrant `yaml:"datasets"`
}

// Pipeline becomes a WorkflowTemplate, and a CronWorkflow when it has a schedule.
type Pipeline struct {
	// Name of the WorkflowTemplate and of the CronWorkflow.
	Name string `yaml:"name" strake:"required,pipeline"`
	// Schedule is a cron expression. null means that nothing starts it by itself.
	Schedule string `yaml:"schedule" strake:"cron"`
	// Timezone of the schedule.
	Timezone string `yaml:"timezone" default:"Etc/UTC" strake:"timezone"`
	// Concurrency says what happens when a run is due while the last one is still running.
	Concurrency string `yaml:"concurrency" default:"Forbid" strake:"enum=Allow|Forbid|Replace"`
	// StartingDeadline is how late a missed run may still start.
	StartingDeadline string `yaml:"startingDeadline" default:"10m" strake:"duration"`
	// Suspend stops the schedule.
	Suspend bool `yaml:"suspend"`
	// ActiveDeadline of a whole run, when it is not workflows.activeDeadline.
	ActiveDeadline string `yaml:"activeDeadline" strake:"duration"`
	// Retry instead of spot.retry.
	Retry *Retry `yaml:"retry"`
	// Pool instead of the tenant's.
	Pool string `yaml:"pool" strake:"nodepool"`
	// Image of the tasks that name none, by digest.
	Image string `yaml:"image"`
	// EnvFrom names entries of config and secrets: every key becomes a variable of every task.
	EnvFrom []string `yaml:"envFrom"`
	// Env is variables of every task.
	Env map[string]string `yaml:"env" strake:"keys=envname"`
	// Resources of the tasks that name none.
	Resources *Resources `yaml:"resources"`
	// Template is the path of your own WorkflowTemplate, relative to the Platform's file. ServiceAccount, Spot, retry, deadline and security are laid over it.
	Template string `yaml:"template" strake:"oneof=body,required,path"`
	// Tasks form a DAG.
	Tasks []Task `yaml:"tasks" strake:"oneof=body,required"`
}

// Task is one step of a pipeline: one container.
type Task struct {
	// Name of the task.
	Name string `yaml:"name" strake:"required,name"`
	// Depends is the tasks that must have succeeded: "a", or "a && b", with Argo's operators.
	Depends string `yaml:"depends"`
	// Image instead of the pipeline's, by digest.
	Image string `yaml:"image"`
	// Command of the container. Only variables of your own are filled in here.
	Command []string `yaml:"command" strake:"literal"`
	// Args of the command. Only variables of your own are filled in here.
	Args []string `yaml:"args" strake:"literal"`
	// EnvFrom beside the pipeline's.
	EnvFrom []string `yaml:"envFrom"`
	// Env beside the pipeline's; the task's own value wins.
	Env map[string]string `yaml:"env" strake:"keys=envname"`
	// Inputs are artifacts of earlier tasks, by name.
	Inputs map[string]TaskInput `yaml:"inputs" strake:"keys=artifact"`
	// Outputs are artifacts by name: the path of the file or directory in the container.
	Outputs map[string]string `yaml:"outputs" strake:"keys=artifact,abspath"`
	// Resources instead of the pipeline's. ephemeral-storage also bounds each directory that the task may write to, which else is 10Gi.
	Resources *Resources `yaml:"resources"`
	// GPU is how many accelerators the task takes. Its pool must have them.
	GPU int `yaml:"gpu" strake:"min=0"`
	// Pool instead of the pipeline's.
	Pool string `yaml:"pool" strake:"nodepool"`
	// Retry instead of the pipeline's.
	Retry *Retry `yaml:"retry"`
	// ActiveDeadline of one try of this task.
	ActiveDeadline string `yaml:"activeDeadline" strake:"duration"`
}

// TaskInput is an artifact of an earlier task.
type TaskInput struct {
	// From is the task that makes the artifact.
	From string `yaml:"from" strake:"required,name"`
	// Artifact is its name there. Default: the input's own name.
	Artifact string `yaml:"artifact" strake:"artifact"`
	// Path in the container that the artifact is put at.
	Path string `yaml:"path" strake:"required,abspath"`
}

// App is a hand-written kustomization of a tenant: checked, not rendered.
type App struct {
	// Name of the app.
	Name string `yaml:"name" strake:"required,name"`
	// Path of the kustomization in the repository.
	Path string `yaml:"path" strake:"required,path"`
	// Repository, when it is another one. Its manifests cannot be checked here.
	Repository string `yaml:"repository" strake:"giturl"`
	// Revision per stage or environment, with repository.
	Revision map[string]string `yaml:"revision" strake:"keys=name"`
}

// Removal declares an object that may disappear.
type Removal struct {
	// Kind of the object: Namespace, or GROUP/KIND.
	Kind string `yaml:"kind" strake:"required"`
	// Name of the object.
	Name string `yaml:"name" strake:"required"`
	// Namespace of the object. Empty for an object without one.
	Namespace string `yaml:"namespace" strake:"name"`
	// Environment in which it may disappear. Empty means all.
	Environment string `yaml:"environment" strake:"name"`
	// Reason, for those who review the change.
	Reason string `yaml:"reason" strake:"required"`
	// Until is the last day, 2026-12-31, on which the removal is allowed.
	Until string `yaml:"until" strake:"required,date"`
}
