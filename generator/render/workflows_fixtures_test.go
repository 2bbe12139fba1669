package render

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"strake/generator/diag"
	"strake/generator/spec"
)

// platform is an environment with all that this half of the renderer reads.
func platform(change ...func(e *spec.Effective)) *spec.Effective {
	e := &spec.Effective{
		Environment: "prod", Platform: "mlops", Stage: "prod", Strake: "0.1.0",
		Settings: spec.Settings{
			Cloud: spec.Cloud{Project: "mlops-prod", Region: "asia-northeast1"},
			Cluster: spec.Cluster{
				Name: "mlops-prod", Location: "asia-northeast1", Mode: "standard", Version: "1.33",
				ControlPlaneCIDR: "172.16.0.0/28",
				NodePools: []spec.NodePool{
					{Name: "system", MachineType: "e2-standard-2", Min: 1, Max: 3},
					{Name: "tools", Dedicated: "tools", Labels: map[string]string{"team": "platform"}},
					{Name: "spot", Spot: true, Max: 5},
				},
			},
			Workflows: &spec.Workflows{
				Install: "embedded", Version: "v3.7.18", Namespace: "argo", Scope: "cluster",
				Controller: spec.Controller{Replicas: 1, Pool: "system"},
				Server: spec.Server{
					Replicas: 2, AuthModes: []string{"client", "sso"},
					SSO: &spec.SSO{
						Issuer: "https://accounts.google.com", ClientID: "mlops.apps.googleusercontent.com",
						ClientSecret: spec.SecretRef{Secret: "argo-sso", Version: "latest"},
						RedirectURL:  "https://argo.example.com/oauth2/callback",
						Scopes:       []string{"groups", "email"}, RBAC: true,
					},
				},
				ActiveDeadline: "3h",
				TTL:            spec.WorkflowTTL{AfterSuccess: "1d", AfterFailure: "7d"},
				PodGC:          spec.PodGC{Strategy: "OnPodCompletion", DeleteDelay: "60s"},
				Parallelism:    spec.Parallelism{Total: 50, PerNamespace: 10},
			},
			Artifacts: &spec.Artifacts{
				GCS:         &spec.GCS{Bucket: "mlops-prod-artifacts"},
				KeyFormat:   "{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}",
				ArchiveLogs: true,
			},
			Archive: &spec.Archive{
				PostgreSQL:        &spec.PostgreSQL{CloudSQL: "argo-archive", Database: "argo", Port: 5432, SSLMode: "verify-full"},
				TTL:               "180d",
				ClusterName:       "mlops-prod",
				NodeStatusOffload: true,
				ConnectionPool:    spec.ConnectionPool{MaxIdle: 10, MaxOpen: 20, MaxLifetime: "1h30m"},
			},
			Secrets: &spec.Secrets{GCPSecretManager: &spec.GCPSecretManager{}, RefreshInterval: "1d"},
		},
	}
	for _, c := range change {
		c(e)
	}
	return e
}

