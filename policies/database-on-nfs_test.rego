package strake.rules.database_on_nfs_test

import data.strake.fixture
import data.strake.rules.database_on_nfs as rule

pod(image) := sprintf(
	`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: argo}
spec: {template: {spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: pg}}], containers: [{name: a, image: "%s"}]}}}
`,
	[image],
)

claim(mode, volume) := sprintf(
	`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: pg, namespace: argo}
spec: {accessModes: [%s], volumeName: %s}
`,
	[mode, volume],
)

nfs := `
apiVersion: v1
kind: PersistentVolume
metadata: {name: pg}
spec: {nfs: {server: 10.0.0.2, path: /}}
`

these(texts) := fixture.prod(concat("\n---\n", texts))

test_fires_for_an_nfs_volume if {
	f := rule.findings with input as these([pod("postgres:16"), claim("ReadWriteOnce", "pg"), nfs])
	fixture.paths(f) == {"2:spec.nfs"}
}

test_fires_for_many_writers if {
	f := rule.findings with input as these([pod("docker.io/bitnami/postgresql:16"), claim("ReadWriteMany", "disk")])
	fixture.paths(f) == {"1:spec.accessModes"}
}

test_silent_for_a_disk if {
	f := rule.findings with input as these([pod("postgres:16"), claim("ReadWriteOnce", "disk")])
	count(f) == 0
}

test_silent_for_other_programs if {
	f := rule.findings with input as these([pod("example.com/files:1"), claim("ReadWriteMany", "pg"), nfs])
	count(f) == 0
}

test_fires_for_an_address_of_another_cloud if {
	f := rule.findings with input as fixture.prod(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: pg}
spec: {nfs: {server: fs-1.efs.ap-northeast-1.amazonaws.com, path: /}}
`)
	fixture.paths(f) == {"0:spec.nfs.server"}
}
