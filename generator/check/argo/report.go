package argo

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// spot is a link of a message, found in the subject as it was written.
type spot struct {
	link
	path     manifest.Path // of the template
	template map[string]any
	taskPath manifest.Path // of the task or step; nil without one
	task     map[string]any
}

// keys makes steps of map keys.
func keys(path manifest.Path, names ...string) manifest.Path {
	out := slices.Clone(path)
	for _, name := range names {
		out = append(out, manifest.Step{Key: name})
	}
	return out
}

func item(path manifest.Path, i int, value any) manifest.Path {
	m, _ := value.(map[string]any)
	name, _ := m["name"].(string)
	return append(slices.Clone(path), manifest.Step{Index: i, Name: name})
}

func (s *subject) spec() map[string]any {
	value, _ := check.Value(s.fields, keys(nil, s.specPath...))
	spec, _ := value.(map[string]any)
	return spec
}

// template finds a template of a subject by name.
func (s *subject) template(name string) (map[string]any, manifest.Path) {
	items, _ := s.spec()["templates"].([]any)
	for i, value := range items {
		if t, ok := value.(map[string]any); ok && t["name"] == name {
			return t, item(keys(nil, append(slices.Clone(s.specPath), "templates")...), i, t)
		}
	}
	return nil, nil
}

// spotOf finds what a link names; ok is false where the subject has no such
// template.
func (s *subject) spotOf(l link) (spot, bool) {
	t, path := s.template(l.template)
	if t == nil {
		return spot{}, false
	}
	return s.spotIn(l, t, path), true
}

// spotIn finds the task of a link in its template.
func (s *subject) spotIn(l link, t map[string]any, path manifest.Path) spot {
	out := spot{link: l, template: t, path: path}
	dag, _ := t["dag"].(map[string]any)
	tasks, _ := dag["tasks"].([]any)
	for i, value := range tasks {
		task, _ := value.(map[string]any)
		if (l.group < 0 && l.task != "" && task["name"] == l.task) || i == l.index {
			out.task, out.taskPath = task, item(keys(path, "dag", "tasks"), i, task)
		}
	}
	groups, _ := t["steps"].([]any)
	if l.group >= 0 && l.group < len(groups) {
		steps, _ := groups[l.group].([]any)
		for i, value := range steps {
			if step, ok := value.(map[string]any); ok && l.task != "" && step["name"] == l.task {
				at := append(keys(path, "steps"), manifest.Step{Index: l.group})
				out.task, out.taskPath = step, item(at, i, step)
			}
		}
	}
	return out
}

// target is the template object that a task refers to.
func (l *linter) target(task map[string]any) *subject {
	reference, ok := task["templateRef"].(map[string]any)
	if !ok {
		return nil
	}
	s, _ := l.referred(reference)
	return s
}

func (l *linter) referred(reference map[string]any) (*subject, ref) {
	name, _ := reference["name"].(string)
	r := ref{l.s.o.Namespace, name}
	if clusterScope, _ := reference["clusterScope"].(bool); clusterScope {
		r.namespace = ""
	}
	return l.library.templates[r], r
}

// walk follows a message's chain to where its mistake is: to the last link, or
// for an argument that is missing, to the task that should have passed it. own
// are the links in the subject itself; foreign is another object that the chain
// ends in.
func (l *linter) walk(m message) (own []spot, foreign *subject) {
	at, next := l.s, (*subject)(nil)
	if reference, ok := l.s.spec()["workflowTemplateRef"].(map[string]any); ok {
		next, _ = l.referred(reference)
	}
	chain := m.chain
	if m.kind == notSupplied && len(chain) > 0 {
		chain = chain[:len(chain)-1]
	}
	for _, lk := range chain {
		if next != nil {
			at = next
		}
		found, ok := l.spotIn(at, lk)
		if !ok {
			break
		}
		if at == l.s {
			own = append(own, found)
		}
		next = l.target(found.task)
	}
	if at != l.s {
		foreign = at
	}
	return own, foreign
}

// spotIn finds a link in an object, also by a name that mending gave.
func (l *linter) spotIn(at *subject, lk link) (spot, bool) {
	i, renamed := l.renamed[lk.template]
	if !renamed || at != l.s {
		return at.spotOf(lk)
	}
	items, _ := l.s.spec()["templates"].([]any)
	t, _ := items[i].(map[string]any)
	path := item(keys(nil, append(slices.Clone(l.s.specPath), "templates")...), i, t)
	return l.s.spotIn(lk, t, path), true
}

