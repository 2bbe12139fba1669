package render

import (
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	psaapi "k8s.io/pod-security-admission/api"
	psapolicy "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/spec"
	"strake/generator/tree"
)

// argoModule is the directory of the Go module that holds Argo's own manifests.
var argoModule = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-workflows/v3").Output()
	return strings.TrimSpace(string(out)), err
})

func argoFile(t *testing.T, parts ...string) string {
	t.Helper()
	dir, err := argoModule()
	if err != nil {
		t.Fatalf("locate the module of Argo Workflows: %v", err)
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}

func TestObjectsSayWhoseTheyAre(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		for id, doc := range live(t, workflows(e)) {
			metadata := doc["metadata"].(map[string]any)
			labels, _ := metadata["labels"].(map[string]any)
			for label, want := range map[string]string{
				"app.kubernetes.io/part-of":    "argo-workflows",
				"app.kubernetes.io/managed-by": "strake",
				"app.kubernetes.io/name":       metadata["name"].(string),
			} {
				if labels[label] != want {
					t.Errorf("%s: %s is %v, want %s", id, label, labels[label], want)
				}
			}
			if labels["app.kubernetes.io/component"] == nil {
				t.Errorf("%s has no component", id)
			}
			namespaced := !slices.Contains([]string{"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass"}, doc["kind"].(string))
			if got := metadata["namespace"]; namespaced != (got == e.Workflows.Namespace) {
				t.Errorf("%s is in namespace %v", id, got)
			}
		}
	})
}

func TestPodsPassTheRestrictedProfile(t *testing.T) {
	evaluator, err := psapolicy.NewEvaluator(psapolicy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		for _, d := range deployments(t, e) {
			level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(level, &d.Spec.Template.ObjectMeta, &d.Spec.Template.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s: %s", d.Name, result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
			for _, c := range slices.Concat(d.Spec.Template.Spec.InitContainers, d.Spec.Template.Spec.Containers) {
				if c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
					t.Errorf("%s: container %s can write to its root filesystem", d.Name, c.Name)
				}
				if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
					t.Errorf("%s: container %s has resources %v", d.Name, c.Name, c.Resources)
				}
				if strings.HasSuffix(c.Image, ":latest") || !strings.Contains(c.Image, ":") {
					t.Errorf("%s: image %s is not pinned", d.Name, c.Image)
				}
			}
		}
	})
}

func TestNamespaceEnforcesTheRestrictedProfile(t *testing.T) {
	t.Parallel()
	labels := typed[corev1.Namespace](t, live(t, workflows(platform()))["Namespace/argo"]).Labels
	for label, want := range map[string]string{
		"pod-security.kubernetes.io/enforce":         "restricted",
		"pod-security.kubernetes.io/enforce-version": "v1.33",
	} {
		if labels[label] != want {
			t.Errorf("%s is %q, want %q", label, labels[label], want)
		}
	}
}

// All containers of a pod share one address.
func TestPortsOfAPodDoNotCollide(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		for _, d := range deployments(t, e) {
			seen := map[int32]string{5432: ""}
			for _, c := range slices.Concat(d.Spec.Template.Spec.InitContainers, d.Spec.Template.Spec.Containers) {
				for _, p := range c.Ports {
					if other, taken := seen[p.ContainerPort]; taken {
						t.Errorf("%s: port %d of %s and %s", d.Name, p.ContainerPort, c.Name, other)
					}
					seen[p.ContainerPort] = c.Name
					if len(p.Name) > 15 {
						t.Errorf("%s: port name %s has more than 15 characters", d.Name, p.Name)
					}
				}
			}
		}
	})
}

func TestControllersStayOffSpot(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		for _, d := range deployments(t, e) {
			for _, toleration := range d.Spec.Template.Spec.Tolerations {
				if toleration.Key == spotLabel || toleration.Key == "" {
					t.Errorf("%s tolerates Spot: %v", d.Name, toleration)
				}
			}
		}
	})
}

