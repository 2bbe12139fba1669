# METADATA
# title: The Cloud SQL proxy of the first generation is out of support
# description: |
#   gcr.io/cloudsql-docker/gce-proxy gets no fixes, and its flags differ from those of the Cloud SQL Auth Proxy that replaced it.
# custom:
#   severity: error
#   slug: cloudsql-proxy-v1
package strake.rules.cloudsql_proxy_v1

import data.strake.lib

advice := "Use gcr.io/cloud-sql-connectors/cloud-sql-proxy, with the instance as an argument, as an init container with restartPolicy Always."

findings contains f if {
	some c in lib.containers
	text := object.get(c.container, "image", "")
	endswith(lib.image(text).repository, "cloudsql-docker/gce-proxy")
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["image"]),
		"summary": sprintf("the image %q is the Cloud SQL proxy of the first generation", [text]),
		"detail": advice,
	}
}

findings contains f if {
	some c in lib.containers
	some field in ["args", "command"]
	some i, word in lib.as_array(object.get(c.container, field, []))
	contains(word, "-instances=")
	lib.image_name(object.get(c.container, "image", "")) == "cloud-sql-proxy"
	f := {
		"object": c.object,
		"path": array.concat(c.path, [field, i]),
		"summary": "-instances= is a flag of the Cloud SQL proxy of the first generation",
		"detail": "Write PROJECT:REGION:INSTANCE as an argument, and --port=5432 for the port.",
	}
}
