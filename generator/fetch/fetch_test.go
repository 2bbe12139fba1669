package fetch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"strake/generator/fetch"
)

// server answers over TLS; the client knows its certificate.
func server(t *testing.T, handle http.HandlerFunc) (string, fetch.Client) {
	t.Helper()
	s := httptest.NewTLSServer(handle)
	t.Cleanup(s.Close)
	return s.URL, fetch.Client{Transport: s.Client().Transport}
}

func TestGet(t *testing.T) {
	t.Parallel()
	address, client := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Error("a credential was sent")
		}
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/install.yaml", http.StatusFound)
			return
		}
		fmt.Fprint(w, "kind: ConfigMap\n")
	})
	for _, path := range []string{"/install.yaml", "/moved"} {
		data, err := client.Get(t.Context(), address+path, 1<<20)
		if err != nil || string(data) != "kind: ConfigMap\n" {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "kind: ConfigMap\n") }))
	t.Cleanup(plain.Close)
	address, client := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!DOCTYPE html>")
		case "/long": // its length is not said before
			for range 100 {
				fmt.Fprint(w, strings.Repeat("x", 100))
				w.(http.Flusher).Flush()
			}
		case "/announced":
			w.Header().Set("Content-Length", "1000000")
			w.WriteHeader(http.StatusOK)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		case "/down":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case "/login":
			http.Redirect(w, r, "https://user:pass@"+r.Host+"/", http.StatusFound)
		default:
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}
	})
	for _, c := range []struct{ address, want string }{
		{address + "/missing", "404 Not Found"},
		{address + "/page", "web page"},
		{address + "/long", "larger than"},
		{address + "/announced", "larger than"},
		{address + "/cut", "breaks off after 4 bytes"},
		{address + "/down", "only https is"},
		{address + "/login", "holds a login"},
		{address + "/loop", "redirects"},
		{plain.URL, "only https is"},
		{"file:///etc/passwd", "only https is"},
		{"https://user:secret@example.com/x", "holds a login"},
		{"https:///x", "names no host"},
		{"https://%zz", "read the address"},
	} {
		data, err := client.Get(t.Context(), c.address, 1000)
		if err == nil || !strings.Contains(err.Error(), c.want) || data != nil && !strings.Contains(c.address, "/cut") {
			t.Errorf("%s: %q, %v; want an error with %q", c.address, data, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: the password is shown: %v", c.address, err)
		}
	}
}
