package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// Archive is one database that an Argo Workflows controller archives to.
type Archive struct {
	Host, Database, Table, ClusterName string
	Object                             string
	Range                              diag.Range
}

func (a Archive) compare(b Archive) int {
	return cmp.Or(
		cmp.Compare(a.Host, b.Host), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Table, b.Table),
		cmp.Compare(a.ClusterName, b.ClusterName), a.Range.Compare(b.Range), cmp.Compare(a.Object, b.Object),
	)
}

// archivesOf reads the archive database out of a workflow controller's
// ConfigMap. What cannot be read here is a finding of check/argo.
func archivesOf(o *manifest.Object) []Archive {
	if o.Kind != "ConfigMap" || o.Group() != "" || !strings.HasSuffix(o.Name, controllerConfigMap) {
		return nil
	}
	data, _ := o.Fields["data"].(map[string]any)
	text, _ := data["persistence"].(string)
	at := o.At("data", "persistence")
	if text == "" {
		var whole struct{ Persistence map[string]any }
		config, _ := data["config"].(string)
		if yaml.Unmarshal([]byte(config), &whole) != nil || whole.Persistence == nil {
			return nil
		}
		out, err := yaml.Marshal(whole.Persistence)
		if err != nil {
			return nil
		}
		text, at = string(out), o.At("data", "config")
	}
	type database struct {
		Host, Database, TableName string
		Port                      int
	}
	var persistence struct {
		Archive           bool
		NodeStatusOffLoad bool
		ClusterName       string
		PostgreSQL, MySQL *database
	}
	if yaml.Unmarshal([]byte(text), &persistence) != nil || (!persistence.Archive && !persistence.NodeStatusOffLoad) {
		return nil
	}
	db := persistence.PostgreSQL
	if db == nil {
		db = persistence.MySQL
	}
	// On the loopback a proxy listens: which database stands behind it is not
	// known here.
	if db == nil || db.Host == "" || db.Host == "localhost" || db.Host == "127.0.0.1" || db.Host == "::1" {
		return nil
	}
	r, _ := o.Locate(at)
	return []Archive{{
		Host:        fmt.Sprintf("%s:%d", db.Host, db.Port),
		Database:    db.Database,
		Table:       db.TableName,
		ClusterName: cmp.Or(persistence.ClusterName, "default"),
		Object:      o.ID(), Range: r,
	}}
}

// Fleet judges what no single environment can: what two of them share. It sees
// summaries only.
func Fleet(summaries []Summary) diag.List {
	if len(summaries) == 0 {
		return diag.List{{
			Rule: "nothing-checked", Severity: diag.Error,
			Summary: "no environment: nothing was checked",
			Detail:  "Declare an environment in the spec, or name a directory with a kustomization.",
		}}
	}
	return slices.Concat(
		sharedArchives(summaries), sharedClaims(summaries), withoutTerraform(summaries), unknownKinds(summaries),
	).Sorted()
}

// unknownKinds names each kind once, at its first object: a hundred objects of
// a kind that no check knows are one fact.
func unknownKinds(summaries []Summary) diag.List {
	var findings diag.List
	for _, s := range summaries {
		for _, d := range s.Unknown {
			same := slices.IndexFunc(findings, func(f diag.Diagnostic) bool { return f.Summary == d.Summary })
			if same < 0 {
				d.Environments = slices.Clone(d.Environments)
				findings = append(findings, d)
				continue
			}
			findings[same].Environments = append(findings[same].Environments, d.Environments...)
		}
	}
	return findings
}

// sharedArchives finds controllers of different environments that write to one
// table under one cluster name: each deletes the other's offloaded nodes, and
// their archives mix.
func sharedArchives(summaries []Summary) diag.List {
	type place struct{ host, database, table, cluster string }
	type user struct {
		environment string
		archive     Archive
	}
	users := map[place][]user{}
	for _, s := range summaries {
		for _, a := range s.Archives {
			p := place{a.Host, a.Database, a.Table, a.ClusterName}
			users[p] = append(users[p], user{s.Environment, a})
		}
	}
	var findings diag.List
	for p, list := range users {
		slices.SortFunc(list, func(a, b user) int {
			return cmp.Or(cmp.Compare(a.environment, b.environment), a.archive.compare(b.archive))
		})
		environments := make([]string, 0, len(list))
		for _, u := range list {
			environments = append(environments, u.environment)
		}
		environments = slices.Compact(environments)
		if len(environments) < 2 {
			continue
		}
		d := diag.Diagnostic{
			Rule: "archive-cluster-name-shared", Severity: diag.Error,
			Summary: fmt.Sprintf("%s archive to the same database %s/%s under the cluster name %q",
				strings.Join(environments, " and "), p.host, p.database, p.cluster),
			Detail: "Give each environment a database of its own, or a persistence.clusterName of its own.",
			Range:  list[0].archive.Range, Object: list[0].archive.Object, Environments: environments,
		}
		for _, u := range list[1:] {
			d.Related = append(d.Related, diag.Related{Range: u.archive.Range, Message: "the same in " + u.environment})
		}
		findings = append(findings, d)
	}
	return findings
}
