package tree

import (
	"bytes"
	"fmt"
)

// headerStart begins the first line of every rendered file. It must never
// change: files of older versions are known by it.
const headerStart = "# Rendered by Strake from "

// Header is the first line of a rendered file, without its line end: who owns
// the file and where edits belong. It holds no digest, time or version, since
// any of them would make every merge conflict on line 1.
func Header(source string) string {
	return fmt.Sprintf("%s%s. Do not edit: change the spec, or patch the result in custom/.", headerStart, source)
}

// TerraformHeader is the Header of a file of a Terraform root, which has no
// custom/: Terraform itself merges what stands in *_override.tf over the rest.
func TerraformHeader(source string) string {
	return fmt.Sprintf("%s%s. Do not edit: change the spec, or override the result in *_override.tf.", headerStart, source)
}

// Owned reports whether a file has the header. A conflict marker in front of it
// does not make the file somebody else's.
func Owned(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for isMarker(data, '<') {
		_, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
	}
	return bytes.HasPrefix(data, []byte(headerStart))
}

// Conflicted reports whether git left conflict markers in a file.
func Conflicted(data []byte) bool {
	opened := false
	for line := range bytes.Lines(data) {
		switch {
		case isMarker(line, '<'):
			opened = true
		case opened && isMarker(line, '>'):
			return true
		}
	}
	return false
}

// isMarker reports whether a text begins with seven of a rune and then a space
// or the end of the line: <<<<<<< HEAD.
func isMarker(text []byte, mark byte) bool {
	const width = 7
	if len(text) < width || len(bytes.Trim(text[:width], string(rune(mark)))) != 0 {
		return false
	}
	return len(text) == width || bytes.IndexByte([]byte(" \r\n"), text[width]) >= 0
}
