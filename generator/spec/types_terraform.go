package spec

// Terraform says where the layer underneath is described, and who writes it.
// There are two roots: the persistent one holds what never dies (state, data,
// databases, identities), the ephemeral one what may be rebuilt (network,
// cluster, node pools).
type Terraform struct {
	// Render writes both roots. Without it Terraform is read and checked, never written.
	Render bool `yaml:"render"`
	// Path of a root that holds all of it, relative to the Platform's file, when it is not rendered.
	Path string `yaml:"path" strake:"relpath"`
	// State is where Terraform keeps what it knows.
	State *TerraformState `yaml:"state"`
	// Persistent is the root of what never dies.
	Persistent *TerraformRoot `yaml:"persistent"`
	// Ephemeral is the root of what may be rebuilt.
	Ephemeral *TerraformRoot `yaml:"ephemeral"`
}

// TerraformRoot is one of the two roots.
type TerraformRoot struct {
	// Render writes this root, whatever terraform.render says.
	Render bool `yaml:"render"`
	// Path of a root that is read and never written, relative to the Platform's file. Rendered roots stand in environments/<env>/persistent and environments/<env>/ephemeral.
	Path string `yaml:"path" strake:"relpath"`
	// State of this root, instead of terraform.state.
	State *TerraformState `yaml:"state"`
}

// TerraformState is a bucket of Cloud Storage that holds the state.
type TerraformState struct {
	// Bucket is its name.
	Bucket string `yaml:"bucket" strake:"required,bucket"`
	// Prefix in the bucket; each root adds its own name. Default: ${platform}/${environment}.
	Prefix string `yaml:"prefix" strake:"path"`
	// Existing: refer to the bucket, never create it. A bucket that is not there must be made by hand before the first apply: a root cannot keep its state in a bucket that it has yet to create.
	Existing bool `yaml:"existing"`
}

// Network is the VPC that the cluster stands in.
type Network struct {
	// Existing: refer to the network and the subnetwork, never create them.
	Existing bool `yaml:"existing"`
	// Name of the network. Default: ${platform}-${environment}.
	Name string `yaml:"name" strake:"network"`
	// Subnetwork of the nodes. Default: the name of the network.
	Subnetwork string `yaml:"subnetwork" strake:"network"`
	// CIDR of the nodes. Default: 10.0.0.0/20.
	CIDR string `yaml:"cidr" strake:"cidr"`
	// PodCIDR is the secondary range of the pods. Default: 10.4.0.0/14.
	PodCIDR string `yaml:"podCIDR" strake:"cidr"`
	// ServiceCIDR is the secondary range of the Services. Default: 10.8.0.0/20.
	ServiceCIDR string `yaml:"serviceCIDR" strake:"cidr"`
	// PeeringCIDR is the range that Google's own services get addresses of in the network: those of Cloud SQL. It is reserved whether there is a database or not. Default: 10.9.0.0/20.
	PeeringCIDR string `yaml:"peeringCIDR" strake:"cidr"`
	// PodRange is the name of the secondary range of the pods in an existing subnetwork. Default: pods.
	PodRange string `yaml:"podRange" strake:"network"`
	// ServiceRange is the name of the secondary range of the Services in an existing subnetwork. Default: services.
	ServiceRange string `yaml:"serviceRange" strake:"network"`
	// NATFor are the registries outside of Google Cloud that images come from. Nodes without addresses of their own reach them through Cloud NAT.
	NATFor []string `yaml:"natFor" strake:"host"`
}

// ControlPlane is who reaches the cluster's API server.
type ControlPlane struct {
	// DNSEndpoint lets people in by IAM, from anywhere, through a name of Google's.
	DNSEndpoint bool `yaml:"dnsEndpoint"`
	// AuthorizedNetworks may reach the API server's public address. Without any there is no public address.
	AuthorizedNetworks []AuthorizedNetwork `yaml:"authorizedNetworks"`
}

// AuthorizedNetwork is one range of addresses.
type AuthorizedNetwork struct {
	// Name for those who read it.
	Name string `yaml:"name" strake:"required,name"`
	// CIDR of the range.
	CIDR string `yaml:"cidr" strake:"required,cidr"`
}

