package kube

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// securityCheck is one control of the Pod Security Standards with the fields it
// is about.
type securityCheck struct {
	policy.Check
	// pod and container are the field to set, in the pod spec and in a container.
	pod, container []string
}

// securityChecks pairs the controls of the admission plugin with fields. A
// control without an entry is reported at the pod or container.
func securityChecks() []securityCheck {
	sc := func(field ...string) []string { return append([]string{"securityContext"}, field...) }
	fields := map[policy.CheckID]securityCheck{
		"allowPrivilegeEscalation":  {container: sc("allowPrivilegeEscalation")},
		"appArmorProfile":           {pod: sc("appArmorProfile"), container: sc("appArmorProfile")},
		"capabilities_baseline":     {container: sc("capabilities", "add")},
		"capabilities_restricted":   {container: sc("capabilities")},
		"hostPorts":                 {container: []string{"ports"}},
		"privileged":                {container: sc("privileged")},
		"procMount":                 {container: sc("procMount")},
		"runAsNonRoot":              {pod: sc("runAsNonRoot"), container: sc("runAsNonRoot")},
		"runAsUser":                 {pod: sc("runAsUser"), container: sc("runAsUser")},
		"seLinuxOptions":            {pod: sc("seLinuxOptions"), container: sc("seLinuxOptions")},
		"seccompProfile_baseline":   {pod: sc("seccompProfile"), container: sc("seccompProfile")},
		"seccompProfile_restricted": {pod: sc("seccompProfile"), container: sc("seccompProfile")},
		"sysctls":                   {pod: sc("sysctls")},
		"windowsHostProcess":        {pod: sc("windowsOptions"), container: sc("windowsOptions")},
	}
	var out []securityCheck
	for _, c := range policy.DefaultChecks() {
		entry := fields[c.ID]
		entry.Check = c
		out = append(out, entry)
	}
	return out
}

