# METADATA
# title: The login of the archive's database is not there
# description: |
#   The controller reads userNameSecret and passwordSecret in its own namespace. When the Secret or the key is not there it does not
#   start, and no workflow runs.
# custom:
#   severity: error
#   slug: archive-secret-unresolved
package strake.rules.archive_secret_unresolved

import data.strake.lib

findings contains f if {
	some p in lib.persistences
	some kind in ["postgresql", "mysql"]
	db := p.value[kind]
	some field in ["userNameSecret", "passwordSecret"]
	ref := db[field]
	state := lib.secret_state(p.namespace, ref.name, object.get(ref, "key", ""))
	state != "found"
	f := {
		"object": p.object,
		"path": array.concat(p.path, [kind, field]),
		"severity": severity(p, state),
		"summary": sprintf("%s names the key %v of the Secret %s/%s, and %s", [field, object.get(ref, "key", ""), p.namespace, ref.name, words(state)]),
		"detail": "Write an ExternalSecret in the controller's namespace with that target name and key.",
	}
}

words("no key") := "nothing writes that key"

words("no object") := "no Secret or ExternalSecret of that name is rendered there"

severity(_, "no key") := "error"

severity(p, "no object") := lib.source_severity(lib.secret_sources, p.namespace)
