package propose

import (
	"net/http"
	"strings"
	"testing"

	"strake/e2e/github"
)

// forge is the stand-in for GitHub with a private repository, and a token that
// may do what docs/github-actions.md asks for and nothing else.
type forge struct {
	*github.Server
	t   *testing.T
	url string
}

// newForge has a repository with these files on main. A request that the
// stand-in does not know fails the test.
func newForge(t *testing.T, files map[string]string) *forge {
	t.Helper()
	return newForgeWith(t, github.Config{Files: files})
}

func newForgeWith(t *testing.T, c github.Config) *forge {
	t.Helper()
	c.Dir, c.Owner, c.Name, c.Private = t.TempDir(), "example", "mlops", true
	if c.Files == nil {
		c.Files = map[string]string{"README.md": "mine"}
	}
	if c.Tokens == nil {
		c.Tokens = map[string]github.Token{"t0ken": {
			Login: "strake[bot]", Kind: github.App,
			Permissions: map[string]github.Access{"contents": github.Write, "pull_requests": github.Write},
		}}
	}
	s, err := github.New(c)
	if err != nil {
		t.Fatal(err)
	}
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forge{Server: s, t: t, url: url}
	t.Cleanup(func() {
		for _, r := range s.Unknown() {
			t.Errorf("unknown or failed request: %+v", r)
		}
		f.ok(s.Close())
	})
	return f
}

func (f *forge) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *forge) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(Config{Repository: "example/mlops", Base: "main", APIURL: f.url, Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// files is what a branch holds.
func (f *forge) files(branch string) map[string]string {
	f.t.Helper()
	files, err := f.Files(branch)
	f.ok(err)
	return files
}

func (f *forge) head(branch string) string {
	f.t.Helper()
	sha, err := f.Head(branch)
	f.ok(err)
	return sha
}

// push commits files to a branch as a person would.
func (f *forge) push(branch, author string, files map[string]string) string {
	f.t.Helper()
	sha, err := f.Push(branch, author, files)
	f.ok(err)
	return sha
}

// pull returns a pull request.
func (f *forge) pull(number int) github.Pull {
	f.t.Helper()
	pulls, err := f.Pulls()
	f.ok(err)
	if number > len(pulls) {
		f.t.Fatalf("there is no pull request #%d", number)
	}
	return pulls[number-1]
}

// once does something ahead of the first request of a method whose path ends
// so, and reports whether it happened.
func (f *forge) once(method, part string, do func()) *bool {
	done := new(false)
	f.Before(func(r *http.Request) *github.Fault {
		if r.Method == method && strings.Contains(r.URL.Path, part) && !*done {
			*done = true
			do()
		}
		return nil
	})
	return done
}
