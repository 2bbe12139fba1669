package kube_test

import (
	"strings"
	"testing"
)

const limited = `apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits, namespace: ml}
spec:
  limits:
    - type: Container
      max: {cpu: "4"}
      default: {cpu: "1"}
      defaultRequest: {cpu: 500m}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: ml}
spec:
  hard: {requests.cpu: "6", requests.memory: 8Gi}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: ml}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: api:1
          resources:
            requests: {memory: 1Gi}
            limits: {cpu: "2", memory: 1Gi}
`

func TestLimitsAndQuota(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"within both": {"", "", nil},
		"container over the maximum": {`limits: {cpu: "2", `, `limits: {cpu: "5", `, []string{
			`error quota-exceeded 25 spec.replicas: it needs 10 of requests.cpu, and the quota quota of namespace ml has 6`,
			`error quota-limit-range 33 spec.template.spec.containers[0].resources: container "api" breaks the LimitRange limits of namespace ml: maximum cpu usage per Container is 4, but limit is 5`,
		}},
		"no request, and no default for it": {"            requests: {memory: 1Gi}\n            limits: {cpu: \"2\", memory: 1Gi}", "            limits: {cpu: \"2\"}", []string{
			`error quota-requests-missing 33 spec.template.spec.containers[0].resources: the quota quota of namespace ml demands what the pod does not say: it must specify requests.memory for: api`,
		}},
		"replicas over the quota": {"replicas: 2", "replicas: 9", []string{
			`error quota-exceeded 25 spec.replicas: it needs 18 of requests.cpu, and the quota quota of namespace ml has 6`,
			`error quota-exceeded 25 spec.replicas: it needs 9Gi of requests.memory, and the quota quota of namespace ml has 8Gi`,
		}},
		"a quota for other pods": {"  hard: {requests.cpu: \"6\", requests.memory: 8Gi}", "  hard: {requests.cpu: \"1\"}\n  scopes: [Terminating]", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diff(t, tt.want, run(t, strings.Replace(limited, tt.old, tt.new, 1)))
		})
	}
}

const workflow = `apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: p, namespace: ml}
spec:
  entrypoint: main
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  volumes: [{name: work, emptyDir: {}}]
  templates:
    - name: main
      dag:
        tasks:
          - {name: a, template: good}
          - name: b
            inline:
              container: {image: a, securityContext: {privileged: true}}
    - name: good
      container:
        image: a
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    - name: overrides
      securityContext: {runAsUser: 0}
      script:
        image: a
        source: print(1)
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      sidecars:
        - name: side
          image: b
          mirrorVolumeMounts: true
          securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [NET_ADMIN], drop: [ALL]}}
`

const namespaceML = `---
apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {pod-security.kubernetes.io/enforce: restricted}}
`

const controllerWithoutExecutor = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  mainContainer: |
    imagePullPolicy: IfNotPresent
`

const controllerWithDefaults = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  executor: |
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  mainContainer: |
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  workflowDefaults: |
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
`

