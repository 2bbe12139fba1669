package argo_test

import (
	"context"
	"strings"
	"testing"

	"strake/generator/check/argo"
)

func TestControllerConfiguration(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want []string
	}{
		"good": {data: `
  parallelism: "20"
  workflowDefaults: |
    spec:
      ttlStrategy: {secondsAfterCompletion: 86400}
      templateDefaults:
        retryStrategy: {limit: "3"}
  persistence: |
    archive: true
    archiveTTL: 180d
    postgresql:
      host: db
      port: 5432
      database: argo
      tableName: argo_workflows
      userNameSecret: {name: db, key: username}
      passwordSecret: {name: db, key: password}
`},
		"good in one key": {data: `
  config: |
    parallelism: 20
`},
		"unknown keys at every level": {data: `
  semaphoreLimitCacheSeconds: "5"
  paralelism: "5"
  persistence: |
    archive: true
    postgresql:
      hots: db
      password: hunter2
`, want: []string{
			`error argo-config 7 data.semaphoreLimitCacheSeconds: unknown key "semaphoreLimitCacheSeconds"`,
			`error argo-config 8 data.paralelism: unknown key "paralelism"`,
			`error argo-config 12 data.persistence.postgresql.hots: unknown key "hots"`,
			`error argo-config 13 data.persistence.postgresql.password: unknown key "password"`,
		}},
		"values of the wrong type": {data: `
  parallelism: "many"
  persistence: |
    archive: "yes"
    archiveTTL: 1h30m
    connectionPool:
      connMaxLifetime: 30
    postgresql:
      port: "5432"
`, want: []string{
			`error argo-config 7 data.parallelism: parallelism has the wrong type: want an integer of 64 bits, got a string`,
			`error argo-config 9 data.persistence.archive: persistence.archive has the wrong type: want true or false, got a string`,
			`error argo-config 10 data.persistence.archiveTTL: persistence.archiveTTL has the wrong type: want a whole number with d, h, m or s, such as 180d`,
			`error argo-config 12 data.persistence.connectionPool.connMaxLifetime: persistence.connectionPool.connMaxLifetime has the wrong type: want a whole number with d, h, m or s, such as 180d`,
			`error argo-config 14 data.persistence.postgresql.port: persistence.postgresql.port has the wrong type: want an integer of 64 bits, got a string`,
		}},
		"two spellings of one key": {data: `
  Parallelism: "5"
  parallelism: "6"
  persistence: |
    nodeStatusOffload: true
    nodeStatusOffLoad: true
`, want: []string{
			`error argo-config 8 data.parallelism: Parallelism and parallelism are the same key to Argo, which does not look at case`,
			`error argo-config 10 data.persistence.nodeStatusOffload: nodeStatusOffLoad and nodeStatusOffload are the same key to Argo, which does not look at case`,
		}},
		"a key that stands twice": {data: `
  retentionPolicy: |
    completed: 5
    completed: 6
`, want: []string{`error argo-config 8 data.retentionPolicy.completed: key "completed" stands twice`}},
		"not YAML": {data: `
  persistence: |
    archive: [true
`, want: []string{`error argo-config 7 data.persistence: the value of persistence is not YAML: line 1: did not find expected ',' or ']'`}},
		"config beside another key": {data: `
  config: |
    parallelism: 20
  parallelism: "20"
`, want: []string{`error argo-config 7 data.config: a ConfigMap with the key config may hold no other key`}},
		"two databases": {data: `
  persistence: |
    archive: true
    postgresql: {host: a, database: b, tableName: c, userNameSecret: {name: d, key: e}, passwordSecret: {name: d, key: e}}
    mysql: {host: a, database: b, tableName: c, userNameSecret: {name: d, key: e}, passwordSecret: {name: d, key: e}}
`, want: []string{`error argo-config 10 data.persistence.mysql: persistence names both postgresql and mysql, and Argo uses one`}},
		"no database": {data: `
  persistence: |
    archive: true
`, want: []string{`error argo-config 7 data.persistence: persistence names no database`}},
		"what Argo would ignore or die of": {data: `
  workflowRestrictions: |
    templateReferencing: strict
  persistence: |
    archive: true
    postgresql:
      host: db
      database: argo
      sslMode: full
      userNameSecret: {name: d, key: e}
      passwordSecret: {name: d, key: e}
  metricsConfig: |
    enabled: true
    path: metrics
`, want: []string{
			`error argo-config 8 data.workflowRestrictions.templateReferencing: workflowRestrictions.templateReferencing: Argo does not know "strict"`,
			`error argo-config 11 data.persistence.postgresql.tableName: persistence.postgresql.tableName is missing`,
			`error argo-config 14 data.persistence.postgresql.sslMode: persistence.postgresql.sslMode: Argo does not know "full"`,
			`error argo-config 19 data.metricsConfig.path: metricsConfig.path does not begin with a slash`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diff(t, tt.want, run(t, `apiVersion: v1
kind: ConfigMap
metadata:
  name: workflow-controller-configmap
  namespace: argo
data:`+tt.data))
		})
	}
}

func TestSecretsInConfigurationAreMasked(t *testing.T) {
	t.Parallel()
	findings, err := argo.New().Run(context.Background(), input(t, `apiVersion: v1
kind: ConfigMap
metadata:
  name: workflow-controller-configmap
  namespace: argo
data:
  persistence: |
    postgresql:
      password: hunter2
      host: 5
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range findings {
		secret := d.Field == "data.persistence.postgresql.password"
		if d.Sensitive != secret {
			t.Errorf("%s: Sensitive is %t", d.Field, d.Sensitive)
		}
		if strings.Contains(d.Summary+d.Detail, "hunter2") {
			t.Errorf("%s tells the secret: %s %s", d.Field, d.Summary, d.Detail)
		}
	}
	if len(findings) != 2 {
		t.Errorf("%d findings, want 2: %v", len(findings), lines(findings))
	}
}

func TestArtifactRepositories(t *testing.T) {
	t.Parallel()
	diff(t, []string{
		`error argo-artifact-repository 12 data.empty: the artifact repository empty names no store`,
		`error argo-artifact-repository 17 data.two: the artifact repository two names 2 stores, and Argo uses one`,
		`error argo-artifact-repository 22 data.typo.gcs.buket: unknown key "buket"`,
	}, run(t, `apiVersion: v1
kind: ConfigMap
metadata:
  name: artifact-repositories
  namespace: ml
data:
  good: |
    archiveLogs: true
    gcs:
      bucket: b
  unset: ""
  empty: |
    archiveLogs: true
  # Comments do not move
  # what stands below.

  two: |
    gcs: {bucket: a}
    s3: {bucket: b}
  typo: |
    gcs:
      buket: b
`))
}

func TestReferredConfigMaps(t *testing.T) {
	t.Parallel()
	diff(t, []string{
		`error argo-config 7 data.nope: unknown key "nope"`,
		`error argo-artifact-repository 15 data.main: the artifact repository main names no store`,
	}, run(t, `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: argo
data:
  nope: "1"
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: stores
  namespace: ml
data:
  main: |
    archiveLogs: true
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: c, namespace: argo}
spec:
  template:
    spec:
      containers:
        - {name: c, image: "quay.io/argoproj/workflow-controller:v3.7.18", args: [--configmap, settings]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  artifactRepositoryRef: {configMap: stores, key: main}
  templates: [{name: main, suspend: {}}]
`))
}
