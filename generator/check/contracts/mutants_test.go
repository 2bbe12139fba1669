package contracts_test

// mutant is one mistake in the good environment.
type mutant struct {
	name, old, new string
	env            string // prod, unless it says another
	clean          bool   // it is no mistake
}

const (
	spotTaint  = "    taint {\n      key    = \"cloud.google.com/gke-spot\"\n      value  = \"true\"\n      effect = \"NO_SCHEDULE\"\n    }\n"
	gpuTaint   = "      key    = \"dedicated\"\n      value  = \"training\"\n      effect = \"NO_SCHEDULE\"\n"
	toleration = "key: cloud.google.com/gke-spot, operator: Equal, value: \"true\", effect: NoSchedule"
	pool       = "mlops-prod.svc.id.goog"
	runner     = "workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
	tenantESO  = "workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/external-secrets"
	apiMember  = "serviceAccount:mlops-prod.svc.id.goog[forecasting/features-api]"
)

func mutants() []mutant {
	out := append(poolMutants(), clusterMutants()...)
	out = append(out, stateMutants()...)
	out = append(out, identityMutants()...)
	return append(out, dataMutants()...)
}

// poolMutants are about node pools, and where pods go.
func poolMutants() []mutant {
	return []mutant{
		{name: "preemptible", old: "    spot            = true\n", new: "    spot            = true\n    preemptible     = true\n"},
		{name: "hand-written label", old: "pool = \"system\"", new: "pool = \"system\"\n      \"cloud.google.com/gke-provisioning\" = \"standard\""},
		{name: "taint missing", old: spotTaint, new: ""},
		{name: "taint value", old: spotTaint, new: "    taint {\n      key    = \"cloud.google.com/gke-spot\"\n      value  = \"yes\"\n      effect = \"NO_SCHEDULE\"\n    }\n"},
		{name: "taint key", old: spotTaint, new: "    taint {\n      key    = \"gke-spot\"\n      value  = \"true\"\n      effect = \"NO_SCHEDULE\"\n    }\n"},
		{name: "toleration value", old: toleration, new: "key: cloud.google.com/gke-spot, operator: Equal, value: \"yes\", effect: NoSchedule"},
		{name: "toleration by key", old: toleration, new: "key: cloud.google.com/gke-spot, operator: Exists", clean: true},
		{name: "toleration missing", old: "      tolerations:\n        - {" + toleration + "}\n", new: ""},
		{name: "toleration of another effect", old: toleration, new: "key: cloud.google.com/gke-spot, operator: Equal, value: \"true\", effect: NoExecute"},
		{name: "toleration too many", old: "      tolerations:\n        - {" + toleration + "}\n", new: "      tolerations:\n        - {" + toleration + "}\n        - {key: dedicatd, operator: Exists}\n"},
		{name: "another place that no pool has", old: "- {key: cloud.google.com/gke-spot, operator: In, values: [\"true\"]}", new: "- {key: cloud.google.com/gke-spot, operator: In, values: [\"true\"]}\n              - matchExpressions:\n                  - {key: pool, operator: In, values: [ondemand]}"},
		{name: "label key of an affinity", old: "{key: cloud.google.com/gke-spot, operator: In,", new: "{key: cloud.google.com/gke-preemptible, operator: In,"},
		{name: "patched selector", old: "{cloud.google.com/gke-accelerator: nvidia-l4}", new: "{cloud.google.com/gke-accelerator: nvidia-t4}"},
		{name: "patched toleration", old: "value: training, effect: NoSchedule}]", new: "value: train, effect: NoSchedule}]"},
		{name: "patch filled in later", old: "{cloud.google.com/gke-accelerator: nvidia-l4}", new: "{cloud.google.com/gke-accelerator: \"{{inputs.parameters.gpu}}\"}"},
		{name: "accelerator of the pool", old: "type  = \"nvidia-l4\"", new: "type  = \"nvidia-t4\""},
		{name: "taint of the GPU pool", old: gpuTaint, new: "      key    = \"dedicated\"\n      value  = \"gpu\"\n      effect = \"NO_SCHEDULE\"\n"},
		{name: "name of a pool", old: "  name    = \"system\"\n", new: "  name    = \"platform\"\n"},
		{name: "label of a pool", old: "pool = \"system\"", new: "pool = \"platform\""},
		{name: "pool without a taint for others", old: gpuTaint, new: "      key    = \"dedicated\"\n      value  = \"training\"\n      effect = \"PREFER_NO_SCHEDULE\"\n", clean: true},
		{name: "no nodes at all", old: "total_min_node_count = 1", new: "total_min_node_count = 0"},
		{name: "zones in equal parts", old: "    location_policy      = \"ANY\"\n", new: "    location_policy      = \"BALANCED\"\n"},
		{name: "limits of both kinds", old: "    location_policy      = \"ANY\"\n", new: "    location_policy      = \"ANY\"\n    max_node_count       = 10\n"},
		{name: "default account", old: "    machine_type    = \"g2-standard-12\"\n    service_account = data.terraform_remote_state.persistent.outputs.node_service_account\n", new: "    machine_type    = \"g2-standard-12\"\n"},
		{name: "default account by name", old: "    machine_type    = \"g2-standard-12\"\n    service_account = data.terraform_remote_state.persistent.outputs.node_service_account\n", new: "    machine_type    = \"g2-standard-12\"\n    service_account = \"123-compute@developer.gserviceaccount.com\"\n"},
		{name: "no metadata server", old: "    workload_metadata_config {\n      mode = \"GKE_METADATA\" # gpu\n    }\n", new: ""},
		{name: "another metadata server", old: "\"GKE_METADATA\" # spot", new: "\"GCE_METADATA\""},
		{name: "unknown metadata server", old: "\"GKE_METADATA\" # spot", new: "data.terraform_remote_state.persistent.outputs.project_number"},
		{name: "role of the nodes", old: "roles/container.defaultNodeServiceAccount", new: "roles/container.viewer"},
	}
}

