package argocd

import (
	"fmt"
	"strings"

	"github.com/argoproj/argo-cd/v2/util/rbac"

	"strake/generator/check"
	"strake/generator/diag"
)

// request is one question to the enforcer.
type request struct{ resource, action string }

// requests are what a verb of the spec asks for. Restarting is an action on a
// workload, one for each kind that has it.
func requests(verb string) []request {
	switch verb {
	case "get", "sync", "create", "update", "delete", "override":
		return []request{{rbac.ResourceApplications, verb}}
	case "logs":
		return []request{{rbac.ResourceLogs, "get"}}
	case "exec":
		return []request{{rbac.ResourceExec, "create"}}
	case "restart":
		return []request{
			{rbac.ResourceApplications, "action/apps/Deployment/restart"},
			{rbac.ResourceApplications, "action/apps/StatefulSet/restart"},
			{rbac.ResourceApplications, "action/apps/DaemonSet/restart"},
		}
	default:
		return nil
	}
}

// assertions asks the whole policy what the spec asserts.
func (r *run) assertions(p *policy) {
	if len(r.in.Assertions) == 0 {
		return
	}
	enforcers := map[string]*enforcer{}
	for _, a := range r.in.Assertions {
		e := enforcers[a.Project]
		if e == nil {
			e = r.enforcer(p, a.Project)
			enforcers[a.Project] = e
		}
		r.assertion(p, e, a)
	}
}

// objects are the Applications of a project as the policy names them, and one
// that nobody has thought of.
func (r *run) objects(project string) []string {
	out := []string{}
	for _, a := range r.apps {
		if a.projectName() == project {
			out = append(out, project+"/"+a.name)
		}
	}
	return append(out, project+"/another")
}

func (r *run) assertion(p *policy, e *enforcer, a check.Assertion) {
	questions := requests(a.Verb)
	for _, object := range r.objects(a.Project) {
		for _, q := range questions {
			// The first kind stands for all when something is to be allowed.
			if may := e.may(a.Group, q.resource, q.action, object); may == a.May || (a.May && q != questions[0]) {
				continue
			}
			d := diag.Diagnostic{Rule: "argocd-rbac-assertion", Severity: diag.Error, Range: a.Range}
			if a.May {
				d.Summary = fmt.Sprintf("%s may not %s Applications of %s", a.Group, a.Verb, a.Project)
				d.Detail, d.Related = r.missing(p, a, q, object)
			} else {
				d.Summary = fmt.Sprintf("%s may %s Applications of %s", a.Group, a.Verb, a.Project)
				d.Detail, d.Related = r.granting(p, e, a, q, object)
			}
			r.add(d)
			return
		}
	}
}

// granting finds the line that grants what nobody should have, by asking with
// each permission alone.
func (r *run) granting(p *policy, e *enforcer, a check.Assertion, q request, object string) (string, []diag.Related) {
	if p.defaultRole != "" && newEnforcer(builtin(), p.text, "", p.regex).mayIn(e, p.defaultRole, q, object) {
		return fmt.Sprintf("policy.default gives %s to everybody who has logged in.", p.defaultRole), r.related(p, rbac.ConfigMapPolicyDefaultKey)
	}
	for _, s := range p.statements {
		if !s.grants() {
			continue
		}
		if alone := newEnforcer("", p.memberships()+s.text, "", p.regex); alone.may(a.Group, q.resource, q.action, object) {
			return fmt.Sprintf("The line that grants it: %s.", s.text), append([]diag.Related{s.related("this grants it")}, p.bindings(a.Group)...)
		}
	}
	return fmt.Sprintf("A built-in role grants it: %s is a member of %s.", a.Group, p.roleNames(a.Group)), p.bindings(a.Group)
}

// mayIn asks with the runtime policy of another enforcer.
func (e *enforcer) mayIn(other *enforcer, subject string, q request, object string) bool {
	return e.e.EnforceRuntimePolicy(other.project, other.runtime, subject, q.resource, q.action, object)
}

// missing says why somebody has not what they should: a line that denies it,
// else the roles they have, else that they have none.
func (r *run) missing(p *policy, a check.Assertion, q request, object string) (string, []diag.Related) {
	for _, s := range p.statements {
		if !s.is("p") || s.fields[5] != "deny" {
			continue
		}
		allowed := line(append(append([]string{}, s.fields[:5]...), "allow")...)
		if alone := newEnforcer("", p.memberships()+allowed, "", p.regex); alone.may(a.Group, q.resource, q.action, object) {
			return fmt.Sprintf("This line denies it: %s.", s.text), []diag.Related{s.related("this denies it")}
		}
	}
	if p.broken {
		return "Argo CD refuses the whole policy because of a line that it cannot read.", nil
	}
	wanted := line("p", "SUBJECT", q.resource, q.action, a.Project+"/*", "allow")
	bindings := p.bindings(a.Group)
	if len(bindings) == 0 {
		return fmt.Sprintf("The group %s is in no role: no membership in the policy, and no role of a project, names it.", a.Group), r.related(p, "policy.csv")
	}
	return fmt.Sprintf("Its roles (%s) grant no %s. Missing: %s.", p.roleNames(a.Group), a.Verb, wanted), bindings
}

// related points at a key of the ConfigMap.
func (r *run) related(p *policy, key string) []diag.Related {
	if p.o == nil {
		return nil
	}
	at, _ := p.o.Locate(keys(nil, "data", key))
	return []diag.Related{{Range: at, Message: key + " of " + p.o.ID()}}
}

// memberships are all g lines, for asking with one permission alone.
func (p *policy) memberships() string {
	var b strings.Builder
	for _, s := range p.statements {
		if s.is("g") {
			b.WriteString(s.text + "\n")
		}
	}
	return b.String()
}

// bindings are the lines that make a group a member of roles.
func (p *policy) bindings(group string) []diag.Related {
	var out []diag.Related
	for _, s := range p.statements {
		if s.is("g") && s.fields[1] == group {
			out = append(out, s.related(group+" is a member of "+s.fields[2]))
		}
	}
	return out
}

func (p *policy) roleNames(group string) string {
	var out []string
	for _, s := range p.statements {
		if s.is("g") && s.fields[1] == group {
			out = append(out, s.fields[2])
		}
	}
	return strings.Join(out, ", ")
}