func TestControllerPool(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		selector    map[string]string
		tolerations []corev1.Toleration
		affinity    bool
	}{
		"whole":     {selector: map[string]string{"cloud.google.com/gke-nodepool": "system"}},
		"bare":      {affinity: true},
		"autopilot": {},
		"dedicated": {
			selector: map[string]string{"dedicated": "tools", "team": "platform"},
			tolerations: []corev1.Toleration{
				{Key: "dedicated", Operator: "Equal", Value: "tools", Effect: "NoSchedule"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, d := range deployments(t, scenarios()[name]) {
				pod := d.Spec.Template.Spec
				want := map[string]string{"kubernetes.io/os": "linux"}
				maps.Copy(want, test.selector)
				if !maps.Equal(pod.NodeSelector, want) {
					t.Errorf("%s: selector %v, want %v", d.Name, pod.NodeSelector, want)
				}
				if !slices.Equal(pod.Tolerations, test.tolerations) {
					t.Errorf("%s: tolerations %v, want %v", d.Name, pod.Tolerations, test.tolerations)
				}
				if (pod.Affinity != nil) != test.affinity {
					t.Errorf("%s: affinity %v", d.Name, pod.Affinity)
				}
			}
		})
	}
}

func TestReplicasAndResources(t *testing.T) {
	t.Parallel()
	e := platform(func(e *spec.Effective) {
		e.Workflows.Controller.Replicas = 3
		e.Workflows.Controller.Resources = &spec.Resources{Requests: map[string]string{"memory": "4Gi", "cpu": "1"}}
	})
	for _, d := range deployments(t, e) {
		want := map[string]int32{"workflow-controller": 3, "argo-server": 2}[d.Name]
		if *d.Spec.Replicas != want {
			t.Errorf("%s: %d replicas, want %d", d.Name, *d.Spec.Replicas, want)
		}
		if d.Name != "workflow-controller" {
			continue
		}
		resources := d.Spec.Template.Spec.Containers[0].Resources
		if resources.Requests.Memory().String() != "4Gi" || len(resources.Limits) != 0 {
			t.Errorf("resources are %v: the spec's must stand alone", resources)
		}
	}
}

// flagNames are the flags that a command of Argo defines.
func flagNames(t *testing.T, parts ...string) []string {
	t.Helper()
	data := read(t, argoFile(t, parts...))
	var out []string
	for _, match := range regexp.MustCompile(`Flags\(\)\.\w+\(&\w+, "([a-z-]+)"`).FindAllStringSubmatch(data, -1) {
		out = append(out, match[1])
	}
	if len(out) < 10 {
		t.Fatalf("found only the flags %v", out)
	}
	return out
}

func TestFlagsExist(t *testing.T) {
	known := map[string][]string{
		"workflow-controller": flagNames(t, "cmd", "workflow-controller", "main.go"),
		"argo-server":         flagNames(t, "cmd", "argo", "commands", "server.go"),
	}
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		for _, d := range deployments(t, e) {
			c := d.Spec.Template.Spec.Containers[0]
			args := c.Args
			if d.Name == "argo-server" {
				if args[0] != "server" {
					t.Errorf("first argument is %s", args[0])
				}
				args = args[1:]
			}
			for _, arg := range args {
				name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
				if !strings.HasPrefix(arg, "--") || !slices.Contains(known[d.Name], name) {
					t.Errorf("%s: unknown argument %s", d.Name, arg)
				}
			}
			if got := slices.Contains(c.Args, "--namespaced"); got != (e.Workflows.Scope == "namespace") {
				t.Errorf("%s: --namespaced is %t with scope %s", d.Name, got, e.Workflows.Scope)
			}
			for _, mode := range e.Workflows.Server.AuthModes {
				if d.Name == "argo-server" && !slices.Contains(c.Args, "--auth-mode="+mode) {
					t.Errorf("no --auth-mode=%s in %v", mode, c.Args)
				}
			}
		}
	})
}

// The Deployments keep what the official ones have; a selector may never differ
// from that of an installation that is taken over.
func TestDeploymentsKeepTheOfficialShape(t *testing.T) {
	t.Parallel()
	for _, d := range deployments(t, platform()) {
		dir := map[string]string{"workflow-controller": "workflow-controller", "argo-server": "argo-server"}[d.Name]
		var official appsv1.Deployment
		data := read(t, argoFile(t, "manifests", "base", dir, d.Name+"-deployment.yaml"))
		if err := yaml.UnmarshalStrict([]byte(data), &official); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(d.Spec.Selector, official.Spec.Selector) {
			t.Errorf("%s: selector %v, want %v", d.Name, d.Spec.Selector, official.Spec.Selector)
		}
		ours, theirs := d.Spec.Template.Spec, official.Spec.Template.Spec
		a, b := ours.Containers[0], theirs.Containers[0]
		if ours.ServiceAccountName != theirs.ServiceAccountName || ours.PriorityClassName != theirs.PriorityClassName {
			t.Errorf("%s: runs as %s with priority %q", d.Name, ours.ServiceAccountName, ours.PriorityClassName)
		}
		if a.Name != b.Name || !slices.Equal(a.Command, b.Command) || !reflect.DeepEqual(a.VolumeMounts, b.VolumeMounts) {
			t.Errorf("%s: container %+v", d.Name, a)
		}
		if repository, _, _ := strings.Cut(b.Image, ":"); a.Image != repository+":v3.7.18" {
			t.Errorf("%s: image %s", d.Name, a.Image)
		}
		if !reflect.DeepEqual(a.ReadinessProbe, b.ReadinessProbe) || !reflect.DeepEqual(a.LivenessProbe, b.LivenessProbe) {
			t.Errorf("%s: probes differ", d.Name)
		}
		for _, env := range b.Env {
			if !slices.ContainsFunc(a.Env, func(own corev1.EnvVar) bool { return reflect.DeepEqual(own, env) }) {
				t.Errorf("%s: no environment variable %s", d.Name, env.Name)
			}
		}
		for _, port := range b.Ports {
			if !slices.ContainsFunc(a.Ports, func(own corev1.ContainerPort) bool { return own.ContainerPort == port.ContainerPort }) {
				t.Errorf("%s: no port %d", d.Name, port.ContainerPort)
			}
		}
	}
}

