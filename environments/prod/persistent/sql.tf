# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_sql_database_instance" "argo_archive" {
  name                = "argo-archive"
  region              = "asia-northeast1"
  database_version    = "POSTGRES_16"
  deletion_protection = true

  settings {
    tier                        = "db-custom-1-3840"
    edition                     = "ENTERPRISE"
    availability_type           = "ZONAL"
    deletion_protection_enabled = true

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }
  }

  depends_on = [google_service_networking_connection.services]

  lifecycle {
    prevent_destroy = true
  }
}

# Whoever logs in here has a password, which would be in the state: the user is made by
# hand, with what is in the secrets argo-archive-username and argo-archive-password.
resource "google_sql_database" "argo_archive_argo" {
  name     = "argo"
  instance = google_sql_database_instance.argo_archive.name

  lifecycle {
    prevent_destroy = true
  }
}
