package render

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-workflows/v3/config"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psaapi "k8s.io/pod-security-admission/api"
	psapolicy "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/spec"
	"strake/generator/tree"
)

// parsed is the configuration as the controller itself reads it.
func parsed(t *testing.T, e *spec.Effective) *config.Config {
	t.Helper()
	name := controllerConfigMap
	if e.Workflows.Install == "external" {
		name = release(e).ConfigMap
	}
	doc := live(t, workflows(e))["ConfigMap/"+name]
	if doc == nil {
		t.Fatalf("no ConfigMap %s", name)
	}
	out, err := config.NewController(e.Workflows.Namespace, name, nil).Parse(typed[corev1.ConfigMap](t, doc))
	if err != nil {
		t.Fatalf("%v in %v", err, doc["data"])
	}
	return out
}

func TestConfigIsReadByArgo(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		c := parsed(t, e)
		if err := c.Sanitize([]string{"http", "https"}); err != nil {
			t.Error(err)
		}
		if (c.Persistence != nil) != (e.Archive != nil) {
			t.Errorf("persistence is %v", c.Persistence)
		}
		if got, want := c.ArtifactRepository.Get() != nil, e.Artifacts != nil; got != want {
			t.Errorf("an artifact repository: %t, want %t", got, want)
		}
	})
}

