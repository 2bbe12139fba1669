package argo

import (
	"maps"
	"slices"
	"strings"
)

// circle writes one circle of dependencies: ": a → b → a".
func circle(template map[string]any) string {
	after := map[string][]string{}
	tasks := tasksOf(template)
	for _, t := range tasks {
		name, _ := t["name"].(string)
		list, _ := t["dependencies"].([]any)
		for _, d := range list {
			if text, ok := d.(string); ok {
				after[name] = append(after[name], text)
			}
		}
		depends, _ := t["depends"].(string)
		for _, o := range tasks {
			if other, _ := o["name"].(string); other != "" && mentions(depends, other) {
				after[name] = append(after[name], other)
			}
		}
	}
	for _, start := range slices.Sorted(maps.Keys(after)) {
		if way := wayBack(after, start, start, map[string]bool{}); way != nil {
			return ": " + strings.Join(append([]string{start}, way...), " → ")
		}
	}
	return ""
}

func wayBack(after map[string][]string, from, to string, seen map[string]bool) []string {
	for _, next := range after[from] {
		if next == to {
			return []string{to}
		}
		if seen[next] {
			continue
		}
		seen[next] = true
		if rest := wayBack(after, next, to, seen); rest != nil {
			return append([]string{next}, rest...)
		}
	}
	return nil
}
