package render

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// argoAPI is the version of every kind of Argo Workflows.
const argoAPI = "argoproj.io/v1alpha1"

// runUser is the user of workflow pods. Argo's own containers and the step's
// must be the same user: they hand files to each other in shared volumes, and
// many programs create files that nobody else may read. An image need not know
// the user, but must let any user read what it runs.
const runUser = executorUser

// scratchDir is where every task may write.
const scratchDir = "/tmp"

// historyLimit bounds the finished runs of a schedule that runs often. How long
// they stay is what workflows.ttl says, so the limit is wide.
const historyLimit = 100

// pipelines are the workflows of a tenant: a WorkflowTemplate each, and a
// CronWorkflow for those with a schedule. A template of the user's own that
// cannot be read is left out: Templates has a finding for it.
func pipelines(e *spec.Effective, t *spec.Tenant) []object {
	if !runsWorkflows(e) {
		return nil
	}
	var out []object
	for i := range t.Pipelines {
		p := &t.Pipelines[i]
		doc := taskTemplate(e, t, p)
		if p.Template != "" {
			var ok bool
			if doc, ok = ownTemplate(e, t, p); !ok {
				continue
			}
		}
		out = append(out, object{from: pipelinePath(t, p), doc: doc})
		if p.Schedule != "" {
			out = append(out, object{from: pipelinePath(t, p) + ".schedule", doc: cronWorkflow(t, p)})
		}
	}
	return out
}

func runsWorkflows(e *spec.Effective) bool {
	return e.Workflows != nil && e.Workflows.Install != "none"
}

// cronWorkflow starts a pipeline. The list of schedules is the form that Argo
// 3.6 to 4.1 share.
func cronWorkflow(t *spec.Tenant, p *spec.Pipeline) m {
	from := pipelinePath(t, p)
	return m{
		{"apiVersion", argoAPI},
		{"kind", "CronWorkflow"},
		{"metadata", tenantMetadata(t, p.Name, "pipeline")},
		{"spec", m{
			{"schedules", list{at(from+".schedule", p.Schedule)}},
			{"timezone", at(from+".timezone", optional(p.Timezone))},
			{"concurrencyPolicy", at(from+".concurrency", optional(p.Concurrency))},
			{"startingDeadlineSeconds", at(from+".startingDeadline", seconds(p.StartingDeadline))},
			{"suspend", at(from+".suspend", p.Suspend)},
			{"successfulJobsHistoryLimit", historyLimit},
			{"failedJobsHistoryLimit", historyLimit},
			{"workflowMetadata", m{{"labels", runLabels(t, p)}}},
			{"workflowSpec", m{{"workflowTemplateRef", m{{"name", p.Name}}}}},
		}},
	}
}

// taskTemplate is the WorkflowTemplate of a pipeline whose tasks stand in the
// spec: a DAG, and one template for each task.
func taskTemplate(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline) m {
	var tasks, templates list
	entrypoint := "main"
	for i := range p.Tasks {
		k := &p.Tasks[i]
		tasks = append(tasks, at(taskPath(t, p, k), dagTask(t, p, k)))
		templates = append(templates, at(taskPath(t, p, k), containerTemplate(e, t, p, k)))
		if k.Name == entrypoint {
			entrypoint = "dag-" + entrypoint
		}
	}
	dag := at(pipelinePath(t, p)+".tasks", m{{"name", entrypoint}, {"dag", m{{"tasks", tasks}}}})
	workflow := m{
		{"entrypoint", entrypoint},
		{"serviceAccountName", at(tenantPath(t)+".serviceAccount.name", t.ServiceAccount.Name)},
		{"activeDeadlineSeconds", activeDeadline(e, t, p)},
		{"securityContext", podSecurity()},
	}
	workflow = append(workflow, kv{"hooks", exitHook(e, t)})
	workflow = append(workflow, housekeeping(e)...)
	workflow = append(workflow,
		kv{"workflowMetadata", m{{"labels", runLabels(t, p)}}},
		kv{"podMetadata", m{{"labels", runLabels(t, p)}, {"annotations", podAnnotations(e)}}},
		kv{"templates", append(list{dag}, templates...)},
	)
	return m{
		{"apiVersion", argoAPI},
		{"kind", "WorkflowTemplate"},
		{"metadata", tenantMetadata(t, p.Name, "pipeline")},
		{"spec", workflow},
	}
}

// activeDeadline ends a run that takes too long, waiting for nodes included.
func activeDeadline(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline) any {
	if p.ActiveDeadline != "" {
		return at(pipelinePath(t, p)+".activeDeadline", seconds(p.ActiveDeadline))
	}
	return at("workflows.activeDeadline", seconds(e.Workflows.ActiveDeadline))
}

