# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

data "terraform_remote_state" "persistent" {
  backend = "gcs"
  config = {
    bucket = "mlops-dev-tfstate"
    prefix = "mlops/dev/persistent"
  }
}
