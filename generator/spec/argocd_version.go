package spec

import "strconv"

// AtLeast reports whether the Argo CD of the environment is of a minor version
// or a later one.
func (c *ArgoCD) AtLeast(major, minor int) bool {
	n := versionNumbers.FindStringSubmatch(c.Version)
	if n == nil {
		return false
	}
	is, _ := strconv.Atoi(n[1]) // the pattern has digits only
	rest, _ := strconv.Atoi(n[2])
	return is > major || is == major && rest >= minor
}
