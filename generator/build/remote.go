package build

import (
	"net/url"
	"regexp"
	"strings"
)

var (
	// scpUser is the user of "user@host:path", as kustomize reads it.
	scpUser = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)
	// hostLike is a first path element that can only be meant as a host.
	hostLike = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|org|net|io|dev|sh|app|cloud)$`)
	scheme   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)
)

// isRemote reports whether kustomize would fetch the entry from somewhere: over
// HTTP, or by running git. It errs on the side of yes, and it does not ask
// whether a file of that name exists, because neither does kustomize.
// https://github.com/kubernetes-sigs/kustomize/blob/master/examples/remoteBuild.md
func isRemote(entry string) bool {
	if isHTTP(entry) || scheme.MatchString(entry) {
		return true
	}
	lower := strings.ToLower(entry)
	if rest, ok := strings.CutPrefix(lower, "git::"); ok {
		return rest != ""
	}
	if strings.HasPrefix(lower, "github.com/") || strings.HasPrefix(lower, "github.com:") {
		return true
	}
	if user := scpUser.FindString(entry); user != "" && strings.ContainsAny(entry[len(user):], ":/") {
		return true
	}
	if _, query, found := strings.Cut(entry, "?"); found {
		if values, err := url.ParseQuery(query); err == nil && (values.Has("ref") || values.Has("version")) {
			return true
		}
	}
	return false
}

// isHTTP reports whether kustomize would fetch a file of this name by HTTP.
func isHTTP(entry string) bool {
	u, err := url.Parse(entry)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// looksHosted reports whether an entry that is not in the repository was most
// likely meant as host/organisation/repository.
func looksHosted(entry string) bool {
	host, rest, found := strings.Cut(entry, "/")
	return found && strings.Contains(rest, "/") && hostLike.MatchString(strings.ToLower(host))
}
