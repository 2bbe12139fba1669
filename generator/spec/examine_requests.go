package spec

import (
	"fmt"
	"math/big"
	"strings"

	"strake/generator/diag"
)

// What Autopilot accepts of a pod that names no compute class:
// https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests.
// The least is that of clusters whose pods may burst, which is lower.
const (
	autopilotLeastCPU     = "50m"
	autopilotLeastMemory  = "52Mi"
	autopilotMostCPU      = "30"
	autopilotMostMemory   = "110Gi"
	autopilotLeastRatio   = "1Gi" // of memory for each CPU
	autopilotMostRatio    = "6656Mi"
	autopilotLeastScratch = "10Mi"
	autopilotMostScratch  = "10Gi"
)

// What the namespace's LimitRange gives to a container that asks for nothing.
const (
	defaultCPU    = "100m"
	defaultMemory = "256Mi"
)

// part is one container of a service's pod and where its resources are written.
type part struct {
	at, what string
	r        *Resources
}

// parts are the containers of a service's pod.
func parts(at string, s *Service) []part {
	all := []part{{at + ".resources", "the service", s.Resources}}
	if s.CloudSQL != nil {
		all = append(all, part{at + ".cloudSQL.resources", "the proxy", s.CloudSQL.Resources})
	}
	return all
}

// onAutopilot holds what a service asks for against what Autopilot accepts.
// What is outside it changes by itself, so that the cluster never holds what Git
// says and Argo CD never comes to rest.
func (x *examiner) onAutopilot(at string, s *Service) {
	if !x.autopilot() || !x.settled("cluster.mode") {
		return
	}
	complete := true
	cpu, memory := new(big.Rat), new(big.Rat)
	for _, p := range parts(at, s) {
		if p.r == nil || !x.settled(p.at) {
			return
		}
		for _, least := range []struct{ name, bound, filled string }{{"cpu", autopilotLeastCPU, "500m"}, {"memory", autopilotLeastMemory, "2Gi"}} {
			asked, ok := parseQuantity(p.r.Requests[least.name])
			switch {
			case !ok:
				complete = false
				x.add(diag.Warning, ruleAutopilot, p.at, fmt.Sprintf("%s does not say how much %s it asks for", p.what, least.name),
					fmt.Sprintf("Write requests: {%s: …}. Autopilot bills what is asked for, and fills in %s where nothing has a default.", least.name, least.filled))
			case asked.Cmp(exact(least.bound)) < 0:
				complete = false
				x.report(ruleAutopilot, p.at+".requests."+least.name, fmt.Sprintf("%s asks for %s of %s", p.what, p.r.Requests[least.name], least.name),
					fmt.Sprintf("The least on Autopilot is %s: it raises what is less, and Argo CD would undo that for ever.", least.bound))
			case least.name == "cpu":
				cpu.Add(cpu, asked)
			default:
				memory.Add(memory, asked)
			}
		}
		if asked, ok := parseQuantity(p.r.Requests["ephemeral-storage"]); ok && (asked.Cmp(exact(autopilotLeastScratch)) < 0 || asked.Cmp(exact(autopilotMostScratch)) > 0) {
			x.report(ruleAutopilot, p.at+".requests.ephemeral-storage", fmt.Sprintf("%s asks for %s of ephemeral-storage", p.what, p.r.Requests["ephemeral-storage"]),
				fmt.Sprintf("Autopilot accepts %s to %s.", autopilotLeastScratch, autopilotMostScratch))
		}
	}
	if complete {
		x.podOnAutopilot(at, s, cpu, memory)
	}
}

