# METADATA
# title: A shell cannot read this environment variable
# description: |
#   Kubernetes accepts names with dashes and dots, and a shell cannot expand them: $GCP-PROJECT is $GCP followed by -PROJECT.
# custom:
#   severity: warning
#   slug: env-name-shell
package strake.rules.env_name_shell

import data.strake.lib

findings contains f if {
	some c in lib.containers
	some i, e in lib.as_array(object.get(c.container, "env", []))
	name := object.get(e, "name", "")
	name != ""
	not lib.templated(name)
	not regex.match(`^[A-Za-z_][A-Za-z0-9_]*$`, name)
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["env", i, "name"]),
		"summary": sprintf("the environment variable %s cannot be read by a shell", [name]),
		"detail": sprintf("Use letters, digits and underscores: %s.", [upper(regex.replace(name, `[^A-Za-z0-9_]`, "_"))]),
	}
}
