package render

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"strake/generator/spec"
)

const (
	// serviceComponent marks the pods of services. Runs of pipelines have the same
	// labels without it.
	serviceComponent = "service"
	componentLabel   = "app.kubernetes.io/component"
	nameLabel        = "app.kubernetes.io/name"
	httpPort         = "http"

	// How long a pod that is told to go keeps answering: a load balancer and the
	// nodes go on sending to it until they have heard. drainSeconds is part of
	// graceSeconds, the rest is the program's own.
	drainSeconds = 15
	graceSeconds = 60
	// A Spot node gives its pods 15 seconds in all.
	spotDrainSeconds = 5
	spotGraceSeconds = 15

	probePeriod = 5 // seconds between two tries of the startup probe
)

func servicePath(t *spec.Tenant, s *spec.Service) string {
	return tenantPath(t) + ".services[" + s.Name + "]"
}

// services are the long-running workloads of a tenant. Nothing reaches them but
// their own namespace, unless Identity-Aware Proxy stands in front.
func services(e *spec.Effective, t *spec.Tenant) []object {
	var out []object
	for i := range t.Services {
		s := &t.Services[i]
		out = append(out, mountedFiles(e, t, s)...)
		out = append(out, serviceDeployment(e, t, s), clusterService(t, s), serviceBudget(t, s))
		if s.IAP != nil {
			out = append(out, serviceExposure(t, s).objects()...)
		}
	}
	return out
}

// servicePods selects the pods of a service. The labels are those that never
// change: a selector cannot be changed either.
func servicePods(s *spec.Service) m {
	return m{{componentLabel, serviceComponent}, {nameLabel, s.Name}}
}

// mountedFiles are ConfigMaps with the files of the repository that a service
// mounts.
func mountedFiles(e *spec.Effective, t *spec.Tenant, s *spec.Service) []object {
	var out []object
	for _, mount := range slices.Sorted(maps.Keys(s.Files)) {
		from := servicePath(t, s) + ".files." + mount
		out = append(out, object{from: from, doc: m{
			{"apiVersion", "v1"},
			{"kind", "ConfigMap"},
			{"metadata", tenantMetadata(t, s.FilesName(mount), "config")},
			{"data", fileData(e, from, s.Files[mount])},
		}})
	}
	return out
}

func fileData(e *spec.Effective, from, dir string) m {
	data := m{}
	for _, f := range e.FilesIn(dir) {
		data = append(data, kv{path.Base(f.Path), at(from, f.Content)})
	}
	return data
}

// serviceDeployment runs the container of a service. A new version starts before an
// old pod goes.
func serviceDeployment(e *spec.Effective, t *spec.Tenant, s *spec.Service) object {
	from := servicePath(t, s)
	return object{from: from, doc: m{
		{"apiVersion", "apps/v1"},
		{"kind", "Deployment"},
		{"metadata", tenantMetadata(t, s.Name, serviceComponent)},
		{"spec", m{
			{"replicas", at(from+".replicas", s.Replicas)},
			{"revisionHistoryLimit", 5},
			{"progressDeadlineSeconds", at(from+".probe.startupTimeout", startupSeconds(s)+300)},
			{"selector", m{{"matchLabels", servicePods(s)}}},
			{"strategy", m{
				{"type", "RollingUpdate"},
				{"rollingUpdate", m{{"maxSurge", 1}, {"maxUnavailable", 0}}},
			}},
			{"template", m{
				{"metadata", m{
					{"annotations", serviceAnnotations(e, t, s)},
					{"labels", labels(t.Name, s.Name, serviceComponent)},
				}},
				{"spec", servicePod(e, t, s)},
			}},
		}},
	}}
}