// A change of the configuration restarts the pods; nothing else does.
func TestChecksum(t *testing.T) {
	t.Parallel()
	sum := func(e *spec.Effective) map[string]bool {
		out := map[string]bool{}
		for _, d := range deployments(t, e) {
			value := d.Spec.Template.Annotations["checksum/"+controllerConfigMap]
			if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(value) {
				t.Fatalf("%s: checksum is %q", d.Name, value)
			}
			out[value] = true
		}
		if len(out) != 1 {
			t.Fatalf("the checksums differ: %v", out)
		}
		return out
	}
	before := sum(platform())
	if same := sum(platform(func(e *spec.Effective) { e.Workflows.Server.Replicas = 5 })); !maps.Equal(before, same) {
		t.Error("the number of replicas changes the checksum")
	}
	if other := sum(platform(func(e *spec.Effective) { e.Archive.TTL = "90d" })); maps.Equal(before, other) {
		t.Error("the archive's TTL does not change the checksum")
	}
}

// A login is read once: another version of it restarts the pods.
func TestChecksumOfTheLogins(t *testing.T) {
	t.Parallel()
	sum := func(e *spec.Effective) string {
		all := deployments(t, e)
		a, b := all[0].Spec.Template.Annotations[secretsChecksum], all[1].Spec.Template.Annotations[secretsChecksum]
		if a != b {
			t.Errorf("the checksums differ: %q, %q", a, b)
		}
		return a
	}
	version := func(v string) *spec.Effective {
		return platform(func(e *spec.Effective) {
			e.Archive.PostgreSQL.User.Secret = &spec.UserSecret{Username: "argo-user", Password: "argo-word", PasswordVersion: v}
		})
	}
	if a, b := sum(version("3")), sum(version("4")); a == b || a == "" {
		t.Errorf("another version of the password does not restart the pods: %q, %q", a, b)
	}
	client := platform(func(e *spec.Effective) { e.Workflows.Server.SSO.ClientSecret.Version = "2" })
	if sum(platform()) == sum(client) {
		t.Error("another version of the client secret does not restart the pods")
	}
	if got := sum(scenarios()["bare"]); got != "" {
		t.Errorf("a checksum over nothing: %s", got)
	}
}

// Replicas are put apart, and find each other by their own label.
func TestReplicasAreSpread(t *testing.T) {
	t.Parallel()
	for _, d := range deployments(t, platform()) {
		spread := d.Spec.Template.Spec.TopologySpreadConstraints
		if len(spread) != 2 {
			t.Errorf("%s: %v", d.Name, spread)
		}
		for _, s := range spread {
			if !maps.Equal(s.LabelSelector.MatchLabels, d.Spec.Selector.MatchLabels) {
				t.Errorf("%s is spread by %v", d.Name, s.LabelSelector)
			}
		}
	}
}

func TestEnvironmentVariables(t *testing.T) {
	t.Parallel()
	for scenario, delegates := range map[string]bool{"whole": true, "bare": false, "namespace": false} {
		for _, d := range deployments(t, scenarios()[scenario]) {
			got := map[string]string{}
			for _, v := range d.Spec.Template.Spec.Containers[0].Env {
				got[v.Name] = v.Value
			}
			if d.Name == "workflow-controller" && got["TASK_RESULT_TIMEOUT_DURATION"] != "2m" {
				t.Errorf("%s: a step of a lost pod waits ten minutes: %v", scenario, got)
			}
			if d.Name == "workflow-controller" && got["INFORMER_WRITE_BACK"] != "false" {
				t.Errorf("%s: a step whose wait container was killed waits twenty minutes: %v", scenario, got)
			}
			if d.Name == "argo-server" && (got["SSO_DELEGATE_RBAC_TO_NAMESPACE"] == "true") != delegates {
				t.Errorf("%s: a login is delegated: %v", scenario, got)
			}
		}
	}
}

