package tree

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// takenRoots are the Terraform roots that hold somebody's own configuration and
// nothing of ours, by directory. Beside a root of ours a person's files are
// welcome: Terraform merges them.
func (c *Comparison) takenRoots() map[string]Status {
	taken := map[string]Status{}
	for _, dir := range c.Roots {
		file := c.ownedByUser(dir)
		if file == "" {
			continue
		}
		env := c.environmentOf(file)
		taken[dir] = Status{
			State: Foreign, Path: file, Environments: []string{env},
			Summary: fmt.Sprintf("%s is a Terraform root of your own, and the spec asks to render it", dir),
			Detail: fmt.Sprintf("Strake never writes beside a configuration that it did not render, not even with --force. Write terraform: {%s: {render: false, path: ...}} to have it read and checked, or move the files away.",
				path.Base(dir)),
		}
	}
	return taken
}

// ownedByUser is the first file of a root that is somebody's, where no file of
// the root is ours or was to be.
func (c *Comparison) ownedByUser(dir string) string {
	first := ""
	for _, file := range c.Committed.Paths() {
		if path.Dir(file) != dir || !isConfiguration(file) {
			continue
		}
		f, _ := c.Committed.Get(file)
		if Owned(f.Data) {
			return ""
		}
		if first == "" && !isOverride(file) {
			first = file
		}
	}
	for _, want := range c.Want {
		if want != nil && slices.ContainsFunc(want.Paths(), func(file string) bool { return path.Dir(file) == dir }) {
			return ""
		}
	}
	return first
}

// isConfiguration and isOverride know Terraform's files by their names
// (https://developer.hashicorp.com/terraform/language/files/override).
func isConfiguration(file string) bool {
	return strings.HasSuffix(file, ".tf") || strings.HasSuffix(file, ".tf.json")
}

func isOverride(file string) bool {
	name := strings.TrimSuffix(strings.TrimSuffix(path.Base(file), ".json"), ".tf")
	return name == "override" || strings.HasSuffix(name, "_override")
}
