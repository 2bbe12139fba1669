package render

import (
	"strconv"
	"strings"

	"strake/generator/spec"
)

// The Secret that the controller and the server log in to the archive with.
const (
	archiveSecretName  = "argo-archive-db"
	archiveUsernameKey = "username"
	archivePasswordKey = "password"

	proxyPort = 5432
)

// database is the archive's, or nil.
func database(e *spec.Effective) *spec.PostgreSQL {
	if e.Archive == nil {
		return nil
	}
	return e.Archive.PostgreSQL
}

// persistence is Argo's config.PersistConfig. Through the proxy the connection
// is to the pod itself, and the proxy encrypts; any other host is reached with
// TLS.
func persistence(e *spec.Effective) m {
	db := database(e)
	if db == nil {
		return nil
	}
	a := e.Archive
	const from = "archive.postgresql."
	server := m{
		{"host", at(from+"host", db.Host)},
		{"port", at(from+"port", db.Port)},
	}
	tls := m{
		{"ssl", at(from+"sslMode", true)},
		{"sslMode", at(from+"sslMode", sslMode(db))},
	}
	if db.CloudSQL != "" {
		server = m{
			{"host", at(from+"cloudSQL", "127.0.0.1")},
			{"port", at(from+"cloudSQL", proxyPort)},
		}
		tls = nil
	}
	postgresql := append(server,
		kv{"database", at(from+"database", db.Database)},
		kv{"tableName", "argo_workflows"},
		kv{"userNameSecret", at(from+"user", secretKey(archiveSecretName, archiveUsernameKey))},
		kv{"passwordSecret", at(from+"user", secretKey(archiveSecretName, archivePasswordKey))},
	)
	return m{
		{"archive", true},
		{"archiveTTL", at("archive.ttl", optional(a.TTL))},
		{"clusterName", at("archive.clusterName", clusterName(e))},
		{"nodeStatusOffLoad", at("archive.nodeStatusOffload", a.NodeStatusOffload)},
		{"connectionPool", at("archive.connectionPool", m{
			{"maxIdleConns", at("archive.connectionPool.maxIdle", a.ConnectionPool.MaxIdle)},
			{"maxOpenConns", at("archive.connectionPool.maxOpen", a.ConnectionPool.MaxOpen)},
			{"connMaxLifetime", at("archive.connectionPool.maxLifetime", argoTTL(a.ConnectionPool.MaxLifetime))},
		})},
		{"postgresql", at("archive.postgresql", append(postgresql, tls...))},
	}
}

func sslMode(db *spec.PostgreSQL) string {
	if db.SSLMode == "" {
		return "verify-full"
	}
	return db.SSLMode
}

// clusterName keeps the rows of environments apart that share a database.
func clusterName(e *spec.Effective) string {
	if e.Archive.ClusterName != "" {
		return e.Archive.ClusterName
	}
	return e.Platform + "-" + e.Environment
}

// argoTTL is a duration in the grammar of Argo's type TTL: one number and one
// unit, d, h, m or s.
func argoTTL(text string) any {
	d, err := spec.ParseDuration(text)
	if err != nil {
		return nil
	}
	if _, err := strconv.Atoi(text[:len(text)-1]); err == nil {
		return text
	}
	return strconv.Itoa(int(d.Seconds())) + "s"
}

// archiveSecrets bring the login. An IAM user has no password, yet Argo asks
// for one: it gets a random one that no database knows, made in the cluster.
func archiveSecrets(e *spec.Effective) []object {
	db := database(e)
	if db == nil || e.Secrets == nil {
		return nil
	}
	ns := e.Workflows.Namespace
	if db.User.IAM != "" {
		return iamSecrets(e, ns, db.User.IAM)
	}
	user, username, password := db.User.Secret, "archive.postgresql.user.secret.username", "archive.postgresql.user.secret.password"
	if user == nil {
		base := db.CloudSQL
		if base == "" {
			base = db.Database
		}
		user = &spec.UserSecret{Username: base + "-username", Password: base + "-password", PasswordVersion: "latest"}
		username, password = "archive.postgresql", "archive.postgresql"
	}
	return []object{fetchedSecret(e, archiveSecretName, ns, "archive.postgresql.user",
		fetched{archivePasswordKey, spec.SecretRef{Secret: user.Password, Version: user.PasswordVersion}, password},
		fetched{archiveUsernameKey, spec.SecretRef{Secret: user.Username}, username},
	)}
}