// clusterMutants are about the cluster and its network.
func clusterMutants() []mutant {
	return []mutant{
		{name: "public nodes", old: "enable_private_nodes    = true", new: "enable_private_nodes    = false"},
		{name: "public nodes in dev", old: "enable_private_nodes    = true", new: "enable_private_nodes    = false", env: "dev"},
		{name: "open control plane", old: "    enable_private_endpoint = true\n", new: ""},
		{name: "control plane for some", old: "    enable_private_endpoint = true\n    master_ipv4_cidr_block  = \"172.16.0.0/28\"\n  }\n", new: "    master_ipv4_cidr_block  = \"172.16.0.0/28\"\n  }\n  master_authorized_networks_config {\n    cidr_blocks {\n      cidr_block = \"203.0.113.0/24\"\n    }\n  }\n", clean: true},
		{name: "control plane for all", old: "    enable_private_endpoint = true\n    master_ipv4_cidr_block  = \"172.16.0.0/28\"\n  }\n", new: "    master_ipv4_cidr_block  = \"172.16.0.0/28\"\n  }\n  master_authorized_networks_config {\n    cidr_blocks {\n      cidr_block = \"0.0.0.0/0\"\n    }\n  }\n"},
		{name: "no channel", old: "  release_channel {\n    channel = \"REGULAR\"\n  }\n", new: ""},
		{name: "no ranges", old: "  ip_allocation_policy {\n    cluster_secondary_range_name  = \"pods\"\n    services_secondary_range_name = \"services\"\n  }\n", new: ""},
		{name: "no Workload Identity", old: "  workload_identity_config {\n    workload_pool = \"" + pool + "\"\n  }\n", new: ""},
		{name: "Calico", old: "  datapath_provider        = \"ADVANCED_DATAPATH\"\n", new: "  network_policy {\n    enabled = true\n  }\n", clean: true},
		{name: "range of the control plane", old: "\"172.16.0.0/28\"", new: "\"172.16.0.0/27\""},
		{name: "another control plane", old: "\"172.16.0.0/28\"", new: "\"172.16.1.0/28\""},
		{name: "policy for another control plane", old: "cidr: 172.16.0.0/28", new: "cidr: 172.16.0.16/28"},
		{name: "ranges that overlap", old: "\"10.8.0.0/20\"", new: "\"10.5.0.0/20\""},
		{name: "no NAT", old: "resource \"google_compute_router_nat\" \"main\"", new: "resource \"google_compute_address\" \"main\""},
		{name: "name of the cluster", old: "  name                     = \"mlops-prod\"", new: "  name                     = \"mlops-production\""},
		{name: "place of the cluster", old: "  location                 = \"asia-northeast1\"\n", new: "  location                 = \"asia-northeast1-a\"\n"},
		{name: "authoritative binding", old: "resource \"google_service_account_iam_member\" \"api\" {", new: "resource \"google_project_iam_binding\" \"viewers\" {\n  project = \"mlops-prod\"\n  role    = \"roles/viewer\"\n  members = [\"group:team@example.com\"]\n}\n\nresource \"google_service_account_iam_member\" \"api\" {"},
		{name: "policy of a bucket", old: "resource \"google_service_account_iam_member\" \"api\" {", new: "resource \"google_storage_bucket_iam_policy\" \"all\" {\n  bucket      = \"mlops-prod-artifacts\"\n  policy_data = \"{}\"\n}\n\nresource \"google_service_account_iam_member\" \"api\" {"},
		{name: "broad role", old: "roles/container.defaultNodeServiceAccount", new: "roles/editor"},
		{name: "name of an account", old: "\"projects/mlops-prod/serviceAccounts/features-api@mlops-prod.iam.gserviceaccount.com\"", new: "\"features-api@mlops-prod.iam.gserviceaccount.com\""},
	}
}

