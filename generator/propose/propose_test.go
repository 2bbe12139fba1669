package propose

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"strake/e2e/github"
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
	before := f.Writes()
	out := run(t, f, p)
	if wrote := f.Writes() - before; out.Operation != want || wrote != 0 {
		t.Fatalf("got %v with %d writes, want %s and none", out, wrote, want)
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
	f.ok(f.Merge(1))
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
	first := f.head("strake/dev")
	f.ok(f.EditPull(1, func(title, body string) (string, string) { return title, body + "\nPlease merge after lunch." }))
	out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"}))
	if out.Operation != Updated || out.Number != 1 {
		t.Fatalf("got %v", out)
	}
	if kept, err := f.Contains("strake/dev", first); err != nil || !kept {
		t.Errorf("the earlier commit is gone: reviews are lost (%v)", err)
	}
	if body := f.pull(1).Body; !strings.Contains(body, "digest=d2") || !strings.HasSuffix(body, "after lunch.") {
		t.Errorf("body:\n%s", body)
	}
}

func TestBaseMoved(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
	run(t, f, p)
	f.push("main", "alice", map[string]string{"docs.md": "new"})
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
	f.push("main", "alice", map[string]string{"overlays/dev/a.yaml": "a"})
	if out := run(t, f, p); out.Operation != Closed || f.pull(1).Open || f.head("strake/dev") != "" || len(f.pull(1).Comments) != 1 {
		t.Fatalf("got %v, %+v", out, f.pull(1))
	}
	quiet(t, f, p, Unchanged)
}

func TestPeopleComeFirst(t *testing.T) {
	t.Parallel()
	t.Run("a commit that is not ours", func(t *testing.T) {
		t.Parallel()
		f := newForge(t, nil)
		run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
		f.push("strake/dev", "bob", map[string]string{"overlays/dev/a.yaml": "by hand"})
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
		f.ok(f.ClosePull(1))
		quiet(t, f, p, Declined)
		if out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"})); out.Operation != Created || out.Number != 2 {
			t.Errorf("a new proposal: got %v", out)
		}
	})
	t.Run("a fork's branch of the same name", func(t *testing.T) {
		t.Parallel()
		f := newForge(t, nil)
		if n, err := f.OpenFromFork("mallory", "strake/dev", "main", "dev: render", map[string]string{"overlays/dev/a.yaml": "a"}); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if out := run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})); out.Operation != Created || out.Number != 2 {
			t.Errorf("got %v", out)
		}
	})
}

func TestBranchLeftOverFromAMerge(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	run(t, f, proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"}))
	f.ok(f.Merge(1))
	out := run(t, f, proposal("d2", map[string]string{"overlays/dev/a.yaml": "b"}))
	if out.Operation != Created || out.Number != 2 {
		t.Fatalf("got %v", out)
	}
	if parents, err := f.Parents(f.head("strake/dev")); err != nil || len(parents) != 1 || parents[0] != f.head("main") {
		t.Errorf("the branch does not start from base: %v %v", parents, err)
	}
}

// TestCrashAfterEachWrite stops GitHub after each single write, or loses the
// answer to it; the next run must finish what the first began, and a third must
// find nothing to do.
func TestCrashAfterEachWrite(t *testing.T) {
	t.Parallel()
	for stop := range 16 {
		scratch, lost, allowed := stop%2 == 1, stop >= 8, stop%8/2
		t.Run(fmt.Sprintf("scratch=%v lost=%v after %d", scratch, lost, allowed), func(t *testing.T) {
			t.Parallel()
			f := newForge(t, nil)
			if !scratch {
				run(t, f, proposal("d0", map[string]string{"overlays/dev/a.yaml": "0"}))
			}
			start := f.Writes()
			f.Before(func(r *http.Request) *github.Fault {
				if r.Method != http.MethodGet && f.Writes()-start >= allowed {
					return &github.Fault{Code: http.StatusBadGateway, Message: "crash", AfterDoing: lost && f.Writes()-start == allowed}
				}
				return nil
			})
			p := proposal("d1", map[string]string{"overlays/dev/a.yaml": "a"})
			_, err := f.client(t).Run(context.Background(), []Proposal{p})
			if err == nil && allowed < 3 {
				t.Fatal("the crash did not show")
			}
			f.Before(nil)
			run(t, f, p)
			quiet(t, f, p, Unchanged)
			pulls, err := f.Pulls()
			if f.files("strake/dev")["overlays/dev/a.yaml"] != "a" || err != nil || len(pulls) != 1 || !pulls[0].Open {
				t.Errorf("%v %+v %v", f.files("strake/dev"), pulls, err)
			}
		})
	}
}

// TestLostRaceIsPlannedAgain has a second run of propose overtake the first one
// at each step where it can.
func TestLostRaceIsPlannedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, part string
		before, other      string // digest and content; "" is none
		want               Operation
	}{
		{"moving the branch", http.MethodPatch, "git/refs", "1", "3", Updated},
		{"creating the branch", http.MethodPost, "git/refs", "", "3", Updated},
		{"creating the branch for the same", http.MethodPost, "git/refs", "", "2", Unchanged},
		{"opening the pull request", http.MethodPost, "/pulls", "", "3", Updated},
		{"opening the same pull request", http.MethodPost, "/pulls", "", "2", Unchanged},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t, nil)
			of := func(content string) Proposal {
				return proposal("d"+content, map[string]string{"overlays/dev/a.yaml": content})
			}
			if test.before != "" {
				run(t, f, of(test.before))
			}
			raced := f.once(test.method, test.part, func() { run(t, f, of(test.other)) })
			if out := run(t, f, of("2")); out.Operation != test.want || out.Number != 1 || !*raced {
				t.Fatalf("got %v, raced: %v", out, *raced)
			}
			if f.files("strake/dev")["overlays/dev/a.yaml"] != "2" || !strings.Contains(f.pull(1).Body, "digest=d2") {
				t.Errorf("got %v %+v", f.files("strake/dev"), f.pull(1))
			}
			quiet(t, f, of("2"), Unchanged)
		})
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
			f.Before(func(r *http.Request) *github.Fault {
				if r.Method == test.method {
					return &github.Fault{Code: test.code, Message: test.message}
				}
				return nil
			})
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
	f.Before(func(*http.Request) *github.Fault {
		if failures > 0 {
			failures--
			return &github.Fault{Code: http.StatusBadGateway, Message: "try later"}
		}
		return nil
	})
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
