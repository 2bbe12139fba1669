package render_test

import (
	"flag"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/spec"
	"strake/generator/tree"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestDeliveryOfServices renders what delivers a multi-tenant cluster: the whole
// of prod, and the names and sources of the other environments.
func TestDeliveryOfServices(t *testing.T) {
	t.Parallel()
	const file = "testdata/delivery/services.txtar"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	given := archive.Files[:0:0]
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "overlays/") {
			fsys[f.Name] = &fstest.MapFile{Data: f.Data}
			given = append(given, f)
		}
	}
	p, found := spec.Load(fsys, "environments/platform.yaml", "0.1.0")
	if found.AtLeast(diag.Warning) {
		t.Fatal(found)
	}
	got := &txtar.Archive{Comment: archive.Comment, Files: given}
	for _, e := range p.Environments {
		out := files(t, e)
		dir := "overlays/" + e.Environment + "/argocd-apps/"
		for _, name := range namesIn(out, dir) {
			f, _ := out.Get(dir + name)
			data := f.Data
			if e.Environment != "prod" {
				data = outline(t, out, f)
			}
			got.Files = append(got.Files, txtar.File{Name: f.Path, Data: data})
		}
	}
	text := txtar.Format(got)
	if *update {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(txtar.Format(archive)), string(text)); diff != "" && !*update {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// outline is what differs between the environments in an Application.
func outline(t *testing.T, in *tree.Tree, f tree.File) []byte {
	if !strings.HasSuffix(f.Path, ".application.yaml") {
		return nil
	}
	a := decoded[argoApplication](t, in, f.Path)
	return []byte(strings.Join([]string{a.Spec.Project, a.Spec.Source.RepoURL, a.Spec.Source.TargetRevision, a.Spec.Source.Path}, " ") + "\n")
}

type argoMeta struct {
	Name, Namespace     string
	Labels, Annotations map[string]string
	Finalizers          []string
}

// argoApplication is every field of an Application that is rendered: decoding is
// strict.
type argoApplication struct {
	APIVersion, Kind string
	Metadata         argoMeta
	Spec             struct {
		Project     string
		Source      struct{ RepoURL, TargetRevision, Path string }
		Destination struct{ Server, Namespace string }
		SyncPolicy  struct {
			Automated *struct {
				Enabled                     *bool
				Prune, SelfHeal, AllowEmpty bool
			}
			SyncOptions []string
			Retry       *struct {
				Limit   int
				Refresh bool
				Backoff struct {
					Duration, MaxDuration string
					Factor                int
				}
			}
		}
		RevisionHistoryLimit int
		Info                 []struct{ Name, Value string }
	}
}

type argoKind struct{ Group, Kind, Name string }

type argoProject struct {
	APIVersion, Kind string
	Metadata         argoMeta
	Spec             struct {
		Description                string
		SourceRepos                []string
		Destinations               []struct{ Server, Namespace string }
		ClusterResourceWhitelist   []argoKind
		NamespaceResourceWhitelist []argoKind
		NamespaceResourceBlacklist []argoKind
		Roles                      []struct {
			Name, Description string
			Groups, Policies  []string
		}
		OrphanedResources struct {
			Warn   bool
			Ignore []argoKind
		}
		SyncWindows []struct {
			Kind, Schedule, Duration, TimeZone string
			Applications                       []string
			ManualSync                         bool
		}
	}
}

const appsDir = "overlays/prod/argocd-apps/"

// argocd puts fields of argocd into the spec of the tests.
func argocd(fields string) edit {
	return edit{"  include: [tenants/*.yaml]\n", "  include: [tenants/*.yaml]\n  argocd: {" + fields + "}\n"}
}

// delivery puts fields of delivery into the environment of the tests.
func delivery(fields string) edit {
	return edit{"    - name: prod\n", "    - {name: prod, delivery: {" + fields + "}}\n"}
}

func applicationAt(t *testing.T, e *spec.Effective, name string) argoApplication {
	t.Helper()
	return objectAt[argoApplication](t, e, appsDir+name+".application.yaml")
}

func TestWithoutArgoCD(t *testing.T) {
	t.Parallel()
	for name, edits := range map[string][]edit{"no word of it": nil, "install none": {argocd("install: none")}} {
		for f := range files(t, environment(t, nil, edits...)).All() {
			if strings.Contains(f.Path, "argocd") || strings.Contains(string(f.Data), "argocd.argoproj.io") {
				t.Errorf("%s: %s", name, f.Path)
			}
		}
	}
}

// TestEveryOverlayIsDelivered has one Application for each overlay, of its name,
// and no other.
func TestEveryOverlayIsDelivered(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]string{"at the top": "", "below a root": "clusters"} {
		e := environment(t, nil, argocd(""))
		e.Repository.Root = root
		out := files(t, e)
		overlays := map[string]bool{}
		for _, file := range out.Paths() {
			if strings.HasPrefix(file, path.Join(root, "overlays")+"/") && path.Base(file) == "kustomization.yaml" && strings.Count(strings.TrimPrefix(file, root+"/"), "/") == 3 {
				overlays[path.Dir(file)] = true
			}
		}
		for _, file := range out.Paths() {
			if !strings.HasSuffix(file, ".application.yaml") {
				continue
			}
			a := decoded[argoApplication](t, out, file)
			want := path.Base(a.Spec.Source.Path)
			if want == "argocd-apps" {
				want = "root"
			}
			if !overlays[a.Spec.Source.Path] || a.Metadata.Name != want {
				t.Errorf("%s: Application %s delivers %s", name, a.Metadata.Name, a.Spec.Source.Path)
			}
			delete(overlays, a.Spec.Source.Path)
			for _, watched := range strings.Split(a.Metadata.Annotations["argocd.argoproj.io/manifest-generate-paths"], ";")[1:] {
				if !slices.ContainsFunc(out.Paths(), func(p string) bool { return strings.HasPrefix("/"+p, watched+"/") }) {
					t.Errorf("%s: %s watches %s, where nothing is", name, a.Metadata.Name, watched)
				}
			}
		}
		if len(overlays) > 0 {
			t.Errorf("%s: nothing delivers %v", name, overlays)
		}
	}
}

