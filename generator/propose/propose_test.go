package propose

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func proposal(digest string, files map[string]string, deleted ...string) Proposal {
	p := Proposal{
		Environment: "dev", Branch: "strake/dev", Digest: digest, Title: "dev: render",
		Body: "<!-- strake env=dev digest=" + digest + " -->\ntext\n" + EndMarker,
	}
	for path, text := range files {
		p.Changes = append(p.Changes, Change{Path: path, Data: []byte(text)})
	}
	for _, path := range deleted {
		p.Changes = append(p.Changes, Change{Path: path, Delete: true})
	}
	slices.SortFunc(p.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return p
}

func run(t *testing.T, f *forge, p Proposal) Outcome {
	t.Helper()
	outcomes, err := f.client(t).Run(context.Background(), []Proposal{p})
	if err != nil {
		t.Fatal(err)
	}
	return outcomes[0]
}

// quiet proves that a run writes nothing.
func quiet(t *testing.T, f *forge, p Proposal, want Operation) Outcome {
	t.Helper()
	before := f.writes
	out := run(t, f, p)
	if out.Operation != want || f.writes != before {
		t.Fatalf("got %v with %d writes, want %s and none", out, f.writes-before, want)
	}
	return out
}

func TestCreateThenNothing(t *testing.T) {
	t.Parallel()
	f := newForge(t, map[string]string{"README.md": "mine", "overlays/dev/old.yaml": "old"})
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a", "environments/dev/effective.yaml": "e"}, "overlays/dev/old.yaml")
	out := run(t, f, p)
	if out.Operation != Created || out.Number != 1 {
		t.Fatalf("got %v", out)
	}
	want := map[string]string{"README.md": "mine", "overlays/dev/a.yaml": "a", "environments/dev/effective.yaml": "e"}
	if diff := cmp.Diff(want, f.files("strake/dev")); diff != "" {
		t.Errorf("branch (-want +got):\n%s", diff)
	}
	quiet(t, f, p, Unchanged)
	f.merge(1)
	quiet(t, f, p, Unchanged)
}

func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	p := proposal("d1", map[string]string{"overlays/dev/x.bin": "\xff\x00\xfe"})
	run(t, f, p)
	if got := f.files("strake/dev")["overlays/dev/x.bin"]; got != "\xff\x00\xfe" {
		t.Errorf("got %q", got)
	}
	quiet(t, f, p, Unchanged)
}

func TestUpdateKeepsReviewsAndText(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
	first := f.refs["strake/dev"]
	f.pulls[0].Body += "\nPlease merge after lunch."
	out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"}))
	if out.Operation != Updated || out.Number != 1 {
		t.Fatalf("got %v", out)
	}
	seen := map[string]bool{}
	f.reach(f.refs["strake/dev"], seen)
	if !seen[first] {
		t.Error("the earlier commit is gone: reviews are lost")
	}
	if !strings.Contains(f.pulls[0].Body, "digest=d2") || !strings.HasSuffix(f.pulls[0].Body, "after lunch.") {
		t.Errorf("body:\n%s", f.pulls[0].Body)
	}
}

func TestBaseMoved(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
	run(t, f, p)
	f.change("main", "alice", map[string]string{"docs.md": "new"})
	if out := run(t, f, p); out.Operation != Updated {
		t.Fatalf("got %v", out)
	}
	if f.files("strake/dev")["docs.md"] != "new" {
		t.Error("the branch lacks what base has")
	}
	quiet(t, f, p, Unchanged)
}

func TestNothingLeftClosesThePullRequest(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
	run(t, f, p)
	f.change("main", "alice", map[string]string{"overlays/dev/a.yaml": "a"})
	if out := run(t, f, p); out.Operation != Closed || f.pulls[0].State != "closed" || f.refs["strake/dev"] != "" || len(f.notes) != 1 {
		t.Fatalf("got %v, %+v, %v", out, f.pulls[0], f.notes)
	}
	quiet(t, f, p, Unchanged)
}

func TestPeopleComeFirst(t *testing.T) {
	t.Parallel()
	t.Run("a commit that is not ours", func(t *testing.T) {
		t.Parallel()
		f := newForge(t, nil)
		run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
		f.change("strake/dev", "bob", map[string]string{"overlays/dev/a.yaml": "by hand"})
		out := quiet(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"}), Blocked)
		if !strings.Contains(out.Reason, "by bob") {
			t.Errorf("reason: %s", out.Reason)
		}
	})
	t.Run("a proposal that was declined", func(t *testing.T) {
		t.Parallel()
		f := newForge(t, nil)
		p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
		run(t, f, p)
		f.pulls[0].State = "closed"
		quiet(t, f, p, Declined)
		if out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"})); out.Operation != Created || out.Number != 2 {
			t.Errorf("a new proposal: got %v", out)
		}
	})
	t.Run("a fork's branch of the same name", func(t *testing.T) {
		t.Parallel()
		f := newForge(t, nil)
		f.pulls = append(f.pulls, &forgePull{Number: 1, State: "open", Head: "strake/dev", Base: "main", Owner: "mallory"})
		if out := run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})); out.Operation != Created || out.Number != 2 {
			t.Errorf("got %v", out)
		}
	})
}

