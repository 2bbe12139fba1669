package render

import (
	"slices"
	"strings"

	"strake/generator/spec"
)

// ownTemplate is the user's own WorkflowTemplate with the platform's part laid
// over it, and false where it cannot be read. It is rendered whole: a merge
// patch would replace the list of templates.
//
// Identity is replaced. A deadline is the shorter of the two. Placement, retry,
// housekeeping and security are filled in where the user wrote nothing; what
// they wrote stays, so that a check finds it on their own line. What is copied
// points at the user's file, and what is laid over it at the spec.
func ownTemplate(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline) (m, bool) {
	content, ok := templateText(e, p.Template)
	if !ok {
		return nil, false
	}
	doc, found := readTemplate(p.Template, content)
	if len(found) > 0 {
		return nil, false
	}
	o := newTemplateOverlay(e, t, p, asMap(doc.get("spec")))
	return m{
		{"apiVersion", doc.raw("apiVersion")},
		{"kind", doc.raw("kind")},
		{"metadata", o.metadata(doc)},
		{"spec", doc.inside("spec", o.workflow).raw("spec")},
	}, true
}

// templateOverlay knows what a user's template says for all of its parts.
type templateOverlay struct {
	e *spec.Effective
	t *spec.Tenant
	p *spec.Pipeline

	where placement
	retry any

	spec, defaults m
	// called are the templates that a dag or steps template with a pool of its
	// own calls: Argo puts their pods there too.
	called []string
}

func newTemplateOverlay(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline, workflow m) *templateOverlay {
	pool, poolFrom := poolFor(e, t, p, nil)
	retry, retryFrom := retryFor(e, t, p, nil)
	o := &templateOverlay{
		e: e, t: t, p: p,
		where:    place(e, pool, poolFrom),
		retry:    retryStrategy(e, pool, retry, retryFrom),
		spec:     workflow,
		defaults: asMap(workflow.get("templateDefaults")),
	}
	// A retry for the whole workflow is a choice, even if not for each pod.
	if workflow.get("retryStrategy") != nil || o.defaults.get("retryStrategy") != nil {
		o.retry = nil
	}
	if namesPool(workflow) || namesPool(o.defaults) {
		o.where = placement{}
	}
	for _, item := range asList(workflow.get("templates")) {
		if template := asMap(item); namesPool(template) {
			for _, call := range calls(template) {
				o.called = append(o.called, text(call, "template"))
			}
		}
	}
	return o
}

// metadata keeps the user's labels and annotations. All else in it is the
// cluster's, or comes from the spec.
func (o *templateOverlay) metadata(doc m) m {
	theirs := asMap(doc.get("metadata"))
	out := tenantMetadata(o.t, o.p.Name, "pipeline")
	out = out.inside("labels", func(ours m) m { return asMap(theirs.get("labels")).over(ours) })
	if annotations := asMap(theirs.get("annotations")).without("kubectl.kubernetes.io/last-applied-configuration"); len(annotations) > 0 {
		out = out.with("annotations", annotations)
	}
	return out
}

func (o *templateOverlay) workflow(s m) m {
	s = s.with("serviceAccountName", o.account())
	s = o.executor(s)
	s = o.deadline(s)
	s = s.inside("securityContext", func(x m) m { return x.fill(podSecurity()) })
	s = o.hook(s)
	s = s.fill(housekeeping(o.e))
	s = s.inside("workflowMetadata", o.mark)
	s = s.inside("podMetadata", func(x m) m {
		x = o.mark(x)
		if annotations := podAnnotations(o.e); annotations != nil {
			x = x.inside("annotations", func(theirs m) m { return theirs.fill(annotations) })
		}
		return x
	})
	if s.get("templateDefaults") != nil {
		s = s.inside("templateDefaults", func(x m) m { return o.secure(x) })
	}
	return s.each("templates", func(x m) m {
		return o.template(x, slices.Contains(o.called, text(x, "name")))
	})
}

