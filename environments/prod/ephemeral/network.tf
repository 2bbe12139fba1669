# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_compute_subnetwork" "main" {
  name                     = "mlops-prod"
  region                   = "asia-northeast1"
  network                  = data.terraform_remote_state.persistent.outputs.network
  ip_cidr_range            = "10.0.0.0/20"
  private_ip_google_access = true

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
  region  = "asia-northeast1"
  network = data.terraform_remote_state.persistent.outputs.network
}

resource "google_compute_router_nat" "main" {
  name                               = "mlops-prod"
  router                             = google_compute_router.main.name
  region                             = "asia-northeast1"
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.main.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
