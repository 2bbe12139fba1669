# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_artifact_registry_repository" "ml" {
  location      = "asia-northeast1"
  repository_id = "ml"
  format        = "DOCKER"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_artifact_registry_repository" "dockerhub" {
  location      = "asia-northeast1"
  repository_id = "dockerhub"
  format        = "DOCKER"
  mode          = "REMOTE_REPOSITORY"

  remote_repository_config {
    docker_repository {
      public_repository = "DOCKER_HUB"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
