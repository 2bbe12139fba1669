package spec

// The types below are the API of the spec. A field's comment is its
// documentation: the schema, the reference page and `strake explain` print it.
// Durations are strings such as 10m, 3h or 180d (d is 24 hours). Quantities
// are Kubernetes quantities. Names are those of the field.

// Effective is the spec of one environment with defaults, inheritance and
// variables filled in: environments/<env>/effective.yaml. All that is rendered
// for the environment follows from it alone.
type Effective struct {
	Environment string     `yaml:"environment" strake:"required,name"`
	Platform    string     `yaml:"platform" strake:"required,name"`
	Stage       string     `yaml:"stage" strake:"required,name"`
	Strake      string     `yaml:"strake" strake:"required"` // the tool's version, 0.1.0
	Repository  Repository `yaml:"repository" strake:"required"`
	Cloud       Cloud      `yaml:"cloud"`
	Cluster     Cluster    `yaml:"cluster"`
	Workflows   *Workflows `yaml:"workflows"`
	Spot        *Spot      `yaml:"spot"`
	Artifacts   *Artifacts `yaml:"artifacts"`
	Archive     *Archive   `yaml:"archive"`
	Secrets     *Secrets   `yaml:"secrets"`
	Tenants     []Tenant   `yaml:"tenants"`
	Templates   []Template `yaml:"templates"` // the users' own template files, as read
	positions   positions  //nolint:unused // filled by the reader
}

// Template is the text of a user's own WorkflowTemplate file. It stands in
// effective.yaml so that an overlay follows from that file alone.
type Template struct {
	Path    string `yaml:"path" strake:"required"`
	Content string `yaml:"content" strake:"required"`
}

// Repository is the Git repository that Argo CD syncs.
type Repository struct {
	// URL of the repository, https or ssh.
	URL string `yaml:"url" strake:"required"`
	// Branch that the environments are synced from, and that pull requests go to.
	Branch string `yaml:"branch" default:"main"`
	// Root is the directory that holds base/, overlays/ and environments/. Empty means the top.
	Root string `yaml:"root"`
}

// Cloud is where the clusters run.
type Cloud struct {
	// Project is the Google Cloud project ID.
	Project string `yaml:"project" strake:"gcpproject"`
	// Region of the cluster, the buckets and the database.
	Region string `yaml:"region" strake:"gcpregion"`
}

// Cluster says what workloads may rely on when they are scheduled.
type Cluster struct {
	// Name of the GKE cluster. Workload Identity of the secret store names it.
	Name string `yaml:"name"` // default: ${platform}-${environment}
	// Location is the cluster's region or zone.
	Location string `yaml:"location"` // default: cloud.region
	// Mode is standard (node pools are declared) or autopilot (they are not).
	Mode string `yaml:"mode" default:"standard" strake:"enum=standard|autopilot"`
	// Version is the Kubernetes minor version, "1.33".
	Version string `yaml:"version"`
	// ControlPlaneCIDR is the address range of the API server, for NetworkPolicies. Empty allows 443 and 6443 to anywhere.
	ControlPlaneCIDR string `yaml:"controlPlaneCIDR" strake:"cidr"`
	// NodePools of a standard cluster.
	NodePools []NodePool `yaml:"nodePools"`
}

// NodePool is one pool of nodes with the labels and taints that pods see.
type NodePool struct {
	Name        string `yaml:"name" strake:"required,name"`
	MachineType string `yaml:"machineType"`
	// Spot nodes are cheap and may go away with 15 seconds notice. The pool has the label and the taint cloud.google.com/gke-spot=true.
	Spot bool `yaml:"spot"`
	// Min and Max are the total number of nodes, not per zone.
	Min int  `yaml:"min"`
	Max int  `yaml:"max"`
	GPU *GPU `yaml:"gpu"`
	// Dedicated sets the label and the taint dedicated=<value>.
	Dedicated string `yaml:"dedicated"`
	// Labels of the nodes beside those that GKE and the fields above set.
	Labels map[string]string `yaml:"labels"`
	Taints []Taint           `yaml:"taints"`
}