// serviceAnnotations restart the pods when what they read has changed. Of a
// secret only its name and version are known here.
func serviceAnnotations(e *spec.Effective, t *spec.Tenant, s *spec.Service) m {
	var config, logins m
	for _, name := range s.EnvFrom {
		if values, ok := t.Config[name]; ok {
			config = append(config, kv{name, sorted(values)})
			continue
		}
		var refs m
		for _, key := range slices.Sorted(maps.Keys(t.Secrets[name])) {
			ref := t.Secrets[name][key]
			refs = append(refs, kv{key, ref.Secret + ":" + ref.Version})
		}
		logins = append(logins, kv{name, refs})
	}
	for _, mount := range slices.Sorted(maps.Keys(s.Files)) {
		config = append(config, kv{mount, fileData(e, "", s.Files[mount])})
	}
	out := m{{"kubectl.kubernetes.io/default-container", s.Name}}
	if config != nil {
		out = append(out, kv{"checksum/config", checksum{config}})
	}
	if logins != nil {
		out = append(out, kv{secretsChecksum, checksum{logins}})
	}
	if e.Cluster.Mode != "autopilot" {
		// Else no node with such a pod would ever be scaled down.
		out = append(out, kv{"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", strings.Join(scratchNames(s), ",")})
	}
	return out
}

func servicePod(e *spec.Effective, t *spec.Tenant, s *spec.Service) m {
	from := servicePath(t, s)
	where := servicePlacement(e, t, s)
	drain, grace := drainSeconds, graceSeconds
	if pool, ok := e.Pool(s.Pool); ok && pool.Spot {
		drain, grace = spotDrainSeconds, spotGraceSeconds
	}
	volumes, mounts := serviceVolumes(t, s)
	user := any(at(from+".user", s.User))
	if s.User == 0 {
		user = runUser
	}
	pod := m{
		{"serviceAccountName", at(tenantPath(t)+".serviceAccount.name", t.ServiceAccount.Name)},
		// Google's APIs are reached without it, and the cluster's is nobody's here.
		{"automountServiceAccountToken", false},
		// Else every Service of the namespace becomes seven variables.
		{"enableServiceLinks", false},
		{"terminationGracePeriodSeconds", grace},
		{"securityContext", append(podContext(), kv{"runAsUser", user}, kv{"runAsGroup", user}, kv{"fsGroup", user})},
		{"topologySpreadConstraints", serviceSpread(t, s)},
	}
	pod = append(pod, where.fields()...)
	return append(pod,
		kv{"initContainers", serviceProxy(e, t, s)},
		kv{"containers", list{serviceContainer(t, s, mounts, drain)}},
		kv{"volumes", volumes},
	)
}

// servicePlacement puts the pods on the pool that the service names. spot.pool
// and the tenant's are for workflows, which can be tried again.
func servicePlacement(e *spec.Effective, t *spec.Tenant, s *spec.Service) placement {
	if s.Pool == "" {
		return placement{}
	}
	return place(e, s.Pool, servicePath(t, s)+".pool")
}

// serviceSpread puts replicas on different nodes and zones where that is
// possible: a pod that must not share a zone would wait for one to come back.
func serviceSpread(t *spec.Tenant, s *spec.Service) any {
	if s.Replicas < 2 {
		return nil
	}
	return at(servicePath(t, s)+".replicas", list{
		spread(servicePods(s), "topology.kubernetes.io/zone"),
		spread(servicePods(s), "kubernetes.io/hostname"),
	})
}

func serviceContainer(t *spec.Tenant, s *spec.Service, mounts list, drain int) m {
	from := servicePath(t, s)
	ports := list{at(from+".port", m{{"name", httpPort}, {"containerPort", s.Port}, {"protocol", "TCP"}})}
	probe := func(period, failures int) m {
		return m{
			{"httpGet", m{{"path", at(from+".probe.path", s.Probe.Path)}, {"port", probePortName(s)}}},
			{"periodSeconds", period},
			{"timeoutSeconds", probePeriod},
			{"failureThreshold", failures},
		}
	}
	if probePortName(s) != httpPort {
		ports = append(ports, at(from+".probe.port", m{{"name", probePortName(s)}, {"containerPort", s.Probe.Port}, {"protocol", "TCP"}}))
	}
	return m{
		{"name", s.Name},
		{"image", at(from+".image", s.Image)},
		{"imagePullPolicy", "IfNotPresent"},
		{"command", at(from+".command", strs(s.Command))},
		{"args", at(from+".args", strs(s.Args))},
		{"envFrom", serviceEnvFrom(t, s)},
		{"env", serviceEnv(t, s)},
		{"ports", ports},
		{"startupProbe", at(from+".probe.startupTimeout", probe(probePeriod, startupSeconds(s)/probePeriod))},
		{"readinessProbe", at(from+".probe", probe(10, 3))},
		// Slower than readiness: a pod that is busy is first left alone.
		{"livenessProbe", at(from+".probe", probe(20, 6))},
		{"lifecycle", m{{"preStop", m{{"sleep", m{{"seconds", drain}}}}}}},
		{"resources", containerResources(s.Resources, from+".resources")},
		{"securityContext", containerContext()},
		{"volumeMounts", mounts},
	}
}

