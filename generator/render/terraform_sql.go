package render

import (
	"net/netip"
	"slices"
	"strings"

	"strake/generator/spec"
	"strake/generator/terraform"
)

// vpc is the network, with the range that Google's own services get addresses
// of. It is persistent because the databases are: their private addresses hang
// on the peering, and a layer must never depend on one that dies before it.
func (r *root) vpc() terraform.Content {
	n := r.e.VPC()
	switch {
	case r.e.Cluster.Existing && r.e.Network == nil:
		return nil // whoever made the cluster made its network
	case n.Existing:
		return terraform.Content{
			terraform.NewBlock("data", "google_compute_network", mainName).Has(
				terraform.Set("name", n.Name).Because("network.name"),
			).Because("network"),
		}
	}
	const peering = "google_compute_global_address"
	network := terraform.Reference("google_compute_network." + mainName + ".id")
	address, bits := "", 0
	if p, err := netip.ParsePrefix(n.PeeringCIDR); err == nil {
		address, bits = p.Addr().String(), p.Bits()
	}
	return terraform.Content{
		resource("google_compute_network", mainName).Has(
			terraform.Set("name", n.Name).Because("network.name"),
			terraform.Set("auto_create_subnetworks", false),
			keep(),
		).Because("network"),
		resource(peering, "services").Has(
			terraform.Set("name", n.Name+"-services").Because("network.name"),
			terraform.Set("purpose", "VPC_PEERING"),
			terraform.Set("address_type", "INTERNAL"),
			terraform.Set("address", address).Because("network.peeringCIDR"),
			terraform.Set("prefix_length", bits).Because("network.peeringCIDR"),
			terraform.Set("network", network),
			keep(),
		).Because("network"),
		resource("google_service_networking_connection", "services").Has(
			terraform.Set("network", network),
			terraform.Set("service", "servicenetworking.googleapis.com"),
			terraform.Set("reserved_peering_ranges", terraform.Tuple{terraform.Reference(peering + ".services.name")}),
			keep(),
		).Because("network"),
	}
}

// networkID is what refers to the network in the persistent root.
func (r *root) networkID() terraform.Reference {
	if r.e.VPC().Existing {
		return terraform.Reference("data.google_compute_network." + mainName + ".id")
	}
	return terraform.Reference("google_compute_network." + mainName + ".id")
}

// databasePath is where the spec names an instance.
func databasePath(e *spec.Effective, name string) string {
	if slices.ContainsFunc(e.Databases, func(d spec.Database) bool { return d.Name == name }) {
		return "databases[" + name + "]"
	}
	return "archive.postgresql.cloudSQL"
}

// sql is the Cloud SQL instances that are created here, with their databases
// and the users who log in with IAM. Users with a password are not: it would be
// in the state.
func (r *root) sql() terraform.Content {
	var out terraform.Content
	for _, d := range r.e.Instances() {
		if d.Existing {
			continue
		}
		from := databasePath(r.e, d.Name)
		local := r.local("google_sql_database_instance", d.Name)
		out = append(out, r.instance(d, local, from))
		instance := terraform.Reference("google_sql_database_instance." + local + ".name")
		for _, name := range d.Databases {
			schema := resource("google_sql_database", r.local("google_sql_database", d.Name+"."+name)).Has(
				terraform.Set("name", name),
				terraform.Set("instance", instance),
				keep(),
			).Because(r.databaseFrom(name, from))
			if user := r.passwordUser(d.Name, name); user != "" {
				schema = schema.Saying("Whoever logs in here has a password, which would be in the state: the user is made by\nhand, with what is in the secrets " + user + ".")
			}
			out = append(out, schema)
		}
		for _, u := range r.users(d) {
			user := resource("google_sql_user", r.local("google_sql_user", d.Name+"."+u.email)).Has(
				terraform.Set("name", strings.TrimSuffix(u.email, ".gserviceaccount.com")),
				terraform.Set("instance", instance),
				terraform.Set("type", "CLOUD_IAM_SERVICE_ACCOUNT"),
			)
			if account := r.account(u.email); account != "" {
				user = user.Has(terraform.Set("depends_on", terraform.Tuple{terraform.Reference(account)}))
			}
			out = append(out, user.Because(u.from))
		}
	}
	return out
}

