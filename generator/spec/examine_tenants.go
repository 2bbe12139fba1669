package spec

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// repositoriesConfigMap is the name that Argo looks for:
// https://argo-workflows.readthedocs.io/en/release-3.7/artifact-repository-ref/.
const repositoriesConfigMap = "artifact-repositories"

func (x *examiner) tenant(t *Tenant) {
	at := "tenants[" + t.Name + "]"
	x.quota(at, t)
	x.tenantPool(at+".pool", t.Pool)
	if t.ServiceAccount.Name == "default" {
		x.report(ruleName, at+".serviceAccount.name", "workflows would run as the ServiceAccount default", "Every other pod of the namespace would have the same rights. Give it a name of its own.")
	}
	for _, name := range sortedKeys(t.Secrets) {
		if _, both := t.Config[name]; both {
			x.report(ruleDuplicate, at+".secrets."+name, fmt.Sprintf("%s is both in config and in secrets", name), "envFrom could not tell them apart.")
		}
	}
	if _, taken := t.Config[repositoriesConfigMap]; taken {
		x.report(ruleName, at+".config."+repositoriesConfigMap, repositoriesConfigMap+" is the ConfigMap of the artifact repository", "Strake writes it. Choose another name.")
	}
	x.taken(at, t)
	x.roles(at, t)
	x.failedRuns(at, t)
	for i := range t.Pipelines {
		x.pipeline(at, t, &t.Pipelines[i])
	}
	x.services(at, t)
	for i := range t.Apps {
		x.app(at+".apps["+t.Apps[i].Name+"]", &t.Apps[i])
	}
}

// quota holds a tenant's quota against tenantLimits.
func (x *examiner) quota(at string, t *Tenant) {
	if x.limits == nil || !x.settled(at+".quota") {
		return
	}
	for _, key := range sortedKeys(x.limits.Quota) {
		most, ok := parseQuantity(x.limits.Quota[key])
		written, set := t.Quota[key]
		have, readable := parseQuantity(written)
		switch {
		case !ok:
		case !set:
			x.report(ruleLimits, at+".quota", fmt.Sprintf("tenant %s has no quota for %s", t.Name, key), fmt.Sprintf("tenantLimits allows at most %s: say how much of it.", x.limits.Quota[key]))
		case readable && have.Cmp(most) > 0:
			x.report(ruleLimits, at+".quota."+key, fmt.Sprintf("quota %s is %s", key, written), fmt.Sprintf("tenantLimits allows at most %s.", x.limits.Quota[key]))
		}
	}
}

// roles holds what a tenant's ServiceAccount may do in the whole project against
// tenantLimits, and refuses what can be granted on one thing.
func (x *examiner) roles(at string, t *Tenant) {
	for i, role := range t.ServiceAccount.Roles {
		where := at + ".serviceAccount.roles[" + strconv.Itoa(i) + "]"
		if !x.settled(where) {
			continue
		}
		if instead := narrower(role); instead != "" {
			x.report(ruleRole, where, role+" in the whole project is more than a tenant needs", instead)
			continue
		}
		if x.limits != nil && len(x.limits.Roles) > 0 && !slices.Contains(x.limits.Roles, role) {
			x.report(ruleLimits, where, "role "+role+" is not open to tenants", "tenantLimits.roles allows "+strings.Join(x.limits.Roles, ", ")+".")
		}
	}
}

// narrower says what to write instead of a role in the whole project: row 0-10
// of the known mistakes. It is empty for a role that may be granted there.
func narrower(role string) string {
	switch {
	case role == "roles/owner" || role == "roles/editor" || role == "roles/viewer":
		return "Basic roles reach everything in the project. Name the roles that the work needs."
	case strings.HasPrefix(role, "roles/bigquery.data"), role == "roles/bigquery.admin", role == "roles/bigquery.user":
		return "It reaches every dataset of the project. Write datasets: [{name: …, role: …}], and roles/bigquery.jobUser here."
	case strings.HasPrefix(role, "roles/storage."):
		return "It reaches every bucket of the project. Write buckets: [{name: …, role: roles/storage.objectUser}]."
	case role == "roles/secretmanager.secretAccessor" || role == "roles/secretmanager.admin":
		return "It reads every secret of the project. Name the secrets under secrets: access to each of them is granted."
	case strings.HasPrefix(role, "roles/iam.") || strings.HasPrefix(role, "roles/resourcemanager."):
		return "Whoever has it can give itself every other right. Leave it to the platform's team."
	}
	return ""
}

// app checks what can be said without reading the app.
func (x *examiner) app(at string, a *App) {
	if a.Repository == "" || len(a.Revision) == 0 || !x.settled(at+".revision") {
		return
	}
	if a.Revision[x.e.Environment] == "" && a.Revision[x.e.Stage] == "" {
		x.report(ruleReference, at+".revision", fmt.Sprintf("revision has nothing for stage %s", x.e.Stage), "Name the stage or the environment.")
	}
}

