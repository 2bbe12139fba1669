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
  value       = google_service_account.nodes_mlops_staging.email
}

output "sql_argo_archive_connection_name" {
  description = "Name that the Cloud SQL proxy finds argo-archive by."
  value       = google_sql_database_instance.argo_archive.connection_name
}

output "sql_argo_archive_private_ip" {
  description = "Address of argo-archive in the network."
  value       = google_sql_database_instance.argo_archive.private_ip_address
}
