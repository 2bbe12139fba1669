package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/diag"
)

// applies are commands that change a cluster, or log in to one.
var applies = regexp.MustCompile(`(?:^|[\s;&|(])(kubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*?(?:apply|create|replace|patch|delete|edit|scale|rollout\s+restart|set\s+image)|helm\s+(?:upgrade|install|uninstall)|helmfile\s+(?:apply|sync)|gcloud\s+container\s+clusters\s+get-credentials)\b`)

// logsIn are actions that give a workflow a cluster's credentials.
var logsIn = regexp.MustCompile(`^(google-github-actions/get-gke-credentials|azure/aks-set-context|azure/k8s-deploy|azure/k8s-set-context)@`)

// throwaway are the ways to a cluster that lives no longer than the job.
var throwaway = regexp.MustCompile(`(?i)(^|[\s/_-])(kind-action|setup-kind|kind\s+create|k3d|k3s|minikube|setup-minikube|microk8s)\b`)

// Pipelines finds workflows of GitHub Actions that change a cluster beside Argo
// CD, which undoes it, or does not know of it. It is for repositories that Argo
// CD delivers.
func Pipelines(r Repository) diag.List {
	if r.Files == nil || r.Read == nil {
		return nil
	}
	var findings diag.List
	for _, file := range r.Files() {
		if path.Dir(file) != ".github/workflows" || (path.Ext(file) != ".yaml" && path.Ext(file) != ".yml") {
			continue
		}
		data, ok := r.Read(file)
		var doc yaml.Node
		if !ok || yaml.Unmarshal(data, &doc) != nil {
			continue // GitHub says so
		}
		if root := &doc; len(root.Content) > 0 {
			walkSteps(child(root.Content[0], "jobs"), func(step *yaml.Node) { findings = append(findings, judgeStep(file, step)...) })
		}
	}
	return findings
}

// child is the value of a key.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// walkSteps calls do for each step of each job.
func walkSteps(jobs *yaml.Node, do func(*yaml.Node)) {
	if jobs == nil || jobs.Kind != yaml.MappingNode {
		return
	}
	for i := 1; i < len(jobs.Content); i += 2 {
		steps := child(jobs.Content[i], "steps")
		if steps == nil || steps.Kind != yaml.SequenceNode {
			continue
		}
		if slices.ContainsFunc(steps.Content, local) {
			continue // what it changes is its own
		}
		for _, step := range steps.Content {
			do(step)
		}
	}
}

// local reports whether a step makes a cluster for its job alone.
func local(step *yaml.Node) bool {
	for _, key := range []string{"uses", "run"} {
		if n := child(step, key); n != nil && throwaway.MatchString(n.Value) {
			return true
		}
	}
	return false
}

// judgeStep judges one step of a job.
func judgeStep(file string, step *yaml.Node) diag.List {
	finding := func(line, column int, what string) diag.Diagnostic {
		return diag.Diagnostic{
			Rule: "ci-applies", Severity: diag.Warning, Range: diag.Range{Path: file, Start: diag.Pos{Line: line, Column: column}},
			Summary: "the workflow changes the cluster by itself: " + what,
			Detail:  "Argo CD undoes it, or never knows of it, and whoever may change the workflow has the cluster's credentials. Let the workflow check and open a pull request, and Argo CD apply.",
		}
	}
	if uses := child(step, "uses"); uses != nil {
		if m := logsIn.FindStringSubmatch(uses.Value); m != nil {
			return diag.List{finding(uses.Line, uses.Column, "it uses "+m[1])}
		}
	}
	run := child(step, "run")
	if run == nil || run.Kind != yaml.ScalarNode {
		return nil
	}
	block := run.Style == yaml.LiteralStyle || run.Style == yaml.FoldedStyle
	line := 0
	for text := range strings.Lines(run.Value) {
		line++
		if strings.HasPrefix(strings.TrimSpace(text), "#") || strings.Contains(text, "--dry-run") {
			continue
		}
		m := applies.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		what := fmt.Sprintf("it runs %s", strings.Join(strings.Fields(m[1]), " "))
		if block {
			return diag.List{finding(run.Line+line, 1, what)}
		}
		return diag.List{finding(run.Line, run.Column, what)}
	}
	return nil
}
