package argo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/argoproj/argo-workflows/v3/config"
	corev1 "k8s.io/api/core/v1"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// parsed reads the configuration as the controller itself does, and judges what
// it then refuses or ignores when it starts.
func parsed(o *manifest.Object, list []entry) diag.List {
	cm := &corev1.ConfigMap{Data: map[string]string{}}
	for _, e := range list {
		cm.Data[e.key] = e.text
	}
	cfg, err := config.NewController("", "", nil).Parse(cm)
	if err != nil {
		return diag.List{find(o, controllerRule, keys(nil, "data"), "the controller cannot read its configuration: "+err.Error(), "")}
	}
	var findings diag.List
	at := func(path ...string) (entry, manifest.Path) {
		for _, e := range list {
			if strings.EqualFold(e.key, path[0]) {
				return e, keys(nil, path[1:]...)
			}
			if e.key == "config" {
				return e, keys(nil, path...)
			}
		}
		return entry{o: o, key: path[0], rule: controllerRule}, nil
	}
	add := func(summary, detail string, path ...string) {
		e, rest := at(path...)
		findings = append(findings, e.finding(rest, summary, detail))
	}
	oneOf := func(got string, known []string, path ...string) {
		if got != "" && !slices.Contains(known, got) {
			add(fmt.Sprintf("%s: Argo does not know %q", strings.Join(path, "."), got), "Write "+diag.OneOf(known)+".", path...)
		}
	}
	if r := cfg.WorkflowRestrictions; r != nil {
		oneOf(string(r.TemplateReferencing), []string{"Strict", "Secure"}, "workflowRestrictions", "templateReferencing")
	}
	oneOf(string(cfg.MetricsConfig.Temporality), []string{"Cumulative", "Delta"}, "metricsConfig", "temporality")
	if p := cfg.MetricsConfig.Path; p != "" && !strings.HasPrefix(p, "/") {
		add("metricsConfig.path does not begin with a slash", "Write /"+p+".", "metricsConfig", "path")
	}
	if err := cfg.Sanitize([]string{"http", "https"}); err != nil {
		add("links: "+err.Error(), "argo-server refuses to start. Write an http or https address.", "links")
	}
	if p := cfg.Persistence; p != nil {
		persistence(p, add, oneOf)
	}
	if n := backends(&cfg.ArtifactRepository); n > 1 {
		add(fmt.Sprintf("artifactRepository names %d stores, and Argo uses one", n), "Keep one of them.", "artifactRepository")
	}
	return findings
}

// persistence judges what the controller dies of when it connects.
func persistence(p *config.PersistConfig, add func(summary, detail string, path ...string), oneOf func(got string, known []string, path ...string)) {
	switch {
	case p.PostgreSQL != nil && p.MySQL != nil:
		add("persistence names both postgresql and mysql, and Argo uses one", "Keep one of them.", "persistence", "mysql")
	case p.PostgreSQL == nil && p.MySQL == nil && (p.Archive || p.NodeStatusOffload):
		add("persistence names no database", "Add postgresql or mysql, or turn archive and nodeStatusOffLoad off.", "persistence")
	}
	if db := p.PostgreSQL; db != nil {
		database(&db.DatabaseConfig, "postgresql", add)
		oneOf(db.SSLMode, []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, "persistence", "postgresql", "sslMode")
	}
	if db := p.MySQL; db != nil {
		database(&db.DatabaseConfig, "mysql", add)
	}
	if _, err := p.GetArchiveLabelSelector(); err != nil {
		add("persistence.archiveLabelSelector: "+err.Error(), "", "persistence", "archiveLabelSelector")
	}
}

func database(db *config.DatabaseConfig, kind string, add func(summary, detail string, path ...string)) {
	for _, f := range []struct{ name, value string }{
		{"host", db.Host},
		{"database", db.Database},
		{"tableName", db.TableName},
		{"userNameSecret", db.UsernameSecret.Name},
		{"passwordSecret", db.PasswordSecret.Name},
	} {
		if f.value == "" {
			add(fmt.Sprintf("persistence.%s.%s is missing", kind, f.name), "The controller does not start without it.", "persistence", kind, f.name)
		}
	}
}
