package spec

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// The ports of a pod that the Cloud SQL proxy takes beside its own.
const (
	// ProxyHealthPort answers whether the proxy is well. It is not the proxy's
	// default, 9090, which belongs to metrics nearly everywhere.
	ProxyHealthPort = 9801
	highestPort     = 65535
)

// FilesName is the name of the ConfigMap that a service mounts at a path.
func (s *Service) FilesName(mount string) string {
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(path.Clean(mount)))
	for strings.Contains(slug, "--") {
		slug = strings.ReplaceAll(slug, "--", "-")
	}
	if slug = strings.Trim(slug, "-"); slug == "" {
		slug = "files"
	}
	return s.Name + "-" + strings.TrimRight(slug[:min(len(slug), 180)], "-")
}

// Database finds an instance of databases.
func (e *Effective) Database(name string) (Database, bool) {
	for _, d := range e.Databases {
		if d.Name == name {
			return d, true
		}
	}
	return Database{}, false
}

// services checks a tenant's long-running workloads.
func (x *examiner) services(tenant string, t *Tenant) {
	for i := range t.Services {
		s := &t.Services[i]
		at := tenant + ".services[" + s.Name + "]"
		x.serviceNames(at, t, s)
		x.image(at+".image", s.Image)
		x.envFrom(at, t, s.EnvFrom, tenant)
		x.servicePool(at, s)
		x.disruption(at, s)
		x.ports(at, s)
		x.mounts(at, s)
		x.cloudSQL(at, t, s)
		x.onAutopilot(at, s)
	}
	x.serviceQuota(tenant, t)
}

// serviceNames reports names that something else of the namespace has.
func (x *examiner) serviceNames(at string, t *Tenant, s *Service) {
	for _, p := range t.Pipelines {
		if p.Name == s.Name {
			x.report(ruleDuplicate, at+".name", fmt.Sprintf("%s is both a service and a pipeline", s.Name),
				"Their pods would have the same app.kubernetes.io/name, and a Release could not tell their images apart. Choose another name.")
		}
	}
	made := map[string]string{}
	for _, mount := range sortedKeys(s.Files) {
		name := s.FilesName(mount)
		where := at + ".files." + mount
		if _, taken := t.Config[name]; taken {
			x.report(ruleName, where, fmt.Sprintf("the files at %s become the ConfigMap %s, and config has one of that name", mount, name), "Choose another name in config.")
		}
		if earlier, twice := made[name]; twice {
			x.report(ruleName, where, fmt.Sprintf("the files at %s and at %s become ConfigMaps of one name, %s", earlier, mount, name), "Mount them at paths that differ in more than their punctuation.")
		}
		made[name] = mount
	}
}

// servicePool checks where the pods run.
func (x *examiner) servicePool(at string, s *Service) {
	p, known := x.tenantPool(at+".pool", s.Pool)
	if known && p.Spot && s.Replicas == 1 && x.settled(at+".replicas") {
		x.report(rulePool, at+".pool", fmt.Sprintf("the only replica of %s runs on the Spot pool %s", s.Name, p.Name),
			"It goes away with its node, with 15 seconds notice, and nothing answers until another has started. Name an on-demand pool, or write replicas: 2.")
	}
	if s.Resources == nil || !x.settled(at+".resources") || !x.settled(at+".pool") || known && !x.settled("cluster.nodePools["+s.Pool+"].gpu") {
		return
	}
	const gpus = "nvidia.com/gpu"
	wanted, where := s.Resources.Requests[gpus], at+".resources.requests."+gpus
	if limit, set := s.Resources.Limits[gpus]; set {
		wanted, where = limit, at+".resources.limits."+gpus
	}
	count, _ := strconv.Atoi(wanted)
	switch {
	case count > 0 && s.Pool == "":
		x.report(ruleGPU, where, "the service takes GPUs and no pool is named", fmt.Sprintf("Name a pool with gpu.count of at least %d.", count))
	case count > 0 && known && p.GPU == nil:
		x.report(ruleGPU, where, fmt.Sprintf("the service takes GPUs and pool %s has none", s.Pool), fmt.Sprintf("Name a pool with gpu.count of at least %d.", count))
	case count > 0 && known && p.GPU.Count < count:
		x.report(ruleGPU, where, fmt.Sprintf("the service takes %d GPUs and a node of pool %s has %d", count, s.Pool, p.GPU.Count), fmt.Sprintf("Name a pool with gpu.count of at least %d.", count))
	}
}

// disruption refuses a budget that no drain can ever meet.
func (x *examiner) disruption(at string, s *Service) {
	if s.Disruption == nil || s.Replicas == 0 || !x.settled(at+".disruption") || !x.settled(at+".replicas") {
		return
	}
	if d := s.Disruption; d.MinAvailable >= s.Replicas {
		detail := fmt.Sprintf("Write at most %d, or more replicas.", s.Replicas-1)
		if s.Replicas == 1 {
			detail = "Remove disruption, or write replicas: 2."
		}
		x.report(ruleValue, at+".disruption.minAvailable", fmt.Sprintf("minAvailable is %d and replicas is %d", d.MinAvailable, s.Replicas),
			"No pod could ever be taken from its node, and upgrades of the cluster would wait for it. "+detail)
	}
}