func TestConfigValues(t *testing.T) {
	t.Parallel()
	c := parsed(t, platform())
	p := c.Persistence
	got := map[string]any{
		"parallelism":   c.Parallelism,
		"per namespace": c.NamespaceParallelism,
		"bucket":        c.ArtifactRepository.GCS.Bucket,
		"key":           c.ArtifactRepository.GCS.KeyFormat,
		"logs":          *c.ArtifactRepository.ArchiveLogs,
		"no key":        c.ArtifactRepository.GCS.ServiceAccountKeySecret == nil,
		"deadline":      *c.WorkflowDefaults.Spec.ActiveDeadlineSeconds,
		"success":       *c.WorkflowDefaults.Spec.TTLStrategy.SecondsAfterSuccess,
		"failure":       *c.WorkflowDefaults.Spec.TTLStrategy.SecondsAfterFailure,
		"podGC":         string(c.WorkflowDefaults.Spec.PodGC.Strategy),
		"delay":         c.WorkflowDefaults.Spec.PodGC.DeleteDelayDuration,
		"archive":       p.Archive && p.NodeStatusOffload,
		"ttl":           time.Duration(p.ArchiveTTL),
		"cluster":       p.ClusterName,
		"pool":          []int{p.ConnectionPool.MaxIdleConns, p.ConnectionPool.MaxOpenConns},
		"lifetime":      time.Duration(p.ConnectionPool.ConnMaxLifetime),
		"host":          p.PostgreSQL.GetHostname(),
		"database":      p.PostgreSQL.Database + " " + p.PostgreSQL.TableName,
		"user":          p.PostgreSQL.UsernameSecret.Name + " " + p.PostgreSQL.UsernameSecret.Key,
		"issuer":        c.SSO.Issuer,
		"client":        c.SSO.ClientID.Name + " " + c.SSO.ClientID.Key,
		"redirect":      c.SSO.RedirectURL,
		"scopes":        c.SSO.Scopes,
		"rbac":          c.SSO.RBAC.IsEnabled(),
		"executor":      c.Executor.Image,
		"restrictions":  c.WorkflowRestrictions == nil,
	}
	want := map[string]any{
		"parallelism":   50,
		"per namespace": 10,
		"bucket":        "mlops-prod-artifacts",
		"key":           "{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}",
		"logs":          true,
		"no key":        true,
		"deadline":      int64(3 * 3600),
		"success":       int32(24 * 3600),
		"failure":       int32(7 * 24 * 3600),
		"podGC":         "OnPodCompletion",
		"delay":         "60s",
		"archive":       true,
		"ttl":           180 * 24 * time.Hour,
		"cluster":       "mlops-prod",
		"pool":          []int{10, 20},
		"lifetime":      90 * time.Minute,
		"host":          "127.0.0.1:5432",
		"database":      "argo argo_workflows",
		"user":          "argo-archive-db username",
		"issuer":        "https://accounts.google.com",
		"client":        "argo-server-sso client-id",
		"redirect":      "https://argo.example.com/oauth2/callback",
		"scopes":        []string{"groups", "email"},
		"rbac":          true,
		"executor":      "quay.io/argoproj/argoexec:v3.7.18-nonroot",
		"restrictions":  true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A line inside the text of a ConfigMap leads to the field that caused it.
func TestLinesOfConfigHaveTheirOwnOrigins(t *testing.T) {
	t.Parallel()
	e := scenarios()["own config"]
	var doc any
	for _, p := range workflows(e).patches {
		if strings.HasSuffix(p.file, ".configmap.yaml") {
			doc = p.doc
		}
	}
	data, origins, err := document("# header", "workflows", doc, func(path string) diag.Range { return diag.Range{Path: path} })
	if err != nil {
		t.Fatal(err)
	}
	file := tree.File{Data: data, Origins: origins}
	want := map[string]string{
		"    archiveTTL: 180d":                                 "archive.ttl",
		"    archive: true":                                    "archive",
		"      bucket: mlops-prod-artifacts":                   "artifacts.gcs.bucket",
		"        memory: 2Gi":                                  "workflows.config.executor.resources.limits.memory",
		"        memory: 128Mi":                                "workflows",
		"    completed: 50":                                    "workflows.config.retentionPolicy.completed",
		"      url: https://logs.example.com":                  "workflows.config.links[0].url",
		`  parallelism: "7"`:                                   "workflows.config.parallelism",
		`  namespaceParallelism: "10"`:                         "workflows.parallelism.perNamespace",
		"        secondsAfterFailure: 604800":                  "workflows.ttl.afterFailure",
		"    image: quay.io/argoproj/argoexec:v3.7.18-nonroot": "workflows.version",
	}
	for i, line := range strings.Split(string(data), "\n") {
		if path, ok := want[line]; ok {
			delete(want, line)
			if got, _ := file.OriginOf(i + 1); got.Path != path {
				t.Errorf("line %d, %s: from %s, want %s", i+1, line, got.Path, path)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("lines that are not there: %v in\n%s", want, data)
	}
}

// A connection leaves the pod encrypted, or does not leave it.
func TestDatabaseConnectionIsEncrypted(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		if e.Archive == nil {
			return
		}
		db := parsed(t, e).Persistence.PostgreSQL
		encrypted := db.SSL && slices.Contains([]string{"require", "verify-ca", "verify-full"}, db.SSLMode)
		if db.Host != "127.0.0.1" && !encrypted {
			t.Errorf("host %s, ssl %t, sslMode %q", db.Host, db.SSL, db.SSLMode)
		}
	})
}

func TestUsersConfigIsLaidOver(t *testing.T) {
	t.Parallel()
	e := scenarios()["own config"]
	c := parsed(t, e)
	if c.Parallelism != 7 || c.InstanceID != "123" || c.RetentionPolicy.Completed != 50 || len(c.Links) != 1 {
		t.Errorf("parallelism %d, instanceID %q, retentionPolicy %v, links %v", c.Parallelism, c.InstanceID, c.RetentionPolicy, c.Links)
	}
	if c.MetricsConfig.GetSecure(true) || c.MetricsConfig.Port != 9090 {
		t.Errorf("metrics %+v: a map must be merged", c.MetricsConfig)
	}
	if c.MainContainer != nil {
		t.Error("null did not remove mainContainer")
	}
	if got := c.Executor.Resources.Limits.Memory().String(); got != "2Gi" || c.Executor.Image == "" {
		t.Errorf("executor: memory %s, image %q", got, c.Executor.Image)
	}
}

// Argo reads keys in any case, so a key in another case must not stand twice.
func TestUsersConfigInAnotherCase(t *testing.T) {
	t.Parallel()
	e := platform(func(e *spec.Effective) {
		e.Workflows.Config = map[string]any{"Persistence": map[string]any{"nodeStatusOffload": false}}
	})
	doc := live(t, workflows(e))["ConfigMap/"+controllerConfigMap]
	data := doc["data"].(map[string]any)
	if data["Persistence"] != nil || strings.Contains(data["persistence"].(string), "nodeStatusOffload:") {
		t.Errorf("two spellings: %v", data)
	}
	if parsed(t, e).Persistence.NodeStatusOffload {
		t.Error("the user's value did not win")
	}
}

// A container that says nothing of its own passes the profile that tenants'
// namespaces enforce.
func TestWorkflowPodsPassTheRestrictedProfile(t *testing.T) {
	t.Parallel()
	evaluator, err := psapolicy.NewEvaluator(psapolicy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	c := parsed(t, platform())
	pod := corev1.PodSpec{
		SecurityContext: c.WorkflowDefaults.Spec.SecurityContext,
		InitContainers:  []corev1.Container{{Name: "init", SecurityContext: c.Executor.SecurityContext}},
		Containers: []corev1.Container{
			{Name: "wait", SecurityContext: c.Executor.SecurityContext},
			{Name: "main", SecurityContext: c.MainContainer.SecurityContext},
		},
	}
	level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &metav1.ObjectMeta{}, &pod) {
		if !result.Allowed {
			t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
}

func TestArtifactRepositories(t *testing.T) {
	perScenario(t, func(t *testing.T, e *spec.Effective) {
		o, ok := artifactRepositories(e, "team")
		if ok != (e.Artifacts != nil) {
			t.Fatalf("rendered: %t", ok)
		}
		if !ok {
			return
		}
		cm := typed[corev1.ConfigMap](t, plain(t, o.doc))
		if cm.Name != "artifact-repositories" || cm.Namespace != "team" {
			t.Errorf("%s/%s", cm.Namespace, cm.Name)
		}
		key := cm.Annotations["workflows.argoproj.io/default-artifact-repository"]
		var repository wfv1.ArtifactRepository
		if err := yaml.UnmarshalStrict([]byte(cm.Data[key]), &repository); err != nil || cm.Data[key] == "" {
			t.Fatalf("key %q: %v in %v", key, err, cm.Data)
		}
		if repository.Get() == nil || !repository.IsArchiveLogs() {
			t.Errorf("repository %+v", repository)
		}
		_, hasKeys := artifactSecret(e, "team")
		if hasKeys != (repository.S3 != nil) {
			t.Errorf("keys: %t", hasKeys)
		}
		if s3 := repository.S3; s3 != nil {
			if s3.Endpoint != "minio.storage:9000" || !*s3.Insecure || s3.AccessKeySecret.Key == s3.SecretKeySecret.Key {
				t.Errorf("s3 %+v", s3)
			}
		}
	})
}

func TestProxy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"whole": {"mlops-prod:asia-northeast1:argo-archive"},
		"iam":   {"--auto-iam-authn", "shared:asia-northeast1:argo"},
		"host":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, d := range deployments(t, scenarios()[name]) {
				init := d.Spec.Template.Spec.InitContainers
				if want == nil {
					if len(init) > 0 {
						t.Errorf("%s has %s", d.Name, init[0].Name)
					}
					continue
				}
				if len(init) != 1 || init[0].RestartPolicy == nil || *init[0].RestartPolicy != corev1.ContainerRestartPolicyAlways {
					t.Fatalf("%s: the proxy is no native sidecar: %+v", d.Name, init)
				}
				args := init[0].Args
				if got := args[len(args)-len(want):]; !slices.Equal(got, want) {
					t.Errorf("%s: arguments end with %v, want %v", d.Name, got, want)
				}
				if slices.Contains(args, "--auto-iam-authn") != (name == "iam") {
					t.Errorf("%s: arguments %v", d.Name, args)
				}
				if init[0].StartupProbe == nil || init[0].LivenessProbe == nil {
					t.Errorf("%s: the proxy has no probes", d.Name)
				}
			}
		})
	}
}