// GPU says which accelerator each node of a pool has.
type GPU struct {
	// Type as in the label cloud.google.com/gke-accelerator: nvidia-l4.
	Type  string `yaml:"type" strake:"required"`
	Count int    `yaml:"count" default:"1"`
}

// Taint of a node pool.
type Taint struct {
	Key    string `yaml:"key" strake:"required"`
	Value  string `yaml:"value"`
	Effect string `yaml:"effect" default:"NoSchedule" strake:"enum=NoSchedule|PreferNoSchedule|NoExecute"`
}

// Workflows is the Argo Workflows installation.
type Workflows struct {
	// Install is embedded (Strake renders the manifests), external (Helm owns them: Strake renders configuration and the chart's values), or none.
	Install   string `yaml:"install" default:"embedded" strake:"enum=embedded|external|none"`
	Version   string `yaml:"version" default:"v3.7.18"`
	Namespace string `yaml:"namespace" default:"argo" strake:"name"`
	// Scope is cluster (one controller for all namespaces) or namespace (only its own).
	Scope      string     `yaml:"scope" default:"cluster" strake:"enum=cluster|namespace"`
	Controller Controller `yaml:"controller"`
	Server     Server     `yaml:"server"`
	// ActiveDeadline ends a workflow that takes longer, waiting included.
	ActiveDeadline string      `yaml:"activeDeadline" strake:"duration"`
	TTL            WorkflowTTL `yaml:"ttl"`
	PodGC          PodGC       `yaml:"podGC"`
	Parallelism    Parallelism `yaml:"parallelism"`
	// Config is any key of workflow-controller-configmap, decoded strictly by Argo's own type.
	Config map[string]any `yaml:"config" strake:"opaque"`
	Helm   *Helm          `yaml:"helm"`
}

// Controller is the workflow-controller Deployment.
type Controller struct {
	// Replicas above one stand by: a single replica leads.
	Replicas  int        `yaml:"replicas" default:"1" strake:"min=1"`
	Resources *Resources `yaml:"resources"`
	// Pool that the controller and the server run on. Never a Spot pool. Empty means any node without a taint.
	Pool string `yaml:"pool"`
}

// Server is the argo-server Deployment: the UI and the API.
type Server struct {
	Replicas int `yaml:"replicas" default:"1" strake:"min=1"`
	// AuthModes are client and sso. server is refused: it lets every caller act as the server.
	AuthModes []string   `yaml:"authModes" default:"client" strake:"enum=client|sso"`
	SSO       *SSO       `yaml:"sso"`
	Resources *Resources `yaml:"resources"`
}

// SSO is the OpenID Connect login of the server.
type SSO struct {
	Issuer       string    `yaml:"issuer" strake:"required,url"`
	ClientID     string    `yaml:"clientID" strake:"required"`
	ClientSecret SecretRef `yaml:"clientSecret" strake:"required"`
	// RedirectURL ends in /oauth2/callback.
	RedirectURL string   `yaml:"redirectURL" strake:"required,url"`
	Scopes      []string `yaml:"scopes"`
	// RBAC makes each login act as a ServiceAccount of the tenant whose group it is in.
	RBAC bool `yaml:"rbac"`
}

// WorkflowTTL says how long finished Workflow objects stay in the cluster.
type WorkflowTTL struct {
	AfterSuccess string `yaml:"afterSuccess" default:"1d" strake:"duration"`
	AfterFailure string `yaml:"afterFailure" default:"7d" strake:"duration"`
}

// PodGC says when finished pods are deleted.
type PodGC struct {
	Strategy    string `yaml:"strategy" default:"OnPodCompletion" strake:"enum=OnPodCompletion|OnPodSuccess|OnWorkflowCompletion|OnWorkflowSuccess"`
	DeleteDelay string `yaml:"deleteDelay" default:"60s" strake:"duration"`
}

// Parallelism bounds the workflows that run at once. Zero is no bound.
type Parallelism struct {
	Total        int `yaml:"total" strake:"min=0"`
	PerNamespace int `yaml:"perNamespace" strake:"min=0"`
}

