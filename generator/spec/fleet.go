package spec

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// fleet holds environments against each other.
func (l *loader) fleet() {
	clusters, databases := map[string]*Effective{}, map[string]*Effective{}
	made := map[string]*Effective{}
	for _, x := range l.examined {
		e := x.e
		l.made(x, made)
		if key := strings.Join([]string{e.Cloud.Project, e.Cluster.Location, e.Cluster.Name}, "\x00"); x.settled("cloud") && x.settled("cluster.name") && x.settled("cluster.location") {
			if other := clusters[key]; other != nil {
				l.collision(e, other, "cluster.name", fmt.Sprintf("environments %s and %s are the same cluster %s", other.Environment, e.Environment, e.Cluster.Name),
					"One cluster is one environment. Give one of them another cluster.name, location or project.")
			}
			clusters[key] = e
		}
		key, ok := databaseKey(e)
		if !ok || !x.settled("archive") || !x.settled("cloud") {
			continue
		}
		if other := databases[key]; other != nil {
			l.collision(e, other, "archive.clusterName", fmt.Sprintf("environments %s and %s keep their archive in the same rows", other.Environment, e.Environment),
				fmt.Sprintf("Both use database %s with clusterName %s. Each needs a clusterName of its own, such as \"${platform}-${environment}\".", e.Archive.PostgreSQL.Database, e.Archive.ClusterName))
		}
		databases[key] = e
	}
	l.assertions()
	l.apps()
}

// made reports what the Terraform of two environments would create twice.
func (l *loader) made(x *examiner, by map[string]*Effective) {
	if !x.settled("cloud") || !x.settled("terraform") {
		return
	}
	created := x.e.created()
	for _, what := range sortedKeys(created) {
		path := created[what]
		if !x.settled(path) {
			continue
		}
		other := by[what]
		if other == nil {
			by[what] = x.e
			continue
		}
		summary, detail := fmt.Sprintf("environments %s and %s both create %s", other.Environment, x.e.Environment, what), "Write existing: true in all but one of them, or give each its own."
		if strings.HasPrefix(what, "state ") {
			summary, detail = fmt.Sprintf("environments %s and %s keep their state in the same place", other.Environment, x.e.Environment), "Each apply of one would destroy what the other made. Put ${environment} into the bucket or the prefix."
		}
		l.collision(x.e, other, path, summary, detail)
	}
}

func (l *loader) collision(e, other *Effective, path, summary, detail string) {
	l.found = append(l.found, diag.Diagnostic{
		Rule: ruleCollision, Severity: diag.Error, Summary: summary, Detail: detail, Range: e.At(path), Field: path,
		Environments: []string{other.Environment, e.Environment},
		Related:      []diag.Related{{Range: other.At(path), Message: "environment " + other.Environment}},
	})
}

// databaseKey identifies the rows of an archive: server, database and cluster.
func databaseKey(e *Effective) (string, bool) {
	if e.Archive == nil || e.Archive.PostgreSQL == nil {
		return "", false
	}
	p := e.Archive.PostgreSQL
	server := p.Host + ":" + strconv.Itoa(p.Port)
	switch {
	case p.ConnectionName != "":
		server = p.ConnectionName
	case p.CloudSQL != "":
		server = e.Cloud.Project + ":" + e.Cloud.Region + ":" + p.CloudSQL
	case p.Host == "":
		return "", false
	}
	return strings.Join([]string{server, p.Database, e.Archive.ClusterName}, "\x00"), true
}

// apps checks that hand-written kustomizations are where the spec says.
func (l *loader) apps() {
	for _, x := range l.examined {
		e := x.e
		for _, t := range e.Tenants {
			for _, a := range t.Apps {
				if a.Repository != "" || a.Path == "" || l.kustomization(path.Clean(a.Path)) {
					continue
				}
				at := "tenants[" + t.Name + "].apps[" + a.Name + "].path"
				l.found = append(l.found, diag.Diagnostic{
					Rule: ruleReference, Severity: diag.Error, Range: e.At(at), Field: at, Environments: []string{e.Environment},
					Summary: fmt.Sprintf("%s holds no kustomization", a.Path), Detail: "The path is relative to the repository. Name the repository if it is another one.",
				})
			}
		}
	}
}

func (l *loader) kustomization(dir string) bool {
	return slices.ContainsFunc([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, func(name string) bool {
		_, err := fs.Stat(l.fsys, path.Join(dir, name))
		return err == nil
	})
}

// removals checks that each removal can apply somewhere.
func (l *loader) removals(p *Platform) {
	list := l.platform.spec.get("removals")
	if !list.isList() {
		return
	}
	var names []string
	for _, e := range p.Environments {
		names = append(names, e.Environment)
	}
	for _, it := range list.items {
		e := it.get("environment")
		if e.string() == "" || slices.Contains(names, e.text) {
			continue
		}
		if slices.Contains(itemNames(l.platform.spec.get("environments")), e.text) {
			l.report(ruleRemoval, e.at, fmt.Sprintf("environment %s is abstract or has findings of its own", e.text), "A removal names a concrete environment.")
			continue
		}
		l.unknownName(e.at, "environment", e.text, names)
	}
}
