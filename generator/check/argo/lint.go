package argo

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	_ "time/tzdata" // time zones are judged alike on every machine

	"github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// validating guards workflow/validate, which counts placeholders in a global
// variable without a lock of its own. It is global because that is.
var validating sync.Mutex

// maxRuns bounds the search for further mistakes in one object.
const maxRuns = 200

// subject is one object to validate.
type subject struct {
	o        *manifest.Object
	fields   map[string]any // what Argo can read of it; nobody may change it
	specPath []string
	linted   bool
	findings diag.List
}

// linter finds all mistakes of one subject. Argo stops at the first: so each
// mistake is reported, then mended in a working copy, until none is left.
type linter struct {
	library *library
	s       *subject
	work    map[string]any // the working copy
	out     diag.List
	seen    map[string]int // messages, with how often each came back
	// broken are the tasks and templates whose outputs are not known any more,
	// because they were replaced: what refers to them is not at fault.
	broken map[string]bool
	// renamed leads from a name that mending gave to the template's index.
	renamed map[string]int
}

func newLinter(l *library, s *subject) *linter {
	work, _ := clone(s.fields).(map[string]any)
	return &linter{library: l, s: s, work: work, seen: map[string]int{}, broken: map[string]bool{}, renamed: map[string]int{}}
}

// run validates, mends and repeats.
func (l *linter) run() diag.List {
	for range maxRuns {
		err := l.validate()
		if err == nil {
			return l.out
		}
		text := err.Error()
		l.seen[text]++
		m := parse(text)
		if l.seen[text] == 1 {
			l.report(m)
		}
		if !l.mend(m, l.seen[text]) {
			break
		}
	}
	l.out = append(l.out, find(l.s.o, "argo-lint", nil, "not every mistake could be told apart: more may follow once these are mended", ""))
	return l.out
}

// validate runs Argo's own validation on the working copy. Its verdict counts,
// but what it says of a template depends on the way that it got there: on the
// way from the entrypoint the mistake of a template is told as that of the task
// that runs it. A second run without an entrypoint, leaves first, names it.
func (l *linter) validate() error {
	err := l.once(l.work, false)
	if err == nil || isSpecLevel(err.Error()) {
		return err
	}
	named := l.once(l.leavesFirst(), true)
	if named == nil || !strings.Contains(named.Error(), "templates.") {
		return err
	}
	if m := parse(named.Error()); m.kind == unresolved && strings.HasPrefix(m.args[0], "workflow.outputs.") {
		return err // an output that another template makes, on the way that was not taken
	}
	return named
}

// leavesFirst is the working copy with the templates that run others last.
func (l *linter) leavesFirst() map[string]any {
	out, _ := clone(l.work).(map[string]any)
	spec, _ := check.Value(out, keys(nil, l.s.specPath...))
	m, _ := spec.(map[string]any)
	items, _ := m["templates"].([]any)
	slices.SortStableFunc(items, func(a, b any) int { return rank(a) - rank(b) })
	return out
}

func rank(template any) int {
	t, _ := template.(map[string]any)
	if t["dag"] != nil || t["steps"] != nil {
		return 1
	}
	return 0
}

func (l *linter) once(fields map[string]any, ignoreEntrypoint bool) error {
	data, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	validating.Lock()
	defer validating.Unlock()
	templates, clusterTemplates := namespaced{l.library, l.s.o.Namespace}, cluster{l.library}
	opts := validate.ValidateOpts{IgnoreEntrypoint: ignoreEntrypoint}
	switch l.s.o.Kind {
	case "WorkflowTemplate":
		wt := &v1alpha1.WorkflowTemplate{}
		if err := json.Unmarshal(data, wt); err != nil {
			return err
		}
		if ignoreEntrypoint {
			wt.Spec.Entrypoint = ""
		}
		return validate.ValidateWorkflowTemplate(templates, clusterTemplates, wt, l.library.defaults, opts)
	case "ClusterWorkflowTemplate":
		ct := &v1alpha1.ClusterWorkflowTemplate{}
		if err := json.Unmarshal(data, ct); err != nil {
			return err
		}
		if ignoreEntrypoint {
			ct.Spec.Entrypoint = ""
		}
		return validate.ValidateClusterWorkflowTemplate(templates, clusterTemplates, ct, l.library.defaults, opts)
	case "CronWorkflow":
		cron := &v1alpha1.CronWorkflow{}
		if err := json.Unmarshal(data, cron); err != nil {
			return err
		}
		if ignoreEntrypoint {
			return validate.ValidateWorkflow(templates, clusterTemplates, common.ConvertCronWorkflowToWorkflow(cron), l.library.defaults, opts)
		}
		return validate.ValidateCronWorkflow(context.Background(), templates, clusterTemplates, cron, l.library.defaults)
	default:
		wf := &v1alpha1.Workflow{}
		if err := json.Unmarshal(data, wf); err != nil {
			return err
		}
		return validate.ValidateWorkflow(templates, clusterTemplates, wf, l.library.defaults, opts)
	}
}

var placeholder = regexp.MustCompile(`__argo__internal__placeholder-\d+`)

// clone copies a JSON tree.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	default:
		return value
	}
}
