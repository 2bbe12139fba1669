package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// autopilot reports whether the cluster has no node pools to name.
func (x *examiner) autopilot() bool { return x.e.Cluster.Mode == "autopilot" }

// nodePools checks the pools themselves.
func (x *examiner) nodePools() {
	pools := x.e.Cluster.NodePools
	if !x.settled("cluster.mode") {
		return
	}
	if x.autopilot() {
		if len(pools) > 0 {
			x.report(rulePool, "cluster.nodePools", "an Autopilot cluster has no node pools of its own", "Write nodePools: null in this environment, or mode: standard.")
		}
		return
	}
	spot := 0
	for _, p := range pools {
		at := "cluster.nodePools[" + p.Name + "]"
		if p.Spot {
			spot++
		}
		if p.Max > 0 && p.Min > p.Max {
			x.report(ruleValue, at+".max", fmt.Sprintf("max is %d and min is %d", p.Max, p.Min), "Write max no less than min.")
		}
		for _, key := range sortedKeys(p.Labels) {
			x.ownedKey(at+".labels."+key, "label", key)
		}
		for i, taint := range p.Taints {
			x.ownedKey(at+".taints["+strconv.Itoa(i)+"].key", "taint", taint.Key)
		}
	}
	if len(pools) > 0 && spot == len(pools) && x.settled("cluster.nodePools") {
		x.report(rulePool, "cluster.nodePools", "every node pool is Spot", "The controllers and kube-system then go away with a node. Add an on-demand pool.")
	}
}

// ownedKey refuses labels and taints that GKE sets by itself: written by hand
// they lie as soon as the pool changes.
func (x *examiner) ownedKey(path, what, key string) {
	domain, _, found := strings.Cut(key, "/")
	owned := found && (domain == "cloud.google.com" || domain == "nvidia.com" ||
		domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io") || domain == "k8s.io" || strings.HasSuffix(domain, ".k8s.io"))
	if !owned {
		return
	}
	detail := "Choose a key of your own."
	switch key {
	case spotKey:
		detail = "Write spot: true."
	case gpuTypeKey, gpuTaintKey:
		detail = "Write gpu: {type: …}."
	}
	x.report(ruleName, path, fmt.Sprintf("%s %s belongs to GKE or Kubernetes", what, key), detail)
}

// pool checks a reference to a node pool and returns the pool.
func (x *examiner) pool(path, name string) (NodePool, bool) {
	if name == "" || !x.settled(path) || !x.listed("cluster.nodePools") || !x.settled("cluster.mode") {
		return NodePool{}, false
	}
	if x.autopilot() {
		x.report(rulePool, path, fmt.Sprintf("pool %s is named, and Autopilot has no node pools", name), "Write null in this environment: Autopilot finds nodes by itself.")
		return NodePool{}, false
	}
	if p, ok := x.e.Pool(name); ok {
		return p, true
	}
	var names []string
	for _, p := range x.e.Cluster.NodePools {
		names = append(names, p.Name)
	}
	detail := "cluster.nodePools is empty."
	if len(names) > 0 {
		detail = "Declared: " + strings.Join(names, ", ") + "."
	}
	if guess := diag.DidYouMean(name, names); guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	x.report(rulePool, path, fmt.Sprintf("node pool %q is not declared", name), detail)
	return NodePool{}, false
}

// spot checks where workflow pods and controllers run.
func (x *examiner) spot() {
	if x.runs() {
		const at = "workflows.controller.pool"
		if p, ok := x.pool(at, x.e.Workflows.Controller.Pool); ok && p.Spot {
			x.report(rulePool, at, fmt.Sprintf("the controller runs on the Spot pool %s", p.Name), "When its node goes away, no workflow moves on. Name an on-demand pool.")
		}
	}
	s := x.e.Spot
	if s == nil {
		return
	}
	x.pool("spot.pool", s.Pool)
	if p, ok := x.pool("spot.fallback", s.Fallback); ok {
		switch {
		case s.Pool == "":
			x.report(rulePool, "spot.fallback", "a fallback is named without spot.pool", "Name the pool that it stands in for.")
		case p.Spot:
			x.report(rulePool, "spot.fallback", fmt.Sprintf("the fallback %s is a Spot pool", p.Name), "It is there for when no Spot node can be had. Name an on-demand pool.")
		}
	}
	x.retry("spot.retry", &s.Retry)
}

// retry checks that a backoff can grow.
func (x *examiner) retry(path string, r *Retry) {
	if r == nil || !x.settled(path) {
		return
	}
	first, err := ParseDuration(r.Backoff.Duration)
	limit, capErr := ParseDuration(r.Backoff.Cap)
	if err == nil && capErr == nil && limit < first {
		x.report(ruleValue, path+".backoff.cap", fmt.Sprintf("cap %s is shorter than the first wait of %s", r.Backoff.Cap, r.Backoff.Duration), "cap is the longest wait between two tries.")
	}
}

// cost checks that what is used is there, and that a month can hold it.
func (x *examiner) cost() {
	c := x.e.Cost
	if c == nil || !x.settled("cost") {
		return
	}
	hours := func(at string, n int) {
		if n > HoursInMonth {
			x.report(ruleValue, at, fmt.Sprintf("%s is %d", lastKey(at), n), fmt.Sprintf("A month has %d hours.", HoursInMonth))
		}
	}
	hours("cost.hoursPerMonth", c.HoursPerMonth)
	for _, name := range sortedKeys(c.Pools) {
		at := "cost.pools." + name
		x.pool(at, name)
		hours(at+".hours", c.Pools[name].Hours)
		if c.HoursPerMonth > 0 && c.Pools[name].Hours > c.HoursPerMonth && c.HoursPerMonth <= HoursInMonth {
			x.report(ruleValue, at+".hours", fmt.Sprintf("pool %s runs for %d hours, and the cluster for %d", name, c.Pools[name].Hours, c.HoursPerMonth), "No node outlives its cluster.")
		}
	}
}

// tenantPool checks a pool that a tenant names: it must exist, and be open to
// tenants.
func (x *examiner) tenantPool(path, name string) (NodePool, bool) {
	p, ok := x.pool(path, name)
	if !ok || x.limits == nil || len(x.limits.Pools) == 0 || slices.Contains(x.limits.Pools, name) {
		return p, ok
	}
	x.report(ruleLimits, path, fmt.Sprintf("pool %s is not open to tenants", name), "tenantLimits.pools allows "+strings.Join(x.limits.Pools, ", ")+".")
	return p, ok
}

// gpu checks that a task's pool has what it takes.
func (x *examiner) gpu(path string, task *Task, pool string, known bool, p NodePool) {
	if task.GPU == 0 || !x.settled(path+".gpu") {
		return
	}
	if known && !x.settled("cluster.nodePools["+pool+"].gpu") {
		return
	}
	want := fmt.Sprintf("Name a pool with gpu.count of at least %d.", task.GPU)
	switch {
	case x.autopilot(), pool == "":
		x.report(ruleGPU, path+".gpu", "the task takes GPUs and no pool is named", want)
	case known && p.GPU == nil:
		x.report(ruleGPU, path+".gpu", fmt.Sprintf("the task takes GPUs and pool %s has none", pool), want)
	case known && p.GPU.Count < task.GPU:
		x.report(ruleGPU, path+".gpu", fmt.Sprintf("the task takes %d GPUs and a node of pool %s has %d", task.GPU, pool, p.GPU.Count), want)
	}
}