// Maintenance says when GKE may upgrade the cluster.
type Maintenance struct {
	// Window that comes again every week.
	Window MaintenanceWindow `yaml:"window" strake:"required"`
}

// MaintenanceWindow is a time of the week, in UTC.
type MaintenanceWindow struct {
	// Start of the window, "18:00", in UTC.
	Start string `yaml:"start" strake:"required,clock"`
	// Duration of the window, at least 4h: GKE accepts no less.
	Duration string `yaml:"duration" default:"4h" strake:"duration"`
	// Days of the week: MO, TU, WE, TH, FR, SA, SU.
	Days []string `yaml:"days" default:"SA,SU" strake:"enum=MO|TU|WE|TH|FR|SA|SU"`
}

// Database is a Cloud SQL instance of the persistent root.
type Database struct {
	// Name of the instance.
	Name string `yaml:"name" strake:"required,instance"`
	// Existing: refer to the instance, never create it.
	Existing bool `yaml:"existing"`
	// Engine is the version as Cloud SQL names it.
	Engine string `yaml:"engine" default:"POSTGRES_16" strake:"enum=POSTGRES_14|POSTGRES_15|POSTGRES_16|POSTGRES_17|POSTGRES_18"`
	// Tier is the machine of the instance.
	Tier string `yaml:"tier" default:"db-custom-1-3840" strake:"sqltier"`
	// HighAvailability keeps a second instance in another zone.
	HighAvailability bool `yaml:"highAvailability"`
	// Databases on the instance.
	Databases []string `yaml:"databases" strake:"database"`
	// Users who log in with IAM, beside those that archive and services need.
	Users []SQLUser `yaml:"users"`
}

// SQLUser is a user of a Cloud SQL instance.
type SQLUser struct {
	// IAM is the Google service account that logs in: its ID in cloud.project, or its e-mail.
	IAM string `yaml:"iam" strake:"required,account"`
}

// Registry is a repository of container images in Artifact Registry.
type Registry struct {
	// Name of the repository in cloud.project and cloud.region.
	Name string `yaml:"name" strake:"required,name"`
	// Existing: refer to the repository, never create it.
	Existing bool `yaml:"existing"`
	// Remote is a public registry that the repository passes on and keeps: docker.io, quay.io, ghcr.io. Then private nodes need no NAT for it.
	Remote string `yaml:"remote" strake:"host"`
}

// Data is what a tenant keeps in Google Cloud.
type Data struct {
	// Buckets of Cloud Storage.
	Buckets []DataBucket `yaml:"buckets"`
	// Datasets of BigQuery.
	Datasets []Dataset `yaml:"datasets"`
}

// DataBucket is a bucket of Cloud Storage.
type DataBucket struct {
	// Name of the bucket.
	Name string `yaml:"name" strake:"required,bucket"`
	// Existing: refer to the bucket, never create it.
	Existing bool `yaml:"existing"`
	// DeleteAfter deletes objects of that age. Empty keeps them.
	DeleteAfter string `yaml:"deleteAfter" strake:"days"`
}

// Dataset of BigQuery.
type Dataset struct {
	// Name of the dataset.
	Name string `yaml:"name" strake:"required,dataset"`
	// Existing: refer to the dataset, never create it.
	Existing bool `yaml:"existing"`
	// Tables of the dataset.
	Tables []Table `yaml:"tables"`
}

// Table of BigQuery.
type Table struct {
	// Name of the table.
	Name string `yaml:"name" strake:"required,dataset"`
	// Schema is the path of its JSON schema, relative to the Platform's file.
	Schema string `yaml:"schema" strake:"required,path"`
}

// BucketGrant is a right on one bucket.
type BucketGrant struct {
	// Name of the bucket.
	Name string `yaml:"name" strake:"required,bucket"`
	// Role on the bucket.
	Role string `yaml:"role" default:"roles/storage.objectUser" strake:"role"`
}

// DatasetGrant is a right on one dataset.
type DatasetGrant struct {
	// Name of the dataset.
	Name string `yaml:"name" strake:"required,dataset"`
	// Role on the dataset.
	Role string `yaml:"role" default:"roles/bigquery.dataEditor" strake:"role"`
}