func (o *templateOverlay) account() any {
	return at(tenantPath(o.t)+".serviceAccount.name", o.t.ServiceAccount.Name)
}

// executor replaces the account of Argo's own containers where one is named:
// only the tenant's may report results.
func (o *templateOverlay) executor(x m) m {
	if asMap(x.get("executor")).get("serviceAccountName") == nil {
		return x
	}
	return x.inside("executor", func(theirs m) m { return theirs.with("serviceAccountName", o.account()) })
}

// mark puts the labels of a run on metadata.
func (o *templateOverlay) mark(x m) m {
	return x.inside("labels", func(theirs m) m { return theirs.over(runLabels(o.t, o.p)) })
}

// deadline is the pipeline's, or else the shorter of the platform's and the
// user's own.
func (o *templateOverlay) deadline(s m) m {
	const key = "activeDeadlineSeconds"
	ours := activeDeadline(o.e, o.t, o.p)
	if ours == nil {
		return s
	}
	limit, _ := unwrap(ours).(int)
	if own, ok := number(s.get(key)); ok && own > 0 && own <= limit && o.p.ActiveDeadline == "" {
		return s
	}
	return s.with(key, ours)
}

// template lays the platform's part over one template and those written inside
// its calls. placed says that a caller chose the pool.
func (o *templateOverlay) template(x m, placed bool) m {
	x = o.secure(x)
	if makesPod(x) {
		if !placed && !namesPool(x) {
			x = o.place(x)
		}
		// A resource template makes an object: a second try would make a second.
		if x.get("resource") == nil && o.retry != nil {
			x = x.fill(m{{"retryStrategy", o.retry}})
		}
	}
	inline := func(call m) m {
		if call.get("inline") == nil {
			return call
		}
		return call.inside("inline", func(inner m) m { return o.template(inner, placed || namesPool(x)) })
	}
	if asMap(x.get("dag")) != nil {
		x = x.inside("dag", func(dag m) m { return dag.each("tasks", inline) })
	}
	return x.eachValue("steps", func(group any) any {
		return m{{"", group}}.each("", inline).raw("")
	})
}

// secure sets identity and security of a template, and fills its containers.
func (o *templateOverlay) secure(x m) m {
	given := x
	x = o.executor(x.without("serviceAccountName"))
	if x.get("securityContext") != nil { // it stands for the workflow's as a whole
		x = x.inside("securityContext", func(theirs m) m { return theirs.fill(podSecurity()) })
	}
	step := func(c m) m { return secured(o.home(given, o.fill(c))) }
	for _, key := range []string{"container", "script"} {
		if x.get(key) != nil {
			x = x.inside(key, step)
		}
	}
	if x.get("containerSet") != nil {
		x = x.inside("containerSet", func(set m) m { return set.each("containers", step) })
	}
	return x.each("initContainers", secured).each("sidecars", secured)
}

// fill gives a container what the pipeline says for all of its tasks.
func (o *templateOverlay) fill(c m) m {
	from := pipelinePath(o.t, o.p)
	c = c.fill(m{{"image", at(from+".image", optional(o.p.Image))}})
	if o.p.Resources != nil {
		c = c.fill(m{{"resources", resources(o.t, o.p, &spec.Task{})}})
	}
	if sources := envFrom(o.t, o.p, nil); sources != nil {
		c = c.with("envFrom", c.extended("envFrom", sources, func(v any) string {
			return text(asMap(asMap(v).get("configMapRef")), "name") + "/" + text(asMap(asMap(v).get("secretRef")), "name")
		}))
	}
	var variables list
	for _, f := range sorted(o.p.Env) {
		variables = append(variables, envVar(kv{f.k, at(from+".env."+f.k, f.v)}))
	}
	if variables != nil {
		c = c.with("env", c.extended("env", variables, variableName))
	}
	return c
}

