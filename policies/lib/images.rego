package strake.lib

# image splits a reference into registry, repository, tag and digest.
image(text) := {"registry": registry, "repository": repository, "tag": tag, "digest": digest} if {
	at := split(text, "@")
	digest := array.concat(at, [""])[1]
	parts := split(at[0], "/")
	last := parts[count(parts) - 1]
	tagged := split(last, ":")
	tag := array.concat(tagged, [""])[1]
	path := array.concat(array.slice(parts, 0, count(parts) - 1), [tagged[0]])
	host := array.slice(path, 0, registry_parts(path))
	registry := concat("", array.slice(array.concat(host, ["docker.io"]), 0, 1))
	repository := concat("/", array.slice(path, count(host), count(path)))
}

# registry_parts is 1 when the first part of a path is a registry and not the
# first part of a repository on Docker Hub.
default registry_parts(_) := 0

registry_parts(path) := 1 if {
	count(path) > 1
	regex.match(`[.:]|^localhost$`, path[0])
}

# image_name is the last part of the repository.
image_name(text) := n if {
	parts := split(image(text).repository, "/")
	n := parts[count(parts) - 1]
}

# image_version reads a tag such as v3.7.18 as [3, 7, 18].
image_version(text) := version_of(image(text).tag)

version_of(tag) := [to_number(p) | some p in split(trim_prefix(core, "v"), ".")] if {
	core := regex.find_n(`^v?[0-9]+\.[0-9]+\.[0-9]+`, tag, 1)[0]
}

# older holds when a version lies below another.
older(a, b) if a < b
