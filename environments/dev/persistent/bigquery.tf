# Rendered by Strake from environments/platform.yaml. Do not edit: change the spec, or override the result in *_override.tf.

resource "google_bigquery_dataset" "btcusd" {
  dataset_id                 = "btcusd"
  location                   = "asia-northeast1"
  delete_contents_on_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_bigquery_table" "btcusd_ohlcv" {
  dataset_id          = google_bigquery_dataset.btcusd.dataset_id
  table_id            = "ohlcv"
  deletion_protection = true
  schema = jsonencode([
    {
      name        = "opened_at"
      type        = "TIMESTAMP"
      mode        = "REQUIRED"
      description = "Start of the interval"
    },
    {
      name = "open"
      type = "NUMERIC"
      mode = "REQUIRED"
    },
    {
      name = "high"
      type = "NUMERIC"
      mode = "REQUIRED"
    },
    {
      name = "low"
      type = "NUMERIC"
      mode = "REQUIRED"
    },
    {
      name = "close"
      type = "NUMERIC"
      mode = "REQUIRED"
    },
    {
      name = "volume"
      type = "NUMERIC"
      mode = "NULLABLE"
    },
  ])

  lifecycle {
    prevent_destroy = true
  }
}
