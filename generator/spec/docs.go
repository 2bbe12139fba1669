package spec

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"strake/generator/diag"
)

//go:generate go test . -run ^TestGenerated$/^docs$ -update
//go:generate go test . -run ^TestGenerated$/^schema$ -update

// documentKind is a kind of document that a human or a program writes.
type documentKind struct {
	kind string
	typ  reflect.Type
	// about says who writes it, in Reference.
	about string
}

func documentKinds() []documentKind {
	return []documentKind{
		{"Platform", reflect.TypeFor[platformDocument](), "One per repository: environments/platform.yaml."},
		{"Tenant", reflect.TypeFor[tenantDocument](), "One per team, in a file that the team may own. The Platform's include brings it."},
		{"Release", reflect.TypeFor[releaseDocument](), "One per stage, written by programs: which image runs there."},
		{"Facts", reflect.TypeFor[factsDocument](), "One per environment, written by programs: what only Terraform knows."},
	}
}

// reached is which rendered files a part of the spec ends up in.
type reached struct {
	prefix string
	files  []string
}

// reachTable lists the files by the path of the fields, without list indices.
// Where several prefixes fit, the longest counts.
func reachTable() []reached {
	const (
		argo       = "overlays/<env>/argo-workflows/patches/"
		config     = argo + " (workflow-controller-configmap)"
		controller = argo + " (Deployment workflow-controller)"
		server     = argo + " (Deployment argo-server)"
		guard      = "overlays/<env>/<tenant>-guardrails/"
		work       = "overlays/<env>/<tenant>/"
		apps       = "overlays/<env>/argocd-apps/"
		project    = apps + " (AppProject)"
		delivered  = apps + " (Application)"
		itself     = "overlays/<env>/argocd/"
		persistent = "environments/<env>/persistent/"
		ephemeral  = "environments/<env>/ephemeral/"
	)
	return []reached{
		{"", []string{"environments/<env>/effective.yaml"}},
		{"cloud", []string{"environments/<env>/effective.yaml", guard + " (SecretStore)", argo}},
		{"cluster", []string{work, guard, argo}},
		{"cluster.controlPlaneCIDR", []string{guard + " (NetworkPolicy)", argo + " (NetworkPolicy)"}},
		{"cluster.nodePools", []string{work + " (placement of workflow pods)", controller, server, ephemeral}},
		{"lifecycle", []string{ephemeral}},
		{"terraform", []string{persistent, ephemeral}},
		{"network", []string{ephemeral}},
		{"databases", []string{persistent, work + " (the proxy beside a service)"}},
		{"registries", []string{persistent}},
		{"cluster.private", []string{ephemeral}},
		{"cluster.releaseChannel", []string{ephemeral}},
		{"cluster.controlPlane", []string{ephemeral}},
		{"cluster.maintenance", []string{ephemeral}},
		{"workflows", []string{"base/argo-workflows/<version>/", argo}},
		{"workflows.version", []string{"base/argo-workflows/<version>/", "base/argo-workflows-crds/<version>/"}},
		{"workflows.crds", []string{"overlays/<env>/argo-workflows-crds/"}},
		{"workflows.controller", []string{controller}},
		{"workflows.server", []string{server}},
		{"workflows.server.sso", []string{config, argo + " (ExternalSecret)"}},
		{"workflows.activeDeadline", []string{config, work + " (WorkflowTemplate)"}},
		{"workflows.ttl", []string{config, work + " (WorkflowTemplate)"}},
		{"workflows.podGC", []string{config, work + " (WorkflowTemplate)"}},
		{"workflows.parallelism", []string{config}},
		{"workflows.config", []string{config}},
		{"workflows.helm", []string{"overlays/<env>/argo-workflows/<workflows.helm.values>"}},
		{"spot", []string{work + " (WorkflowTemplate: placement and retryStrategy)"}},
		{"artifacts", []string{guard + " (ConfigMap artifact-repositories)", config}},
		{"archive", []string{config, controller, server, argo + " (ExternalSecret)"}},
		{"secrets", []string{guard + " (SecretStore)", argo + " (SecretStore)"}},
		{"secrets.install", []string{"overlays/<env>/external-secrets/", "overlays/<env>/external-secrets-crds/"}},
		{"secrets.version", []string{"overlays/<env>/external-secrets/", "overlays/<env>/external-secrets-crds/"}},
		{"secrets.namespace", []string{"overlays/<env>/external-secrets/"}},
		{"repository", []string{"environments/<env>/effective.yaml", apps}},
		{"delivery", []string{delivered}},
		{"delivery.windows", []string{project}},
		{"delivery.approvers", []string{"environments/<env>/effective.yaml"}},
		{"argocd", []string{itself}},
		{"argocd.namespace", []string{apps, itself}},
		{"argocd.install", []string{apps, itself, "overlays/<env>/argocd-crds/"}},
		{"argocd.version", []string{delivered, itself, "overlays/<env>/argocd-crds/"}},
		{"argocd.notifications.subscriptions", []string{project}},
		{"argocd.sync", []string{delivered}},
		{"argocd.sync.confirmDelete", []string{"base/<app>/<version>/", guard + " (Namespace)"}},
		{"argocd.tenantKinds", []string{project}},
		{"cost", []string{"environments/<env>/effective.yaml"}},
		{"tenant", []string{guard, work}},
		{"tenant.contact", []string{project}},
		{"tenant.quota", []string{guard + " (ResourceQuota, LimitRange)"}},
		{"tenant.namespace", []string{guard + " (Namespace)", work}},
		{"tenant.group", []string{guard + " (RoleBinding)", project}},
		{"tenant.serviceAccount", []string{guard + " (ServiceAccount, Role, RoleBinding)", work}},
		{"tenant.config", []string{work + " (ConfigMap)"}},
		{"tenant.secrets", []string{work + " (ExternalSecret)"}},
		{"tenant.data", []string{persistent}},
		{"tenant.services", []string{work + " (Deployment, Service, PodDisruptionBudget, ConfigMap)"}},
		{"tenant.services.cloudSQL", []string{work + " (the proxy of the Deployment)", guard + " (NetworkPolicy)", persistent}},
		{"tenant.services.iap", []string{work + " (BackendConfig, FrontendConfig, ManagedCertificate, Ingress)", guard + " (NetworkPolicy)"}},
		{"tenant.pipelines", []string{work + " (WorkflowTemplate, CronWorkflow)"}},
		{"tenant.apps", []string{apps + " (Application, AppProject)"}},
	}
}

