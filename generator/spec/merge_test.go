package spec

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const mergePlatform = `apiVersion: strake/v1alpha1
kind: Platform
metadata: {name: mlops}
spec:
  strake: {version: 0.1.x}
  repository: {url: https://github.com/example/mlops}
  include: [tenants.yaml, releases.yaml]
  variables: {team: "core-${stage}", shell: bash}
  defaults:
    cloud: {project: "mlops-${environment}", region: asia-northeast1}
    cluster:
      version: "1.33"
      nodePools:
        - {name: system, machineType: e2-standard-2, min: 1, max: 3}
        - {name: spot, spot: true, max: 5, labels: {tier: batch}}
        - {name: gpu, gpu: {type: nvidia-l4}}
    workflows:
      server: {replicas: 1, resources: {requests: {cpu: 50m, memory: 128Mi}}}
      controller: {pool: system}
      ttl: {afterSuccess: 2d}
    spot: {pool: spot, retry: {limit: 5}}
    artifacts: {gcs: {bucket: "mlops-${environment}", existing: true}, archiveLogs: true}
    archive:
      postgresql: {cloudSQL: argo, database: argo, connectionName: "shared:asia-northeast1:argo"}
      clusterName: "${platform}-${environment}"
    secrets: {gcpSecretManager: {}}
    tenant: {serviceAccount: {name: runner}, quota: {pods: 10}}
    pipeline: {timezone: Asia/Tokyo, schedule: "0 1 * * *", retry: {limit: 1}}
  environments:
    - name: dev
      archive: null
      cluster: {nodePools: [{name: gpu, $remove: true}, {name: spot, max: 2, labels: {team: a}}, {name: extra}]}
      spot: {retry: null}
    - name: prod
      abstract: true
      variables: {team: live}
      workflows: {server: {replicas: 2}}
      archive: {postgresql: {host: db.example.com}}
    - {name: tokyo, extends: prod, stage: prod}
    - name: osaka
      extends: prod
      stage: prod
      cloud: {region: asia-northeast2}
      workflows: {version: v3.7.16, server: {replicas: 3}}
      artifacts: {s3: {endpoint: "minio:9000", bucket: logs, accessKey: {secret: a}, secretKey: {secret: b}}}
    - {name: lab, tenants: none, workflows: null}
`

const mergeTenants = `apiVersion: strake/v1alpha1
kind: Tenant
metadata: {name: a}
spec:
  variables: {team: own}
  quota: {cpu: 4}
  environments:
    $all: {pool: spot}
    dev: {quota: {cpu: 1, pods: 5}, pipelines: [{name: p, tasks: [{name: t, env: {MODE: dev}}]}]}
    osaka: null
    prod: {pipelines: [{name: p, schedule: null}, {name: extra, image: "${release.image}", tasks: [{name: only}]}]}
  config: {app: {TEAM: "${team}", ESCAPED: "$${team}"}}
  pipelines:
    - name: p
      image: "${release.image}"
      tasks:
        - name: t
          command: [sh, -c, "${shell} -c 'echo ${HOME} ${environment} $${team} {{workflow.name}}'"]
          env: {WHERE: "${environment}", MODE: any}
        - {name: u, image: "${release.image}", depends: t}
---
apiVersion: strake/v1alpha1
kind: Tenant
metadata: {name: b}
spec: {environments: {dev: {}}, namespace: "team-${environment}"}
`

const mergeReleases = `apiVersion: strake/v1alpha1
kind: Release
metadata: {name: dev}
spec:
  images: {a/p: "registry.example.com/p@sha256:b34502ca3a5f04fe7abc2eba778a6fb927ad3537df4d43bc8642775bf47fd5fc"}
  components: {workflows: v3.7.17}
---
apiVersion: strake/v1alpha1
kind: Release
metadata: {name: prod}
spec:
  images:
    a/p: "registry.example.com/p@sha256:40e669685c04bc3b1c1789133dc98dc1c5196a337c2d5ea1d73cc24900f31868"
    a/p/u: "registry.example.com/u@sha256:40e669685c04bc3b1c1789133dc98dc1c5196a337c2d5ea1d73cc24900f31868"
    a/extra: "registry.example.com/e@sha256:40e669685c04bc3b1c1789133dc98dc1c5196a337c2d5ea1d73cc24900f31868"
  components: {workflows: v3.7.15}
`