// startupSeconds is how long the container may take to start, in whole periods
// of the probe.
func startupSeconds(s *spec.Service) int {
	d, err := spec.ParseDuration(s.Probe.StartupTimeout)
	if err != nil || d <= 0 {
		d = 5 * time.Minute
	}
	periods := int((d + probePeriod*time.Second - 1) / (probePeriod * time.Second))
	return periods * probePeriod
}

// probePortName is the name of the port that the probes ask.
func probePortName(s *spec.Service) string {
	if p := s.Probe.Port; p != 0 && p != s.Port {
		return "health"
	}
	return httpPort
}

func probePort(s *spec.Service) int {
	if s.Probe.Port != 0 {
		return s.Probe.Port
	}
	return s.Port
}

func serviceEnvFrom(t *spec.Tenant, s *spec.Service) list {
	var out list
	for _, name := range s.EnvFrom {
		kind := "secretRef"
		if _, ok := t.Config[name]; ok {
			kind = "configMapRef"
		}
		out = append(out, at(servicePath(t, s)+".envFrom", m{{kind, m{{"name", name}}}}))
	}
	return out
}

// serviceEnv are the service's variables. HOME is a place that can be written.
func serviceEnv(t *spec.Tenant, s *spec.Service) list {
	values := map[string]any{}
	if !setsHome(t, s.EnvFrom) {
		values["HOME"] = scratchDir
	}
	for name, value := range s.Env {
		values[name] = at(servicePath(t, s)+".env."+name, value)
	}
	var out list
	for _, f := range sorted(values) {
		out = append(out, envVar(f))
	}
	return out
}

// containerResources prints requests and limits. Memory and accelerators have a
// limit even where none is written: memory because the default limit of the
// namespace may be less than the request, accelerators because they cannot be
// shared.
func containerResources(r *spec.Resources, from string) any {
	if r == nil {
		return nil
	}
	requests, limits := map[string]any{}, map[string]any{}
	for name, quantity := range r.Requests {
		requests[name] = at(from+".requests."+name, quantity)
	}
	for name, quantity := range r.Limits {
		limits[name] = at(from+".limits."+name, quantity)
	}
	for _, name := range []string{"memory", "nvidia.com/gpu"} {
		if limits[name] == nil && requests[name] != nil {
			limits[name] = requests[name]
		}
	}
	if requests["nvidia.com/gpu"] == nil && limits["nvidia.com/gpu"] != nil {
		requests["nvidia.com/gpu"] = limits["nvidia.com/gpu"]
	}
	if len(requests)+len(limits) == 0 {
		return nil
	}
	return at(from, m{{"requests", sorted(requests)}, {"limits", sorted(limits)}})
}

// scratchNames are the volumes that hold what a pod writes.
func scratchNames(s *spec.Service) []string {
	names := []string{"tmp"}
	for i := range s.Writable {
		names = append(names, "writable-"+strconv.Itoa(i+1))
	}
	return names
}