func TestGoogleServiceAccount(t *testing.T) {
	t.Parallel()
	objects := live(t, workflows(scenarios()["iam"]))
	for _, name := range []string{controllerAccount, serverAccount} {
		account := typed[corev1.ServiceAccount](t, objects["ServiceAccount/"+name])
		if got := account.Annotations["iam.gke.io/gcp-service-account"]; got != "argo@mlops-prod.iam.gserviceaccount.com" {
			t.Errorf("%s: annotation %q", name, got)
		}
	}
}

// An IAM user has no password: the one that Argo asks for is made in the cluster.
func TestIAMUserHasNoPassword(t *testing.T) {
	t.Parallel()
	objects := live(t, workflows(scenarios()["iam"]))
	body := objects["ExternalSecret/argo-archive-db"]["spec"].(map[string]any)
	if body["data"] != nil || body["refreshPolicy"] != "CreatedOnce" {
		t.Errorf("spec %v", body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"username":"argo@mlops-prod.iam"`, `"kind":"Password","name":"argo-archive-db-password"`, `"mergePolicy":"Merge"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	if objects["Password/argo-archive-db-password"] == nil {
		t.Error("no generator")
	}
}

// external-secrets reads Go's durations, which know no days.
func TestRefreshInterval(t *testing.T) {
	t.Parallel()
	body := live(t, workflows(platform()))["ExternalSecret/argo-archive-db"]["spec"].(map[string]any)
	if d, err := time.ParseDuration(body["refreshInterval"].(string)); err != nil || d != 24*time.Hour {
		t.Errorf("refreshInterval %v: %v", body["refreshInterval"], err)
	}
}

func TestExternalInstall(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"external", "external host", "external bare"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := scenarios()[name]
			a := workflows(e)
			if len(a.baseObjects)+len(a.patches) > 0 {
				t.Error("a base, or patches of what Helm owns")
			}
			for id := range live(t, a) {
				kind, _, _ := strings.Cut(id, "/")
				if slices.Contains([]string{"Deployment", "Service", "Namespace", "CustomResourceDefinition", "ClusterRole", "NetworkPolicy"}, kind) {
					t.Errorf("%s is Helm's, or may hit what else runs in the namespace", id)
				}
			}
			for _, f := range rendered(t, e, a) {
				if strings.HasSuffix(f.Path, "/kustomization.yaml") && strings.Contains(string(f.Data), "values.strake.yaml") {
					t.Error("the values file is listed as a resource")
				}
				if strings.HasSuffix(f.Path, "/values.strake.yaml") && regexp.MustCompile(`\{\{`).Match(f.Data) {
					t.Error("the chart would read the values as templates")
				}
			}
		})
	}
}