// scenarios are the shapes of platform that the code tells apart.
func scenarios() map[string]*spec.Effective {
	external := func(e *spec.Effective) { e.Workflows.Install = "external"; e.Workflows.Helm = &spec.Helm{} }
	return map[string]*spec.Effective{
		"whole": platform(),
		"bare": platform(func(e *spec.Effective) {
			e.Artifacts, e.Archive, e.Secrets = nil, nil, nil
			e.Workflows.Server.SSO, e.Workflows.Server.AuthModes = nil, []string{"client"}
			e.Workflows.Controller.Pool, e.Cluster.ControlPlaneCIDR = "", ""
			e.Workflows.ActiveDeadline = ""
		}),
		"namespace": platform(func(e *spec.Effective) { e.Workflows.Scope = "namespace"; e.Workflows.Namespace = "workflows" }),
		"iam": platform(func(e *spec.Effective) {
			e.Archive.PostgreSQL.User.IAM = "argo@mlops-prod.iam"
			e.Archive.PostgreSQL.GoogleServiceAccount = "argo@mlops-prod.iam.gserviceaccount.com"
			e.Archive.PostgreSQL.ConnectionName = "shared:asia-northeast1:argo"
		}),
		"host": platform(func(e *spec.Effective) {
			e.Archive.PostgreSQL = &spec.PostgreSQL{
				Host: "db.example.com", Port: 6432, Database: "argo", SSLMode: "require",
				User: spec.DatabaseUser{Secret: &spec.UserSecret{Username: "argo-user", Password: "argo-word"}},
			}
		}),
		"s3": platform(func(e *spec.Effective) {
			e.Artifacts.GCS = nil
			e.Artifacts.S3 = &spec.S3{
				Endpoint: "minio.storage:9000", Bucket: "artifacts", Region: "us-east-1", Insecure: true,
				AccessKey: spec.SecretRef{Secret: "minio-access"}, SecretKey: spec.SecretRef{Secret: "minio-key", Version: "3"},
			}
		}),
		"dedicated": platform(func(e *spec.Effective) { e.Workflows.Controller.Pool = "tools" }),
		"on spot":   platform(func(e *spec.Effective) { e.Workflows.Controller.Pool = "spot" }),
		"autopilot": platform(func(e *spec.Effective) {
			e.Cluster.Mode, e.Cluster.NodePools, e.Workflows.Controller.Pool = "autopilot", nil, ""
		}),
		"own config": platform(func(e *spec.Effective) {
			e.Workflows.Config = map[string]any{
				"parallelism":     7,
				"instanceID":      "123",
				"metricsConfig":   map[string]any{"secure": false},
				"mainContainer":   nil,
				"executor":        map[string]any{"resources": map[string]any{"limits": map[string]any{"memory": "2Gi"}}},
				"retentionPolicy": map[string]any{"completed": 50},
				"links":           []any{map[string]any{"name": "Logs", "scope": "pod", "url": "https://logs.example.com"}},
			}
		}),
		"external":      platform(external),
		"external host": platform(external, func(e *spec.Effective) { e.Archive.PostgreSQL.CloudSQL = ""; e.Archive.PostgreSQL.Host = "10.0.0.5" }),
		"external bare": platform(external, func(e *spec.Effective) {
			e.Artifacts, e.Archive, e.Secrets, e.Workflows.Server.SSO, e.Workflows.Helm = nil, nil, nil, nil, nil
		}),
	}
}

// perScenario runs a test on every scenario.
func perScenario(t *testing.T, test func(t *testing.T, e *spec.Effective)) {
	t.Helper()
	t.Parallel()
	for name, e := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// plain prints an object and reads it back as any client would.
func plain(t *testing.T, doc any) map[string]any {
	t.Helper()
	data, _, err := document("", "workflows", doc, func(string) diag.Range { return diag.Range{} })
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := yaml.UnmarshalStrict(data, &out); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return out
}

// live is what a cluster gets from the app: the base, its patches and the
// overlay's own objects, by "Kind/name".
func live(t *testing.T, a app) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, o := range slices.Concat(a.baseObjects, a.objects) {
		doc := plain(t, o.doc)
		id := identify(doc)
		if out[id] != nil {
			t.Errorf("%s is rendered twice", id)
		}
		out[id] = doc
	}
	for _, p := range a.patches {
		doc := plain(t, p.doc)
		id := identify(doc)
		if out[id] == nil {
			t.Errorf("patch %s names %s, which is not there", p.file, id)
			continue
		}
		out[id] = merge(t, out[id], doc)
	}
	return out
}

func identify(doc map[string]any) string {
	metadata, _ := doc["metadata"].(map[string]any)
	kind, _ := doc["kind"].(string)
	name, _ := metadata["name"].(string)
	return kind + "/" + name
}

func merge(t *testing.T, object, patch map[string]any) map[string]any {
	t.Helper()
	var kind any = corev1.ConfigMap{}
	switch object["kind"] {
	case "Deployment":
		kind = appsv1.Deployment{}
	case "ServiceAccount":
		kind = corev1.ServiceAccount{}
	case "Namespace":
		kind = corev1.Namespace{}
	}
	a, errA := json.Marshal(object)
	b, errB := json.Marshal(patch)
	c, err := strategicpatch.StrategicMergePatch(a, b, kind)
	if errA != nil || errB != nil || err != nil {
		t.Fatal(errA, errB, err)
	}
	var out map[string]any
	if err := json.Unmarshal(c, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// typed decodes an object into Kubernetes' own type and refuses unknown fields.
func typed[T any](t *testing.T, doc map[string]any) *T {
	t.Helper()
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	out := new(T)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(out); err != nil {
		t.Fatalf("%s: %v", identify(doc), err)
	}
	return out
}

func deployments(t *testing.T, e *spec.Effective) []*appsv1.Deployment {
	t.Helper()
	var out []*appsv1.Deployment
	objects := live(t, workflows(e))
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		if strings.HasPrefix(id, "Deployment/") {
			out = append(out, typed[appsv1.Deployment](t, objects[id]))
		}
	}
	if want := map[string]int{"embedded": 2, "external": 0}[e.Workflows.Install]; len(out) != want {
		t.Fatalf("%d Deployments, want %d", len(out), want)
	}
	return out
}
