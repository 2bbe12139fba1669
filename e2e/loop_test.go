//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"strake/e2e/github"
	"strake/e2e/harness"
)

// TestLoop goes the whole way of a change: spec, strake propose, pull request,
// merge, Argo CD, cluster. Two environments follow the same branch of the same
// repository, each with an Argo CD of its own, and move one after the other.
func TestLoop(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	// No pods are needed to see what is stored. The Argo CDs are told of commits,
	// as by a webhook.
	dev := newSite(t, "loop-dev", "dev", harness.Parts{}, 3*time.Minute, h)
	prod := newSite(t, "loop-prod", "prod", harness.Parts{}, 3*time.Minute, h)
	first := h.run(t, h.clone, "rev-parse", "HEAD")
	both := make(chan error)
	go func() { both <- dev.deliver(t, first, false) }()
	if err := errors.Join(prod.deliver(t, first, false), <-both); err != nil {
		t.Fatal(err)
	}
	proves(t, "strake, GitHub, Argo CD", "spec, propose, pull request, merge, cluster: one environment moves while the other does not")

	old, new := fact{dataset: "btcusd", version: "v3.7.18"}, fact{dataset: "ethusd", version: "v3.7.19"}
	h.replace(t, "environments/tenants/forecasting.yaml", "BIGQUERY_DATASET_NAME: "+old.dataset, "BIGQUERY_DATASET_NAME: "+new.dataset)
	for _, env := range environments(t) {
		h.replace(t, "environments/releases/"+env+".yaml", "workflows: "+old.version, "workflows: "+new.version)
	}
	pending := h.merge(t, "an upgrade and another data set, for every environment")
	stays(t, dev, pending, "a change of the spec that no environment has rendered", func() {})
	stays(t, prod, pending, "a change of the spec that no environment has rendered", func() {})

	pulls := opened(t, h)
	quiet(t, h, "the same proposals again")

	stays(t, prod, "", "the merge of dev's pull request", func() {
		moves(t, dev, pulls["dev"], old, new)
	})
	stays(t, dev, "", "the merge of prod's pull request", func() {
		moves(t, prod, pulls["prod"], old, new)
	})

	// The last environment closes the round: nothing is left to propose, and
	// what is on main is in good order.
	h.pull(t)
	if _, err := h.propose(); err != nil {
		t.Fatal(err)
	}
	if err := h.Merge(pulls["staging"].Number); err != nil {
		t.Fatal(err)
	}
	h.pull(t)
	quiet(t, h, "after all were merged")
	if out, err := strake(h.clone, nil, "check"); err != nil {
		t.Errorf("main is not clean after the round: %v\n%s", err, out)
	}
	testInPlace(t, prod)
}

// fact is what the change is about, as the clusters show it.
type fact struct{ dataset, version string }

func (f fact) in(s *site) error {
	dataset, err := s.value(shared.ctx, object("v1", "ConfigMap", "forecasting", "app-config"), "data", "BIGQUERY_DATASET_NAME")
	if err != nil {
		return err
	}
	controller, err := s.Get(shared.ctx, object("apps/v1", "Deployment", "argo", "workflow-controller"))
	if err != nil {
		return err
	}
	containers, _, err := unstructured.NestedSlice(controller.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		return fmt.Errorf("workflow-controller has %d containers (%w)", len(containers), err)
	}
	image, _ := containers[0].(map[string]any)["image"].(string)
	if dataset != f.dataset || !strings.HasSuffix(image, ":"+f.version) {
		return fmt.Errorf("%s has data set %s and image %s, want %s and %s", s.env, dataset, image, f.dataset, f.version)
	}
	return nil
}

// propose runs the product against the stand-in.
func (h *hub) propose() (string, error) {
	out, err := strake(h.clone, []string{"GITHUB_API_URL=" + h.api, "GITHUB_TOKEN=" + robotToken}, "propose")
	return string(out), err
}

