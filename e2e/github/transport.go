package github

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// gitPath takes /OWNER/NAME.git, or /OWNER/NAME, off a path.
func (s *Server) gitPath(path string) (string, bool) {
	prefix := "/" + s.config.Owner + "/" + s.config.Name
	if len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return "", false
	}
	rest := strings.TrimPrefix(path[len(prefix):], ".git")
	return rest, slices.Contains([]string{"/info/refs", "/git-upload-pack", "/git-receive-pack"}, rest)
}

// codeWriter remembers the status of an answer.
type codeWriter struct {
	http.ResponseWriter
	code int
}

func (w *codeWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// serveGit lets git's own backend answer a clone, a fetch or a push.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request, rest string) {
	service := strings.TrimPrefix(rest, "/")
	if rest == "/info/refs" {
		service = r.URL.Query().Get("service")
	}
	push := service == "git-receive-pack"
	recorder := &codeWriter{ResponseWriter: w, code: http.StatusOK}
	entry := Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Write: push && r.Method == http.MethodPost}
	if fault := s.ask(r, nil); fault != nil && !fault.AfterDoing {
		s.inject(w, entry, fault)
		return
	}
	code, message := s.admit(r, service, push, &entry)
	if code != 0 {
		if code == http.StatusUnauthorized {
			recorder.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		}
		recorder.Header().Set("Content-Type", "text/plain; charset=utf-8")
		recorder.WriteHeader(code)
		_, _ = io.WriteString(recorder, message) // git may be gone
	} else if err := s.backend(recorder, r, rest, entry); err != nil {
		entry.Err = err
		http.Error(recorder, err.Error(), http.StatusInternalServerError)
	}
	entry.Code = recorder.code
	s.record(entry)
}

// admit decides who may fetch and push. The token is the password.
func (s *Server) admit(r *http.Request, service string, push bool, entry *Request) (code int, message string) {
	if service != "git-upload-pack" && !push {
		return http.StatusForbidden, "Please upgrade your git client.\n"
	}
	c := &call{Server: s, r: r}
	if err := s.authenticate(c); err != nil {
		return http.StatusUnauthorized, "Invalid username or token. Password authentication is not supported for Git operations.\n"
	}
	entry.Login = c.login
	switch {
	case c.token == nil && (push || s.config.Private):
		return http.StatusUnauthorized, "Repository not found.\n"
	case !s.sees(c.token):
		return http.StatusNotFound, "Repository not found.\n"
	case push && c.token.level("contents") < Write:
		return http.StatusForbidden, fmt.Sprintf("Permission to %s/%s.git denied to %s.\n", s.config.Owner, s.config.Name, c.login)
	case s.config.Private && c.token.level("contents") < Read:
		return http.StatusForbidden, "Write access to repository not granted.\n"
	}
	return 0, ""
}

// backend runs git http-backend. A push holds the lock, so that it and a
// request to the API see one after the other.
func (s *Server) backend(w http.ResponseWriter, r *http.Request, rest string, entry Request) error {
	where, err := s.repo.git(nil, "--exec-path")
	if err != nil {
		return err
	}
	// CGI knows the length of a body beforehand, and git sends large ones in
	// chunks.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read what git sends: %w", err)
	}
	inner := r.Clone(r.Context())
	inner.Body, inner.ContentLength, inner.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	inner.URL.Path = "/" + filepath.Base(s.repo.dir) + rest
	inner.Header.Del("Authorization")
	inner.Header.Del("Proxy")
	handler := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(where), "git-http-backend"), Root: "/", Dir: s.repo.dir,
		Env:    append(slices.Clone(s.repo.env), "GIT_PROJECT_ROOT="+filepath.Dir(s.repo.dir), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER="+entry.Login),
		Stderr: io.Discard, // git tells the client
	}
	if !entry.Write {
		handler.ServeHTTP(w, inner)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	handler.ServeHTTP(w, inner)
	return s.settle()
}

// writeHook has git refuse a push to a protected branch as GitHub does (docs:
// repositories, troubleshooting, "GH006"; kubeflow/pipelines#4384 quotes it).
func (s *Server) writeHook() error {
	var script strings.Builder
	script.WriteString("#!/bin/sh\ncase \"$1\" in\n")
	for _, branch := range slices.Sorted(maps.Keys(s.protected)) {
		fmt.Fprintf(&script, "refs/heads/%s)\n\techo \"error: GH006: Protected branch update failed for $1.\"\n"+
			"\techo \"error: Changes must be made through a pull request.\"\n\texit 1 ;;\n", branch)
	}
	script.WriteString("esac\nexit 0\n")
	path := filepath.Join(s.repo.dir, "hooks", "update")
	if err := os.WriteFile(path, []byte(script.String()), 0o755); err != nil {
		return fmt.Errorf("write the hook: %w", err)
	}
	return nil
}
