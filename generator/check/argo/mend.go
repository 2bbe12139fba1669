package argo

import (
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/manifest"
)

// The last resort for one message, by how often it came back.
const (
	tryReplace = 2 // replace the task or template
	giveUp     = 4
)

// spec is the workflow spec of the working copy.
func (l *linter) spec() map[string]any {
	value, _ := check.Value(l.work, keys(nil, l.s.specPath...))
	spec, _ := value.(map[string]any)
	return spec
}

// at is the working copy's value for a place in the subject. Mending never
// moves an item, so that paths stay true.
func (l *linter) at(path manifest.Path) map[string]any {
	value, _ := check.Value(l.work, path)
	m, _ := value.(map[string]any)
	return m
}

// mend changes the working copy so that the message does not come back and the
// next mistake comes to light. It is false where that cannot be done.
func (l *linter) mend(m message, times int) bool {
	if times >= giveUp || l.spec() == nil {
		return false
	}
	own, foreign := l.walk(m)
	at, located := culprit(m, own)
	if !located {
		if foreign != nil {
			// Everything below a workflowTemplateRef is the other object's.
			l.replaceWithSuspend()
			return times == 1
		}
		return l.mendSpec(m, times)
	}
	if times >= tryReplace || foreign != nil {
		return l.replace(at, times)
	}
	template, task := l.at(at.path), l.at(at.taskPath)
	if at.taskPath == nil {
		task = nil
	}
	switch m.kind {
	case unresolved:
		scope := template
		if task != nil {
			scope = task
		}
		substitute(scope, "{{"+m.args[0]+"}}")
		return true
	case notSupplied:
		pass(task, m.args[0], m.args[1])
		return true
	case invalidDependency:
		l.forget(at.link.template, template, m.args[0])
		return true
	case duplicateTask:
		renameSecond(template, m.args[0])
		return true
	case cycle:
		for _, t := range tasksOf(template) {
			l.independent(at.link.template, t)
		}
		return true
	case mixedDependencies:
		for _, t := range tasksOf(template) {
			dependsOnly(t)
		}
		return true
	case missingDependency:
		substituteAll(task["arguments"], "{{tasks."+m.args[0]+".")
		return true
	case other:
		if field(m, template, task) {
			return true
		}
	}
	return l.replace(at, times)
}

// field mends the one field that a message names: a wrong value goes, a missing
// one comes.
func field(m message, template, task map[string]any) bool {
	scope := template
	if task != nil {
		scope = task
	}
	rest, ok := m.field(scope)
	if !ok || len(rest) == 0 || rest[len(rest)-1].Key == "" || rest[len(rest)-1].Key == "name" {
		return false
	}
	parent, _ := check.Value(scope, rest[:len(rest)-1])
	holder, ok := parent.(map[string]any)
	if !ok {
		return false
	}
	key := rest[len(rest)-1].Key
	if value, stands := holder[key]; stands && value != "" && value != nil {
		delete(holder, key)
	} else {
		holder[key] = "x"
	}
	return true
}

// replace puts something in a task's or template's place that Argo accepts
// without looking into it.
func (l *linter) replace(at spot, times int) bool {
	template := l.at(at.path)
	if template == nil {
		return false
	}
	if at.taskPath != nil && times <= tryReplace {
		task := l.at(at.taskPath)
		for key := range task {
			switch key {
			case "name", "dependencies", "depends", "withItems", "withParam", "withSequence":
			default:
				delete(task, key)
			}
		}
		// A reference that depends on a variable is not followed.
		task["templateRef"] = map[string]any{"name": "{{unknown}}", "template": "{{unknown}}"}
		l.broken[at.link.template+"/"+at.link.task] = true
		return true
	}
	inputs := template["inputs"]
	for key := range template {
		if key != "name" {
			delete(template, key)
		}
	}
	if times <= tryReplace {
		template["inputs"] = inputs
	}
	template["suspend"] = map[string]any{}
	l.broken["template "+at.link.template] = true
	return true
}

// replaceWithSuspend makes the spec one that Argo has nothing to say about.
func (l *linter) replaceWithSuspend() {
	spec := l.spec()
	for key := range spec {
		delete(spec, key)
	}
	spec["entrypoint"] = fillIn
	spec["templates"] = []any{suspendTemplate()}
}

// fillIn is the name of a template that stands in for one that is missing.
const fillIn = "strake-fill-in"

func suspendTemplate() map[string]any {
	return map[string]any{"name": fillIn, "suspend": map[string]any{}}
}

// substitute replaces a variable by a value.
func substitute(value any, variable string) {
	edit(value, func(text string) string { return strings.ReplaceAll(text, variable, "x") })
}

// substituteAll replaces every text that holds a prefix.
func substituteAll(value any, prefix string) {
	edit(value, func(text string) string {
		if strings.Contains(text, prefix) {
			return "x"
		}
		return text
	})
}

// edit changes every string below a value, in place.
func edit(value any, change func(string) string) {
	switch v := value.(type) {
	case map[string]any:
		for key, x := range v {
			if text, ok := x.(string); ok {
				v[key] = change(text)
			} else {
				edit(x, change)
			}
		}
	case []any:
		for i, x := range v {
			if text, ok := x.(string); ok {
				v[i] = change(text)
			} else {
				edit(x, change)
			}
		}
	}
}