func TestChartValues(t *testing.T) {
	t.Parallel()
	e := scenarios()["external"]
	values := plain(t, workflows(e).files[0].doc)
	at := func(path string) any {
		var v any = values
		for key := range strings.SplitSeq(path, ".") {
			v = v.(map[string]any)[key]
		}
		return v
	}
	for path, want := range map[string]any{
		"images.tag":                          "v3.7.18",
		"executor.image.tag":                  "v3.7.18-nonroot",
		"controller.configMap.create":         false,
		"controller.configMap.name":           "argo-workflows-workflow-controller-configmap",
		"controller.serviceAccount.name":      "argo-workflows-workflow-controller",
		"server.serviceAccount.name":          "argo-workflows-server",
		"server.authModes":                    []any{"client", "sso"},
		"server.secure":                       true,
		"server.replicas":                     float64(2),
		"server.sso.enabled":                  true,
		"singleNamespace":                     false,
		"workflow.rbac.create":                false,
		"controller.nodeSelector":             map[string]any{"cloud.google.com/gke-nodepool": "system"},
		"controller.podSecurityContext":       map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
		"controller.resources.limits":         map[string]any{"memory": "1Gi"},
		"controller.logging.format":           "json",
		"controller.extraEnv":                 []any{map[string]any{"name": "INFORMER_WRITE_BACK", "value": "false"}, map[string]any{"name": "TASK_RESULT_TIMEOUT_DURATION", "value": "2m"}},
		"server.extraEnv":                     []any{map[string]any{"name": "SSO_DELEGATE_RBAC_TO_NAMESPACE", "value": "true"}},
		"controller.workflowNamespaces":       []any{},
		"controller.pdb.maxUnavailable":       float64(1),
		"server.securityContext.runAsNonRoot": true,
	} {
		if diff := cmp.Diff(want, at(path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for _, component := range []string{"controller", "server"} {
		proxy := at(component + ".extraInitContainers").([]any)[0].(map[string]any)
		if proxy["name"] != "cloud-sql-proxy" || proxy["restartPolicy"] != "Always" {
			t.Errorf("%s: %v", component, proxy)
		}
		if annotations := at(component + ".podAnnotations").(map[string]any); annotations["checksum/"+controllerConfigMap] == nil {
			t.Errorf("%s: annotations %v", component, annotations)
		}
	}
}

// Runs that name no account are not default, if one name is right everywhere.
func TestDefaultRunner(t *testing.T) {
	t.Parallel()
	tenant := func(name, account string) spec.Tenant {
		return spec.Tenant{Name: name, Namespace: name, ServiceAccount: spec.ServiceAccount{Name: account}}
	}
	for name, test := range map[string]struct {
		tenants []spec.Tenant
		scope   string
		want    any
	}{
		"one name":        {[]spec.Tenant{tenant("a", "runner"), tenant("b", "runner")}, "cluster", "runner"},
		"two names":       {[]spec.Tenant{tenant("a", "runner"), tenant("b", "other")}, "cluster", nil},
		"no tenants":      {nil, "cluster", nil},
		"scope namespace": {[]spec.Tenant{tenant("a", "runner")}, "namespace", nil},
	} {
		e := platform(func(e *spec.Effective) { e.Tenants, e.Workflows.Scope = test.tenants, test.scope })
		data := live(t, workflows(e))["ConfigMap/"+controllerConfigMap]["data"].(map[string]any)
		var defaults struct{ Spec map[string]any }
		if err := yaml.UnmarshalStrict([]byte(data["workflowDefaults"].(string)), &defaults); err != nil {
			t.Fatal(err)
		}
		if got := defaults.Spec["serviceAccountName"]; got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		for _, key := range []string{"nodeSelector", "affinity", "tolerations"} {
			if defaults.Spec[key] != nil {
				t.Errorf("%s: %s would be merged into that of a run", name, key)
			}
		}
	}
}

// The chart lets its controller read the Secrets of a configuration of its own
// only, and the configuration is ours.
func TestExternalInstallMayReadItsSecrets(t *testing.T) {
	t.Parallel()
	var objects []map[string]any
	for _, doc := range live(t, workflows(scenarios()["external"])) {
		objects = append(objects, doc)
	}
	for _, account := range []string{"argo-workflows-workflow-controller", "argo-workflows-server"} {
		got := rightsOf(t, objects, account)
		want := rights{
			"namespace /secrets get argo-archive-db": true,
			"namespace /secrets get argo-server-sso": true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", account, diff)
		}
	}
}
