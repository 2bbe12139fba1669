package spec

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Addresses of a network that does not say its own. They lie apart, and apart
// from the range that GKE's documentation proposes for control planes.
const (
	nodeCIDR    = "10.0.0.0/20"
	podCIDR     = "10.4.0.0/14"
	serviceCIDR = "10.8.0.0/20"
	peeringCIDR = "10.9.0.0/20"
)

// VPC is the network that the cluster stands in, with its defaults filled in.
func (e *Effective) VPC() Network {
	var n Network
	if e.Network != nil {
		n = *e.Network
	}
	n.Name = cmp.Or(n.Name, e.Platform+"-"+e.Environment)
	n.Subnetwork = cmp.Or(n.Subnetwork, n.Name)
	n.CIDR = cmp.Or(n.CIDR, nodeCIDR)
	n.PodCIDR = cmp.Or(n.PodCIDR, podCIDR)
	n.ServiceCIDR = cmp.Or(n.ServiceCIDR, serviceCIDR)
	n.PeeringCIDR = cmp.Or(n.PeeringCIDR, peeringCIDR)
	n.PodRange = cmp.Or(n.PodRange, "pods")
	n.ServiceRange = cmp.Or(n.ServiceRange, "services")
	return n
}

// Instances are the Cloud SQL instances of the environment: those of databases,
// and the archive's where it is not one of them. An instance that connectionName
// puts elsewhere is nobody's here.
func (e *Effective) Instances() []Database {
	all := slices.Clone(e.Databases)
	a := e.Archive
	if a == nil || a.PostgreSQL == nil || a.PostgreSQL.CloudSQL == "" || a.PostgreSQL.ConnectionName != "" {
		return all
	}
	p := a.PostgreSQL
	i := slices.IndexFunc(all, func(d Database) bool { return d.Name == p.CloudSQL })
	if i < 0 {
		own := *defaultsOf[Database]()
		own.Name = p.CloudSQL
		all, i = append(all, own), len(all)
	}
	all[i].Existing = all[i].Existing || p.Existing
	if !slices.Contains(all[i].Databases, p.Database) {
		all[i].Databases = append(slices.Clone(all[i].Databases), p.Database)
	}
	return all
}

// Account is the e-mail of a Google service account that is named by its
// e-mail, or by its ID in cloud.project.
func (e *Effective) Account(name string) string { return e.account(name) }

// OwnAccount returns the ID of a Google service account of cloud.project, and
// false for one that stands in another project.
func (e *Effective) OwnAccount(email string) (id string, ok bool) {
	id, project, found := strings.Cut(email, "@")
	return id, found && project == e.Cloud.Project+".iam.gserviceaccount.com"
}

// NodeAccount is the ID of the Google service account that the nodes of a
// cluster run as. An ID has at most 30 characters: that of a longer name ends in
// a digest.
func NodeAccount(cluster string) string {
	const most = 30
	id := "nodes-" + cluster
	if len(id) <= most {
		return id
	}
	sum := sha256.Sum256([]byte(cluster))
	return strings.TrimRight(id[:most-9], "-") + "-" + hex.EncodeToString(sum[:])[:8]
}

// archiveLogin derives what an IAM login to the archive's instance needs: the
// user of Cloud SQL is a Google service account, and its name there is the
// e-mail without the last part (https://cloud.google.com/sql/docs/postgres/iam-authentication).
func (e *Effective) archiveLogin(p *PostgreSQL) {
	const domain = ".gserviceaccount.com"
	if p == nil || p.CloudSQL == "" || p.User.IAM == "" {
		return
	}
	email := p.User.IAM
	if strings.HasSuffix(email, ".iam") && strings.Contains(email, "@") {
		email += domain
	}
	email = e.account(email)
	if p.GoogleServiceAccount == "" && strings.HasSuffix(email, ".iam"+domain) {
		p.GoogleServiceAccount = email
	}
	p.User.IAM = strings.TrimSuffix(email, domain)
}