// opened proposes and returns the pull requests by environment, each of which
// concerns its environment only.
func opened(t *testing.T, h *hub) map[string]github.Pull {
	t.Helper()
	defer took(t, "propose", time.Now())
	out, err := h.propose()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("strake propose:\n%s", out)
	list, err := h.Pulls()
	if err != nil {
		t.Fatal(err)
	}
	main, err := h.Files("main")
	if err != nil {
		t.Fatal(err)
	}
	pulls := map[string]github.Pull{}
	for _, p := range list {
		env := strings.TrimPrefix(p.Head, "strake/")
		pulls[env] = p
		if !p.Open || p.Base != "main" || p.Author != "strake[bot]" || !strings.HasPrefix(p.Title, env+": ") || !strings.Contains(out, fmt.Sprintf("%s: created pull request #%d", env, p.Number)) {
			t.Errorf("pull request of %s: %+v", env, p)
		}
		files, err := h.Files(p.HeadSHA)
		if err != nil {
			t.Fatal(err)
		}
		for _, whose := range environments(t) {
			if err := concerns(whose, main, files); (err == nil) != (whose == env) {
				t.Errorf("pull request of %s, held against %s: %v", env, whose, err)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(pulls)); !slices.Equal(got, []string{"dev", "prod", "staging"}) || len(list) != 3 {
		t.Fatalf("pull requests of %v, %d in all", got, len(list))
	}
	return pulls
}

// concerns holds a pull request to its environment: it changes that one's own
// directories, adds base directories and touches none that is there.
func concerns(env string, before, after map[string]string) error {
	own, bases := 0, 0
	for path := range before {
		if _, kept := after[path]; !kept && !strings.HasPrefix(path, "overlays/"+env+"/") {
			return fmt.Errorf("it deletes %s", path)
		}
	}
	for path, data := range after {
		was, existed := before[path]
		switch {
		case existed && was == data:
		case strings.HasPrefix(path, "environments/"+env+"/"), strings.HasPrefix(path, "overlays/"+env+"/"):
			own++
		case strings.HasPrefix(path, "base/") && !existed:
			bases++
		default:
			return fmt.Errorf("it writes %s", path)
		}
	}
	if own == 0 || bases == 0 {
		return fmt.Errorf("it writes %d files of its own and %d of new bases, want some of both", own, bases)
	}
	return nil
}

// quiet proposes once more, which must write nothing.
func quiet(t *testing.T, h *hub, when string) {
	t.Helper()
	defer took(t, "propose, "+when, time.Now())
	before := h.Writes()
	out, err := h.propose()
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if wrote := h.Writes() - before; wrote != 0 || strings.Count(out, ": unchanged") != 3 {
		t.Errorf("%s: %d writes, want none\n%s", when, wrote, out)
	}
}

// stays does something and holds a cluster to not being touched by it, though
// its Argo CD follows main. The revision is main's when it is not given.
func stays(t *testing.T, s *site, revision, what string, do func()) {
	t.Helper()
	before, err := s.snapshot(shared.ctx)
	if err != nil {
		t.Fatal(err)
	}
	do()
	defer took(t, s.env+" stays", time.Now())
	if revision == "" {
		if revision, err = s.hub.Head("main"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Refresh(shared.ctx, false, s.apps...); err != nil {
		t.Fatal(err)
	}
	if err := s.delivered(revision, false, s.apps...); err != nil {
		t.Fatalf("%s after %s: %v", s.env, what, err)
	}
	if err := s.unmoved(shared.ctx, before); err != nil {
		t.Errorf("%s was moved by %s:\n%v", s.env, what, err)
	}
}

// moves merges an environment's pull request, as a person does, and waits until
// the cluster is as it says.
func moves(t *testing.T, s *site, pull github.Pull, old, new fact) {
	t.Helper()
	defer took(t, s.env+" moves", time.Now())
	if err := old.in(s); err != nil {
		t.Errorf("before the merge: %v", err)
	}
	if err := s.hub.Merge(pull.Number); err != nil {
		t.Fatal(err)
	}
	head, err := s.hub.Head("main")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(shared.ctx, false, s.apps...); err != nil {
		t.Fatal(err)
	}
	if err := s.delivered(head, false, s.apps...); err != nil {
		t.Fatalf("%s after the merge: %v", s.env, err)
	}
	if err := new.in(s); err != nil {
		t.Errorf("after the merge: %v", err)
	}
}

// took notes how long a step was.
func took(t *testing.T, step string, began time.Time) {
	t.Helper()
	t.Logf("%s: %.1f s", step, time.Since(began).Seconds())
}

// testInPlace is the proof that a moved environment is seen: it breaks the rule
// that makes the loop safe, a base is never edited.
func testInPlace(t *testing.T, s *site) {
	t.Helper()
	files, err := s.hub.Files("main")
	if err != nil {
		t.Fatal(err)
	}
	var path string
	for name := range files {
		if strings.HasPrefix(name, "base/argo-workflows/v3.7.19-") && strings.HasSuffix(name, "/argo-server.service.yaml") {
			path = name
		}
	}
	before, err := s.snapshot(shared.ctx)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(files[path], "port: 2746", "port: 2747", 1)
	if edited == files[path] {
		t.Fatalf("%q holds no port to change", path)
	}
	head, err := s.hub.Push("main", "person", map[string]string{path: edited})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(shared.ctx, false, s.apps...); err != nil {
		t.Fatal(err)
	}
	if err := s.delivered(head, false, s.apps...); err != nil {
		t.Fatal(err)
	}
	want := s.env + ": Service argo argo-server was written:"
	if err := s.unmoved(shared.ctx, before); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("after a base was edited in place: %v, want %q", err, want)
	}
}