// Helm describes the release that owns Argo Workflows with install: external.
type Helm struct {
	Release string    `yaml:"release" default:"argo"`
	Chart   HelmChart `yaml:"chart"`
	// Values is the file that Strake writes for the chart, relative to the environment's overlay of the app.
	Values string `yaml:"values" default:"values.strake.yaml"`
	// ControllerServiceAccount, ServerServiceAccount and ConfigMap are the names that the release gave its objects.
	ControllerServiceAccount string `yaml:"controllerServiceAccount" default:"argo-workflows-workflow-controller"`
	ServerServiceAccount     string `yaml:"serverServiceAccount" default:"argo-workflows-server"`
	ConfigMap                string `yaml:"configMap" default:"argo-workflows-workflow-controller-configmap"`
}

// HelmChart pins the chart.
type HelmChart struct {
	Repository string `yaml:"repository" default:"https://argoproj.github.io/argo-helm"`
	Name       string `yaml:"name" default:"argo-workflows"`
	Version    string `yaml:"version"`
}

// Resources are a container's requests and limits.
type Resources struct {
	Requests map[string]string `yaml:"requests" strake:"quantities"`
	Limits   map[string]string `yaml:"limits" strake:"quantities"`
}

// Spot says where workflow pods run, and how they survive losing a node.
type Spot struct {
	// Pool that workflow pods run on unless a pipeline or task names another.
	Pool string `yaml:"pool"`
	// Fallback is an on-demand pool for when there are no Spot nodes to be had.
	Fallback string `yaml:"fallback"`
	Retry    Retry  `yaml:"retry"`
}

// Retry is what happens when a pod was lost with its node. A step that fails by itself is not retried.
type Retry struct {
	Limit   int     `yaml:"limit" default:"3" strake:"min=0"`
	Backoff Backoff `yaml:"backoff"`
}

// Backoff between retries.
type Backoff struct {
	Duration string `yaml:"duration" default:"1m" strake:"duration"`
	Factor   int    `yaml:"factor" default:"2" strake:"min=1"`
	// Cap is the longest wait between two tries.
	Cap string `yaml:"cap" default:"10m" strake:"duration"`
}

// Artifacts is where workflows keep their files and logs.
type Artifacts struct {
	GCS *GCS `yaml:"gcs" strake:"oneof=repository"`
	S3  *S3  `yaml:"s3" strake:"oneof=repository"`
	// KeyFormat of the objects. It must contain the workflow's name and the pod's name.
	KeyFormat string `yaml:"keyFormat" default:"{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}"`
	// ArchiveLogs keeps the logs of every step in the repository.
	ArchiveLogs bool `yaml:"archiveLogs"`
}

// GCS is a Cloud Storage bucket, reached with Workload Identity.
type GCS struct {
	Bucket string `yaml:"bucket" strake:"required,bucket"`
	// Existing: refer to the bucket, never create it.
	Existing bool `yaml:"existing"`
}

// S3 is any store that speaks the S3 protocol.
type S3 struct {
	// Endpoint is host:port without a scheme.
	Endpoint string `yaml:"endpoint" strake:"required"`
	Bucket   string `yaml:"bucket" strake:"required"`
	Region   string `yaml:"region"`
	// Insecure uses http. Keys then cross the network in clear text.
	Insecure  bool      `yaml:"insecure"`
	AccessKey SecretRef `yaml:"accessKey" strake:"required"`
	SecretKey SecretRef `yaml:"secretKey" strake:"required"`
}

// SecretRef names a secret in the external secret store, never its value.
type SecretRef struct {
	Secret  string `yaml:"secret" strake:"required"`
	Version string `yaml:"version" default:"latest"`
}

// Archive keeps finished workflows in a database.
type Archive struct {
	PostgreSQL *PostgreSQL `yaml:"postgresql" strake:"required"`
	// TTL after which archived workflows are deleted.
	TTL string `yaml:"ttl" default:"180d" strake:"days"`
	// ClusterName keeps clusters apart that share a database.
	ClusterName string `yaml:"clusterName"` // default: ${platform}-${environment}
	// NodeStatusOffload keeps the status of large workflows in the database.
	NodeStatusOffload bool           `yaml:"nodeStatusOffload" default:"true"`
	ConnectionPool    ConnectionPool `yaml:"connectionPool"`
}

