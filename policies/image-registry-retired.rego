# METADATA
# title: An image comes from a registry that is gone
# description: |
#   Container Registry (gcr.io) was shut down on 2025-03-18: its hosts work only where they were moved to Artifact Registry. Bitnami
#   moved its versioned images away on 2025-08-28, and k8s.gcr.io has been frozen since 2023.
# custom:
#   severity: warning
#   slug: image-registry-retired
package strake.rules.image_registry_retired

import data.strake.lib

findings contains f if {
	some c in lib.containers
	text := object.get(c.container, "image", "")
	not lib.templated(text)
	some problem in [problem_of(lib.image(text))]
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["image"]),
		"severity": problem[0],
		"summary": sprintf("the image %q comes from %s", [text, problem[1]]),
		"detail": problem[2],
	}
}

problem_of(i) := ["warning", "Container Registry, which was shut down", "Use REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE of Artifact Registry."] if {
	i.registry in {"gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"}
	not hosted_by_google(i.repository)
} else := ["error", "docker.io/bitnami, which no longer has versioned images", "Use the project's own image, or a managed service for databases."] if {
	i.registry in {"docker.io", "index.docker.io", "registry-1.docker.io"}
	startswith(i.repository, "bitnami/")
} else := ["warning", "docker.io/bitnamilegacy, which gets no updates", "Use the project's own image, or a managed service for databases."] if {
	startswith(i.repository, "bitnamilegacy/")
} else := ["warning", "k8s.gcr.io, which is frozen", "Use registry.k8s.io with the same path."] if {
	i.registry == "k8s.gcr.io"
}

# hosted_by_google holds for projects of gcr.io that Google serves itself. The
# proxy of the first generation has a rule of its own.
hosted_by_google(repository) if {
	some project in [
		"cloud-sql-connectors", "cloudsql-docker", "distroless", "google-containers", "google_containers", "google-samples",
		"google.com", "gke-release", "gke-networking-api", "cloud-builders", "kaniko-project", "kubebuilder", "ml-pipeline",
		"tfx-oss-public", "knative-releases", "deeplearning-platform-release", "cloud-marketplace", "gcp-runtimes",
	]
	startswith(repository, sprintf("%s/", [project]))
}
