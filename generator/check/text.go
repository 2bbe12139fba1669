package check

import (
	"slices"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// InText moves the range of a string in an object to one of the string's lines,
// counted from 1: where a human wrote the string as a block, the line is a line
// of the file. A value that is written in any other way has an end, or stands in
// a file of its own, and keeps its range, as it does for line 0.
func InText(o *manifest.Object, path manifest.Path, r diag.Range, line int) diag.Range {
	if line <= 0 {
		return r
	}
	for _, layer := range slices.Backward(o.Layers) {
		if layer.Find == nil {
			continue
		}
		at, exact := layer.Find(path)
		if !exact {
			continue
		}
		if at.End.Line != 0 || at.Start.Line == 0 || at.Path != r.Path {
			return r
		}
		at.Start = diag.Pos{Line: at.Start.Line + line}
		return at
	}
	return r
}
