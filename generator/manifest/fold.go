package manifest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Folded is a change with the environments in which it is the same.
type Folded struct {
	Change
	Environments []string // sorted
}

// Fold puts together the changes that are equal in several environments, in the
// order of Diff.
func Fold(changes map[string][]Change) []Folded {
	index := make(map[string]int)
	var out []Folded
	for _, environment := range slices.Sorted(maps.Keys(changes)) {
		for _, c := range changes[environment] {
			key := c.key()
			if at, known := index[key]; known {
				out[at].Environments = append(out[at].Environments, environment)
				continue
			}
			index[key] = len(out)
			out = append(out, Folded{Change: c, Environments: []string{environment}})
		}
	}
	for i := range out {
		out[i].Environments = slices.Compact(out[i].Environments)
	}
	slices.SortStableFunc(out, func(a, b Folded) int {
		return cmp.Or(
			cmp.Compare(a.Action, b.Action),
			cmp.Compare(a.ID, b.ID),
			slices.Compare(a.Environments, b.Environments),
		)
	})
	return out
}

// key is equal for changes that a reader would call the same.
func (c Change) key() string {
	parts := []string{c.Action.String(), c.ID}
	switch c.Action {
	case Added:
		parts = append(parts, canonical(c.After.Fields))
	case Removed:
		parts = append(parts, canonical(c.Before.Fields))
	default:
		for _, f := range c.Fields {
			parts = append(parts, f.Path, canonical(f.Before), canonical(f.After))
		}
	}
	return strings.Join(parts, "\x00")
}