// podOnAutopilot judges the pod as a whole.
func (x *examiner) podOnAutopilot(at string, s *Service, cpu, memory *big.Rat) {
	low, high := new(big.Rat).Mul(cpu, exact(autopilotLeastRatio)), new(big.Rat).Mul(cpu, exact(autopilotMostRatio))
	where := at + ".resources.requests"
	what := fmt.Sprintf("a pod of %s asks for %s CPU and %s of memory", s.Name, number(cpu), gibi(memory))
	switch {
	case cpu.Cmp(exact(autopilotMostCPU)) > 0 || memory.Cmp(exact(autopilotMostMemory)) > 0:
		x.report(ruleAutopilot, where, what, fmt.Sprintf("The most on Autopilot is %s CPU and %s. Ask for less, or run more replicas.", autopilotMostCPU, autopilotMostMemory))
	case memory.Cmp(low) < 0:
		x.report(ruleAutopilot, where, what, fmt.Sprintf("Autopilot wants 1 to 6.5 GiB of memory for each CPU, over all containers of the pod, and would raise memory to %s. Argo CD would undo that for ever.", gibi(low)))
	case memory.Cmp(high) > 0:
		x.report(ruleAutopilot, where, what, fmt.Sprintf("Autopilot wants 1 to 6.5 GiB of memory for each CPU, over all containers of the pod, and would raise CPU to %s. Argo CD would undo that for ever.",
			number(new(big.Rat).Quo(memory, exact(autopilotMostRatio)))))
	}
}

// serviceQuota holds what the services ask for together against the tenant's
// quota, with one pod more: a new version starts before the old one goes.
func (x *examiner) serviceQuota(tenant string, t *Tenant) {
	if len(t.Services) == 0 || !x.settled(tenant+".quota") || !x.settled(tenant+".services") {
		return
	}
	pods := int64(0)
	sums := map[string]*big.Rat{"cpu": new(big.Rat), "memory": new(big.Rat)}
	largest := map[string]*big.Rat{"cpu": new(big.Rat), "memory": new(big.Rat)}
	for i := range t.Services {
		s := &t.Services[i]
		pods += int64(s.Replicas)
		for name, filled := range map[string]string{"cpu": defaultCPU, "memory": defaultMemory} {
			one := asks(s, name, filled)
			sums[name].Add(sums[name], new(big.Rat).Mul(one, new(big.Rat).SetInt64(int64(s.Replicas))))
			if s.Replicas > 0 && one.Cmp(largest[name]) > 0 {
				largest[name] = one
			}
		}
	}
	if pods == 0 {
		return
	}
	for _, key := range sortedKeys(t.Quota) {
		total, said := new(big.Rat), ""
		switch name := strings.TrimPrefix(key, "requests."); name {
		case "cpu":
			total.Add(sums[name], largest[name])
			said = number(total)
		case "memory":
			total.Add(sums[name], largest[name])
			said = gibi(total)
		case "pods":
			total.SetInt64(pods + 1)
			said = number(total)
		default:
			continue
		}
		if hard, ok := parseQuantity(t.Quota[key]); ok && total.Cmp(hard) > 0 {
			x.report(ruleQuota, tenant+".quota."+key, fmt.Sprintf("quota %s is %s, and the services of %s need %s", key, t.Quota[key], t.Name, said),
				"That is all replicas and one pod more, which a new version needs before the old one goes. Raise the quota, or ask for less.")
		}
	}
}

// asks is how much of a resource one pod of a service asks for, over all its
// containers. One that does not say gets filled.
func asks(s *Service, name, filled string) *big.Rat {
	sum := new(big.Rat)
	for _, p := range parts("", s) {
		asked, ok := new(big.Rat), false
		if p.r != nil {
			asked, ok = parseQuantity(p.r.Requests[name])
		}
		if !ok {
			asked = exact(filled)
		}
		sum.Add(sum, asked)
	}
	return sum
}

// Asks is what one pod of a service asks for, in CPUs and in GiB of memory. The
// namespace's defaults fill in what is not said.
func (s *Service) Asks() (cpu, memory float64) {
	cpu, _ = asks(s, "cpu", defaultCPU).Float64()
	memory, _ = new(big.Rat).Quo(asks(s, "memory", defaultMemory), exact("1Gi")).Float64()
	return cpu, memory
}

// exact is a quantity that is a constant of this file.
func exact(s string) *big.Rat {
	number, ok := parseQuantity(s)
	if !ok {
		return new(big.Rat)
	}
	return number
}

// number prints a number with at most three digits after the point.
func number(r *big.Rat) string {
	text := r.FloatString(3)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// gibi prints bytes as GiB.
func gibi(bytes *big.Rat) string { return number(new(big.Rat).Quo(bytes, exact("1Gi"))) + "Gi" }