// pass adds an argument to a task.
func pass(task map[string]any, list, name string) {
	arguments, ok := task["arguments"].(map[string]any)
	if !ok {
		arguments = map[string]any{}
		task["arguments"] = arguments
	}
	items, _ := arguments[list].([]any)
	argument := map[string]any{"name": name}
	give(argument, list)
	arguments[list] = append(items, argument)
}

// give sets a parameter or artifact to a value.
func give(argument map[string]any, list string) {
	for key := range argument {
		if key != "name" {
			delete(argument, key)
		}
	}
	if list == "artifacts" {
		argument["raw"] = map[string]any{"data": "x"}
	} else {
		argument["value"] = "x"
	}
}

// forget takes a dependency on a task that does not exist out of all others.
func (l *linter) forget(templateName string, template map[string]any, name string) {
	for _, t := range tasksOf(template) {
		if list, ok := t["dependencies"].([]any); ok {
			t["dependencies"] = slices.DeleteFunc(list, func(d any) bool { return d == name })
		}
		if depends, _ := t["depends"].(string); mentions(depends, name) {
			l.independent(templateName, t)
		}
	}
}

// independent takes all dependencies out of a task. What it then cannot see is
// not its fault.
func (l *linter) independent(templateName string, task map[string]any) {
	delete(task, "dependencies")
	delete(task, "depends")
	name, _ := task["name"].(string)
	l.broken["dependencies of "+templateName+"/"+name] = true
}

// dependsOnly says with depends what a task says with dependencies.
func dependsOnly(task map[string]any) {
	var names []string
	list, _ := task["dependencies"].([]any)
	for _, d := range list {
		if name, ok := d.(string); ok {
			names = append(names, name)
		}
	}
	delete(task, "dependencies")
	delete(task, "continueOn")
	if len(names) > 0 {
		task["depends"] = strings.Join(names, " && ")
	}
}

func renameSecond(template map[string]any, name string) {
	seen := false
	for _, t := range tasksOf(template) {
		if t["name"] == name {
			if seen {
				t["name"] = name + "-2"
			}
			seen = true
		}
	}
}

// mendSpec mends what stands outside of the templates.
func (l *linter) mendSpec(m message, times int) bool {
	if times > 1 {
		return false
	}
	spec := l.spec()
	cron, _ := l.work["spec"].(map[string]any)
	switch m.kind {
	case undefinedTemplate, entrypointRequired:
		if m.kind == undefinedTemplate && spec["onExit"] == m.args[0] {
			delete(spec, "onExit")
		} else {
			l.fill(spec)
		}
	case missingReference:
		l.replaceWithSuspend()
	case notSupplied:
		pass(spec, m.args[0], m.args[1])
	case argumentValue:
		arguments, _ := spec["arguments"].(map[string]any)
		list, i := named(arguments, m.args[0])
		if list == "" {
			list = "parameters"
			if strings.Contains(m.text, ".from, artifact location") {
				list = "artifacts"
			}
			pass(spec, list, m.args[0])
			return true
		}
		items, _ := arguments[list].([]any)
		argument, _ := items[i].(map[string]any)
		give(argument, list)
	case templateName:
		return l.rename(number(m.args[0]))
	case podGC:
		delete(spec, "podGC")
	case cronSchedule:
		edit(cron, func(text string) string {
			if text == m.args[0] {
				return "0 0 * * *"
			}
			return text
		})
	case cronTimezone:
		delete(cron, "timezone")
	case cronPolicy:
		delete(cron, "concurrencyPolicy")
	case cronDeadline:
		delete(cron, "startingDeadlineSeconds")
	case cronBoth:
		delete(cron, "schedule")
	case nameTooLong:
		metadata, _ := l.work["metadata"].(map[string]any)
		metadata["name"] = "x"
	case hook:
		delete(spec, "hooks")
	case withTemplates:
		delete(spec, "templates")
	default:
		return false
	}
	return true
}

// fill makes a template that always passes the entrypoint.
func (l *linter) fill(spec map[string]any) {
	items, _ := spec["templates"].([]any)
	spec["templates"] = append(items, suspendTemplate())
	spec["entrypoint"] = fillIn
}

// rename gives the template at an index a name that Argo accepts, and follows
// it in what refers to it by a name of its own.
func (l *linter) rename(i int) bool {
	items, _ := l.spec()["templates"].([]any)
	if i < 0 || i >= len(items) {
		return false
	}
	template, ok := items[i].(map[string]any)
	if !ok {
		return false
	}
	old, _ := template["name"].(string)
	fresh := fillIn + "-" + string(rune('a'+i%26)) + strings.Repeat("z", i/26)
	l.renamed[fresh] = i
	template["name"] = fresh
	if old == "" || slices.ContainsFunc(templatesOf(l.spec()), func(t map[string]any) bool { return t["name"] == old }) {
		return true // its name is another's: what refers to it means that one
	}
	for _, t := range templatesOf(l.spec()) {
		for _, task := range tasksOf(t) {
			if task["template"] == old {
				task["template"] = fresh
			}
		}
	}
	for _, field := range []string{"entrypoint", "onExit"} {
		if l.spec()[field] == old {
			l.spec()[field] = fresh
		}
	}
	return true
}
