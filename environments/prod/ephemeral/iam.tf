# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_project_iam_member" "argo_argo_cloudsql_client" {
  project    = "mlops-prod"
  role       = "roles/cloudsql.client"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/argo"
  depends_on = [google_container_cluster.main]
}

resource "google_project_iam_member" "argo_argo_server_cloudsql_client" {
  project    = "mlops-prod"
  role       = "roles/cloudsql.client"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/argo-server"
  depends_on = [google_container_cluster.main]
}

resource "google_storage_bucket_iam_member" "argo_argo_server_mlops_prod_artifacts_storage_objectViewer" {
  bucket     = "mlops-prod-artifacts"
  role       = "roles/storage.objectViewer"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/argo-server"
  depends_on = [google_container_cluster.main]
}

resource "google_project_iam_member" "forecasting_workflow_runner_bigquery_jobUser" {
  project    = "mlops-prod"
  role       = "roles/bigquery.jobUser"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
  depends_on = [google_container_cluster.main]
}

resource "google_project_iam_member" "forecasting_workflow_runner_bigquery_readSessionUser" {
  project    = "mlops-prod"
  role       = "roles/bigquery.readSessionUser"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
  depends_on = [google_container_cluster.main]
}

resource "google_storage_bucket_iam_member" "forecasting_workflow_runner_mlops_prod_forecasting_storage_objectUser" {
  bucket     = "mlops-prod-forecasting"
  role       = "roles/storage.objectUser"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
  depends_on = [google_container_cluster.main]
}

resource "google_bigquery_dataset_iam_member" "forecasting_workflow_runner_btcusd_bigquery_dataEditor" {
  dataset_id = "btcusd"
  role       = "roles/bigquery.dataEditor"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
  depends_on = [google_container_cluster.main]
}

resource "google_storage_bucket_iam_member" "forecasting_workflow_runner_mlops_prod_artifacts_storage_objectUser" {
  bucket     = "mlops-prod-artifacts"
  role       = "roles/storage.objectUser"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/workflow-runner"
  depends_on = [google_container_cluster.main]
}

resource "google_service_account_iam_member" "ml_vision_workflow_runner_vision_runner_iam_workloadIdentityUser" {
  service_account_id = "projects/mlops-prod/serviceAccounts/vision-runner@mlops-prod.iam.gserviceaccount.com"
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:mlops-prod.svc.id.goog[ml-vision/workflow-runner]"
  depends_on         = [google_container_cluster.main]
}

resource "google_secret_manager_secret_iam_member" "argo_external_secrets_argo_archive_password_secretmanager_secretAccessor" {
  secret_id  = "argo-archive-password"
  role       = "roles/secretmanager.secretAccessor"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/external-secrets"
  depends_on = [google_container_cluster.main]
}

resource "google_secret_manager_secret_iam_member" "argo_external_secrets_argo_archive_username_secretmanager_secretAccessor" {
  secret_id  = "argo-archive-username"
  role       = "roles/secretmanager.secretAccessor"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argo/sa/external-secrets"
  depends_on = [google_container_cluster.main]
}

resource "google_secret_manager_secret_iam_member" "argocd_external_secrets_argocd_oidc_secretmanager_secretAccessor" {
  secret_id  = "argocd-oidc"
  role       = "roles/secretmanager.secretAccessor"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argocd/sa/external-secrets"
  depends_on = [google_container_cluster.main]
}

resource "google_secret_manager_secret_iam_member" "argocd_external_secrets_argocd_slack_secretmanager_secretAccessor" {
  secret_id  = "argocd-slack"
  role       = "roles/secretmanager.secretAccessor"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/argocd/sa/external-secrets"
  depends_on = [google_container_cluster.main]
}

resource "google_secret_manager_secret_iam_member" "forecasting_external_secrets_forecasting_exchange_prod_secretmanager_secretAccessor" {
  secret_id  = "forecasting-exchange-prod"
  role       = "roles/secretmanager.secretAccessor"
  member     = "principal://iam.googleapis.com/projects/100000000003/locations/global/workloadIdentityPools/mlops-prod.svc.id.goog/subject/ns/forecasting/sa/external-secrets"
  depends_on = [google_container_cluster.main]
}
