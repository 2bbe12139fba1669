package kube_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
	"strake/generator/check/kube"
	"strake/generator/diag"
	"strake/generator/manifest"
)

// input reads a YAML stream as one overlay.
func input(tb testing.TB, text string) *check.Input {
	tb.Helper()
	objects, findings := manifest.Split("all.yaml", []byte(text))
	if len(findings) > 0 {
		tb.Fatalf("the test's own YAML: %v", findings)
	}
	return &check.Input{Environment: "dev", Overlays: []check.Overlay{{Dir: "overlays/dev/app", App: "app", Objects: objects}}}
}

// run returns the findings as "severity rule line field: summary".
func run(tb testing.TB, text string) []string {
	tb.Helper()
	findings, err := kube.New().Run(context.Background(), input(tb, text))
	if err != nil {
		tb.Fatal(err)
	}
	return lines(findings)
}

func lines(findings diag.List) []string {
	var out []string
	for _, d := range findings.Sorted() {
		out = append(out, fmt.Sprintf("%s %s %d %s: %s", d.Severity, d.Rule, d.Range.Start.Line, d.Field, d.Summary))
	}
	return out
}

func diff(tb testing.TB, want, got []string) {
	tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("findings (-want +got):\n%s", d)
	}
}

// good is an environment without a mistake. Each mutant changes one line of it.
const good = `apiVersion: v1
kind: Namespace
metadata:
  name: argo
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
  namespace: argo
spec:
  replicas: 2
  selector:
    matchLabels: {app: server}
  template:
    metadata:
      labels: {app: server}
    spec:
      serviceAccountName: server
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: server
          image: quay.io/argoproj/argocli:v3.7.18
          env:
            - {name: FIRST, value: "1"}
            - {name: SECOND, value: "2"}
          ports:
            - {name: web, containerPort: 2746}
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
          readinessProbe:
            httpGet: {path: /, port: web}
---
apiVersion: v1
kind: Service
metadata:
  name: server
  namespace: argo
spec:
  selector: {app: server}
  ports:
    - {name: web, port: 2746, targetPort: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: server
  namespace: argo
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: server}
subjects:
  - {kind: ServiceAccount, name: server, namespace: argo}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: server
  namespace: argo
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get]}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: tidy
  namespace: argo
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
            seccompProfile: {type: RuntimeDefault}
          containers:
            - name: tidy
              image: tidy:1
              securityContext:
                allowPrivilegeEscalation: false
                capabilities: {drop: [ALL]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: server
  namespace: argo
spec:
  minAvailable: 1
  selector:
    matchLabels: {app: server}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny
  namespace: argo
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  namespace: argo
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests: {storage: 10Gi}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: a, namespace: argo}
anything: goes
`

func TestGoodObjectsAreSilent(t *testing.T) {
	t.Parallel()
	diff(t, nil, run(t, good))
}

