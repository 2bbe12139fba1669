package contracts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

const (
	ruleDatabaseMissing   = "archive-database-missing"
	ruleDatabaseInCluster = "archive-database-in-cluster"
)

// connectionForm is what the Cloud SQL proxy is told to connect to. Projects of
// an organisation's domain have a colon of their own.
var connectionForm = regexp.MustCompile(`^((?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*):([a-z]+-[a-z]+[0-9]+):([a-z][a-z0-9-]*)(?:\?.*)?$`)

// proxy is a Cloud SQL proxy beside a container.
type proxy struct {
	pod        *pod
	path       manifest.Path
	connection string
	iam        bool // it logs in to the database as the account
	workload   workload
}

// proxies finds the Cloud SQL proxies of all pods.
func (r *run) proxies() []proxy {
	var out []proxy
	for _, p := range r.pods() {
		for _, c := range p.Containers() {
			if image := stringAt(c.Fields, "image"); !strings.Contains(image, "cloud-sql-proxy") && !strings.Contains(image, "cloud_sql_proxy") && !strings.Contains(image, "gce-proxy") {
				continue
			}
			args, _ := c.Fields["args"].([]any)
			one := proxy{pod: p}
			one.workload, _ = r.workload(p.Object.Namespace, stringAt(p.Spec, "serviceAccountName"))
			for _, a := range args {
				if s, _ := a.(string); s == "--auto-iam-authn" || s == "-i" || s == "--auto-iam-authn=true" {
					one.iam = true
				}
			}
			for i, a := range args {
				if s, _ := a.(string); connectionForm.MatchString(s) {
					one.connection, _, _ = strings.Cut(s, "?")
					one.path = p.At(below(c.Spec, manifest.Step{Key: "args"}, manifest.Step{Index: i})...)
					out = append(out, one)
				}
			}
		}
	}
	return out
}

// instance is a google_sql_database_instance with its connection name.
type instance struct {
	*terraform.Resource
	root       *root
	name       pattern
	connection pattern
}

func (r *run) instances() []instance {
	var out []instance
	for _, t := range r.roots {
		for _, res := range t.Of("google_sql_database_instance") {
			i := instance{res, t, text(res.Get("name")), text(res.Get("connection_name"))}
			if i.connection == "" {
				i.connection = hole
			}
			out = append(out, i)
		}
	}
	return out
}

// databases: proxies reach an instance that is there, as somebody who may, and
// the archive its database.
func (r *run) databases() {
	instances := r.instances()
	found := map[string]*instance{} // by namespace, for the archive
	for _, p := range r.proxies() {
		i := r.instance(p, instances)
		if i == nil {
			found[p.pod.Object.Namespace] = nil
			continue
		}
		if strings.Contains(p.pod.Object.Name, "workflow-controller") || found[p.pod.Object.Namespace] == nil {
			found[p.pod.Object.Namespace] = i
		}
		r.mayConnect(p, i)
	}
	for _, o := range r.objects {
		if o.Kind == "ConfigMap" && o.Group() == "" && strings.HasSuffix(o.Name, "workflow-controller-configmap") {
			r.archive(o, found)
		}
	}
}

// instance finds the instance that a proxy connects to.
func (r *run) instance(p proxy, instances []instance) *instance {
	for _, exact := range []bool{true, false} {
		for _, i := range instances {
			if exact && i.connection.is(p.connection) {
				return &i
			}
			if !exact && i.connection.may(p.connection) && i.name.may(p.connection[strings.LastIndex(p.connection, ":")+1:]) {
				r.unknown(i.Resource, "connection_name", i.Get("name"))
				return &i
			}
		}
	}
	name := p.connection[strings.LastIndex(p.connection, ":")+1:]
	if len(instances) == 0 || r.referred("google_sql_database_instance", "name", name) || r.existing(name) {
		return nil // it is made elsewhere
	}
	if !r.complete() {
		r.undecided("the instance " + p.connection)
		return nil
	}
	nearest, known := instances[0], []string{}
	for _, i := range instances {
		known = append(known, string(i.connection))
		if i.name.is(name) {
			nearest = i
		}
	}
	detail := fmt.Sprintf("%s is %s: both have to say the same.", nearest.Address, nearest.connection)
	if mean := diag.DidYouMean(p.connection, known); mean != "" {
		nearest = instances[slices.Index(known, mean)]
		detail = fmt.Sprintf("Did you mean %s?", mean)
	}
	r.finding("sql-instance-missing", diag.Error, p.pod.Object, p.path,
		fmt.Sprintf("no Terraform makes the Cloud SQL instance %s", p.connection), detail,
		related(line(nearest.Resource, nearest.Get("name")), "an instance of the environment"))
	return nil
}