func TestPodsOfWorkflows(t *testing.T) {
	t.Parallel()
	bare := `apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: p, namespace: ml}
spec:
  schedules: ["0 3 * * *"]
  workflowSpec:
    entrypoint: main
    templates:
      - name: main
        container: {image: a}
`
	tests := map[string]struct {
		text string
		want []string
	}{
		"what each template breaks, where it stands": {workflow + namespaceML, []string{
			`error pod-security 15 spec.templates[0].dag.tasks[1].inline.container.securityContext.allowPrivilegeEscalation: allowPrivilegeEscalation != false: container "main" must set securityContext.allowPrivilegeEscalation=false`,
			`error pod-security 15 spec.templates[0].dag.tasks[1].inline.container.securityContext.capabilities: unrestricted capabilities: container "main" must set securityContext.capabilities.drop=["ALL"]`,
			`error pod-security 15 spec.templates[0].dag.tasks[1].inline.container.securityContext.privileged: privileged: container "main" must not set securityContext.privileged=true`,
			`error pod-security 21 spec.templates[2].securityContext.runAsUser: runAsUser=0: pod must not set runAsUser=0`,
			`error pod-security 25 spec.templates[2].script.securityContext.runAsNonRoot: runAsNonRoot != true: pod or container "main" must set securityContext.runAsNonRoot=true`,
			`error pod-security 25 spec.templates[2].script.securityContext.seccompProfile: seccompProfile: pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
			`error pod-security 30 spec.templates[2].sidecars[0].securityContext.runAsNonRoot: runAsNonRoot != true: pod or container "side" must set securityContext.runAsNonRoot=true`,
			`error pod-security 30 spec.templates[2].sidecars[0].securityContext.seccompProfile: seccompProfile: pod or container "side" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
			`error pod-security 30 spec.templates[2].sidecars[0].securityContext.capabilities: unrestricted capabilities: container "side" must not include "NET_ADMIN" in securityContext.capabilities.add`,
		}},
		"what the controller adds counts": {bare + namespaceML + controllerWithDefaults, nil},
		"the controller's own container counts": {
			strings.Replace(bare, "container: {image: a}",
				"container: {image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}\n        securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}", 1) +
				namespaceML + controllerWithoutExecutor,
			[]string{
				`error pod-security 11 spec.workflowSpec.templates[0].securityContext: the wait container that Argo adds breaks it: allowPrivilegeEscalation != false: container "wait" must set securityContext.allowPrivilegeEscalation=false`,
				`error pod-security 11 spec.workflowSpec.templates[0].securityContext: the wait container that Argo adds breaks it: unrestricted capabilities: container "wait" must set securityContext.capabilities.drop=["ALL"]`,
			},
		},
		"no level: baseline, as a warning": {
			strings.Replace(bare, "container: {image: a}", "container: {image: a, securityContext: {privileged: true}}", 1) +
				strings.Replace(namespaceML, ", labels: {pod-security.kubernetes.io/enforce: restricted}", "", 1),
			[]string{`warning pod-security 10 spec.workflowSpec.templates[0].container.securityContext.privileged: privileged: container "main" must not set securityContext.privileged=true`},
		},
		"no namespace: said once": {bare, []string{
			`info pod-security-unknown 3 metadata.namespace: namespace "ml" is not rendered here: its Pod Security level, limits and quota are not known, and its pods were not judged by them`,
		}},
		"a cluster template is judged where it is used": {`apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: shared}
spec:
  templates:
    - name: main
      container: {image: a, securityContext: {privileged: true}}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w, namespace: ml}
spec:
  workflowTemplateRef: {name: shared, clusterScope: true}
` + strings.Replace(namespaceML, "restricted", "baseline", 1), []string{
			`error pod-security 7 spec.templates[0].container.securityContext.privileged: privileged: container "main" must not set securityContext.privileged=true`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diff(t, tt.want, run(t, tt.text))
		})
	}
}

func TestWhatTheServerRefusesInWorkflows(t *testing.T) {
	t.Parallel()
	diff(t, []string{
		`info pod-security-unknown 3 metadata.namespace: nothing rendered here uses argoproj.io/ClusterWorkflowTemplate p: its Pod Security level, limits and quota are not known, and its pods were not judged by them`,
		`error api-invalid 11 spec.templates[0].container.ports[0].name: spec.templates[0].container.ports[0].name: invalid value: "a-name-that-is-too-long": must be no more than 15 characters`,
		`error api-invalid 12 spec.templates[0].container.env[0].name: spec.templates[0].container.env[0].name: required value`,
		`error api-invalid 13 spec.templates[0].container.resources.requests: spec.templates[0].container.resources.requests: invalid value: "2Gi": must be less than or equal to memory limit of 1Gi`,
		`error api-invalid 16 spec.templates[0].tolerations[0].operator: spec.templates[0].tolerations[0].operator: invalid value: "b": value must be empty when ` + "`operator`" + ` is 'Exists'`,
		`error api-invalid 23 spec.templates[1].sidecars[0].name: spec.templates[1].sidecars[0].name: duplicate value: "main"`,
	}, run(t, `apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: p}
spec:
  entrypoint: main
  volumeClaimTemplates: [{metadata: {name: work}, spec: {accessModes: [ReadWriteOnce]}}]
  templates:
    - name: main
      container:
        image: "{{inputs.parameters.image}}"
        ports: [{name: a-name-that-is-too-long, containerPort: 80}]
        env: [{name: "", value: x}, {name: "{{item}}", value: y}]
        resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}
        volumeMounts: [{name: work, mountPath: /work}]
      nodeSelector: {pool: "{{inputs.parameters.pool}}"}
      tolerations: [{key: a, operator: Exists, value: b, effect: NoSchedule}]
    - name: side
      script:
        image: a
        source: |
          print(1)
      sidecars:
        - {name: main, image: b}
    - name: patched
      podSpecPatch: '{"containers": [{"name": "main", "image": "b"}]}'
      container: {image: a, ports: [{name: a-name-that-is-too-long, containerPort: 80}]}
    - name: makes
      resource: {action: create, manifest: "{}"}
`))
}