func TestApplicationsAndProjects(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, argocd(""))
	tests := []struct {
		name, project, namespace, wave string
		cascades, serverSide, skip     bool
	}{
		{"root", "platform", "argocd", "-4", false, false, false},
		{"argo-workflows-crds", "platform", "argocd", "-3", false, true, false},
		{"argo-workflows", "platform", "argo", "-2", false, false, false},
		{"forecasting-guardrails", "platform", "forecasting", "-1", false, false, true},
		{"forecasting", "forecasting", "forecasting", "0", true, false, true},
	}
	for _, test := range tests {
		a := applicationAt(t, e, test.name)
		got := []any{
			a.Spec.Project, a.Spec.Destination.Namespace, a.Metadata.Annotations["argocd.argoproj.io/sync-wave"], len(a.Metadata.Finalizers) > 0,
			slices.Contains(a.Spec.SyncPolicy.SyncOptions, "ServerSideApply=true"), slices.Contains(a.Spec.SyncPolicy.SyncOptions, "SkipDryRunOnMissingResource=true"),
		}
		want := []any{test.project, test.namespace, test.wave, test.cascades, test.serverSide, test.skip}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if a.Metadata.Namespace != "argocd" || a.Spec.Destination.Server != "https://kubernetes.default.svc" {
			t.Errorf("%s: %+v", test.name, a)
		}
		p := objectAt[argoProject](t, e, appsDir+test.project+".appproject.yaml")
		if !slices.Contains(p.Spec.SourceRepos, a.Spec.Source.RepoURL) ||
			!slices.ContainsFunc(p.Spec.Destinations, func(d struct{ Server, Namespace string }) bool { return d == a.Spec.Destination }) {
			t.Errorf("project %s does not let %s in: %+v", test.project, test.name, p.Spec)
		}
	}
}

