# METADATA
# title: The archive's database is reached without TLS
# description: |
#   Without ssl and an sslMode the database's password and every archived workflow, parameters included, cross the network in clear
#   text. ssl alone means prefer, which falls back to clear text.
# custom:
#   severity: error
#   slug: archive-tls
package strake.rules.archive_tls

import data.strake.lib

findings contains f if {
	some p in lib.persistences
	db := p.value.postgresql
	host := object.get(db, "host", "")
	not local(host)
	not safe(db)
	f := {
		"object": p.object,
		"path": array.concat(p.path, ["postgresql"]),
		"summary": sprintf("the archive's database on %v is reached %s", [host, how(db)]),
		"detail": "Set ssl: true and sslMode: verify-full (or verify-ca, require), or reach Cloud SQL through its proxy on 127.0.0.1.",
	}
}

local(host) if host in {"localhost", "127.0.0.1", "::1"}

safe(db) if {
	db.ssl == true
	object.get(db, "sslMode", "") in {"require", "verify-ca", "verify-full"}
}

how(db) := "without TLS" if not db.ssl == true

how(db) := sprintf("with sslMode %s, which falls back to clear text", [object.get(db, "sslMode", "prefer")]) if db.ssl == true