// stateMutants are about state, layers and what Terraform keeps.
func stateMutants() []mutant {
	return []mutant{
		{name: "prefix of the persistent state", old: "    bucket = \"mlops-tfstate\"\n    prefix = \"mlops/prod/persistent\"\n  }\n}\n\nprovider", new: "    bucket = \"mlops-tfstate\"\n    prefix = \"mlops/prod/persist\"\n  }\n}\n\nprovider"},
		{name: "bucket of the persistent state", old: "    bucket = \"mlops-tfstate\"\n    prefix = \"mlops/prod/persistent\"\n  }\n}\n\nresource", new: "    bucket = \"mlops-state\"\n    prefix = \"mlops/prod/persistent\"\n  }\n}\n\nresource"},
		{name: "the same prefix", old: "prefix = \"mlops/prod/ephemeral\"", new: "prefix = \"mlops/prod/persistent\""},
		{name: "name of an output", old: "output \"node_service_account\"", new: "output \"node_account\""},
		{name: "name of an output that is read", old: "outputs.project_number", new: "outputs.number"},
		{name: "data in the ephemeral root", old: "resource \"google_compute_network\" \"main\" {", new: "resource \"google_storage_bucket\" \"scratch\" {\n  name                        = \"mlops-prod-scratch\"\n  location                    = \"asia-northeast1\"\n  public_access_prevention    = \"enforced\"\n  uniform_bucket_level_access = true\n}\n\nresource \"google_compute_network\" \"main\" {"},
		{name: "the wrong way round", old: "data \"google_project\" \"main\" {}", new: "data \"google_project\" \"main\" {}\n\ndata \"terraform_remote_state\" \"ephemeral\" {\n  backend = \"gcs\"\n  config = {\n    bucket = \"mlops-tfstate\"\n    prefix = \"mlops/prod/ephemeral\"\n  }\n}"},
		{name: "not kept", old: "    enabled = true\n  }\n  lifecycle {\n    prevent_destroy = true\n  }\n", new: "    enabled = true\n  }\n"},
		{name: "kept by the provider", old: "    enabled = true\n  }\n  lifecycle {\n    prevent_destroy = true\n  }\n", new: "    enabled = true\n  }\n  deletion_policy = \"PREVENT\"\n", clean: true},
		{name: "no older versions", old: "  versioning {\n    enabled = true\n  }\n", new: ""},
		{name: "public bucket", old: "  public_access_prevention    = \"enforced\"\n", new: ""},
		{name: "far away", old: "  location                    = \"asia-northeast1\"\n", new: "  location                    = \"US\"\n"},
		{name: "on the same continent", old: "  location                    = \"asia-northeast1\"\n", new: "  location                    = \"ASIA\"\n", clean: true},
		{name: "deletable database", old: "  deletion_protection = true\n", new: "  deletion_protection = false\n"},
		{name: "no version of Terraform", old: "# file: environments/prod/ephemeral/main.tf\nterraform {\n  required_version = \">= 1.9, < 2.0\"\n", new: "# file: environments/prod/ephemeral/main.tf\nterraform {\n"},
		{name: "a provider of any version", old: "resource \"google_compute_network\" \"main\" {", new: "resource \"random_id\" \"suffix\" {\n  byte_length = 4\n}\n\nresource \"google_compute_network\" \"main\" {"},
		{name: "cluster and what is in it", old: "data \"terraform_remote_state\" \"persistent\" {", new: "provider \"kubernetes\" {\n  host = \"https://${google_container_cluster.main.endpoint}\"\n}\n\ndata \"terraform_remote_state\" \"persistent\" {"},
		{name: "key of an account", old: "data \"google_project\" \"main\" {}", new: "data \"google_project\" \"main\" {}\n\nresource \"google_service_account_key\" \"api\" {\n  service_account_id = google_service_account.api.name\n}"},
		{name: "secret in the state", old: "data \"google_project\" \"main\" {}", new: "data \"google_project\" \"main\" {}\n\nresource \"google_secret_manager_secret_version\" \"exchange\" {\n  secret      = google_secret_manager_secret.exchange.id\n  secret_data = \"hunter2-hunter2\"\n}"},
		{name: "password of a user", old: "  type     = \"CLOUD_IAM_SERVICE_ACCOUNT\"\n", new: "  type     = \"CLOUD_IAM_SERVICE_ACCOUNT\"\n  password = \"hunter2-hunter2\"\n"},
		{name: "secret as a default", old: "data \"google_project\" \"main\" {}", new: "data \"google_project\" \"main\" {}\n\nvariable \"token\" {\n  sensitive = true\n  default   = \"hunter2-hunter2\"\n}"},
	}
}

