# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_service_account" "nodes_mlops_staging" {
  account_id   = "nodes-mlops-staging"
  display_name = "Nodes of mlops-staging"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_service_account" "vision_runner" {
  account_id   = "vision-runner"
  display_name = "Tenant vision"

  lifecycle {
    prevent_destroy = true
  }
}