// podSecurity judges a pod at the level that its namespace enforces. A
// namespace without the label enforces nothing; its pods are held to baseline,
// as a warning.
func (c *Checker) podSecurity(p *pod, namespace *manifest.Object) diag.List {
	metadata, _ := namespace.Fields["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	enforce, labelled := labels[psa.EnforceLevelLabel].(string)
	level, err := psa.ParseLevel(enforce)
	severity, because := diag.Error, fmt.Sprintf("namespace %s enforces Pod Security level %s", namespace.Name, level)
	switch {
	case labelled && err != nil:
		return nil // a finding of the Namespace itself
	case !labelled:
		level, severity = psa.LevelBaseline, diag.Warning
		because = fmt.Sprintf("namespace %s has no %s label, and this breaks even level baseline", namespace.Name, psa.EnforceLevelLabel)
	}
	version := psa.LatestVersion()
	if text, ok := labels[psa.EnforceVersionLabel].(string); ok {
		if v, err := psa.ParseVersion(text); err == nil {
			version = v
		}
	}
	var findings diag.List
	for _, control := range c.controls(level, version) {
		for _, v := range p.violations(control) {
			d := p.Object.Finding("pod-security", severity, v.at, v.summary, v.advice+because+".")
			if r, _ := namespace.Locate(namespace.At("metadata", "labels", psa.EnforceLevelLabel)); !r.IsZero() {
				d.Related = append(d.Related, diag.Related{Range: r, Message: "the level is set here"})
			}
			findings = append(findings, d)
		}
	}
	return findings
}

// levelLabels judges the labels of a Namespace. The admission plugin takes a
// level that it does not know for restricted, and refuses to set it.
func levelLabels(o *manifest.Object) diag.List {
	metadata, _ := o.Fields["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	var findings diag.List
	for _, mode := range []struct{ level, version string }{
		{psa.EnforceLevelLabel, psa.EnforceVersionLabel}, {psa.AuditLevelLabel, psa.AuditVersionLabel}, {psa.WarnLevelLabel, psa.WarnVersionLabel},
	} {
		verb, _, _ := strings.Cut(strings.TrimPrefix(mode.level, "pod-security.kubernetes.io/"), "-")
		if text, ok := labels[mode.level].(string); ok {
			if _, err := psa.ParseLevel(text); err != nil {
				findings = append(findings, o.Finding("pod-security-label", diag.Error, o.At("metadata", "labels", mode.level),
					fmt.Sprintf("namespace %s %ss the Pod Security level %q, which does not exist", o.Name, verb, text), "Write privileged, baseline or restricted."))
			}
		}
		if text, ok := labels[mode.version].(string); ok {
			if _, err := psa.ParseVersion(text); err != nil {
				findings = append(findings, o.Finding("pod-security-label", diag.Error, o.At("metadata", "labels", mode.version),
					fmt.Sprintf("namespace %s %ss the Pod Security version %q, which is none", o.Name, verb, text), "Write latest, or a version such as v1.33."))
			}
		}
	}
	return findings
}

// control is a check at one version of the standards.
type control struct {
	securityCheck
	run policy.CheckPodFn
}

// controls selects what a level asks for at a version: restricted includes
// baseline, save for what it overrides.
func (c *Checker) controls(level psa.Level, version psa.Version) []control {
	if level == psa.LevelPrivileged {
		return nil
	}
	var out []control
	var overridden []policy.CheckID
	for _, s := range c.security {
		if s.Level == psa.LevelRestricted && level != psa.LevelRestricted {
			continue
		}
		for _, v := range slices.Backward(s.Versions) {
			if !version.Older(v.MinimumVersion) {
				out = append(out, control{s, v.CheckPod})
				overridden = append(overridden, v.OverrideCheckIDs...)
				break
			}
		}
	}
	return slices.DeleteFunc(out, func(x control) bool { return slices.Contains(overridden, x.ID) })
}

// violation is one thing to set.
type violation struct {
	at              manifest.Path
	summary, advice string
}

// violations runs one control on the whole pod, and where it fails, on its parts
// to find which of them is at fault: the plugin answers in prose.
func (p *pod) violations(c control) []violation {
	if whole := c.run(&p.meta, &p.spec); whole.Allowed {
		return nil
	}
	var out []violation
	if bare := c.run(&p.meta, p.single(-1)); !bare.Allowed {
		return p.podViolations(c, bare)
	}
	for i, ctr := range p.containers() {
		result := c.run(&p.meta, p.single(i))
		if result.Allowed {
			continue
		}
		v := violation{summary: text(result), at: p.at(ctr.spec, c.container...)}
		if len(ctr.spec) == 0 {
			v.at = p.at(nil, "securityContext")
			v.summary = "the wait container that Argo adds breaks it: " + v.summary
			v.advice = "Set executor.securityContext in the workflow controller's configuration, or the pod's securityContext; "
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		whole := c.run(&p.meta, &p.spec)
		out = append(out, violation{summary: text(whole), at: p.Path})
	}
	return out
}

// podViolations places a violation of the pod itself.
func (p *pod) podViolations(c control, result policy.CheckResult) []violation {
	one := func(path manifest.Path) []violation { return []violation{{summary: text(result), at: path}} }
	switch c.ID {
	case "hostNamespaces":
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			if set, _ := p.Spec[field].(bool); set {
				return one(p.at(nil, field))
			}
		}
	case "hostPathVolumes", "restrictedVolumes":
		return p.volumeViolations(c)
	}
	if len(c.pod) > 0 {
		return one(p.at(nil, c.pod...))
	}
	return one(p.Path)
}

// volumeViolations names each volume that is at fault.
func (p *pod) volumeViolations(c control) []violation {
	var out []violation
	for i := range p.spec.Volumes {
		spec := corev1.PodSpec{Volumes: p.spec.Volumes[i : i+1]}
		if result := c.run(&p.meta, &spec); !result.Allowed {
			at := manifest.Path{{Key: "volumes"}, {Index: i, Name: p.spec.Volumes[i].Name}}
			out = append(out, violation{summary: text(result), at: p.At(at...)})
		}
	}
	return out
}

// text joins the plugin's reason and detail into one fact.
func text(r policy.CheckResult) string {
	if r.ForbiddenDetail == "" {
		return r.ForbiddenReason
	}
	return r.ForbiddenReason + ": " + r.ForbiddenDetail
}
