package contracts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// autopilotPods: what Autopilot refuses in a pod, and what it changes.
// https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security
// https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests
func (r *run) autopilotPods() {
	var side []diag.Related
	autopilot := stringAt(r.in.Spec, "cluster", "mode") == "autopilot"
	for _, c := range r.clusters_ {
		autopilot = autopilot || c.autopilot
		side = append(side, related(line(c.Resource, c.Get("enable_autopilot")), "Autopilot"))
	}
	if !autopilot {
		return
	}
	for _, p := range r.pods() {
		for _, f := range refused(p) {
			r.finding("autopilot-refused", diag.Error, p.Object, f.path, p.title()+" "+f.what+", which Autopilot refuses", f.detail, side...)
		}
		if _, class := p.selector["cloud.google.com/compute-class"]; !class && !p.asksGPU() && p.Name == "" || p.Name != "" && !class && !p.asksGPU() {
			r.autopilotResources(p, side)
		}
	}
}

// breach is one thing that a pod may not have.
type breach struct {
	path         manifest.Path
	what, detail string
}

func refused(p *pod) []breach {
	var out []breach
	add := func(what, detail string, steps ...manifest.Step) {
		out = append(out, breach{p.At(steps...), what, detail})
	}
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if p.Spec[field] == true {
			add("sets "+field, "Take it out: pods of Autopilot do not share the node's namespaces.", manifest.Step{Key: field})
		}
	}
	const metadata = "iam.gke.io/gke-metadata-server-enabled"
	if _, ok := p.selector[metadata]; ok {
		out = append(out, breach{p.at("nodeSelector", manifest.Step{Key: metadata}), "selects " + metadata, "Take it out: every node of Autopilot has the metadata server."})
	}
	volumes, _ := p.Spec["volumes"].([]any)
	for i, item := range volumes {
		m, _ := item.(map[string]any)
		at := stringAt(m, "hostPath", "path")
		if at != "" && !strings.HasPrefix(at, "/var/log") {
			add("mounts "+at+" of the node", "Use an emptyDir or a PersistentVolumeClaim; of a node, only /var/log may be read.", manifest.Step{Key: "volumes"}, manifest.Step{Index: i, Name: stringAt(m, "name")})
		}
	}
	for _, c := range p.Containers() {
		security := mapAt(c.Fields, "securityContext")
		if security["privileged"] == true {
			add("has the privileged container "+c.Name, "Take privileged out.", append(slices.Clone(c.Spec), manifest.Step{Key: "securityContext"}, manifest.Step{Key: "privileged"})...)
		}
		added, _ := mapAt(security, "capabilities")["add"].([]any)
		for i, item := range added {
			if name, _ := item.(string); !slices.Contains(allowedCapabilities(), name) {
				add(fmt.Sprintf("adds the capability %s to %s", name, c.Name), "Take it out: Autopilot allows "+diag.OneOf(allowedCapabilities())+".",
					append(slices.Clone(c.Spec), manifest.Step{Key: "securityContext"}, manifest.Step{Key: "capabilities"}, manifest.Step{Key: "add"}, manifest.Step{Index: i})...)
			}
		}
	}
	return out
}

// allowedCapabilities: https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security#linux_capabilities
func allowedCapabilities() []string {
	return []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "SYS_PTRACE"}
}

// autopilotResources: what lies outside of the ranges is changed when the pod is
// made, so that it is never what Git says.
func (r *run) autopilotResources(p *pod, side []diag.Related) {
	var cpu, memory float64
	whole := true
	for _, c := range p.Containers() {
		if c.List == "ephemeralContainers" || c.List == "initContainers" && stringAt(c.Fields, "restartPolicy") != "Always" {
			continue
		}
		at := p.At(append(slices.Clone(c.Spec), manifest.Step{Key: "resources"})...)
		resources := mapAt(c.Fields, "resources")
		asked := map[string]float64{}
		for _, name := range []string{"cpu", "memory"} {
			amount, ok := quantity(mapAt(resources, "requests")[name])
			if !ok {
				amount, ok = quantity(mapAt(resources, "limits")[name])
			}
			if ok {
				asked[name] = amount
			}
		}
		if len(asked) < 2 {
			whole = false
			r.finding("autopilot-requests", diag.Warning, p.Object, at,
				fmt.Sprintf("the container %s of %s does not request both cpu and memory", c.Name, p.title()),
				"Request both: Autopilot fills in 500m and 2Gi, which is paid for, and the pod is no longer what Git says.", side...)
			continue
		}
		cpu, memory = cpu+asked["cpu"], memory+asked["memory"]
	}
	if !whole || cpu == 0 {
		return
	}
	const gib = 1 << 30
	ratio := memory / gib / cpu
	var problem string
	switch {
	case cpu < 0.05 || memory < 52<<20:
		problem = "less than 50m of cpu or 52Mi of memory"
	case cpu > 30 || memory > 110*gib:
		problem = "more than 30 cpu or 110Gi of memory"
	case ratio < 1-1e-9 || ratio > 6.5+1e-9:
		problem = fmt.Sprintf("%s GiB of memory for each cpu, and not 1 to 6.5", strconv.FormatFloat(ratio, 'f', 2, 64))
	default:
		return
	}
	r.finding("autopilot-resources", diag.Error, p.Object, p.At(manifest.Step{Key: "containers"}),
		fmt.Sprintf("%s requests %s", p.title(), problem),
		"Request what Autopilot gives: it changes requests outside of its ranges, and Argo CD then sees a difference for ever. A compute class has other ranges.", side...)
}

// quantity reads an amount as Kubernetes writes it.
func quantity(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		end := strings.LastIndexAny(v, "0123456789.")
		number, err := strconv.ParseFloat(v[:end+1], 64)
		factor, ok := map[string]float64{
			"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
			"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
		}[v[end+1:]]
		return number * factor, err == nil && ok
	default:
		return 0, false
	}
}