// filesOf is what a field reaches. path is relative to the settings of an
// environment; what belongs to a tenant begins with "tenant".
func filesOf(path string) []string {
	var files []string
	longest := -1
	for _, r := range reachTable() {
		if (r.prefix == "" || path == r.prefix || strings.HasPrefix(path, r.prefix+".")) && len(r.prefix) > longest {
			files, longest = r.files, len(r.prefix)
		}
	}
	return files
}

// settingPath turns a field's path in a document into the one that reachTable
// uses: the same setting stands in defaults and in environments.
func settingPath(kind, path string) string {
	path = strings.TrimPrefix(path, "spec.")
	switch kind {
	case "Platform":
		for _, cut := range []struct{ from, to string }{
			{"defaults.tenant.", "tenant."},
			{"defaults.pipeline.", "tenant.pipelines."},
			{"defaults.", ""},
			{"environments.", ""},
			{"tenants.environments.", "tenant."},
			{"tenants.", "tenant."},
		} {
			if rest, found := strings.CutPrefix(path, cut.from); found {
				return cut.to + rest
			}
		}
	case "Tenant":
		return "tenant." + strings.TrimPrefix(path, "environments.")
	case "Release":
		if strings.HasPrefix(path, "components") {
			return "workflows.version"
		}
		return "tenant.pipelines"
	}
	return path
}

// typeName is a field's type in words.
func typeName(f field) string {
	switch f.shape.kind {
	case structure:
		return "map"
	case dictionary:
		switch f.shape.elem.kind {
		case dictionary:
			return "map of names to maps"
		case opaque:
			return "map of anything"
		}
		return "map of names to " + plural(f.shape.elem)
	case sequence:
		return "list of " + plural(f.shape.elem)
	case integer:
		return "integer"
	case boolean:
		return "boolean"
	case opaque:
		return "anything"
	}
	if len(f.tag.enum) > 0 {
		return diag.OneOf(f.tag.enum)
	}
	switch f.tag.format {
	case "duration", "days":
		return "duration"
	case "quantities":
		return "quantity"
	case "date", "cidr", "url":
		return f.tag.format
	case "cron":
		return "cron expression"
	case "timezone":
		return "time zone"
	}
	return "string"
}