func iamSecrets(e *spec.Effective, ns, user string) []object {
	const from = "archive.postgresql.user.iam"
	generator := archiveSecretName + "-password"
	secret := object{from: from, doc: m{
		{"apiVersion", "external-secrets.io/v1"},
		{"kind", "ExternalSecret"},
		{"metadata", metadata(e, ns, archiveSecretName, "secrets")},
		{"spec", m{
			// A generator makes another value each time it is asked.
			{"refreshPolicy", "CreatedOnce"},
			{"target", m{
				{"name", archiveSecretName},
				{"creationPolicy", "Owner"},
				{"deletionPolicy", "Retain"},
			}},
			{"dataFrom", list{m{{"sourceRef", m{{"generatorRef", m{
				{"apiVersion", "generators.external-secrets.io/v1alpha1"},
				{"kind", "Password"},
				{"name", generator},
			}}}}}}},
		}},
	}}
	addTemplate(secret.doc, m{{archiveUsernameKey, literalText(user)}})
	return []object{
		{from: from, doc: m{
			{"apiVersion", "generators.external-secrets.io/v1alpha1"},
			{"kind", "Password"},
			{"metadata", metadata(e, ns, generator, "secrets")},
			{"spec", m{
				{"length", 32},
				{"digits", 8},
				{"symbols", 0},
				{"noUpper", false},
				{"allowRepeat", true},
			}},
		}},
		secret,
	}
}

// proxyContainers is the Cloud SQL proxy beside the controller and the server.
// Nil without Cloud SQL.
func proxyContainers(e *spec.Effective) any {
	db := database(e)
	if db == nil || db.CloudSQL == "" {
		return nil
	}
	p := sqlProxy{
		from:       "archive.postgresql.cloudSQL",
		port:       "--port=" + strconv.Itoa(proxyPort),
		connection: at(connectionSource(db), connectionName(e, db)),
		resources: m{
			{"requests", m{{"cpu", "50m"}, {"memory", "64Mi"}}},
			{"limits", m{{"memory", "256Mi"}}},
		},
	}
	if db.User.IAM != "" {
		p.login = at("archive.postgresql.user.iam", autoLogin)
	}
	return p.containers()
}

func connectionName(e *spec.Effective, db *spec.PostgreSQL) string {
	if db.ConnectionName != "" {
		return db.ConnectionName
	}
	return strings.Join([]string{e.Cloud.Project, e.Cloud.Region, db.CloudSQL}, ":")
}

func connectionSource(db *spec.PostgreSQL) string {
	if db.ConnectionName != "" {
		return "archive.postgresql.connectionName"
	}
	return "archive.postgresql.cloudSQL"
}

// databaseAccount links the ServiceAccounts to the Google account that may use
// the instance. Nil where IAM names the ServiceAccounts themselves.
func databaseAccount(e *spec.Effective) m {
	db := database(e)
	if db == nil || db.GoogleServiceAccount == "" {
		return nil
	}
	return m{{
		"iam.gke.io/gcp-service-account",
		at("archive.postgresql.googleServiceAccount", db.GoogleServiceAccount),
	}}
}

// archiveNetwork lets the controller and the server reach the database. The
// address of a Cloud SQL instance is not known here, but the port is: 3307, and
// 443 for the API that the proxy gets its certificate from.
func archiveNetwork(e *spec.Effective) []object {
	db := database(e)
	if db == nil {
		return nil
	}
	egress := list{m{{"ports", list{m{
		{"protocol", "TCP"},
		{"port", at("archive.postgresql.port", db.Port)},
	}}}}}
	if db.CloudSQL != "" {
		egress = list{
			m{{"ports", list{port("TCP", cloudSQLPort)}}},
			egressToMetadataServer(),
			egressHTTPS(),
		}
	}
	o := networkPolicy(e, e.Workflows.Namespace, "archive-database", m{
		{"podSelector", in("app", "argo-server", "workflow-controller")},
		{"policyTypes", list{"Egress"}},
		{"egress", egress},
	})
	o.from = "archive.postgresql"
	return []object{o}
}
