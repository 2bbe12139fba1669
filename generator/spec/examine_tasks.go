package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"strake/generator/diag"
)

// graph checks that a pipeline's tasks form a DAG and that artifacts flow
// along it.
func (x *examiner) graph(at string, p *Pipeline) {
	if !x.listed(at + ".tasks") {
		return
	}
	var names []string
	for _, t := range p.Tasks {
		names = append(names, t.Name)
	}
	parents := map[string][]string{}
	broken := false
	for _, t := range p.Tasks {
		path := at + ".tasks[" + t.Name + "].depends"
		if !x.settled(path) {
			broken = true
			continue
		}
		found, problem := dependencies(t.Depends)
		if problem != "" {
			x.report(ruleTask, path, "depends cannot be read: "+problem, `Write "a", "a && b" or "(a || b) && !c.Failed".`)
			broken = true
			continue
		}
		for _, name := range found {
			if !slices.Contains(names, name) {
				x.unknownTask(path, "depends", name, names)
				broken = true
				continue
			}
			parents[t.Name] = append(parents[t.Name], name)
		}
	}
	cyclic := x.cycle(at, names, parents)
	for i := range p.Tasks {
		x.artifactPaths(at, &p.Tasks[i])
		x.inputs(at, p, &p.Tasks[i], names, func(task, from string) bool {
			return broken || cyclic || reaches(parents, task, from, map[string]bool{})
		})
	}
	if x.e.Artifacts != nil || !x.settled("artifacts") {
		return
	}
	for _, t := range p.Tasks {
		if len(t.Outputs) > 0 {
			if !x.noRepository { // one thing is missing, however many pipelines need it
				x.report(ruleArtifacts, at+".tasks["+t.Name+"].outputs", "tasks pass artifacts and there is no artifact repository", "Set artifacts: {gcs: {bucket: …}}.")
			}
			x.noRepository = true
			return
		}
	}
}

func (x *examiner) unknownTask(path, field, name string, names []string) {
	detail := "Tasks: " + strings.Join(names, ", ") + "."
	if guess := diag.DidYouMean(name, names); guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	x.report(ruleTask, path, fmt.Sprintf("%s names task %q, which does not exist", field, name), detail)
}

// inputs checks where a task's artifacts come from.
func (x *examiner) inputs(at string, p *Pipeline, t *Task, names []string, after func(task, from string) bool) {
	for _, name := range sortedKeys(t.Inputs) {
		in := t.Inputs[name]
		path := at + ".tasks[" + t.Name + "].inputs." + name
		if in.From == "" || !x.settled(path) {
			continue
		}
		if !slices.Contains(names, in.From) {
			x.unknownTask(path+".from", "from", in.From, names)
			continue
		}
		source := p.Tasks[slices.Index(names, in.From)]
		if _, made := source.Outputs[in.Artifact]; !made && x.settled(at+".tasks["+in.From+"].outputs") {
			detail := fmt.Sprintf("Task %s has no outputs.", in.From)
			if have := sortedKeys(source.Outputs); len(have) > 0 {
				detail = "Its outputs: " + strings.Join(have, ", ") + "."
				if guess := diag.DidYouMean(in.Artifact, have); guess != "" {
					detail = "Did you mean " + guess + "? " + detail
				}
			}
			x.report(ruleTask, path, fmt.Sprintf("task %s makes no artifact %q", in.From, in.Artifact), detail)
			continue
		}
		if !after(t.Name, in.From) {
			x.report(ruleTask, path, fmt.Sprintf("task %s takes an artifact of %s and does not depend on it", t.Name, in.From), fmt.Sprintf("Write depends: %s.", in.From))
		}
	}
}

// reaches reports whether a task runs after another.
func reaches(parents map[string][]string, task, target string, seen map[string]bool) bool {
	for _, parent := range parents[task] {
		if parent == target {
			return true
		}
		if !seen[parent] {
			seen[parent] = true
			if reaches(parents, parent, target, seen) {
				return true
			}
		}
	}
	return false
}

// cycle reports the first task of each circle of dependencies.
func (x *examiner) cycle(at string, names []string, parents map[string][]string) bool {
	inCircle := map[string]bool{}
	found := false
	for _, name := range names {
		if inCircle[name] || !reaches(parents, name, name, map[string]bool{}) {
			continue
		}
		found = true
		circle := []string{name}
		for _, other := range names {
			if other != name && reaches(parents, name, other, map[string]bool{}) && reaches(parents, other, name, map[string]bool{}) {
				circle = append(circle, other)
			}
		}
		for _, member := range circle {
			inCircle[member] = true
		}
		summary := fmt.Sprintf("task %s depends on itself", name)
		if len(circle) > 1 {
			summary = "tasks wait for each other: " + strings.Join(circle, ", ")
		}
		x.report(ruleTask, at+".tasks["+name+"].depends", summary, "A pipeline is a DAG: remove one of the dependencies.")
	}
	return found
}

var dependsToken = regexp.MustCompile(`^\s*(&&|\|\||!|\(|\)|[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z]+)?)`)

// dependencies returns the tasks of a depends expression of Argo, or what is
// wrong with it: https://argo-workflows.readthedocs.io/en/release-3.7/enhanced-depends-logic/.
func dependencies(expression string) (tasks []string, problem string) {
	results := []string{"Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed"}
	depth, operand := 0, false // operand: one has just been read
	for rest := expression; strings.TrimSpace(rest) != ""; {
		m := dependsToken.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Sprintf("%q is neither a task nor an operator", shorten(strings.TrimSpace(rest)))
		}
		rest = rest[len(m[0]):]
		switch token := m[1]; token {
		case "&&", "||":
			if !operand {
				return nil, token + " has nothing in front of it"
			}
			operand = false
		case "!", "(":
			if operand {
				return nil, "an operator is missing before " + token
			}
			if token == "(" {
				depth++
			}
		case ")":
			if depth--; depth < 0 || !operand {
				return nil, ") has no expression in front of it"
			}
		default:
			if operand {
				return nil, "an operator is missing before " + token
			}
			operand = true
			name, result, found := strings.Cut(token, ".")
			if found && !slices.Contains(results, result) {
				return nil, fmt.Sprintf("%q is not a result of a task: %s", result, strings.Join(results, ", "))
			}
			if !slices.Contains(tasks, name) {
				tasks = append(tasks, name)
			}
		}
	}
	if strings.TrimSpace(expression) != "" && (!operand || depth != 0) {
		return nil, "the expression has no end"
	}
	return tasks, ""
}