// passwordUser names the two secrets that hold the login of the archive, where
// this is its database and it has one.
func (r *root) passwordUser(instance, name string) string {
	p := database(r.e)
	if p == nil || p.CloudSQL != instance || p.Database != name || p.User.Secret == nil {
		return ""
	}
	return p.User.Secret.Username + " and " + p.User.Secret.Password
}

// databaseFrom is the place of one database of an instance: the archive's has
// its own.
func (r *root) databaseFrom(name, from string) string {
	if p := database(r.e); p != nil && p.Database == name {
		return "archive.postgresql.database"
	}
	return from + ".databases"
}

func (r *root) instance(d spec.Database, local, from string) terraform.Part {
	availability := "ZONAL"
	if d.HighAvailability {
		availability = "REGIONAL"
	}
	edition := "ENTERPRISE"
	if strings.HasPrefix(d.Tier, "db-perf-") {
		edition = "ENTERPRISE_PLUS"
	}
	parts := []terraform.Part{
		terraform.Set("name", d.Name),
		terraform.Set("region", r.e.Cloud.Region).Because("cloud.region"),
		terraform.Set("database_version", d.Engine).Because(from + ".engine"),
		terraform.Set("deletion_protection", true),
		terraform.NewBlock("settings").Has(
			terraform.Set("tier", d.Tier).Because(from+".tier"),
			terraform.Set("edition", edition).Because(from+".tier"),
			terraform.Set("availability_type", availability).Because(from+".highAvailability"),
			terraform.Set("deletion_protection_enabled", true),
			terraform.NewBlock("backup_configuration").Has(
				terraform.Set("enabled", true),
				terraform.Set("point_in_time_recovery_enabled", true),
			),
			terraform.NewBlock("ip_configuration").Has(
				terraform.Set("ipv4_enabled", false),
				terraform.Set("private_network", r.networkID()).Because("network"),
				terraform.Set("ssl_mode", "ENCRYPTED_ONLY"),
			),
			terraform.NewBlock("database_flags").Has(
				terraform.Set("name", "cloudsql.iam_authentication"),
				terraform.Set("value", "on"),
			),
		),
	}
	if !r.e.VPC().Existing {
		parts = append(parts, terraform.Set("depends_on", terraform.Tuple{terraform.Reference("google_service_networking_connection.services")}))
	}
	return resource("google_sql_database_instance", local).Has(append(parts, keep())...).Because(from)
}

// sqlUser is a Google service account that logs in to an instance.
type sqlUser struct{ email, from string }

// users lists who logs in to an instance with IAM, each once.
func (r *root) users(d spec.Database) []sqlUser {
	var all []sqlUser
	add := func(email, from string) {
		if email != "" && !slices.ContainsFunc(all, func(u sqlUser) bool { return u.email == email }) {
			all = append(all, sqlUser{email, from})
		}
	}
	for i, u := range d.Users {
		add(r.e.Account(u.IAM), databasePath(r.e, d.Name)+".users["+itoa(i)+"].iam")
	}
	if p := database(r.e); p != nil && p.CloudSQL == d.Name && p.ConnectionName == "" && p.User.IAM != "" {
		add(p.GoogleServiceAccount, "archive.postgresql.user.iam")
	}
	for i := range r.e.Tenants {
		t := &r.e.Tenants[i]
		for _, s := range t.Services {
			if s.CloudSQL != nil && s.CloudSQL.Database == d.Name && logsInByIAM(s.CloudSQL) {
				add(t.ServiceAccount.GoogleServiceAccount, tenantPath(t)+".services["+s.Name+"].cloudSQL")
			}
		}
	}
	return all
}

// logsInByIAM reports whether a service has no password of its own.
func logsInByIAM(db *spec.ServiceDatabase) bool { return db.Login != "password" }