// Every login has an account in the server's namespace, without any right.
func TestAnyLogin(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string]bool{"whole": true, "external": true, "bare": false, "namespace": false} {
		objects := live(t, workflows(scenarios()[scenario]))
		doc := objects["ServiceAccount/"+anyLoginAccount]
		if (doc != nil) != want {
			t.Errorf("%s: login account: %v", scenario, doc)
		}
		if !want || doc == nil {
			continue
		}
		account := typed[corev1.ServiceAccount](t, doc)
		if account.Annotations["workflows.argoproj.io/rbac-rule"] != "true" || account.Annotations["workflows.argoproj.io/rbac-rule-precedence"] != "0" {
			t.Errorf("%s: annotations %v", scenario, account.Annotations)
		}
		token := typed[corev1.Secret](t, objects["Secret/"+anyLoginAccount+".service-account-token"])
		if token.Annotations[corev1.ServiceAccountNameKey] != anyLoginAccount || token.Type != corev1.SecretTypeServiceAccountToken {
			t.Errorf("%s: token %v", scenario, token)
		}
		if got := rightsOf(t, slices.Collect(maps.Values(objects)), anyLoginAccount); len(got) != 0 {
			t.Errorf("%s: a login has the rights %v", scenario, got)
		}
	}
}

// Names in one object are those of another: nothing points into the void.
func TestReferencesAreClosed(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		objects := live(t, workflows(e))
		need := func(id, by string) {
			if objects[id] == nil {
				t.Errorf("%s names %s, which is not there", by, id)
			}
		}
		for id, doc := range objects {
			switch doc["kind"] {
			case "RoleBinding", "ClusterRoleBinding":
				ref := doc["roleRef"].(map[string]any)
				need(ref["kind"].(string)+"/"+ref["name"].(string), id)
				for _, subject := range doc["subjects"].([]any) {
					subject := subject.(map[string]any)
					if subject["namespace"] != e.Workflows.Namespace {
						t.Errorf("%s: subject in %v", id, subject["namespace"])
					}
					if e.Workflows.Install == "embedded" {
						need("ServiceAccount/"+subject["name"].(string), id)
					}
				}
			case "Deployment":
				d := typed[appsv1.Deployment](t, doc)
				need("ServiceAccount/"+d.Spec.Template.Spec.ServiceAccountName, id)
				if class := d.Spec.Template.Spec.PriorityClassName; class != "" {
					need("PriorityClass/"+class, id)
				}
			case "ExternalSecret":
				body := doc["spec"].(map[string]any)
				if store, ok := body["secretStoreRef"].(map[string]any); ok {
					need("SecretStore/"+store["name"].(string), id)
				}
			}
		}
		if e.Secrets == nil {
			return
		}
		for _, ref := range secretRefs(t, objects) {
			name, key, _ := strings.Cut(ref, "/")
			es := objects["ExternalSecret/"+name]
			if es == nil {
				t.Errorf("the configuration names the Secret %s, which nothing makes", name)
				continue
			}
			if keys := secretKeys(es); !slices.Contains(keys, key) {
				t.Errorf("Secret %s has the keys %v, the configuration reads %s", name, keys, key)
			}
		}
	})
}