// ports checks that everything in the pod has a port of its own: its containers
// share one network.
func (x *examiner) ports(at string, s *Service) {
	type use struct {
		field, what string
		port        int
	}
	uses := []use{{at + ".port", "the service", s.Port}}
	if s.Probe != nil && s.Probe.Port != 0 {
		uses = append(uses, use{at + ".probe.port", "the probe", s.Probe.Port})
	}
	if s.CloudSQL != nil {
		uses = append(uses, use{at + ".cloudSQL.port", "the Cloud SQL proxy", s.CloudSQL.Port})
	}
	for i, u := range uses {
		switch {
		case !x.settled(u.field):
		case u.port > highestPort:
			x.report(ruleValue, u.field, fmt.Sprintf("%s is %d", lastKey(u.field), u.port), fmt.Sprintf("The highest port is %d.", highestPort))
		case s.CloudSQL == nil:
		case u.port == ProxyHealthPort:
			x.report(ruleValue, u.field, fmt.Sprintf("port %d is where the Cloud SQL proxy answers whether it is well", u.port), "Choose another port.")
		case i == len(uses)-1:
			if j := slices.IndexFunc(uses[:i], func(o use) bool { return o.port == u.port }); j >= 0 && x.settled(uses[j].field) {
				x.report(ruleValue, u.field, fmt.Sprintf("the Cloud SQL proxy and %s share port %d", uses[j].what, u.port), "The containers of a pod share one network. Choose another port for the proxy, and tell the service.")
			}
		}
	}
}

// mounts checks the directories that are laid over those of the image.
func (x *examiner) mounts(at string, s *Service) {
	type place struct{ field, dir string }
	places := []place{{"", "/tmp"}}
	add := func(field, dir string) {
		clean := path.Clean(dir)
		if !path.IsAbs(dir) || !x.settled(field) {
			return
		}
		switch {
		case slices.Contains(systemDirs(), clean) || clean == "/" || strings.HasPrefix(clean, "/proc/") || strings.HasPrefix(clean, "/sys/") || strings.HasPrefix(clean, "/dev/"):
			x.report(ruleValue, field, fmt.Sprintf("%s is a directory of the system", clean), "What is mounted hides what the image has there. Name a directory below it, or another.")
			return
		}
		for _, other := range places {
			if clean == other.dir || strings.HasPrefix(clean, other.dir+"/") || strings.HasPrefix(other.dir, clean+"/") {
				x.report(ruleValue, field, fmt.Sprintf("%s is mounted, and so is %s", clean, other.dir), "One would hide the other, or could not be mounted inside it. /tmp can be written to without being named.")
				return
			}
		}
		places = append(places, place{field, clean})
	}
	for _, mount := range sortedKeys(s.Files) {
		add(at+".files."+mount, mount)
	}
	for i, dir := range s.Writable {
		add(at+".writable["+strconv.Itoa(i)+"]", dir)
	}
}

// cloudSQL checks that the instance is declared and that the login can work.
func (x *examiner) cloudSQL(at string, t *Tenant, s *Service) {
	if s.CloudSQL == nil || !x.settled(at+".cloudSQL") {
		return
	}
	if _, known := x.e.Database(s.CloudSQL.Database); !known && x.listed("databases") {
		var names []string
		for _, d := range x.e.Databases {
			names = append(names, d.Name)
		}
		detail := "databases is empty."
		if len(names) > 0 {
			detail = "Declared: " + strings.Join(names, ", ") + "."
		}
		if guess := diag.DidYouMean(s.CloudSQL.Database, names); guess != "" {
			detail = "Did you mean " + guess + "? " + detail
		}
		x.report(ruleReference, at+".cloudSQL.database", fmt.Sprintf("database %q is not declared", s.CloudSQL.Database), detail)
	}
	account := "tenants[" + t.Name + "].serviceAccount"
	if s.CloudSQL.Login == "iam" && t.ServiceAccount.GoogleServiceAccount == "" && x.settled(account) {
		x.report(ruleReference, at+".cloudSQL", fmt.Sprintf("%s logs in by IAM, and tenant %s has no Google service account", s.Name, t.Name),
			"Users of Cloud SQL are Google service accounts: set serviceAccount.googleServiceAccount. Or write login: password, and give the service one from secrets.")
	}
}

// hosts reports two services that answer to one name, or ask for one
// certificate in the same namespace.
func (x *examiner) hosts() {
	owner := map[string]string{}
	for _, t := range x.e.Tenants {
		certificates := map[string]string{}
		for _, s := range t.Services {
			if s.IAP == nil {
				continue
			}
			at := "tenants[" + t.Name + "].services[" + s.Name + "].iap"
			if other, taken := owner[s.IAP.Host]; taken && x.settled(at+".host") {
				x.report(ruleDuplicate, at+".host", fmt.Sprintf("%s is already the host of %s", s.IAP.Host, other), "Each Ingress of GKE is a load balancer with an address of its own: give each service a name of its own.")
			}
			if other, taken := certificates[s.IAP.Certificate]; taken && x.settled(at+".certificate") {
				x.report(ruleDuplicate, at+".certificate", fmt.Sprintf("%s is already the certificate of %s", s.IAP.Certificate, other), "A certificate is made for the host of one service: choose another name.")
			}
			owner[s.IAP.Host], certificates[s.IAP.Certificate] = s.Name+" of tenant "+t.Name, s.Name
		}
	}
}

// systemDirs are directories of an image that nothing may be mounted over.
func systemDirs() []string {
	return []string{"/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/var/run"}
}
