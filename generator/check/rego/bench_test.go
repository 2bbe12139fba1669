package rego

import (
	"fmt"
	"strings"
	"testing"

	"strake/generator/manifest"
	"strake/policies"
)

// fleet is a plausible environment: an installation of Argo Workflows and
// tenants with two pipelines each.
func fleet(t testing.TB, tenants int) []*manifest.Object {
	t.Helper()
	text := fleetArgo
	for i := range tenants {
		text += "\n---\n" + strings.ReplaceAll(fleetTenant, "TENANT", fmt.Sprintf("team-%d", i))
	}
	return objectsOf(t, text)
}

const fleetArgo = `apiVersion: v1
kind: Namespace
metadata: {name: argo, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: argo, namespace: argo}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: argo}
spec: {template: {spec: {serviceAccountName: argo, containers: [{name: workflow-controller, image: "quay.io/argoproj/workflow-controller:v3.7.18", command: [workflow-controller]}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: argo-cluster-role}
rules:
  - {apiGroups: [""], resources: [pods, pods/exec], verbs: [create, get, list, watch, update, patch, delete]}
  - {apiGroups: [""], resources: [configmaps], verbs: [get, watch, list]}
  - {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create, update, delete, get]}
  - {apiGroups: [argoproj.io], resources: [workflows, workflowtasksets, workflowartifactgctasks], verbs: [get, list, watch, update, patch, delete, create]}
  - {apiGroups: [argoproj.io], resources: [workflowtemplates], verbs: [get, list, watch]}
  - {apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [list, watch, deletecollection]}
  - {apiGroups: [""], resources: [serviceaccounts], verbs: [get, list]}
  - {apiGroups: [argoproj.io], resources: [cronworkflows], verbs: [get, list, watch, update, patch, delete]}
  - {apiGroups: [""], resources: [events], verbs: [create, patch]}
  - {apiGroups: [policy], resources: [poddisruptionbudgets], verbs: [create, get, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: argo-binding}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: argo-cluster-role}
subjects: [{kind: ServiceAccount, name: argo, namespace: argo}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: argo-role, namespace: argo}
rules:
  - {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: argo-binding, namespace: argo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: argo-role}
subjects: [{kind: ServiceAccount, name: argo, namespace: argo}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  workflowDefaults: |
    spec:
      activeDeadlineSeconds: 10800
      ttlStrategy: {secondsAfterCompletion: 86400}
      podGC: {strategy: OnPodCompletion}`

const fleetTenant = `apiVersion: v1
kind: Namespace
metadata: {name: TENANT, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: TENANT}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: workflow-runner, namespace: TENANT}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: executor, namespace: TENANT}
rules: [{apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [create, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: executor, namespace: TENANT}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: executor}
subjects: [{kind: ServiceAccount, name: workflow-runner, namespace: TENANT}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: TENANT, annotations: {workflows.argoproj.io/default-artifact-repository: default-v1}}
data:
  default-v1: |
    archiveLogs: true
    gcs: {bucket: mlops-prod-artifacts, keyFormat: "{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-config, namespace: TENANT}
data: {DATASET: x}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: gcp, namespace: TENANT}
spec: {provider: {gcpsm: {projectID: mlops-prod}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: app-secrets, namespace: TENANT}
spec: {secretStoreRef: {kind: SecretStore, name: gcp}, data: [{secretKey: API_KEY, remoteRef: {key: a}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: chart-movement, namespace: TENANT}
spec:
  entrypoint: main
  serviceAccountName: workflow-runner
  nodeSelector: {cloud.google.com/gke-spot: "true"}
  tolerations: [{key: cloud.google.com/gke-spot, operator: Equal, value: "true", effect: NoSchedule}]
  templates:
    - name: main
      dag: {tasks: [{name: ingest, template: ingest}, {name: train, template: train, depends: ingest}]}
    - name: ingest
      retryStrategy: {limit: "3", retryPolicy: Always, expression: "lastRetry.message matches 'imminent node shutdown'"}
      container:
        image: asia-northeast1-docker.pkg.dev/p/ml/ingest@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        envFrom: [{secretRef: {name: app-secrets}}, {configMapRef: {name: app-config}}]
    - name: train
      retryStrategy: {limit: "3", retryPolicy: Always, expression: "lastRetry.message matches 'imminent node shutdown'"}
      container:
        image: asia-northeast1-docker.pkg.dev/p/ml/train@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        env: [{name: API_KEY, valueFrom: {secretKeyRef: {name: app-secrets, key: API_KEY}}}]
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: chart-movement, namespace: TENANT}
spec:
  schedules: ["0 3 * * *"]
  concurrencyPolicy: Forbid
  workflowSpec: {workflowTemplateRef: {name: chart-movement}}`

// TestFleetIsClean guards against false positives in a plausible environment.
func TestFleetIsClean(t *testing.T) {
	t.Parallel()
	findings, err := ours(t).Run(t.Context(), inputOf("prod", fleet(t, 2)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Errorf("%s %s: %s (%s %s)", f.Rule, f.Severity, f.Summary, f.Object, f.Field)
	}
}

func BenchmarkRun(b *testing.B) {
	engine := ours(b)
	for _, tenants := range []int{3, 30} {
		in := inputOf("prod", fleet(b, tenants))
		b.Run(fmt.Sprintf("objects=%d", len(in.Objects())), func(b *testing.B) {
			for b.Loop() {
				if _, err := engine.Run(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, _, err := New(policies.FS); err != nil {
			b.Fatal(err)
		}
	}
}