func TestProjectsAreClosed(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, argocd("tenantKinds: [keda.sh/ScaledObject]"))
	out := files(t, e)
	for _, file := range namesIn(out, appsDir) {
		if !strings.HasSuffix(file, ".appproject.yaml") {
			continue
		}
		p := decoded[argoProject](t, out, appsDir+file)
		for _, repository := range p.Spec.SourceRepos {
			if strings.Contains(repository, "*") {
				t.Errorf("%s: from %s", file, repository)
			}
		}
		for _, d := range p.Spec.Destinations {
			if strings.Contains(d.Server+d.Namespace, "*") || d.Namespace == "" {
				t.Errorf("%s: to %+v", file, d)
			}
		}
		for _, kind := range append(p.Spec.ClusterResourceWhitelist, p.Spec.NamespaceResourceWhitelist...) {
			if strings.Contains(kind.Group+kind.Kind, "*") {
				t.Errorf("%s: lets in %+v", file, kind)
			}
		}
	}
	team := decoded[argoProject](t, out, appsDir+"forecasting.appproject.yaml")
	if team.Spec.ClusterResourceWhitelist == nil || len(team.Spec.ClusterResourceWhitelist) > 0 || len(team.Spec.NamespaceResourceWhitelist) == 0 {
		t.Errorf("%+v", team.Spec)
	}
	if !slices.Contains(team.Spec.NamespaceResourceWhitelist, argoKind{Group: "keda.sh", Kind: "ScaledObject"}) {
		t.Error("tenantKinds are not let in")
	}
	locked := decoded[argoProject](t, out, appsDir+"default.appproject.yaml")
	if len(locked.Spec.SourceRepos)+len(locked.Spec.Destinations)+len(locked.Spec.ClusterResourceWhitelist) > 0 || len(locked.Spec.NamespaceResourceBlacklist) != 1 {
		t.Errorf("default is open: %+v", locked.Spec)
	}
	// What the team's overlay holds is let in, and nothing of its guardrails.
	allowed := func(apiVersion, kind string) bool {
		group, _, found := strings.Cut(apiVersion, "/")
		if !found {
			group = ""
		}
		return slices.Contains(team.Spec.NamespaceResourceWhitelist, argoKind{Group: group, Kind: kind})
	}
	shared := []string{"ConfigMap", "ExternalSecret", "ServiceAccount"}
	for f := range out.All() {
		var doc struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(f.Data, &doc); err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(f.Path) + "/"
		switch {
		case path.Base(f.Path) == "kustomization.yaml" || path.Base(f.Path) == "effective.yaml":
		case dir == teamDir && !allowed(doc.APIVersion, doc.Kind):
			t.Errorf("%s %s of the team's overlay is not let in", doc.APIVersion, doc.Kind)
		case (dir == guardDir || strings.HasPrefix(dir, "base/tenant-guardrails/")) && allowed(doc.APIVersion, doc.Kind) && !slices.Contains(shared, doc.Kind):
			t.Errorf("%s %s of the guardrails is let in", doc.APIVersion, doc.Kind)
		}
	}
}

func TestMemberRole(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]string{"forecasting@example.com": "forecasting@example.com", "CN=a,OU=b": `"CN=a,OU=b"`} {
		e := environment(t, nil, argocd(""))
		e.Tenants[0].Group = group
		roles := objectAt[argoProject](t, e, appsDir+"forecasting.appproject.yaml").Spec.Roles
		if len(roles) != 1 || !slices.Equal(roles[0].Groups, []string{want}) {
			t.Fatalf("%+v", roles)
		}
		var may []string
		for _, policy := range roles[0].Policies {
			fields := strings.Split(policy, ", ")
			if len(fields) != 6 || fields[1] != "proj:forecasting:member" || fields[4] != "forecasting/*" || fields[5] != "allow" {
				t.Errorf("policy %q", policy)
				continue
			}
			may = append(may, fields[2]+" "+fields[3])
		}
		if diff := cmp.Diff([]string{
			"applications get", "applications sync", "applications action/apps/Deployment/restart",
			"applications action/apps/StatefulSet/restart", "logs get",
		}, may); diff != "" {
			t.Error(diff)
		}
	}
	e := environment(t, nil, argocd(""))
	e.Tenants[0].Group = ""
	if roles := objectAt[argoProject](t, e, appsDir+"forecasting.appproject.yaml").Spec.Roles; roles != nil {
		t.Errorf("a role for nobody: %+v", roles)
	}
}

