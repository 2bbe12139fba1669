// Package fetch gets one file from the web: the official manifests of a
// version, for strake vendor and for nothing else.
//
// It must never send a credential, speak anything but HTTPS, follow a redirect
// to anything else, read without a bound, or decide what a file is good for.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	// timeout is for the whole exchange: the largest manifests come to 12 MB.
	timeout = 2 * time.Minute
	// redirects are how many hops a download may take: a release of GitHub takes
	// one.
	redirects = 5
)

// Client fetches. The zero value uses the machine's proxy settings and
// certificates; tests hand in a transport of their own.
type Client struct {
	Transport http.RoundTripper
}

// Get reads what stands at an address, at most limit bytes of it. More than that
// is an error, as is every answer but 200: half a file is no file.
func (c Client) Get(ctx context.Context, address string, limit int64) (data []byte, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	if err := permitted(u); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", address, err)
	}
	client := http.Client{Transport: c.Transport, CheckRedirect: follow}
	answer, err := client.Do(request) // its error names the method and the address
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: the server answers %s", address, answer.Status)
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind == "text/html" {
		return nil, fmt.Errorf("get %s: it is a web page, not a file of manifests: name the raw file", address)
	}
	if answer.ContentLength > limit {
		return nil, tooLarge(address, limit)
	}
	data, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("get %s: it breaks off after %d bytes: %w", address, len(data), err)
	case int64(len(data)) > limit:
		return nil, tooLarge(address, limit)
	}
	return data, nil
}

func tooLarge(address string, limit int64) error {
	return fmt.Errorf("get %s: it is larger than %d MiB", address, limit>>20)
}

// follow allows a redirect that could have been the address itself.
func follow(next *http.Request, before []*http.Request) error {
	if len(before) > redirects {
		return fmt.Errorf("more than %d redirects", redirects)
	}
	return permitted(next.URL)
}

// permitted refuses what could be read or changed on the way, and a password
// that would end up in the record.
func permitted(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return fmt.Errorf("%s is not fetched: only https is", u.Redacted())
	case u.Host == "":
		return fmt.Errorf("%s names no host", u.Redacted())
	case u.User != nil:
		return fmt.Errorf("%s holds a login: download the file and name it instead", u.Redacted())
	}
	return nil
}
