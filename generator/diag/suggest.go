package diag

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxEdits is how far a name may be from a known one and still be taken for a
// slip of the finger rather than for another word.
const maxEdits = 2

// DidYouMean returns the known name nearest to got, or "" when none is near
// enough to be what the user meant. A name that differs only in case is the
// nearest of all; other ties go to the first in sorted order.
func DidYouMean(got string, known []string) string {
	best, bestEdits := "", maxEdits+1
	typed := utf8.RuneCountInString(got)
	limit := min(maxEdits, max(1, typed/2))
	for _, name := range slices.Sorted(slices.Values(known)) {
		if strings.EqualFold(name, got) && name != got {
			return name
		}
		length := utf8.RuneCountInString(name)
		// The distance is at least the difference in length. Without this a
		// key of a megabyte would cost a megabyte of table for each name.
		if length-typed > limit || typed-length > limit {
			continue
		}
		n := edits([]rune(got), []rune(name))
		// A word of which nothing is left is another word, not a slip.
		if n > 0 && n <= limit && n < bestEdits && n < max(length, typed) {
			best, bestEdits = name, n
		}
	}
	return best
}

// edits is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours each count one.
func edits(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// OneOf writes a list of accepted values for a Detail: "a, b or c", sorted and
// each once.
func OneOf(values []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(values)))
	switch len(sorted) {
	case 0:
		return ""
	case 1:
		return sorted[0]
	default:
		return strings.Join(sorted[:len(sorted)-1], ", ") + " or " + sorted[len(sorted)-1]
	}
}
