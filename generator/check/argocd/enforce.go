package argocd

import (
	"strings"

	"github.com/argoproj/argo-cd/v2/util/rbac"

	"strake/generator/check"
)

// enforcer asks Argo CD's own RBAC code.
type enforcer struct {
	e       *rbac.Enforcer
	project string
	runtime string // what the project adds
}

// newEnforcer puts a policy together as the server does: the built-in one, the
// ConfigMap's, and for a question about a project that project's roles.
func newEnforcer(builtin, user, defaultRole string, regex bool) *enforcer {
	e := rbac.NewEnforcer(nil, "", "", nil)
	mode := rbac.GlobMatchMode
	if regex {
		mode = rbac.RegexMatchMode
	}
	e.SetMatchMode(mode)
	e.SetDefaultRole(defaultRole)
	// A policy that cannot be loaded leaves nobody any right: the lines that are
	// to blame are findings already.
	if e.SetBuiltinPolicy(builtin) != nil || e.SetUserPolicy(user) != nil {
		e = rbac.NewEnforcer(nil, "", "", nil)
	}
	return &enforcer{e: e}
}

// enforcer of the whole policy, for questions about a project.
func (r *run) enforcer(p *policy, project string) *enforcer {
	user := p.text
	if p.broken {
		user = ""
	}
	e := newEnforcer(builtin(), user, p.defaultRole, p.regex)
	for _, candidate := range r.projects {
		if project != "" && candidate.o.Name == project {
			e.project, e.runtime = project, candidate.ProjectPoliciesString()
			if rbac.ValidatePolicy(e.runtime) != nil {
				e.runtime = "" // as Argo CD does
			}
		}
	}
	return e
}

func (e *enforcer) may(subject, resource, action, object string) bool {
	return e.e.EnforceRuntimePolicy(e.project, e.runtime, subject, resource, action, object)
}

// matches reports whether a permission alone covers an action on a resource, on
// any object.
func (r *run) matches(p *policy, s statement, resource, action string) bool {
	if !isPattern(s.fields[2]) && s.fields[2] != resource {
		return false
	}
	alone := line("p", "someone", s.fields[2], s.fields[3], "*", "allow")
	object := "any/any"
	if p.regex {
		alone = line("p", "someone", s.fields[2], s.fields[3], ".*", "allow")
	}
	return newEnforcer("", alone, "", p.regex).may("someone", resource, action, object)
}

// line writes a statement, quoted where CSV needs it.
func line(fields ...string) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		if strings.ContainsAny(f, ",\"\n") {
			f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
		out[i] = f
	}
	return strings.Join(out, ", ")
}

// May asks the whole policy of an environment: the built-in one, that of the
// ConfigMap, and the roles of the project that the object PROJECT/NAME is in.
func (c *Checker) May(in *check.Input, subject, resource, action, object string) bool {
	r := c.read(in)
	project, _, _ := strings.Cut(object, "/")
	return r.enforcer(r.policy(), project).may(subject, resource, action, object)
}