func (x *examiner) pipeline(tenant string, t *Tenant, p *Pipeline) {
	at := tenant + ".pipelines[" + p.Name + "]"
	x.retry(at+".retry", p.Retry)
	x.tenantPool(at+".pool", p.Pool)
	x.image(at+".image", p.Image)
	x.envFrom(at, t, p.EnvFrom, tenant)
	if p.Template != "" || !x.listed(at+".tasks") && len(p.Tasks) == 0 {
		return
	}
	if len(p.Tasks) == 0 {
		if x.settled(at + ".template") {
			if _, written := x.e.positions[at+".tasks"]; written {
				x.report(ruleTask, at+".tasks", fmt.Sprintf("pipeline %s has no tasks", p.Name), "Write at least one task, or template.")
			}
		}
		return
	}
	inherited := cmp.Or(p.Pool, t.Pool)
	if x.e.Spot != nil {
		inherited = cmp.Or(inherited, x.e.Spot.Pool)
	}
	for i := range p.Tasks {
		x.task(at, t, p, &p.Tasks[i], tenant, inherited)
	}
	x.graph(at, p)
}

func (x *examiner) task(pipeline string, t *Tenant, p *Pipeline, task *Task, tenant, inherited string) {
	at := pipeline + ".tasks[" + task.Name + "]"
	x.retry(at+".retry", task.Retry)
	pool, known := x.tenantPool(at+".pool", task.Pool)
	if task.Pool == "" && !x.autopilot() {
		pool, known = x.e.Pool(inherited)
	}
	if x.settled(at+".pool") && x.settled(pipeline+".pool") && x.settled("spot") {
		x.gpu(at, task, cmp.Or(task.Pool, inherited), known, pool)
	}
	if task.Image == "" && p.Image == "" && x.settled(at+".image") && x.settled(pipeline+".image") {
		x.report(ruleRequired, at+".image", fmt.Sprintf("task %s has no image", task.Name), `Set image in the pipeline or in the task, for example "${release.image}".`)
	}
	x.image(at+".image", task.Image)
	x.envFrom(at, t, task.EnvFrom, tenant)
}

// envFrom checks that each name is a ConfigMap or Secret of the tenant.
func (x *examiner) envFrom(at string, t *Tenant, names []string, tenant string) {
	if !x.listed(tenant+".config") || !x.listed(tenant+".secrets") {
		return
	}
	have := append(sortedKeys(t.Config), sortedKeys(t.Secrets)...)
	for i, name := range names {
		if slices.Contains(have, name) {
			continue
		}
		detail := fmt.Sprintf("Tenant %s has neither config nor secrets.", t.Name)
		if len(have) > 0 {
			detail = "Declared: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(have))), ", ") + "."
		}
		if guess := diag.DidYouMean(name, have); guess != "" {
			detail = "Did you mean " + guess + "? " + detail
		}
		x.report(ruleReference, at+".envFrom["+strconv.Itoa(i)+"]", fmt.Sprintf("%q is neither in config nor in secrets", name), detail)
	}
}

var (
	imageForm   = regexp.MustCompile(`^([a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?/)?[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
	placeholder = regexp.MustCompile(`[<>]|CHANGE_?ME|REPLACE_?ME|PLACEHOLDER|TODO|change-?me|replace-?me|placeholder|your-(project|registry|image)`)
)

// image checks that a reference names one image, and always the same.
func (x *examiner) image(path, ref string) {
	if ref == "" || !x.settled(path) {
		return
	}
	const pin = "Write it with its digest: NAME@sha256:…."
	m := imageForm.FindStringSubmatch(ref)
	switch {
	case strings.Contains(ref, "{{"):
		// Argo fills it in when the workflow starts: nothing is known here.
	case placeholder.MatchString(ref), m != nil && inventedDigest(m[3]):
		x.report(ruleImage, path, "image is a placeholder", pin)
	case m == nil:
		x.report(ruleImage, path, fmt.Sprintf("%q is not an image reference", shorten(ref)), pin)
	case m[3] != "":
	case m[2] == ":latest":
		x.report(ruleImage, path, "image has the tag latest", "Nobody can say what ran, and a retry may run something else. "+pin)
	case m[2] == "":
		x.report(ruleImage, path, "image has neither tag nor digest", "It means latest. "+pin)
	default:
		x.add(diag.Warning, ruleImage, path, "image is not pinned by digest", "A tag can be moved. "+pin)
	}
}

// inventedDigest reports whether a digest cannot be that of anything: half of
// it is one digit, as in the examples of manuals.
func inventedDigest(digest string) bool {
	hex, found := strings.CutPrefix(digest, "@sha256:")
	return found && strings.Count(hex[:32], hex[:1]) == 32
}