func loadMerged(t *testing.T) map[string]*Effective {
	t.Helper()
	p, found := Load(fstest.MapFS{
		platformPath:                 {Data: []byte(mergePlatform)},
		"environments/tenants.yaml":  {Data: []byte(mergeTenants)},
		"environments/releases.yaml": {Data: []byte(mergeReleases)},
	}, platformPath, "0.1.3")
	for _, d := range found {
		t.Errorf("%s: %s: %s (%s) %v", d.Range, d.Severity, d.Summary, d.Rule, d.Environments)
	}
	if p == nil {
		t.Fatal("no platform")
	}
	out := map[string]*Effective{}
	for _, e := range p.Environments {
		out[e.Environment] = e
	}
	if diff := cmp.Diff([]string{"environments/platform.yaml", "environments/releases.yaml", "environments/tenants.yaml"}, p.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	return out
}

// TestMerge says what each layer of a spec does to the ones below it.
func TestMerge(t *testing.T) {
	t.Parallel()
	e := loadMerged(t)
	dev, tokyo, osaka, lab := e["dev"], e["tokyo"], e["osaka"], e["lab"]
	pools := func(e *Effective) (names []string) {
		for _, p := range e.Cluster.NodePools {
			names = append(names, p.Name)
		}
		return names
	}
	tenants := func(e *Effective) (names []string) {
		for _, x := range e.Tenants {
			names = append(names, x.Name)
		}
		return names
	}
	pipe := func(e *Effective, name string) Pipeline {
		for _, p := range e.Tenants[0].Pipelines {
			if p.Name == name {
				return p
			}
		}
		return Pipeline{}
	}
	spot, _ := dev.Pool("spot")
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"an abstract environment is not rendered", len(e), 4},
		{"null removes", dev.Archive, (*Archive)(nil)},
		{"null leaves the built-in default", dev.Spot.Retry.Limit, 3},
		{"defaults fill", tokyo.Spot.Retry.Limit, 5},
		{"$remove drops, a new item is added", pools(dev), []string{"system", "spot", "extra"}},
		{"named items merge deep", spot, NodePool{Name: "spot", Spot: true, Max: 2, Labels: map[string]string{"tier": "batch", "team": "a"}}},
		{"maps merge deep", *tokyo.Workflows.Server.Resources, Resources{Requests: map[string]string{"cpu": "50m", "memory": "128Mi"}}},
		{"extends is like defaults", tokyo.Workflows.Server.Replicas, 2},
		{"own value wins over extends", osaka.Workflows.Server.Replicas, 3},
		{"own value wins over defaults", osaka.Cloud.Region, "asia-northeast2"},
		{"stage of its own", tokyo.Stage, "prod"},
		{"stage defaults to the name", dev.Stage, "dev"},
		{"a release sets the version", dev.Workflows.Version, "v3.7.17"},
		{"own version wins over the release", osaka.Workflows.Version, "v3.7.16"},
		{"a release brings nothing that is not installed", lab.Workflows, (*Workflows)(nil)},
		{"another one-of replaces", osaka.Artifacts.GCS, (*GCS)(nil)},
		{"the rest of the map stays", osaka.Artifacts.ArchiveLogs, true},
		{"the same one-of merges", tokyo.Artifacts.GCS.Existing, true},
		{"another server replaces", tokyo.Archive.PostgreSQL.CloudSQL, ""},
		{"and takes what belongs to it along", tokyo.Archive.PostgreSQL.ConnectionName, ""},
		{"but not what belongs to both", tokyo.Archive.PostgreSQL.Database, "argo"},
		{"the login has a default", *tokyo.Archive.PostgreSQL.User.Secret, UserSecret{Username: "argo-username", Password: "argo-password", PasswordVersion: "latest"}},
		{"tenants: none", tenants(lab), []string(nil)},
		{"placement", tenants(dev), []string{"a", "b"}},
		{"placement by the extended environment", tenants(tokyo), []string{"a"}},
		{"null excludes from $all", tenants(osaka), []string(nil)},
		{"$all overrides everywhere", tokyo.Tenants[0].Pool, "spot"},
		{"an environment overrides a tenant", dev.Tenants[0].Quota, map[string]string{"cpu": "1", "pods": "5"}},
		{"defaults.tenant fills", tokyo.Tenants[0].Quota, map[string]string{"cpu": "4", "pods": "10"}},
		{"defaults.tenant fills deep", tokyo.Tenants[0].ServiceAccount.Name, "runner"},
		{"defaults.pipeline fills", pipe(dev, "p").Schedule, "0 1 * * *"},
		{"null removes what defaults.pipeline gave", pipe(tokyo, "p").Schedule, ""},
		{"defaults.pipeline fills a pipeline of an override", pipe(tokyo, "extra").Timezone, "Asia/Tokyo"},
		{"a task of a pipeline of a tenant in one environment", pipe(dev, "p").Tasks[0].Env, map[string]string{"WHERE": "dev", "MODE": "dev"}},
		{"the namespace defaults to the name", dev.Tenants[0].Namespace, "a"},
		{"variables in a tenant", dev.Tenants[1].Namespace, "team-dev"},
		{"the innermost variable wins, $${ is a literal", dev.Tenants[0].Config["app"], map[string]string{"TEAM": "own", "ESCAPED": "${team}"}},
		{"a command takes only declared variables", pipe(dev, "p").Tasks[0].Command[2], "bash -c 'echo ${HOME} ${environment} ${team} {{workflow.name}}'"},
		{"an image of the release", pipe(dev, "p").Image, "registry.example.com/p@sha256:b34502ca3a5f04fe7abc2eba778a6fb927ad3537df4d43bc8642775bf47fd5fc"},
		{"a task falls back to its pipeline's image", pipe(dev, "p").Tasks[1].Image, "registry.example.com/p@sha256:b34502ca3a5f04fe7abc2eba778a6fb927ad3537df4d43bc8642775bf47fd5fc"},
		{"a task's own image", pipe(tokyo, "p").Tasks[1].Image, "registry.example.com/u@sha256:40e669685c04bc3b1c1789133dc98dc1c5196a337c2d5ea1d73cc24900f31868"},
		{"the cluster's name has a default", tokyo.Cluster.Name, "mlops-tokyo"},
		{"the location has a default", osaka.Cluster.Location, "asia-northeast2"},
		{"the tool's version", dev.Strake, "0.1.3"},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

// TestPositionsSurviveMerging names the line of each value in the environment
// where it came from somewhere else, and the text that stands there.
func TestPositionsSurviveMerging(t *testing.T) {
	t.Parallel()
	e := loadMerged(t)
	sources := map[string]string{
		platformPath: mergePlatform, "environments/tenants.yaml": mergeTenants, "environments/releases.yaml": mergeReleases,
	}
	for _, c := range []struct{ environment, path, file, text string }{
		{"dev", "cloud.region", "platform", "asia-northeast1}\n    cluster:"},                       // defaults
		{"osaka", "cloud.region", "platform", "asia-northeast2}"},                                   // its own
		{"osaka", "cloud.project", "platform", `"mlops-${environment}", region`},                    // defaults beside its own
		{"tokyo", "workflows.server.replicas", "platform", "2}}\n      archive"},                    // extended
		{"tokyo", "workflows.server.resources.requests.cpu", "platform", "50m,"},                    // deep in defaults
		{"dev", "workflows.version", "releases", "v3.7.17}"},                                        // the release
		{"osaka", "workflows.version", "platform", "v3.7.16,"},                                      // wins over it
		{"dev", "cluster.nodePools[spot].max", "platform", "2, labels: {team"},                      // merged by name
		{"dev", "cluster.nodePools[spot].spot", "platform", "true, max: 5"},                         // its other half
		{"dev", "cluster.nodePools[spot].labels.tier", "platform", "batch}"},                        // deeper
		{"dev", "workflows.podGC.strategy", "platform", "workflows:\n      server: {replicas: 1"},   // built in: what is around it
		{"dev", "archive.ttl", "platform", "dev\n      archive: null"},                              // nothing: the environment
		{"dev", "tenants[a].quota.cpu", "tenants", "1, pods: 5"},                                    // override
		{"tokyo", "tenants[a].quota.cpu", "tenants", "4}"},                                          // tenant
		{"tokyo", "tenants[a].quota.pods", "platform", "10}}"},                                      // defaults.tenant
		{"tokyo", "tenants[a].pipelines[p].timezone", "platform", "Asia/Tokyo"},                     // defaults.pipeline
		{"tokyo", "tenants[a].pipelines[p].tasks[u].image", "releases", `"registry.example.com/u@`}, // where the image is written
		{"tokyo", "tenants[a].pipelines[p].tasks[t].command[2]", "tenants", `"${shell} -c`},         // an item
		{"tokyo", "tenants[a].pipelines[p].tasks[t].nothing.like[3].it", "tenants", "name: t"},      // the nearest
		{"tokyo", "stage", "platform", "prod}"},
		{"tokyo", "tenants[a]", "tenants", "a}\nspec:"},
		{"dev", "environment", "platform", "dev\n"},
		{"dev", "nonsense", "platform", "dev\n"},
	} {
		at := e[c.environment].At(c.path)
		lines := strings.SplitAfter(sources[at.Path], "\n")
		rest := ""
		if at.Start.Line > 0 && at.Start.Line <= len(lines) {
			rest = lines[at.Start.Line-1][at.Start.Column-1:] + strings.Join(lines[at.Start.Line:], "")
		}
		if at.Path != "environments/"+c.file+".yaml" || !strings.HasPrefix(rest, c.text) {
			t.Errorf("%s: At(%s) = %s, %.40q; want %q in %s.yaml", c.environment, c.path, at, rest, c.text, c.file)
		}
	}
	if at := e["dev"].At("cloud.region"); at.End.Line != at.Start.Line || at.End.Column-at.Start.Column != len("asia-northeast1") {
		t.Errorf("the range of cloud.region is %v to %v", at.Start, at.End)
	}
}

func TestPinAllows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pin, tool string
		want      bool
	}{
		{"0.1.x", "0.1.0", true},
		{"0.1.x", "v0.1.7", true},
		{"0.1.x", "0.1.7-rc1", true},
		{"0.1.x", "0.2.0", false},
		{"0.1.x", "1.1.0", false},
		{"0.1.3", "0.1.3", true},
		{"0.1.3", "0.1.4", false},
		{"0.1.3", "0.1.3-dirty", true},
		{"0.1.x", "devel", true},
		{"0.1.x", "", true},
		{"", "0.1.0", true},
	} {
		if got := (&Platform{Pin: c.pin}).Allows(c.tool); got != c.want {
			t.Errorf("pin %q allows %q = %t, want %t", c.pin, c.tool, got, c.want)
		}
	}
}