// ConnectionPool of the controller and of the server, each.
type ConnectionPool struct {
	MaxIdle     int    `yaml:"maxIdle" default:"10" strake:"min=0"`
	MaxOpen     int    `yaml:"maxOpen" default:"20" strake:"min=0"`
	MaxLifetime string `yaml:"maxLifetime" default:"30m" strake:"duration"`
}

// PostgreSQL is the archive's database: a Cloud SQL instance or a host.
type PostgreSQL struct {
	// CloudSQL is the name of an instance in cloud.project and cloud.region. The proxy runs beside the controller and the server.
	CloudSQL string `yaml:"cloudSQL" strake:"oneof=server"`
	// Host of any other PostgreSQL.
	Host     string `yaml:"host" strake:"oneof=server"`
	Port     int    `yaml:"port" default:"5432"`
	Database string `yaml:"database" strake:"required"`
	// SSLMode of a connection to host: require, verify-ca or verify-full.
	SSLMode string `yaml:"sslMode" default:"verify-full" strake:"enum=require|verify-ca|verify-full"`
	// ConnectionName of the instance when it is not project:region:cloudSQL.
	ConnectionName string `yaml:"connectionName"`
	// Existing: refer to the instance, never create it.
	Existing bool         `yaml:"existing"`
	User     DatabaseUser `yaml:"user"`
	// GoogleServiceAccount is the e-mail that the controller and the server use for the instance. Empty means a direct binding of their ServiceAccounts.
	GoogleServiceAccount string `yaml:"googleServiceAccount" strake:"email"`
}

// DatabaseUser is who logs in. The default is the secret pair <cloudSQL or database>-username and -password.
type DatabaseUser struct {
	// IAM is the name of an IAM database user: no password exists.
	IAM    string      `yaml:"iam" strake:"oneof=login"`
	Secret *UserSecret `yaml:"secret" strake:"oneof=login"`
}

// UserSecret names the two secrets that hold a login.
type UserSecret struct {
	Username string `yaml:"username" strake:"required"`
	Password string `yaml:"password" strake:"required"`
}

// Secrets is the store that Secrets come from, through the External Secrets Operator.
type Secrets struct {
	GCPSecretManager *GCPSecretManager `yaml:"gcpSecretManager" strake:"required"`
	// RefreshInterval between two reads of a secret.
	RefreshInterval string `yaml:"refreshInterval" default:"1h" strake:"duration"`
}

// GCPSecretManager is Google Secret Manager.
type GCPSecretManager struct {
	// Project that holds the secrets, when it is not cloud.project.
	Project string `yaml:"project" strake:"gcpproject"`
}

// Tenant is one team: its namespace, its limits and its work.
type Tenant struct {
	Name string `yaml:"name" strake:"required,name"`
	// Namespace of the tenant.
	Namespace string `yaml:"namespace" strake:"name"` // default: the tenant's name
	// Group of the team in the identity provider. Its members may see and submit workflows.
	Group string `yaml:"group"`
	// Quota of the namespace: cpu, memory, pods, requests.nvidia.com/gpu. cpu and memory bound both requests and limits of memory.
	Quota          map[string]string `yaml:"quota" strake:"quantities"`
	ServiceAccount ServiceAccount    `yaml:"serviceAccount"`
	// Pool that this tenant's workflow pods run on, instead of spot.pool.
	Pool string `yaml:"pool"`
	// Config is ConfigMaps by name, each a map of keys to values.
	Config map[string]map[string]string `yaml:"config"`
	// Secrets is Secrets by name, each a map of keys to secrets of the store.
	Secrets   map[string]map[string]SecretRef `yaml:"secrets"`
	Pipelines []Pipeline                      `yaml:"pipelines"`
	Apps      []App                           `yaml:"apps"`
}