// culprit is the link of the subject that is to be reported, and mended.
func culprit(m message, own []spot) (spot, bool) {
	for _, s := range slices.Backward(own) {
		if m.kind != notSupplied || s.task != nil {
			return s, true
		}
	}
	return spot{}, false
}

// report turns a message into findings, unless it only follows from another.
func (l *linter) report(m message) {
	own, foreign := l.walk(m)
	at, located := culprit(m, own)
	switch {
	case located && l.follows(m, at):
	case foreign != nil && len(l.library.lint(foreign)) > 0:
		// It is that object's own mistake, and reported there.
	case foreign != nil:
		place := keys(nil, append(slices.Clone(l.s.specPath), "workflowTemplateRef")...)
		if located && at.task != nil {
			place = keys(at.taskPath, "templateRef")
		}
		l.add(place, fmt.Sprintf("as used here, %s fails: %s", foreign.o.ID(), m.said()), "")
	case located:
		l.reportAt(m, at)
	default:
		l.reportSpec(m)
	}
}

func (l *linter) add(path manifest.Path, summary, detail string) {
	l.out = append(l.out, find(l.s.o, "argo-lint", path, summary, detail))
}

// follows reports whether a message only says that something refers to what was
// replaced before.
func (l *linter) follows(m message, at spot) bool {
	switch m.kind {
	case unresolved:
		parts := strings.Split(strings.TrimSpace(m.args[0]), ".")
		if len(parts) > 1 && (parts[0] == "tasks" || parts[0] == "steps") {
			return l.broken[at.link.template+"/"+parts[1]] || l.brokenTemplate(at, parts[1]) ||
				l.broken["dependencies of "+at.link.template+"/"+at.task0()]
		}
		return strings.HasPrefix(m.args[0], "workflow.outputs.") && len(l.broken) > 0
	case missingDependency:
		return l.broken["dependencies of "+at.link.template+"/"+at.task0()]
	default:
		return false
	}
}

func (s spot) task0() string { return s.link.task }

// brokenTemplate reports whether the template that a task runs was replaced.
func (l *linter) brokenTemplate(at spot, task string) bool {
	for _, t := range tasksOf(at.template) {
		if t["name"] == task {
			name, _ := t["template"].(string)
			return l.broken["template "+name]
		}
	}
	return false
}

// tasksOf lists the tasks of a dag, or the steps of all groups.
func tasksOf(template map[string]any) []map[string]any {
	var out []map[string]any
	dag, _ := template["dag"].(map[string]any)
	lists := []any{dag["tasks"]}
	groups, _ := template["steps"].([]any)
	lists = append(lists, groups...)
	for _, list := range lists {
		items, _ := list.([]any)
		for _, value := range items {
			if t, ok := value.(map[string]any); ok {
				out = append(out, t)
			}
		}
	}
	return out
}

// reportAt reports a mistake in a template, or in one of its tasks.
func (l *linter) reportAt(m message, at spot) {
	scope, path := any(at.template), at.path
	if at.task != nil {
		scope, path = at.task, at.taskPath
	}
	switch m.kind {
	case unresolved:
		if rest, ok := firstWith(scope, "{{"+m.args[0]+"}}"); ok {
			path = append(slices.Clone(path), rest...)
		}
		l.add(path, fmt.Sprintf("{{%s}} refers to nothing", m.args[0]), l.resolveHint(m.args[0], at))
	case undefinedTemplate:
		l.add(keys(path, "template"), fmt.Sprintf("there is no template %q", m.args[0]), meant(m.args[0], l.templateNames()))
	case missingReference:
		l.missing(m, at.task, keys(path, "templateRef"))
	case notSupplied:
		l.add(keys(path, "arguments"), fmt.Sprintf("it passes no %s %q, which the template needs", strings.TrimSuffix(m.args[0], "s"), m.args[1]),
			fmt.Sprintf("Add it under arguments.%s, or give the template's input a default.", m.args[0]))
	case invalidDependency:
		l.invalidDependency(m.args[0], at)
	case duplicateTask:
		l.duplicateTask(m.args[0], at)
	case cycle:
		l.add(keys(path, "dag", "tasks"), "the tasks depend on each other in a circle"+circle(at.template), "Take one of the dependencies out.")
	case mixedDependencies:
		l.mixed(at)
	case missingDependency:
		value, _ := firstWith(scope, "{{tasks."+m.args[0]+".")
		l.add(append(slices.Clone(path), value...), fmt.Sprintf("it takes its %s %q from task %q, and does not depend on it", m.args[1], m.args[2], m.args[0]),
			fmt.Sprintf("Add %s to its dependencies, or to depends.", m.args[0]))
	default:
		l.reportOther(m, at, scope, path)
	}
}