// home gives a container a home that it can write to, if its user is the one
// that we chose: most images do not know that user.
func (o *templateOverlay) home(template, c m) m {
	for _, x := range []m{c, template, o.defaults, o.spec} {
		if asMap(x.get("securityContext")).get("runAsUser") != nil {
			return c
		}
	}
	for _, source := range asList(c.get("envFrom")) {
		config, secret := asMap(asMap(source).get("configMapRef")), asMap(asMap(source).get("secretRef"))
		if setsHome(o.t, []string{text(config, "name"), text(secret, "name")}) {
			return c
		}
	}
	return c.with("env", c.extended("env", list{envVar(kv{"HOME", scratchDir})}, variableName))
}

func variableName(v any) string { return text(asMap(v), "name") }

// memoryLimit sets a container's memory limit to its request where it has only
// that: the default limit of the namespace may be less.
func memoryLimit(c m) m {
	asked := asMap(asMap(c.get("resources")).get("requests")).raw("memory")
	if asked == nil || asMap(asMap(c.get("resources")).get("limits")).get("memory") != nil {
		return c
	}
	return c.inside("resources", func(r m) m {
		return r.inside("limits", func(limits m) m { return limits.with("memory", asked) })
	})
}

// secured fills in what the namespace asks of a container: the restricted Pod
// Security Standard, and a memory limit that its request fits in.
func secured(c m) m {
	return memoryLimit(c).inside("securityContext", func(theirs m) m {
		theirs = theirs.fill(m{{"allowPrivilegeEscalation", false}})
		return theirs.inside("capabilities", func(x m) m { return x.fill(m{{"drop", list{"ALL"}}}) })
	})
}

// place puts a template's pod on the pipeline's pool. Argo takes each of the
// three fields from the template if it is there and else from the workflow, so
// what the workflow says is copied before ours is added.
func (o *templateOverlay) place(x m) m {
	if o.where.selector != nil {
		x = x.with("nodeSelector", asMap(o.said(x, "nodeSelector")).over(o.where.selector))
	}
	if o.where.affinity != nil {
		own := asMap(o.said(x, "affinity"))
		x = x.with("affinity", own.over(asMap(o.where.fields().get("affinity"))))
	}
	if o.where.tolerations != nil {
		own := m{{"tolerations", o.said(x, "tolerations")}}
		x = x.with("tolerations", own.extended("tolerations", o.where.tolerations, func(v any) string {
			y := asMap(v)
			return strings.Join([]string{text(y, "key"), text(y, "operator"), text(y, "value"), text(y, "effect")}, "\x00")
		}))
	}
	return x
}

// said is what holds for a field of a template: its own, the defaults', the
// workflow's.
func (o *templateOverlay) said(x m, key string) any {
	for _, level := range []m{x, o.defaults, o.spec} {
		if level.get(key) != nil {
			return level.raw(key)
		}
	}
	return nil
}

// makesPod reports whether a template runs in a pod of its own.
func makesPod(x m) bool {
	return slices.ContainsFunc([]string{"container", "containerSet", "data", "resource", "script"}, func(key string) bool {
		return x.get(key) != nil
	})
}

// namesPool reports whether a template or a workflow chooses its nodes. A
// processor or a zone is not a choice of a pool.
func namesPool(x m) bool {
	if asMap(x.get("affinity")).get("nodeAffinity") != nil {
		return true
	}
	return slices.ContainsFunc(asMap(x.get("nodeSelector")), func(f kv) bool {
		return f.k != "kubernetes.io/arch" && f.k != "kubernetes.io/os" && !strings.HasPrefix(f.k, "topology.kubernetes.io/")
	})
}

// calls are the tasks or steps of a template.
func calls(x m) []m {
	var out []m
	for _, task := range asList(asMap(x.get("dag")).get("tasks")) {
		out = append(out, asMap(task))
	}
	for _, group := range asList(x.get("steps")) {
		for _, step := range asList(group) {
			out = append(out, asMap(step))
		}
	}
	return out
}
