# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

data "google_project" "main" {}

output "project_number" {
  description = "Number of the project. IAM names the ServiceAccounts of the cluster by it."
  value       = data.google_project.main.number
}

output "network" {
  description = "Network that the cluster stands in."
  value       = google_compute_network.main.id
}

output "node_service_account" {
  description = "Google service account that the nodes run as."
  value       = google_service_account.nodes_mlops_dev.email
}
