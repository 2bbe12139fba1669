package argo

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/manifest"
)

// resolveHint says what a variable could have been.
func (l *linter) resolveHint(variable string, at spot) string {
	parts := strings.Split(strings.TrimSpace(variable), ".")
	if len(parts) < 2 {
		return ""
	}
	switch {
	case parts[0] == "inputs" && len(parts) >= 3:
		inputs, _ := at.template["inputs"].(map[string]any)
		return declare(parts[2], namesIn(inputs[parts[1]]), "inputs."+parts[1]+" of template "+at.link.template)
	case parts[0] == "workflow" && parts[1] == "parameters" && len(parts) >= 3:
		arguments, _ := l.s.spec()["arguments"].(map[string]any)
		return declare(parts[2], namesIn(arguments["parameters"]), "spec.arguments.parameters")
	case parts[0] == "tasks" || parts[0] == "steps":
		return l.outputHint(parts, at)
	default:
		return ""
	}
}

func declare(name string, known []string, where string) string {
	if hint := meant(name, known); strings.HasPrefix(hint, "Did") {
		return hint
	}
	return "Declare it under " + where + "."
}

func namesIn(list any) []string {
	items, _ := list.([]any)
	var out []string
	for _, value := range items {
		m, _ := value.(map[string]any)
		if name, ok := m["name"].(string); ok {
			out = append(out, name)
		}
	}
	return out
}

// outputHint explains {{tasks.NAME.…}}: no such task, not an ancestor, or no
// such output.
func (l *linter) outputHint(parts []string, at spot) string {
	var names []string
	var source map[string]any
	for _, t := range tasksOf(at.template) {
		name, _ := t["name"].(string)
		names = append(names, name)
		if name == parts[1] {
			source = t
		}
	}
	if source == nil {
		return meant(parts[1], names)
	}
	if len(parts) < 5 || parts[2] != "outputs" {
		return ""
	}
	var template map[string]any
	if name, ok := source["template"].(string); ok {
		template, _ = l.s.template(name)
	} else if s := l.target(source); s != nil {
		reference, _ := source["templateRef"].(map[string]any)
		name, _ := reference["template"].(string)
		template, _ = s.template(name)
	}
	if template == nil {
		return ""
	}
	outputs, _ := template["outputs"].(map[string]any)
	known := namesIn(outputs[parts[3]])
	if slices.Contains(known, parts[4]) {
		return fmt.Sprintf("Task %q has that output, but this task does not wait for it: add it to dependencies.", parts[1])
	}
	return declare(parts[4], known, fmt.Sprintf("outputs.%s of template %v", parts[3], template["name"]))
}

// reportSpec reports a mistake outside of the templates.
func (l *linter) reportSpec(m message) {
	s := l.s
	spec := keys(nil, s.specPath...)
	text := strings.TrimSuffix(m.text, ".")
	switch m.kind {
	case undefinedTemplate:
		field := "entrypoint"
		if l.spec()["onExit"] == m.args[0] && l.spec()["entrypoint"] != m.args[0] {
			field = "onExit"
		}
		l.add(keys(spec, field), fmt.Sprintf("there is no template %q", m.args[0]), meant(m.args[0], l.templateNames()))
	case missingReference:
		l.missing(m, s.spec(), keys(spec, "workflowTemplateRef"))
	case notSupplied:
		l.add(keys(spec, "entrypoint"), fmt.Sprintf("the entrypoint needs the %s %q, and nothing passes it", strings.TrimSuffix(m.args[0], "s"), m.args[1]),
			fmt.Sprintf("Declare it under spec.arguments.%s with a value, or give the template's input a default.", m.args[0]))
	case argumentValue:
		l.argument(m.args[0], keys(spec, "arguments"), text)
	case templateName:
		i := number(m.args[0])
		items, _ := s.spec()["templates"].([]any)
		if i >= 0 && i < len(items) {
			l.add(keys(item(keys(spec, "templates"), i, items[i]), "name"), strings.TrimPrefix(text, "spec."), "")
		}
	case entrypointRequired:
		l.add(spec, "spec.entrypoint is missing: nothing would run", meant("", l.templateNames()))
	case podGC:
		l.add(keys(spec, "podGC", m.args[0]), text, "Argo knows the strategies OnPodCompletion, OnPodSuccess, OnWorkflowCompletion and OnWorkflowSuccess.")
	case cronSchedule:
		l.add(schedulePath(s, m.args[0]), text, "")
	case cronTimezone:
		l.add(keys(nil, "spec", "timezone"), text, "Write a name of the IANA time zone database, such as Asia/Tokyo.")
	case cronPolicy:
		l.add(keys(nil, "spec", "concurrencyPolicy"), text, "Write Allow, Forbid or Replace.")
	case cronDeadline:
		l.add(keys(nil, "spec", "startingDeadlineSeconds"), text, "")
	case cronBoth:
		l.add(keys(nil, "spec", "schedule"), "both spec.schedule and spec.schedules are set", "Keep schedules: Argo 4 removes schedule.")
	case nameTooLong:
		l.add(keys(nil, "metadata", "name"), text, "")
	case hook:
		l.add(keys(spec, "hooks", m.args[0]), fmt.Sprintf("hook %q has no expression", m.args[0]), "Only the hook named exit runs without one.")
	case withTemplates:
		l.add(keys(spec, "templates"), "templates and workflowTemplateRef exclude each other", "Keep one of them.")
	default:
		l.add(nil, text, "")
	}
}

// argument reports a parameter or artifact of spec.arguments.
func (l *linter) argument(name string, path manifest.Path, text string) {
	arguments, _ := l.s.spec()["arguments"].(map[string]any)
	if list, i := named(arguments, name); list != "" {
		items, _ := arguments[list].([]any)
		path = item(keys(path, list), i, items[i])
	}
	l.add(path, text, "")
}

// schedulePath finds the schedule that a message quotes.
func schedulePath(s *subject, schedule string) manifest.Path {
	spec, _ := s.fields["spec"].(map[string]any)
	list, _ := spec["schedules"].([]any)
	for i, value := range list {
		if value == schedule {
			return append(keys(nil, "spec", "schedules"), manifest.Step{Index: i})
		}
	}
	return keys(nil, "spec", "schedule")
}