func TestNodePool(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		pool     NodePool
		selector map[string]string
		taints   []Taint
	}{
		{"plain", NodePool{Name: "system"}, map[string]string{"cloud.google.com/gke-nodepool": "system"}, nil},
		{"spot", NodePool{Name: "s", Spot: true}, map[string]string{"cloud.google.com/gke-spot": "true"}, []Taint{{"cloud.google.com/gke-spot", "true", "NoSchedule"}}},
		{
			"all",
			NodePool{Name: "g", Spot: true, GPU: &GPU{Type: "nvidia-l4", Count: 1}, Dedicated: "vision", Labels: map[string]string{"a": "b"}, Taints: []Taint{{"x", "y", "NoExecute"}}},
			map[string]string{"a": "b", "cloud.google.com/gke-spot": "true", "cloud.google.com/gke-accelerator": "nvidia-l4", "dedicated": "vision"},
			[]Taint{{"x", "y", "NoExecute"}, {"cloud.google.com/gke-spot", "true", "NoSchedule"}, {"nvidia.com/gpu", "present", "NoSchedule"}, {"dedicated", "vision", "NoSchedule"}},
		},
	} {
		if diff := cmp.Diff(c.selector, c.pool.Selector()); diff != "" {
			t.Errorf("%s: selector (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.taints, c.pool.NodeTaints()); diff != "" {
			t.Errorf("%s: taints (-want +got):\n%s", c.name, diff)
		}
	}
}
