# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

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

resource "google_secret_manager_secret" "forecasting_exchange_dev" {
  secret_id = "forecasting-exchange-dev"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}
