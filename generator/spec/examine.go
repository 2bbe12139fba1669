package spec

import (
	"strings"

	"strake/generator/diag"
)

// examiner holds the values of one environment against each other.
type examiner struct {
	e         *Effective
	unsettled []string
	limits    *tenantLimits
	found     diag.List
	// noRepository is set once it was said that artifacts have no repository.
	noRepository bool
}

func (x *examiner) report(rule, path, summary, detail string) {
	x.add(diag.Error, rule, path, summary, detail)
}

// add keeps one finding of several that were caused by the same line: an image
// of a Release reaches many tasks.
func (x *examiner) add(severity diag.Severity, rule, path, summary, detail string) {
	at := x.e.At(path)
	for _, d := range x.found {
		if d.Range == at && d.Rule == rule && d.Summary == summary {
			return
		}
	}
	x.found = append(x.found, diag.Diagnostic{Rule: rule, Severity: severity, Summary: summary, Detail: detail, Range: at, Field: path})
}

// settled reports whether the value at a path, and all around and below it, is
// what the user wrote. Nothing is derived from a value that has a finding.
func (x *examiner) settled(path string) bool {
	for _, u := range x.unsettled {
		if u == path || below(u, path) || below(path, u) {
			return false
		}
	}
	return true
}

// listed reports whether all the names directly below a path are known: what
// their values hold does not matter.
func (x *examiner) listed(path string) bool {
	for _, u := range x.unsettled {
		rest, under := strings.CutPrefix(u, path)
		rest = strings.TrimSuffix(rest, ".name")
		switch {
		case u == path || below(path, u):
			return false
		case under && below(u, path) && !strings.ContainsAny(rest[1:], ".["):
			return false
		}
	}
	return true
}

// account is the e-mail of a Google service account that is named by its e-mail,
// or by its ID in the environment's project.
func (e *Effective) account(name string) string {
	if name == "" || e.Cloud.Project == "" || strings.Contains(name, "@") {
		return name
	}
	return name + "@" + e.Cloud.Project + ".iam.gserviceaccount.com"
}

// below reports whether a path lies under another.
func below(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// fill writes the defaults that depend on other values.
func fill(e *Effective) {
	name := e.Platform + "-" + e.Environment
	if e.Cluster.Name == "" {
		e.Cluster.Name = name
	}
	if e.Cluster.Location == "" {
		e.Cluster.Location = e.Cloud.Region
	}
	if a := e.Archive; a != nil {
		if a.ClusterName == "" {
			a.ClusterName = name
		}
		e.archiveLogin(a.PostgreSQL)
		if p := a.PostgreSQL; p != nil && p.User.IAM == "" && p.User.Secret == nil {
			prefix := p.CloudSQL
			if prefix == "" {
				prefix = p.Database
			}
			p.User.Secret = &UserSecret{Username: prefix + "-username", Password: prefix + "-password", PasswordVersion: "latest"}
		}
	}
	if w := e.Workflows; w != nil && w.Install == "external" && w.Helm == nil {
		w.Helm = defaultsOf[Helm]()
	}
	if e.Delivery.Branch == "" {
		e.Delivery.Branch = e.Repository.Branch
	}
	for i := range e.Tenants {
		t := &e.Tenants[i]
		if t.Namespace == "" {
			t.Namespace = t.Name
		}
		t.ServiceAccount.GoogleServiceAccount = e.account(t.ServiceAccount.GoogleServiceAccount)
		for j := range t.Services {
			if db := t.Services[j].CloudSQL; db != nil && db.Resources == nil {
				db.Resources = &Resources{
					Requests: map[string]string{"cpu": "100m", "memory": "256Mi"},
					Limits:   map[string]string{"memory": "256Mi"},
				}
			}
		}
		for j := range t.Pipelines {
			for k := range t.Pipelines[j].Tasks {
				for in, from := range t.Pipelines[j].Tasks[k].Inputs {
					if from.Artifact == "" {
						from.Artifact = in
						t.Pipelines[j].Tasks[k].Inputs[in] = from
					}
				}
			}
		}
	}
}
