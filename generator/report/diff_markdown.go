package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"strake/generator/manifest"
)

const (
	// openBytes is how large all diffs may be together to be shown open; larger
	// ones fold object by object.
	openBytes = 8_000
	// maxBlock and maxBlockLines bound one object's diff, so that one large
	// object does not take the room of all others.
	maxBlock      = 8_000
	maxBlockLines = 150
)

// rank orders changes for a reviewer: what can hurt stands first and open, what
// is only noise last.
type rank int

const (
	weighty rank = iota
	usual
	noise
)

func rankOf(c manifest.Change) rank {
	switch {
	case c.Action == manifest.Removed:
		return weighty
	case isWeighty(c.Kind):
		return weighty
	case isNoise(c):
		return noise
	default:
		return usual
	}
}

// isWeighty reports whether a change of this kind can lose data, open a door or
// take a team's place away.
func isWeighty(kind string) bool {
	switch kind {
	case "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace",
		"PersistentVolume", "PersistentVolumeClaim", "Secret":
		return true
	}
	return false
}

// noiseName is how the report calls the rule by which isNoise folds.
const noiseName = "version-labels-and-checksums"

// isNoise reports whether an object changes in nothing but labels that repeat a
// version and annotations that are checksums of something else in the diff.
func isNoise(c manifest.Change) bool {
	if c.Action != manifest.Changed || len(c.Fields) == 0 {
		return false
	}
	for _, f := range c.Fields {
		_, key, found := strings.Cut(f.Path, `["`)
		key = strings.TrimSuffix(key, `"]`)
		metadata := strings.Contains(f.Path, "metadata.labels[") || strings.Contains(f.Path, "metadata.annotations[")
		telling := key == "helm.sh/chart" || key == "app.kubernetes.io/version" || strings.HasPrefix(key, "checksum/")
		if !found || !metadata || !telling {
			return false
		}
	}
	return true
}

// diffMarkdown shows changes in at most limit bytes.
func diffMarkdown(changes []manifest.Folded, limit int) string {
	if len(changes) == 0 {
		return "No object changes.\n"
	}
	var counts Counts
	for _, c := range changes {
		counts.add(c.Action)
	}
	return "**" + counts.String() + "**\n\n" + diffSection(changes, limit-100)
}

// diffSection shows changes, the weighty ones first and never folded: whole
// while there is room, then as a list, then counted.
func diffSection(changes []manifest.Folded, limit int) string {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b manifest.Folded) int { return cmp.Compare(rankOf(a.Change), rankOf(b.Change)) })
	items := make([]item, len(changes))
	total, noisy := 0, 0
	for i, c := range changes {
		items[i] = item{whole: openBlock(c), line: changeLine(c)}
		total += len(items[i].whole)
	}
	for i, c := range changes {
		switch rankOf(c.Change) {
		case noise:
			noisy++
			items[i].whole = foldedBlock(c)
		case usual:
			if total > openBytes {
				items[i].whole = foldedBlock(c)
			}
		}
	}
	forms := fit(limit-frame, items)
	var b strings.Builder
	for i, it := range items {
		if forms[i] != whole {
			continue
		}
		if noisy > 0 && rankOf(changes[i].Change) == noise {
			fmt.Fprintf(&b, "%s only in %s:\n\n", changeVerb(noisy), code(noiseName))
			noisy = 0
		}
		b.WriteString(it.whole)
	}
	if slices.Contains(forms, listed) {
		b.WriteString("Without their diffs:\n\n")
		for i, it := range items {
			if forms[i] == listed {
				b.WriteString(it.line)
			}
		}
		b.WriteString("\n")
	}
	var left Counts
	for i, c := range changes {
		if forms[i] == counted {
			left.add(c.Action)
		}
	}
	if left != (Counts{}) {
		fmt.Fprintf(&b, "**Not shown for want of room: %s.** `strake diff` shows them all.\n\n", left)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func changeVerb(n int) string {
	if n == 1 {
		return "1 object changes"
	}
	return fmt.Sprintf("%d objects change", n)
}

// openBlock is an object's diff as a reviewer sees it at once.
func openBlock(c manifest.Folded) string {
	text, rest := changeFence(c.Change)
	return fmt.Sprintf("**%s** %s%s\n\n%s%s\n", c.Action, code(c.ID), inEnvironments(c), text, rest)
}

// foldedBlock is an object's diff behind a line that opens it.
func foldedBlock(c manifest.Folded) string {
	text, rest := changeFence(c.Change)
	about := ""
	if c.Action == manifest.Changed {
		about = ", " + plural(len(c.Fields), "field")
	}
	where := ""
	if len(c.Environments) > 0 {
		where = " in " + html(folded(c.Environments))
	}
	return fmt.Sprintf("<details><summary>%s <code>%s</code>%s%s</summary>\n\n%s%s\n</details>\n\n", c.Action, html(c.ID), about, where, text, rest)
}

// changeFence is an object's diff in a fence, and what to say below it about
// lines that had no room.
func changeFence(c manifest.Change) (text, rest string) {
	lines := changeLines(c)
	var shown []string
	size := 0
	for _, l := range lines {
		line := fenced(string(l.mark) + " " + l.text)
		switch l.mark {
		case markField:
			line = "@@ " + fenced(l.text) + " @@"
		case markRemark:
			line = "# " + fenced(l.text)
		}
		size += len(line) + 1
		if size > maxBlock || len(shown) == maxBlockLines {
			break
		}
		shown = append(shown, strings.TrimRight(line, " "))
	}
	if left := len(lines) - len(shown); left > 0 {
		rest = fmt.Sprintf("\nand %s.\n", plural(left, "more line"))
	}
	return fence("diff", shown), rest
}

// changeLine is a change as one line of a list.
func changeLine(c manifest.Folded) string {
	about := ""
	if c.Action == manifest.Changed {
		about = ", " + plural(len(c.Fields), "field")
	}
	return fmt.Sprintf("- **%s** %s%s%s\n", c.Action, code(c.ID), about, inEnvironments(c))
}

func inEnvironments(c manifest.Folded) string {
	if len(c.Environments) == 0 {
		return ""
	}
	return " in " + inline(folded(c.Environments))
}
