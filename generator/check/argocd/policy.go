package argocd

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/v2/util/assets"
	"github.com/argoproj/argo-cd/v2/util/rbac"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// policyName is the ConfigMap of the policy.
const policyName = "argocd-rbac-cm"

// statement is one line of a policy, and where it stands.
type statement struct {
	o      *manifest.Object
	path   manifest.Path
	line   int // within the text at path; 0 is the whole value
	text   string
	fields []string // as Argo CD splits them
	// project is the AppProject that the statement is a part of, or "".
	project string
}

func (s statement) finding(rule string, severity diag.Severity, summary, detail string) diag.Diagnostic {
	d := find(s.o, rule, severity, s.path, summary, detail)
	d.Range = check.InText(s.o, s.path, d.Range, s.line)
	return d
}

func (s statement) related(message string) diag.Related {
	return diag.Related{Range: s.finding("", diag.Info, "", "").Range, Message: message}
}

func (s statement) is(kind string) bool { return len(s.fields) > 0 && s.fields[0] == kind }

// grants reports whether the statement allows something.
func (s statement) grants() bool { return s.is("p") && s.fields[5] == "allow" }

// policy is all that decides who may do what.
type policy struct {
	o           *manifest.Object // the ConfigMap; nil where none is rendered
	text        string           // as Argo CD puts it together
	statements  []statement      // that Argo CD can read
	defaultRole string
	regex       bool
	broken      bool     // Argo CD refuses the whole text
	meant       []string // subjects of permissions that cannot be read
}

// policy reads the ConfigMap and the roles of the projects. A line that Argo CD
// cannot read is a finding: because of it the whole policy is refused.
func (r *run) policy() *policy {
	p := &policy{o: r.configMap(policyName)}
	if p.o != nil {
		data, _ := p.o.Fields["data"].(map[string]any)
		texts := map[string]string{}
		for key, value := range data {
			texts[key], _ = value.(string)
		}
		p.text = rbac.PolicyCSV(texts)
		p.defaultRole = texts[rbac.ConfigMapPolicyDefaultKey]
		p.regex = texts[rbac.ConfigMapMatchModeKey] == rbac.RegexMatchMode
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if !strings.HasPrefix(key, "policy.") || !strings.HasSuffix(key, ".csv") {
				continue
			}
			n := 0
			for text := range strings.Lines(texts[key]) {
				n++
				r.statement(p, statement{o: p.o, path: keys(nil, "data", key), line: n, text: strings.TrimSpace(text)})
			}
		}
		r.policyKeys(p, texts)
	}
	for _, project := range r.projects {
		for i, role := range project.Spec.Roles {
			for j, text := range role.Policies {
				if rbac.ValidatePolicy(text) == nil { // else it is a finding of the project
					r.statement(p, statement{o: project.o, path: index(keys(index(keys(nil, "spec", "roles"), i), "policies"), j), text: strings.TrimSpace(text), project: project.o.Name})
				}
			}
			for j, name := range role.Groups {
				s := statement{o: project.o, path: index(keys(index(keys(nil, "spec", "roles"), i), "groups"), j), project: project.o.Name}
				s.fields = []string{"g", name, fmt.Sprintf("proj:%s:%s", project.o.Name, role.Name)}
				s.text = fmt.Sprintf("g, %s, %s", name, s.fields[2])
				p.statements = append(p.statements, s)
			}
		}
	}
	return p
}

// policyKeys judges the keys beside the lines.
func (r *run) policyKeys(p *policy, texts map[string]string) {
	if mode := texts[rbac.ConfigMapMatchModeKey]; mode != "" && mode != rbac.GlobMatchMode && mode != rbac.RegexMatchMode {
		r.add(find(p.o, rulePolicy, diag.Error, keys(nil, "data", rbac.ConfigMapMatchModeKey), fmt.Sprintf("policy.matchMode is %q", mode), "Write glob or regex."))
	}
	known := []string{rbac.ConfigMapPolicyCSVKey, rbac.ConfigMapPolicyDefaultKey, rbac.ConfigMapScopesKey, rbac.ConfigMapMatchModeKey}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if slices.Contains(known, key) || (strings.HasPrefix(key, "policy.") && strings.HasSuffix(key, ".csv")) || strings.HasPrefix(key, "_") {
			continue
		}
		detail := "Argo CD does not read it. Known: " + strings.Join(known, ", ") + " and policy.<any>.csv."
		if meant := diag.DidYouMean(key, known); meant != "" {
			detail = fmt.Sprintf("Did you mean %s? Argo CD does not read this key.", meant)
		}
		r.add(find(p.o, rulePolicy, diag.Warning, keys(nil, "data", key), fmt.Sprintf("unknown key %q", key), detail))
	}
}