// identityMutants are about who a pod is.
func identityMutants() []mutant {
	return []mutant{
		{name: "namespace of a principal", old: runner, new: "workloadIdentityPools/" + pool + "/subject/ns/forecastin/sa/workflow-runner"},
		{name: "name of a principal", old: runner, new: "workloadIdentityPools/" + pool + "/subject/ns/forecasting/sa/workflow-runer"},
		{name: "pool of a principal", old: runner, new: "workloadIdentityPools/mlops-dev.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"},
		{name: "form of a principal", old: runner, new: "workloadIdentityPools/" + pool + "/subject/ns/forecasting/workflow-runner"},
		{name: "project ID for its number", old: "projects/123456789012/locations/global/" + tenantESO, new: "projects/mlops-prod/locations/global/" + tenantESO},
		{name: "whole namespace", old: "\"principal://iam.googleapis.com/projects/123456789012/locations/global/" + tenantESO + "\"", new: "\"principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/" + pool + "/namespace/forecasting\"", clean: true},
		{name: "namespace of a member", old: apiMember, new: "serviceAccount:" + pool + "[forcasting/features-api]"},
		{name: "name of a member", old: apiMember, new: "serviceAccount:" + pool + "[forecasting/api]"},
		{name: "pool of a member", old: apiMember, new: "serviceAccount:mlops-dev.svc.id.goog[forecasting/features-api]"},
		{name: "another member that is there", old: apiMember, new: "serviceAccount:" + pool + "[forecasting/workflow-runner]"},
		{name: "link missing", old: "  annotations:\n    iam.gke.io/gcp-service-account: features-api@mlops-prod.iam.gserviceaccount.com\n", new: ""},
		{name: "link to nobody", old: "    iam.gke.io/gcp-service-account: features-api@mlops-prod.iam.gserviceaccount.com\n", new: "    iam.gke.io/gcp-service-account: feature-api@mlops-prod.iam.gserviceaccount.com\n"},
		{name: "link to another account", old: "    iam.gke.io/gcp-service-account: features-api@mlops-prod.iam.gserviceaccount.com\n", new: "    iam.gke.io/gcp-service-account: gke-nodes@mlops-prod.iam.gserviceaccount.com\n"},
		{name: "link to no e-mail", old: "    iam.gke.io/gcp-service-account: features-api@mlops-prod.iam.gserviceaccount.com\n", new: "    iam.gke.io/gcp-service-account: features-api\n"},
		{name: "account renamed", old: "  account_id = \"features-api\"", new: "  account_id = \"features\""},
		{name: "role of the link", old: "  role               = \"roles/iam.workloadIdentityUser\"", new: "  role               = \"roles/iam.serviceAccountUser\""},
		{name: "ServiceAccount renamed", old: "metadata: {name: workflow-runner, namespace: forecasting}", new: "metadata: {name: runner, namespace: forecasting}"},
	}
}