// housekeeping says what stays of a run: its pods, its object, its logs.
func housekeeping(e *spec.Effective) m {
	w := e.Workflows
	var podGC, ttl, archiveLogs any
	if w.PodGC.Strategy != "" {
		podGC = at("workflows.podGC", m{
			{"strategy", at("workflows.podGC.strategy", w.PodGC.Strategy)},
			{"deleteDelayDuration", at("workflows.podGC.deleteDelay", optional(argoDuration(w.PodGC.DeleteDelay)))},
		})
	}
	if w.TTL.AfterSuccess != "" || w.TTL.AfterFailure != "" {
		ttl = at("workflows.ttl", m{
			{"secondsAfterSuccess", at("workflows.ttl.afterSuccess", seconds(w.TTL.AfterSuccess))},
			{"secondsAfterFailure", at("workflows.ttl.afterFailure", seconds(w.TTL.AfterFailure))},
		})
	}
	if e.Artifacts != nil && e.Artifacts.ArchiveLogs {
		archiveLogs = at("artifacts.archiveLogs", true)
	}
	return m{{"podGC", podGC}, {"ttlStrategy", ttl}, {"archiveLogs", archiveLogs}}
}

// podAnnotations keep the cluster autoscaler from moving a pod that would have
// to begin again. Autopilot reads the annotation as a request for seven days of
// undisturbed run time, with larger minimum requests, so there it is left out:
// https://cloud.google.com/kubernetes-engine/docs/how-to/extended-duration-pods
func podAnnotations(e *spec.Effective) m {
	if e.Cluster.Mode == "autopilot" {
		return nil
	}
	return m{{"cluster-autoscaler.kubernetes.io/safe-to-evict", "false"}}
}

// podSecurity is what the restricted Pod Security Standard asks of a pod.
func podSecurity() m {
	return append(podContext(), kv{"runAsUser", runUser}, kv{"runAsGroup", runUser}, kv{"fsGroup", runUser})
}

// dagTask calls a task's template with the artifacts of earlier tasks.
func dagTask(t *spec.Tenant, p *spec.Pipeline, k *spec.Task) m {
	from := taskPath(t, p, k)
	var artifacts list
	for _, name := range slices.Sorted(maps.Keys(k.Inputs)) {
		in := k.Inputs[name]
		artifact := in.Artifact
		if artifact == "" {
			artifact = name
		}
		artifacts = append(artifacts, at(from+".inputs."+name, m{
			{"name", name},
			{"from", "{{tasks." + in.From + ".outputs.artifacts." + artifact + "}}"},
		}))
	}
	var arguments any
	if artifacts != nil {
		arguments = m{{"artifacts", artifacts}}
	}
	return m{
		{"name", k.Name},
		{"template", k.Name},
		{"depends", at(from+".depends", optional(k.Depends))},
		{"arguments", arguments},
	}
}

// containerTemplate is one task as one pod.
func containerTemplate(e *spec.Effective, t *spec.Tenant, p *spec.Pipeline, k *spec.Task) m {
	from := taskPath(t, p, k)
	var inputs, outputs list
	for _, name := range slices.Sorted(maps.Keys(k.Inputs)) {
		inputs = append(inputs, at(from+".inputs."+name, m{{"name", name}, {"path", k.Inputs[name].Path}}))
	}
	for _, name := range slices.Sorted(maps.Keys(k.Outputs)) {
		outputs = append(outputs, at(from+".outputs."+name, m{{"name", name}, {"path", k.Outputs[name]}}))
	}
	volumes, mounts := scratch(from, k.Outputs, scratchSize(t, p, k))
	pool, poolFrom := poolFor(e, t, p, k)
	retry, retryFrom := retryFor(e, t, p, k)

	out := m{{"name", k.Name}}
	if inputs != nil {
		out = append(out, kv{"inputs", m{{"artifacts", inputs}}})
	}
	if outputs != nil {
		out = append(out, kv{"outputs", m{{"artifacts", outputs}}})
	}
	out = append(out, place(e, pool, poolFrom).fields()...)
	return append(out,
		kv{"retryStrategy", retryStrategy(e, pool, retry, retryFrom)},
		kv{"activeDeadlineSeconds", at(from+".activeDeadline", seconds(k.ActiveDeadline))},
		kv{"volumes", volumes},
		kv{"container", m{
			{"image", inherited(from, k.Image, pipelinePath(t, p), p.Image, "image")},
			{"command", at(from+".command", strs(k.Command))},
			{"args", at(from+".args", strs(k.Args))},
			{"envFrom", envFrom(t, p, k)},
			{"env", env(t, p, k)},
			{"resources", resources(t, p, k)},
			{"securityContext", containerContext()},
			{"volumeMounts", mounts},
		}},
	)
}

// inherited is the inner value, or the outer one where the inner is empty.
func inherited(innerFrom, inner, outerFrom, outer, key string) any {
	if inner != "" {
		return at(innerFrom+"."+key, inner)
	}
	return at(outerFrom+"."+key, optional(outer))
}