const rulePolicy = "argocd-rbac-policy"

// statement reads one line as Argo CD's loader does.
func (r *run) statement(p *policy, s statement) {
	if s.text == "" || strings.HasPrefix(s.text, "#") {
		return
	}
	reader := csv.NewReader(strings.NewReader(s.text))
	reader.TrimLeadingSpace = true
	fields, err := reader.Read()
	if rbac.ValidatePolicy(s.text) != nil || err != nil {
		p.broken = true
		if len(fields) > 1 && fields[0] == "p" {
			p.meant = append(p.meant, strings.TrimSpace(fields[1]))
		}
		r.add(s.finding(rulePolicy, diag.Error, unread(fields, err), "Argo CD refuses the whole policy because of this line. A permission is p, SUBJECT, RESOURCE, ACTION, OBJECT, allow; a membership is g, GROUP, ROLE."))
		return
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	s.fields = fields
	p.statements = append(p.statements, s)
}

// unread says why a line cannot be read.
func unread(fields []string, err error) string {
	switch {
	case err != nil:
		return "the line is no CSV: " + err.Error()
	case len(fields) == 0 || fields[0] == "":
		return "the line begins with neither p nor g"
	case fields[0] == "p":
		return fmt.Sprintf("the permission has %d fields, not 6", len(fields))
	case fields[0] == "g":
		return fmt.Sprintf("the membership has %d fields, not 3", len(fields))
	default:
		return fmt.Sprintf("the line begins with %q: want p or g", fields[0])
	}
}

// actions are what Argo CD asks for by resource. update and delete take a path
// (update/GROUP/KIND/NAMESPACE/NAME), action must have one.
// https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/
func actions() map[string][]string {
	return map[string][]string{
		rbac.ResourceApplications:      {"get", "create", "update", "delete", "sync", "override", "action"},
		rbac.ResourceApplicationSets:   {"get", "create", "update", "delete"},
		rbac.ResourceClusters:          {"get", "create", "update", "delete"},
		rbac.ResourceProjects:          {"get", "create", "update", "delete"},
		rbac.ResourceRepositories:      {"get", "create", "update", "delete"},
		rbac.ResourceWriteRepositories: {"get", "create", "update", "delete"},
		rbac.ResourceAccounts:          {"get", "create", "update"},
		rbac.ResourceCertificates:      {"get", "create", "update", "delete"},
		rbac.ResourceGPGKeys:           {"get", "create", "delete"},
		rbac.ResourceLogs:              {"get"},
		rbac.ResourceExec:              {"create"},
		rbac.ResourceExtensions:        {"invoke"},
	}
}

// slashed are the resources whose objects are PROJECT/NAME.
func slashed(resource string) bool {
	return slices.Contains([]string{rbac.ResourceApplications, rbac.ResourceApplicationSets, rbac.ResourceLogs, rbac.ResourceExec}, resource)
}

func isPattern(text string) bool { return strings.ContainsAny(text, "*?[]{}\\^$+|()") }

// judgePolicy judges the statements one by one, and then together.
func (r *run) judgePolicy(p *policy) {
	for _, s := range p.statements {
		if s.is("p") {
			r.permission(p, s)
		}
	}
	r.roles(p)
	r.crossings(p)
	r.defaults(p)
}

// permission judges one p line.
func (r *run) permission(p *policy, s statement) {
	resource, action, object, effect := s.fields[2], s.fields[3], s.fields[4], s.fields[5]
	known := actions()
	if effect != "allow" && effect != "deny" {
		r.add(s.finding(rulePolicy, diag.Error, fmt.Sprintf("the effect is %q", effect), "Write allow or deny: with anything else the line does nothing."))
		return
	}
	list := known[resource]
	if list == nil && !isPattern(resource) {
		names := slices.Sorted(maps.Keys(known))
		detail := "Known: " + strings.Join(names, ", ") + "."
		if meant := diag.DidYouMean(resource, names); meant != "" {
			detail = "Did you mean " + meant + "?"
		}
		r.add(s.finding(rulePolicy, diag.Error, fmt.Sprintf("there is no resource %q", resource), detail+" Argo CD never asks for this one."))
		return
	}
	verb, rest, path := strings.Cut(action, "/")
	if list != nil && !isPattern(verb) {
		switch {
		case !slices.Contains(list, verb):
			detail := fmt.Sprintf("%s knows %s.", resource, strings.Join(list, ", "))
			if meant := diag.DidYouMean(verb, list); meant != "" {
				detail = "Did you mean " + meant + "? " + detail
			}
			r.add(s.finding(rulePolicy, diag.Error, fmt.Sprintf("there is no action %q on %s", action, resource), detail))
			return
		case path && (resource != rbac.ResourceApplications || !slices.Contains([]string{"update", "delete", "action"}, verb)):
			r.add(s.finding(rulePolicy, diag.Error, fmt.Sprintf("the action %s of %s takes no path", verb, resource), "Write "+verb+"."))
			return
		case verb == "action" && rest == "":
			r.add(s.finding(rulePolicy, diag.Error, "the action names none of the resource actions", "Write action/GROUP/KIND/NAME, such as action/apps/Deployment/restart, or action/*."))
			return
		}
	}
	if !p.regex && slashed(resource) && !strings.Contains(object, "/") && !strings.Contains(object, "*") {
		r.add(s.finding(rulePolicy, diag.Error, fmt.Sprintf("the object %q matches nothing", object), fmt.Sprintf("The objects of %s are PROJECT/NAME: write %s/*.", resource, object)))
	}
	if s.grants() {
		r.broad(p, s)
	}
}

// broad judges what a permission reaches.
func (r *run) broad(p *policy, s statement) {
	subject, resource, action, object := s.fields[1], s.fields[2], s.fields[3], s.fields[4]
	if subject == "role:admin" {
		return
	}
	matches := func(resource, action string) bool { return r.matches(p, s, resource, action) }
	if matches(rbac.ResourceExec, "create") && resource != "*" {
		r.add(s.finding("argocd-rbac-exec", diag.Error, fmt.Sprintf("%s may open a shell in the pods", subject), "Whoever has a shell has the pod's service account and secrets. Remove the line; administrators have the right already."))
		return
	}
	if object != "*" && object != "*/*" && object != ".*" {
		return
	}
	for _, what := range []struct{ resource, action string }{
		{rbac.ResourceApplications, "create"},
		{rbac.ResourceApplications, "update"},
		{rbac.ResourceApplications, "delete"},
		{rbac.ResourceApplications, "override"},
		{rbac.ResourceApplicationSets, "create"},
		{rbac.ResourceApplicationSets, "update"},
		{rbac.ResourceProjects, "create"},
		{rbac.ResourceProjects, "update"},
		{rbac.ResourceClusters, "create"},
		{rbac.ResourceClusters, "update"},
		{rbac.ResourceAccounts, "update"},
	} {
		if matches(what.resource, what.action) {
			r.add(s.finding("argocd-rbac-wildcard", diag.Error, fmt.Sprintf("%s may %s %s of every project", subject, strings.ReplaceAll(action, "*", "do everything with"), strings.ReplaceAll(resource, "*", "everything")),
				"That is an administrator in all but name. Write PROJECT/* for the projects it is about, or bind the group to role:admin."))
			return
		}
	}
}

// roles finds roles that nobody has, and memberships in roles that are not
// there.
func (r *run) roles(p *policy) {
	defined, members, bound := map[string]statement{}, map[string]bool{}, map[string]bool{p.defaultRole: true}
	for _, s := range p.statements {
		switch {
		case s.is("g"):
			bound[s.fields[2]] = true
			members[s.fields[1]] = true
		case s.is("p"):
			if _, twice := defined[s.fields[1]]; !twice {
				defined[s.fields[1]] = s
			}
		}
	}
	names := append([]string{"role:admin", "role:readonly"}, p.meant...)
	for name := range defined {
		names = append(names, name)
	}
	for name := range members { // a role may be nothing but a member of another
		names = append(names, name)
	}
	for _, s := range p.statements {
		role := ""
		if s.is("g") {
			role = s.fields[2]
		}
		if !strings.HasPrefix(role, "role:") && !strings.HasPrefix(role, "proj:") || slices.Contains(names, role) || r.projectRole(role) {
			continue
		}
		if parts := strings.Split(role, ":"); parts[0] == "proj" && r.in.Partial {
			continue // its project is elsewhere
		}
		detail := "Define it with a p line, or bind another."
		if meant := diag.DidYouMean(role, names); meant != "" {
			detail = "Did you mean " + meant + "? " + detail
		}
		r.add(s.finding("argocd-rbac-role-undefined", diag.Error, fmt.Sprintf("%s is a member of %s, which nothing defines", s.fields[1], role), detail))
	}
	for _, name := range slices.Sorted(maps.Keys(defined)) {
		s := defined[name]
		if bound[name] || !strings.HasPrefix(name, "role:") || s.project != "" || name == "role:admin" || name == "role:readonly" {
			continue
		}
		r.add(s.finding("argocd-rbac-role-unbound", diag.Warning, fmt.Sprintf("nobody has the role %s", name), fmt.Sprintf("Write g, GROUP, %s, or remove the role.", name)))
	}
}

// projectRole reports whether a project has a role, with or without policies.
func (r *run) projectRole(name string) bool {
	for _, p := range r.projects {
		for _, role := range p.Spec.Roles {
			if name == fmt.Sprintf("proj:%s:%s", p.o.Name, role.Name) {
				return true
			}
		}
	}
	return false
}

// crossings finds the role of one tenant that reaches the project of another. A
// role is a project's when its name holds the project's: role:ml-tenant-a.
func (r *run) crossings(p *policy) {
	var projects []string
	for _, project := range r.projects {
		if len(project.Spec.ClusterResourceWhitelist) == 0 { // else it is the platform's, not a tenant's
			projects = append(projects, project.o.Name)
		}
	}
	// The longest name first: tenant-a-data is not tenant-a.
	slices.SortFunc(projects, func(a, b string) int { return len(b) - len(a) })
	for _, s := range p.statements {
		if s.project != "" || !s.grants() || !slashed(s.fields[2]) || !strings.HasPrefix(s.fields[1], "role:") {
			continue
		}
		own := slices.IndexFunc(projects, func(name string) bool { return holdsName(strings.TrimPrefix(s.fields[1], "role:"), name) })
		object, _, found := strings.Cut(s.fields[4], "/")
		if own < 0 || !found || object == projects[own] || isPattern(object) && !strings.HasPrefix(object, "*") || !slices.Contains(projects, object) && object != "*" {
			continue
		}
		other := "the project " + object
		if object == "*" {
			other = "every project"
		}
		r.add(s.finding("argocd-rbac-cross-project", diag.Error, fmt.Sprintf("%s is the role of the project %s and reaches %s", s.fields[1], projects[own], other),
			fmt.Sprintf("Write %s/*, or give the role a name that says what it is for.", projects[own])))
	}
}

// holdsName reports whether a name stands in another as a word of its own.
func holdsName(text, name string) bool {
	at := strings.Index(text, name)
	if at < 0 {
		return false
	}
	edge := func(i int) bool { return i < 0 || i >= len(text) || strings.ContainsRune("-_.:/", rune(text[i])) }
	return edge(at-1) && edge(at+len(name))
}

// defaults judges the role of everybody.
func (r *run) defaults(p *policy) {
	role := p.defaultRole
	if role == "" || role == "role:readonly" {
		return
	}
	at := keys(nil, "data", rbac.ConfigMapPolicyDefaultKey)
	defined := role == "role:admin"
	for _, s := range p.statements {
		defined = defined || s.is("p") && s.fields[1] == role || s.is("g") && s.fields[1] == role
	}
	if !defined {
		r.add(find(p.o, "argocd-rbac-role-undefined", diag.Error, at, fmt.Sprintf("policy.default is %s, which nothing defines", role), "Write role:readonly, or leave it empty: who is in no group then sees nothing."))
		return
	}
	e := r.enforcer(p, "")
	for _, action := range []string{"create", "update", "delete", "sync", "override"} {
		if e.may(role, rbac.ResourceApplications, action, "any/any") {
			r.add(find(p.o, "argocd-rbac-default-role", diag.Error, at, fmt.Sprintf("everybody who has logged in may %s every Application", action),
				"What the default role grants cannot be taken back by a deny. Write role:readonly, or leave it empty."))
			return
		}
	}
}

// builtin is Argo CD's own policy, which is always a part of the whole.
func builtin() string { return assets.BuiltinPolicyCSV }
