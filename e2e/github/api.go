package github

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// object is JSON's.
type object = map[string]any

// call is one request to the API while it is answered. The lock is held.
type call struct {
	*Server
	r     *http.Request
	vars  map[string]string
	body  []byte
	root  string // of the API, as the client reached it
	login string
	token *Token // nil when anonymous
}

// reply is an answer: JSON, or the bytes of a file.
type reply struct {
	code int
	body any
	link string // Link header
}

// refusal is an answer that says no. It is an error so that it can come from
// any depth.
type refusal struct {
	code    int
	message string
	errs    []object
	docs    string
}

func (r *refusal) Error() string { return strconv.Itoa(r.code) + " " + r.message }

func refuse(code int, format string, args ...any) error {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

// invalid is GitHub's 422 with details
// (docs: rest/using-the-rest-api/troubleshooting-the-rest-api).
func invalid(resource, field, code, message string) error {
	e := object{"resource": resource, "code": code}
	if field != "" {
		e["field"] = field
	}
	if message != "" {
		e["message"] = message
	}
	return &refusal{code: http.StatusUnprocessableEntity, message: "Validation Failed", errs: []object{e}}
}

func notFound() error { return refuse(http.StatusNotFound, "Not Found") }

// serveAPI answers one request to the REST API.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, prefix, path string) {
	entry := Request{Method: r.Method, Path: path, Query: r.URL.RawQuery}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		entry.Err = fmt.Errorf("read the request: %w", err)
		s.record(entry)
		return
	}
	fault := s.ask(r, body)
	if fault != nil && !fault.AfterDoing {
		s.inject(w, entry, fault)
		return
	}
	s.mu.Lock()
	c := &call{Server: s, r: r, body: body, root: "http://" + r.Host + prefix}
	rep, header := s.answer(c, path, &entry)
	s.mu.Unlock()
	if fault != nil {
		s.inject(w, entry, fault)
		return
	}
	s.send(w, r, rep, header, &entry)
	s.record(entry)
}

// ask gives the hook of Before its turn, without the lock.
func (s *Server) ask(r *http.Request, body []byte) *Fault {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before == nil {
		return nil
	}
	clone := r.Clone(r.Context())
	clone.Body = io.NopCloser(bytes.NewReader(body))
	return before(clone)
}

func (s *Server) inject(w http.ResponseWriter, entry Request, f *Fault) {
	entry.Injected, entry.Code = true, f.Code
	s.record(entry)
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(f.Code)
	data, _ := json.Marshal(object{"message": f.Message, "documentation_url": f.Documentation, "status": strconv.Itoa(f.Code)})
	_, _ = w.Write(data) // the client may be gone
}

// answer finds the route and asks it. Refusals become replies.
func (s *Server) answer(c *call, path string, entry *Request) (*reply, http.Header) {
	header := make(http.Header)
	rt, vars := match(s.routes, c.r.Method, path)
	rep, err := s.handle(c, rt, vars, entry, header)
	var no *refusal
	switch {
	case errors.As(err, &no):
		body := object{"message": no.message, "documentation_url": no.docs, "status": strconv.Itoa(no.code)}
		if no.docs == "" {
			body["documentation_url"] = "https://docs.github.com/rest"
			if rt != nil {
				body["documentation_url"] = "https://docs.github.com/rest/" + rt.docs
			}
		}
		if no.errs != nil {
			body["errors"] = no.errs
		}
		rep = &reply{code: no.code, body: body}
	case err != nil:
		entry.Err = err
		rep = &reply{code: http.StatusInternalServerError, body: object{"message": "Server Error: " + err.Error()}}
	}
	entry.Login = c.login
	return rep, header
}

func (s *Server) handle(c *call, rt *route, vars map[string]string, entry *Request, header http.Header) (*reply, error) {
	if err := s.authenticate(c); err != nil {
		return nil, err
	}
	if err := s.limit(c, header); err != nil {
		return nil, err
	}
	if rt == nil {
		entry.Unknown = true
		return nil, notFound()
	}
	c.vars = vars
	if err := s.authorize(c, rt); err != nil {
		return nil, err
	}
	if c.r.Method != http.MethodGet {
		entry.Write = true
		s.writes++
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	rep, err := rt.handle(c)
	if err == nil && entry.Write {
		err = s.settle()
	}
	return rep, err
}

// send writes a reply. A reading request that names the reply's ETag gets 304
// (docs: rest/using-the-rest-api/best-practices-for-using-the-rest-api).
func (s *Server) send(w http.ResponseWriter, r *http.Request, rep *reply, header http.Header, entry *Request) {
	maps.Copy(w.Header(), header)
	entry.Code = rep.code
	if rep.link != "" {
		w.Header().Set("Link", rep.link)
	}
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	if rep.body == nil {
		w.WriteHeader(rep.code)
		return
	}
	data, raw := rep.body.([]byte)
	kind := "application/vnd.github.raw; charset=utf-8"
	if !raw {
		kind = "application/json; charset=utf-8"
		encoded, err := json.Marshal(rep.body)
		if err != nil {
			entry.Err = fmt.Errorf("encode the answer: %w", err)
			entry.Code = http.StatusInternalServerError
			w.WriteHeader(entry.Code)
			return
		}
		data = encoded
	}
	w.Header().Set("Content-Type", kind)
	if r.Method == http.MethodGet && rep.code == http.StatusOK {
		sum := sha256.Sum256(data)
		etag := `W/"` + hex.EncodeToString(sum[:]) + `"`
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			entry.Code = http.StatusNotModified
			w.WriteHeader(entry.Code)
			return
		}
	}
	w.WriteHeader(rep.code)
	_, _ = w.Write(data)
}

func ok(body any) (*reply, error) { return &reply{code: http.StatusOK, body: body}, nil }

func created(body any) (*reply, error) { return &reply{code: http.StatusCreated, body: body}, nil }

func noContent() (*reply, error) { return &reply{code: http.StatusNoContent}, nil }

// decode reads the body of a request.
func (c *call) decode(into any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	err := json.Unmarshal(c.body, into)
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\nFor 'properties/%s', %s is not a %s.", strings.ToLower(kind.Field), kind.Value, kind.Type)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}

// supplied refuses a request that leaves out a required property.
func supplied(name, value string) error {
	if value == "" {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n%q wasn't supplied.", name)
	}
	return nil
}

// page cuts a list and says where its other pages are
// (docs: rest/using-the-rest-api/using-pagination-in-the-rest-api).
func page[T any](c *call, list []T, perPage int) (part []T, link string) {
	query := c.r.URL.Query()
	if n, err := strconv.Atoi(query.Get("per_page")); err == nil && n > 0 {
		perPage = min(n, 100)
	}
	number := 1
	if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 1 {
		number = n
	}
	last := max(1, (len(list)+perPage-1)/perPage)
	var links []string
	add := func(rel string, n int) {
		query.Set("page", strconv.Itoa(n))
		query.Set("per_page", strconv.Itoa(perPage))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, c.root, apiPath(c.r.URL), query.Encode(), rel))
	}
	if number > 1 {
		add("prev", number-1)
	}
	if number < last {
		add("next", number+1)
		add("last", last)
	}
	if number > 1 {
		add("first", 1)
	}
	from := min((number-1)*perPage, len(list))
	part = list[from:min(from+perPage, len(list))]
	if part == nil {
		part = []T{}
	}
	return part, strings.Join(links, ", ")
}

func apiPath(u *url.URL) string { return strings.TrimPrefix(u.EscapedPath(), "/api/v3") }
