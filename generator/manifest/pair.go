package manifest

import (
	"slices"
	"strings"
)

// pair is an item before and the item it became; -1 where there is none.
type pair struct {
	before, after int
}

// pairKeys are the fields by which Kubernetes tells the items of a list apart,
// in the order in which they are tried. All items must have the fields, and no
// two the same values.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
var pairKeys = [][]string{
	{"name"},                             // containers, env, volumes, templates, tasks, parameters, artifacts
	{"containerPort", "protocol"},        // ports of a container
	{"port", "protocol"},                 // ports of a Service
	{"mountPath"},                        // volumeMounts
	{"devicePath"},                       // volumeDevices
	{"topologyKey", "whenUnsatisfiable"}, // topologySpreadConstraints
	{"ip"},                               // hostAliases
	{"type"},                             // conditions
	{"kind", "name", "namespace"},        // subjects
	{"secretKey"},                        // data of an ExternalSecret
	{"key", "operator", "effect"},        // tolerations
	{"name", "template"},                 // steps
}

// pairItems pairs the items of two lists: by the keys of the list where it has
// some, else by their content with the longest common subsequence.
func pairItems(before, after []any) []pair {
	for _, keys := range pairKeys {
		old, ok := keysOf(before, keys)
		if !ok {
			continue
		}
		current, ok := keysOf(after, keys)
		if !ok {
			continue
		}
		return pairByKey(old, current)
	}
	return pairByContent(before, after)
}

// keysOf returns the key of each item; ok is false where the fields do not tell
// all items apart.
func keysOf(items []any, fields []string) ([]string, bool) {
	out := make([]string, 0, len(items))
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		m, isMap := item.(map[string]any)
		if !isMap {
			return nil, false
		}
		var parts []string
		found := false
		for _, f := range fields {
			value, has := m[f]
			found = found || has
			if !has && f == "protocol" {
				value = "TCP" // the API server's default
			}
			switch value.(type) {
			case map[string]any, []any:
				return nil, false
			}
			parts = append(parts, canonical(value))
		}
		key := strings.Join(parts, "\x00")
		if !found || m[fields[0]] == nil || seen[key] {
			return nil, false
		}
		seen[key] = true
		out = append(out, key)
	}
	return out, true
}

func pairByKey(before, after []string) []pair {
	at := make(map[string]int, len(after))
	for i, key := range after {
		at[key] = i
	}
	var pairs []pair
	paired := make(map[int]bool, len(after))
	for i, key := range before {
		j, stays := at[key]
		if !stays {
			pairs = append(pairs, pair{i, -1})
			continue
		}
		paired[j] = true
		pairs = append(pairs, pair{i, j})
	}
	for j := range after {
		if !paired[j] {
			pairs = append(pairs, pair{-1, j})
		}
	}
	return pairs
}

// maxTable bounds the work of comparing two lists without keys.
const maxTable = 4_000_000

// pairByContent keeps equal items together and pairs what is left between them
// in order: an item in the middle that goes away is one change, not a change of
// every item after it.
func pairByContent(before, after []any) []pair {
	old, current := texts(before), texts(after)
	var pairs []pair
	i, j := 0, 0
	flush := func(toI, toJ int) {
		removed, added := toI-i, toJ-j
		if removed == added {
			for ; i < toI; i, j = i+1, j+1 {
				pairs = append(pairs, pair{i, j})
			}
			return
		}
		for ; i < toI; i++ {
			pairs = append(pairs, pair{i, -1})
		}
		for ; j < toJ; j++ {
			pairs = append(pairs, pair{-1, j})
		}
	}
	for _, match := range commonItems(old, current) {
		flush(match.before, match.after)
		pairs = append(pairs, match)
		i, j = match.before+1, match.after+1
	}
	flush(len(old), len(current))
	return pairs
}

func texts(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = canonical(item)
	}
	return out
}

// commonItems is the longest common subsequence; for lists too long for that,
// what they share at their start and end.
func commonItems(a, b []string) []pair {
	var head, tail []pair
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		head = append(head, pair{start, start})
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
		tail = append(tail, pair{endA, endB})
	}
	slices.Reverse(tail)
	middle := []pair(nil)
	if n, m := endA-start, endB-start; n > 0 && m > 0 && n*m <= maxTable {
		middle = subsequence(a[start:endA], b[start:endB], start)
	}
	return slices.Concat(head, middle, tail)
}

func subsequence(a, b []string, offset int) []pair {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i, v := range slices.Backward(a) {
		for j := len(b) - 1; j >= 0; j-- {
			if v == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var out []pair
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, pair{i + offset, j + offset})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// reordered reports whether the items of a list that were paired stand in
// another order now. That matters where order has a meaning: initContainers
// run one after another, and env may refer to what comes before.
func reordered(pairs []pair) bool {
	last := -1
	var order []pair
	for _, p := range pairs {
		if p.before >= 0 && p.after >= 0 {
			order = append(order, p)
		}
	}
	slices.SortFunc(order, func(a, b pair) int { return a.before - b.before })
	for _, p := range order {
		if p.after < last {
			return true
		}
		last = p.after
	}
	return false
}

// names lists the items of a list by name, to show their order.
func names(items []any) any {
	out := make([]any, 0, len(items))
	for _, item := range items {
		m, _ := item.(map[string]any)
		name, ok := m["name"].(string)
		if !ok {
			name = canonicalKey(m)
		}
		out = append(out, name)
	}
	return out
}

// canonicalKey names an item that has no name by the fields that tell it apart.
func canonicalKey(m map[string]any) string {
	for _, keys := range pairKeys {
		var parts []string
		for _, key := range keys {
			if value := plain(m[key]); value != "" {
				parts = append(parts, value)
			}
		}
		if len(parts) == len(keys) {
			return strings.Join(parts, "/")
		}
	}
	return "item"
}