// TestSyncPolicy is each option of the spec, and what a version knows.
func TestSyncPolicy(t *testing.T) {
	t.Parallel()
	type automated = struct {
		Enabled                     *bool
		Prune, SelfHeal, AllowEmpty bool
	}
	off := false
	tests := map[string]struct {
		argocd, delivery string
		want             *automated
		info             string
	}{
		"default":            {want: &automated{Prune: true, SelfHeal: true}},
		"no prune":           {argocd: "sync: {prune: false}", want: &automated{SelfHeal: true}},
		"no self-heal":       {argocd: "sync: {selfHeal: false}", want: &automated{Prune: true}},
		"manual on 2.14":     {delivery: "sync: manual, reason: migration", info: "migration"},
		"manual on 3.0":      {argocd: "version: v3.0.23", delivery: "sync: manual, reason: migration", info: "migration"},
		"manual on 3.1":      {argocd: "version: v3.1.16", delivery: "sync: manual, reason: migration", want: &automated{Enabled: &off, Prune: true, SelfHeal: true}, info: "migration"},
		"manual for two":     {delivery: "sync: manual, approvers: [ada, example/oncall]", info: "ada, example/oncall press Sync"},
		"automatic on 3.1":   {argocd: "version: v3.1.16", want: &automated{Prune: true, SelfHeal: true}},
		"approvers and auto": {delivery: "approvers: [ada]", want: &automated{Prune: true, SelfHeal: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := applicationAt(t, environment(t, nil, argocd(test.argocd), delivery(test.delivery)), "forecasting")
			if diff := cmp.Diff(test.want, a.Spec.SyncPolicy.Automated); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			info := ""
			if len(a.Spec.Info) == 1 {
				info = a.Spec.Info[0].Value
			}
			if info != test.info {
				t.Errorf("info %q, want %q", info, test.info)
			}
		})
	}
}

