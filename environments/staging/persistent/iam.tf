# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_project_iam_member" "nodes_mlops_staging_container_defaultNodeServiceAccount" {
  project = "mlops-staging"
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes_mlops_staging.member
}

resource "google_artifact_registry_repository_iam_member" "nodes_mlops_staging_ml_artifactregistry_reader" {
  location   = "asia-northeast1"
  repository = google_artifact_registry_repository.ml.repository_id
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes_mlops_staging.member
}

resource "google_artifact_registry_repository_iam_member" "nodes_mlops_staging_dockerhub_artifactregistry_reader" {
  location   = "asia-northeast1"
  repository = google_artifact_registry_repository.dockerhub.repository_id
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes_mlops_staging.member
}

resource "google_storage_bucket_iam_member" "vision_runner_mlops_staging_vision_storage_objectUser" {
  bucket = google_storage_bucket.mlops_staging_vision.name
  role   = "roles/storage.objectUser"
  member = google_service_account.vision_runner.member
}

resource "google_storage_bucket_iam_member" "vision_runner_mlops_staging_artifacts_storage_objectUser" {
  bucket = google_storage_bucket.mlops_staging_artifacts.name
  role   = "roles/storage.objectUser"
  member = google_service_account.vision_runner.member
}
