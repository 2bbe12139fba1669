package render

import (
	"slices"

	"strake/generator/spec"
)

// Roles that the platform itself needs, each the least that does
// (https://cloud.google.com/iam/docs/understanding-roles). The first three of the
// databases' and the nodes' can only be given on a project.
const (
	roleNode           = "roles/container.defaultNodeServiceAccount"
	roleSQLClient      = "roles/cloudsql.client"
	roleSQLUser        = "roles/cloudsql.instanceUser"
	roleRegistryReader = "roles/artifactregistry.reader"
	roleObjectUser     = "roles/storage.objectUser"
	roleObjectViewer   = "roles/storage.objectViewer"
	roleSecretAccessor = "roles/secretmanager.secretAccessor"
	roleIdentityUser   = "roles/iam.workloadIdentityUser"
)

// collector gathers rights, each once.
type collector struct {
	e   *spec.Effective
	all []right
}

func (c *collector) give(who principal, kind rightKind, on, role, from string) {
	same := func(g right) bool { return g.who == who && g.kind == kind && g.on == on && g.role == role }
	if !slices.ContainsFunc(c.all, same) {
		c.all = append(c.all, right{who, kind, on, role, from})
	}
}

// acts is who a ServiceAccount of the cluster is to IAM: the Google service
// account that it is linked to, or itself. The link is a right too.
func (c *collector) acts(namespace, name, email, from string) principal {
	if email == "" {
		return principal{namespace: namespace, name: name}
	}
	c.give(principal{email, namespace, name}, onAccount, email, roleIdentityUser, from)
	return principal{email: email}
}

// iamRights lists every right that the environment needs, in the order of the
// spec.
func iamRights(e *spec.Effective, stored []storedSecret) []right {
	c := &collector{e: e}
	c.nodes()
	c.archive()
	c.databases()
	for i := range e.Tenants {
		c.tenant(&e.Tenants[i])
	}
	for _, s := range stored {
		c.give(principal{namespace: s.namespace, name: secretStoreServiceAccount}, onSecret, s.name, roleSecretAccessor, s.from)
	}
	return c.all
}

// nodes pull images and report on themselves.
func (c *collector) nodes() {
	if c.e.Cluster.Existing {
		return
	}
	node := principal{email: c.e.Account(spec.NodeAccount(c.e.Cluster.Name))}
	c.give(node, onProject, "", roleNode, "cluster.name")
	for _, g := range c.e.Registries {
		c.give(node, onRegistry, g.Name, roleRegistryReader, "registries["+g.Name+"]")
	}
}

// archive lets the server read artifacts, and the controller and the server use
// the database.
func (c *collector) archive() {
	if !runsWorkflows(c.e) {
		return
	}
	controller, server := controllerAccount, serverAccount
	if h := c.e.Workflows.Helm; h != nil && c.e.Workflows.Install == "external" {
		controller, server = h.ControllerServiceAccount, h.ServerServiceAccount
	}
	ns, db := c.e.Workflows.Namespace, database(c.e)
	email := ""
	if db != nil {
		email = db.GoogleServiceAccount
	}
	const link = "archive.postgresql.googleServiceAccount"
	if db != nil && db.CloudSQL != "" {
		for _, name := range []string{controller, server} {
			c.sqlRights(c.acts(ns, name, email, link), db.User.IAM != "", "archive.postgresql.cloudSQL")
		}
	}
	if a := c.e.Artifacts; a != nil && a.GCS != nil {
		c.give(c.acts(ns, server, email, link), onBucket, a.GCS.Bucket, roleObjectViewer, "artifacts.gcs.bucket")
	}
}

func (c *collector) sqlRights(who principal, byIAM bool, from string) {
	c.give(who, onProject, "", roleSQLClient, from)
	if byIAM {
		c.give(who, onProject, "", roleSQLUser, from)
	}
}

// databases lets the users that an instance names connect and log in.
func (c *collector) databases() {
	for _, d := range c.e.Databases {
		for i, u := range d.Users {
			c.sqlRights(principal{email: c.e.Account(u.IAM)}, true, "databases["+d.Name+"].users["+itoa(i)+"].iam")
		}
	}
}

// tenant is what the team asked for, and what its workflows and services
// cannot do without.
func (c *collector) tenant(t *spec.Tenant) {
	at := tenantPath(t) + ".serviceAccount"
	who := c.acts(t.Namespace, t.ServiceAccount.Name, t.ServiceAccount.GoogleServiceAccount, at+".googleServiceAccount")
	for i, role := range t.ServiceAccount.Roles {
		c.give(who, onProject, "", role, at+".roles["+itoa(i)+"]")
	}
	for _, b := range t.ServiceAccount.Buckets {
		c.give(who, onBucket, b.Name, b.Role, at+".buckets["+b.Name+"]")
	}
	for _, d := range t.ServiceAccount.Datasets {
		c.give(who, onDataset, d.Name, d.Role, at+".datasets["+d.Name+"]")
	}
	if a := c.e.Artifacts; runsWorkflows(c.e) && a != nil && a.GCS != nil {
		c.give(who, onBucket, a.GCS.Bucket, roleObjectUser, "artifacts.gcs.bucket")
	}
	for _, s := range t.Services {
		if s.CloudSQL != nil {
			c.sqlRights(who, logsInByIAM(s.CloudSQL), tenantPath(t)+".services["+s.Name+"].cloudSQL")
		}
	}
}
