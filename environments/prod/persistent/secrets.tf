# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_secret_manager_secret" "argo_archive_password" {
  secret_id = "argo-archive-password"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret" "argo_archive_username" {
  secret_id = "argo-archive-username"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret" "argocd_oidc" {
  secret_id = "argocd-oidc"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret" "argocd_slack" {
  secret_id = "argocd-slack"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_secret_manager_secret" "forecasting_exchange_prod" {
  secret_id = "forecasting-exchange-prod"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}