// dataMutants are about buckets, secrets and databases.
func dataMutants() []mutant {
	return []mutant{
		{name: "bucket renamed", old: "  name                        = \"mlops-prod-artifacts\"", new: "  name                        = \"mlops-prod-artifact\""},
		{name: "bucket of the repository", old: "      bucket: mlops-prod-artifacts\n", new: "      bucket: mlops-dev-artifacts\n"},
		{name: "role on the bucket", old: "roles/storage.objectUser", new: "roles/storage.objectViewer"},
		{name: "bucket of the grant", old: "  bucket = \"mlops-prod-artifacts\"\n  role   = \"roles/storage.objectUser\"", new: "  bucket = \"mlops-dev-artifacts\"\n  role   = \"roles/storage.objectUser\""},
		{name: "the server's role", old: "  role   = \"roles/storage.objectViewer\"", new: "  role   = \"roles/storage.legacyBucketReader\""},
		{name: "role of one's own", old: "roles/storage.objectUser", new: "projects/mlops-prod/roles/workflowRunner", clean: true},
		{name: "instance renamed", old: "  name                = \"argo-archive\"", new: "  name                = \"argo-archives\""},
		{name: "instance of the proxy", old: "[--private-ip, \"mlops-prod:asia-northeast1:argo-archive\"]", new: "[--private-ip, \"mlops-prod:us-central1:argo-archive\"]"},
		{name: "database renamed", old: "  name     = \"argo\"\n", new: "  name     = \"argo_workflows\"\n"},
		{name: "database of the archive", old: "      database: argo\n", new: "      database: argo_archive\n"},
		{name: "archive in the cluster", old: "      host: 127.0.0.1\n", new: "      host: postgres.argo.svc.cluster.local\n"},
		{name: "user of the database", old: "features-api@mlops-prod.iam\"", new: "feature-api@mlops-prod.iam\""},
		{name: "role of the proxy", old: "  role    = \"roles/cloudsql.client\"\n  member  = \"principal:", new: "  role    = \"roles/cloudsql.viewer\"\n  member  = \"principal:"},
		{name: "role of the login", old: "roles/cloudsql.instanceUser", new: "roles/cloudsql.viewer"},
		{name: "secret renamed", old: "  secret_id = \"argo-archive-password\"\n  replication", new: "  secret_id = \"argo-archive-pasword\"\n  replication"},
		{name: "secret key", old: "{key: forecasting-exchange-prod}", new: "{key: forecasting-exchange-staging}"},
		{name: "role on the secret", old: "  secret_id = \"forecasting-exchange-prod\"\n  role      = \"roles/secretmanager.secretAccessor\"", new: "  secret_id = \"forecasting-exchange-prod\"\n  role      = \"roles/secretmanager.viewer\""},
		{name: "secret of the grant", old: "  secret_id = \"forecasting-exchange-prod\"\n  role ", new: "  secret_id = \"forecasting-exchange\"\n  role "},
		{name: "store of another cluster", old: "          clusterName: mlops-prod\n          clusterProjectID", new: "          clusterName: mlops\n          clusterProjectID"},
		{name: "project of the store", old: "      projectID: mlops-prod\n      auth:\n        workloadIdentity:\n          clusterLocation: asia-northeast1\n          clusterName: mlops-prod\n          serviceAccountRef", new: "      projectID: mlops-dev\n      auth:\n        workloadIdentity:\n          clusterLocation: asia-northeast1\n          clusterName: mlops-prod\n          serviceAccountRef"},
		{name: "repository of images renamed", old: "  repository_id = \"images\"", new: "  repository_id = \"containers\""},
		{name: "place of the images", old: "asia-northeast1-docker.pkg.dev/mlops-prod/images/detector", new: "us-docker.pkg.dev/mlops-prod/images/detector"},
		{name: "role of the nodes on images", old: "roles/artifactregistry.reader", new: "roles/artifactregistry.viewer"},
	}
}
