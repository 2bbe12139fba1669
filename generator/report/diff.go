package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"strake/generator/manifest"
)

// Counts is how many objects a diff touches.
type Counts struct {
	Removed, Added, Changed int
}

// Count counts changes by what happens to the object.
func Count(changes []manifest.Change) Counts {
	var c Counts
	for _, change := range changes {
		c.add(change.Action)
	}
	return c
}

func (c *Counts) add(a manifest.Action) {
	switch a {
	case manifest.Removed:
		c.Removed++
	case manifest.Added:
		c.Added++
	default:
		c.Changed++
	}
}

// String names what is not zero, removals first: "1 removed, 3 added".
func (c Counts) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		verb string
	}{{c.Removed, "removed"}, {c.Added, "added"}, {c.Changed, "changed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.verb))
		}
	}
	if len(parts) == 0 {
		return "no object changes"
	}
	return strings.Join(parts, ", ")
}

// Diff writes what the clusters would see change, as text or Markdown. The
// changes are taken in the order given: removals first, equal changes folded.
// Of the options it uses Color and Limit.
func Diff(w io.Writer, format Format, changes []manifest.Folded, o Options) error {
	var out bytes.Buffer
	switch format {
	case Text:
		writeDiffText(&out, changes, o.Color)
	case Markdown:
		out.WriteString(diffMarkdown(changes, o.limit()))
	default:
		return fmt.Errorf("write the diff: format %q: want %s or %s", format, Text, Markdown)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the diff as %s: %w", format, err)
	}
	return nil
}

// writeDiffText writes each object with its lines, and the counts last:
//
//	~ apps/Deployment argo/argo-server (in dev, staging)
//	    @ spec.replicas
//	    - 1
//	    + 2
func writeDiffText(out *bytes.Buffer, changes []manifest.Folded, color bool) {
	var counts Counts
	for _, c := range changes {
		counts.add(c.Action)
		tone := markStyle(markOf(c.Action))
		out.WriteString(paint(color, tone, string(markOf(c.Action))) + " " + paint(color, bold, terminal(c.ID)))
		if len(c.Environments) > 0 {
			out.WriteString(" (in " + terminal(folded(c.Environments)) + ")")
		}
		out.WriteByte('\n')
		for _, l := range changeLines(c.Change) {
			sign := string(l.mark)
			if l.mark == markSame {
				sign = "|" // a line of foreign text alone could be a log command
			}
			line := strings.TrimRight(sign+" "+terminal(l.text), " ")
			out.WriteString("    " + paint(color, markStyle(l.mark), line) + "\n")
		}
		out.WriteByte('\n')
	}
	out.WriteString(paint(color, bold, counts.String()) + "\n")
}

// mark is the first character of a line of a diff.
type mark byte

const (
	markGone   mark = '-'
	markNew    mark = '+'
	markOther  mark = '~'
	markSame   mark = ' '
	markField  mark = '@' // names the field that the next lines are about
	markRemark mark = '#' // says what is not shown
)

func markOf(a manifest.Action) mark {
	switch a {
	case manifest.Removed:
		return markGone
	case manifest.Added:
		return markNew
	default:
		return markOther
	}
}

func markStyle(m mark) style {
	switch m {
	case markGone:
		return red
	case markNew:
		return green
	case markOther:
		return yellow
	case markField:
		return cyan
	case markRemark:
		return dim
	default:
		return plain
	}
}