// secretRefs are the "name/key" pairs that texts of ConfigMaps select.
func secretRefs(t *testing.T, objects map[string]map[string]any) []string {
	t.Helper()
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			name, isName := v["name"].(string)
			key, isKey := v["key"].(string)
			if isName && isKey {
				out = append(out, name+"/"+key)
			}
			for _, item := range v {
				walk(item)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	for _, doc := range objects {
		data, _ := doc["data"].(map[string]any)
		for _, text := range data {
			var v any
			if err := yaml.Unmarshal([]byte(text.(string)), &v); err != nil {
				t.Fatal(err)
			}
			walk(v)
		}
	}
	return out
}

func secretKeys(externalSecret map[string]any) []string {
	body := externalSecret["spec"].(map[string]any)
	var keys []string
	data, _ := body["data"].([]any)
	for _, item := range data {
		keys = append(keys, item.(map[string]any)["secretKey"].(string))
	}
	if body["dataFrom"] != nil {
		keys = append(keys, "password") // what the generator Password makes
	}
	target := body["target"].(map[string]any)
	if template, ok := target["template"].(map[string]any); ok {
		for key := range template["data"].(map[string]any) {
			keys = append(keys, key)
		}
	}
	return keys
}

// No value of a Secret stands in Git, whatever the kind of object.
func TestNoPlaintextSecrets(t *testing.T) {
	suspicious := regexp.MustCompile(`(?i)^\s*-?\s*"?[\w.-]*(password|token|apikey|secretaccesskey)"?:\s*\S`)
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		a := workflows(e)
		for id, doc := range live(t, a) {
			// The cluster fills in the token of an account.
			if strings.HasPrefix(id, "Secret/") && (doc["type"] != tokenType || doc["data"] != nil || doc["stringData"] != nil) {
				t.Errorf("%s stands in Git", id)
			}
		}
		for _, f := range rendered(t, e, a) {
			for i, line := range strings.Split(string(f.Data), "\n") {
				if suspicious.MatchString(line) && !strings.Contains(line, "automountServiceAccountToken: ") {
					t.Errorf("%s:%d: %s", f.Path, i+1, line)
				}
			}
		}
	})
}

// rendered are the files of an app.
func rendered(t *testing.T, e *spec.Effective, a app) []tree.File {
	t.Helper()
	l := &layout{e: e, out: tree.New()}
	l.add(a)
	if len(l.errs) > 0 {
		t.Fatal(l.errs)
	}
	return slices.Collect(l.out.All())
}

func TestSameSpecSameBytes(t *testing.T) {
	t.Parallel()
	for name := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first []tree.File
			for range 3 {
				e := scenarios()[name]
				files := append(rendered(t, e, workflowsCRDs(e)), rendered(t, e, workflows(e))...)
				if first != nil && !reflect.DeepEqual(first, files) {
					t.Fatal("two renders differ")
				}
				first = files
			}
		})
	}
}

// The base follows from version, namespace, scope and the kind of login: a change of anything else
// must not make a new one, or every environment would have its own.
func TestEnvironmentsShareTheBase(t *testing.T) {
	t.Parallel()
	base := func(e *spec.Effective) []string {
		var out []string
		for _, f := range rendered(t, e, workflows(e)) {
			if strings.HasPrefix(f.Path, "base/argo-workflows/") && !f.Seed {
				out = append(out, f.Path)
			}
		}
		return out
	}
	all := scenarios()
	want := base(all["whole"])
	if len(want) < 20 {
		t.Fatalf("the base has only the files %v", want)
	}
	for name, e := range all {
		same := e.Workflows.Install == "embedded" && e.Workflows.Scope == "cluster" && !onlyClients(e)
		if got := slices.Equal(base(e), want); got != same {
			t.Errorf("%s: same base: %t, want %t", name, got, same)
		}
	}
}

// Every line of a rendered file leads to a field of the spec that exists.
func TestEveryLineHasAnOrigin(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		resolve := func(path string) diag.Range { return diag.Range{Path: path} }
		check := func(what, from string, doc any) {
			data, origins, err := document("# header", from, doc, resolve)
			if err != nil {
				t.Fatal(err)
			}
			file := tree.File{Data: data, Origins: origins}
			for line := 1; line <= strings.Count(string(data), "\n"); line++ {
				origin, ok := file.OriginOf(line)
				if !ok || !isField(reflect.TypeFor[spec.Effective](), origin.Path) {
					t.Errorf("%s line %d comes from %q, which is no field of the spec", what, line, origin.Path)
				}
			}
		}
		for _, a := range []app{workflowsCRDs(e), workflows(e)} {
			for _, o := range slices.Concat(a.baseObjects, a.objects, a.files) {
				check(o.name(), o.from, o.doc)
			}
			for _, p := range a.patches {
				check(p.file, p.from, p.doc)
			}
		}
	})
}

// isField reports whether a path leads through the spec's types. Below a map or
// an opaque value every path does.
func isField(kind reflect.Type, path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		part, _, _ = strings.Cut(part, "[")
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		if kind.Kind() == reflect.Map {
			return true
		}
		if kind.Kind() != reflect.Struct {
			return false
		}
		field, found := reflect.StructField{}, false
		for _, f := range reflect.VisibleFields(kind) {
			if f.Tag.Get("yaml") == part {
				field, found = f, true
			}
		}
		if !found {
			return false
		}
		kind = field.Type
	}
	return true
}