func TestSyncRetry(t *testing.T) {
	t.Parallel()
	retry := func(fields string) any {
		return applicationAt(t, environment(t, nil, argocd(fields)), "forecasting").Spec.SyncPolicy.Retry
	}
	type backoff = struct {
		Duration, MaxDuration string
		Factor                int
	}
	type policy = struct {
		Limit   int
		Refresh bool
		Backoff backoff
	}
	tests := map[string]struct {
		fields string
		want   *policy
	}{
		"default":     {"", &policy{5, false, backoff{"10s", "5m", 2}}},
		"spec":        {"sync: {retry: {limit: 2, backoff: {duration: 1m, factor: 3, maxDuration: 1d}}}", &policy{2, false, backoff{"1m", "24h0m0s", 3}}},
		"none":        {"sync: {retry: {limit: 0}}", nil},
		"3.1":         {"version: v3.1.0", &policy{5, false, backoff{"10s", "5m", 2}}},
		"3.2":         {"version: v3.2.0", &policy{5, true, backoff{"10s", "5m", 2}}},
		"larger than": {"version: v4.0.0", &policy{5, true, backoff{"10s", "5m", 2}}},
	}
	for name, test := range tests {
		if diff := cmp.Diff(any(test.want), retry(test.fields)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRevision(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{"": "main", "branch: release": "release", "branch: release, revision: v1.2.3": "v1.2.3"} {
		if got := applicationAt(t, environment(t, nil, argocd(""), delivery(fields)), "root").Spec.Source.TargetRevision; got != want {
			t.Errorf("%s: follows %s, want %s", fields, got, want)
		}
	}
}

func TestHandWrittenApps(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, argocd(""), delivery("revision: v9"), edit{"  pipelines:\n", `  apps:
    - {name: api, repository: https://github.com/example/api, path: deploy/, revision: {prod: v2, dev: main}}
    - {name: ui, repository: https://github.com/example/api, path: ui, revision: {prod: v3}}
  pipelines:
`})
	e.Tenants[0].Apps = append(e.Tenants[0].Apps, spec.App{Name: "here", Path: "services/here/"})
	type source = struct{ RepoURL, TargetRevision, Path string }
	for name, want := range map[string]source{
		"api":  {"https://github.com/example/api", "v2", "deploy"},
		"ui":   {"https://github.com/example/api", "v3", "ui"},
		"here": {"https://github.com/example/mlops-gitops", "v9", "services/here"},
	} {
		a := applicationAt(t, e, "forecasting-"+name)
		if a.Spec.Source != want || a.Spec.Project != "forecasting" || a.Spec.Destination.Namespace != "forecasting" {
			t.Errorf("%s: %+v", name, a.Spec)
		}
		// Nothing is known of its files, and of the data that it holds.
		if _, watched := a.Metadata.Annotations["argocd.argoproj.io/manifest-generate-paths"]; watched || a.Metadata.Finalizers != nil {
			t.Errorf("%s: %+v", name, a.Metadata)
		}
	}
	p := objectAt[argoProject](t, e, appsDir+"forecasting.appproject.yaml")
	if diff := cmp.Diff([]string{"https://github.com/example/mlops-gitops", "https://github.com/example/api"}, p.Spec.SourceRepos); diff != "" {
		t.Error(diff)
	}
}

// TestTenantWithAppsOnly has no overlay of its own, and no Application of it.
func TestTenantWithAppsOnly(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, argocd(""))
	e.Tenants[0].Config, e.Tenants[0].Secrets, e.Tenants[0].Pipelines = nil, nil, nil
	e.Tenants[0].Apps = []spec.App{{Name: "api", Path: "services/api"}}
	out := files(t, e)
	for _, file := range out.Paths() {
		if strings.HasPrefix(file, teamDir) || strings.HasPrefix(file, "base/forecasting/") || file == appsDir+"forecasting.application.yaml" {
			t.Errorf("%s is rendered", file)
		}
	}
	if a := applicationAt(t, e, "forecasting-api"); a.Spec.Project != "forecasting" {
		t.Errorf("%+v", a.Spec)
	}
}

func TestSyncWindows(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, argocd(""), delivery(`windows: [{deny: "0 18 * * 5", duration: 62h, timeZone: Asia/Tokyo}, {allow: "0 9 * * *", duration: 2d, manualSync: true}]`))
	for _, name := range []string{"platform", "forecasting"} {
		p := objectAt[argoProject](t, e, appsDir+name+".appproject.yaml")
		if len(p.Spec.SyncWindows) != 2 {
			t.Fatalf("%s: %+v", name, p.Spec.SyncWindows)
		}
		deny, allow := p.Spec.SyncWindows[0], p.Spec.SyncWindows[1]
		if deny.Kind != "deny" || deny.Schedule != "0 18 * * 5" || deny.Duration != "62h" || deny.TimeZone != "Asia/Tokyo" || deny.ManualSync || !slices.Equal(deny.Applications, []string{"*"}) {
			t.Errorf("%s: %+v", name, deny)
		}
		if allow.Kind != "allow" || allow.Duration != "48h0m0s" || allow.TimeZone != "Etc/UTC" || !allow.ManualSync {
			t.Errorf("%s: %+v", name, allow)
		}
	}
}

