package argo

import (
	"regexp"
	"strconv"
	"strings"
)

// message is one error of Argo's validation, taken apart.
type message struct {
	text  string // placeholders stripped
	chain []link // the templates and tasks that lead to the mistake
	tail  string // what is said about the last link
	kind  kind
	args  []string // what the kind's pattern captured
}

// link is one "templates.NAME.tasks.TASK" of a message.
type link struct {
	template string
	task     string // of a DAG task or a step, by name
	index    int    // of a DAG task by index, else -1
	group    int    // of a step: its group, else -1
}

// kind tells the errors apart that are mended in a way of their own.
type kind int

const (
	other kind = iota
	unresolved
	undefinedTemplate
	missingReference
	notSupplied
	invalidDependency
	duplicateTask
	cycle
	missingDependency
	mixedDependencies
	argumentValue
	templateName
	entrypointRequired
	podGC
	cronSchedule
	cronTimezone
	cronPolicy
	cronDeadline
	cronBoth
	nameTooLong
	hook
	withTemplates
)

// patterns are tried in order; the text is that of workflow/validate, v3.7.
var patterns = []struct {
	kind kind
	re   *regexp.Regexp
}{
	{notSupplied, regexp.MustCompile(`inputs\.(parameters|artifacts)\.(\S+) was not supplied`)},
	{unresolved, regexp.MustCompile(`failed to resolve \{\{(.*?)\}\}`)},
	{undefinedTemplate, regexp.MustCompile(`template name '([^']*)' undefined`)},
	{missingReference, regexp.MustCompile(`template reference (\S+)\.([^.\s]+) not found`)},
	{missingReference, regexp.MustCompile(`\S*workflowtemplates?\S* "([^"]*)" not found`)},
	{invalidDependency, regexp.MustCompile(`sorting failed: invalid dependency (\S+)`)},
	{duplicateTask, regexp.MustCompile(`sorting failed: duplicated nodeName (\S+)`)},
	{cycle, regexp.MustCompile(`sorting failed: graph with cycle|dependency cycle detected`)},
	{missingDependency, regexp.MustCompile(`missing dependency '([^']*)' for (parameter|artifact) '([^']*)'`)},
	{mixedDependencies, regexp.MustCompile(`cannot use both 'depends' and 'dependencies'|cannot use 'continueOn' when using 'depends'`)},
	{argumentValue, regexp.MustCompile(`^spec\.arguments\.(\S+?)\.(?:value|valueFrom|from|enum)\b`)},
	{templateName, regexp.MustCompile(`^spec\.templates\[(\d+)\]\.name`)},
	{entrypointRequired, regexp.MustCompile(`^spec\.entrypoint is required`)},
	{podGC, regexp.MustCompile(`^podGC\.(strategy|labelSelector)`)},
	{cronSchedule, regexp.MustCompile(`^cron schedule (.*) is malformed: `)},
	{cronTimezone, regexp.MustCompile(`^invalid timezone "`)},
	{cronPolicy, regexp.MustCompile(`is not a valid concurrencyPolicy`)},
	{cronDeadline, regexp.MustCompile(`^startingDeadlineSeconds must be positive`)},
	{cronBoth, regexp.MustCompile(`both Spec\.Schedule and Spec\.Schedules`)},
	{nameTooLong, regexp.MustCompile(`name ".*" must not be more than \d+ characters`)},
	{hook, regexp.MustCompile(`^hooks\.(\S+) Expression required`)},
	{withTemplates, regexp.MustCompile(`^Templates is invalid field in spec`)},
}

var linkPattern = regexp.MustCompile(`templates\.([A-Za-z0-9_-]*)(?:\.tasks\.([A-Za-z0-9_-]+)|\.tasks\[(\d+)\]|\.steps\[(\d+)\](?:\.([A-Za-z0-9-]+))?)?`)

// parse takes an error apart.
func parse(text string) message {
	text = strings.TrimPrefix(text, "cannot validate Workflow: ")
	m := message{text: placeholder.ReplaceAllString(text, "{{…}}"), tail: text}
	end := 0
	for _, at := range linkPattern.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		l := link{template: part(1), task: part(2) + part(5), index: number(part(3)), group: number(part(4))}
		end = at[1]
		if part(5) == "name" && (strings.HasPrefix(text[end:], " is required") || strings.HasPrefix(text[end:], " '")) {
			// "steps[0].name 'x' is not unique": the field, not a step called name.
			l.task, end = "", at[10]-1
		}
		// An error about a choice of fields names the same place twice.
		if n := len(m.chain); n == 0 || m.chain[n-1] != l {
			m.chain = append(m.chain, l)
		}
	}
	m.tail = placeholder.ReplaceAllString(text[end:], "{{…}}")
	for _, p := range patterns {
		if found := p.re.FindStringSubmatch(text); found != nil {
			m.kind, m.args = p.kind, found[1:]
			break
		}
	}
	return m
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// isSpecLevel reports whether a message without a template is about the spec
// itself.
func isSpecLevel(text string) bool {
	switch parse(text).kind {
	case other, unresolved, notSupplied, missingReference:
		return false
	default:
		return true
	}
}