func plural(s *shape) string {
	switch s.kind {
	case structure, dictionary:
		return "maps"
	case text:
		return "strings"
	default:
		return "values"
	}
}

// documented is one field of the reference.
type documented struct {
	path string
	f    field
}

// walk lists the fields below a shape. Settings that another place documents
// are not repeated: skip says so.
func walk(sh *shape, prefix string, skip func(path string) bool) []documented {
	for sh.kind == sequence || sh.kind == dictionary {
		sh = sh.elem
	}
	var out []documented
	for _, f := range sh.fields {
		path := child(prefix, f.name)
		out = append(out, documented{path, f})
		if !skip(path) {
			out = append(out, walk(f.shape, path, skip)...)
		}
	}
	return out
}

// referenceHead is what holds for every field.
const referenceHead = `# Reference of the spec

Every field, with its type, its default, what it means, and the files it reaches. This page is generated from the types of ` + "`generator/spec`" + `.

**Merging.** ` + "`spec.defaults`" + ` fills every environment; a field that stands there stands in each of ` + "`spec.environments`" + ` too, where its value wins. Maps merge deep, lists of named things by name,
other lists replace. Of keys that exclude each other, choosing one removes an inherited other. ` + "`null`" + ` removes an inherited value, and ` + "`{name: x, $remove: true}`" + ` an inherited item.

**Variables.** ` + "`${environment}`, `${stage}`, `${platform}`, `${project}` and `${region}`" + ` are built in, ` + "`${tenant}`" + ` within a tenant, ` + "`${release.image}`" + ` within a pipeline or a service, and ` + "`${facts.NAME}`" + ` is what
Terraform recorded; others are declared under ` + "`variables`" + `. They are filled in once, in strings; ` + "`$${`" + ` writes ` + "`${`" + `. In a task's command and args only declared ones are. Inside ` + "`{ }`" + ` and ` + "`[ ]`" + ` a value with a
variable must be quoted: that is YAML's rule.

**Values.** Durations are ` + "`30s`, `10m`, `3h` or `180d`" + `. Quantities are those of Kubernetes.
`

// Reference is the page of every field: docs/reference.md.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString(referenceHead)
	docs, types := fieldDocs(), typeDocs()
	for _, k := range documentKinds() {
		sh := shapeOf(k.typ)
		fmt.Fprintf(&b, "\n## %s\n\n%s %s\n\n", k.kind, types[k.typ.Name()], k.about)
		b.WriteString("| field | type | default | meaning | reaches |\n|---|---|---|---|---|\n")
		for _, d := range walk(sh, "", repeated(k.kind)) {
			var files []string
			for _, file := range filesOf(settingPath(k.kind, d.path)) {
				files = append(files, "`"+file+"`")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.path, required(d.f, typeName(d.f)), code(d.f.tag.value), cell(docs[d.f.owner]), strings.Join(files, ", "))
		}
	}
	return b.Bytes()
}

// repeated says which fields' contents the reference shows elsewhere.
func repeated(kind string) func(path string) bool {
	return func(path string) bool {
		if kind == "Tenant" {
			return path == "spec.environments"
		}
		settings := shapeOf(reflect.TypeFor[Settings]())
		rest, found := strings.CutPrefix(path, "spec.environments.")
		return path == "spec.tenants" || path == "spec.defaults.tenant" || path == "spec.defaults.pipeline" || found && settings.field(rest) != nil
	}
}

