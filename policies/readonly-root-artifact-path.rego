# METADATA
# title: An output lies on a read-only root file system
# description: |
#   With readOnlyRootFilesystem a step can only write where a volume is mounted. An output elsewhere cannot be written, and the step
#   fails at its end.
# custom:
#   severity: error
#   slug: readonly-root-artifact-path
package strake.rules.readonly_root_artifact_path

import data.strake.lib

findings contains f if {
	some t in lib.pod_templates
	some kind in ["container", "script"]
	container := t.own[kind]
	read_only(container)
	some output in outputs(t.own)
	not lib.templated(output.at)
	not writable(t, container, output.at)
	f := {
		"object": t.object,
		"path": array.concat(t.path, output.path),
		"summary": sprintf("the output %s is written to %s, which lies on a read-only file system", [output.name, output.at]),
		"detail": "Mount an emptyDir at the directory, or write to one that is mounted.",
	}
}

# read_only: the container's own word, else the controller's for main containers.
read_only(container) if container.securityContext.readOnlyRootFilesystem == true

read_only(container) if {
	object.get(container, ["securityContext", "readOnlyRootFilesystem"], null) == null
	some c in lib.configs
	c.values.maincontainer.value.securityContext.readOnlyRootFilesystem == true
}

outputs(template) := array.concat(
	[{"name": a.name, "at": a.path, "path": ["outputs", "artifacts", i, "path"]} |
		some i, a in lib.as_array(object.get(template, ["outputs", "artifacts"], []))
	],
	[{"name": p.name, "at": p.valueFrom.path, "path": ["outputs", "parameters", i, "valueFrom", "path"]} |
		some i, p in lib.as_array(object.get(template, ["outputs", "parameters"], []))
	],
)

writable(_, container, file) if {
	some m in container.volumeMounts
	not m.readOnly == true
	below(file, m.mountPath)
}

# Argo mounts input artifacts, and a directory of its own for scripts.
writable(t, _, file) if {
	some a in t.own.inputs.artifacts
	below(file, a.path)
}

writable(_, _, file) if below(file, "/argo/staging")

below(file, dir) if file == trim_suffix(dir, "/")

below(file, dir) if startswith(file, sprintf("%s/", [trim_suffix(dir, "/")]))
