# METADATA
# title: An image is not pinned
# description: |
#   Without a digest the same manifest runs other code tomorrow: tags move, and a Spot node that comes back pulls what the tag says
#   then. A placeholder was forgotten, and cannot be pulled at all.
# custom:
#   severity: error
#   slug: image-unpinned
package strake.rules.image_unpinned

import data.strake.lib

findings contains f if {
	some c in lib.containers
	text := object.get(c.container, "image", "")
	is_string(text)
	some problem in [problem_of(c, text)]
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["image"]),
		"severity": problem[0],
		"summary": sprintf("the image %q %s", [text, problem[1]]),
		"detail": problem[2],
	}
}

problem_of(c, text) := ["error", "is a placeholder", "Write the image that is to run, with its digest."] if {
	placeholder(text)
} else := null if {
	lib.templated(text)
} else := null if {
	text == ""
} else := ["error", "has no tag: that is latest", "Pin it by digest: image@sha256:…"] if {
	lib.image(text).tag == ""
	lib.image(text).digest == ""
} else := ["error", "has the tag latest", "Pin it by digest: image@sha256:…"] if {
	lib.image(text).tag == "latest"
	lib.image(text).digest == ""
} else := ["warning", "has no digest", "Pin what runs in production by digest: a tag can be moved. image:tag@sha256:… keeps the tag readable."] if {
	lib.prod
	lib.image(text).digest == ""
	not released(lib.image(text))
	not official(input.objects[c.object], lib.image(text))
}

placeholder(text) if regex.match(`(?i)PLACEHOLDER|CHANGE_?ME|REPLACE_?ME|YOUR[_-]|<[^>]*>|\[[^\]]*\]|^TODO`, text)

# released images are those of projects that never move the tag of a release.
released(i) if {
	some prefix in ["argoproj/", "cloud-sql-connectors/", "external-secrets/", "cert-manager/", "jetstack/", "ingress-nginx/"]
	startswith(i.repository, prefix)
	i.registry in {"quay.io", "gcr.io", "ghcr.io", "registry.k8s.io", "oci.external-secrets.io"}
	lib.version_of(i.tag)
}

# official are the images that Argo CD's own manifests bring, with the version
# that each of its releases was tested with.
official(o, i) if {
	o.metadata.labels["app.kubernetes.io/part-of"] == "argocd"
	some name in ["dexidp/dex", "redis", "docker/library/redis", "library/redis"]
	i.repository == name
}
