package report

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"strake/generator/manifest"
)

// diffLine is one line of an object's diff, in every format.
type diffLine struct {
	mark mark
	text string
}

const (
	// maxRemoved is how many lines of an object that goes away are shown: what
	// goes matters, and less what it said.
	maxRemoved = 20
	// context is how many equal lines stand around a change inside a text.
	context = 2
	// maxCells bounds the table of the line comparison: beyond it, texts are
	// shown as replaced.
	maxCells = 4 << 20
)

// changeLines is the diff of one object. The values in a Change are masked.
func changeLines(c manifest.Change) []diffLine {
	switch c.Action {
	case manifest.Removed:
		lines := objectLines(markGone, c.Before)
		if len(lines) > maxRemoved {
			rest := len(lines) - maxRemoved
			lines = append(lines[:maxRemoved:maxRemoved], diffLine{markRemark, fmt.Sprintf("and %s of it", plural(rest, "more line"))})
		}
		return lines
	case manifest.Added:
		return objectLines(markNew, c.After)
	default:
		var lines []diffLine
		for _, f := range c.Fields {
			lines = append(lines, fieldLines(f)...)
		}
		return lines
	}
}

func objectLines(m mark, o *manifest.Object) []diffLine {
	if o == nil {
		return nil
	}
	return marked(m, strings.Split(strings.TrimRight(string(o.YAML), "\n"), "\n"))
}

// fieldLines is the diff of one field: the values before and after, or the
// lines of a longer text that differ.
func fieldLines(f manifest.FieldChange) []diffLine {
	lines := []diffLine{{markField, f.Path}}
	before, wasText := f.Before.(string)
	after, isText := f.After.(string)
	switch {
	case f.Added:
		lines = append(lines, marked(markNew, valueLines(f.After))...)
	case f.Gone:
		lines = append(lines, marked(markGone, valueLines(f.Before))...)
	case wasText && isText && (strings.Contains(before, "\n") || strings.Contains(after, "\n")):
		lines = append(lines, compareLines(strings.Split(before, "\n"), strings.Split(after, "\n"))...)
	default:
		lines = append(lines, marked(markGone, valueLines(f.Before))...)
		lines = append(lines, marked(markNew, valueLines(f.After))...)
	}
	if f.Sensitive {
		lines = append(lines, diffLine{markRemark, "the value is secret and masked"})
	}
	return lines
}

// valueLines is a value as YAML, so that "1" and 1 look as different as they are.
func valueLines(value any) []string {
	text, err := yaml.Marshal(value)
	if err != nil {
		// Only what JSON does not know gets here, and no object has that.
		return []string{fmt.Sprintf("(%T, cannot be shown)", value)}
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}

func marked(m mark, texts []string) []diffLine {
	lines := make([]diffLine, len(texts))
	for i, text := range texts {
		lines[i] = diffLine{m, text}
	}
	return lines
}

// compareLines is the shortest diff of two texts, with a few equal lines around
// each change and the others counted.
func compareLines(before, after []string) []diffLine {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	all := marked(markSame, before[:head])
	all = append(all, align(before[head:len(before)-tail], after[head:len(after)-tail])...)
	all = append(all, marked(markSame, before[len(before)-tail:])...)
	return elide(all)
}

// align pairs the equal lines of two texts by their longest common subsequence.
func align(before, after []string) []diffLine {
	if len(before) == 0 || len(after) == 0 || (len(before)+1)*(len(after)+1) > maxCells {
		return append(marked(markGone, before), marked(markNew, after)...)
	}
	// common[i][j] is the length for before[i:] and after[j:].
	width := len(after) + 1
	common := make([]int32, (len(before)+1)*width)
	for i, old := range slices.Backward(before) {
		for j, now := range slices.Backward(after) {
			if old == now {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	var lines []diffLine
	i, j := 0, 0
	for i < len(before) && j < len(after) {
		switch {
		case before[i] == after[j]:
			lines = append(lines, diffLine{markSame, before[i]})
			i, j = i+1, j+1
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			lines = append(lines, diffLine{markGone, before[i]})
			i++
		default:
			lines = append(lines, diffLine{markNew, after[j]})
			j++
		}
	}
	lines = append(lines, marked(markGone, before[i:])...)
	return append(lines, marked(markNew, after[j:])...)
}

// elide leaves out equal lines that are far from any change.
func elide(lines []diffLine) []diffLine {
	near := make([]bool, len(lines))
	for i, l := range lines {
		if l.mark == markSame {
			continue
		}
		for k := max(0, i-context); k <= min(len(lines)-1, i+context); k++ {
			near[k] = true
		}
	}
	var out []diffLine
	skipped := 0
	flush := func() {
		if skipped > 0 {
			out = append(out, diffLine{markRemark, plural(skipped, "equal line")})
			skipped = 0
		}
	}
	for i, l := range lines {
		if !near[i] {
			skipped++
			continue
		}
		flush()
		out = append(out, l)
	}
	flush()
	return out
}
