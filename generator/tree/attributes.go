package tree

import (
	"bytes"
	"strings"
)

const (
	attributesBegin = "# BEGIN strake: rendered files. Strake keeps these lines; write yours outside of them."
	attributesEnd   = "# END strake"
)

// Patterns are the patterns of rendered files for AttributesBlock, relative to
// the directory that holds base/, overlays/ and environments/.
func Patterns() []string {
	return []string{
		"/base/**",
		"/overlays/**",
		"/environments/*/effective.yaml",
		"!/base/*/custom/**",
		"!/overlays/*/*/custom/**",
	}
}

// AttributesBlock returns a .gitattributes file with our block brought up to
// date and every other line as it was. Files that match a pattern are rendered:
// git keeps their line ends, and forges fold them in reviews. A pattern after
// "!" takes a part out again, since git has no negation.
func AttributesBlock(existing []byte, patterns []string) []byte {
	newline := "\n"
	if len(existing) > 0 && !bytes.HasSuffix(existing, []byte("\n")) {
		if bytes.Contains(existing, []byte("\r\n")) {
			newline = "\r\n"
		}
		existing = append(bytes.Clone(existing), newline...)
	}
	if bytes.Contains(existing, []byte("\r\n")) {
		newline = "\r\n"
	}
	var block strings.Builder
	block.WriteString(attributesBegin + newline)
	for _, p := range patterns {
		if rest, negated := strings.CutPrefix(p, "!"); negated {
			block.WriteString(rest + " -linguist-generated" + newline)
			continue
		}
		block.WriteString(p + " eol=lf linguist-generated" + newline)
	}
	block.WriteString(attributesEnd + newline)

	var out []byte
	placed, inside := false, false
	lines := bytes.SplitAfter(existing, []byte("\n"))
	for i, line := range lines {
		text := string(bytes.TrimRight(line, "\r\n"))
		switch {
		case text == attributesBegin && closed(lines[i+1:]):
			inside = true
			if !placed {
				out = append(out, block.String()...)
				placed = true
			}
		case inside:
			inside = text != attributesEnd
		case text == attributesBegin || text == attributesEnd:
			// half a block: what follows may be the user's, the marker is not
		default:
			out = append(out, line...)
		}
	}
	if placed {
		return out
	}
	return append(out, block.String()...)
}

// closed reports whether a block that begins before these lines ends in them.
func closed(lines [][]byte) bool {
	for _, line := range lines {
		switch string(bytes.TrimRight(line, "\r\n")) {
		case attributesEnd:
			return true
		case attributesBegin:
			return false
		}
	}
	return false
}