// scratch are the directories that a task may write to: /tmp, and the directory
// of each of its outputs. All else is read-only. Argo takes an output, and puts
// an input, straight from and into such a volume; for an input elsewhere it
// mounts one itself (workflow/controller/workflowpod.go addInputArtifactsVolumes).
func scratch(from string, outputs map[string]string, size any) (volumes, mounts list) {
	dirs := []string{scratchDir}
	cause := map[string]string{scratchDir: from}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		dir := path.Dir(path.Clean(outputs[name]))
		if dir == "/" {
			dir = path.Clean(outputs[name]) // nothing can be mounted at the root
		}
		if _, known := cause[dir]; !known {
			dirs, cause[dir] = append(dirs, dir), from+".outputs."+name
		}
	}
	slices.Sort(dirs)
	var mounted []string
	for _, dir := range dirs {
		if slices.ContainsFunc(mounted, func(above string) bool { return strings.HasPrefix(dir, above+"/") }) {
			continue
		}
		mounted = append(mounted, dir)
		name := "tmp"
		if dir != scratchDir {
			name = "output-" + strconv.Itoa(len(mounted))
		}
		volumes = append(volumes, at(cause[dir], m{{"name", name}, {"emptyDir", m{{"sizeLimit", size}}}}))
		mounts = append(mounts, at(cause[dir], m{{"name", name}, {"mountPath", dir}}))
	}
	return volumes, mounts
}

// scratchSize bounds each directory that a task may write to. A task that fills
// the disk of its node is evicted with words that also tell of a node in need,
// and would be tried again for ever more disk; one that fills its own share is
// not. The share is what the task says about ephemeral-storage, its limit
// before its request. Else it is a tenth of GKE's default boot disk of 100 GB.
func scratchSize(t *spec.Tenant, p *spec.Pipeline, k *spec.Task) any {
	const name = "ephemeral-storage"
	r, from := k.Resources, taskPath(t, p, k)+".resources"
	if r == nil {
		r, from = p.Resources, pipelinePath(t, p)+".resources"
	}
	switch {
	case r != nil && r.Limits[name] != "":
		return at(from+".limits."+name, r.Limits[name])
	case r != nil && r.Requests[name] != "":
		return at(from+".requests."+name, r.Requests[name])
	default:
		return "10Gi"
	}
}

// envFrom reads whole ConfigMaps and Secrets of the tenant: the pipeline's,
// then the task's, of which the later wins.
func envFrom(t *spec.Tenant, p *spec.Pipeline, k *spec.Task) list {
	var out list
	var seen []string
	add := func(from string, names []string) {
		for _, name := range names {
			if slices.Contains(seen, name) {
				continue
			}
			seen = append(seen, name)
			kind := "secretRef"
			if _, ok := t.Config[name]; ok {
				kind = "configMapRef"
			}
			out = append(out, at(from+".envFrom", m{{kind, m{{"name", name}}}}))
		}
	}
	add(pipelinePath(t, p), p.EnvFrom)
	if k != nil {
		add(taskPath(t, p, k), k.EnvFrom)
	}
	return out
}

// env is the pipeline's variables with the task's over them. HOME is a place
// that can be written: the pods' user has no home in most images, and the root
// of the file system is read-only.
func env(t *spec.Tenant, p *spec.Pipeline, k *spec.Task) list {
	values := map[string]any{}
	if !setsHome(t, p.EnvFrom) && !setsHome(t, k.EnvFrom) {
		values["HOME"] = scratchDir
	}
	for name, value := range p.Env {
		values[name] = at(pipelinePath(t, p)+".env."+name, value)
	}
	for name, value := range k.Env {
		values[name] = at(taskPath(t, p, k)+".env."+name, value)
	}
	var out list
	for _, f := range sorted(values) {
		out = append(out, envVar(f))
	}
	return out
}

// envVar is one variable; its name belongs to the place of its value.
func envVar(f kv) any {
	if s, ok := f.v.(sourced); ok {
		return sourced{s.source, m{{"name", f.k}, {"value", s.v}}}
	}
	return m{{"name", f.k}, {"value", f.v}}
}

func setsHome(t *spec.Tenant, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, config := t.Config[name]["HOME"]
		_, secret := t.Secrets[name]["HOME"]
		return config || secret
	})
}

// resources are the task's, or the pipeline's, with the accelerators added. An
// accelerator cannot be shared: its request is its limit. So is that of memory
// where no limit is set: the default limit of the namespace may be less than
// the request, and the pod would be refused.
func resources(t *spec.Tenant, p *spec.Pipeline, k *spec.Task) any {
	r, from := k.Resources, taskPath(t, p, k)+".resources"
	if r == nil {
		r, from = p.Resources, pipelinePath(t, p)+".resources"
	}
	requests, limits := map[string]any{}, map[string]any{}
	if r != nil {
		for name, quantity := range r.Requests {
			requests[name] = at(from+".requests."+name, quantity)
		}
		for name, quantity := range r.Limits {
			limits[name] = at(from+".limits."+name, quantity)
		}
	}
	if limits["memory"] == nil && requests["memory"] != nil {
		limits["memory"] = requests["memory"]
	}
	if k.GPU > 0 {
		count := at(taskPath(t, p, k)+".gpu", strconv.Itoa(k.GPU))
		requests["nvidia.com/gpu"], limits["nvidia.com/gpu"] = count, count
	}
	if len(requests) == 0 && len(limits) == 0 {
		return nil
	}
	return at(from, m{{"requests", sorted(requests)}, {"limits", sorted(limits)}})
}
