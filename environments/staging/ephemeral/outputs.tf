# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

output "cluster_name" {
  description = "Name of the cluster."
  value       = google_container_cluster.main.name
}

output "cluster_location" {
  description = "Region or zone of the cluster."
  value       = google_container_cluster.main.location
}

output "cluster_dns_endpoint" {
  description = "Name that people with the right to reach the API server by."
  value       = google_container_cluster.main.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
}