// serviceVolumes are the directories that the container may write to, and the
// files that it reads.
func serviceVolumes(t *spec.Tenant, s *spec.Service) (volumes, mounts list) {
	from := servicePath(t, s)
	size := any("1Gi")
	if r := s.Resources; r != nil {
		const name = "ephemeral-storage"
		switch {
		case r.Limits[name] != "":
			size = at(from+".resources.limits."+name, r.Limits[name])
		case r.Requests[name] != "":
			size = at(from+".resources.requests."+name, r.Requests[name])
		}
	}
	for i, name := range scratchNames(s) {
		cause, dir := from, scratchDir
		if i > 0 {
			cause, dir = from+".writable["+strconv.Itoa(i-1)+"]", path.Clean(s.Writable[i-1])
		}
		volumes = append(volumes, at(cause, m{{"name", name}, {"emptyDir", m{{"sizeLimit", size}}}}))
		mounts = append(mounts, at(cause, m{{"name", name}, {"mountPath", dir}}))
	}
	for i, mount := range slices.Sorted(maps.Keys(s.Files)) {
		name, cause := "files-"+strconv.Itoa(i+1), from+".files."+mount
		volumes = append(volumes, at(cause, m{{"name", name}, {"configMap", m{{"name", s.FilesName(mount)}}}}))
		mounts = append(mounts, at(cause, m{{"name", name}, {"mountPath", path.Clean(mount)}, {"readOnly", true}}))
	}
	return volumes, mounts
}

// serviceProxy is the Cloud SQL proxy beside the container, or nil.
func serviceProxy(e *spec.Effective, t *spec.Tenant, s *spec.Service) any {
	db := s.CloudSQL
	if db == nil {
		return nil
	}
	from := servicePath(t, s) + ".cloudSQL"
	p := sqlProxy{
		from:       from,
		port:       at(from+".port", "--port="+strconv.Itoa(db.Port)),
		connection: at(from+".database", strings.Join([]string{e.Cloud.Project, e.Cloud.Region, db.Database}, ":")),
		resources:  containerResources(db.Resources, from+".resources"),
	}
	if db.Login != "password" {
		p.login = at(from+".login", autoLogin)
	}
	return p.containers()
}

// clusterService is how others of the namespace reach the pods, and what the
// load balancer takes them from.
func clusterService(t *spec.Tenant, s *spec.Service) object {
	from := servicePath(t, s)
	meta := tenantMetadata(t, s.Name, serviceComponent)
	if s.IAP != nil {
		meta = append(meta, kv{"annotations", at(from+".iap", serviceExposure(t, s).annotations())})
	}
	return object{from: from, doc: m{
		{"apiVersion", "v1"},
		{"kind", "Service"},
		{"metadata", meta},
		{"spec", m{
			{"type", "ClusterIP"},
			{"ports", list{at(from+".port", m{{"name", httpPort}, {"port", s.Port}, {"protocol", "TCP"}, {"targetPort", httpPort}})}},
			{"selector", servicePods(s)},
		}},
	}}
}

// serviceBudget bounds how many pods a drain takes away at once. A pod that is
// not well may always go: else it would hold its node for ever.
func serviceBudget(t *spec.Tenant, s *spec.Service) object {
	from := servicePath(t, s)
	bound := kv{"maxUnavailable", 1}
	if s.Disruption != nil {
		bound = kv{"minAvailable", at(from+".disruption.minAvailable", s.Disruption.MinAvailable)}
	}
	return object{from: from + ".disruption", doc: m{
		{"apiVersion", "policy/v1"},
		{"kind", "PodDisruptionBudget"},
		{"metadata", tenantMetadata(t, s.Name, serviceComponent)},
		{"spec", m{
			bound,
			{"selector", m{{"matchLabels", servicePods(s)}}},
			{"unhealthyPodEvictionPolicy", "AlwaysAllow"},
		}},
	}}
}

// serviceExposure is Identity-Aware Proxy in front of a service.
func serviceExposure(t *spec.Tenant, s *spec.Service) exposure {
	from := servicePath(t, s)
	return exposure{
		name:        s.Name,
		from:        from + ".iap",
		metadata:    func(name string) m { return tenantMetadata(t, name, "exposure") },
		host:        at(from+".iap.host", s.IAP.Host),
		certificate: s.IAP.Certificate,
		policy:      s.IAP.SecurityPolicy,
		staticIP:    s.IAP.StaticIP,
		healthPath:  at(from+".probe.path", s.Probe.Path),
		healthPort:  at(from+".probe.port", probePort(s)),
		// A report takes minutes: the default would cut it after 30 seconds.
		timeout: 300,
	}
}