func required(f field, name string) string {
	switch {
	case f.tag.required && f.tag.group != "":
		return name + ", " + diag.OneOf(f.peers) + " is required"
	case f.tag.group != "":
		return name + ", at most one of " + strings.Join(f.peers, " and ")
	case f.tag.required:
		return name + ", required"
	}
	return name
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cell escapes what would end a cell of a Markdown table, and what Markdown
// would take for HTML.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Explain documents one field: archive.postgresql.cloudSQL, with or without
// spec., defaults. and list indices. ok is false when there is no such field,
// and the text then says what is near.
func Explain(name string) (string, bool) {
	steps := fieldSteps(name)
	if len(steps) == 0 {
		return "no field is named\n", false
	}
	roots := explainRoots()
	if len(steps) > 1 {
		for _, k := range documentKinds() {
			if strings.EqualFold(k.kind, steps[0]) {
				roots, steps = []explainRoot{{k.kind, "spec", shapeOf(k.typ).field("spec").shape}}, steps[1:]
				break
			}
		}
	}
	var near string
	for _, r := range roots {
		f, at, guess := lookUp(r.shape, steps)
		if f != nil {
			return explanation(r, *f, strings.Join(at, ".")), true
		}
		if near == "" || len(strings.Split(guess, ".")) > len(strings.Split(near, ".")) {
			near = guess
		}
	}
	text := fmt.Sprintf("no field %q", name)
	if near != "" {
		text += ": did you mean " + near + "?"
	}
	return text + "\n", false
}

// fieldSteps splits a field's name and drops what does not tell fields apart.
func fieldSteps(name string) []string {
	var b strings.Builder
	depth := 0
	for _, r := range name {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	steps := slices.DeleteFunc(strings.Split(b.String(), "."), func(s string) bool { return s == "" })
	if len(steps) > 1 && steps[0] == "spec" {
		steps = steps[1:]
	}
	return steps
}

// explainRoot is a place that a field's name may be relative to.
type explainRoot struct {
	kind, prefix string
	shape        *shape
}

func explainRoots() []explainRoot {
	return []explainRoot{
		{"Platform", "spec", shapeOf(reflect.TypeFor[platformSpec]())},
		{"Platform", "spec.defaults", shapeOf(reflect.TypeFor[Settings]())},
		{"Tenant", "spec", shapeOf(reflect.TypeFor[tenantSpec]())},
		{"Platform", "spec.environments", shapeOf(reflect.TypeFor[environment]())},
		{"Release", "spec", shapeOf(reflect.TypeFor[releaseSpec]())},
		{"Facts", "spec", shapeOf(reflect.TypeFor[factsSpec]())},
		{"Platform", "", shapeOf(reflect.TypeFor[platformDocument]())},
	}
}

// lookUp follows steps. Below a map of names, a step that is no known key is
// taken for the name.
func lookUp(sh *shape, steps []string) (found *field, at []string, guess string) {
	for i := 0; i < len(steps); i++ {
		for sh.kind == sequence {
			sh = sh.elem
		}
		if sh.kind == dictionary {
			for sh.kind == dictionary && i < len(steps) {
				sh = sh.elem
				if sh.kind != structure || sh.field(steps[i]) == nil {
					i++
				}
			}
			for sh.kind == sequence {
				sh = sh.elem
			}
			if i >= len(steps) || sh.kind != structure {
				return found, at, ""
			}
		}
		if sh.kind != structure {
			return nil, nil, ""
		}
		f := sh.field(steps[i])
		if f == nil {
			if near := diag.DidYouMean(steps[i], sh.names()); near != "" {
				guess = strings.Join(append(slices.Clone(at), append([]string{near}, steps[i+1:]...)...), ".")
			}
			return nil, nil, guess
		}
		found, sh = f, f.shape
		at = append(at, f.name)
	}
	return found, at, ""
}

func explanation(r explainRoot, f field, path string) string {
	var b strings.Builder
	full := child(r.prefix, path)
	fmt.Fprintf(&b, "%s %s (%s)\n\n%s\n", r.kind, full, required(f, typeName(f)), fieldDocs()[f.owner])
	if f.tag.value != "" {
		fmt.Fprintf(&b, "\nDefault: %s\n", f.tag.value)
	}
	if rest, found := strings.CutPrefix(full, "spec.defaults."); found {
		if shapeOf(reflect.TypeFor[Settings]()).field(strings.Split(rest, ".")[0]) != nil {
			fmt.Fprintf(&b, "\nSet it for all environments in spec.defaults, for one in spec.environments: its own value wins.\n")
		}
	}
	if files := filesOf(settingPath(r.kind, full)); len(files) > 0 {
		b.WriteString("\nReaches:\n")
		for _, file := range files {
			b.WriteString("  " + file + "\n")
		}
	}
	sh := f.shape
	for sh.kind == sequence || sh.kind == dictionary {
		sh = sh.elem
	}
	if sh.kind == structure {
		b.WriteString("\nFields:\n")
		for _, below := range sh.fields {
			fmt.Fprintf(&b, "  %-24s %s\n", below.name, firstSentence(fieldDocs()[below.owner]))
		}
	}
	return b.String()
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}
