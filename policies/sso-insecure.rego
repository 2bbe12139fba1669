# METADATA
# title: Single sign-on does not check who it talks to
# description: |
#   With insecureSkipVerify, or an issuer on plain http, whoever is in between can issue logins for any user.
# custom:
#   severity: error
#   slug: sso-insecure
package strake.rules.sso_insecure

import data.strake.lib

findings contains f if {
	some c in lib.configs
	entry := c.values.sso
	entry.value.insecureSkipVerify == true
	f := {
		"object": c.object,
		"path": array.concat(entry.path, ["insecureSkipVerify"]),
		"summary": "sso.insecureSkipVerify is true: the identity provider's certificate is not checked",
		"detail": "Remove it, and mount the certificate of an own authority.",
	}
}

findings contains f if {
	some c in lib.configs
	entry := c.values.sso
	some field in ["issuer", "redirectUrl"]
	url := object.get(entry.value, field, "")
	startswith(url, "http://")
	not local(url)
	f := {
		"object": c.object,
		"path": array.concat(entry.path, [field]),
		"summary": sprintf("sso.%s is %s: logins cross the network in clear text", [field, url]),
		"detail": "Use https.",
	}
}

local(url) if {
	lib.dev
	regex.match(`^http://(localhost|127\.0\.0\.1|[a-z0-9-]+\.[a-z0-9-]+(\.svc)?)([:/]|$)`, url)
}