// TestConfirmDelete marks each rendered object of the kinds, wherever it stands.
func TestConfirmDelete(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields string
		want   map[string]string // kind to value
	}{
		"default":     {"", map[string]string{"Namespace": "Prune=confirm,Delete=confirm", "CustomResourceDefinition": "Prune=confirm,Delete=confirm"}},
		"spec":        {"sync: {confirmDelete: [AppProject, ConfigMap]}", map[string]string{"AppProject": "Prune=confirm,Delete=confirm", "ConfigMap": "Prune=confirm,Delete=confirm"}},
		"none":        {"sync: {confirmDelete: []}", map[string]string{}},
		"before 2.14": {"version: v2.13.9", map[string]string{"Namespace": "Prune=false,Delete=false", "CustomResourceDefinition": "Prune=false,Delete=false"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			for f := range files(t, environment(t, nil, argocd(test.fields))).All() {
				var doc struct {
					Kind     string
					Metadata struct{ Annotations map[string]string }
				}
				if err := yaml.Unmarshal(f.Data, &doc); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(f.Path, "/patches/") {
					continue
				}
				want := test.want[doc.Kind]
				if doc.Kind == "ConfigMap" && strings.Contains(f.Path, "/argocd/") {
					want = "ServerSideApply=true,Prune=false,Delete=false" // it is never deleted: there is nothing to confirm
				}
				if got := doc.Metadata.Annotations["argocd.argoproj.io/sync-options"]; got != want {
					t.Errorf("%s: %q, want %q", f.Path, got, want)
				}
				seen[doc.Kind]++
			}
			if seen["Namespace"] != 2 || seen["CustomResourceDefinition"] < 8 || seen["AppProject"] != 3 {
				t.Errorf("seen %v", seen)
			}
		})
	}
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	const notify = "url: https://argocd.example.com, notifications: {slack: {token: {secret: argocd-slack}}, subscriptions: {on-sync-failed: oncall, on-deployed: deploys}}"
	contact := edit{"  group: forecasting@example.com\n", "  group: forecasting@example.com\n  contact: {slack: forecasting-alerts}\n"}
	platform := map[string]string{"on-sync-failed": "oncall", "on-deployed": "deploys"}
	tests := map[string]struct {
		edits                []edit
		ofPlatform, ofTenant map[string]string
	}{
		"without notifications":   {[]edit{argocd(""), contact}, map[string]string{}, map[string]string{}},
		"of the team":             {[]edit{argocd(notify), contact}, platform, map[string]string{"on-sync-failed": "forecasting-alerts", "on-health-degraded": "forecasting-alerts"}},
		"a team without channels": {[]edit{argocd(notify)}, platform, platform},
	}
	for name, test := range tests {
		e := environment(t, nil, test.edits...)
		for project, want := range map[string]map[string]string{"platform": test.ofPlatform, "forecasting": test.ofTenant, "default": {}} {
			got := map[string]string{}
			for key, channel := range objectAt[argoProject](t, e, appsDir+project+".appproject.yaml").Metadata.Annotations {
				if rest, ok := strings.CutPrefix(key, "notifications.argoproj.io/subscribe."); ok {
					got[strings.TrimSuffix(rest, ".slack")] = channel
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, project, diff)
			}
		}
	}
}

// TestDeliveryOrigins holds the lines of Applications and projects to name the
// line of the spec that a human would change.
func TestDeliveryOrigins(t *testing.T) {
	t.Parallel()
	fields := "sync: {prune: false, retry: {limit: 7}}, namespace: cd"
	e := environment(t, nil, argocd(fields), delivery("branch: release"))
	out := files(t, e)
	tests := []struct{ file, line, want string }{
		{"forecasting.application.yaml", "prune: false", "sync: {prune: false"},
		{"forecasting.application.yaml", "limit: 7", "sync: {prune: false"},
		{"forecasting.application.yaml", "targetRevision: release", "name: prod"},
		{"forecasting.application.yaml", "repoURL:", "repository:"},
		{"forecasting.application.yaml", "project: forecasting", "name: forecasting"},
		{"forecasting.appproject.yaml", "- forecasting@example.com", "group: forecasting@example.com"},
		{"platform.appproject.yaml", "namespace: cd", "argocd:"},
	}
	for _, test := range tests {
		f, ok := out.Get(appsDir + test.file)
		if !ok {
			t.Fatalf("no file %s", test.file)
		}
		from := originOf(t, f, test.line)
		text := map[string]string{
			"environments/platform.yaml":            strings.Replace(strings.Replace(platformText, argocd(fields).old, argocd(fields).new, 1), delivery("").old, delivery("branch: release").new, 1),
			"environments/tenants/forecasting.yaml": tenantText,
		}[from.Path]
		if !strings.Contains(lineOf(text, from.Start.Line), test.want) {
			t.Errorf("%s: %q comes from %s: %s", test.file, test.line, from, lineOf(text, from.Start.Line))
		}
	}
}
