# METADATA
# title: A secret stands in Git in clear text
# description: |
#   Who can read the repository, its forks, its clones and the pull request's page can read the secret, for ever: it has to be
#   changed, not only removed.
# custom:
#   severity: error
#   slug: secret-in-git
package strake.rules.secret_in_git

import data.strake.lib

advice := "Keep it in the secret store, fetch it with an ExternalSecret, and refer to it by name. A secret that was pushed once has to be replaced."

# harmless are keys of Argo CD's repository and cluster Secrets that say where
# something is, not how to get in.
harmless := {"type", "url", "name", "project", "server", "namespaces", "clusterResources", "enableLfs", "enableOCI", "insecure", "proxy", "noProxy"}

findings contains f if {
	some i in lib.indices.Secret
	o := input.objects[i]
	some field in ["data", "stringData"]
	some key, value in lib.as_object(object.get(o, field, {}))
	is_string(value)
	value != ""
	not argocd_address(o, key)
	not reference(decoded(field, value))
	f := {
		"object": i,
		"path": [field, key],
		"summary": sprintf("the Secret %s holds a value under %s.%s", [lib.name(o), field, key]),
		"detail": advice,
		"sensitive": true,
	}
}

argocd_address(o, key) if {
	lib.label(o, "argocd.argoproj.io/secret-type") != ""
	key in harmless
}

decoded("stringData", value) := value

decoded("data", value) := base64.decode(value) if base64.is_valid(value)

decoded("data", value) := value if not base64.is_valid(value)

# A value in the environment of a container.
findings contains f if {
	some c in lib.containers
	some i, e in lib.as_array(object.get(c.container, "env", []))
	secret_name(object.get(e, "name", ""))
	literal(object.get(e, "value", ""))
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["env", i, "value"]),
		"summary": sprintf("the environment variable %s of container %s has a literal value", [e.name, object.get(c.container, "name", "main")]),
		"detail": advice,
		"sensitive": true,
	}
}

# A value in a ConfigMap.
findings contains f if {
	some i in lib.indices.ConfigMap
	o := input.objects[i]
	some key, value in lib.as_object(object.get(o, "data", {}))
	secret_name(key)
	literal(value)
	f := {
		"object": i,
		"path": ["data", key],
		"summary": sprintf("the ConfigMap %s holds a literal under %s", [lib.name(o), key]),
		"detail": advice,
		"sensitive": true,
	}
}

# A value in the configuration of the workflow controller, such as the password
# of its database.
findings contains f if {
	some c in lib.configs
	some _, entry in c.values
	some inner in inner_secrets(entry.value)
	path := array.concat(entry.path, inner)
	f := {
		"object": c.object,
		"path": path,
		"summary": sprintf("the workflow controller's configuration holds a literal under %s", [concat(".", [sprintf("%v", [p]) | some p in array.slice(path, 1, count(path))])]),
		"detail": sprintf("%s The database takes userNameSecret and passwordSecret.", [advice]),
		"sensitive": true,
	}
}

inner_secrets(value) := {path |
	walk(value, [path, v])
	is_string(v)
	count(path) > 0
	key := path[count(path) - 1]
	is_string(key)
	regex.match(`(?i)(password|passwd|apikey|api[_-]key|secretkey|accesskey|privatekey|clientsecret|token)$`, key)
	literal(v)
}

# A password in the address of a database or a service.
findings contains f if {
	some i in lib.indices.ConfigMap
	o := input.objects[i]
	some key, value in lib.as_object(object.get(o, "data", {}))
	not secret_name(key)
	credentials_in_url(value)
	f := {
		"object": i,
		"path": ["data", key],
		"summary": sprintf("the ConfigMap %s holds a URL with a password under %s", [lib.name(o), key]),
		"detail": advice,
		"sensitive": true,
	}
}

findings contains f if {
	some c in lib.containers
	some i, e in lib.as_array(object.get(c.container, "env", []))
	not secret_name(object.get(e, "name", ""))
	credentials_in_url(object.get(e, "value", ""))
	f := {
		"object": c.object,
		"path": array.concat(c.path, ["env", i, "value"]),
		"summary": sprintf("the environment variable %s holds a URL with a password", [e.name]),
		"detail": advice,
		"sensitive": true,
	}
}

credentials_in_url(value) if {
	is_string(value)
	some found in regex.find_n(`[a-z][a-z0-9+.-]*://[^\s/:@"']+:[^\s/@"']+@`, value, -1)
	not lib.templated(found)
	not regex.match(`:(<[^>]*>|\*+|x{3,}|password|\$[A-Za-z_].*)@$`, found)
}

# secret_name holds for names that say their value is a secret. Names that say
# where one is kept (DB_PASSWORD_FILE, TOKEN_URL, SECRET_NAME) do not end so.
secret_name(key) if regex.match(`(?i)(^|[^a-z])(pass|pwd|token|secret)$`, key)

secret_name(key) if regex.match(`(?i)(password|passwd|apikey|api[_.-]key|secret[_.-]?key|private[_.-]?key|access[_.-]?token|auth[_.-]?token|client[_.-]?secret|secret[_.-]?token)$`, key)

# literal holds for values that are no reference to something else.
literal(value) if {
	is_string(value)
	value != ""
	not reference(value)
	not regex.match(`(?i)^(true|false|yes|no|none|null|[0-9]+)$`, value)
}

reference(value) if lib.templated(value)

reference(value) if startswith(value, "$")

reference(value) if regex.match(`^<[^<>]*>$`, value)

reference(value) if startswith(value, "ENC[")

reference(value) if regex.match(`^projects/[^/]+/secrets/[^/]+`, value)

reference(value) if regex.match(`^(/[A-Za-z0-9._-]+)+/?$`, value)
