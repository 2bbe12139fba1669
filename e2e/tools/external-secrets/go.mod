// Nothing of External Secrets is built: its module ships the CRDs that the
// tests apply. "go mod tidy" would drop it; e2e/tools.sh --source needs it.
module strake/e2e/tools/external-secrets

go 1.26.0

require github.com/external-secrets/external-secrets v0.20.4