func TestBranchLeftOverFromAMerge(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
	f.merge(1)
	out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"}))
	if out.Operation != Created || out.Number != 2 {
		t.Fatalf("got %v", out)
	}
	if parents := f.commits[f.refs["strake/dev"]].parents; len(parents) != 1 || parents[0] != f.refs["main"] {
		t.Errorf("the branch does not start from base: %v", parents)
	}
}

// TestCrashAfterEachWrite stops GitHub after each single write; the next run
// must finish what the first began, and a third must find nothing to do.
func TestCrashAfterEachWrite(t *testing.T) {
	t.Parallel()
	for stop := range 8 {
		f := newForge(t, nil)
		run(t, f, proposal("d0", map[string]string{"overlays/dev/a.yaml": "0"}))
		if stop%2 == 1 { // from scratch, too
			f = newForge(t, nil)
		}
		start := f.writes
		f.before = func(r *http.Request, writes int) (int, string) {
			if r.Method != http.MethodGet && writes-start >= stop/2 {
				return http.StatusBadGateway, "crash"
			}
			return 0, ""
		}
		p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
		_, err := f.client(t).Run(context.Background(), []Proposal{p})
		if err == nil && stop/2 < 3 {
			t.Fatalf("stop %d: the crash did not show", stop)
		}
		f.before = nil
		run(t, f, p)
		quiet(t, f, p, Unchanged)
		if f.files("strake/dev")["overlays/dev/a.yaml"] != "a" || len(f.pulls) != 1 || f.pulls[0].State != "open" {
			t.Errorf("stop %d: %v %+v", stop, f.files("strake/dev"), f.pulls[0])
		}
	}
}

func TestLostRaceIsPlannedAgain(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
	raced := false
	f.before = func(r *http.Request, _ int) (int, string) {
		if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "git/refs") && !raced {
			raced = true
			return http.StatusUnprocessableEntity, "Update is not a fast forward"
		}
		return 0, ""
	}
	if out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"})); out.Operation != Updated || !raced {
		t.Fatalf("got %v", out)
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		code    int
		message string
		method  string
		want    string
	}{
		{"bad token", 401, "Bad credentials", "GET", "the token in GITHUB_TOKEN is not valid"},
		{"no pull requests allowed", 403, "GitHub Actions is not permitted to create or approve pull requests.", "POST", "Settings > Actions > General"},
		{"no permission", 403, "Resource not accessible by integration", "POST", "permissions: {contents: write"},
		{"branch rule", 409, "Repository rule violations found", "POST", "forbids the write"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t, nil)
			f.before = func(r *http.Request, _ int) (int, string) {
				if r.Method == test.method {
					return test.code, test.message
				}
				return 0, ""
			}
			_, err := f.client(t).Run(context.Background(), []Proposal{proposal("d1", map[string]string{"a": "a"})})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTokenStaysAtItsOrigin(t *testing.T) {
	t.Parallel()
	other := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		other <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer elsewhere.Close()
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer here.Close()
	c, err := New(Config{Repository: "example/mlops", Base: "main", APIURL: here.URL, Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(context.Background(), []Proposal{proposal("d", nil)}); err == nil {
		t.Error("a redirect to nowhere passed")
	}
	if got := <-other; got != "" {
		t.Errorf("the token left for another host: %q", got)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{Repository: "mlops", APIURL: "https://api.github.com", Token: "x"},
		{Repository: "a/b/c", APIURL: "https://api.github.com", Token: "x"},
		{Repository: "a/b", APIURL: "https://api.github.com"},
		{Repository: "a/b", APIURL: "http://api.github.com", Token: "x"},
		{Repository: "a/b", APIURL: "", Token: "x"},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("New(%+v) = %v", c, err)
		}
	}
}

func TestReadsAreRepeatedAndCancelled(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	failures := 2
	f.before = func(*http.Request, int) (int, string) {
		if failures > 0 {
			failures--
			return http.StatusBadGateway, "try later"
		}
		return 0, ""
	}
	c := f.client(t)
	var waited []time.Duration
	c.sleep = func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}
	if _, err := c.Run(context.Background(), []Proposal{proposal("d1", map[string]string{"a": "a"})}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, waited); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Run(ctx, []Proposal{proposal("d2", map[string]string{"a": "b"})}); err == nil {
		t.Error("a cancelled run passed")
	}
}
