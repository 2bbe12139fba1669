package kube_test

import (
	"context"
	"strings"
	"testing"

	"strake/generator/check"
	"strake/generator/check/kube"
)

// standing are objects as they stand in a cluster. Each case changes one line.
const standing = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: argo}
spec:
  selector:
    matchLabels: {app: api}
  template:
    metadata:
      labels: {app: api, tier: web}
    spec:
      containers: [{name: api, image: api:1}]
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: argo}
spec:
  type: ClusterIP
  ports: [{port: 80}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: argo}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 10Gi}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: argo}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: migrate:1}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: charts.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Chart, plural: charts}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object}}
`

func TestUpdates(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, from, to string
		want           []string
	}{
		{name: "nothing changes", from: "kind: Job", to: "kind: Job"},
		{name: "an image", from: "api:1", to: "api:2"},
		{name: "a selector", from: "matchLabels: {app: api}", to: "matchLabels: {tier: web}", want: []string{
			"error api-immutable 5 spec.selector: spec.selector: invalid value: field is immutable",
		}},
		{name: "a mistake of its own is said elsewhere", from: "image: api:1", to: `image: ""`},
		{name: "what cannot be read", from: "replicas: 1", to: "replicas: x"},
		{name: "an address that the server gave", from: "type: ClusterIP", to: "clusterIP: None", want: []string{
			`error api-immutable 16 spec.clusterIPs[0]: spec.clusterIPs[0]: invalid value: may not change once set`,
		}},
		{name: "a node port", from: "type: ClusterIP", to: "type: NodePort"},
		{name: "a claim that grows", from: "storage: 10Gi", to: "storage: 20Gi"},
		{name: "another mode of access", from: "[ReadWriteOnce]", to: "[ReadWriteMany]", want: []string{
			"error api-immutable 23 spec: spec: forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
		}},
		{name: "the template of a Job", from: "migrate:1", to: "migrate:2", want: []string{
			"error api-immutable 32 spec.template: spec.template: invalid value: field is immutable",
		}},
		{name: "the parallelism of a Job, from which a default follows", from: "backoffLimit: 2", to: "parallelism: 5"},
		{
			name: "a Job that Argo CD makes anew", from: "metadata: {name: migrate, namespace: argo}",
			to: "metadata: {name: migrate, namespace: argo, labels: {a: b}, annotations: {argocd.argoproj.io/sync-options: 'Replace=true,Force=true'}}",
		},
		{name: "the scope of a CRD", from: "scope: Namespaced", to: "scope: Cluster", want: []string{
			`error api-immutable 42 spec.scope: spec.scope: invalid value: "Cluster": field is immutable`,
		}},
		{name: "the kind of a CRD", from: "kind: Chart", to: "kind: Graph", want: []string{
			`error api-immutable 43 spec.names.kind: spec.names.kind: invalid value: "Graph": field is immutable`,
		}},
		{name: "the stored version of a CRD", from: "- name: v1", to: "- name: v2", want: []string{
			`error api-immutable 37 status.storedVersions[0]: status.storedVersions[0]: invalid value: "v1": missing from spec.versions; ` +
				"v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.name != "what cannot be read" && strings.Count(standing, tc.from) == 0 {
				t.Fatalf("%q is not there", tc.from)
			}
			before := input(t, standing).Objects()
			after := input(t, strings.Replace(standing, tc.from, tc.to, 1)).Objects()
			diff(t, tc.want, lines(check.Updates(context.Background(), before, after, "dev", []check.Check{kube.New()})))
		})
	}
}

// TestCustomMetadata holds what the server asks of the metadata of any object,
// whatever its kind.
func TestCustomMetadata(t *testing.T) {
	t.Parallel()
	const object = "apiVersion: example.com/v1\nkind: Chart\nmetadata:\n  name: a\n  namespace: b\n  labels: {a: b}\n"
	for _, tc := range []struct {
		name, from, to string
		want           []string
	}{
		{name: "as it is", from: "kind", to: "kind"},
		{name: "a name in upper case", from: "name: a", to: "name: A", want: []string{
			`error api-invalid 4 metadata.name: metadata.name: invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
		}},
		{name: "a label with a space", from: "a: b}", to: "a: b c}", want: []string{
			`error api-invalid 6 metadata.labels: metadata.labels: invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
		}},
		{name: "a misspelt field", from: "labels", to: "lables", want: []string{
			`error api-decode 6 metadata.lables: unknown field "lables"`,
		}},
		{name: "a label that is a number", from: "a: b}", to: "a: 1}", want: []string{
			`error api-decode 6 metadata.labels.a: metadata.labels.a has the wrong type: want a string, got a number`,
		}},
		{name: "a finalizer twice", from: "labels: {a: b}", to: "finalizers: [x.y/a, x.y/a]", want: []string{
			"error api-duplicate-key 6 metadata.finalizers[1]: metadata.finalizers holds x.y/a twice",
		}},
		{name: "what the server keeps", from: "labels: {a: b}", to: "managedFields: [{manager: x}]", want: []string{
			"error api-invalid 6 metadata.managedFields: metadata.managedFields: it is the server's to write, and server-side apply refuses an object that has it",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			diff(t, tc.want, run(t, strings.Replace(object, tc.from, tc.to, 1)))
		})
	}
}