// Service is a long-running workload of a tenant: a Deployment, its Service and
// what keeps it up.
type Service struct {
	// Name of the Deployment and the Service.
	Name string `yaml:"name" strake:"required,service"`
	// Image of the container, by digest. "${release.image}" is the Release's of TENANT/SERVICE.
	Image string `yaml:"image" strake:"required"`
	// Replicas of the pod. Two or more are spread over nodes and zones.
	Replicas int `yaml:"replicas" default:"2" strake:"min=0"`
	// Command of the container. Only variables of your own are filled in here.
	Command []string `yaml:"command" strake:"literal"`
	// Args of the command. Only variables of your own are filled in here.
	Args []string `yaml:"args" strake:"literal"`
	// EnvFrom names entries of config and secrets: every key becomes a variable.
	EnvFrom []string `yaml:"envFrom"`
	// Env is variables of the container.
	Env map[string]string `yaml:"env" strake:"keys=envname"`
	// Files mounts the files of directories of the repository: the path in the container to the directory, relative to the Platform's file.
	Files map[string]string `yaml:"files" strake:"keys=mount,path"`
	// Writable are directories that the container may write to beside /tmp: all else is read-only. Each is empty when the pod starts, goes with it, and may hold what resources says of ephemeral-storage, else 1Gi.
	Writable []string `yaml:"writable" strake:"abspath"`
	// User that the container runs as, by number, and never root. The image must let it read what it runs.
	User int `yaml:"user" default:"8737" strake:"min=1"`
	// Port that the container listens on, and that the Service has.
	Port int `yaml:"port" strake:"required,min=1"`
	// Probe asks whether the container is well.
	Probe *Probe `yaml:"probe" strake:"required"`
	// Resources of the container.
	Resources *Resources `yaml:"resources" strake:"required"`
	// Pool that the pods run on. Empty means any node without a taint: neither the tenant's pool nor spot.pool, which are for workflows.
	Pool string `yaml:"pool" strake:"nodepool"`
	// CloudSQL puts the proxy of an instance beside the container, as a native sidecar: it listens on 127.0.0.1.
	CloudSQL *ServiceDatabase `yaml:"cloudSQL"`
	// Disruption bounds how many pods a drain may take away at once. Default: one.
	Disruption *Disruption `yaml:"disruption"`
	// IAP puts Google's Identity-Aware Proxy in front, on a GKE Ingress. Without it the service is reached from its own namespace only.
	IAP *ServiceIAP `yaml:"iap"`
}

// Probe is an HTTP request that answers whether a container is well.
type Probe struct {
	// Path of the request.
	Path string `yaml:"path" strake:"required,urlpath"`
	// Port of the request. Default: the service's port.
	Port int `yaml:"port" strake:"min=1"`
	// StartupTimeout is how long the container may take to start.
	StartupTimeout string `yaml:"startupTimeout" default:"5m" strake:"duration"`
}

// ServiceDatabase is a Cloud SQL instance that a service uses.
type ServiceDatabase struct {
	// Database is the name of an entry of databases.
	Database string `yaml:"database" strake:"required,instance"`
	// Port that the proxy listens on, on 127.0.0.1.
	Port int `yaml:"port" default:"5432" strake:"min=1"`
	// Login is iam (the proxy logs in as serviceAccount.googleServiceAccount, and no password exists) or password (the service brings one of its own, from secrets).
	Login string `yaml:"login" default:"iam" strake:"enum=iam|password"`
	// Resources of the proxy. Default: 100m of CPU and 256Mi.
	Resources *Resources `yaml:"resources"`
}

// Disruption is a PodDisruptionBudget.
type Disruption struct {
	// MinAvailable pods stay.
	MinAvailable int `yaml:"minAvailable" default:"1" strake:"min=1"`
}

// ServiceIAP is Identity-Aware Proxy in front of a service.
type ServiceIAP struct {
	// Host that people reach the service at.
	Host string `yaml:"host" strake:"required,host"`
	// Certificate is the name of a ManagedCertificate that is made for the host.
	Certificate string `yaml:"certificate" strake:"required,name"`
	// SecurityPolicy is the name of a Cloud Armor policy.
	SecurityPolicy string `yaml:"securityPolicy" strake:"name"`
	// StaticIP is the name of a reserved global address.
	StaticIP string `yaml:"staticIP" strake:"name"`
}
