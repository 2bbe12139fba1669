package contracts_test

// good is an environment without a mistake: two roots and what counts on them.
// Each mutant changes one piece of it.
const good = `# file: environments/prod/persistent/main.tf
terraform {
  required_version = ">= 1.9, < 2.0"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
  backend "gcs" {
    bucket = "mlops-tfstate"
    prefix = "mlops/prod/persistent"
  }
}

provider "google" {
  project = "mlops-prod"
  region  = "asia-northeast1"
}

data "google_project" "main" {}

resource "google_storage_bucket" "artifacts" {
  name                        = "mlops-prod-artifacts"
  location                    = "asia-northeast1"
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true
  versioning {
    enabled = true
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret" "archive_password" {
  secret_id = "argo-archive-password"
  replication {
    auto {}
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret" "exchange" {
  secret_id = "forecasting-exchange-prod"
  replication {
    auto {}
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_artifact_registry_repository" "images" {
  location      = "asia-northeast1"
  repository_id = "images"
  format        = "DOCKER"
}

resource "google_sql_database_instance" "archive" {
  name                = "argo-archive"
  database_version    = "POSTGRES_16"
  deletion_protection = true
  settings {
    tier = "db-custom-1-3840"
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_sql_database" "argo" {
  name     = "argo"
  instance = google_sql_database_instance.archive.name
}

resource "google_sql_user" "api" {
  name     = "features-api@mlops-prod.iam"
  instance = google_sql_database_instance.archive.name
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
}

resource "google_service_account" "nodes" {
  account_id = "gke-nodes"
}

resource "google_service_account" "api" {
  account_id = "features-api"
}

resource "google_project_iam_member" "nodes" {
  project = "mlops-prod"
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  location   = "asia-northeast1"
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes.member
}

resource "google_project_iam_member" "api_client" {
  project = "mlops-prod"
  role    = "roles/cloudsql.client"
  member  = google_service_account.api.member
}

resource "google_project_iam_member" "api_login" {
  project = "mlops-prod"
  role    = "roles/cloudsql.instanceUser"
  member  = google_service_account.api.member
}

output "project_number" {
  value = data.google_project.main.number
}

output "node_service_account" {
  value = google_service_account.nodes.email
}
# file: environments/prod/ephemeral/main.tf
terraform {
  required_version = ">= 1.9, < 2.0"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
  backend "gcs" {
    bucket = "mlops-tfstate"
    prefix = "mlops/prod/ephemeral"
  }
}

provider "google" {
  project = "mlops-prod"
  region  = "asia-northeast1"
}

data "terraform_remote_state" "persistent" {
  backend = "gcs"
  config = {
    bucket = "mlops-tfstate"
    prefix = "mlops/prod/persistent"
  }
}

resource "google_compute_network" "main" {
  name = "mlops-prod"
}

resource "google_compute_subnetwork" "main" {
  name          = "mlops-prod"
  network       = google_compute_network.main.id
  ip_cidr_range = "10.0.0.0/20"
  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.4.0.0/14"
  }
  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.8.0.0/20"
  }
}

resource "google_compute_router" "main" {
  name    = "mlops-prod"
  network = google_compute_network.main.id
}

resource "google_compute_router_nat" "main" {
  name                               = "mlops-prod"
  router                             = google_compute_router.main.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

resource "google_container_cluster" "main" {
  name                     = "mlops-prod"
  location                 = "asia-northeast1"
  deletion_protection      = false
  remove_default_node_pool = true
  initial_node_count       = 1
  datapath_provider        = "ADVANCED_DATAPATH"
  network                  = google_compute_network.main.id
  subnetwork               = google_compute_subnetwork.main.id
  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }
  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
    master_ipv4_cidr_block  = "172.16.0.0/28"
  }
  release_channel {
    channel = "REGULAR"
  }
  workload_identity_config {
    workload_pool = "mlops-prod.svc.id.goog"
  }
}

resource "google_container_node_pool" "system" {
  name    = "system"
  cluster = google_container_cluster.main.id
  autoscaling {
    total_min_node_count = 1
    total_max_node_count = 3
  }
  node_config {
    machine_type    = "e2-standard-4"
    service_account = data.terraform_remote_state.persistent.outputs.node_service_account
    labels = {
      pool = "system"
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }
}

resource "google_container_node_pool" "spot" {
  name    = "spot"
  cluster = google_container_cluster.main.id
  autoscaling {
    total_min_node_count = 0
    total_max_node_count = 50
    location_policy      = "ANY"
  }
  node_config {
    machine_type    = "n2-standard-8"
    spot            = true
    service_account = data.terraform_remote_state.persistent.outputs.node_service_account
    workload_metadata_config {
      mode = "GKE_METADATA" # spot
    }
    taint {
      key    = "cloud.google.com/gke-spot"
      value  = "true"
      effect = "NO_SCHEDULE"
    }
  }
}

resource "google_container_node_pool" "gpu" {
  name    = "gpu"
  cluster = google_container_cluster.main.id
  autoscaling {
    total_min_node_count = 0
    total_max_node_count = 2
  }
  node_config {
    machine_type    = "g2-standard-12"
    service_account = data.terraform_remote_state.persistent.outputs.node_service_account
    guest_accelerator {
      type  = "nvidia-l4"
      count = 1
    }
    workload_metadata_config {
      mode = "GKE_METADATA" # gpu
    }
    taint {
      key    = "dedicated"
      value  = "training"
      effect = "NO_SCHEDULE"
    }
  }
}

resource "google_storage_bucket_iam_member" "workflow_runner" {
  bucket = "mlops-prod-artifacts"
  role   = "roles/storage.objectUser"
  member = "principal://iam.googleapis.com/projects/${data.terraform_remote_state.persistent.outputs.project_number}/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
}

resource "google_storage_bucket_iam_member" "server" {
  bucket = "mlops-prod-artifacts"
  role   = "roles/storage.objectViewer"
  member = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/argo-server"
}

resource "google_secret_manager_secret_iam_member" "archive_password" {
  secret_id = "argo-archive-password"
  role      = "roles/secretmanager.secretAccessor"
  member    = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/external-secrets"
}

resource "google_secret_manager_secret_iam_member" "exchange" {
  secret_id = "forecasting-exchange-prod"
  role      = "roles/secretmanager.secretAccessor"
  member    = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/external-secrets"
}

resource "google_project_iam_member" "controller_sql" {
  project = "mlops-prod"
  role    = "roles/cloudsql.client"
  member  = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/argo"
}

resource "google_service_account_iam_member" "api" {
  service_account_id = "projects/mlops-prod/serviceAccounts/features-api@mlops-prod.iam.gserviceaccount.com"
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:mlops-prod.svc.id.goog[forecasting/features-api]"
}
# file: overlays/prod/argo-workflows/objects.yaml
apiVersion: v1
kind: Namespace
metadata: {name: argo}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: argo, namespace: argo}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: argo-server, namespace: argo}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: external-secrets, namespace: argo}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  artifactRepository: |
    archiveLogs: true
    gcs:
      bucket: mlops-prod-artifacts
      keyFormat: "{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}"
  persistence: |
    archive: true
    postgresql:
      host: 127.0.0.1
      port: 5432
      database: argo
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec:
  template:
    spec:
      serviceAccountName: argo
      nodeSelector: {cloud.google.com/gke-nodepool: system}
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.3
          restartPolicy: Always
          args: [--private-ip, "mlops-prod:asia-northeast1:argo-archive"]
      containers:
        - {name: workflow-controller, image: "quay.io/argoproj/workflow-controller:v3.7.18"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argo-server, namespace: argo, labels: {app.kubernetes.io/part-of: argo-workflows}}
spec:
  template:
    spec:
      serviceAccountName: argo-server
      nodeSelector: {pool: system}
      containers:
        - {name: argo-server, image: "quay.io/argoproj/argocli:v3.7.18"}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: gcp, namespace: argo}
spec:
  provider:
    gcpsm:
      projectID: mlops-prod
      auth:
        workloadIdentity:
          clusterLocation: asia-northeast1
          clusterName: mlops-prod
          clusterProjectID: mlops-prod
          serviceAccountRef: {name: external-secrets}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: argo-archive-db, namespace: argo}
spec:
  secretStoreRef: {kind: SecretStore, name: gcp}
  data:
    - secretKey: password
      remoteRef: {key: argo-archive-password}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api-server, namespace: argo}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 172.16.0.0/28}}]
      ports: [{protocol: TCP, port: 443}]
# file: overlays/prod/forecasting/objects.yaml
apiVersion: v1
kind: Namespace
metadata: {name: forecasting}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: workflow-runner, namespace: forecasting}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: external-secrets, namespace: forecasting}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: features-api
  namespace: forecasting
  annotations:
    iam.gke.io/gcp-service-account: features-api@mlops-prod.iam.gserviceaccount.com
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: gcp, namespace: forecasting}
spec:
  provider:
    gcpsm:
      projectID: mlops-prod
      auth:
        workloadIdentity:
          clusterLocation: asia-northeast1
          clusterName: mlops-prod
          serviceAccountRef: {name: external-secrets}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: app-secrets, namespace: forecasting}
spec:
  secretStoreRef: {kind: SecretStore, name: gcp}
  dataFrom:
    - extract: {key: forecasting-exchange-prod}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: features-api, namespace: forecasting}
spec:
  template:
    spec:
      serviceAccountName: features-api
      containers:
        - {name: api, image: "asia-northeast1-docker.pkg.dev/mlops-prod/images/features-api@sha256:4e97c560f633f6be3fa0f9555d428af2297ddd2402293c909f006b5422dd278b"}
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.3
          args: [--auto-iam-authn, "mlops-prod:asia-northeast1:argo-archive?port=6432"]
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: chart-movement, namespace: forecasting}
spec:
  entrypoint: train
  serviceAccountName: workflow-runner
  templates:
    - name: train
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions:
                  - {key: cloud.google.com/gke-spot, operator: In, values: ["true"]}
      tolerations:
        - {key: cloud.google.com/gke-spot, operator: Equal, value: "true", effect: NoSchedule}
      container: {image: "asia-northeast1-docker.pkg.dev/mlops-prod/images/chart-movement:v1", command: [train]}
    - name: detect
      podSpecPatch: |
        nodeSelector: {cloud.google.com/gke-accelerator: nvidia-l4}
        tolerations: [{key: dedicated, operator: Equal, value: training, effect: NoSchedule}]
      container:
        image: asia-northeast1-docker.pkg.dev/mlops-prod/images/detector:v1
        command: [detect]
        resources: {limits: {nvidia.com/gpu: "1"}}
`
