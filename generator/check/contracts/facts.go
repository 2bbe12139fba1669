package contracts

import (
	"cmp"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// cluster is a google_container_cluster.
type cluster struct {
	*terraform.Resource
	root      *root
	name      pattern
	project   pattern
	location  pattern
	autopilot bool
}

// poolProject is the project of the cluster's Workload Identity pool, "" where
// it has none. Autopilot always has that of its own project.
func (c *cluster) poolProject() pattern {
	p := text(c.Get("workload_identity_config.workload_pool"))
	if p == "" && c.autopilot {
		return cmp.Or(c.project, hole)
	}
	if before, ok := strings.CutSuffix(string(p), ".svc.id.goog"); ok {
		return pattern(before)
	}
	return p
}

// pool is a node pool: a resource of its own, a block in its cluster, or the
// cluster's default pool.
type pool struct {
	res     *terraform.Resource
	body    *terraform.Body
	cluster *cluster // nil where the pool's cluster is not among the resources
	name    pattern
	node    *terraform.Body // node_config, nil without one
	owned   bool            // it stands in a root by itself, and not as the default pool
}

// at is where something of the node configuration stands, or should stand.
func (p *pool) at(v terraform.Value) diag.Range {
	if v.Range.IsZero() {
		return p.body.Range
	}
	return v.Range
}

// get is a value of the node configuration.
func (p *pool) get(path string) terraform.Value {
	if p.node == nil {
		return terraform.Value{Range: p.body.Range, Origin: p.body.Range}
	}
	return p.node.Get(path)
}

func (p *pool) spot() bool {
	return yes(p.get("spot")) || yes(p.get("preemptible"))
}

// project is the resource's own, else that of its provider.
func (t *root) project(res *terraform.Resource) pattern {
	if v := res.Get("project"); !v.Unset() {
		return text(v)
	}
	return t.provider(res, "project")
}

// provider is an argument of the configuration of a resource's provider.
func (t *root) provider(res *terraform.Resource, name string) pattern {
	for _, p := range t.Providers {
		full := p.Name
		if p.Alias != "" {
			full += "." + p.Alias
		}
		if full == res.Provider {
			return text(p.Get(name))
		}
	}
	return ""
}

func (r *run) readClusters() {
	for _, t := range r.roots {
		for _, res := range t.Of("google_container_cluster") {
			c := &cluster{Resource: res, root: t, name: text(res.Get("name")), project: t.project(res), location: text(res.Get("location")), autopilot: yes(res.Get("enable_autopilot"))}
			if c.location == "" {
				c.location = cmp.Or(t.provider(res, "zone"), t.provider(res, "region"))
			}
			r.clusters_ = append(r.clusters_, c)
			r.inlinePools(c)
		}
	}
	for _, t := range r.roots {
		for _, res := range t.Of("google_container_node_pool") {
			p := &pool{res: res, body: &res.Body, name: text(res.Get("name")), owned: true}
			if blocks := res.Blocks("node_config"); len(blocks) > 0 {
				p.node = &blocks[0].Body
			}
			p.cluster = r.clusterOf(res.Get("cluster"))
			r.pools = append(r.pools, p)
		}
	}
}

// inlinePools adds the pools that stand in a cluster.
func (r *run) inlinePools(c *cluster) {
	if c.autopilot {
		return
	}
	inline := c.Blocks("node_pool")
	for _, b := range inline {
		p := &pool{res: c.Resource, body: &b.Body, cluster: c, name: text(b.Get("name"))}
		if blocks := b.Blocks("node_config"); len(blocks) > 0 {
			p.node = &blocks[0].Body
		}
		r.pools = append(r.pools, p)
	}
	if removed, known := truth(c.Get("remove_default_node_pool")); len(inline) > 0 || removed || !known {
		return
	}
	p := &pool{res: c.Resource, body: &c.Body, cluster: c, name: "default-pool"}
	if blocks := c.Blocks("node_config"); len(blocks) > 0 {
		p.node = &blocks[0].Body
	}
	r.pools = append(r.pools, p)
}

func (r *run) clusterOf(v terraform.Value) *cluster {
	for _, c := range r.clusters_ {
		if names(v, c.Resource, c.name) || names(v, c.Resource, text(c.Get("id"))) {
			return c
		}
	}
	if len(r.clusters_) == 1 && !text(v).known() {
		return r.clusters_[0]
	}
	return nil
}

// account is a google_service_account.
type account struct {
	*terraform.Resource
	root  *root
	email pattern
}

func (r *run) readAccounts() {
	for _, t := range r.roots {
		for _, res := range t.Of("google_service_account") {
			a := &account{Resource: res, root: t, email: text(res.Get("email"))}
			if id := text(res.Get("account_id")); !a.email.known() || a.email == "" {
				a.email = cmp.Or(id, hole) + "@" + cmp.Or(t.project(res), hole) + ".iam.gserviceaccount.com"
			}
			r.accounts = append(r.accounts, a)
		}
	}
}

// account finds a Google service account by its e-mail.
func (r *run) account(email string) *account {
	for _, a := range r.accounts {
		if a.email.is(email) {
			return a
		}
	}
	for _, a := range r.accounts {
		if a.email.may(email) {
			return a
		}
	}
	return nil
}

// grant gives one member one role on one thing.
type grant struct {
	*terraform.Resource
	root          *root
	on            string // project, bucket, dataset, secret, account, repository, or another kind of resource
	target        terraform.Value
	role          pattern
	member        member
	at            terraform.Value // the member as it is written
	authoritative bool            // members that are not listed lose the role
}

// targets says which argument of an IAM resource names what it is about.
func targets() map[string][2]string {
	return map[string][2]string{
		"google_project_iam":                      {"project", "project"},
		"google_storage_bucket_iam":               {"bucket", "bucket"},
		"google_bigquery_dataset_iam":             {"dataset", "dataset_id"},
		"google_secret_manager_secret_iam":        {"secret", "secret_id"},
		"google_service_account_iam":              {"account", "service_account_id"},
		"google_artifact_registry_repository_iam": {"repository", "repository"},
	}
}

// iamForm splits the type of an IAM resource: google_project_iam_member is
// google_project_iam and member.
func iamForm(kind string) (stem, form string, ok bool) {
	for _, form := range []string{"member", "binding", "policy"} {
		if stem, is := strings.CutSuffix(kind, "_"+form); is && strings.HasSuffix(stem, "_iam") {
			return stem, form, true
		}
	}
	return "", "", false
}

func (r *run) readGrants() {
	for _, t := range r.roots {
		for _, res := range t.Resources {
			stem, form, ok := iamForm(res.Type)
			if !ok || form == "policy" {
				continue
			}
			target, listed := targets()[stem]
			if !listed {
				target = [2]string{stem, ""}
			}
			g := grant{Resource: res, root: t, on: target[0], role: text(res.Get("role")), authoritative: form == "binding"}
			if target[1] != "" {
				g.target = res.Get(target[1])
			}
			values := []terraform.Value{res.Get("member")}
			if g.authoritative {
				list := res.Get("members")
				values, ok = list.List()
				if !ok {
					values = []terraform.Value{list}
				}
			}
			for _, v := range values {
				one := g
				one.at, one.member = v, parseMember(text(v))
				r.grants = append(r.grants, &one)
			}
		}
	}
}

// given are the grants on a kind of thing with one of the roles. Roles that
// only the project's administrator knows the contents of count: they may hold
// what is asked for.
func (r *run) given(on string, roles ...string) []*grant {
	var out []*grant
	for _, g := range r.grants {
		if g.on != on {
			continue
		}
		custom := strings.Contains(string(g.role), "/roles/") || !g.role.known()
		if custom || slices.Contains(roles, string(g.role)) {
			out = append(out, g)
		}
	}
	return out
}

// line is where a value stands, and the resource where it is not written.
func line(res *terraform.Resource, v terraform.Value) diag.Range {
	if v.Range.IsZero() {
		return res.Range
	}
	return v.Range
}