// mayConnect: the proxy needs a role on the project, and with it a login.
// https://cloud.google.com/sql/docs/postgres/iam-roles
func (r *run) mayConnect(p proxy, i *instance) {
	at := p.path
	asks := func(what string, roles ...string) {
		if r.holds(r.given("project", roles...), p.workload) {
			return
		}
		if !r.complete() {
			r.undecided("the rights of " + p.workload.String())
			return
		}
		other := related(i.Range, "the instance")
		for _, g := range r.grants {
			if g.on == "project" && g.member.is(p.workload) {
				other = related(line(g.Resource, g.Get("role")), "what it may do")
			}
		}
		r.finding("sql-access-missing", diag.Error, p.pod.Object, at,
			fmt.Sprintf("%s may not %s %s", p.workload, what, p.connection),
			fmt.Sprintf("Give it %s on the project, with a google_project_iam_member.", roles[0]), other)
	}
	asks("connect to", "roles/cloudsql.client", "roles/cloudsql.editor", "roles/cloudsql.admin", "roles/editor", "roles/owner")
	if !p.iam {
		return
	}
	asks("log in to", "roles/cloudsql.instanceUser", "roles/cloudsql.admin", "roles/owner")
	r.login(p, i)
}

// login: a database user of the account's name.
func (r *run) login(p proxy, i *instance) {
	if p.workload.email == "" || !r.bound(p.workload) {
		return // only a linked account logs in, and the link is judged by itself
	}
	name, _, _ := strings.Cut(p.workload.email, ".gserviceaccount.com")
	var users []*terraform.Resource
	for _, t := range r.roots {
		for _, u := range t.Of("google_sql_user") {
			if names(u.Get("instance"), i.Resource, i.name) {
				users = append(users, u)
			}
		}
	}
	if slices.ContainsFunc(users, func(u *terraform.Resource) bool { return text(u.Get("name")).may(name) }) {
		return
	}
	if !r.complete() {
		r.undecided("the user " + name)
		return
	}
	other := related(i.Range, "the instance")
	for _, u := range users {
		other = related(line(u, u.Get("name")), "a user of the instance")
	}
	r.finding("sql-user-missing", diag.Error, p.pod.Object, p.path,
		fmt.Sprintf("the instance %s has no user for %s", p.connection, p.workload.email),
		fmt.Sprintf("Make a google_sql_user %q of the type CLOUD_IAM_SERVICE_ACCOUNT.", name), other)
}

// archive: the database of the workflow archive is on its instance, and does
// not end with the cluster.
func (r *run) archive(o *manifest.Object, proxied map[string]*instance) {
	config := check.ControllerConfig(o)
	postgres := mapAt(config, "persistence", "postgresql")
	if postgres == nil {
		return
	}
	path := o.At("data", "persistence")
	if _, split := mapAt(o.Fields, "data")["persistence"]; !split {
		path = o.At("data", "config")
	}
	host, database := stringAt(postgres, "host"), stringAt(postgres, "database")
	if strings.Contains(host, ".svc") || host != "" && !strings.Contains(host, ".") && host != "localhost" {
		r.inCluster(o, path, host)
		return
	}
	if host != "localhost" && host != "127.0.0.1" {
		return
	}
	i := proxied[o.Namespace]
	if i == nil || database == "" {
		return
	}
	var made []*terraform.Resource
	for _, t := range r.roots {
		for _, d := range t.Of("google_sql_database") {
			if names(d.Get("instance"), i.Resource, i.name) {
				made = append(made, d)
			}
		}
	}
	if slices.ContainsFunc(made, func(d *terraform.Resource) bool { return text(d.Get("name")).may(database) }) || database == "postgres" {
		return
	}
	if !r.complete() {
		r.undecided("the database " + database)
		return
	}
	other := related(i.Range, "the instance")
	for _, d := range made {
		other = related(line(d, d.Get("name")), "a database of the instance")
	}
	r.inText(o, path, "database:", ruleDatabaseMissing, diag.Error,
		fmt.Sprintf("no Terraform makes the database %s on %s, where workflows are archived", database, i.Address),
		"Make it with a google_sql_database: the controller makes its tables, not its database.", other)
}

// inCluster: a database that goes with the cluster keeps no history.
func (r *run) inCluster(o *manifest.Object, path manifest.Path, host string) {
	for _, c := range r.clusters_ {
		if c.root.layer == ephemeral {
			r.inText(o, path, "host:", ruleDatabaseInCluster, diag.Error,
				fmt.Sprintf("workflows are archived to %s, which ends with the cluster", host),
				"The cluster stands in the ephemeral root. Keep the archive in Cloud SQL, in the persistent root.", related(c.Range, "the cluster"))
			return
		}
	}
}

// inText adds a finding at the first line of a ConfigMap's value that begins
// with a word.
func (r *run) inText(o *manifest.Object, path manifest.Path, word, rule string, severity diag.Severity, summary, detail string, other ...diag.Related) {
	r.finding(rule, severity, o, path, summary, detail, other...)
	value, _ := check.Value(o.Fields, path)
	source, _ := value.(string)
	for i, l := range strings.Split(source, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), word) {
			d := &r.findings[len(r.findings)-1]
			d.Range = check.InText(o, path, d.Range, i+1)
			d.Field += ":" + strings.TrimSuffix(word, ":")
			return
		}
	}
}