func TestMutants(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"misspelt field": {
			"          image: quay.io/", "          imagee: quay.io/",
			[]string{`error api-decode 27 spec.template.spec.containers[0].imagee: unknown field "imagee"`},
		},
		"string for a number": {
			"  replicas: 2", `  replicas: "2"`,
			[]string{`error api-decode 14 spec.replicas: spec.replicas has the wrong type: want an integer of 32 bits, got a string`},
		},
		"boolean for a string": {
			`{name: FIRST, value: "1"}`, `{name: FIRST, value: true}`,
			[]string{`error api-decode 29 spec.template.spec.containers[0].env[0].value: spec.template.spec.containers[0].env[0].value has the wrong type: want a string, got a boolean`},
		},
		"no quantity": {
			"{cpu: 100m, memory: 128Mi}", "{cpu: 100m, memory: 128 Mi}",
			[]string{`error api-decode 34 spec.template.spec.containers[0].resources.requests.memory: spec.template.spec.containers[0].resources.requests.memory has the wrong type: a string cannot be read: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`},
		},
		"two environment variables of one name": {
			"{name: SECOND, ", "{name: FIRST, ",
			[]string{`error api-duplicate-key 30 spec.template.spec.containers[0].env[1]: spec.template.spec.containers[0].env holds name FIRST twice`},
		},
		"port name over 15 characters": {
			"{name: web, containerPort", "{name: argo-server-web-port, containerPort",
			[]string{
				`error api-invalid 32 spec.template.spec.containers[0].ports[0].name: spec.template.spec.containers[0].ports[0].name: invalid value: "argo-server-web-port": must be no more than 15 characters`,
			},
		},
		"port over 65535": {
			"port: 2746, targetPort", "port: 70000, targetPort",
			[]string{`error api-invalid 50 spec.ports[0].port: spec.ports[0].port: invalid value: 70000: must be between 1 and 65535, inclusive`},
		},
		"name in capitals": {
			"kind: Role\nmetadata:\n  name: server", "kind: Role\nmetadata:\n  name: a/b",
			[]string{`error api-invalid 64 metadata.name: metadata.name: invalid value: "a/b": may not contain '/'`},
		},
		"selector that misses its own template": {
			"      labels: {app: server}", "      labels: {app: servr}",
			[]string{"error api-invalid 19 spec.template.metadata.labels: spec.template.metadata.labels: invalid value: `selector` does not match template `labels`"},
		},
		"requests over limits": {
			"limits: {memory: 256Mi}", "limits: {memory: 64Mi}",
			[]string{`error api-invalid 34 spec.template.spec.containers[0].resources.requests: spec.template.spec.containers[0].resources.requests: invalid value: "128Mi": must be less than or equal to memory limit of 64Mi`},
		},
		"unknown value of an enumeration": {
			"restartPolicy: Never", "restartPolicy: never",
			[]string{
				`error api-invalid 80 spec.jobTemplate.spec.template.spec.restartPolicy: spec.jobTemplate.spec.template.spec.restartPolicy: unsupported value: "never": supported values: "OnFailure", "Never"`,
			},
		},
		"schedule with a minute too many": {
			`"0 3 * * *"`, `"61 3 * * *"`,
			[]string{`error api-invalid 75 spec.schedule: spec.schedule: invalid value: "61 3 * * *": end of range (61) above maximum (59): 61`},
		},
		"rule without verbs": {
			"resources: [pods], verbs: [get]}", "resources: [pods], verbs: []}",
			[]string{`error api-invalid 67 rules[0].verbs: rules[0].verbs: required value: verbs must contain at least one value`},
		},
		"subject of no kind": {
			"- {kind: ServiceAccount,", "- {kind: serviceaccount,",
			[]string{`error api-invalid 59 subjects[0].kind: subjects[0].kind: unsupported value: "serviceaccount": supported values: "ServiceAccount", "User", "Group"`},
		},
		"kind that does not exist": {
			"kind: Deployment", "kind: Deploymnt",
			[]string{`error api-decode 9 kind: there is no kind "Deploymnt" in apps/v1`},
		},
		"kind in a version that does not have it": {
			"apiVersion: policy/v1\n", "apiVersion: policy/v2\n",
			[]string{`error api-decode 91 apiVersion: there is no kind "PodDisruptionBudget" in policy/v2`},
		},
		"version that is gone": {
			"apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n",
			[]string{`error api-removed 91 apiVersion: policy/v1beta1 PodDisruptionBudget is not served since Kubernetes 1.25`},
		},
		"namespace on a cluster-wide object": {
			"  name: things.example.com\n", "  name: things.example.com\n  namespace: argo\n",
			[]string{`warning api-namespace 124 metadata.namespace: CustomResourceDefinition is not namespaced: the API server drops the namespace "argo"`},
		},
		"no namespace": {
			"  name: deny\n  namespace: argo\n", "  name: deny\n",
			[]string{`info api-namespace 103 metadata: NetworkPolicy deny names no namespace: it lands wherever it is applied to`},
		},
		"schema that is none": {
			"openAPIV3Schema: {type: object}", "openAPIV3Schema: {type: strnig}",
			[]string{
				`error api-invalid 133 spec.versions[0].schema.openAPIV3Schema.type: spec.versions[0].schema.openAPIV3Schema.type: invalid value: "strnig": must be object at the root`,
				`error api-invalid 133 spec.versions[0].schema.openAPIV3Schema.type: spec.versions[0].schema.openAPIV3Schema.type: unsupported value: "strnig": supported values: "array", "boolean", "integer", "number", "object", "string"`,
			},
		},
		"privileged container": {
			"allowPrivilegeEscalation: false\n            cap", "privileged: true\n            cap",
			[]string{
				`error pod-security 36 spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: allowPrivilegeEscalation != false: container "server" must set securityContext.allowPrivilegeEscalation=false`,
				`error pod-security 37 spec.template.spec.containers[0].securityContext.privileged: privileged: container "server" must not set securityContext.privileged=true`,
			},
		},
		"pod in the host's network": {
			"      serviceAccountName: server", "      hostNetwork: true",
			[]string{`error pod-security 21 spec.template.spec.hostNetwork: host namespaces: hostNetwork=true`},
		},
		"pod without a seccomp profile": {
			"            seccompProfile: {type: RuntimeDefault}\n          containers:\n            - name: tidy", "          containers:\n            - name: tidy",
			[]string{`error pod-security 86 spec.jobTemplate.spec.template.spec.containers[0].securityContext.seccompProfile: seccompProfile: pod or container "tidy" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`},
		},
		"volume from the host": {
			"      serviceAccountName: server", "      volumes: [{name: ok, emptyDir: {}}, {name: host, hostPath: {path: /}}]",
			[]string{
				`error pod-security 21 spec.template.spec.volumes[1]: restricted volume types: volume "host" uses restricted volume type "hostPath"`,
			},
		},
		"label of a level that does not exist": {
			"enforce: restricted", "enforce: restrictd",
			[]string{`error pod-security-label 6 metadata.labels["pod-security.kubernetes.io/enforce"]: namespace argo enforces the Pod Security level "restrictd", which does not exist`},
		},
		"label that is going away": {
			"      serviceAccountName: server", "      nodeSelector: {beta.kubernetes.io/os: linux}",
			[]string{`warning api-warning 21 spec.template.spec.nodeSelector["beta.kubernetes.io/os"]: spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, tt.old) {
				t.Fatalf("the good objects do not hold %q", tt.old)
			}
			diff(t, tt.want, run(t, strings.Replace(good, tt.old, tt.new, 1)))
		})
	}
}

// TestIngressClass: the annotation is deprecated, and the only way for GKE.
func TestIngressClass(t *testing.T) {
	t.Parallel()
	const ingress = `apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: argocd, namespace: argocd, annotations: {kubernetes.io/ingress.class: CLASS}}
spec: {defaultBackend: {service: {name: argocd, port: {name: http}}}}
`
	for class, want := range map[string]bool{"gce": false, "gce-internal": false, "nginx": true} {
		found := strings.Join(run(t, strings.Replace(ingress, "CLASS", class, 1)), "\n")
		if strings.Contains(found, "api-warning") != want {
			t.Errorf("class %s:\n%s", class, found)
		}
	}
}

// TestHeadlessService holds what the Service's storage does ahead of the
// strategy, which alone wants clusterIPs to be written out.
func TestHeadlessService(t *testing.T) {
	t.Parallel()
	const headless = `apiVersion: v1
kind: Namespace
metadata: {name: argo, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: argo}
spec:
  clusterIP: None
  selector: {app: server}
  ports: [{name: web, port: 80}]
`
	for _, f := range run(t, headless) {
		if strings.Contains(f, "api-invalid") {
			t.Error(f)
		}
	}
	bad := strings.Replace(headless, "clusterIP: None", "clusterIP: Nowhere", 1)
	if found := strings.Join(run(t, bad), "\n"); !strings.Contains(found, "api-invalid") {
		t.Errorf("an address that is none passes:\n%s", found)
	}
}

// A binding with parameters is judged without asking who may read them.
func TestPolicyBindingWithParameters(t *testing.T) {
	t.Parallel()
	got := run(t, `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec:
  policyName: replicas
  validationActions: [Deny]
  paramRef: {name: limits, namespace: default, parameterNotFoundAction: Deny}
`)
	diff(t, nil, got)
}