// invalidDependency names every task that waits for one that does not exist.
func (l *linter) invalidDependency(name string, at spot) {
	var names []string
	for _, t := range tasksOf(at.template) {
		if n, ok := t["name"].(string); ok {
			names = append(names, n)
		}
	}
	for i, t := range tasksOf(at.template) {
		place := item(keys(at.path, "dag", "tasks"), i, t)
		list, _ := t["dependencies"].([]any)
		for j, d := range list {
			if d == name {
				l.add(append(keys(place, "dependencies"), manifest.Step{Index: j}), fmt.Sprintf("there is no task %q to depend on", name), meant(name, names))
			}
		}
		if depends, _ := t["depends"].(string); mentions(depends, name) {
			l.add(keys(place, "depends"), fmt.Sprintf("there is no task %q to depend on", name), meant(name, names))
		}
	}
}

// mentions reports whether an expression holds a task's name.
func mentions(depends, name string) bool {
	isName := func(r rune) bool {
		return r == '-' || r == '_' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
	}
	return slices.ContainsFunc(strings.FieldsFunc(depends, func(r rune) bool { return !isName(r) }), func(w string) bool { return w == name })
}

// mixed reports the tasks of the minority way to say what a task waits for.
func (l *linter) mixed(at spot) {
	for i, t := range tasksOf(at.template) {
		for _, field := range []string{"dependencies", "continueOn"} {
			if t[field] != nil {
				l.add(keys(item(keys(at.path, "dag", "tasks"), i, t), field),
					field+" stands beside the depends of another task", "Write depends on all tasks: a && b for dependencies: [a, b], and a.Failed for continueOn.")
			}
		}
	}
}

func (l *linter) duplicateTask(name string, at spot) {
	seen := false
	for i, t := range tasksOf(at.template) {
		if t["name"] == name {
			if seen {
				l.add(keys(item(keys(at.path, "dag", "tasks"), i, t), "name"), fmt.Sprintf("there are two tasks named %q", name), "Rename one of them.")
			}
			seen = true
		}
	}
}

// missing reports a reference to a template object that is not there, or to a
// template that the object does not have.
func (l *linter) missing(m message, holder map[string]any, path manifest.Path) {
	reference, _ := holder["templateRef"].(map[string]any)
	if reference == nil {
		reference, _ = holder["workflowTemplateRef"].(map[string]any)
	}
	s, r := l.referred(reference)
	if text := fmt.Sprint(reference["name"], reference["template"]); strings.Contains(text, "{{") {
		l.out = append(l.out, l.s.o.Finding("argo-unresolved", diag.Info, keys(path, "name"),
			"the reference depends on a variable: what it is given was not checked", ""))
		return
	}
	kind := "WorkflowTemplate"
	if r.namespace == "" {
		kind = "ClusterWorkflowTemplate"
	}
	wanted, named := reference["template"].(string)
	if !named && len(m.args) > 1 {
		wanted = m.args[1] // the entrypoint, or onExit, of a workflowTemplateRef
	}
	switch {
	case s != nil && !named && len(l.library.lint(s)) > 0:
		// Its own entrypoint is at fault, and reported there.
	case s != nil:
		var names []string
		for _, t := range templatesOf(s.spec()) {
			name, _ := t["name"].(string)
			names = append(names, name)
		}
		l.add(keys(path, "template"), fmt.Sprintf("%s %s has no template %q", kind, r.name, wanted), meant(wanted, names))
	case l.library.known(r):
		l.add(keys(path, "name"), fmt.Sprintf("there is no %s %q%s", kind, r.name, in(r.namespace)), meant(r.name, l.library.names(r)))
	default:
		d := l.s.o.Finding("argo-unresolved", diag.Warning, keys(path, "name"),
			fmt.Sprintf("%s %q%s is not rendered here: what it is given was not checked", kind, r.name, in(r.namespace)), "")
		l.out = append(l.out, d)
	}
}

func in(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

func templatesOf(spec map[string]any) []map[string]any {
	items, _ := spec["templates"].([]any)
	var out []map[string]any
	for _, value := range items {
		if t, ok := value.(map[string]any); ok {
			out = append(out, t)
		}
	}
	return out
}

func (l *linter) templateNames() []string {
	var names []string
	for _, t := range templatesOf(l.s.spec()) {
		if name, ok := t["name"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// meant is a detail: the nearest name, or all of a short list.
func meant(got string, known []string) string {
	if name := diag.DidYouMean(got, known); name != "" {
		return fmt.Sprintf("Did you mean %q?", name)
	}
	if len(known) > 0 && len(known) <= 12 {
		return "There is " + diag.OneOf(known) + "."
	}
	return ""
}
