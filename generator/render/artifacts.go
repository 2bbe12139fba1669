package render

import (
	"strake/generator/spec"
)

// Names that Argo Workflows looks up, or that two objects of ours share.
const (
	// artifactRepositoriesName is fixed: Argo looks for a ConfigMap of this name
	// in a workflow's namespace (docs/artifact-repository-ref.md).
	artifactRepositoriesName = "artifact-repositories"
	defaultRepositoryNote    = "workflows.argoproj.io/default-artifact-repository"
	defaultRepositoryKey     = "default-v1"

	artifactSecretName = "artifact-repository"
	artifactAccessKey  = "accessKey"
	artifactSecretKey  = "secretKey"
)

// artifactRepositories is the ConfigMap that gives the workflows of a namespace
// their artifact repository, and false where the spec has none.
func artifactRepositories(e *spec.Effective, namespace string) (object, bool) {
	repository := artifactRepository(e)
	if repository == nil {
		return object{}, false
	}
	meta := metadata(e, namespace, artifactRepositoriesName, "artifacts")
	meta = append(meta, kv{"annotations", m{{defaultRepositoryNote, defaultRepositoryKey}}})
	return object{
		from: "artifacts",
		doc: m{
			{"apiVersion", "v1"},
			{"kind", "ConfigMap"},
			{"metadata", meta},
			{"data", m{{defaultRepositoryKey, embedded{repository}}}},
		},
	}, true
}

// artifactRepository is the repository as Argo's ArtifactRepository type reads
// it. A bucket of Cloud Storage has no key: the pods' Workload Identity is used.
func artifactRepository(e *spec.Effective) m {
	a := e.Artifacts
	switch {
	case a == nil:
		return nil
	case a.GCS != nil:
		return m{
			{"archiveLogs", at("artifacts.archiveLogs", a.ArchiveLogs)},
			{"gcs", at("artifacts.gcs", m{
				{"bucket", at("artifacts.gcs.bucket", a.GCS.Bucket)},
				{"keyFormat", at("artifacts.keyFormat", optional(a.KeyFormat))},
			})},
		}
	case a.S3 != nil:
		return m{
			{"archiveLogs", at("artifacts.archiveLogs", a.ArchiveLogs)},
			{"s3", at("artifacts.s3", m{
				{"endpoint", at("artifacts.s3.endpoint", a.S3.Endpoint)},
				{"bucket", at("artifacts.s3.bucket", a.S3.Bucket)},
				{"region", at("artifacts.s3.region", optional(a.S3.Region))},
				{"insecure", at("artifacts.s3.insecure", a.S3.Insecure)},
				{"keyFormat", at("artifacts.keyFormat", optional(a.KeyFormat))},
				{"accessKeySecret", at("artifacts.s3.accessKey", secretKey(artifactSecretName, artifactAccessKey))},
				{"secretKeySecret", at("artifacts.s3.secretKey", secretKey(artifactSecretName, artifactSecretKey))},
			})},
		}
	default:
		return nil
	}
}

// artifactSecret brings the keys of an S3 repository into a namespace, where
// workflow pods read them. False where no keys exist.
func artifactSecret(e *spec.Effective, namespace string) (object, bool) {
	if e.Artifacts == nil || e.Artifacts.S3 == nil || e.Artifacts.GCS != nil || e.Secrets == nil {
		return object{}, false
	}
	return fetchedSecret(e, artifactSecretName, namespace, "artifacts.s3",
		fetched{artifactAccessKey, e.Artifacts.S3.AccessKey, "artifacts.s3.accessKey"},
		fetched{artifactSecretKey, e.Artifacts.S3.SecretKey, "artifacts.s3.secretKey"},
	), true
}
