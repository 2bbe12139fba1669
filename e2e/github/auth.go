package github

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// secret takes the token out of a request: a bearer's, or the password of git.
func secret(r *http.Request) string {
	header := r.Header.Get("Authorization")
	for _, scheme := range []string{"Bearer ", "bearer ", "token "} {
		if rest, found := strings.CutPrefix(header, scheme); found {
			return strings.TrimSpace(rest)
		}
	}
	if user, password, basic := r.BasicAuth(); basic {
		if password == "" || password == "x-oauth-basic" {
			return user
		}
		return password
	}
	return header
}

// authenticate finds who asks. A token that is not known is refused even where
// none is needed.
func (s *Server) authenticate(c *call) error {
	given := secret(c.r)
	if given == "" {
		return nil
	}
	token, known := s.config.Tokens[given]
	if !known {
		return &refusal{code: http.StatusUnauthorized, message: "Bad credentials", docs: "https://docs.github.com/rest"}
	}
	c.token, c.login = &token, token.Login
	return nil
}

// level is what a token may do with one kind of thing.
func (t *Token) level(permission string) Access {
	switch {
	case permission == "":
		return Write
	case t == nil:
		return None
	case t.Permissions == nil:
		return Write
	case permission == "metadata" && len(t.Permissions) > 0:
		return Read // every App has it
	}
	return t.Permissions[permission]
}

// sees reports whether a token, or nobody, knows that the repository exists.
func (s *Server) sees(t *Token) bool {
	return !s.config.Private || (t != nil && t.level("metadata") >= Read)
}

// authorize decides whether the route may be asked. What cannot be seen does
// not exist (docs: rest/using-the-rest-api/troubleshooting-the-rest-api).
func (s *Server) authorize(c *call, rt *route) error {
	if !strings.HasPrefix(rt.pattern, repoPrefix) {
		return nil
	}
	if !strings.EqualFold(c.vars["owner"], s.config.Owner) || !strings.EqualFold(c.vars["repo"], s.config.Name) || !s.sees(c.token) {
		return notFound()
	}
	need := Read
	if rt.method != http.MethodGet {
		need = Write
	}
	if need == Read && !s.config.Private {
		return nil
	}
	if c.token == nil {
		return refuse(http.StatusUnauthorized, "Requires authentication")
	}
	have := c.token.level(rt.permission)
	if rt.permission == "issues" { // a pull request is an issue, and either right is enough
		have = max(have, c.token.level("pull_requests"))
	}
	if have < need {
		return c.forbidden()
	}
	return nil
}

// forbidden is how GitHub refuses a token that lacks a permission.
func (c *call) forbidden() error {
	if c.token != nil && c.token.Kind == Personal {
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	}
	return refuse(http.StatusForbidden, "Resource not accessible by integration")
}

// may asks for a permission beyond the route's own.
func (c *call) may(permission string) error {
	if c.token.level(permission) < Write {
		return c.forbidden()
	}
	return nil
}

// window counts the requests of one hour.
type window struct {
	used  int
	reset time.Time
}

// limit counts a request and says so in the headers
// (docs: rest/using-the-rest-api/rate-limits-for-the-rest-api).
func (s *Server) limit(c *call, header http.Header) error {
	now := s.tick()
	w := s.used[c.login]
	if w == nil || !now.Before(w.reset) {
		w = &window{reset: now.Add(time.Hour)}
		s.used[c.login] = w
	}
	over := w.used >= s.config.RateLimit
	w.used = min(w.used+1, s.config.RateLimit)
	header.Set("X-RateLimit-Limit", strconv.Itoa(s.config.RateLimit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(s.config.RateLimit-w.used))
	header.Set("X-RateLimit-Used", strconv.Itoa(w.used))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(w.reset.Unix(), 10))
	header.Set("X-RateLimit-Resource", "core")
	if over {
		return &refusal{
			code: http.StatusForbidden, message: "API rate limit exceeded for user ID " + strconv.FormatInt(userID(c.login), 10) + ".",
			docs: "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
		}
	}
	return nil
}

// collaborator reports whether a login may be asked for a review.
func (s *Server) collaborator(login string) bool {
	if slices.ContainsFunc(s.config.Collaborators, func(c string) bool { return strings.EqualFold(c, login) }) || strings.EqualFold(login, s.config.Owner) {
		return true
	}
	for _, t := range s.config.Tokens {
		if strings.EqualFold(t.Login, login) && t.Kind == Personal {
			return true
		}
	}
	return false
}
