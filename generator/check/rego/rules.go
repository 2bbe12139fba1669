package rego

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"strake/generator/diag"
)

// rulesPrefix is where packages lie that see a whole environment.
const rulesPrefix = "data.strake.rules."

// conftestRule matches the names that conftest evaluates.
var conftestRule = regexp.MustCompile(`^(deny|violation|warn)(_[a-zA-Z0-9_]+)?$`)

// RuleInfo is what the METADATA of a rule says.
type RuleInfo struct {
	Slug        string
	Severity    diag.Severity
	Title       string
	Description string
	// Range is the package or the rule in the policies.
	Range diag.Range

	ref    string // what to evaluate: data.strake.rules.x.findings, data.main.deny
	suffix string // of a conftest rule's name: what an exception names
	own    bool   // below strake.rules
}

// rulesOf lists the rules of all modules, sorted by slug. What METADATA leaves
// out is filled in; what is wrong there is a finding.
func rulesOf(modules map[string]*ast.Module) ([]RuleInfo, diag.List) {
	known := map[string]RuleInfo{}
	var findings diag.List
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		module := modules[file]
		pkg := module.Package.Path.String()
		for _, rule := range module.Rules {
			info, is := ruleInfo(module, pkg, rule)
			if !is {
				continue
			}
			annotated, bad := annotate(&info, annotationsOf(module, rule, info.own))
			findings = append(findings, bad...)
			if before, seen := known[info.ref]; !seen || (annotated && before.Title == "") {
				known[info.ref] = info
			}
		}
	}
	return slices.SortedFunc(maps.Values(known), func(a, b RuleInfo) int {
		return cmp.Or(cmp.Compare(a.Slug, b.Slug), cmp.Compare(a.ref, b.ref))
	}), findings
}

// ruleInfo tells whether a rule is one to evaluate, and names it.
func ruleInfo(module *ast.Module, pkg string, rule *ast.Rule) (RuleInfo, bool) {
	name := string(rule.Head.Ref()[0].Value.(ast.Var))
	if inner, own := strings.CutPrefix(pkg, rulesPrefix); own {
		return RuleInfo{
			Slug: strings.ReplaceAll(inner, "_", "-"), Severity: diag.Error,
			Range: rangeOf("", module.Package.Location), ref: pkg + ".findings", own: true,
		}, name == "findings"
	}
	match := conftestRule.FindStringSubmatch(name)
	if match == nil || pkg == "data.strake" || strings.HasPrefix(pkg, "data.strake.") || len(rule.Head.Args) > 0 {
		return RuleInfo{}, false
	}
	severity := diag.Error
	if match[1] == "warn" {
		severity = diag.Warning
	}
	return RuleInfo{
		Slug: strings.TrimPrefix(pkg, "data.") + "." + name, Severity: severity,
		Range: rangeOf("", rule.Location), ref: pkg + "." + name, suffix: strings.TrimPrefix(match[2], "_"),
	}, true
}

// annotationsOf returns the METADATA of a rule: the package's for ours, the
// rule's own for conftest's.
func annotationsOf(module *ast.Module, rule *ast.Rule, own bool) *ast.Annotations {
	for _, a := range module.Annotations {
		if own && a.Scope == "package" {
			return a
		}
	}
	if own {
		return nil
	}
	for _, a := range rule.Annotations {
		if a.Scope == "rule" || a.Scope == "document" {
			return a
		}
	}
	return nil
}

// annotate fills in what METADATA says.
func annotate(info *RuleInfo, a *ast.Annotations) (bool, diag.List) {
	if a == nil {
		return false, nil
	}
	info.Title, info.Description = a.Title, strings.TrimSpace(a.Description)
	var findings diag.List
	if v, given := a.Custom["severity"]; given {
		severity, err := diag.ParseSeverity(fmt.Sprint(v))
		if err != nil {
			findings = append(findings, compileFinding(rangeOf("", a.Location), "METADATA of "+info.Slug+": "+err.Error()))
		} else {
			info.Severity = severity
		}
	}
	if slug, ok := a.Custom["slug"].(string); ok && slug != "" {
		info.Slug = slug
	}
	return true, findings
}

// environmentRules are those that see the whole environment.
func environmentRules(rules []RuleInfo) []RuleInfo {
	return slices.DeleteFunc(slices.Clone(rules), func(r RuleInfo) bool { return !r.own })
}

// conftestRules are those that see one object, and the expression that lists
// the exceptions of their packages.
func conftestRules(rules []RuleInfo, modules map[string]*ast.Module) ([]RuleInfo, string) {
	chosen := slices.DeleteFunc(slices.Clone(rules), func(r RuleInfo) bool { return r.own })
	packages := map[string]bool{}
	for _, m := range modules {
		for _, rule := range m.Rules {
			if name, ok := rule.Head.Ref()[0].Value.(ast.Var); ok && name == "exception" && !strings.HasPrefix(m.Package.Path.String(), "data.strake") {
				packages[m.Package.Path.String()] = true
			}
		}
	}
	var parts []string
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		parts = append(parts, fmt.Sprintf("%q: [name | some names in %s.exception; some name in names]", pkg, pkg))
	}
	if len(parts) == 0 {
		return chosen, ""
	}
	return chosen, "{" + strings.Join(parts, ", ") + "}"
}
