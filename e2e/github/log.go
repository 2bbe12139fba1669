package github

import (
	"net/http"
	"slices"
	"time"
)

// Request is one line of the log.
type Request struct {
	Method, Path, Query string
	Login               string // "" when anonymous
	Code                int    // 0 when the connection was dropped
	Write               bool
	Unknown             bool  // no route of this server
	Injected            bool  // answered by the hook of Before
	Err                 error // what failed inside of the server, with code 500
}

// Fault is an answer that the hook of Before gives in place of the server's.
type Fault struct {
	Code          int
	Message       string
	Documentation string
	RetryAfter    time.Duration
	// AfterDoing carries the request out first: the write has happened, and
	// the client does not know.
	AfterDoing bool
	// Drop closes the connection without an answer.
	Drop bool
}

// SecondaryLimit is what GitHub says to a program that writes too fast
// (docs: rest/using-the-rest-api/rate-limits-for-the-rest-api).
func SecondaryLimit(retryAfter time.Duration) *Fault {
	return &Fault{
		Code: http.StatusForbidden, RetryAfter: retryAfter,
		Message:       "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		Documentation: "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
	}
}

// Before has fn called ahead of every request, one at a time and without any
// lock held, so that it can act as somebody else between two requests. What it
// returns is the answer; nil lets the request pass. Nil as fn ends that.
func (s *Server) Before(fn func(*http.Request) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = fn
}

// Requests returns the log so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Unknown returns the requests that no route of this server knows, and those
// that failed inside of it: a test that leaves any has learnt nothing.
func (s *Server) Unknown() []Request {
	var unknown []Request
	for _, r := range s.Requests() {
		if r.Unknown || r.Err != nil {
			unknown = append(unknown, r)
		}
	}
	return unknown
}

// Writes counts the requests to the API that were carried out and are no
// reading ones, refused ones among them.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *Server) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, r)
}
