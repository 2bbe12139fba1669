package tree

import (
	"slices"

	"strake/generator/diag"
)

// Trace moves findings on rendered files to the lines of the spec that caused
// them, and adds the rendered line as a related place. Findings on other files,
// and on lines of which the cause is not known, stay as they are. The list
// given is left alone.
func (t *Tree) Trace(list diag.List) diag.List {
	out := slices.Clone(list)
	for i, d := range out {
		file, ok := t.files[d.Range.Path]
		if !ok {
			continue
		}
		from, ok := file.OriginOf(d.Range.Start.Line)
		if !ok || from.IsZero() {
			continue
		}
		out[i].Related = append(slices.Clone(d.Related), diag.Related{Range: d.Range, Message: "rendered here"})
		out[i].Range = from
	}
	return out
}
