# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }

  backend "gcs" {
    bucket = "mlops-staging-tfstate"
    prefix = "mlops/staging/persistent"
  }
}

provider "google" {
  project = "mlops-staging"
  region  = "asia-northeast1"
}