// ServiceAccount that the tenant's workflow pods run as.
type ServiceAccount struct {
	Name string `yaml:"name" default:"workflow-runner" strake:"name"`
	// GoogleServiceAccount is the e-mail of the linked account. Empty means that IAM names the ServiceAccount itself.
	GoogleServiceAccount string `yaml:"googleServiceAccount" strake:"email"`
}

// Pipeline becomes a WorkflowTemplate, and a CronWorkflow when it has a schedule.
type Pipeline struct {
	Name string `yaml:"name" strake:"required,name"`
	// Schedule is a cron expression. null means that nothing starts it by itself.
	Schedule    string `yaml:"schedule" strake:"cron"`
	Timezone    string `yaml:"timezone" default:"Etc/UTC" strake:"timezone"`
	Concurrency string `yaml:"concurrency" default:"Forbid" strake:"enum=Allow|Forbid|Replace"`
	// StartingDeadline is how late a missed run may still start.
	StartingDeadline string `yaml:"startingDeadline" default:"10m" strake:"duration"`
	Suspend          bool   `yaml:"suspend"`
	// ActiveDeadline of a whole run, when it is not workflows.activeDeadline.
	ActiveDeadline string `yaml:"activeDeadline" strake:"duration"`
	// Retry instead of spot.retry.
	Retry *Retry `yaml:"retry"`
	// Pool instead of the tenant's.
	Pool string `yaml:"pool"`
	// Image of the tasks that name none, by digest.
	Image string `yaml:"image"`
	// EnvFrom names entries of config and secrets.
	EnvFrom   []string          `yaml:"envFrom"`
	Env       map[string]string `yaml:"env"`
	Resources *Resources        `yaml:"resources"`
	// Template is the path of your own WorkflowTemplate. ServiceAccount, Spot, retry, deadline and security are laid over it.
	Template string `yaml:"template" strake:"oneof=body"`
	// Tasks form a DAG.
	Tasks []Task `yaml:"tasks" strake:"oneof=body"`
}

// Task is one step of a pipeline: one container.
type Task struct {
	Name string `yaml:"name" strake:"required,name"`
	// Depends is the tasks that must have succeeded: "a", or "a && b", with Argo's operators.
	Depends string               `yaml:"depends"`
	Image   string               `yaml:"image"`
	Command []string             `yaml:"command"`
	Args    []string             `yaml:"args"`
	EnvFrom []string             `yaml:"envFrom"`
	Env     map[string]string    `yaml:"env"`
	Inputs  map[string]TaskInput `yaml:"inputs"`
	// Outputs are artifacts by name: the path of the file or directory in the container.
	Outputs   map[string]string `yaml:"outputs"`
	Resources *Resources        `yaml:"resources"`
	// GPU is how many accelerators the task takes. Its pool must have them.
	GPU            int    `yaml:"gpu" strake:"min=0"`
	Pool           string `yaml:"pool"`
	Retry          *Retry `yaml:"retry"`
	ActiveDeadline string `yaml:"activeDeadline" strake:"duration"`
}

// TaskInput is an artifact of an earlier task.
type TaskInput struct {
	// From is the task that makes the artifact; Artifact its name there.
	From     string `yaml:"from" strake:"required"`
	Artifact string `yaml:"artifact"` // default: the input's own name
	Path     string `yaml:"path" strake:"required"`
}

// App is a hand-written kustomization of a tenant: checked, not rendered.
type App struct {
	Name string `yaml:"name" strake:"required,name"`
	// Path of the kustomization in the repository.
	Path string `yaml:"path" strake:"required"`
	// Repository, when it is another one. Its manifests cannot be checked here.
	Repository string `yaml:"repository"`
	// Revision per stage or environment, with repository.
	Revision map[string]string `yaml:"revision"`
}

// Removal declares an object that may disappear.
type Removal struct {
	Kind        string `yaml:"kind" strake:"required"`
	Name        string `yaml:"name" strake:"required"`
	Namespace   string `yaml:"namespace"`
	Environment string `yaml:"environment"`
	Reason      string `yaml:"reason" strake:"required"`
	// Until is the last day, 2026-12-31, on which the removal is allowed.
	Until string `yaml:"until" strake:"required,date"`
}
