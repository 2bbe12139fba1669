// Package github is a stand-in for GitHub that tests hold the product against:
// the REST API that go-github speaks and git's own protocol over HTTP, both on
// one real bare repository, so that what the API writes can be fetched and what
// is pushed moves a pull request.
//
// It answers as docs.github.com says, and where the documentation is silent as
// people report in threads that are named where it matters. It must never be
// more forgiving than GitHub: what it does not know is 404 and is remembered as
// unknown, so that a test can fail on it.
package github

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config says what a new server holds and who may do what.
type Config struct {
	// Dir is where the repository is made; NAME.git below it must not exist.
	Dir string
	// Owner and Name of the one repository.
	Owner, Name string
	// Branch is the default branch; "" is main.
	Branch string
	// Private hides the repository from everybody without a token.
	Private bool
	// Files of the first commit. Nil leaves the repository empty.
	Files map[string]string
	// Tokens by their secret.
	Tokens map[string]Token
	// Collaborators may be asked for a review or be assigned, besides the
	// logins of the tokens.
	Collaborators []string
	// Protected branches by name or pattern, as Protect.
	Protected map[string]Protection
	// Methods of merging that are allowed; nil is merge, squash and rebase.
	Methods []string
	// DeleteBranchOnMerge removes the head of a merged pull request.
	DeleteBranchOnMerge bool
	// TreeLimit is how many entries a recursive tree lists before it is
	// truncated; 0 is GitHub's 100,000.
	TreeLimit int
	// RateLimit is the number of requests an hour; 0 is GitHub's 5,000.
	RateLimit int
	// Now is the clock. Nil is one that starts in 2026 and moves a second each
	// time it is read, so that the same test makes the same commits.
	Now func() time.Time
}

// Kind of a token, which decides who commits and how a refusal reads.
type Kind int

// The kinds. Only an App's token makes verified commits and check runs, and the
// GITHUB_TOKEN of Actions is an App's token.
const (
	Personal Kind = iota
	App
)

// Access is a level of permission.
type Access int

// The levels.
const (
	None Access = iota
	Read
	Write
)

// Token is who a secret stands for and what it may do.
type Token struct {
	Login string
	Kind  Kind
	// Permissions by GitHub's names: contents, pull_requests, issues, statuses,
	// checks. Nil is write for all. Empty cannot see a private repository.
	Permissions map[string]Access
}

// Protection of a branch: it changes by pull requests only.
type Protection struct {
	// Contexts are the statuses and check runs that a head needs.
	Contexts []string
	// Strict wants a head that has all of the base.
	Strict bool
	// Ruleset words refusals as a repository rule does, not as the older
	// branch protection.
	Ruleset bool
}

// Server is the stand-in. New makes it, Close ends it.
type Server struct {
	config Config
	repo   *repo
	routes []route

	mu        sync.Mutex // all below, and every write to the repository
	before    func(*http.Request) *Fault
	now       time.Time
	pulls     []*pull
	labels    []*label
	statuses  []status
	checks    []*checkRun
	verified  map[string]bool
	protected map[string]Protection
	used      map[string]*window
	log       []Request
	writes    int
	lastID    int64
	truncate  int

	http     *http.Server
	serving  sync.WaitGroup
	serveErr error // of the listeners; locked as the rest
}

// New makes the repository and a server for it that does not listen yet.
func New(c Config) (*Server, error) {
	if c.Owner == "" || c.Name == "" || strings.ContainsAny(c.Owner+c.Name, "/ ") {
		return nil, fmt.Errorf("repository %q/%q: want an owner and a name", c.Owner, c.Name)
	}
	if c.Branch == "" {
		c.Branch = "main"
	}
	if c.TreeLimit == 0 {
		c.TreeLimit = 100_000
	}
	if c.RateLimit == 0 {
		c.RateLimit = 5000
	}
	if c.Methods == nil {
		c.Methods = []string{"merge", "squash", "rebase"}
	}
	dir, err := filepath.Abs(filepath.Join(c.Dir, c.Name+".git"))
	if err != nil {
		return nil, fmt.Errorf("place the repository: %w", err)
	}
	if _, err := os.Stat(dir); err == nil {
		return nil, fmt.Errorf("place the repository: %s exists", dir)
	}
	repo, err := initRepo(dir, c.Branch)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, repo: repo, routes: routes(), truncate: c.TreeLimit,
		verified: map[string]bool{}, protected: map[string]Protection{}, used: map[string]*window{},
		now: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second}
	maps.Copy(s.protected, c.Protected)
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, repo.close())
	}
	return s, nil
}

// begin commits the first files and writes the hook that protects branches.
func (s *Server) begin() error {
	if err := s.writeHook(); err != nil {
		return err
	}
	if s.config.Files == nil {
		return nil
	}
	_, err := s.Push(s.config.Branch, s.config.Owner, s.config.Files)
	return err
}

// Start listens on an address such as 127.0.0.1:0 and returns the server's URL:
// the API's base for github.com is URL, for GitHub Enterprise URL/api/v3, and
// the repository is at URL/OWNER/NAME.git.
func (s *Server) Start(addr string) (string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	s.serve(listener)
	return "http://" + listener.Addr().String(), nil
}

// StartTLS listens on a further address with a certificate: on github.com:443,
// where that name leads here.
func (s *Server) StartTLS(addr string, certificate tls.Certificate) error {
	listener, err := tls.Listen("tcp", addr, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.serve(listener)
	return nil
}

func (s *Server) serve(listener net.Listener) {
	s.serving.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.serveErr = errors.Join(s.serveErr, err)
		}
	})
}

// Close stops listening, waits for it, and ends the reader of objects. The
// repository stays on disk.
func (s *Server) Close() error {
	err := s.http.Close()
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.serveErr, s.repo.close())
}

// Dir is the bare repository.
func (s *Server) Dir() string { return s.repo.dir }

// ServeHTTP implements http.Handler: the API at / and at /api/v3/, the
// repository for git at /OWNER/NAME.git.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if rest, ok := s.gitPath(path); ok {
		s.serveGit(w, r, rest)
		return
	}
	prefix := ""
	if rest, found := strings.CutPrefix(path, "/api/v3/"); found {
		prefix, path = "/api/v3", "/"+rest
	}
	s.serveAPI(w, r, prefix, path)
}

// tick reads the clock. The lock is held.
func (s *Server) tick() time.Time {
	if s.config.Now != nil {
		return s.config.Now().UTC().Truncate(time.Second)
	}
	s.now = s.now.Add(time.Second)
	return s.now
}

// id numbers things. The lock is held.
func (s *Server) id() int64 {
	s.lastID++
	return s.lastID
}
