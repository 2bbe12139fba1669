# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_compute_network" "main" {
  name                    = "mlops-prod"
  auto_create_subnetworks = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_global_address" "services" {
  name          = "mlops-prod-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = "10.9.0.0"
  prefix_length = 20
  network       = google_compute_network.main.id

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.main.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]

  lifecycle {
    prevent_destroy = true
  }
}
